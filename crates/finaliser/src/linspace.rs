//! AUPIMO by the published procedure: evenly spaced thresholds, nearest bounds, the trapezoidal rule.
//!
//! What the published package computes in double precision is computed here by the same operations in the same order,
//! so thresholds and shared FPR agree bit for bit. Its slips are kept too: the bounds are met by the nearest threshold
//! only, while the area is divided by the nominal length of the range.

use pimo_accumulator::linspace::Grid;
use pimo_accumulator::{Run, key_of_score};

use crate::levels::log_spaced;
use crate::overlap_curve::found_at;
use crate::{CurvePoints, FprBounds, OperatingPoint};

/// Fewer points than these are refused unless that is allowed.
const TOO_FEW_POINTS: usize = 30;
/// Fewer points than these draw a warning.
const FEW_POINTS: usize = 300;

/// The sum of the normal images' false-positive rates at each threshold of a grid.
///
/// The sum is sequential, so images have to be added in the order in which the published package takes them: by path.
#[derive(Clone, Debug)]
pub struct GridRates {
    sums: Vec<f64>,
    pixels: Vec<u64>,
    images: u64,
}

impl GridRates {
    /// Of no image yet, for a grid of `thresholds` thresholds.
    pub fn new(thresholds: usize) -> Self {
        Self { sums: vec![0.0; thresholds], pixels: vec![0; thresholds], images: 0 }
    }

    /// Adds a normal image: how many of its `pixels` reach each threshold.
    pub fn add(&mut self, counts: &[u32], pixels: u64) {
        let pixels = pixels as f64;
        for ((sum, total), &count) in self.sums.iter_mut().zip(&mut self.pixels).zip(counts) {
            *sum += f64::from(count) / pixels;
            *total += u64::from(count);
        }
        self.images += 1;
    }
}

/// Why the published procedure gives no score.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LinspaceError {
    /// A bound lies outside the rates that the thresholds reach.
    #[error(
        "the {name} bound of the shared FPR, {bound}, is out of the range [{smallest:e}, {largest}] that the normal \
         images reach: evaluate more (or larger) normal images, or give --fpr-bounds inside that range"
    )]
    OutOfRange {
        /// `lower` or `upper`.
        name: &'static str,
        /// The bound.
        bound: f64,
        /// Smallest shared FPR.
        smallest: f64,
        /// Largest shared FPR.
        largest: f64,
    },
    /// Both bounds are nearest to the same threshold, or to thresholds in the wrong order.
    #[error(
        "the lower and the upper bound of the shared FPR matched the same threshold, or thresholds in the wrong order: \
         take more thresholds (--thresholds linspace:K), wider --fpr-bounds, or --thresholds exact"
    )]
    SameThreshold,
    /// Too few thresholds between the bounds.
    #[error(
        "only {0} thresholds lie between the bounds of the shared FPR, and more than 30 are needed: take more \
         thresholds (--thresholds linspace:K) or --thresholds exact, or force the score with --allow-few-points"
    )]
    TooFewPoints(usize),
}

/// Something about the published procedure's result that its reader should know.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LinspaceWarning {
    /// The shared FPR at the threshold nearest to a bound misses the bound by more than one per cent.
    #[error(
        "the {name} bound of the shared FPR is not exactly achieved: expected {bound:e} but got {reached:e}, not within \
         a tolerance of 1%"
    )]
    BoundMissed {
        /// `lower` or `upper`.
        name: &'static str,
        /// The bound.
        bound: f64,
        /// Shared FPR at the nearest threshold.
        reached: f64,
    },
    /// Few thresholds between the bounds.
    #[error("the AUPIMO may be inaccurate: only {0} thresholds lie between the bounds of the shared FPR")]
    FewPoints(usize),
    /// Too few thresholds between the bounds, but a score was asked for all the same.
    #[error("the AUPIMO may be inaccurate: only {0} thresholds lie between the bounds; computation was forced")]
    Forced(usize),
}

/// The shared axis of the published procedure.
#[derive(Clone, Debug)]
pub struct LinspaceAxis {
    bounds: FprBounds,
    grid: Grid,
    rates: Vec<f64>,
    pixels: Vec<u64>,
    /// Thresholds nearest to the upper and to the lower bound: the slice of the grid over which is integrated.
    at_upper: usize,
    at_lower: usize,
    log_rates: Vec<f64>,
    warnings: Vec<LinspaceWarning>,
}

