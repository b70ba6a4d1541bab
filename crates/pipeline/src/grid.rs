//! Thresholds that are chosen when the normal images are through: where curves go on above the upper bound of the
//! shared FPR, and where the mean overlap of all images is added up.

use pimo_finaliser::{RatePoint, log_spaced};

use crate::levels::{LEVELS, Level};

/// Levels of the normal images' rates at which the overlap is added up.
const RATES: usize = 384;
/// The largest of these rates: thresholds that let more normal pixels pass are no good ones.
const LARGEST_RATE: f64 = 0.05;
/// Thresholds above all normal scores.
const ABOVE: usize = 64;

/// A grid of descending thresholds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ScoreGrid {
    pub(crate) thresholds: Vec<f64>,
    /// How many of them, from the highest, serve the mean overlap.
    pub(crate) overlap: usize,
    /// Where the points of curves lie among them.
    pub(crate) curve: Vec<usize>,
    /// Where the thresholds of levels lie among them, of which it is counted how many pixels reach them.
    pub(crate) levels: [Option<usize>; LEVELS],
}

impl ScoreGrid {
    /// The grid for a detector whose curves go on at these points, by falling threshold.
    pub(crate) fn new(curve: &[RatePoint], overlap: &[f64], levels: &[Level]) -> Self {
        let counted = |level: &&Level| level.reaching.is_some();
        let levels: [Option<f64>; LEVELS] =
            std::array::from_fn(|index| levels.get(index).filter(counted).and_then(Level::at));
        // Normal pixels are counted for these as well.
        let overlap: Vec<f64> = overlap.iter().copied().chain(levels.into_iter().flatten()).collect();
        let mut thresholds = overlap.clone();
        thresholds.extend(curve.iter().map(|point| point.threshold));
        thresholds.sort_by(|a, b| b.total_cmp(a));
        thresholds.dedup();
        let place = |threshold: f64| thresholds.partition_point(|&other| other > threshold);
        let lowest = overlap.iter().copied().reduce(f64::min);
        Self {
            overlap: lowest.map_or(0, |lowest| place(lowest) + 1),
            curve: curve.iter().map(|point| place(point.threshold)).collect(),
            levels: levels.map(|level| level.map(place)),
            thresholds,
        }
    }
}

/// Rates of `pixels` normal pixels at whose thresholds the mean overlap is added up: 384 from a single pixel to 0.05,
/// evenly spaced in their logarithms.
pub(crate) fn overlap_rates(pixels: u64) -> Vec<f64> {
    let smallest = 1.0 / pixels.max(1) as f64;
    log_spaced(smallest, LARGEST_RATE.max(smallest), RATES).collect()
}

/// Thresholds for the mean overlap: where the normal images reach those rates, and 64 in growing steps above `largest`,
/// the highest normal score.
pub(crate) fn overlap_thresholds(points: &[RatePoint], largest: Option<f64>) -> Vec<f64> {
    let mut thresholds: Vec<f64> = points.iter().map(|point| point.threshold).collect();
    if let (Some(top), Some(&last)) = (largest, thresholds.last()) {
        let span = top - last;
        thresholds.extend(above(top, span));
        // Nothing but the highest score lies below this one: where all scores are equal, nothing is left open.
        thresholds.push(top.next_up());
    }
    thresholds.retain(|threshold| threshold.is_finite());
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    thresholds
}

/// From a sixty-fourth of the span above the top to a thousand times it: what detectors give to defects lies there.
fn above(top: f64, span: f64) -> impl Iterator<Item = f64> {
    let steps = if span > 0.0 { ABOVE } else { 0 };
    log_spaced(span / 64.0, span * 1024.0, steps).map(move |step| top + step)
}

#[cfg(test)]
mod tests {
    use pimo_finaliser::Interval;

    use super::*;

    #[test]
    fn both_kinds_of_thresholds_find_their_places() {
        let point = |threshold| RatePoint { threshold, highest: threshold, shared_fpr: 0.5, pixels: 1 };
        let level = |at, reaching| Level { shared_fpr: 0.1, threshold: Some(Interval::point(at)), reaching };
        let levels = [level(3.0, Some([4, 0])), level(1.5, Some([7, 0])), level(0.5, None)];
        let grid = ScoreGrid::new(&[point(3.0), point(1.0)], &[5.0, 3.0, 2.0], &levels);
        assert_eq!(grid.thresholds, [5.0, 3.0, 2.0, 1.5, 1.0]);
        assert_eq!((grid.overlap, grid.curve), (4, vec![1, 4]));
        assert_eq!(grid.levels, [Some(1), Some(3), None, None]);
        let none = ScoreGrid::new(&[], &[], &[]);
        assert_eq!((none.overlap, none.thresholds.len()), (0, 0));
    }
}
