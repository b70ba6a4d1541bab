//! The threshold at which the pixels found overlap best with the mask of one image.
//!
//! Lowering a threshold below one anomalous score down to the next only adds false positives, so only scores of
//! anomalous pixels have to be tried. Between the lowest and the highest of them the image is counted into bins of
//! keys. At every bin's lower edge the overlap is known, which bounds the best one from below; a bin in which tp
//! anomalous pixels end and fp normal ones begin can reach tp / (A + fp) at most. Only the pixels of bins that may
//! reach the bound are looked at one by one, and the result is exact.

use pimo_frame::{Frame, RowScratch, RowVisitor, Sample};

use crate::region::stretches;
use crate::{OrderedKey, Regions};

/// Bins between the lowest and the highest anomalous score.
const BINS: usize = 1 << 12;

/// The best intersection over union that one threshold reaches on an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestIou {
    /// Anomalous pixels at or above the threshold.
    pub intersection: u64,
    /// Pixels that are anomalous or at or above the threshold.
    pub union: u64,
    /// The highest score that reaches it.
    pub threshold: f64,
}

impl BestIou {
    /// Intersection over union.
    pub fn iou(&self) -> f64 {
        self.intersection as f64 / self.union as f64
    }

    fn is_above(&self, other: &Self) -> bool {
        is_above((self.intersection, self.union), (other.intersection, other.union))
    }
}

/// Whether one ratio is larger than another.
fn is_above(a: (u64, u64), b: (u64, u64)) -> bool {
    u128::from(a.0) * u128::from(b.1) > u128::from(b.0) * u128::from(a.1)
}

/// A score below which no threshold reaches the best overlap of an image, told by the pixels between descending
/// `thresholds`: `[normal, anomalous]` at or above each and below the one before. Negative infinity where they tell
/// nothing.
///
/// With `anomalous` anomalous pixels in all, a threshold at which FP normal ones are found reaches anomalous /
/// (anomalous + FP) at most, and FP never falls as thresholds do.
pub fn floor_of_best_iou(thresholds: &[f64], cells: &[[u64; 2]], anomalous: u64) -> f64 {
    let counts = cells.iter().scan((0, 0), |(tp, fp), [normal, positive]| {
        *tp += positive;
        *fp += normal;
        Some((*tp, anomalous + *fp))
    });
    let best = counts.clone().fold((0, 1), |best, here| if is_above(here, best) { here } else { best });
    let hopeless = |(_, union): (u64, u64)| is_above(best, (anomalous, union));
    let index = counts.zip(thresholds).find(|(here, _)| hopeless(*here));
    index.map_or(f64::NEG_INFINITY, |(_, threshold)| *threshold)
}

/// Finds the best overlap of image after image, keeping its memory: 256 KiB, and the pixels of one image that may
/// decide its result, which is a small part of them unless they are nearly all alike.
#[derive(Clone, Debug)]
pub struct BestIouFinder<K: OrderedKey> {
    positives: Vec<u64>,
    negatives: Vec<u64>,
    wanted: Vec<bool>,
    pixels: Vec<(K, bool)>,
}

impl<K: OrderedKey> Default for BestIouFinder<K> {
    fn default() -> Self {
        Self { positives: vec![0; BINS], negatives: vec![0; BINS], wanted: vec![false; BINS], pixels: Vec::new() }
    }
}

impl<K: OrderedKey + Into<u64>> BestIouFinder<K> {
    /// The best overlap of a frame with its mask, whose regions these are; `None` if nothing is anomalous.
    ///
    /// Where it is known that no threshold below some score is best (see [`floor_of_best_iou`]), that `floor` spares
    /// looking at the pixels below it, which are most; negative infinity says that nothing is known. `row_largest` has
    /// for each row a score that none of it exceeds; a row without is looked at.
    pub fn find(
        &mut self,
        frame: &Frame,
        regions: &Regions,
        floor: f64,
        row_largest: &[f64],
        scratch: &mut RowScratch,
    ) -> Option<BestIou> {
        let mut range = Range::<K> { regions, lowest: u64::MAX, highest: 0, key: std::marker::PhantomData };
        frame.visit_rows(scratch, &mut range);
        let lowest = if floor.is_finite() { range.lowest.max(K::of(floor).into()) } else { range.lowest };
        let highest = range.highest;
        if lowest > highest {
            return None;
        }
        let shift = (u64::BITS - (highest - lowest).leading_zeros()).saturating_sub(BINS.ilog2());
        let axis = Axis { lowest, highest, shift };
        self.positives.fill(0);
        self.negatives.fill(0);
        let mut count = Count { finder: self, regions, row_largest, axis, above: 0 };
        frame.visit_rows(scratch, &mut count);
        let above = count.above;

        let anomalous = regions.regions().iter().map(|region| region.area).sum();
        let best = self.best_edge(axis, anomalous, above);
        if shift == 0 {
            return Some(best);
        }
        self.choose_bins(best, anomalous, above);
        self.pixels.clear();
        frame.visit_rows(scratch, &mut Collect { finder: self, regions, row_largest, axis });
        Some(self.best_score(axis, anomalous, above))
    }

