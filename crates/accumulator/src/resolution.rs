//! How finely a key histogram divides its pages.

use crate::OrderedKey;

/// What a key histogram may hold. Part of the parameters of a run: histograms merge only if theirs are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resolution {
    /// Bins of pages that are divided evenly, of either class: at least 2^19.
    pub bins: u32,
    /// Different keys of both classes that are kept one by one.
    pub keys: u32,
}

impl Default for Resolution {
    /// 2^21 bins and 2^20 single keys: 110 MiB at most for single precision.
    fn default() -> Self {
        Self { bins: 1 << 21, keys: 1 << 20 }
    }
}

/// How many bits fewer than the highest page the page that is `j` below it has: floor(2 log2(1 + j / 64)).
fn fall(j: usize) -> i64 {
    let ratio = (j as u64 + 64).pow(2);
    i64::from(ratio.ilog2()) - 12
}

/// Fewest bins: one for each page of either key type.
const FEWEST_BINS: u32 = 1 << 19;
/// A page with more keys than this is never worth a list once the keys do not all fit.
const LONGEST_LIST: usize = 4096;
/// Bytes of a bin of both classes, in the larger of the two key types.
const BIN_BYTES: u64 = 24 + 48;

impl Resolution {
    /// The finest resolution whose histogram stays within this many bytes (its fixed part aside); never below the
    /// smallest that works, which takes 48 MiB when every page is in use.
    pub fn within(bytes: u64) -> Self {
        let units = (bytes / BIN_BYTES).clamp(0, u64::from(u32::MAX)) as u32;
        Self { bins: (units / 3 * 2).max(FEWEST_BINS), keys: (units / 3).max(1 << 12) }
    }

    /// Bytes that a histogram of this resolution takes at most, its tables included.
    pub const fn bytes<K: OrderedKey>(self) -> u64 {
        let tally = size_of::<K::Low>() as u64 * 2 + 8;
        let tally = tally.next_multiple_of(8);
        let both = tally + (tally + 16).next_multiple_of(16);
        (self.bins as u64 + self.keys as u64) * both + (1 << K::PREFIX_BITS) * 8
    }

    /// Numbers that a histogram can work with.
    pub(crate) fn normalised(self) -> Self {
        Self { bins: self.bins.clamp(FEWEST_BINS, 1 << 28), keys: self.keys.min(1 << 28) }
    }

    /// The longest list of keys of one class that a page may have, once not all keys fit, with `pages` pages in use.
    pub(crate) fn longest_list(self, pages: usize) -> usize {
        (self.keys as usize / 2 / pages.max(1)).min(LONGEST_LIST)
    }

    /// Bits of each of `pages` evenly divided pages, from the page of the highest scores downwards.
    ///
    /// A profile gives page j (0 is the highest) `top - floor(2 log2(1 + j / 64))` bits, at least none and at most
    /// [`OrderedKey::PAGE_BITS`]: what decides precision, small limits of false-positive rates and thresholds lies in
    /// the upper few per cent of the pixels. The largest `top` that fits is taken, and what is left over raises pages
    /// to `top + 1` from the highest downwards. So one more page never makes any page finer: the sum grows with every
    /// page, hence `top` and the number of raised pages can only fall, and inserting a page above others moves them
    /// down a profile that never rises.
    pub(crate) fn bits<K: OrderedKey>(self, pages: usize) -> Vec<u32> {
        let profile = |top: i64, j: usize| -> u32 {
            let fall = fall(j);
            (top - fall).clamp(0, i64::from(K::PAGE_BITS)) as u32
        };
        let sum = |top: i64| (0..pages).map(|j| 1_u64 << profile(top, j)).sum::<u64>();
        let steepest = fall(pages);
        let top =
            (0..=i64::from(K::PAGE_BITS) + steepest).rev().find(|&top| sum(top) <= u64::from(self.bins)).unwrap_or(0);
        let mut left = u64::from(self.bins).saturating_sub(sum(top));
        (0..pages)
            .map(|j| {
                let (bits, raised) = (profile(top, j), profile(top + 1, j));
                let price = (1_u64 << raised) - (1 << bits);
                if price > left {
                    // Nothing below is raised either.
                    left = 0;
                    return bits;
                }
                left -= price;
                raised
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never_finer<K: OrderedKey>(resolution: Resolution) {
        let mut before = resolution.bits::<K>(0);
        for pages in 1..1500 {
            let bits = resolution.bits::<K>(pages);
            assert!(bits.iter().map(|&bits| 1_u64 << bits).sum::<u64>() <= u64::from(resolution.bins));
            assert!(bits.is_sorted_by(|a, b| a >= b), "{pages}: {bits:?}");
            // The new page may come anywhere: a page keeps its place or moves down by one.
            assert!(before.iter().zip(&bits).all(|(before, now)| now <= before), "{pages}");
            before = bits;
        }
        let all = resolution.bits::<K>(1 << K::PREFIX_BITS);
        assert!(all.iter().map(|&bits| 1_u64 << bits).sum::<u64>() <= u64::from(resolution.bins));
    }

    #[test]
    fn one_more_page_makes_no_page_finer() {
        for bins in [FEWEST_BINS, 700_001, 1 << 21] {
            never_finer::<u32>(Resolution { bins, keys: 0 });
            never_finer::<u64>(Resolution { bins, keys: 0 });
        }
    }

    #[test]
    fn few_pages_are_as_fine_as_can_be() {
        assert_eq!(Resolution::default().bits::<u32>(12), vec![16; 12]);
        assert_eq!(Resolution::within(1 << 40).bits::<u32>(1000)[..], [16; 1000]);
    }
}
