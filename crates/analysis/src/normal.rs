//! The standard normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use statrs::distribution::{ContinuousCDF, Normal};

/// Density at `z`.
pub(crate) fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// Probability of a value at most `z`, accurate in the lower tail.
pub(crate) fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Probability of a value at least `z`, accurate in the upper tail.
pub(crate) fn upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z * FRAC_1_SQRT_2)
}

/// The value that is exceeded with probability `1 - p`, for `p` in `(0, 1)`.
pub(crate) fn quantile(p: f64) -> f64 {
    let z = Normal::standard().inverse_cdf(p);
    // One Newton step: the inverse is good to 1e-9 or so in places, the cdf to the last bits.
    z - (cdf(z) - p) / density(z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantile_inverts_the_cdf() {
        assert!((quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
        assert!((quantile(1e-9) + 5.997_807_015_007_686).abs() < 1e-12);
        assert_eq!(quantile(0.5), 0.0);
        for step in 1..1000 {
            let p = f64::from(step) / 1000.0;
            assert!((cdf(quantile(p)) - p).abs() < 1e-15, "p = {p}");
        }
    }
}
