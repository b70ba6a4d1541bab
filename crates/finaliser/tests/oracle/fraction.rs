//! Rates without rounding.

use std::cmp::Ordering;

use num_bigint::BigUint;

/// A fraction that is not negative, not necessarily in lowest terms.
#[derive(Clone, Debug)]
pub(crate) struct Fraction {
    numerator: BigUint,
    denominator: BigUint,
}

impl Fraction {
    pub(crate) fn new(numerator: impl Into<BigUint>, denominator: impl Into<BigUint>) -> Self {
        Self { numerator: numerator.into(), denominator: denominator.into() }
    }

    /// The decimal number that was written, such as `25e-4`, `2.5e-3` or `0.0025`.
    pub(crate) fn of_text(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: BigUint = format!("{whole}{decimals}").parse().unwrap();
        let places = decimals.len() as i32 - exponent.parse::<i32>().unwrap();
        let ten = |power: i32| BigUint::from(10_u32).pow(power.max(0).unsigned_abs());
        Self::new(digits * ten(-places), ten(places))
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.numerator == BigUint::ZERO
    }

    /// The smallest integer that is not below the fraction times `count`.
    pub(crate) fn ceil_of(&self, count: u64) -> u64 {
        let product = &self.numerator * count;
        let ceiling = (product + &self.denominator - 1_u32) / &self.denominator;
        ceiling.try_into().unwrap()
    }

    /// The double next to the fraction or next but one.
    pub(crate) fn value(&self) -> f64 {
        if self.is_zero() {
            return 0.0;
        }
        let shift = (self.denominator.bits() + 70).saturating_sub(self.numerator.bits());
        let quotient = (&self.numerator << shift) / &self.denominator;
        let quotient: u128 = quotient.try_into().unwrap();
        quotient as f64 * 2.0_f64.powi(-(shift as i32))
    }

    /// The logarithm of this fraction over another one, accurate where they are close.
    pub(crate) fn ln_over(&self, other: &Self) -> f64 {
        let ours = &self.numerator * &other.denominator;
        let theirs = &other.numerator * &self.denominator;
        if ours >= theirs {
            Self::new(&ours - &theirs, theirs).value().ln_1p()
        } else {
            -Self::new(&theirs - &ours, ours).value().ln_1p()
        }
    }
}

impl PartialEq for Fraction {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Fraction {}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fraction {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.numerator * &other.denominator).cmp(&(&other.numerator * &self.denominator))
    }
}
