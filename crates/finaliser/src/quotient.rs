//! Quotients of counts, rounded once.

/// The double nearest to `part / whole`, ties to even; `whole` must be neither zero nor above 2^64.
pub(crate) fn quotient(part: u128, whole: u128) -> f64 {
    const EXACT: u128 = 1 << 53;
    if part == 0 || part <= EXACT && whole <= EXACT {
        return part as f64 / whole as f64;
    }
    // With its highest bit on top `part` leaves a quotient of more bits than a double has; what is left over only says
    // whether that is a little too small.
    let shift = part.leading_zeros();
    let scaled = part << shift;
    let kept = (scaled / whole) | u128::from(!scaled.is_multiple_of(whole));
    kept as f64 / (1_u128 << shift) as f64
}

#[cfg(test)]
pub(crate) mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;

    /// Whether no double is nearer to `part / whole` than `value`, which is neither zero nor subnormal.
    pub(crate) fn is_nearest(value: f64, part: &BigUint, whole: &BigUint) -> bool {
        let mantissa = BigUint::from(value.to_bits() & ((1 << 52) - 1) | 1 << 52);
        let exponent = (value.to_bits() >> 52) as i32 - 1075;
        // In units of half the last place of the value.
        let (mut exact, mut unit) = (part * 2_u32, whole.clone());
        if exponent < 0 {
            exact <<= exponent.unsigned_abs();
        } else {
            unit <<= exponent.unsigned_abs();
        }
        let middle = &mantissa * 2_u32 * &unit;
        exact <= &middle + &unit && &exact + &unit >= middle
    }

    proptest! {
        #[test]
        fn no_double_is_nearer(part in 1_u128..1 << 100, whole in 1_u128..1 << 64, shift in 0_u32..100) {
            let part = (part >> shift).max(1);
            prop_assert!(is_nearest(quotient(part, whole), &part.into(), &whole.into()));
        }
    }

    #[test]
    fn known_quotients() {
        assert_eq!(quotient(1 << 60, 10 << 60), 0.1);
        assert_eq!(quotient(0, 1 << 60), 0.0);
        assert_eq!(quotient(1 << 60, 1 << 60), 1.0);
        assert_eq!(quotient(3, 10), 0.3);
    }
}
