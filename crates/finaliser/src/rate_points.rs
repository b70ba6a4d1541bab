//! The shared FPR above its upper bound, where single scores are no longer kept.
//!
//! The upper tail ends where the shared FPR reaches the upper bound. Further down the normal images are known as bins
//! of scores. At the lowest score that a bin may hold the shared FPR is known exactly all the same: it counts the bin
//! and everything above. Such edges serve as thresholds there.

use pimo_accumulator::{ScoreBin, WEIGHT_BITS};

use crate::Decimal;

/// How bins of normal pixels become a mean of the images' rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormalPixels {
    /// All images have the same number of pixels, so the bins' negatives will do.
    Equal {
        /// Pixels of each image.
        pixels: u64,
        /// Number of images.
        images: u64,
    },
    /// Sizes differ; each pixel was counted with 1 / (pixels of its image) as its weight.
    Weighted {
        /// Number of images.
        images: u64,
    },
}

/// A threshold and the shared FPR there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePoint {
    /// The threshold: the lower edge of a bin.
    pub threshold: f64,
    /// Highest score of the bin: the highest threshold that reaches the level lies between the two.
    pub highest: f64,
    /// Mean over the normal images of the share of pixels at or above it.
    pub shared_fpr: f64,
}

impl NormalPixels {
    /// The shared FPR when `negatives` or `weight` have been passed.
    pub(crate) fn rate(self, negatives: u64, weight: u128) -> f64 {
        match self {
            // As the axis computes it: the same counts give the same bits.
            Self::Equal { pixels, images } => negatives as f64 / pixels as f64 / images as f64,
            Self::Weighted { images } => {
                let rate = weight as f64 / (1_u128 << WEIGHT_BITS) as f64 / images as f64;
                // Weights are rounded down, which only shows where all pixels have been passed.
                rate.min(1.0)
            }
        }
    }

    /// Whether the shared FPR then reaches a bound; decided on integers where sizes are equal.
    pub(crate) fn reaches(self, negatives: u64, weight: u128, bound: Decimal) -> bool {
        let rate = self.rate(negatives, weight);
        match self {
            Self::Equal { pixels, images } => bound.is_reached_by(std::iter::once((negatives, pixels)), images, rate),
            Self::Weighted { .. } => rate >= bound.value(),
        }
    }
}

/// For each of ascending `levels` the highest edge of a bin at which the shared FPR reaches it. Levels that meet the
/// same edge give one point; those that no edge reaches give none.
///
/// `bins` are those of the normal images from the highest scores down.
pub fn rate_points(bins: impl Iterator<Item = ScoreBin>, normal: NormalPixels, levels: &[f64]) -> Vec<RatePoint> {
    let (mut negatives, mut weight) = (0, 0);
    let mut levels = levels.iter().copied().peekable();
    let mut points = Vec::new();
    for bin in bins {
        negatives += bin.negatives;
        weight += bin.weight;
        let shared_fpr = normal.rate(negatives, weight);
        if levels.next_if(|&level| level <= shared_fpr).is_some() {
            points.push(RatePoint { threshold: bin.low, highest: bin.high, shared_fpr });
            while levels.next_if(|&level| level <= shared_fpr).is_some() {}
        }
        if levels.peek().is_none() {
            break;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(low: f64, negatives: u64, weight: u128) -> ScoreBin {
        ScoreBin { positives: 0, negatives, weight, low, high: low + 0.5 }
    }

    #[test]
    fn levels_meet_the_next_edge() {
        let bins = [bin(9.0, 1, 0), bin(8.0, 3, 0), bin(7.0, 16, 0)];
        let normal = NormalPixels::Equal { pixels: 10, images: 2 };
        let points = rate_points(bins.into_iter(), normal, &[0.01, 0.05, 0.06, 0.2, 1.0]);
        let expected = [(9.0, 0.05), (8.0, 0.2), (7.0, 1.0)];
        assert_eq!(points.iter().map(|point| (point.threshold, point.shared_fpr)).collect::<Vec<_>>(), expected);
        assert_eq!(rate_points(bins.into_iter(), normal, &[2.0]), []);
    }

    #[test]
    fn images_of_two_sizes_weigh_the_same() {
        let weight = |pixels: u128| (1 << WEIGHT_BITS) / pixels;
        // One pixel of an image with three, and all four of another.
        let bins = [bin(2.0, 0, weight(3)), bin(1.0, 0, 4 * weight(4))];
        let points = rate_points(bins.into_iter(), NormalPixels::Weighted { images: 2 }, &[0.1, 0.5]);
        assert!((points[0].shared_fpr - 1.0 / 6.0).abs() < 1e-15);
        assert!((points[1].shared_fpr - 2.0 / 3.0).abs() < 1e-15);
    }
}
