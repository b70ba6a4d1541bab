//! Rounding to half precision, as some benchmarks ask of the maps that are handed in.

use half::f16;

use crate::Sample;

/// The nearest half-precision number, ties to even, in the score's own type: what numpy's `astype(float16)` gives.
///
/// Scores from 65520 on, which have no finite half-precision number, become infinite, and so bad input like any infinite
/// score.
///
/// ```
/// use pimo_frame::half_precision;
/// assert_eq!(half_precision(0.1_f64), 0.099_975_585_937_5);
/// assert_eq!(half_precision(-65520.0_f64), f64::NEG_INFINITY);
/// ```
pub fn half_precision<S: Sample>(score: S) -> S {
    // Every half-precision number is one of the score's type too, so nothing is rounded a second time.
    S::at_least(f16::from_f64(score.to_f64()).to_f64())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_nearest_of_all_with_ties_to_even(bits in any::<u16>(), toward in any::<u16>(), part in 0_u32..=8) {
            let (a, b) = (f16::from_bits(bits & 0x7fff), f16::from_bits((bits & 0x7fff) + 1));
            prop_assume!(b.is_finite());
            let sign = if toward & 1 == 1 { -1.0 } else { 1.0 };
            let (low, high) = (a.to_f64(), b.to_f64());
            // Exact: both have eleven bits, and the step is divided by eight.
            let score = low + (high - low) * f64::from(part) / 8.0;
            let expected = if part < 4 || part == 4 && a.to_bits() % 2 == 0 { low } else { high };
            prop_assert_eq!(half_precision(sign * score), sign * expected);
            prop_assert_eq!(half_precision((sign * score) as f32), (sign * expected) as f32);
        }
    }

    #[test]
    fn what_is_too_large_or_no_number() {
        assert_eq!(half_precision(65519.99_f32), 65504.0);
        assert_eq!(half_precision(65520.0_f32), f32::INFINITY);
        assert!(!Sample::is_finite(half_precision(f64::MAX)));
        assert!(!Sample::is_finite(half_precision(f32::NAN)));
        assert_eq!(half_precision(1e-30_f64), 0.0);
    }
}
