//! From a bootstrap distribution to a bias-corrected and accelerated interval.

use super::Interval;
use crate::mean::{mean, sum};
use crate::normal;
use crate::quantile::quantile_of_sorted;

/// Resampled means closer to the estimate than this part of the largest score count as equal to it:
/// the same images in another order sum to the same mean but for rounding.
const EQUAL_WITHIN: f64 = 1e-12;

/// `BCa` interval of the mean of `scores` from its sorted bootstrap distribution.
pub(super) fn interval(sorted: &[f64], estimate: f64, scores: &[f64], confidence: f64) -> Interval {
    let bias = normal::quantile(share_below(sorted, estimate, scores));
    let acceleration = acceleration_of_mean(scores);
    let z = normal::quantile(f64::midpoint(1.0, confidence));
    let end = |z: f64| {
        let level = adjusted_level(bias, acceleration, z);
        quantile_of_sorted(sorted, level).unwrap_or(estimate)
    };
    Interval { low: end(-z), high: end(z) }
}

/// Share of resampled means below the estimate, those equal to it counted half, kept off 0 and 1.
fn share_below(sorted: &[f64], estimate: f64, scores: &[f64]) -> f64 {
    let reach = EQUAL_WITHIN * scores.iter().fold(0.0_f64, |largest, score| largest.max(score.abs()));
    let below = sorted.partition_point(|&value| value < estimate - reach);
    let not_above = sorted.partition_point(|&value| value <= estimate + reach);
    let resamples = sorted.len() as f64;
    ((below + not_above) as f64 / 2.0).clamp(0.5, resamples - 0.5) / resamples
}

/// Level of the bootstrap distribution that stands for the normal quantile `z`.
fn adjusted_level(bias: f64, acceleration: f64, z: f64) -> f64 {
    let shifted = bias + z;
    let shrink = 1.0 - acceleration * shifted;
    if shrink > 0.0 {
        normal::cdf(bias + shifted / shrink)
    } else if shifted > 0.0 {
        1.0
    } else {
        0.0
    }
}

/// Jackknife acceleration. The mean without image `i` is off by `(mean - x_i) / (n - 1)`, so the
/// general formula `Σ u³ / (6 (Σ u²)^1.5)` over `u_i = mean of leave-one-out means - leave-one-out mean i`
/// needs no leaving out: `u_i` is proportional to `x_i - mean`, and the factor cancels.
fn acceleration_of_mean(scores: &[f64]) -> f64 {
    let centre = mean(scores);
    let largest = scores.iter().fold(0.0_f64, |largest, score| largest.max((score - centre).abs()));
    if largest == 0.0 {
        return 0.0;
    }
    // Scaled, so that neither cubes nor squares under- or overflow.
    let deviations = || scores.iter().map(|score| (score - centre) / largest);
    let squares = sum(deviations().map(|u| u * u));
    let cubes = sum(deviations().map(|u| u * u * u));
    cubes / (6.0 * squares.powf(1.5))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Case {
        scores: Vec<f64>,
        distribution: Vec<f64>,
        confidence: f64,
        low: f64,
        high: f64,
    }

    #[test]
    fn equals_scipy_on_the_same_distribution() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/golden/bca.json")).unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let mut sorted = case.distribution;
            sorted.sort_unstable_by(f64::total_cmp);
            let found = interval(&sorted, mean(&case.scores), &case.scores, case.confidence);
            assert!((found.low - case.low).abs() < 1e-9, "{found:?}, expected low {}", case.low);
            assert!((found.high - case.high).abs() < 1e-9, "{found:?}, expected high {}", case.high);
        }
    }

    #[test]
    fn acceleration_equals_the_jackknife() {
        let scores = [0.0, 0.1, 0.15, 0.9, 0.2, 0.05];
        let n = scores.len() as f64;
        let total: f64 = scores.iter().sum();
        let without: Vec<f64> = scores.iter().map(|score| (total - score) / (n - 1.0)).collect();
        let centre = mean(&without);
        let cubes: f64 = without.iter().map(|value| (centre - value).powi(3)).sum();
        let squares: f64 = without.iter().map(|value| (centre - value).powi(2)).sum();
        assert!((acceleration_of_mean(&scores) - cubes / (6.0 * squares.powf(1.5))).abs() < 1e-14);
    }

    #[test]
    fn means_equal_but_for_rounding_tie_with_the_estimate() {
        let estimate = 0.2_f64;
        let sorted = [0.1, estimate.next_down(), estimate, estimate.next_up(), estimate.next_up(), 0.3];
        assert_eq!(share_below(&sorted, estimate, &[0.1, 0.2, 0.3]), 0.5);
        // All on one side: kept off 0 and 1, whose normal quantiles are infinite.
        assert_eq!(share_below(&[0.5, 0.6], 0.2, &[0.2]), 0.25);
    }

    #[test]
    fn extreme_levels_end_at_the_extremes() {
        assert_eq!(adjusted_level(0.0, 1.0 / 6.0, 7.0), 1.0);
        assert_eq!(adjusted_level(0.0, -1.0 / 6.0, -7.0), 0.0);
    }
}
