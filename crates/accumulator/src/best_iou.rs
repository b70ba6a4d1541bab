//! The threshold at which the pixels found overlap best with the mask of one image.
//!
//! Lowering a threshold below one anomalous score down to the next only adds false positives, so only scores of
//! anomalous pixels have to be tried. Where pixels have been counted between thresholds, the overlap is known at these,
//! which bounds the best one from below; a cell between two in which tp anomalous pixels end and fp normal ones begin
//! can reach tp / (A + fp) at most. Only the pixels of cells that may reach the bound are looked at one by one, where
//! there are many after they have been counted in finer cells, and the result is exact.
//!
//! Mostly a grid that is counted anyway does for that, with the pixels it took out of the image. Where it says too
//! little of an image, or its pixels were too many to keep, the image is counted into bins of keys between its lowest
//! and its highest anomalous score.

use std::ops::Range;

use multiversion::multiversion;
use pimo_frame::{Frame, Mask, RowScratch, RowVisitor, Sample, Size};

use crate::high_blocks::{HighBlocks, Strip};
use crate::key::{key_of_score, score_of_key};
use crate::key_span::KeySpan;
use crate::{GridCells, HighPixels, Regions};

/// Bins between the lowest and the highest anomalous score: few enough for the cache next to the processor.
const BINS: usize = 1 << 11;
/// Behind the bins there are places for pixels above all of them, and then for those below. So many each, that
/// neighbours get different ones: it takes time until one that was added to can be added to again.
const OUTSIDE: usize = 16;
const ABOVE: usize = BINS;
const BELOW: usize = ABOVE + OUTSIDE;
const PLACES: usize = BELOW + OUTSIDE;
/// Pixels whose bins are found together.
const TOGETHER: usize = 128;
/// Pixels of which it is asked together whether any is to be collected.
const ASKED: usize = 32;

/// More contenders than these take longer to sort than to count into bins, which leave fewer of them.
const MANY: usize = if cfg!(test) { 50 } else { 1 << 12 };

/// Memory for one in `SPARE` of an image's pixels is kept for the next image.
const SPARE: u64 = 8;

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

/// What the grid of an image's pixels tells about it.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// The cells, of this image.
    pub cells: &'a GridCells,
    /// The pixels taken out of this image by the cells.
    pub high: &'a HighPixels,
}

/// Finds the best overlap of image after image, keeping its memory: 33 KiB, and the pixels of one image that may
/// decide its result, which is a small part of them unless they are nearly all alike.
#[derive(Clone, Debug)]
pub struct BestIouFinder {
    /// By falling keys, and the places behind them.
    bins: Vec<[u64; 2]>,
    normal: Vec<u64>,
    anomalous: Vec<u64>,
}

impl Default for BestIouFinder {
    fn default() -> Self {
        Self { bins: vec![[0; 2]; PLACES], normal: Vec::new(), anomalous: Vec::new() }
    }
}

impl BestIouFinder {
    /// The best overlap of a frame with its mask, whose regions these are; `None` if nothing is anomalous. What has
    /// been `counted` of the frame spares looking at most or all of it again.
    pub fn find(
        &mut self,
        frame: &Frame,
        regions: &Regions,
        counted: Option<Counted<'_>>,
        scratch: &mut RowScratch,
    ) -> Option<BestIou> {
        self.begin(frame.evaluated());
        let all = regions.regions().iter().map(|region| region.area).sum();
        let known = counted.and_then(|counted| Some((counted, Contenders::of_grid(counted.cells, all)?)));
        let contenders = match known {
            Some((counted, contenders)) if counted.high.is_whole() => {
                self.pick(counted.high, &contenders);
                contenders
            }
            _ => {
                let floor = known.map(|(_, contenders)| contenders.low);
                self.look(frame, regions, floor, all, scratch)?
            }
        };
        let contenders = self.narrow(contenders, all);
        Some(self.best_of(&contenders, all))
    }

