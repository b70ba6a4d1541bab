//! The shared axis when the normal images' largest scores are too many to be kept: bins in their place, and AUPIMO as
//! an interval.
//!
//! At the two ends of a bin the shared FPR is known exactly. An anomalous pixel between two bins is found from exactly
//! the rate of the bin above on. One inside a bin is found from a rate between those of its two ends on, and its weight
//! in AUPIMO, which falls as that rate rises, lies between theirs. A bin that holds one score is a step of the exact
//! axis. So AUPIMO lies between the means of the two weights; see `docs/certificates.md`.

use pimo_accumulator::{Run, ScoreBin, key_of_score, score_of_key};

use crate::overlap_curve::{found_at, ramp};
use crate::rate_points::Passed;
use crate::{CurvePoints, FprBounds, Interval, NormalPixels, OperatingPoint};

/// Steps of the range of integration below which bins are put together: that widens no interval beyond 2^-18, and two
/// neighbours together are wider than a step, so the axis has twice as many bins at most.
const STEPS: f64 = (1 << 18) as f64;

/// Bins of the normal images' scores down to the one in which the shared FPR, a mean, reaches the upper bound.
#[derive(Clone, Debug)]
pub struct BinnedAxis {
    bounds: FprBounds,
    bins: Vec<AxisBin>,
    /// Highest and lowest key of every bin, descending; one where they are the same.
    keys: Vec<u64>,
    lower_threshold: usize,
    upper_threshold: usize,
}

#[derive(Clone, Copy, Debug)]
struct AxisBin {
    /// Keys of its highest and its lowest score.
    high: u64,
    low: u64,
    /// Shared FPR at its lowest score.
    rate: f64,
    log_rate: f64,
    /// Normal pixels at or above its lowest score.
    pixels: u64,
}

impl AxisBin {
    fn is_tie(&self) -> bool {
        self.high == self.low
    }
}

impl BinnedAxis {
    /// The axis of the normal images' `bins`, from the highest scores down; `None` where they never reach the upper
    /// bound.
    pub fn new(bins: impl Iterator<Item = ScoreBin>, normal: NormalPixels, bounds: FprBounds) -> Option<Self> {
        let mut axis = Self {
            bounds,
            bins: Vec::new(),
            keys: Vec::new(),
            lower_threshold: usize::MAX,
            upper_threshold: usize::MAX,
        };
        let step = bounds.log_length() / STEPS;
        let mut passed = Passed::default();
        for bin in bins {
            let before = normal.reaches(passed, bounds.lower());
            passed.add(&bin);
            let rate = normal.rate(passed);
            let added = AxisBin {
                high: key_of_score(bin.high),
                low: key_of_score(bin.low),
                rate,
                log_rate: libm::log(rate),
                pixels: passed.pixels(),
            };
            let crosses = normal.reaches(passed, bounds.lower()) && !before;
            axis.push(added, if crosses { 0.0 } else { step });
            if axis.upper_threshold == usize::MAX && normal.reaches(passed, bounds.lower()) {
                axis.upper_threshold = axis.bins.len() - 1;
            }
            if normal.reaches(passed, bounds.upper()) {
                axis.lower_threshold = axis.bins.len() - 1;
                axis.finish();
                return Some(axis);
            }
        }
        None
    }

    /// Adds a bin, or widens the last one by it where the rate has risen by less than `step` of its logarithm since the
    /// one before that. Bins on both sides of the lower bound are not put together.
    fn push(&mut self, bin: AxisBin, step: f64) {
        let log_lower = libm::log(self.bounds.lower().value());
        let count = self.bins.len();
        let start = if count < 2 { f64::NEG_INFINITY } else { self.bins[count - 2].log_rate };
        let joins = count > 0
            && step > 0.0
            && self.upper_threshold != count - 1
            && (bin.log_rate <= log_lower || bin.log_rate - start.max(log_lower) < step);
        match self.bins.last_mut() {
            Some(last) if joins => *last = AxisBin { high: last.high, ..bin },
            _ => self.bins.push(bin),
        }
    }

    fn finish(&mut self) {
        self.bins.shrink_to_fit();
        let mut keys = Vec::with_capacity(2 * self.bins.len());
        for bin in &self.bins {
            keys.push(bin.high);
            if !bin.is_tie() {
                keys.push(bin.low);
            }
        }
        self.keys = keys;
    }

    /// Bytes that an axis takes at most.
    pub const fn most_bytes() -> u64 {
        // The vector of bins doubles as it grows.
        (2 * STEPS as u64 + 16) * 2 * (size_of::<AxisBin>() + size_of::<u64>()) as u64
    }

    /// Keys against which anomalous images are counted, descending.
    pub fn keys(&self) -> &[u64] {
        &self.keys
    }

    /// The bounds this axis was made for.
    pub const fn bounds(&self) -> FprBounds {
        self.bounds
    }

    /// Whether the shared FPR at the lowest score of the first bin lies at or below the lower bound.
    pub fn covers_bounds(&self) -> bool {
        self.upper_threshold > 0 || self.bins[0].rate <= self.bounds.lower().value()
    }

