//! The range of shared false-positive rates over which AUPIMO integrates.

use crate::{Decimal, DecimalError};

/// Lower and upper bound of the shared FPR, 0 < lower < upper <= 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FprBounds {
    lower: Decimal,
    upper: Decimal,
}

/// Bounds between which nothing can be integrated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BoundsError {
    /// Not a rate.
    #[error(transparent)]
    Rate(#[from] DecimalError),
    /// The lower bound is zero, where the logarithm has no end.
    #[error("the lower bound of the shared FPR has to be greater than 0, because the curve is integrated in log scale")]
    ZeroLower,
    /// Not in order.
    #[error("the lower bound of the shared FPR ({0}) has to be smaller than the upper one ({1})")]
    Order(Decimal, Decimal),
    /// In order, but with equal logarithms.
    #[error("the bounds of the shared FPR ({0} and {1}) are too close to each other: their logarithms are equal")]
    TooClose(Decimal, Decimal),
}

impl FprBounds {
    /// Bounds from two rates.
    ///
    /// # Errors
    /// Unless 0 < lower < upper <= 1, and their logarithms differ in double precision too.
    pub fn new(lower: f64, upper: f64) -> Result<Self, BoundsError> {
        Self::from_decimals(Decimal::new(lower)?, Decimal::new(upper)?)
    }

    /// Bounds from two rates as they were written.
    ///
    /// # Errors
    /// Unless 0 < lower < upper <= 1, and their logarithms differ in double precision too.
    pub fn from_decimals(lower: Decimal, upper: Decimal) -> Result<Self, BoundsError> {
        if lower.value() <= 0.0 {
            Err(BoundsError::ZeroLower)
        } else if lower.value() >= upper.value() {
            Err(BoundsError::Order(lower, upper))
        } else {
            let bounds = Self { lower, upper };
            if bounds.log_length() > 0.0 { Ok(bounds) } else { Err(BoundsError::TooClose(lower, upper)) }
        }
    }

    /// The lower bound, L.
    pub const fn lower(self) -> Decimal {
        self.lower
    }

    /// The upper bound, U.
    pub const fn upper(self) -> Decimal {
        self.upper
    }

    /// `ln U - ln L`, the length of the range in log scale.
    pub fn log_length(self) -> f64 {
        libm::log(self.upper.value()) - libm::log(self.lower.value())
    }

    /// What a model would get whose scores are random: its recall equals the shared FPR, so `(U - L) / ln(U / L)`.
    pub fn random_model_score(self) -> f64 {
        (self.upper.value() - self.lower.value()) / libm::log(self.upper.value() / self.lower.value())
    }
}

impl Default for FprBounds {
    /// 1e-5 to 1e-4, the bounds of the AUPIMO paper.
    fn default() -> Self {
        Self::new(1e-5, 1e-4).expect("the paper's bounds are in order")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_random_model_of_the_paper() {
        assert_eq!(FprBounds::default().random_model_score(), 3.908_650_337_129_266_5e-5);
    }

    #[test]
    fn bounds_in_disorder() {
        assert_eq!(FprBounds::new(0.0, 0.1), Err(BoundsError::ZeroLower));
        assert!(matches!(FprBounds::new(0.1, 0.1), Err(BoundsError::Order(..))));
        assert!(matches!(FprBounds::new(0.1, 1.1), Err(BoundsError::Rate(_))));
        assert!(FprBounds::new(0.1, 1.0).is_ok());
        assert!(matches!(FprBounds::new(0.125, 0.125_f64.next_up()), Err(BoundsError::TooClose(..))));
    }
}
