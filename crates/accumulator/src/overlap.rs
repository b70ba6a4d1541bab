//! Counting anomalous images.

use pimo_frame::{Frame, Mask, RowScratch, RowVisitor, Sample};

use crate::image_score::ImageScoreSum;
use crate::key::{key_of_score, score_of_key};
use crate::{BadScore, ImageScore, Run};

/// Looks at one anomalous image after the other; one for each thread.
#[derive(Debug)]
pub struct OverlapCounter {
    scratch: RowScratch,
    seen: Seen,
}

/// The scores at which an anomalous image is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OverlapThresholds<'a> {
    /// Keys of the axis' thresholds, descending. Anomalous pixels below the last one do not matter, and none does
    /// where there is no threshold.
    pub axis: &'a [u64],
    /// Thresholds at which all pixels of the image are counted; `None` where there is no such threshold.
    pub predicted: [Option<f64>; 2],
}

/// Keys gathered before they are put in order.
const PENDING: usize = 128 * 1024;

/// What an anomalous image has to say.
#[derive(Debug)]
pub struct OverlapCounts<'a> {
    /// The image's score.
    pub image_score: f64,
    /// Number of anomalous pixels.
    pub anomalous_pixels: u64,
    /// The scores of the anomalous pixels that reach the axis, largest first. A score between two thresholds may
    /// stand for others between the same two: the axis does not tell them apart.
    pub reached: &'a [Run],
    /// Pixels of the image, anomalous or not, that reach each of the two thresholds.
    pub predicted: [u64; 2],
}

#[derive(Debug)]
struct Seen {
    score: ImageScoreSum,
    finite: bool,
    predicted: [u64; 2],
    pending: Vec<u64>,
    runs: Vec<Run>,
}

/// One image being looked at.
struct Looking<'a> {
    seen: &'a mut Seen,
    thresholds: OverlapThresholds<'a>,
    floor: Option<f64>,
}

impl OverlapCounter {
    /// A counter that also forms scores of images.
    pub fn new(image_score: ImageScore) -> Self {
        let seen = Seen {
            score: ImageScoreSum::new(image_score),
            finite: true,
            predicted: [0; 2],
            pending: Vec::new(),
            runs: Vec::new(),
        };
        Self { scratch: RowScratch::default(), seen }
    }

    /// Looks at a frame of an anomalous image.
    ///
    /// # Errors
    /// The first score that is NaN or infinite.
    pub fn count(&mut self, frame: &Frame, thresholds: OverlapThresholds<'_>) -> Result<OverlapCounts<'_>, BadScore> {
        self.count_beside(frame, thresholds, &mut ())
    }

    /// The same, and every row is shown to `others` first. What these saw is worth nothing if a score is bad.
    ///
    /// # Errors
    /// The first score that is NaN or infinite.
    pub fn count_beside(
        &mut self,
        frame: &Frame,
        thresholds: OverlapThresholds<'_>,
        others: &mut impl RowVisitor,
    ) -> Result<OverlapCounts<'_>, BadScore> {
        self.seen.reset();
        let floor = thresholds.axis.last().map(|&key| score_of_key(key));
        let looking = Looking { seen: &mut self.seen, thresholds, floor };
        frame.visit_rows(&mut self.scratch, &mut (others, looking));
        if !self.seen.finite
            && let Some(bad) = BadScore::first_in(frame, &mut self.scratch)
        {
            return Err(bad);
        }
        self.seen.compact(thresholds.axis);
        Ok(OverlapCounts {
            image_score: self.seen.score.finish(),
            anomalous_pixels: frame.mask().map_or(0, pimo_frame::Mask::anomalous_pixels),
            reached: &self.seen.runs,
            predicted: self.seen.predicted,
        })
    }
}

impl Seen {
    fn reset(&mut self) {
        self.score.reset();
        self.finite = true;
        self.predicted = [0; 2];
        self.pending.clear();
        self.runs.clear();
    }

