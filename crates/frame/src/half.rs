//! Rounding to half precision, as some benchmarks ask of the maps that are handed in.

use crate::Sample;

/// Scores from here on have no finite half-precision number nearest to them: half-way from the largest, 65504, to what
/// would be the next one.
const TOO_LARGE: f64 = 65520.0;
/// The smallest normal half-precision number, 2^-14; below it steps are as large as from it on.
const SMALLEST_NORMAL: f64 = 1.0 / 16384.0;

/// The nearest half-precision number, ties to even, in the score's own type: what numpy's `astype(float16)` gives.
///
/// A score in double precision is rounded once; processors, and the crate `half` with them, go by way of single precision
/// and round twice. Scores from 65520 on, which have no finite half-precision number, become infinite, and so bad input like
/// any infinite score.
///
/// ```
/// use pimo_frame::half_precision;
/// assert_eq!(half_precision(0.1_f64), 0.099_975_585_937_5);
/// assert_eq!(half_precision(-65520.0_f64), f64::NEG_INFINITY);
/// ```
#[inline]
pub fn half_precision<S: Sample>(score: S) -> S {
    // Every half-precision number is one of the score's type too, so nothing is rounded a second time.
    S::at_least(nearest_half(score.to_f64()))
}

fn nearest_half(score: f64) -> f64 {
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    if score.abs() >= TOO_LARGE {
        return f64::INFINITY.copysign(score);
    }
    let power = f64::from_bits(score.to_bits() & EXPONENT).max(SMALLEST_NORMAL);
    // Around 1.5 * 2^42 times the power of two below the score, doubles lie as far apart as halves do around the score:
    // a sum there is rounded to a multiple of that, ties to even, and the difference is exact. NaN remains NaN.
    let shift = power * (1.5 * (1_u64 << 42) as f64);
    ((score + shift) - shift).copysign(score)
}

#[cfg(test)]
mod tests {
    use half::f16;
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

        #[test]
        fn what_single_precision_cannot_tell_from_a_tie_is_none(bits in 0_u16..0x7bff, sign in prop_oneof![Just(1.0), Just(-1.0)]) {
            let (low, high) = (f16::from_bits(bits).to_f64(), f16::from_bits(bits + 1).to_f64());
            let middle = f64::midpoint(low, high);
            prop_assert_eq!(half_precision(sign * middle.next_down()), sign * low);
            prop_assert_eq!(half_precision(sign * middle.next_up()), sign * high);
            prop_assert_eq!(half_precision(sign * high), sign * high);
        }
    }

    #[test]
    fn what_is_too_large_or_no_number() {
        assert_eq!(half_precision(65519.99_f32), 65504.0);
        assert_eq!(half_precision(65519.999_f64), 65504.0);
        assert_eq!(half_precision(65520.0_f64.next_down()), 65504.0);
        assert_eq!(half_precision(65520.0_f32), f32::INFINITY);
        assert_eq!(half_precision(-65520.0_f64), f64::NEG_INFINITY);
        assert_eq!(half_precision(f64::MAX), f64::INFINITY);
        assert!(half_precision(f32::NAN).is_nan() && half_precision(f64::NAN).is_nan());
        assert_eq!(half_precision(1e-30_f64), 0.0);
        assert!(half_precision(-1e-30_f64).is_sign_negative());
    }
}
