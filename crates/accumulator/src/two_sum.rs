//! Sums without error.

/// The double nearest to a + b, and what it lacks; together they are the sum exactly, unless it overflows.
///
/// ```
/// use pimo_accumulator::two_sum;
/// assert_eq!(two_sum(1e16, 1.0), (1e16, 1.0));
/// assert_eq!(two_sum(0.5, 0.25), (0.75, 0.0));
/// ```
#[inline]
pub fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    // Knuth's: what of either term did not get into the sum.
    let from_b = sum - a;
    let from_a = sum - from_b;
    (sum, (a - from_a) + (b - from_b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_lost(a in -1_i64 << 62..1 << 62, b in -1_i64 << 40..1 << 40, shift in 0_u32..40) {
            // As doubles both are integers, and so are their sum and what it lacks.
            let (a, b) = ((a >> shift) as f64, b as f64);
            let (sum, lost) = two_sum(a, b);
            prop_assert_eq!(sum, a + b);
            prop_assert_eq!(sum as i128 + lost as i128, a as i128 + b as i128);
            prop_assert_eq!(two_sum(b, a), (sum, lost));
        }
    }
}