impl LinspaceAxis {
    /// The axis over a grid from the rates of all normal images.
    ///
    /// # Errors
    /// Where the published package raises: see [`LinspaceError`].
    ///
    /// # Panics
    /// If no image was added, or the grid is another one.
    pub fn new(grid: Grid, rates: GridRates, bounds: FprBounds, allow_few_points: bool) -> Result<Self, LinspaceError> {
        assert!(rates.images > 0 && rates.sums.len() == grid.len(), "rates of at least one image, for this grid");
        let GridRates { mut sums, pixels, images } = rates;
        for sum in &mut sums {
            *sum /= images as f64;
        }
        let rates = sums;
        let [at_lower, at_upper] = [("lower", bounds.lower().value()), ("upper", bounds.upper().value())]
            .map(|(name, level)| nearest(&rates, name, level));
        let (at_lower, at_upper) = (at_lower?, at_upper?);
        let mut warnings = Vec::new();
        for (name, bound, at) in
            [("lower", bounds.lower().value(), at_lower), ("upper", bounds.upper().value(), at_upper)]
        {
            let reached = rates[at];
            if (reached - bound).abs() > 1e-8 + 1e-2 * bound {
                warnings.push(LinspaceWarning::BoundMissed { name, bound, reached });
            }
        }
        if at_upper >= at_lower {
            return Err(LinspaceError::SameThreshold);
        }
        // Rounded to half precision, the last threshold may lie above every score; a rate of zero has no logarithm.
        let positive = rates[at_upper..=at_lower].iter().take_while(|&&rate| rate > 0.0);
        let log_rates: Vec<f64> = positive.map(|&rate| libm::log(rate)).collect();
        let points = log_rates.len();
        if points <= TOO_FEW_POINTS && !allow_few_points {
            return Err(LinspaceError::TooFewPoints(points));
        }
        if points <= TOO_FEW_POINTS {
            warnings.push(LinspaceWarning::Forced(points));
        } else if points < FEW_POINTS {
            warnings.push(LinspaceWarning::FewPoints(points));
        }
        Ok(Self { bounds, grid, rates, pixels, at_upper, at_lower, log_rates, warnings })
    }

    /// What should be known about scores on this axis.
    pub fn warnings(&self) -> &[LinspaceWarning] {
        &self.warnings
    }

    /// The thresholds.
    pub const fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Shared FPR at each threshold.
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// Thresholds over which is integrated.
    pub fn points(&self) -> usize {
        self.log_rates.len()
    }

    /// The threshold whose shared FPR is nearest to the upper bound: the lower threshold.
    pub fn lower_threshold(&self) -> OperatingPoint {
        self.operating_point(self.at_upper)
    }

    /// The threshold whose shared FPR is nearest to the lower bound: the upper threshold.
    pub fn upper_threshold(&self) -> OperatingPoint {
        self.operating_point(self.at_lower)
    }

    /// Indices of the thresholds that are written down, by descending threshold: those nearest above evenly spaced
    /// levels between the smallest rate and 1, and the two operating points; or all.
    pub fn selected(&self, points: CurvePoints) -> Vec<usize> {
        let Some(levels) = points.axis_levels() else {
            return (0..self.rates.len()).rev().collect();
        };
        let mut selected = std::collections::BTreeSet::from([self.at_lower, self.at_upper]);
        if levels > 0 {
            // Rates fall with the index; the highest threshold that reaches a level is the last one to do so.
            let highest_reaching = |level: f64| self.rates.partition_point(|&rate| rate >= level).max(1) - 1;
            selected.extend(log_spaced(self.rates[self.rates.len() - 1], 1.0, levels).map(highest_reaching));
        }
        selected.into_iter().rev().collect()
    }

    /// Keys of the thresholds `selected` (descending thresholds), and of those over which is integrated, descending:
    /// what anomalous images have to be counted against.
    pub fn keys(&self, selected: &[usize]) -> Vec<u64> {
        let mut indices: Vec<usize> = (self.at_upper..=self.at_lower).chain(selected.iter().copied()).collect();
        indices.sort_unstable_by(|a, b| b.cmp(a));
        indices.dedup();
        indices.into_iter().map(|index| self.key(index)).collect()
    }

    /// AUPIMO of an image with `anomalous_pixels`, of which those at or above the lower threshold (at least) are
    /// `reached`, largest score first.
    pub fn aupimo(&self, reached: &[Run], anomalous_pixels: u64) -> f64 {
        // From the lower bound on, as the published code reverses its curve.
        let thresholds = (self.at_upper..self.at_upper + self.points()).rev();
        let found = found_at(reached, thresholds.map(|index| self.key(index)));
        let recalls = found.map(|found| found as f64 / anomalous_pixels as f64);
        let mut points = self.log_rates.iter().rev().copied().zip(recalls);
        let Some(mut before) = points.next() else { return 0.0 };
        let mut area = 0.0;
        for point in points {
            area += (point.0 - before.0) * (point.1 + before.1) / 2.0;
            before = point;
        }
        (area / libm::log(self.bounds.upper().value() / self.bounds.lower().value())).clamp(0.0, 1.0)
    }