    /// Resident bytes that pixels of images up to this size may take.
    pub fn bytes(size: Size) -> u64 {
        // What an image needs in vectors that double as they grow, and what is left of those before.
        (2 * size.pixels() + size.pixels() / SPARE + 16) * size_of::<u64>() as u64
    }

    /// Forgets the pixels of the image before; their memory too where it was much, since the next image may need it for
    /// those of the other class.
    fn begin(&mut self, size: Size) {
        for keys in [&mut self.normal, &mut self.anomalous] {
            keys.clear();
            if keys.capacity() as u64 > size.pixels() / SPARE / 2 {
                *keys = Vec::new();
            }
        }
    }

    /// Takes contenders from the pixels of a grid.
    fn pick(&mut self, high: &HighPixels, contenders: &Contenders) {
        let [normal, anomalous] = high.keys();
        for (from, to) in [(normal, &mut self.normal), (anomalous, &mut self.anomalous)] {
            to.extend(from.iter().filter(|key| contenders.contain(**key)));
        }
    }

    /// Takes contenders from the image itself, where no threshold below the one with key `floor` is best.
    fn look(
        &mut self,
        frame: &Frame,
        regions: &Regions,
        floor: Option<u64>,
        all: u64,
        scratch: &mut RowScratch,
    ) -> Option<Contenders> {
        let mut range = Extent { regions, lowest: u64::MAX, highest: 0 };
        frame.visit_rows(scratch, &mut range);
        let (lowest, highest) = (range.lowest.max(floor.unwrap_or(0)), range.highest);
        if lowest > highest {
            return None;
        }
        let axis = Axis::new(lowest, highest);
        self.bins.fill([0; 2]);
        let mut count = Count { bins: &mut self.bins, regions, axis, blocks: HighBlocks::default() };
        frame.visit_rows(scratch, &mut count);
        let contenders = Contenders::of_bins(&self.bins, axis, [0, 0], all)?;
        frame.visit_rows(scratch, &mut Collect { finder: self, regions, contenders, blocks: HighBlocks::default() });
        Some(contenders)
    }

    /// Counts contenders that are many into bins and leaves out those that turn out to be none, as long as that leaves out
    /// half of them.
    fn narrow(&mut self, mut contenders: Contenders, all: u64) -> Contenders {
        let mut before = usize::MAX;
        while self.pixels() > MANY && self.pixels() <= before / 2 {
            before = self.pixels();
            let Some(fewer) = self.contenders_in_bins(&contenders, all) else { break };
            self.normal.retain(|&key| fewer.contain(key));
            self.anomalous.retain(|&key| fewer.contain(key));
            contenders = fewer;
        }
        contenders
    }

    /// Counts the contenders into bins between the lowest and the highest anomalous one.
    fn contenders_in_bins(&mut self, contenders: &Contenders, all: u64) -> Option<Contenders> {
        let axis = Axis::new(*self.anomalous.iter().min()?, *self.anomalous.iter().max()?);
        self.bins.fill([0; 2]);
        for (class, keys) in [&self.normal, &self.anomalous].into_iter().enumerate() {
            for &key in keys {
                self.bins[axis.place(key)][class] += 1;
            }
        }
        Contenders::of_bins(&self.bins, axis, [contenders.fp, contenders.tp], all)
    }

    fn pixels(&self) -> usize {
        self.normal.len() + self.anomalous.len()
    }

    /// The best overlap at a score of the pixels taken out.
    fn best_of(&mut self, contenders: &Contenders, all: u64) -> BestIou {
        self.normal.sort_unstable_by(|a, b| b.cmp(a));
        self.anomalous.sort_unstable_by(|a, b| b.cmp(a));
        let mut normal = self.normal.iter().peekable();
        let Contenders { mut tp, mut fp, .. } = *contenders;
        let mut best = BestIou { intersection: 0, union: all, threshold: f64::INFINITY };
        for tied in self.anomalous.chunk_by(|a, b| a == b) {
            tp += tied.len() as u64;
            while normal.next_if(|&&key| key >= tied[0]).is_some() {
                fp += 1;
            }
            let here = BestIou { intersection: tp, union: all + fp, threshold: score_of_key(tied[0]) };
            if here.is_above(&best) {
                best = here;
            }
        }
        best
    }
}

