//! The shared FPR above its upper bound, where single scores are no longer kept.
//!
//! The upper tail ends where the shared FPR reaches the upper bound. Further down the normal images are known as bins
//! of scores. At the lowest score that a bin may hold the shared FPR is known exactly all the same: it counts the bin
//! and everything above. Such edges serve as thresholds there.

use std::ops::ControlFlow;

use pimo_accumulator::{ScoreBin, WEIGHT_BITS};

use crate::Decimal;
use crate::quotient::quotient;

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
    /// Pixels of normal images at or above it.
    pub pixels: u64,
}

impl NormalPixels {
    /// The shared FPR when all these have been passed: the nearest double, as the axis has it.
    pub(crate) fn rate(self, passed: Passed) -> f64 {
        match self {
            Self::Equal { pixels, images } => {
                quotient(passed.negatives.into(), u128::from(pixels) * u128::from(images))
            }
            Self::Weighted { images } => {
                // Every pixel's weight is rounded down, by half a unit in the mean.
                let weight = passed.weight + u128::from(passed.weighted / 2);
                (quotient(weight, images.into()) / (1_u128 << WEIGHT_BITS) as f64).min(1.0)
            }
        }
    }

    /// Whether the shared FPR then reaches a bound; decided on integers where sizes are equal.
    pub(crate) fn reaches(self, passed: Passed, bound: Decimal) -> bool {
        let rate = self.rate(passed);
        match self {
            Self::Equal { pixels, images } => {
                bound.is_reached_by(std::iter::once((passed.negatives, pixels)), images, rate)
            }
            Self::Weighted { .. } => rate >= bound.value(),
        }
    }
}

/// What has been passed of the normal images, from the highest scores down.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passed {
    negatives: u64,
    /// Pixels that were counted with a weight, and the weight.
    weighted: u64,
    weight: u128,
}

impl Passed {
    /// Adds a bin.
    #[inline]
    pub(crate) fn add(&mut self, bin: &ScoreBin) {
        self.negatives += bin.negatives;
        self.weighted += bin.positives;
        self.weight += bin.weight;
    }

    /// Pixels of either sort.
    pub(crate) const fn pixels(self) -> u64 {
        self.negatives + self.weighted
    }
}

/// The search for the highest edges of bins at which the shared FPR reaches given levels, while the bins of the normal
/// images come from the highest scores to the lowest.
///
/// ```
/// use pimo_accumulator::ScoreBin;
/// use pimo_finaliser::{NormalPixels, RateWalk};
///
/// let normal = NormalPixels::Equal { pixels: 10, images: 2 };
/// let mut walk = RateWalk::new(normal, &[0.1, 0.15]);
/// let bin = |score, negatives| ScoreBin { positives: 0, negatives, weight: 0, low: score, high: score };
/// assert!(walk.pass(&bin(9.0, 1)).is_continue());
/// assert!(walk.pass(&bin(8.0, 2)).is_break());
/// assert_eq!(walk.finish()[0].threshold, 8.0);
/// ```
pub struct RateWalk<'a> {
    normal: NormalPixels,
    passed: Passed,
    /// Ascending levels that have not been reached.
    ahead: &'a [f64],
    /// With fewer negatives than this the next level is not reached.
    enough: u64,
    points: Vec<RatePoint>,
}

impl<'a> RateWalk<'a> {
    /// A search for ascending levels.
    pub fn new(normal: NormalPixels, levels: &'a [f64]) -> Self {
        let mut walk = Self { normal, passed: Passed::default(), ahead: levels, enough: 0, points: Vec::new() };
        walk.look_ahead();
        walk
    }

