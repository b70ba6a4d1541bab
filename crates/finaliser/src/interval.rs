//! Values that are exact, or certainly inside an interval.

/// An interval that certainly holds the exact value; both ends are rounded outward.
///
/// ```
/// use pimo_finaliser::Interval;
/// let third = Interval::ratio(1, 3);
/// assert!(third.is_exact() && third.low() < third.high());
/// assert_eq!(Interval::ratio(1, 2).value(), 0.5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    low: f64,
    high: f64,
}

impl Interval {
    /// Half-width up to which a value counts as exact.
    pub const EXACT: f64 = 1e-12;

    /// From `low` to `high`; if they are the wrong way round by rounding, they are exchanged.
    pub fn new(low: f64, high: f64) -> Self {
        Self { low: low.min(high), high: low.max(high) }
    }

    /// A value that is a floating-point number itself.
    pub const fn point(value: f64) -> Self {
        Self { low: value, high: value }
    }

    /// part / whole, which has the same two neighbours on every machine. `whole` must not be zero.
    pub fn ratio(part: u128, whole: u128) -> Self {
        let (low, high) = ratio(part, whole);
        Self { low, high }
    }

    /// From one ratio to another that is not smaller.
    pub(crate) fn ratios(low: (u128, u128), high: (u128, u128)) -> Self {
        Self { low: ratio(low.0, low.1).0, high: ratio(high.0, high.1).1 }
    }

    /// Lower end.
    pub const fn low(&self) -> f64 {
        self.low
    }

    /// Upper end.
    pub const fn high(&self) -> f64 {
        self.high
    }

    /// What is printed: the middle.
    pub fn value(&self) -> f64 {
        if self.low == self.high { self.low } else { f64::midpoint(self.low, self.high) }
    }

    /// How far the exact value can be from [`Self::value`].
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }

    /// Whether the value is known to within [`Self::EXACT`].
    pub fn is_exact(&self) -> bool {
        self.low == self.high || self.half_width() <= Self::EXACT
    }

    /// The part of the interval between 0 and 1, where the value is known to be.
    pub(crate) fn in_unit(self) -> Self {
        Self { low: self.low.clamp(0.0, 1.0), high: self.high.clamp(0.0, 1.0) }
    }
}

/// Mean of the values of several categories: the mean of the lows to the mean of the highs. `None` if there is no
/// category or one has no value, since a mean over fewer categories is another quantity.
pub fn macro_average(values: &[Option<Interval>]) -> Option<Interval> {
    let count = Bounds::integer(values.len() as u128);
    let mut low = Bounds::integer(0);
    let mut high = low;
    for value in values {
        let value = (*value)?;
        low = low.add(Bounds::point(value.low));
        high = high.add(Bounds::point(value.high));
    }
    (!values.is_empty()).then(|| Interval::new(low.div(count).low, high.div(count).high))
}

/// The floating-point numbers next to part / whole: the largest that is not above and the smallest that is not below.
fn ratio(part: u128, whole: u128) -> (f64, f64) {
    if part == 0 {
        return (0.0, 0.0);
    }
    let integer = part / whole;
    let mut rest = part % whole;
    // Quotient bits from the first that is set on: at least 53, never so many that they overflow.
    let mut quotient = integer;
    let mut exponent = 0;
    while quotient >> 53 == 0 {
        let (doubled, carry) = rest.overflowing_add(rest);
        let bit = carry || doubled >= whole;
        rest = if bit { doubled.wrapping_sub(whole) } else { doubled };
        quotient = quotient << 1 | u128::from(bit);
        exponent -= 1;
        if rest == 0 {
            break;
        }
    }
    let length = 128 - quotient.leading_zeros();
    let dropped = length.saturating_sub(53);
    let kept = quotient >> dropped;
    let inexact = rest != 0 || kept << dropped != quotient;
    // Both factors are exact: `kept` has 53 bits and the exponent is far from the ends of the range.
    let low = kept as f64 * power_of_two(exponent + dropped as i32);
    (low, if inexact { low.next_up() } else { low })
}

fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// Interval arithmetic on numbers that are not negative, every operation rounded outward.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Bounds {
    pub(crate) fn point(value: f64) -> Self {
        Self { low: value, high: value }
    }

    pub(crate) fn integer(value: u128) -> Self {
        let near = value as f64;
        // The largest integers are not told apart by this, but none here has more than 127 bits.
        if near as u128 == value { Self::point(near) } else { Self { low: near.next_down(), high: near.next_up() } }
    }

    pub(crate) fn add(self, other: Self) -> Self {
        Self::outward(self.low + other.low, self.high + other.high)
    }

    pub(crate) fn mul(self, other: Self) -> Self {
        Self::outward(self.low * other.low, self.high * other.high)
    }

    pub(crate) fn div(self, other: Self) -> Self {
        Self::outward(self.low / other.high, self.high / other.low)
    }

    fn outward(low: f64, high: f64) -> Self {
        // Nothing here is negative, so zero is not rounded below zero; sums of zero and products with it are exact.
        Self {
            low: if low == 0.0 { 0.0 } else { low.next_down() },
            high: if high == 0.0 { 0.0 } else { high.next_up() },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;

    /// Whether value <= part / whole, for a positive normal number.
    fn at_most(value: f64, part: u128, whole: u128) -> std::cmp::Ordering {
        let bits = value.to_bits();
        let (exponent, mantissa) = ((bits >> 52) as i64 - 1075, bits & ((1 << 52) - 1) | 1 << 52);
        let (mut left, mut right) = (BigUint::from(mantissa) * whole, BigUint::from(part));
        if exponent >= 0 {
            left <<= exponent as u64;
        } else {
            right <<= (-exponent) as u64;
        }
        left.cmp(&right)
    }

    proptest! {
        #[test]
        fn ratios_lie_between_neighbours(part in 1_u128..1 << 126, whole in 1_u128..1 << 126, a in 0_u32..126, b in 0_u32..126) {
            let (part, whole) = ((part >> a).max(1), (whole >> b).max(1));
            let found = Interval::ratio(part, whole);
            let low = at_most(found.low(), part, whole);
            let high = at_most(found.high(), part, whole);
            if low.is_eq() {
                prop_assert_eq!(found.low(), found.high());
            } else {
                prop_assert!(low.is_lt() && high.is_gt());
                prop_assert_eq!(found.low().next_up(), found.high());
            }
        }
    }

    #[test]
    fn a_macro_average_is_that_of_all_categories() {
        let values = [Some(Interval::point(0.25)), Some(Interval::new(0.5, 1.0))];
        let mean = macro_average(&values).unwrap();
        assert!(mean.low() <= 0.375 && 0.625 <= mean.high() && mean.high() < 0.625 + 1e-15);
        assert_eq!(macro_average(&[values[0], None]), None);
        assert_eq!(macro_average(&[]), None);
    }
}