/// Where the best threshold lies.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Contenders {
    /// Lowest and highest key.
    low: u64,
    high: u64,
    /// Anomalous and normal pixels above.
    tp: u64,
    fp: u64,
}

impl Contenders {
    /// What a grid tells; `None` if it does not tell that the best threshold is not below all of its own.
    fn of_grid(cells: &GridCells, all: u64) -> Option<Self> {
        let thresholds = cells.normal_thresholds();
        let counts = cells.counts()[..thresholds.len()].iter().copied();
        // Below the last threshold all anomalous pixels may be found, and at least the normal ones known so far are.
        let (best, [fp, _]) = best_known(counts.clone(), [0, 0], all);
        if !is_above(best, (all, all + fp)) {
            return None;
        }
        let (cells, [fp, tp]) = contending(counts, [0, 0], all, best)?;
        let high = cells.start.checked_sub(1).map_or(u64::MAX, |before| thresholds[before] - 1);
        Some(Self { low: thresholds[cells.end - 1], high, tp, fp })
    }

    /// The same from `bins` and the places behind them. More pixels, normal and anomalous ones, lie above all of these;
    /// thresholds below are not the best. `all` are the anomalous pixels of the image.
    fn of_bins(bins: &[[u64; 2]], axis: Axis, [fp, tp]: [u64; 2], all: u64) -> Option<Self> {
        let (bins, outside) = bins.split_at(BINS);
        let higher: u64 = outside[..OUTSIDE].iter().map(|[normal, _]| normal).sum();
        let above = [fp + higher, tp];
        let counts = bins.iter().copied();
        let (best, _) = best_known(counts.clone(), above, all);
        let (cells, [fp, tp]) = contending(counts, above, all, best)?;
        Some(Self { low: axis.lowest_of(cells.end - 1), high: axis.highest_of(cells.start), tp, fp })
    }

    #[inline]
    fn contain(&self, key: u64) -> bool {
        (self.low..=self.high).contains(&key)
    }
}

/// The best overlap at lower ends of cells, of which each has normal and anomalous pixels, from the highest scores
/// down, as intersection and union; and normal and anomalous pixels in all of them and `above` them.
fn best_known(cells: impl Iterator<Item = [u64; 2]>, above: [u64; 2], all: u64) -> ((u64, u64), [u64; 2]) {
    cells.fold(((0, 1), above), |(best, [fp, tp]), [normal, anomalous]| {
        let (fp, tp) = (fp + normal, tp + anomalous);
        let here = (tp, all + fp);
        (if is_above(here, best) { here } else { best }, [fp, tp])
    })
}

/// The cells from the first to the last that may contain a threshold as good as `best`, and the normal and anomalous
/// pixels above them.
fn contending(
    cells: impl Iterator<Item = [u64; 2]>,
    [mut fp, mut tp]: [u64; 2],
    all: u64,
    best: (u64, u64),
) -> Option<(Range<usize>, [u64; 2])> {
    let mut found: Option<(Range<usize>, [u64; 2])> = None;
    for (cell, [normal, anomalous]) in cells.enumerate() {
        if anomalous > 0 && !is_above(best, (tp + anomalous, all + fp)) {
            found.get_or_insert((cell..cell, [fp, tp])).0.end = cell + 1;
        }
        tp += anomalous;
        fp += normal;
    }
    found
}

/// Bins of 2^shift keys of a range, those near zero taken for one, numbered from the highest keys down.
#[derive(Clone, Copy)]
struct Axis {
    keys: KeySpan,
    shift: u32,
}