    /// Recall at the thresholds with these indices (descending thresholds), from the anomalous pixels that reach the
    /// last of them, largest score first.
    pub fn recalls(&self, reached: &[Run], anomalous_pixels: u64, selected: &[usize]) -> impl Iterator<Item = f64> {
        let keys = selected.iter().map(|&index| self.key(index));
        found_at(reached, keys).map(move |found| found as f64 / anomalous_pixels as f64)
    }

    /// Anomalous pixels found at the lower and at the upper threshold.
    pub fn found_at_thresholds(&self, reached: &[Run]) -> [u64; 2] {
        [self.at_upper, self.at_lower].map(|index| found_at(reached, std::iter::once(self.key(index))).sum())
    }

    fn key(&self, index: usize) -> u64 {
        key_of_score(self.grid.threshold(index))
    }

    fn operating_point(&self, index: usize) -> OperatingPoint {
        OperatingPoint {
            threshold: self.grid.threshold(index),
            shared_fpr: self.rates[index],
            normal_pixels: self.pixels[index],
        }
    }
}

/// Index of the rate nearest to a level, the first of several; rates fall.
fn nearest(rates: &[f64], name: &'static str, level: f64) -> Result<usize, LinspaceError> {
    let (largest, smallest) = (rates[0], rates[rates.len() - 1]);
    if level < smallest || level > largest {
        return Err(LinspaceError::OutOfRange { name, bound: level, smallest, largest });
    }
    if level == 1.0 {
        return Ok(rates.partition_point(|&rate| rate == 1.0) - 1);
    }
    let mut nearest = 0;
    for (index, rate) in rates.iter().enumerate() {
        if (rate - level).abs() < (rates[nearest] - level).abs() {
            nearest = index;
        }
    }
    Ok(nearest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pimo_frame::SampleType;

    use super::*;

    /// One normal image with scores 1 to 7 that are ten times rarer with each step, as in the published tests.
    fn published() -> (Grid, GridRates) {
        let grid = Grid::new(1.0, 7.0, 7, SampleType::F32).unwrap();
        let mut rates = GridRates::new(7);
        rates.add(&[1_000_000, 100_000, 10_000, 1000, 100, 10, 1], 1_000_000);
        (grid, rates)
    }

    fn runs(counts: [u64; 7]) -> Vec<Run> {
        (1..=7).rev().map(|score| Run { key: key_of_score(score as f64), count: counts[score - 1] }).collect()
    }

    #[test]
    fn the_vectors_of_the_published_tests() {
        let exactly = [900_000, 90_000, 9000, 900, 90, 9, 1];
        let tenfold = [0, 90_000, 9000, 900, 90, 9, 1];
        for (lower, upper, first, second) in
            [(1e-1, 1.0, 1.1 / 2.0, 1.0), (1e-3, 1e-1, 0.030_25, 0.3025), (1e-5, 1e-4, 5.5e-5, 5.5e-4)]
        {
            let (grid, rates) = published();
            let bounds = FprBounds::new(lower, upper).unwrap();
            let axis = LinspaceAxis::new(grid, rates, bounds, true).unwrap();
            assert!((axis.aupimo(&runs(exactly), 1_000_000) - first).abs() < 1e-12);
            assert!((axis.aupimo(&runs(tenfold), 100_000) - second).abs() < 1e-12);
            assert!(matches!(axis.warnings(), [LinspaceWarning::Forced(2 | 3)]));
        }
    }

    #[test]
    fn what_the_published_package_refuses() {
        let refuse = |lower, upper| {
            let (grid, rates) = published();
            LinspaceAxis::new(grid, rates, FprBounds::new(lower, upper).unwrap(), false).unwrap_err()
        };
        assert_eq!(refuse(1e-5, 1e-4), LinspaceError::TooFewPoints(2));
        assert_eq!(refuse(1.0e-5, 1.1e-5), LinspaceError::SameThreshold);
        assert!(matches!(refuse(1e-7, 1e-4), LinspaceError::OutOfRange { name: "lower", .. }));
    }

    #[test]
    fn a_bound_that_is_missed_draws_a_warning() {
        let (grid, rates) = published();
        let axis = LinspaceAxis::new(grid, rates, FprBounds::new(2e-5, 1e-3).unwrap(), true).unwrap();
        assert!(matches!(axis.warnings()[0], LinspaceWarning::BoundMissed { name: "lower", .. }));
    }
}
