//! What each connected region of an anomalous image scores.

use pimo_frame::{Frame, RowScratch, RowVisitor, Sample};

use crate::key::key_of_score;
use crate::score_sum::ScoreSum;
use crate::{Regions, Run};

/// Looks at the regions of one anomalous image after the other; one for each thread.
#[derive(Clone, Debug, Default)]
pub struct RegionCounter {
    extremes: Vec<Extremes>,
    /// Pixels that reach the axis: region in the upper half, and in the lower twice the index of the first threshold
    /// that is not above the score, plus one if it is the score itself. Ascending order is that of regions and, within
    /// one, of falling scores.
    reached: Vec<u64>,
    runs: Vec<Run>,
}

#[derive(Clone, Copy, Debug)]
struct Extremes {
    largest: f64,
    sum: ScoreSum<1>,
}

/// The pixels of one region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegionScores<'a> {
    /// The largest score.
    pub largest: f64,
    /// The mean score.
    pub mean: f64,
    /// The scores that reach the axis, largest first, as [`OverlapCounts::reached`](crate::OverlapCounts) gives them
    /// for the whole image: a score between two thresholds stands for all between the same two.
    pub reached: &'a [Run],
}

impl RegionCounter {
    /// Looks at the regions of a frame's mask against an axis of descending [keys](key_of_score), and shows each, in
    /// order.
    pub fn count(
        &mut self,
        frame: &Frame,
        regions: &Regions,
        axis: &[u64],
        scratch: &mut RowScratch,
        show: impl FnMut(usize, RegionScores<'_>),
    ) {
        frame.visit_rows(scratch, &mut self.rows(regions, axis));
        self.finish(regions, axis, show);
    }

    /// Begins to look at a frame: the visitor is to be shown it, and then the regions are [shown](Self::finish).
    pub fn rows<'a>(&'a mut self, regions: &'a Regions, axis: &'a [u64]) -> RegionRows<'a> {
        self.extremes.clear();
        self.extremes
            .resize(regions.regions().len(), Extremes { largest: f64::NEG_INFINITY, sum: ScoreSum::default() });
        self.reached.clear();
        RegionRows { counter: self, regions, axis, place: 0 }
    }

    /// Shows the regions of the frame that has been looked at, in order, with the same regions and axis.
    pub fn finish(&mut self, regions: &Regions, axis: &[u64], mut show: impl FnMut(usize, RegionScores<'_>)) {
        self.reached.sort_unstable();
        let mut from = 0;
        for (number, (region, extremes)) in regions.regions().iter().zip(&self.extremes).enumerate() {
            let to = from + self.reached[from..].partition_point(|code| code >> 32 <= number as u64);
            self.runs.clear();
            self.runs.extend(self.reached[from..to].chunk_by(|a, b| a == b).map(|same| {
                let place = (same[0] as u32 / 2) as usize;
                let above = u64::from(same[0] & 1 == 0);
                Run { key: axis[place] + above, count: same.len() as u64 }
            }));
            from = to;
            let mean = extremes.sum.mean(region.area);
            show(number, RegionScores { largest: extremes.largest, mean, reached: &self.runs });
        }
    }
}

/// Looks at a frame for a [`RegionCounter`].
#[derive(Debug)]
pub struct RegionRows<'a> {
    counter: &'a mut RegionCounter,
    regions: &'a Regions,
    axis: &'a [u64],
    /// Where the pixel before lay on the axis: the next is not far.
    place: usize,
}

impl RowVisitor for RegionRows<'_> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        for run in self.regions.row(y) {
            let scores = &row[run.start as usize..run.end as usize];
            let extremes = &mut self.counter.extremes[run.region as usize];
            for score in scores {
                extremes.largest = extremes.largest.max(score.to_f64());
            }
            extremes.sum.add(scores);
            let Some(&last) = self.axis.last() else { continue };
            for score in scores {
                let key = key_of_score(score.to_f64());
                if key < last {
                    continue;
                }
                self.place = first_not_above(self.axis, self.place, key);
                let tied = u64::from(self.axis[self.place] == key);
                self.counter.reached.push(u64::from(run.region) << 32 | (2 * self.place as u64 + tied));
            }
        }
    }
}

/// Index of the first of descending keys that is not above `key`, looked for from `near` in growing steps. The last key
/// must not be above it.
fn first_not_above(keys: &[u64], near: usize, key: u64) -> usize {
    let (mut low, mut high) = (near, near);
    let mut step = 1;
    if keys[near] > key {
        while keys[high] > key {
            low = high + 1;
            high = (high + step).min(keys.len() - 1);
            step *= 2;
        }
    } else {
        while low > 0 && keys[low - 1] <= key {
            high = low - 1;
            low = low.saturating_sub(step);
            step *= 2;
        }
    }
    low + keys[low..high].partition_point(|&threshold| threshold > key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use pimo_frame::{Mask, Scores, Size};
    use proptest::prelude::*;

    use super::*;
    use crate::Connectivity;

    proptest! {
        #[test]
        fn the_place_is_that_of_a_search_from_the_front(
            keys in proptest::collection::btree_set(1_u64..200, 1..60), near in any::<proptest::sample::Index>(),
            key in 0_u64..220,
        ) {
            let keys: Vec<u64> = keys.into_iter().rev().collect();
            let key = key.max(keys[keys.len() - 1]);
            let expected = keys.iter().position(|&threshold| threshold <= key).unwrap();
            prop_assert_eq!(first_not_above(&keys, near.index(keys.len()), key), expected);
        }

        #[test]
        fn regions_are_counted_as_by_hand(
            pixels in proptest::collection::vec((0_u8..30, any::<bool>()), 60),
            axis in proptest::collection::btree_set(0_u8..30, 0..8),
        ) {
            let size = Size::new(6, 10);
            let mask = Arc::new(Mask::from_fn(size, |y, x| pixels[y * 10 + x].1));
            let regions = Regions::of(&mask, Connectivity::Four);
            let scores: Vec<f32> = pixels.iter().map(|pixel| f32::from(pixel.0)).collect();
            let frame = Frame::new(size, size, Scores::from_f32(scores.clone()), Some(mask)).unwrap();
            let axis: Vec<u64> = axis.into_iter().rev().map(|score| key_of_score(score.into())).collect();
            let mut inside = vec![Vec::new(); regions.regions().len()];
            for y in 0..6 {
                for run in regions.row(y) {
                    for x in run.start..run.end {
                        inside[run.region as usize].push(f64::from(scores[y * 10 + x as usize]));
                    }
                }
            }
            let mut shown = 0;
            RegionCounter::default().count(&frame, &regions, &axis, &mut RowScratch::default(), |number, region| {
                let scores = &inside[number];
                assert_eq!(number, shown);
                assert_eq!(region.largest, scores.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                assert_eq!(region.mean, scores.iter().sum::<f64>() / scores.len() as f64);
                assert!(region.reached.is_sorted_by(|a, b| a.key > b.key));
                for &threshold in &axis {
                    let reaching = |keys: &mut dyn Iterator<Item = (u64, u64)>, strictly: bool| -> u64 {
                        keys.filter(|(key, _)| *key > threshold || !strictly && *key == threshold).map(|run| run.1).sum()
                    };
                    for strictly in [false, true] {
                        let found = reaching(&mut region.reached.iter().map(|run| (run.key, run.count)), strictly);
                        let expected = reaching(&mut scores.iter().map(|&score| (key_of_score(score), 1)), strictly);
                        assert_eq!(found, expected);
                    }
                }
                shown += 1;
            });
            prop_assert_eq!(shown, inside.len());
        }
    }
}
