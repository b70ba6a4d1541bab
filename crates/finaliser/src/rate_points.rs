//! The shared FPR above its upper bound, where single scores are no longer kept.
//!
//! The upper tail ends where the shared FPR reaches the upper bound. Further down the normal images are known as bins
//! of scores. At the lowest score that a bin may hold the shared FPR is known exactly all the same: it counts the bin
//! and everything above. Such edges serve as thresholds there.

use std::ops::ControlFlow;

use pimo_accumulator::{BinWalk, ScoreBin, WEIGHT_BITS};

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

/// Searches for the highest edges of bins at which the shared FPR reaches given levels, of which there are several lists,
/// while the bins of the normal images come from the highest scores to the lowest.
///
/// ```
/// use pimo_accumulator::{BinWalk, ScoreBin};
/// use pimo_finaliser::{NormalPixels, RateWalk};
///
/// let normal = NormalPixels::Equal { pixels: 10, images: 2 };
/// let mut walk = RateWalk::new(normal, [&[0.1, 0.15]]);
/// let bin = |score, negatives| ScoreBin { positives: 0, negatives, weight: 0, low: score, high: score };
/// assert!(walk.pass(&bin(9.0, 1)).is_continue());
/// assert!(walk.pass(&bin(8.0, 2)).is_break());
/// let [points] = walk.finish();
/// assert_eq!(points[0].threshold, 8.0);
/// ```
pub struct RateWalk<'a, const N: usize> {
    normal: NormalPixels,
    passed: Passed,
    searches: [Search<'a>; N],
    /// With fewer negatives than this no search comes to its next level.
    enough: u64,
}

/// The search for one list of levels.
struct Search<'a> {
    /// Ascending levels that have not been reached.
    ahead: &'a [f64],
    points: Vec<RatePoint>,
}

impl<'a, const N: usize> RateWalk<'a, N> {
    /// Searches for lists of ascending levels.
    pub fn new(normal: NormalPixels, levels: [&'a [f64]; N]) -> Self {
        let searches = levels.map(|ahead| Search { ahead, points: Vec::new() });
        let mut walk = Self { normal, passed: Passed::default(), searches, enough: 0 };
        walk.look_ahead();
        walk
    }

    /// The edges by falling threshold, for each list. Levels that meet the same edge give one point; those that no edge
    /// reaches give none.
    pub fn finish(self) -> [Vec<RatePoint>; N] {
        self.searches.map(|search| search.points)
    }

    fn compare(&mut self, bin: &ScoreBin) {
        let pixels = self.passed.pixels();
        let shared_fpr = self.normal.rate(self.passed);
        for search in &mut self.searches {
            let reached = search.ahead.iter().take_while(|&&level| level <= shared_fpr).count();
            if reached > 0 {
                search.points.push(RatePoint { threshold: bin.low, highest: bin.high, shared_fpr, pixels });
                search.ahead = &search.ahead[reached..];
            }
        }
        self.look_ahead();
    }

    fn look_ahead(&mut self) {
        let next = self.searches.iter().filter_map(|search| search.ahead.first()).copied().min_by(f64::total_cmp);
        self.enough = match (next, self.normal) {
            (None, _) => u64::MAX,
            // Two divisions for every bin would cost more than adding it up; a little less than this is never enough.
            (Some(level), NormalPixels::Equal { pixels, images }) => {
                (level * pixels as f64 * images as f64 * (1.0 - 1e-12)) as u64
            }
            (Some(_), NormalPixels::Weighted { .. }) => 0,
        };
    }
}

/// Breaks when all levels have been reached.
impl<const N: usize> BinWalk for RateWalk<'_, N> {
    #[inline]
    fn pass(&mut self, bin: &ScoreBin) -> ControlFlow<()> {
        self.passed.add(bin);
        if self.passed.negatives >= self.enough {
            self.compare(bin);
        }
        if self.enough == u64::MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    #[inline]
    fn pass_together(&mut self, bins: &ScoreBin) -> bool {
        // Where there is no level left the next bin ends the walk.
        let reaches_none = self.enough < u64::MAX && self.passed.negatives + bins.negatives < self.enough;
        if reaches_none {
            self.passed.add(bins);
        }
        reaches_none
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
        let mut walk = RateWalk::new(normal, [levels]);
        let _ = bins.into_iter().try_for_each(|bin| walk.pass(&bin));
        let [points] = walk.finish();
        points
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
            let expected = plainly(&bins, normal, &levels);
            prop_assert_eq!(&rate_points(bins.clone(), normal, &levels), &expected);
            // Several lists, of bins that come together as far as may be.
            let (odd, even): (Vec<f64>, Vec<f64>) = levels.chunks(2).map(|two| (two[0], two[two.len() - 1])).unzip();
            let mut walk = RateWalk::new(normal, [&levels, &odd, &even, &[]]);
            let _ = bins.chunks(3).try_for_each(|bins| {
                let together = ScoreBin { low: bins[bins.len() - 1].low, negatives: negatives(bins), ..bins[0] };
                if walk.pass_together(&together) { ControlFlow::Continue(()) } else { bins.iter().try_for_each(|bin| walk.pass(bin)) }
            });
            prop_assert_eq!(
                walk.finish(), [expected, plainly(&bins, normal, &odd), plainly(&bins, normal, &even), Vec::new()]
            );
        }
    }

    fn negatives(bins: &[ScoreBin]) -> u64 {
        bins.iter().map(|bin| bin.negatives).sum()
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