    /// The bins from the highest down with the pixels above each: `(bin, tp, fp)`.
    fn descending(&self, above: u64) -> impl Iterator<Item = (usize, u64, u64)> {
        let mut counts = (0, above);
        (0..BINS).rev().map(move |bin| {
            let before = counts;
            counts = (counts.0 + self.positives[bin], counts.1 + self.negatives[bin]);
            (bin, before.0, before.1)
        })
    }

    /// The best overlap at the lower edge of a bin.
    fn best_edge(&self, axis: Axis, anomalous: u64, above: u64) -> BestIou {
        let mut best = BestIou { intersection: 0, union: anomalous, threshold: f64::INFINITY };
        for (bin, tp, fp) in self.descending(above).filter(|&(bin, ..)| self.positives[bin] > 0) {
            let edge = BestIou {
                intersection: tp + self.positives[bin],
                union: anomalous + fp + self.negatives[bin],
                threshold: score_of::<K>(axis.lowest + ((bin as u64) << axis.shift)),
            };
            if edge.is_above(&best) {
                best = edge;
            }
        }
        best
    }

    fn choose_bins(&mut self, best: BestIou, anomalous: u64, above: u64) {
        let mut wanted = std::mem::take(&mut self.wanted);
        for (bin, tp, fp) in self.descending(above) {
            let p = self.positives[bin];
            wanted[bin] = p > 0 && !is_above((best.intersection, best.union), (tp + p, anomalous + fp));
        }
        self.wanted = wanted;
    }

    /// The best overlap at a score of the collected pixels.
    fn best_score(&mut self, axis: Axis, anomalous: u64, above: u64) -> BestIou {
        self.pixels.sort_unstable_by(|a, b| b.cmp(a));
        let mut best = BestIou { intersection: 0, union: anomalous, threshold: f64::INFINITY };
        let bin_of = |pixel: &(K, bool)| axis.bin(pixel.0.into());
        let mut bins = self.descending(above);
        for pixels in self.pixels.chunk_by(|a, b| bin_of(a) == bin_of(b)) {
            let Some((_, mut tp, mut fp)) = bins.find(|&(bin, ..)| Some(bin) == bin_of(&pixels[0])) else {
                break;
            };
            for tied in pixels.chunk_by(|a, b| a.0 == b.0) {
                let positives = tied.iter().filter(|pixel| pixel.1).count() as u64;
                tp += positives;
                fp += tied.len() as u64 - positives;
                let here = BestIou { intersection: tp, union: anomalous + fp, threshold: tied[0].0.score() };
                if positives > 0 && here.is_above(&best) {
                    best = here;
                }
            }
        }
        best
    }
}

fn score_of<K: OrderedKey>(key: u64) -> f64 {
    K::join((key >> K::LOW_BITS) as usize, key & ((1 << K::LOW_BITS) - 1)).score()
}

/// Bins of 2^shift keys from `lowest` to `highest`.
#[derive(Clone, Copy)]
struct Axis {
    lowest: u64,
    highest: u64,
    shift: u32,
}

impl Axis {
    fn bin(self, key: u64) -> Option<usize> {
        (self.lowest..=self.highest).contains(&key).then(|| ((key - self.lowest) >> self.shift) as usize)
    }
}

/// Lowest and highest key of the anomalous pixels.
struct Range<'a, K> {
    regions: &'a Regions,
    lowest: u64,
    highest: u64,
    key: std::marker::PhantomData<K>,
}

impl<K: OrderedKey + Into<u64>> RowVisitor for Range<'_, K> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        for run in self.regions.row(y) {
            for &score in &row[run.start as usize..run.end as usize] {
                let key = K::of(score.to_f64()).into();
                self.lowest = self.lowest.min(key);
                self.highest = self.highest.max(key);
            }
        }
    }
}

/// Counts the pixels of both classes in the bins, and the normal ones above all of them.
struct Count<'a, K: OrderedKey> {
    finder: &'a mut BestIouFinder<K>,
    regions: &'a Regions,
    row_largest: &'a [f64],
    axis: Axis,
    above: u64,
}

