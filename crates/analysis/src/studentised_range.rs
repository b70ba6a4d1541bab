//! The studentised range distribution with infinitely many degrees of freedom.
//!
//! That is the range (highest minus lowest) of `k` independent standard normal values.

use crate::error::{AnalysisError, check_probability};
use crate::normal::{cdf, density};

/// Beyond this many standard deviations the normal density adds nothing.
const NORMAL_REACH: f64 = 9.0;

/// Step of the trapezoidal rule. For a smooth integrand that vanishes at both ends its error falls
/// exponentially with 1 / step; here it is far below rounding.
const STEP: f64 = 1.0 / 32.0;

/// Probability that the range of `k` standard normal values exceeds `q`.
///
/// `P(range <= q) = k ∫ φ(z) [Φ(z) - Φ(z - q)]^(k-1) dz` over the highest value `z`. The complement is
/// integrated directly, which keeps small probabilities accurate. 0 for `k < 2` (there is no range),
/// 1 for `q <= 0` otherwise.
pub fn upper_tail(q: f64, k: usize) -> f64 {
    if k < 2 {
        return 0.0;
    }
    if q <= 0.0 {
        return 1.0;
    }
    let others = (k - 1) as f64;
    let steps = ((2.0 * NORMAL_REACH + q) / STEP).ceil() as usize;
    let sum: f64 = (0..=steps)
        .map(|step| {
            let z = step as f64 * STEP - NORMAL_REACH;
            let below = cdf(z);
            // All others are below z, but not all of them within q of it.
            let all_within = others * (-(cdf(z - q) / below).min(1.0)).ln_1p();
            density(z) * below.powf(others) * -all_within.exp_m1()
        })
        .sum();
    (k as f64 * STEP * sum).min(1.0)
}

/// The range that `k` standard normal values exceed with probability `alpha`. 0 for `k < 2`.
///
/// # Errors
/// When `alpha` is not strictly between 0 and 1.
pub fn quantile(k: usize, alpha: f64) -> Result<f64, AnalysisError> {
    check_probability("alpha", alpha)?;
    if k < 2 {
        return Ok(0.0);
    }
    let mut low = 0.0_f64;
    let mut high = 1.0_f64;
    while upper_tail(high, k) > alpha {
        low = high;
        high *= 2.0;
    }
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return Ok(high);
        }
        if upper_tail(middle, k) > alpha {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::f64::consts::SQRT_2;

    #[test]
    fn two_values_differ_like_one_normal() {
        for q in [0.1, 1.0, 3.0, 8.0, 15.0] {
            let expected = 2.0 * crate::normal::upper_tail(q / SQRT_2);
            assert!((upper_tail(q, 2) / expected - 1.0).abs() < 1e-12, "q = {q}");
        }
    }

    #[test]
    fn quantile_inverts_the_tail() {
        for k in [2, 3, 13, 1000, 1_000_000] {
            for alpha in [1e-12, 0.01, 0.05, 0.5, 0.999] {
                let q = quantile(k, alpha).unwrap();
                assert!((upper_tail(q, k) / alpha - 1.0).abs() < 1e-9, "k = {k}, alpha = {alpha}, q = {q}");
            }
        }
    }

    #[test]
    fn limits_are_defined() {
        assert_eq!(upper_tail(-1.0, 3), 1.0);
        assert_eq!(upper_tail(1.0, 1), 0.0);
        assert_eq!(quantile(1, 0.05), Ok(0.0));
        let error = quantile(3, 1.0).unwrap_err();
        assert_eq!(error, AnalysisError::NotAProbability { name: "alpha", value: 1.0 });
    }
}