    /// The smallest shared FPR that is known.
    pub fn smallest_rate(&self) -> f64 {
        self.bins[0].rate
    }

    /// The largest shared FPR, at the lower threshold.
    pub fn largest_rate(&self) -> f64 {
        self.bins[self.bins.len() - 1].rate
    }

    /// The lowest score of the bin in which the shared FPR reaches the upper bound: the lower threshold.
    pub fn lower_threshold(&self) -> OperatingPoint {
        self.operating_point(self.lower_threshold)
    }

    /// The lowest score of the bin in which the shared FPR reaches the lower bound: the upper threshold.
    pub fn upper_threshold(&self) -> OperatingPoint {
        self.operating_point(self.upper_threshold)
    }

    /// The levels of shared FPR, ascending, at which points of curves are wanted if these go on to the rate `last`; as
    /// [`SharedAxis::levels`](crate::SharedAxis::levels), and with those of every bin where all are wanted.
    pub fn levels(&self, points: CurvePoints, last: f64) -> Vec<f64> {
        let above = points.levels(self.smallest_rate(), self.bounds.upper().value(), last);
        let every = if points == CurvePoints::Full { self.bins.as_slice() } else { &[] };
        every.iter().map(|bin| bin.rate).chain(above).collect()
    }

    /// Lowest scores of the first bins that reach ascending levels of the shared FPR, and the two operating points, by
    /// falling threshold: `(threshold, shared FPR)`.
    pub fn points(&self, levels: &[f64]) -> Vec<(f64, f64)> {
        let reaching = |&level: &f64| self.bins.partition_point(|bin| bin.rate < level);
        let mut selected: Vec<usize> = levels.iter().map(reaching).filter(|&index| index < self.bins.len()).collect();
        selected.extend([self.lower_threshold, self.upper_threshold]);
        selected.sort_unstable();
        selected.dedup();
        selected.into_iter().map(|index| (score_of_key(self.bins[index].low), self.bins[index].rate)).collect()
    }

    fn operating_point(&self, index: usize) -> OperatingPoint {
        let bin = self.bins[index];
        OperatingPoint { threshold: score_of_key(bin.low), shared_fpr: bin.rate, normal_pixels: bin.pixels }
    }

    /// AUPIMO of an image, or a region, with `anomalous_pixels`, of which those that reach the axis are `reached`;
    /// `None` where the axis does not cover the bounds.
    pub fn aupimo(&self, reached: &[Run], anomalous_pixels: u64) -> Option<Interval> {
        if !self.covers_bounds() {
            return None;
        }
        let (mut low, mut high, mut roundings) = (0.0, 0.0, 0.0);
        let mut place = 0;
        for run in reached {
            place += self.bins[place..].partition_point(|bin| bin.low > run.key);
            let Some(bin) = self.bins.get(place) else { break };
            let (least, most) = self.weights(place, bin, run.key);
            low += least * run.count as f64;
            high += most * run.count as f64;
            roundings += 1.0;
        }
        let mean = |sum: f64| sum / anomalous_pixels as f64;
        // Weights of 0 and 1 and their sums are exact; others are logarithms divided by the length of the range.
        let log_lower = libm::log(self.bounds.lower().value()).abs();
        let rounding = (64.0 * (1.0 + log_lower) / self.bounds.log_length() + roundings) * f64::EPSILON;
        let whole = |sum: f64| sum == 0.0 || sum == anomalous_pixels as f64;
        let least = if whole(low) { mean(low) } else { mean(low) - rounding };
        let most = if whole(high) { mean(high) } else { mean(high) + rounding };
        Some(Interval::new(least.clamp(0.0, 1.0), most.clamp(0.0, 1.0)))
    }

    /// Least and most of the range of integration that may find a pixel in or above a bin.
    fn weights(&self, place: usize, bin: &AxisBin, key: u64) -> (f64, f64) {
        let start = if place == 0 { f64::NEG_INFINITY } else { self.bins[place - 1].log_rate };
        let most = self.found_from(start);
        if key > bin.high {
            return (most, most);
        }
        if bin.is_tie() {
            let log_bounds = [self.bounds.lower().value(), self.bounds.upper().value()].map(libm::log);
            let exact = if start == f64::NEG_INFINITY { 1.0 } else { ramp(start, bin.log_rate, log_bounds) };
            return (exact, exact);
        }
        (self.found_from(bin.log_rate), most)
    }

    /// The part of the range of integration above a rate.
    fn found_from(&self, log_rate: f64) -> f64 {
        let [lower, upper] = [self.bounds.lower().value(), self.bounds.upper().value()].map(libm::log);
        (upper - log_rate.clamp(lower, upper)) / (upper - lower)
    }

    /// Recall of an image at descending thresholds.
    pub fn recalls(&self, reached: &[Run], anomalous_pixels: u64, thresholds: &[f64]) -> Vec<f64> {
        let keys = thresholds.iter().map(|&threshold| key_of_score(threshold));
        found_at(reached, keys).map(|found| found as f64 / anomalous_pixels as f64).collect()
    }