impl Axis {
    fn new(lowest: u64, highest: u64) -> Self {
        let keys = KeySpan::new(lowest, highest);
        Self { keys, shift: keys.bits_of_each(BINS) }
    }

    /// The bin of a key, or the first place for those outside.
    #[inline]
    fn place(self, key: u64) -> usize {
        let above = self.keys.above(key);
        let outside = if key > self.keys.highest() { ABOVE } else { BELOW };
        if above <= self.keys.length() { BINS - 1 - (above >> self.shift) as usize } else { outside }
    }

    fn lowest_of(self, bin: usize) -> u64 {
        self.keys.lowest_at(((BINS - 1 - bin) as u64) << self.shift)
    }

    fn highest_of(self, bin: usize) -> u64 {
        let above = ((BINS - 1 - bin) as u64) << self.shift | ((1 << self.shift) - 1);
        self.keys.highest_at(above).min(self.keys.highest())
    }
}

/// Lowest and highest key of the anomalous pixels.
struct Extent<'a> {
    regions: &'a Regions,
    lowest: u64,
    highest: u64,
}

impl RowVisitor for Extent<'_> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        for run in self.regions.row(y) {
            let scores = &row[run.start as usize..run.end as usize];
            self.lowest = self.lowest.min(key_of_score(S::smallest(scores).to_f64()));
            self.highest = self.highest.max(key_of_score(S::summary(scores).largest.to_f64()));
        }
    }
}

/// The places of some scores. Written so that wide vector units find them together.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma+bmi1+bmi2", "x86_64+avx2+fma+bmi1+bmi2"))]
fn find_places<S: Sample>(scores: &[S], axis: Axis, places: &mut [u16]) {
    for (index, (score, place)) in scores.iter().zip(places).enumerate() {
        let found = axis.place(key_of_score(score.to_f64()));
        *place = (found + if found < BINS { 0 } else { index % OUTSIDE }) as u16;
    }
}

/// Whether any of some scores is a contender; likewise.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma+bmi1+bmi2", "x86_64+avx2+fma+bmi1+bmi2"))]
fn contain_any<S: Sample>(contenders: &Contenders, scores: &[S]) -> bool {
    scores.iter().fold(false, |any, score| any | contenders.contain(key_of_score(score.to_f64())))
}

/// Counts the pixels of both classes in the bins and outside.
struct Count<'a> {
    bins: &'a mut [[u64; 2]],
    regions: &'a Regions,
    axis: Axis,
    blocks: HighBlocks,
}

impl RowVisitor for Count<'_> {
    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, _: Option<&Mask>) {
        let Self { bins, regions, axis, blocks } = self;
        let lowest = score_of_key(axis.keys.lowest());
        let mut places = [0; TOGETHER];
        blocks.show(Strip { first, rows, width }, regions, Some(lowest), |scores, anomalous| {
            for scores in scores.chunks(TOGETHER) {
                let places = &mut places[..scores.len()];
                find_places(scores, *axis, places);
                for &place in &*places {
                    bins[usize::from(place)][usize::from(anomalous)] += 1;
                }
            }
        });
    }

    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        self.rows(y, row, row.len(), None);
    }
}

/// Collects contenders.
struct Collect<'a> {
    finder: &'a mut BestIouFinder,
    regions: &'a Regions,
    contenders: Contenders,
    blocks: HighBlocks,
}

