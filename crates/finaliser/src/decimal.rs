//! Rates as they are written.
//!
//! `1e-4` has no exact double, and a false-positive rate of exactly one in ten thousand is below the double nearest to
//! it. Bounds are therefore kept as the decimal number that was written and compared with counts as a fraction.

use std::fmt;
use std::str::FromStr;

use num_bigint::BigUint;

/// A rate between 0 and 1: `digits * 10^-places`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decimal {
    value: f64,
    digits: u64,
    places: u32,
}

/// A rate that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rate: expected a decimal number from 0 to 1, for example 1e-5")]
pub struct DecimalError(String);

impl Decimal {
    /// The shortest decimal number that reads back as `value`.
    ///
    /// # Errors
    /// Values outside 0..=1.
    pub fn new(value: f64) -> Result<Self, DecimalError> {
        let error = || DecimalError(value.to_string());
        if !(0.0..=1.0).contains(&value) {
            return Err(error());
        }
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').ok_or_else(error)?;
        let exponent: i32 = exponent.parse().map_err(|_| error())?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().map_err(|_| error())?;
        let places = (fraction.len() as i32 - exponent).unsigned_abs();
        Ok(Self { value: value + 0.0, digits, places })
    }

    /// The nearest double.
    pub const fn value(self) -> f64 {
        self.value
    }

    /// The smallest integer that is not below this rate times `count`.
    pub fn ceil_of(self, count: u64) -> u64 {
        let scale = BigUint::from(10_u32).pow(self.places);
        let product = BigUint::from(self.digits) * count;
        let ceiling = (product + (&scale - 1_u32)) / scale;
        u64::try_from(ceiling).unwrap_or(count)
    }

    /// Whether a rate reaches this one; `None` when it is too close to say in double precision.
    pub(crate) fn clearly_reached_by(self, approximate: f64) -> Option<bool> {
        let margin = self.value * 1e-9;
        ((approximate - self.value).abs() > margin).then_some(approximate > self.value)
    }

    /// Whether the mean of rates reaches this one, decided without rounding.
    ///
    /// The mean is the sum over `parts` of `count / pixels`, divided by `images`; `approximate` is that number in
    /// double precision, which decides unless it is too close.
    pub(crate) fn is_reached_by(self, parts: impl Iterator<Item = (u64, u64)>, images: u64, approximate: f64) -> bool {
        if let Some(clear) = self.clearly_reached_by(approximate) {
            return clear;
        }
        let (mut numerator, mut denominator) = (BigUint::ZERO, BigUint::from(1_u32));
        for (count, pixels) in parts.filter(|(count, _)| *count > 0) {
            numerator = numerator * pixels + &denominator * count;
            denominator *= pixels;
        }
        numerator * BigUint::from(10_u32).pow(self.places) >= denominator * images * self.digits
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value >= 1e-3 || self.value == 0.0 {
            write!(f, "{}", self.value)
        } else {
            write!(f, "{:e}", self.value)
        }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let value: f64 = text.trim().parse().map_err(|_| DecimalError(text.to_owned()))?;
        Self::new(value).map_err(|_| DecimalError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn keeps_what_was_written() {
        let digits = |text| (decimal(text).digits, decimal(text).places);
        assert_eq!(digits("1e-4"), (1, 4));
        assert_eq!(digits("0.0001"), (1, 4));
        assert_eq!(digits("0.25"), (25, 2));
        assert_eq!(digits("1"), (1, 0));
        assert_eq!(digits("0"), (0, 0));
        assert_eq!(decimal("1e-5").to_string(), "1e-5");
        assert_eq!(decimal("0.01").to_string(), "0.01");
        for bad in ["-1e-5", "1.5", "nan", "inf", "", "x"] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rate_of_exactly_the_bound_reaches_it() {
        let bound = decimal("1e-3");
        let reaches =
            |count, pixels| bound.is_reached_by([(count, pixels)].into_iter(), 1, count as f64 / pixels as f64);
        assert!(reaches(7, 7000));
        assert!(!reaches(6, 7000));
        // The double nearest to 0.001 lies above it: rounding would have said no.
        assert!(reaches(1 << 40, 1000 << 40));
        assert!(!reaches((1 << 40) - 1, 1000 << 40));
    }

    #[test]
    fn ranks_are_not_rounded() {
        assert_eq!(decimal("0.07").ceil_of(100), 7);
        assert_eq!(decimal("0.29").ceil_of(100), 29);
        assert_eq!(decimal("0.5").ceil_of(5), 3);
        assert_eq!(decimal("1").ceil_of(u64::MAX), u64::MAX);
        assert_eq!(decimal("1e-300").ceil_of(9), 1);
    }

    proptest! {
        #[test]
        fn sums_over_sizes_are_exact(parts in proptest::collection::vec((0_u64..40, 40_u64..60), 1..6), places in 1_u32..4) {
            let images = parts.len() as u64;
            let sum: f64 = parts.iter().map(|&(count, pixels)| count as f64 / pixels as f64).sum();
            let bound = decimal(&format!("{}e-{places}", 5));
            let common: u128 = parts.iter().map(|&(_, pixels)| u128::from(pixels)).product();
            let exact: u128 = parts.iter().map(|&(count, pixels)| u128::from(count) * common / u128::from(pixels)).sum();
            let expected = exact * 10_u128.pow(places) >= 5 * common * u128::from(images);
            prop_assert_eq!(bound.is_reached_by(parts.into_iter(), images, sum / images as f64), expected);
        }
    }
}