    /// Goes past the next bin; breaks when every level has been reached.
    #[inline]
    pub fn pass(&mut self, bin: &ScoreBin) -> ControlFlow<()> {
        self.passed.add(bin);
        if self.passed.negatives >= self.enough {
            self.compare(bin);
        }
        if self.ahead.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// The edges by falling threshold. Levels that meet the same edge give one point; those that no edge reaches give
    /// none.
    pub fn finish(self) -> Vec<RatePoint> {
        self.points
    }

    fn compare(&mut self, bin: &ScoreBin) {
        let shared_fpr = self.normal.rate(self.passed);
        let reached = self.ahead.iter().take_while(|&&level| level <= shared_fpr).count();
        if reached > 0 {
            let pixels = self.passed.pixels();
            self.points.push(RatePoint { threshold: bin.low, highest: bin.high, shared_fpr, pixels });
            self.ahead = &self.ahead[reached..];
            self.look_ahead();
        }
    }

    fn look_ahead(&mut self) {
        self.enough = match (self.ahead.first(), self.normal) {
            (None, _) => u64::MAX,
            // Two divisions for every bin would cost more than adding it up; a little less than this is never enough.
            (Some(level), NormalPixels::Equal { pixels, images }) => {
                (level * pixels as f64 * images as f64 * (1.0 - 1e-12)) as u64
            }
            (Some(_), NormalPixels::Weighted { .. }) => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the walk says, with the rate formed at every bin.
    fn plainly(bins: &[ScoreBin], normal: NormalPixels, levels: &[f64]) -> Vec<RatePoint> {
        let mut points: Vec<RatePoint> = Vec::new();
        let (mut passed, mut next) = (Passed::default(), 0);
        for bin in bins {
            passed.add(bin);
            let shared_fpr = normal.rate(passed);
            let reached = levels[next..].iter().filter(|&&level| level <= shared_fpr).count();
            if reached > 0 {
                let pixels = passed.pixels();
                points.push(RatePoint { threshold: bin.low, highest: bin.high, shared_fpr, pixels });
            }
            next += reached;
        }
        points
    }

    fn rate_points(bins: impl IntoIterator<Item = ScoreBin>, normal: NormalPixels, levels: &[f64]) -> Vec<RatePoint> {
        let mut walk = RateWalk::new(normal, levels);
        let _ = bins.into_iter().try_for_each(|bin| walk.pass(&bin));
        walk.finish()
    }

    proptest! {
        #[test]
        fn no_level_is_passed_over(
            counts in proptest::collection::vec(0_u64..6, 1..40),
            pixels in prop_oneof![1_u64..20, 1 << 40..1_u64 << 50],
            images in 1_u64..9,
            mut levels in proptest::collection::vec((1_u64..60, -1_i64..2), 0..12),
            scale in 1_u64..1 << 30,
        ) {
            let counts: Vec<u64> = counts.into_iter().map(|count| if pixels < 20 { count } else { count * scale }).collect();
            let all: u64 = counts.iter().sum();
            let bins: Vec<ScoreBin> = counts.iter().enumerate().map(|(i, &count)| bin(-(i as f64), count, 0)).collect();
            let normal = NormalPixels::Equal { pixels, images };
            // Rates that are met exactly, and their neighbours.
            levels.sort_unstable();
            let level = |(part, aside): (u64, i64)| {
                let rate = normal.rate(Passed { negatives: part * (all / 60), ..Passed::default() });
                f64::from_bits(rate.to_bits().saturating_add_signed(if rate > 0.0 { aside } else { 0 }))
            };
            let levels: Vec<f64> = levels.into_iter().map(level).filter(|&level| level > 0.0).collect();
            prop_assert_eq!(rate_points(bins.clone(), normal, &levels), plainly(&bins, normal, &levels));
        }
    }

    fn bin(low: f64, negatives: u64, weight: u128) -> ScoreBin {
        ScoreBin { positives: 0, negatives, weight, low, high: low + 0.5 }
    }

    #[test]
    fn levels_meet_the_next_edge() {
        let bins = [bin(9.0, 1, 0), bin(8.0, 3, 0), bin(7.0, 16, 0)];
        let normal = NormalPixels::Equal { pixels: 10, images: 2 };
        let points = rate_points(bins, normal, &[0.01, 0.05, 0.06, 0.2, 1.0]);
        let expected = [(9.0, 0.05), (8.0, 0.2), (7.0, 1.0)];
        assert_eq!(points.iter().map(|point| (point.threshold, point.shared_fpr)).collect::<Vec<_>>(), expected);
        assert_eq!(rate_points(bins, normal, &[2.0]), []);
    }

    #[test]
    fn images_of_two_sizes_weigh_the_same() {
        let weight = |pixels: u128| (1 << WEIGHT_BITS) / pixels;
        // One pixel of an image with three, and all four of another.
        let bins = [bin(2.0, 0, weight(3)), bin(1.0, 0, 4 * weight(4))];
        let points = rate_points(bins, NormalPixels::Weighted { images: 2 }, &[0.1, 0.5]);
        assert!((points[0].shared_fpr - 1.0 / 6.0).abs() < 1e-15);
        assert!((points[1].shared_fpr - 2.0 / 3.0).abs() < 1e-15);
    }
}
