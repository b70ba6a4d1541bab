//! Counting an image before it is known to be good.
//!
//! Whether all scores of an image are numbers is known when it has been looked at, and it comes from memory only once
//! if it is counted in the same look. So a counter counts ahead, and the image is then kept, or taken back. Until then
//! nothing reaches the histogram, where it could change the resolution for good: the keys of pages without cells wait
//! behind those of images that are kept, and where these or others are too many the rest of the image waits for the
//! verdict.

use pimo_frame::Sample;

use crate::key_counter::OTHERS_WAITING;
use crate::region::normal_stretches;
use crate::{KeyCounter, OrderedKey, RegionRun};

/// What a counter has of an image that may have to be taken back: what came after these places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    /// Rows counted, from the first.
    rows: usize,
    /// Whether the others wait.
    stopped: bool,
    single: usize,
    positives: usize,
    weights: usize,
    full: usize,
    /// Sum of the indices of the cells that were added to, less those that were taken from.
    cells: u32,
}

impl<K: OrderedKey> KeyCounter<K> {
    /// Begins an image.
    pub(crate) fn begin_ahead(&mut self) {
        self.ahead = Some(Ahead {
            rows: 0,
            // Of pages that are lists nothing can be counted; there would only be more to wait for the verdict.
            stopped: self.cells.is_empty(),
            single: self.waiting.single.len(),
            positives: self.positives.len(),
            weights: self.weights.len(),
            full: self.cells.full_len(),
            cells: 0,
        });
    }

    /// Whether the next rows can be counted ahead; if not, no more of the image can.
    pub(crate) fn goes_ahead(&mut self) -> bool {
        let is_full = self.is_full();
        self.ahead.as_mut().is_some_and(|ahead| {
            ahead.stopped |= is_full;
            !ahead.stopped
        })
    }

    /// Rows of an image that have been counted ahead.
    pub(crate) fn rows_ahead(&self) -> usize {
        self.ahead.map_or(0, |ahead| ahead.rows)
    }

    /// Says that `rows` rows of the image have been counted ahead.
    pub(crate) const fn gone_ahead(&mut self, rows: usize) {
        if let Some(ahead) = &mut self.ahead {
            ahead.rows = rows;
        }
    }

    /// As [`Self::count_row`], of an image that is being counted ahead.
    pub(crate) fn count_row_ahead<S: Sample>(&mut self, row: &[S], runs: &[RegionRun], weights: &[u128]) {
        for (start, end) in normal_stretches(runs, row.len()) {
            let scores = &row[start..end];
            let cells = self.cells.count(scores, |key| self.waiting.single.push(key));
            if let Some(ahead) = &mut self.ahead {
                ahead.cells = ahead.cells.wrapping_add(cells);
            }
        }
        self.count_anomalous(row, runs, weights, |_| true);
    }

    /// The image is good: its keys are counted with those of others.
    pub(crate) fn keep_ahead(&mut self) {
        let Some(Ahead { single: first, .. }) = self.ahead.take() else { return };
        if self.cache.is_resting() {
            self.cache.pass_by(self.waiting.single.len() - first);
        } else {
            self.keep_from(first);
        }
    }

    /// Shows the cache the waiting keys from this one on. Where there is no room for more of those that it drives out,
    /// the rest may wait as it is.
    fn keep_from(&mut self, first: usize) {
        let single = &mut self.waiting.single;
        let before = self.waiting.counted.len();
        let (mut from, mut to) = (first, first);
        while from < single.len() && self.waiting.counted.len() < OTHERS_WAITING {
            match self.cache.count(single[from]) {
                Some((key, 1)) => {
                    single[to] = key;
                    to += 1;
                }
                Some((key, count)) => self.waiting.counted.push((key, count.into())),
                None => {}
            }
            from += 1;
        }
        self.cache.judge(from - first, to - first + self.waiting.counted.len() - before);
        single.drain(to..from);
    }

    /// Takes one of the rows back that were counted ahead.
    pub(crate) fn take_row_back<S: Sample>(&mut self, row: &[S], runs: &[RegionRun]) {
        let Some(ahead) = &mut self.ahead else { return };
        for (start, end) in normal_stretches(runs, row.len()) {
            ahead.cells = ahead.cells.wrapping_sub(self.cells.take_back(&row[start..end]));
        }
    }