    /// Anomalous pixels found at the lower and at the upper threshold.
    pub fn found_at_thresholds(&self, reached: &[Run]) -> [u64; 2] {
        [self.lower_threshold, self.upper_threshold]
            .map(|index| found_at(reached, std::iter::once(self.bins[index].low)).sum())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pimo_accumulator::{Depth, UpperTail};
    use proptest::prelude::*;

    use super::*;
    use crate::{OverlapCurve, SharedAxis, SharedFpr};

    const PIXELS: u64 = 200;

    fn runs(scores: &[u16]) -> Vec<Run> {
        let mut keys: Vec<u64> = scores.iter().map(|&score| key_of_score(f64::from(score))).collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        keys.chunk_by(|a, b| a == b).map(|tied| Run { key: tied[0], count: tied.len() as u64 }).collect()
    }

    /// Bins of the scores of all images, cut at these scores.
    fn bins(images: &[Vec<u16>], cuts: &[u16]) -> Vec<ScoreBin> {
        let mut all: Vec<u16> = images.iter().flatten().copied().collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        let cell = |score: u16| cuts.iter().filter(|&&cut| cut <= score).count();
        all.chunk_by(|&a, &b| cell(a) == cell(b))
            .map(|bin| ScoreBin {
                positives: 0,
                negatives: bin.len() as u64,
                weight: 0,
                low: f64::from(bin[bin.len() - 1]),
                high: f64::from(bin[0]),
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn exact_aupimo_lies_inside(
            images in proptest::collection::vec(proptest::collection::vec(0_u16..60, PIXELS as usize), 1..4),
            anomalous in proptest::collection::vec(0_u16..70, 1..60),
            cuts in proptest::collection::vec(0_u16..60, 0..40),
            lower in prop_oneof![Just("1e-2"), Just("5e-3"), Just("0.05")],
            upper in prop_oneof![Just("0.1"), Just("0.5"), Just("1")],
        ) {
            let bounds = FprBounds::from_decimals(lower.parse().unwrap(), upper.parse().unwrap()).unwrap();
            let count = images.len() as u64;
            let mut tail = UpperTail::new(Depth::Mean { bound: 1.0, images: count });
            for (group, image) in images.iter().enumerate() {
                tail.add(group as u32, PIXELS, &runs(image));
            }
            let exact = SharedAxis::new(&tail.into_settled(), SharedFpr::Mean, bounds, &[]).unwrap();
            let reached = runs(&anomalous);
            let expected = OverlapCurve::new(&exact, &reached, anomalous.len() as u64).aupimo();
            let normal = NormalPixels::Equal { pixels: PIXELS, images: count };
            let axis = BinnedAxis::new(bins(&images, &cuts).into_iter(), normal, bounds).unwrap();
            let Some(found) = axis.aupimo(&reached, anomalous.len() as u64) else {
                // A first bin may hide that the bounds are covered, never pretend it.
                prop_assert!(expected.is_none() || !axis.bins[0].is_tie());
                return Ok(());
            };
            let expected = expected.unwrap();
            prop_assert!(found.low() <= expected && expected <= found.high(), "{expected} {found:?}");
            for point in [axis.lower_threshold(), axis.upper_threshold()] {
                let reaching = images.iter().flatten().filter(|&&score| f64::from(score) >= point.threshold).count();
                prop_assert_eq!(point.normal_pixels, reaching as u64);
                prop_assert!((point.shared_fpr - reaching as f64 / (PIXELS * count) as f64).abs() < 1e-15);
            }
            // Bins of one score each are the exact axis.
            let fine: Vec<u16> = (0..60).collect();
            let axis = BinnedAxis::new(bins(&images, &fine).into_iter(), normal, bounds).unwrap();
            let same = axis.aupimo(&reached, anomalous.len() as u64).unwrap();
            prop_assert!(same.is_exact() && (same.value() - expected).abs() < 1e-13, "{expected} {same:?}");
        }
    }

    #[test]
    fn many_bins_are_put_together() {
        let bins = (0..3_000_000_u32).map(|i| ScoreBin {
            positives: 0,
            negatives: 1,
            weight: 0,
            low: -f64::from(i),
            high: -f64::from(i),
        });
        let normal = NormalPixels::Equal { pixels: 3_000_000, images: 1 };
        let bounds = FprBounds::new(0.5, 1.0).unwrap();
        let axis = BinnedAxis::new(bins, normal, bounds).unwrap();
        assert!(axis.bins.len() < 2 * (STEPS as usize) + 16, "{}", axis.bins.len());
        assert_eq!(axis.upper_threshold().shared_fpr, 0.5);
        let all = [Run { key: key_of_score(-2_000_000.0), count: 1 }];
        let found = axis.aupimo(&all, 1).unwrap();
        assert!(found.half_width() <= 1.0 / STEPS, "{found:?}");
        let exact = (0.0 - libm::log(2_000_000.0 / 3e6)) / libm::log(2.0);
        assert!(found.low() <= exact && exact <= found.high() + 1e-9);
    }
}