    /// Keeps the scores of the row's anomalous pixels that reach the floor.
    fn reach<S: Sample>(&mut self, row: &[S], mask: &[u64], floor: S) {
        for (word, scores) in mask.iter().zip(row.chunks(64)) {
            let mut left = *word;
            while left != 0 {
                let score = scores[left.trailing_zeros() as usize];
                if score >= floor {
                    self.pending.push(key_of_score(score.to_f64()));
                }
                left &= left - 1;
            }
        }
    }

    /// Sorts what has gathered into the runs.
    ///
    /// Where it is much, scores are first replaced by the lowest one that the axis does not tell apart from them, so
    /// that the number of runs depends on the axis and not on the image.
    fn compact(&mut self, axis: &[u64]) {
        self.pending.sort_unstable_by(|a, b| b.cmp(a));
        if self.pending.len() >= PENDING {
            snap(&mut self.pending, axis);
        }
        let old = self.runs.len();
        let tied = self.pending.chunk_by(|a, b| a == b);
        self.runs.extend(tied.map(|tied| Run { key: tied[0], count: tied.len() as u64 }));
        self.pending.clear();
        if old > 0 {
            self.runs.sort_by_key(|run| std::cmp::Reverse(run.key));
            self.runs.dedup_by(|next, kept| {
                let same = next.key == kept.key;
                kept.count += if same { next.count } else { 0 };
                same
            });
        }
    }
}

/// Replaces descending keys that lie between two thresholds of the descending axis by the lowest key between them.
fn snap(keys: &mut [u64], axis: &[u64]) {
    let mut thresholds = axis.iter().copied().peekable();
    for key in keys {
        while thresholds.next_if(|&threshold| threshold > *key).is_some() {}
        if let Some(&threshold) = thresholds.peek()
            && *key > threshold
        {
            *key = threshold + 1;
        }
    }
}

impl Looking<'_> {
    /// The lowest of all scores that matter; `None` if there is none.
    fn lowest(&self) -> Option<f64> {
        self.thresholds.predicted.into_iter().flatten().chain(self.floor).reduce(f64::min)
    }
}