    /// The image is bad: nothing is left of it when its rows have been taken back. False if these were not the scores
    /// that had been counted, so that something is left after all.
    #[must_use]
    pub(crate) fn forget_ahead(&mut self) -> bool {
        let Some(ahead) = self.ahead.take() else { return true };
        self.waiting.single.truncate(ahead.single);
        self.positives.truncate(ahead.positives);
        self.weights.truncate(ahead.weights);
        self.cells.forget_full(ahead.full);
        ahead.cells == 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use pimo_frame::{Comparison, Frame, Mask, RowScratch, Scores, Size};

    use crate::key_histogram::tests::{SMALL, xorshift};
    use crate::{Connectivity, KeyCounter, KeyHistogram, RegionRun, Regions, Resolution, ScoreCounter, ScoreHistogram};

    fn image(seed: u64, comparison: Comparison) -> (Frame, Option<Regions>) {
        let mut state = 0x0139_408d_cbbf_7a44 ^ (seed << 32);
        let native = Size::new(230, 300);
        let resampled = seed % 4 == 1;
        let evaluated = if resampled { Size::new(115, 150) } else { native };
        let mut scores: Vec<f64> = (0..native.pixels())
            .map(|_| match xorshift(&mut state) % 8 {
                // One score comes often enough to fill its cell, others are far apart from all others.
                0..5 => 1.5,
                5 => f64::from(xorshift(&mut state) as f32 / 1e13_f32),
                _ => f64::from(1.0 + (xorshift(&mut state) % 100_000) as f32 / 1e4),
            })
            .collect();
        if seed.is_multiple_of(3) {
            let at = xorshift(&mut state) as usize % scores.len();
            scores[at] = if seed.is_multiple_of(2) { f64::NAN } else { f64::INFINITY };
        }
        let scores = match comparison {
            Comparison::F32 => Scores::from_f32(scores.into_iter().map(|score| score as f32).collect()),
            Comparison::F64 => Scores::from_f64(scores.into_iter().map(|score| score / 3.0).collect()),
        };
        // Some images are half anomalous: several of them are too many anomalous pixels to wait.
        let anomalous = seed % 5;
        let mask = (anomalous > 1).then(|| Mask::from_fn(evaluated, |y, x| (y / 9 + x / 40) % 5 < anomalous as usize));
        let regions = mask.as_ref().map(|mask| Regions::of(mask, Connectivity::Eight));
        (Frame::new(native, evaluated, scores, mask.map(Arc::new)).unwrap(), regions)
    }

    /// Images that are kept or taken back leave what counting the good ones alone leaves, however the pages of the
    /// histogram were divided meanwhile.
    #[test]
    fn bad_images_leave_no_trace() {
        let scratch = &mut RowScratch::default();
        for comparison in [Comparison::F32, Comparison::F64] {
            for resolution in [SMALL, Resolution::default()] {
                let empty = || Mutex::new(ScoreHistogram::new(comparison, resolution));
                let (histogram, expected) = (empty(), empty());
                let mut counter = ScoreCounter::new(comparison);
                let mut plain = ScoreCounter::new(comparison);
                let (mut ahead, mut stopped) = (0, 0);
                for seed in 0..24 {
                    let (frame, regions) = image(seed, comparison);
                    frame.visit_rows(scratch, &mut counter.ahead(regions.as_ref()));
                    ahead += usize::from(counter.is_ahead());
                    stopped += usize::from(!counter.is_ahead());
                    if let ScoreCounter::Single(counter) = &counter {
                        assert!(counter.waits_within_bounds(8192));
                    }
                    if seed.is_multiple_of(3) {
                        assert!(counter.take_back(&frame, regions.as_ref(), scratch));
                    } else {
                        counter.keep(&frame, regions.as_ref(), &histogram, scratch);
                        plain.count(&frame, regions.as_ref(), &expected, scratch);
                    }
                    assert!(!counter.is_ahead());
                }
                assert!(ahead > 6 && stopped > 0 || resolution == Resolution::default(), "{ahead} {stopped}");
                counter.finish(&histogram);
                plain.finish(&expected);
                let (found, expected) = (histogram.into_inner().unwrap(), expected.into_inner().unwrap());
                assert!(found.bins() == expected.bins());
            }
        }
    }

    /// Others may write to a mapped file at any time: that what is taken back is not what was counted does not go
    /// unnoticed.
    #[test]
    fn other_scores_cannot_be_taken_back() {
        let scratch = &mut RowScratch::default();
        let size = Size::new(100, 100);
        let frame = |aside: f32| {
            let score = |i: u64| 1.0 + ((i * 7919) % 10_007) as f32 / 1e4 + if i == 4321 { aside } else { 0.0 };
            Frame::new(size, size, Scores::from_f32((0..size.pixels()).map(score).collect()), None).unwrap()
        };
        let histogram = Mutex::new(ScoreHistogram::new(Comparison::F32, SMALL));
        let mut counter = ScoreCounter::new(Comparison::F32);
        // Pages are divided in the end, and the next image finds them so.
        counter.count(&frame(0.0), None, &histogram, scratch);
        counter.finish(&histogram);
        counter.count(&frame(0.0), None, &histogram, scratch);
        for (aside, same) in [(0.0, true), (0.01, false)] {
            frame(0.0).visit_rows(scratch, &mut counter.ahead(None));
            assert!(counter.is_ahead());
            assert_eq!(counter.take_back(&frame(aside), None, scratch), same);
        }
    }

    #[test]
    fn what_was_not_begun_is_neither_kept_nor_forgotten() {
        let mut counter = KeyCounter::<u32>::new();
        let mut histogram = KeyHistogram::new(Resolution::default());
        counter.count_row(&[0.5_f32; 10], &[RegionRun { start: 2, end: 5, region: 0 }], &[1]);
        assert!(counter.forget_ahead());
        counter.keep_ahead();
        counter.finish(&mut histogram);
        assert_eq!(histogram.pixels(), (3, 7));
    }
}
