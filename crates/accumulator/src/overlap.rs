//! Counting anomalous images.

use pimo_frame::{Frame, RowScratch, RowVisitor, Sample};

use crate::image_score::ImageScoreSum;
use crate::key::key_of_score;
use crate::{BadScore, ImageScore};

/// Looks at one anomalous image after the other; one for each thread.
#[derive(Debug)]
pub struct OverlapCounter {
    scratch: RowScratch,
    seen: Seen,
}

/// The scores at which an anomalous image is counted; each `None` where there is no such threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OverlapThresholds {
    /// Anomalous pixels below this score do not matter.
    pub floor: Option<f64>,
    /// Thresholds at which all pixels of the image are counted.
    pub predicted: [Option<f64>; 2],
}

/// What an anomalous image has to say.
#[derive(Debug)]
pub struct OverlapCounts<'a> {
    /// The image's score.
    pub image_score: f64,
    /// Number of anomalous pixels.
    pub anomalous_pixels: u64,
    /// Keys of the scores of the anomalous pixels that reach the floor, largest first, one for every pixel.
    pub reached: &'a [u64],
    /// Pixels of the image, anomalous or not, that reach each of the two thresholds.
    pub predicted: [u64; 2],
}

#[derive(Debug)]
struct Seen {
    thresholds: OverlapThresholds,
    score: ImageScoreSum,
    finite: bool,
    predicted: [u64; 2],
    reached: Vec<u64>,
}

impl OverlapCounter {
    /// A counter that also forms scores of images.
    pub fn new(image_score: ImageScore) -> Self {
        let seen = Seen {
            thresholds: OverlapThresholds::default(),
            score: ImageScoreSum::new(image_score),
            finite: true,
            predicted: [0; 2],
            reached: Vec::new(),
        };
        Self {
            scratch: RowScratch::default(),
            seen,
        }
    }

    /// Looks at a frame of an anomalous image.
    ///
    /// # Errors
    /// The first score that is NaN or infinite.
    pub fn count(
        &mut self,
        frame: &Frame,
        thresholds: OverlapThresholds,
    ) -> Result<OverlapCounts<'_>, BadScore> {
        self.seen.reset(thresholds);
        frame.visit_rows(&mut self.scratch, &mut self.seen);
        if !self.seen.finite
            && let Some(bad) = BadScore::first_in(frame, &mut self.scratch)
        {
            return Err(bad);
        }
        self.seen.reached.sort_unstable_by(|a, b| b.cmp(a));
        Ok(OverlapCounts {
            image_score: self.seen.score.finish(),
            anomalous_pixels: frame.mask().map_or(0, pimo_frame::Mask::anomalous_pixels),
            reached: &self.seen.reached,
            predicted: self.seen.predicted,
        })
    }
}

impl Seen {
    fn reset(&mut self, thresholds: OverlapThresholds) {
        self.thresholds = thresholds;
        self.score.reset();
        self.finite = true;
        self.predicted = [0; 2];
        self.reached.clear();
    }

    /// Keeps the scores of the row's anomalous pixels that reach the floor.
    fn reach<S: Sample>(&mut self, row: &[S], mask: &[u64], floor: S) {
        for (word, scores) in mask.iter().zip(row.chunks(64)) {
            let mut left = *word;
            while left != 0 {
                let score = scores[left.trailing_zeros() as usize];
                if score >= floor {
                    self.reached.push(key_of_score(score.to_f64()));
                }
                left &= left - 1;
            }
        }
    }
}

impl RowVisitor for Seen {
    fn row<S: Sample>(&mut self, _y: usize, row: &[S], mask: Option<&[u64]>) {
        let summary = S::summary(row);
        self.finite &= summary.finite;
        self.score.row(row, summary.largest);
        for (threshold, predicted) in self.thresholds.predicted.iter().zip(&mut self.predicted) {
            if let Some(threshold) = threshold.map(S::at_least)
                && summary.largest >= threshold
            {
                *predicted += S::count_at_least(row, threshold) as u64;
            }
        }
        if let Some(floor) = self.thresholds.floor.map(S::at_least)
            && summary.largest >= floor
            && let Some(mask) = mask
        {
            self.reach(row, mask, floor);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pimo_frame::{Mask, Scores, Size};
    use proptest::prelude::*;

    use super::*;

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
            let noise = |i: u64| (i.wrapping_add(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f32 / 8_388_608.0 - 1.0;
            let scores: Vec<f32> = (0..size.pixels()).map(noise).collect();
            let mask = Mask::from_fn(size, |y, x| noise((y * 1000 + x) as u64 ^ 77) > 0.3);
            let pixel = |i: usize| (i / width as usize, i % width as usize);
            let above = floor + step;
            let count = |bound: f64| scores.iter().filter(|&&s| f64::from(s) >= bound).count() as u64;
            let mut reached: Vec<u64> = (0..scores.len())
                .filter(|&i| mask.get(pixel(i).0, pixel(i).1) && f64::from(scores[i]) >= floor)
                .map(|i| key_of_score(f64::from(scores[i])))
                .collect();
            reached.sort_unstable_by(|a, b| b.cmp(a));
            let frame = Frame::new(size, size, Scores::from_f32(scores.clone()), Some(mask.clone().into())).unwrap();
            let thresholds = OverlapThresholds { floor: Some(floor), predicted: [Some(floor), Some(above)] };
            let mut counter = OverlapCounter::new(ImageScore::Max);
            for _ in 0..2 {
                let counts = counter.count(&frame, thresholds).unwrap();
                prop_assert_eq!(counts.reached, &reached[..]);
                prop_assert_eq!(counts.predicted, [count(floor), count(above)]);
                prop_assert_eq!(counts.anomalous_pixels, mask.anomalous_pixels());
            }
        }
    }

    #[test]
    fn a_score_that_is_no_number_is_found_where_it_is() {
        let size = Size::new(3, 5);
        let mut scores = vec![0.5_f64; 15];
        scores[7] = f64::NAN;
        let frame = Frame::new(size, size, Scores::from_f64(scores), None).unwrap();
        let bad = OverlapCounter::new(ImageScore::Max)
            .count(&frame, OverlapThresholds::default())
            .unwrap_err();
        assert_eq!((bad.row, bad.column), (1, 2));
        assert!(bad.value.is_nan());
    }
}