impl RowVisitor for Looking<'_> {
    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, mask: Option<&Mask>) {
        if self.seen.score.is_largest() {
            let summary = S::summary(rows);
            if summary.finite && self.lowest().is_none_or(|lowest| summary.largest < S::at_least(lowest)) {
                self.seen.score.row(rows, summary.largest);
                return;
            }
        }
        for (y, row) in (first..).zip(rows.chunks_exact(width)) {
            self.row(y, row, mask.map(|mask| mask.row(y)));
        }
    }

    fn row<S: Sample>(&mut self, _y: usize, row: &[S], mask: Option<&[u64]>) {
        let summary = S::summary(row);
        self.seen.finite &= summary.finite;
        self.seen.score.row(row, summary.largest);
        for (threshold, predicted) in self.thresholds.predicted.iter().zip(&mut self.seen.predicted) {
            if let Some(threshold) = threshold.map(S::at_least)
                && summary.largest >= threshold
            {
                *predicted += S::count_at_least(row, threshold) as u64;
            }
        }
        if let Some(floor) = self.floor.map(S::at_least)
            && summary.largest >= floor
            && let Some(mask) = mask
        {
            self.seen.reach(row, mask, floor);
            if self.seen.pending.len() >= PENDING {
                self.seen.compact(self.thresholds.axis);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pimo_frame::{Scores, Size};
    use proptest::prelude::*;

    use super::*;

    fn noise(seed: u64, i: u64) -> f32 {
        (i.wrapping_add(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f32 / 8_388_608.0 - 1.0
    }

    proptest! {
        #[test]
        fn counts_are_those_of_a_plain_loop(
            height in 1_u32..20,
            width in 1_u32..140,
            seed in any::<u64>(),
            floor in -1.0_f64..1.0,
            step in 0.0_f64..0.5,
        ) {
            let size = Size::new(height, width);
            let scores: Vec<f32> = (0..size.pixels()).map(|i| noise(seed, i)).collect();
            let mask = Mask::from_fn(size, |y, x| noise(seed, (y * 1000 + x) as u64 ^ 0x4D) > 0.3);
            let pixel = |i: usize| (i / width as usize, i % width as usize);
            let above = floor + step;
            let count = |bound: f64| scores.iter().filter(|&&s| f64::from(s) >= bound).count() as u64;
            let mut keys: Vec<u64> = (0..scores.len())
                .filter(|&i| mask.get(pixel(i).0, pixel(i).1) && f64::from(scores[i]) >= floor)
                .map(|i| key_of_score(f64::from(scores[i])))
                .collect();
            keys.sort_unstable_by(|a, b| b.cmp(a));
            let reached: Vec<Run> =
                keys.chunk_by(|a, b| a == b).map(|tied| Run { key: tied[0], count: tied.len() as u64 }).collect();
            let frame = Frame::new(size, size, Scores::from_f32(scores.clone()), Some(mask.clone().into())).unwrap();
            let axis = [key_of_score(above), key_of_score(floor)];
            let thresholds = OverlapThresholds { axis: &axis, predicted: [Some(floor), Some(above)] };
            let mut counter = OverlapCounter::new(ImageScore::Max);
            for _ in 0..2 {
                let counts = counter.count(&frame, thresholds).unwrap();
                prop_assert_eq!(counts.reached, &reached[..]);
                prop_assert_eq!(counts.predicted, [count(floor), count(above)]);
                prop_assert_eq!(counts.anomalous_pixels, mask.anomalous_pixels());
            }
        }

        #[test]
        fn snapping_keeps_what_the_axis_tells_apart(
            mut keys in proptest::collection::vec(0_u64..100, 0..60),
            axis in proptest::collection::btree_set(0_u64..100, 1..20),
        ) {
            keys.sort_unstable_by(|a, b| b.cmp(a));
            let axis: Vec<u64> = axis.into_iter().rev().collect();
            let mut snapped = keys.clone();
            snap(&mut snapped, &axis);
            prop_assert!(snapped.is_sorted_by(|a, b| a >= b));
            for (key, snapped) in keys.iter().zip(&snapped) {
                for threshold in &axis {
                    prop_assert_eq!(key.cmp(threshold), snapped.cmp(threshold));
                }
            }
        }
    }

    #[test]
    fn a_large_defect_takes_no_more_runs_than_the_axis_tells_apart() {
        let size = Size::new(700, 700);
        let scores: Vec<f32> = (0..size.pixels()).map(|i| noise(3, i)).collect();
        let axis: Vec<u64> = (0..10).map(|i| key_of_score(0.9 - f64::from(i) * 0.15)).collect();
        let expected = axis.iter().map(|&key| scores.iter().filter(|&&s| key_of_score(s.into()) >= key).count() as u64);
        let expected: Vec<u64> = expected.collect();
        let mask = Mask::from_fn(size, |_, _| true);
        let frame = Frame::new(size, size, Scores::from_f32(scores), Some(mask.into())).unwrap();
        let mut counter = OverlapCounter::new(ImageScore::Max);
        let counts = counter.count(&frame, OverlapThresholds { axis: &axis, predicted: [None; 2] }).unwrap();
        assert!(counts.reached.len() < 2 * PENDING);
        let found = |key: u64| counts.reached.iter().filter(|run| run.key >= key).map(|run| run.count).sum::<u64>();
        assert_eq!(axis.iter().map(|&key| found(key)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_score_that_is_no_number_is_found_where_it_is() {
        let size = Size::new(3, 5);
        let mut scores = vec![0.5_f64; 15];
        scores[7] = f64::NAN;
        let frame = Frame::new(size, size, Scores::from_f64(scores), None).unwrap();
        let bad = OverlapCounter::new(ImageScore::Max).count(&frame, OverlapThresholds::default()).unwrap_err();
        assert_eq!((bad.row, bad.column), (1, 2));
        assert!(bad.value.is_nan());
    }
}
