//! Keys between two others, those near zero counted as one.

use crate::key::{key_of_score, score_of_key};

/// Scores up to this part of the largest one's magnitude are near zero: 20 octaves below it. One that lies far from all
/// others must not take these for zero.
const NEAR: f64 = 1.0 / (1 << 20) as f64;

/// A range of keys that is to be divided evenly.
///
/// About half of all keys are of scores between -1 and 1, and nearly all of these far nearer to zero. Where a range
/// contains zero, keys near it are taken for one, or there would be little left for the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeySpan {
    lowest: u64,
    highest: u64,
    /// The first key near zero, and how many follow it.
    zero: u64,
    near: u64,
}

impl KeySpan {
    /// The range from a key to another that is not below it.
    pub(crate) fn new(lowest: u64, highest: u64) -> Self {
        let (low, high) = (score_of_key(lowest), score_of_key(highest));
        let (mut zero, mut near) = (lowest, 0);
        if low <= 0.0 && high > 0.0 {
            let bound = NEAR * high.max(-low);
            zero = key_of_score(-bound).max(lowest);
            near = key_of_score(bound).min(highest) - zero;
        }
        Self { lowest, highest, zero, near }
    }

    pub(crate) const fn lowest(&self) -> u64 {
        self.lowest
    }

    #[inline]
    pub(crate) const fn highest(&self) -> u64 {
        self.highest
    }

    /// How far apart the ends are.
    #[inline]
    pub(crate) fn length(&self) -> u64 {
        self.above(self.highest)
    }

    /// Bits of the distances that a bin has where the range is divided into so many bins, a power of two, or fewer.
    pub(crate) fn bits_of_each(&self, bins: usize) -> u32 {
        (u64::BITS - self.length().leading_zeros()).saturating_sub(bins.ilog2())
    }

    /// How far above the lowest key another is. From keys below, the difference wraps around.
    #[inline]
    pub(crate) fn above(&self, key: u64) -> u64 {
        (key - key.saturating_sub(self.zero).min(self.near)).wrapping_sub(self.lowest)
    }

    /// The lowest key that is so far above.
    pub(crate) const fn lowest_at(&self, above: u64) -> u64 {
        let key = self.lowest + above;
        if key > self.zero { key + self.near } else { key }
    }

    /// The highest key that is so far above.
    pub(crate) const fn highest_at(&self, above: u64) -> u64 {
        let key = self.lowest.saturating_add(above);
        if key >= self.zero { key.saturating_add(self.near) } else { key }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_key_lies_where_it_is_found(keys in (any::<i32>(), any::<i32>()), key in any::<i32>(), next in any::<u32>()) {
            // Some of the scores are many million times nearer to zero than others.
            let key_of = |score: i32| key_of_score(f64::from(score).powi(9));
            let (lowest, highest) = (key_of(keys.0.min(keys.1)), key_of(keys.0.max(keys.1)));
            let span = KeySpan::new(lowest, highest);
            prop_assert_eq!((span.lowest(), span.highest()), (lowest, highest));
            prop_assert_eq!((span.above(lowest), span.above(highest)), (0, span.length()));
            prop_assert_eq!(span.highest_at(u64::MAX), u64::MAX);
            let near = [span.zero, span.zero + span.near, key_of_score(0.0)];
            for key in near.into_iter().chain([key_of(key), lowest.saturating_add(next.into())]) {
                let (above, key) = (span.above(key), key.clamp(lowest, highest));
                prop_assert_eq!(above <= span.length(), above == span.above(key));
                let above = span.above(key);
                let (from, to) = (span.lowest_at(above), span.highest_at(above));
                prop_assert!(lowest <= from && from <= key && key <= to && to <= highest);
                prop_assert!(span.above(from) == above && span.above(to) == above);
                prop_assert!(from == lowest || span.above(from - 1) + 1 == above);
                prop_assert!(to == highest || span.above(to + 1) == above + 1);
            }
        }
    }

    #[test]
    fn keys_near_zero_take_no_room_where_zero_is_in_a_range() {
        let span = |low: f64, high: f64| KeySpan::new(key_of_score(low), key_of_score(high)).length();
        // Twenty octaves of each sign, or as many as there are.
        assert!(span(-1.0, 1.0) <= 40 << 52 && span(-1e-9, 1e300) <= 20 << 52 && span(-0.0, 1.0) <= 20 << 52);
        assert_eq!(span(-2.0, -1.0), 1 << 52);
        assert_eq!(span(-1.0, 0.0), key_of_score(0.0) - key_of_score(-1.0));
        assert_eq!((span(0.0, 0.0), span(0.0, f64::from_bits(1))), (0, 1));
    }
}
