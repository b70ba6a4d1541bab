//! Boxplot statistics of the scores of one detector.

use crate::error::{AnalysisError, check_scores};
use crate::mean::mean;
use crate::quantile::{ascending, quantile_of_sorted};

/// Whiskers reach to the last score within this many interquartile ranges of the box (Tukey).
pub const WHISKER_REACH: f64 = 1.5;

/// Mean, box, whiskers and outliers of a set of scores.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxplotStatistics {
    /// Number of scores.
    pub count: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Lower whisker: lowest score at least `q1 - 1.5 (q3 - q1)`, or `q1` if there is none at or below it.
    pub lower_whisker: f64,
    /// First quartile (linear interpolation).
    pub first_quartile: f64,
    /// Median.
    pub median: f64,
    /// Third quartile (linear interpolation).
    pub third_quartile: f64,
    /// Upper whisker: highest score at most `q3 + 1.5 (q3 - q1)`, or `q3` if there is none at or above it.
    pub upper_whisker: f64,
    /// Indices of the scores below the lower whisker, ascending.
    pub low_outliers: Vec<usize>,
    /// Indices of the scores above the upper whisker, ascending.
    pub high_outliers: Vec<usize>,
    /// Share, in `[0, 1]`, of scores that are exactly 0.
    pub share_of_zeros: f64,
    /// Share, in `[0, 1]`, of scores that are exactly 1.
    pub share_of_ones: f64,
}

impl BoxplotStatistics {
    /// Computes the statistics of one score per image.
    ///
    /// # Errors
    /// When there are no scores, or when one is not finite.
    pub fn of(scores: &[f64]) -> Result<Self, AnalysisError> {
        check_scores(scores)?;
        let sorted = ascending(scores);
        let quartile = |level| quantile_of_sorted(&sorted, level).ok_or(AnalysisError::NoScores);
        let (first_quartile, median, third_quartile) = (quartile(0.25)?, quartile(0.5)?, quartile(0.75)?);
        let (lower_whisker, upper_whisker) = whiskers(&sorted, first_quartile, third_quartile);
        Ok(Self {
            count: scores.len(),
            mean: mean(scores),
            lower_whisker,
            first_quartile,
            median,
            third_quartile,
            upper_whisker,
            low_outliers: indices_where(scores, |score| score < lower_whisker),
            high_outliers: indices_where(scores, |score| score > upper_whisker),
            share_of_zeros: share_of(scores, 0.0),
            share_of_ones: share_of(scores, 1.0),
        })
    }
}

/// Ends of the whiskers of sorted scores, never inside the box.
fn whiskers(sorted: &[f64], first_quartile: f64, third_quartile: f64) -> (f64, f64) {
    let reach = WHISKER_REACH * (third_quartile - first_quartile);
    let below = sorted.partition_point(|&score| score < first_quartile - reach);
    let within = sorted.partition_point(|&score| score <= third_quartile + reach);
    let lower = sorted.get(below).map_or(first_quartile, |score| score.min(first_quartile));
    let upper = sorted[..within].last().map_or(third_quartile, |score| score.max(third_quartile));
    (lower, upper)
}

fn indices_where(scores: &[f64], condition: impl Fn(f64) -> bool) -> Vec<usize> {
    (0..scores.len()).filter(|&index| condition(scores[index])).collect()
}

fn share_of(scores: &[f64], value: f64) -> f64 {
    scores.iter().filter(|&&score| score == value).count() as f64 / scores.len() as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn outliers_lie_beyond_the_whiskers() {
        let scores = [0.5, 0.4, 0.6, 0.5, 0.45, 0.55, 1.0, 0.0];
        let statistics = BoxplotStatistics::of(&scores).unwrap();
        assert_eq!(statistics.lower_whisker, 0.4);
        assert_eq!(statistics.upper_whisker, 0.6);
        assert_eq!(statistics.high_outliers, [6]);
        assert_eq!(statistics.low_outliers, [7]);
        assert_eq!(statistics.share_of_zeros, 0.125);
        assert_eq!(statistics.share_of_ones, 0.125);
    }

    #[test]
    fn whiskers_never_end_inside_the_box() {
        // The quartile is interpolated far above the last score within reach.
        let statistics = BoxplotStatistics::of(&[0.0, 0.0, 0.0, 10.0, 10.0]).unwrap();
        assert!(statistics.upper_whisker >= statistics.third_quartile);
        let statistics = BoxplotStatistics::of(&[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]).unwrap();
        assert_eq!((statistics.third_quartile, statistics.upper_whisker), (0.5, 1.0));
    }

    #[test]
    fn a_score_exactly_within_reach_ends_the_whisker() {
        // Quartiles 1 and 2, reach 1.5.
        let statistics = BoxplotStatistics::of(&[-0.5, 1.0, 1.0, 1.5, 2.0, 2.0, 3.5]).unwrap();
        assert_eq!((statistics.first_quartile, statistics.third_quartile), (1.0, 2.0));
        assert_eq!((statistics.lower_whisker, statistics.upper_whisker), (-0.5, 3.5));
        assert!(statistics.low_outliers.is_empty() && statistics.high_outliers.is_empty());
    }

    #[test]
    fn equal_scores_collapse_to_one_value() {
        let statistics = BoxplotStatistics::of(&[0.1; 7]).unwrap();
        for value in [statistics.mean, statistics.lower_whisker, statistics.median, statistics.upper_whisker] {
            assert_eq!(value, 0.1);
        }
        assert!(statistics.low_outliers.is_empty() && statistics.high_outliers.is_empty());
    }

    #[test]
    fn refuses_empty_and_non_finite_scores() {
        assert_eq!(BoxplotStatistics::of(&[]), Err(AnalysisError::NoScores));
        let error = BoxplotStatistics::of(&[0.0, f64::NAN]).unwrap_err();
        assert!(matches!(error, AnalysisError::UnusableScore { index: 1, .. }), "{error}");
    }
}
