//! Counts of keys that come again and again.
//!
//! Maps of few values (half precision, integers, a background of one score) are counted here: a table with one place
//! for each of many keys, in which a key that finds its place taken drives the other one out. Nothing is lost, because
//! what is driven out is handed back with its count. Where hardly a key comes again, as in maps of real numbers, the
//! table is only in the way, and is left alone for a while.

use crate::OrderedKey;

/// Places are 2^this many.
const BITS: u32 = 15;
/// Fewest keys by which the table is judged.
const ENOUGH: usize = 1 << 10;
/// How often a key comes before it is handed back with its count; in tests that has to happen.
const MOST: u32 = if cfg!(test) { 50 } else { u32::MAX };
/// Keys that pass the table by when it was of no use.
const REST: usize = 1 << 20;

/// Keys with how often they came.
#[derive(Clone, Debug)]
pub(crate) struct KeyCache<K> {
    /// A place is free while its count is 0.
    places: Vec<(K, u32)>,
    /// Keys that still pass by.
    rest: usize,
}

impl<K: OrderedKey> KeyCache<K> {
    pub(crate) fn new() -> Self {
        Self { places: vec![(K::default(), 0); 1 << BITS], rest: 0 }
    }

    /// Bytes of the table.
    pub(crate) const fn bytes() -> u64 {
        (size_of::<(K, u32)>() as u64) << BITS
    }

    /// Whether keys had better pass the table by.
    pub(crate) const fn is_resting(&self) -> bool {
        self.rest > 0
    }

    /// Says that `keys` keys have passed by.
    pub(crate) const fn pass_by(&mut self, keys: usize) {
        self.rest = self.rest.saturating_sub(keys);
    }

    /// Says how many keys were driven out by how many: whether it was worth the trouble.
    pub(crate) const fn judge(&mut self, keys: usize, driven_out: usize) {
        if keys >= ENOUGH && driven_out > keys / 8 * 7 {
            self.rest = REST;
        }
    }

    /// Counts a key; gives the one that it drove out, if any, and how often that came: another one, or itself if it came very
    /// often.
    #[inline]
    pub(crate) fn count(&mut self, key: K) -> Option<(K, u32)> {
        // Multiplied by 2^64 over the golden ratio, keys that differ little are far apart in the topmost bits.
        let at = Into::<u64>::into(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - BITS);
        let place = &mut self.places[at as usize];
        if place.0 == key && place.1 < MOST {
            place.1 += 1;
            return None;
        }
        let before = std::mem::replace(place, (key, 1));
        (before.1 > 0).then_some(before)
    }

    /// Hands back everything, and is empty again.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (K, u64)> {
        let taken = self.places.iter_mut().map(std::mem::take);
        taken.filter(|place| place.1 > 0).map(|(key, count)| (key, u64::from(count)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_lost(keys in proptest::collection::vec(prop_oneof![0_u32..4, any::<u32>()], 0..3000), twice in any::<bool>()) {
            let mut cache = KeyCache::new();
            let mut expected: BTreeMap<u32, u64> = BTreeMap::new();
            let mut found = expected.clone();
            for _ in 0..=u8::from(twice) {
                for &key in &keys {
                    *expected.entry(key).or_default() += 1;
                    if let Some((key, count)) = cache.count(key) {
                        *found.entry(key).or_default() += u64::from(count);
                    }
                }
            }
            for (key, count) in cache.drain() {
                *found.entry(key).or_default() += count;
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(cache.drain().count(), 0);
        }
    }

    #[test]
    fn it_rests_where_hardly_a_key_comes_again() {
        let mut cache = KeyCache::<u32>::new();
        for (keys, driven_out, rests) in [(100, 100, false), (4096, 3000, false), (4096, 4000, true)] {
            cache.judge(keys, driven_out);
            assert_eq!(cache.is_resting(), rests);
        }
        cache.pass_by(REST - 1);
        assert!(cache.is_resting());
        cache.pass_by(2);
        assert!(!cache.is_resting());
    }
}