impl RowVisitor for Collect<'_> {
    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, _: Option<&Mask>) {
        let Self { finder, regions, contenders, blocks } = self;
        let lowest = score_of_key(contenders.low);
        blocks.show(Strip { first, rows, width }, regions, Some(lowest), |scores, anomalous| {
            let keys = if anomalous { &mut finder.anomalous } else { &mut finder.normal };
            for scores in scores.chunks(ASKED).filter(|scores| contain_any(contenders, scores)) {
                let all = scores.iter().map(|score| key_of_score(score.to_f64()));
                keys.extend(all.filter(|&key| contenders.contain(key)));
            }
        });
    }

    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        self.rows(y, row, row.len(), None);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use pimo_frame::{Mask, Scores};
    use proptest::prelude::*;

    use super::*;
    use crate::Connectivity;

    #[test]
    fn images_that_are_all_alike_take_no_more_memory_than_was_said() {
        let mut finder = BestIouFinder::default();
        for (height, anomalous) in [(300, 1), (300, 299), (200, 3), (300, 150), (20, 10), (300, 299), (20, 1), (300, 1)]
        {
            let size = Size::new(height, 300);
            let mask = Arc::new(Mask::from_fn(size, |y, _| y < anomalous));
            let regions = Regions::of(&mask, Connectivity::Eight);
            let scores = Scores::from_f32(vec![0.5; size.pixels() as usize]);
            let frame = Frame::new(size, size, scores, Some(mask)).unwrap();
            let best = finder.find(&frame, &regions, None, &mut RowScratch::default()).unwrap();
            assert_eq!((best.intersection, best.union), (300 * anomalous as u64, size.pixels()));
            let bytes = (finder.normal.capacity() + finder.anomalous.capacity()) * size_of::<u64>();
            assert!(bytes as u64 <= BestIouFinder::bytes(Size::new(300, 300)), "{bytes}");
        }
    }

    /// The best overlap of one row of pixels, and how many of them decided it.
    fn find(scores: Vec<f64>, is_anomalous: impl Fn(usize) -> bool) -> (BestIou, usize) {
        let size = Size::new(1, scores.len() as u32);
        let mask = Arc::new(Mask::from_fn(size, |_, x| is_anomalous(x)));
        let regions = Regions::of(&mask, Connectivity::Eight);
        let frame = Frame::new(size, size, Scores::from_f64(scores), Some(mask)).unwrap();
        let mut finder = BestIouFinder::default();
        let best = finder.find(&frame, &regions, None, &mut RowScratch::default()).unwrap();
        (best, finder.pixels())
    }

    #[test]
    fn of_equal_overlaps_the_one_at_the_highest_score_is_found() {
        // One of four anomalous pixels is found alone, and two with four normal ones that are next to the first.
        let mut scores = vec![0.9, 0.5, 0.1, 0.1];
        scores.extend([0.9 - 1e-9; 4]);
        scores.extend([0.3; 50]);
        let (best, _) = find(scores, |x| x < 4);
        assert_eq!(best, BestIou { intersection: 1, union: 4, threshold: 0.9 });
    }

    #[test]
    fn few_of_many_contenders_are_sorted() {
        // One score far above all others leaves few bins for these.
        let mut scores: Vec<f64> = (0..20_000).map(|x| 1.0 + f64::from(x * 7919 % 20_011) / 1e5).collect();
        scores[..500].iter_mut().for_each(|score| *score += 0.1);
        scores[7] = 1e300;
        let (best, decided) = find(scores.clone(), |x| x < 500);
        assert_eq!(Some(best), brute(&scores, &(0..20_000).map(|x| x < 500).collect::<Vec<_>>()));
        assert!(decided <= 100, "{decided}");
    }

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
            3 => -1.0..1.0,
            2 => -1e-3..1e-3,
            1 => prop_oneof![Just(1e30), Just(-0.0), Just(1e-310), Just(-3.0)],
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Regions with runs of many pixels, and scores of which few can be the best.
        #[test]
        fn agrees_with_trying_every_score_of_wide_images(
            scores in proptest::collection::vec((score(), 0.0..1.0), 700), width in 130_usize..350,
            ends in (0_usize..350, 0_usize..350), rare in 0.0..0.2,
        ) {
            let (from, to) = (ends.0.min(ends.1), ends.0.max(ends.1));
            let size = Size::new((scores.len() / width) as u32, width as u32);
            let anomalous: Vec<bool> =
                (0..size.pixels() as usize).map(|i| (from..to).contains(&(i % width)) && i / width < 3).collect();
            let scores: Vec<f64> = scores[..anomalous.len()]
                .iter()
                .zip(&anomalous)
                .map(|(&(score, chance), &anomalous)| {
                    if chance < rare { score } else { f64::from(u8::from(anomalous)) / 2.0 + chance / 4.0 }
                })
                .collect();
            let mask = Arc::new(Mask::from_fn(size, |y, x| anomalous[y * width + x]));
            let regions = Regions::of(&mask, Connectivity::Eight);
            let expected = brute(&scores, &anomalous);
            let frame = Frame::new(size, size, Scores::from_f64(scores), Some(mask)).unwrap();
            let mut finder = BestIouFinder::default();
            prop_assert_eq!(finder.find(&frame, &regions, None, &mut RowScratch::default()), expected);
        }
    }

    proptest! {
        #[test]
        fn bins_of_keys_meet(keys in (any::<i32>(), any::<i32>()), near in any::<u32>(), small in any::<bool>()) {
            let score = |key: i32| f64::from(key) / if small { 1e9 } else { 1e-9 };
            let mut ends = [score(keys.0), score(keys.1)].map(key_of_score);
            ends.sort_unstable();
            let axis = Axis::new(ends[0], ends[1]);
            let between = ends[0] + ((u128::from(ends[1] - ends[0]) * u128::from(near)) >> 32) as u64;
            for key in [ends[0], ends[1], ends[0] + u64::from(near), between, key_of_score(0.0)] {
                let bin = axis.place(key);
                prop_assert_eq!(bin < BINS, (ends[0]..=ends[1]).contains(&key));
                if bin < BINS {
                    let (lowest, highest) = (axis.lowest_of(bin), axis.highest_of(bin));
                    prop_assert!(lowest <= key && key <= highest);
                    prop_assert!(axis.place(lowest) == bin && axis.place(highest) == bin);
                    prop_assert!(highest == ends[1] || axis.place(highest + 1) + 1 == bin);
                    prop_assert!(lowest == ends[0] || axis.place(lowest - 1) == bin + 1);
                }
            }
        }

        #[test]
        fn agrees_with_trying_every_score(
            pixels in proptest::collection::vec((score(), any::<u8>()), 1..300), density in 0_u8..120, width in 1_usize..90,
            normal_steps in 0_usize..7,
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
            let of_single: Vec<f64> = single.iter().map(|&score| f64::from(score)).collect();
            for (scores, expected) in [
                (Scores::from_f64(double.clone()), brute(&double, &anomalous)),
                (Scores::from_f32(single.clone()), brute(&of_single, &anomalous)),
            ] {
                let frame = Frame::new(size, size, scores, Some(mask.clone())).unwrap();
                let (mut finder, mut scratch) = (BestIouFinder::default(), RowScratch::default());
                prop_assert_eq!(finder.find(&frame, &regions, None, &mut scratch), expected);
                for grid in [&[][..], &[28.0, 0.9, 0.8, 0.5, 0.2][..], &[1e30, 0.6][..], &[0.9, 0.7, 0.4, 0.3, -5.0][..]] {
                    let mut cells = GridCells::new(grid, normal_steps);
                    let mut high = HighPixels::default();
                    cells.count(&frame, &regions, &mut high, &mut scratch);
                    let counted = Counted { cells: &cells, high: &high };
                    prop_assert_eq!(finder.find(&frame, &regions, Some(counted), &mut scratch), expected);
                    // As if they had been too many to keep.
                    high.forget();
                    let counted = Counted { cells: &cells, high: &high };
                    prop_assert_eq!(finder.find(&frame, &regions, Some(counted), &mut scratch), expected);
                }
            }
        }
    }
}