impl<K: OrderedKey + Into<u64>> RowVisitor for Count<'_, K> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        let Self { finder, regions, row_largest, axis, above } = self;
        let lowest = score_of::<K>(axis.lowest);
        if row_largest.get(y).is_some_and(|&largest| largest < lowest) {
            return;
        }
        let lowest = S::at_least(lowest);
        stretches(row, regions.row(y), |scores, anomalous| {
            let bins = if anomalous { &mut finder.positives } else { &mut finder.negatives };
            // Most pixels lie below, and asking a block at a time is cheap.
            for block in scores.chunks(128) {
                if S::count_at_least(block, lowest) == 0 {
                    continue;
                }
                for score in block {
                    let key = K::of(score.to_f64()).into();
                    match axis.bin(key) {
                        Some(bin) => bins[bin] += 1,
                        None => *above += u64::from(key > axis.highest),
                    }
                }
            }
        });
    }
}

/// Collects the pixels of the bins that are wanted.
struct Collect<'a, K: OrderedKey> {
    finder: &'a mut BestIouFinder<K>,
    regions: &'a Regions,
    row_largest: &'a [f64],
    axis: Axis,
}

impl<K: OrderedKey + Into<u64>> RowVisitor for Collect<'_, K> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        let Self { finder, regions, row_largest, axis } = self;
        let lowest = score_of::<K>(axis.lowest);
        if row_largest.get(y).is_some_and(|&largest| largest < lowest) {
            return;
        }
        let lowest = S::at_least(lowest);
        stretches(row, regions.row(y), |scores, anomalous| {
            for block in scores.chunks(128) {
                if S::count_at_least(block, lowest) == 0 {
                    continue;
                }
                for score in block {
                    let key = K::of(score.to_f64());
                    if axis.bin(key.into()).is_some_and(|bin| finder.wanted[bin]) {
                        finder.pixels.push((key, anomalous));
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use pimo_frame::{Mask, Scores, Size};
    use proptest::prelude::*;

    use super::*;
    use crate::Connectivity;

    /// Tries every score.
    fn brute(scores: &[f64], anomalous: &[bool]) -> Option<BestIou> {
        let all = anomalous.iter().filter(|&&anomalous| anomalous).count() as u64;
        let mut thresholds = scores.to_vec();
        thresholds.sort_by(|a, b| b.total_cmp(a));
        let mut best: Option<BestIou> = None;
        for threshold in thresholds {
            let found = |wanted: bool| {
                scores.iter().zip(anomalous).filter(|(s, a)| **s >= threshold && **a == wanted).count() as u64
            };
            let here = BestIou { intersection: found(true), union: all + found(false), threshold };
            if all > 0 && best.is_none_or(|best| here.is_above(&best)) {
                best = Some(here);
            }
        }
        best
    }

    fn score() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => 0.0..1.0,
            4 => (0_u8..6).prop_map(|i| f64::from(i) / 5.0),
            3 => 27.0..28.5,
            1 => prop_oneof![Just(1e30), Just(-0.0), Just(1e-310), Just(-3.0)],
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_trying_every_score(
            pixels in proptest::collection::vec((score(), any::<u8>()), 1..300), density in 0_u8..120, width in 1_usize..90,
        ) {
            let width = width.min(pixels.len());
            let height = pixels.len() / width;
            let pixels = &pixels[..height * width];
            let size = Size::new(height as u32, width as u32);
            let anomalous: Vec<bool> = pixels.iter().map(|pixel| pixel.1 < density).collect();
            let mask = Arc::new(Mask::from_fn(size, |y, x| anomalous[y * width + x]));
            let regions = Regions::of(&mask, Connectivity::Eight);
            let double: Vec<f64> = pixels.iter().map(|pixel| pixel.0).collect();
            let single: Vec<f32> = double.iter().map(|&score| score as f32).collect();

            let expected = brute(&double, &anomalous);
            let frame = Frame::new(size, size, Scores::from_f64(double), Some(mask.clone())).unwrap();
            let found = BestIouFinder::<u64>::default().find(&frame, &regions, f64::NEG_INFINITY, &[], &mut RowScratch::default());
            prop_assert_eq!(found, expected);

            let expected = brute(&single.iter().map(|&score| f64::from(score)).collect::<Vec<_>>(), &anomalous);
            let frame = Frame::new(size, size, Scores::from_f32(single.clone()), Some(mask)).unwrap();
            let mut finder = BestIouFinder::<u32>::default();
            let mut scratch = RowScratch::default();
            let all = anomalous.iter().filter(|&&anomalous| anomalous).count() as u64;
            for grid in [&[][..], &[28.0, 0.9, 0.8, 0.5, 0.2][..], &[1e30, 0.6][..]] {
                let mut cells = crate::GridCells::new(grid, grid.len());
                let row_largest: Vec<f64> = single
                    .chunks_exact(width)
                    .map(|row| f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max)))
                    .collect();
                for row_largest in [&[], &row_largest[..]] {
                    let cells = cells.count(&frame, &regions, row_largest, &mut scratch);
                    let floor = floor_of_best_iou(grid, cells, all);
                    prop_assert_eq!(finder.find(&frame, &regions, floor, row_largest, &mut scratch), expected);
                }
            }
        }
    }
}
