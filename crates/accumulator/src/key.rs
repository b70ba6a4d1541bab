//! Scores as integers that keep their order.

use crate::Keyed;

/// The key of a score: an integer that is larger where the score is larger. +0.0 and -0.0 have the same key.
///
/// Scores of every type map here exactly through double precision, so keys of different maps compare by value.
#[inline]
pub fn key_of_score(score: f64) -> u64 {
    score.key()
}

/// The score that has this key.
#[inline]
pub fn score_of_key(key: u64) -> f64 {
    f64::from_key(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_order_as_scores_do(a in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
                                   b in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
            prop_assert_eq!(a.partial_cmp(&b), Some(key_of_score(a).cmp(&key_of_score(b))));
            prop_assert_eq!(score_of_key(key_of_score(a)), a);
        }
    }

    #[test]
    fn both_zeros_are_one_score() {
        assert_eq!(key_of_score(0.0), key_of_score(-0.0));
        assert!(key_of_score(f64::from_bits(1)) > key_of_score(0.0));
        assert!(key_of_score(-f64::from_bits(1)) < key_of_score(0.0));
        assert!(score_of_key(key_of_score(-0.0)).is_sign_positive());
    }
}
