//! Where a key lies among thresholds.

use crate::key_span::KeySpan;

/// Bins of keys that the table has at most.
const BINS: usize = 1 << 12;

/// Finds the place of a key among descending thresholds through a table, which is faster than halving the thresholds
/// again and again.
///
/// The table has bins of keys and says where a search in a bin begins. Its bins end at the threshold at a quarter of
/// the thresholds: the highest ones often lie so far apart that the others would share few bins.
#[derive(Clone, Debug)]
pub(crate) struct KeyLookup {
    /// Descending, without repetition.
    thresholds: Vec<u64>,
    /// The keys of all bins.
    keys: KeySpan,
    shift: u32,
    /// For each bin the place of its highest key.
    begin: Vec<u32>,
}

impl KeyLookup {
    /// A lookup among descending thresholds without repetition.
    pub(crate) fn new(thresholds: Vec<u64>) -> Self {
        let low = thresholds.last().copied().unwrap_or(0);
        let keys = KeySpan::new(low, thresholds.get(thresholds.len() / 4).copied().unwrap_or(low));
        let shift = keys.bits_of_each(BINS);
        let place = |key: u64| thresholds.partition_point(|&threshold| threshold > key) as u32;
        let highest = |bin: u64| keys.highest_at(bin << shift | ((1 << shift) - 1));
        let begin = (0..=keys.length() >> shift).map(|bin| place(highest(bin))).collect();
        Self { thresholds, keys, shift, begin }
    }

    /// The thresholds.
    pub(crate) fn thresholds(&self) -> &[u64] {
        &self.thresholds
    }

    /// The index of the first threshold that is not above `key`, which is not below the last threshold.
    #[inline]
    pub(crate) fn place(&self, key: u64) -> usize {
        let bin = (self.keys.above(key) >> self.shift) as usize;
        let Some(&begin) = self.begin.get(bin) else {
            return self.thresholds.partition_point(|&threshold| threshold > key);
        };
        // Most bins have one threshold at most, and then this is the place. On which side of it the key is nobody foresees.
        let begin = begin as usize;
        let place = begin + usize::from(self.thresholds[begin] > key);
        if self.thresholds[place] <= key {
            return place;
        }
        // It is not behind the place of the next bin's highest key.
        let end = bin.checked_sub(1).map_or(self.thresholds.len(), |next| self.begin[next] as usize);
        place + self.thresholds[place..end].partition_point(|&threshold| threshold > key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key_of_score;

    /// Many of them near zero, of both signs.
    fn key_of_some_score() -> impl Strategy<Value = u64> {
        (-1.0..1.0, prop_oneof![4 => 0..3, 1 => -40..40])
            .prop_map(|(score, power): (f64, i32)| key_of_score(score * 10.0_f64.powi(power)))
    }

    proptest! {
        #[test]
        fn the_place_is_that_of_a_search(
            thresholds in (1..=u64::BITS).prop_flat_map(|bits| {
                let few_bits = 0..=u64::MAX >> (u64::BITS - bits);
                let other = prop_oneof![4 => few_bits, 1 => 0_u64..50, 1 => any::<u64>()].boxed();
                let kind = prop_oneof![Just(other), Just(key_of_some_score().boxed())];
                kind.prop_flat_map(|kind| proptest::collection::btree_set(kind, 1..200))
            }),
            keys in proptest::collection::vec(
                prop_oneof![0_u64..60, 0_u64..1 << 21, any::<u64>(), Just(u64::MAX), key_of_some_score()], 1..100,
            ),
        ) {
            let thresholds: Vec<u64> = thresholds.into_iter().rev().collect();
            let lookup = KeyLookup::new(thresholds.clone());
            let near = thresholds.iter().flat_map(|&key| [key.saturating_sub(1), key, key.saturating_add(1)]);
            for key in keys.into_iter().chain(near).filter(|key| key >= &thresholds[thresholds.len() - 1]) {
                prop_assert_eq!(lookup.place(key), thresholds.partition_point(|&threshold| threshold > key));
            }
        }
    }

    #[test]
    fn a_lookup_without_thresholds() {
        assert!(KeyLookup::new(Vec::new()).thresholds().is_empty());
    }
}
