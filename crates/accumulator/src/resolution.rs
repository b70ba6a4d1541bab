//! How finely a key histogram divides its pages.

use crate::OrderedKey;
use crate::key_tally::Weighted;

/// What a key histogram may hold. Part of the parameters of a run: histograms merge only if theirs are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resolution {
    /// Bins of pages that are divided evenly, of either class: from 2^19 to 2^26. While anomalous pixels are few there may
    /// be more.
    pub bins: u32,
    /// Different keys of both classes that are kept one by one.
    pub keys: u32,
    /// Anomalous pixels that are few enough for their keys to be listed besides where there are more keys than that, and for
    /// more bins; no more than bins. If it is 0 they are never few.
    pub few_anomalous: u32,
}

impl Default for Resolution {
    /// 1.25 * 2^20 bins and 0.875 * 2^20 single keys, and as many anomalous pixels are few: 3.1 * 2^20 bins until there are
    /// more. 95 MiB at most.
    fn default() -> Self {
        Self { bins: 5 << 18, keys: 7 << 17, few_anomalous: 7 << 17 }
    }
}

const fn least(a: u32, b: u32) -> u32 {
    if a < b { a } else { b }
}

/// Most bits of a page, however few there are.
pub(crate) const MOST_BITS: u32 = 18;
/// Bins that are useful in all, where there are few pages.
const USEFUL_BINS: usize = 1 << 20;
/// Pages above those that are far below the highest scores, and most bits of one that is.
const FAR_RANK: usize = 192;
const FAR_BITS: u32 = 10;
/// How many bits fewer than others such a page has, where there are too many pages for that.
const FAR_FALL: u32 = 2;

/// Fewest bins: one for each page of either key type.
const FEWEST_BINS: u32 = 1 << 19;
/// Fewest single keys.
const FEWEST_KEYS: u32 = 1 << 12;
/// Most single keys by choice.
pub(crate) const MOST_KEYS: u32 = 1 << 23;
/// Most bins: more than can be useful.
const MOST_BINS: u32 = 1 << 26;
/// Pages from the highest one down that may have long lists.
const HIGH_PAGES: usize = 128;
/// Bytes of a single key of the class of which more is known, with room to spare.
const KEY_BYTES: u64 = size_of::<Weighted<u64>>() as u64 / 4 * 5;
/// Bytes of a bin with pixels of both classes.
const BIN_BYTES: u64 = size_of::<u64>() as u64 + KEY_BYTES;

impl Resolution {
    /// Half as many bins and keys; `None` where that would be fewer than work.
    #[must_use]
    pub fn halved(self) -> Option<Self> {
        let (bins, keys) = ((self.bins / 2).max(FEWEST_BINS), (self.keys / 2).max(FEWEST_KEYS));
        let half = Self { bins, keys, few_anomalous: self.few_anomalous.min(keys) };
        (half != self).then_some(half)
    }

    /// One that keeps this many different keys one by one: all of a category with no more pixels. `None` where a list of
    /// them is no longer handy.
    pub fn of_keys(keys: u64) -> Option<Self> {
        let keys = u32::try_from(keys).ok().filter(|&keys| keys <= MOST_KEYS)?;
        Some(Self { bins: FEWEST_BINS, keys: keys.max(FEWEST_KEYS), few_anomalous: 0 })
    }

    /// The same where anomalous pixels are never few: no keys are listed besides, and there are no more bins for a while, so
    /// that fewer can be occupied.
    #[must_use]
    pub const fn with_nothing_beside(self) -> Self {
        Self { few_anomalous: 0, ..self }
    }

    /// Bytes that a histogram of this resolution takes at most, its tables included.
    ///
    /// Each bin is charged with one key of anomalous pixels; where these are few, that pays for those that lists may have
    /// besides, and for more bins. Between the times at which it is settled lists may be longer, but there are no more
    /// bins, and then not many more keys.
    pub const fn bytes<K: OrderedKey>(self) -> u64 {
        self.bins as u64 * BIN_BYTES + self.keys as u64 * KEY_BYTES + (1 << K::PREFIX_BITS) * 4
    }

    /// Bytes that a histogram of anomalous pixels alone takes at most.
    pub const fn bytes_of_anomalous<K: OrderedKey>(self) -> u64 {
        let (bins, keys) = (self.bins as u64, self.keys as u64);
        bins * size_of::<u64>() as u64 + if keys > bins { keys } else { bins } * KEY_BYTES + (1 << K::PREFIX_BITS) * 4
    }

    /// Numbers that a histogram can work with.
    pub(crate) const fn normalised(self) -> Self {
        let bins = least(if self.bins > FEWEST_BINS { self.bins } else { FEWEST_BINS }, MOST_BINS);
        Self { bins, keys: least(self.keys, 1 << 28), few_anomalous: least(self.few_anomalous, bins) }
    }

    /// Bins of pages that are divided evenly, while there are so many anomalous pixels. Every bin is charged with a key
    /// of these: as long as they are few, only they need that, and there may be up to 2.5 times as many bins for the same
    /// memory.
    pub(crate) const fn bins_for(self, positives: u64) -> u32 {
        let Self { bins, few_anomalous: few, .. } = self.normalised();
        if few == 0 || positives > few as u64 {
            return bins;
        }
        // No fewer, since what is few is no more than bins.
        let paid = (bins as u64 * BIN_BYTES - few as u64 * KEY_BYTES) / size_of::<u64>() as u64;
        let (most, handled) = (bins as u64 / 2 * 5, MOST_BINS as u64);
        let most = if most < handled { most } else { handled };
        if paid < most { paid as u32 } else { most as u32 }
    }

    /// The most bins that there may be.
    pub(crate) const fn most_bins(self) -> u32 {
        self.bins_for(0)
    }

    /// Most bits that are useful for a page with `rank` pages in use above it, of `pages` in all: 14, and 13 from a quarter
    /// of an octave of scores (32 pages) below the highest on; one more where anomalous keys are not listed besides, and
    /// more where there are so few pages that 2^20 bins divide them finer. But 10 from one and a half octaves on.
    ///
    /// Far below the highest scores lie most pixels, and few that decide anything. The fewer cells there are where most
    /// pixels are counted, the nearer they are to the processor; and bins that are finer than anything needs would only
    /// be added up again later.
    pub(crate) fn finest(self, rank: usize, pages: usize) -> u32 {
        let more = u32::from(self.few_anomalous == 0);
        let by_rank = match rank {
            0..32 => 14 + more,
            32..FAR_RANK => 13 + more,
            _ => return FAR_BITS,
        };
        by_rank.max((USEFUL_BINS / pages.max(1)).checked_ilog2().unwrap_or(0).min(MOST_BITS))
    }

    /// Different keys of anomalous pixels that a page may list besides, where there are so many anomalous pixels in
    /// all: a 16th of what is few, or none. As long as they are few, pages are mostly divided for the sake of normal
    /// pixels only: high pages often have many anomalous and hardly any normal ones, and would take as many bins as
    /// those where most pixels lie.
    pub(crate) const fn positives_beside(self, positives: u64) -> usize {
        if positives <= self.few_anomalous as u64 { self.few_anomalous as usize / 16 } else { 0 }
    }

    /// Most bins that can be occupied, of pages in bins, of lists, and of what these list besides.
    pub const fn most_occupied(self) -> u64 {
        self.most_bins() as u64 + self.keys as u64 + self.few_anomalous as u64
    }

    /// The longest list that a page may have, once not all keys fit, of both classes together but for keys
    /// [beside](Self::positives_beside): `rank` pages in use lie above it, and there are `pages`. Never grows with
    /// either, so that pages that are too long remain so.
    ///
    /// Three quarters of the keys are for the highest pages: few pixels decide precision and small limits of
    /// false-positive rates, and they are spread over many pages, which bins would fill thinly.
    pub(crate) fn longest_list(self, rank: usize, pages: usize) -> usize {
        let high = self.keys as usize / 4 * 3 / HIGH_PAGES;
        let low = (self.keys as usize / 4 / pages.max(1)).min(high);
        if rank < HIGH_PAGES { high } else { low }
    }

    /// Bits of each of `pages` evenly divided pages, from the page of the highest scores downwards, where there are so many
    /// anomalous pixels: shared out evenly, but for pages [far](FAR_RANK) below the highest.
    ///
    /// The largest `top` is taken with which the [bits](bits_at) of all pages fit, and what is left over raises pages to
    /// those of `top + 1` from the highest downwards. So one more page never makes any page finer: the sum grows with every
    /// page, hence `top` and the number of raised pages can only fall, and inserting a page above others moves them to
    /// where there are no more bits. Nor does one more anomalous pixel, since there are no more bins then.
    pub(crate) fn bits<K: OrderedKey>(self, pages: usize, positives: u64) -> Vec<u32> {
        let bins = u64::from(self.bins_for(positives));
        let sum = |top| (0..pages).map(|j| 1_u64 << bits_at(top, j)).sum::<u64>();
        let top = (0..=K::PAGE_BITS).rev().find(|&top| sum(top) <= bins).unwrap_or(0);
        let mut left = bins.saturating_sub(sum(top));
        let next = (top + 1).min(K::PAGE_BITS);
        (0..pages)
            .map(|j| {
                let (bits, raised) = (bits_at(top, j), bits_at(next, j));
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

/// Bits of page j from above (0 is the highest), if the highest one has `top`. They never grow with j and never fall with
/// `top`, where one more is one bit more at most.
fn bits_at(top: u32, j: usize) -> u32 {
    if j < FAR_RANK { top } else { top.saturating_sub(FAR_FALL).min(FAR_BITS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never_finer<K: OrderedKey>(resolution: Resolution) {
        let classes = [0, u64::MAX];
        let mut before = classes.map(|positives| resolution.bits::<K>(0, positives));
        for pages in (1..1500).chain([5000, 5001]) {
            let now = classes.map(|positives| resolution.bits::<K>(pages, positives));
            for (positives, bits) in classes.iter().zip(&now) {
                let sum = bits.iter().map(|&bits| 1_u64 << bits).sum::<u64>();
                assert!(sum <= u64::from(resolution.bins_for(*positives)));
                assert!(bits.is_sorted_by(|a, b| a >= b), "{pages}: {bits:?}");
            }
            // The new page may come anywhere: a page keeps its place or moves down by one.
            for (before, now) in before.iter().zip(&now) {
                assert!(before.iter().zip(now).all(|(before, now)| now <= before), "{pages}");
            }
            // When there are many anomalous pixels, no page is finer than before.
            assert!(now[0].iter().zip(&now[1]).all(|(few, many)| many <= few), "{pages}");
            before = now;
        }
        for positives in classes {
            let all = resolution.bits::<K>(1 << K::PREFIX_BITS, positives);
            let sum = all.iter().map(|&bits| 1_u64 << bits).sum::<u64>();
            assert!(sum <= u64::from(resolution.bins_for(positives)));
        }
    }

    #[test]
    fn one_more_page_makes_no_page_finer() {
        for bins in [FEWEST_BINS, 700_001, 1 << 21] {
            for few_anomalous in [0, 1, 300_000, bins] {
                never_finer::<u32>(Resolution { bins, keys: 0, few_anomalous });
                never_finer::<u64>(Resolution { bins, keys: 0, few_anomalous });
            }
        }
    }

    #[test]
    fn what_is_useful_never_grows() {
        let ranks = [0, 31, 32, 127, 128, 191, 192, 400_000];
        for pages in 1..2000 {
            for resolution in [Resolution::default(), Resolution::default().with_nothing_beside()] {
                let more = ranks.map(|rank| resolution.finest(rank, pages + 1));
                assert!(more.is_sorted_by(|a, b| a >= b), "{more:?}");
                assert!(ranks.iter().zip(more).all(|(&rank, more)| more <= resolution.finest(rank, pages)), "{more:?}");
            }
        }
        let finest = |rank, pages| Resolution::default().finest(rank, pages);
        assert_eq!(Resolution::default().with_nothing_beside().finest(127, 500_000), 14);
        assert_eq!(ranks.map(|rank| finest(rank, 500_000)), [14, 14, 13, 13, 13, 13, 10, 10]);
        assert_eq!([1, 4, 5, 32, 33, 65].map(|pages| finest(0, pages)), [18, 18, 17, 15, 14, 14]);
        assert_eq!([32, 64].map(|pages| finest(31, pages)), [15, 14]);
    }

    #[test]
    fn few_anomalous_keys_may_be_listed_beside() {
        let few = Resolution { few_anomalous: 1600, ..Resolution::default() };
        assert_eq!([0, 1600, 1601, u64::MAX].map(|positives| few.positives_beside(positives)), [100, 100, 0, 0]);
        assert_eq!(few.with_nothing_beside().positives_beside(0), 0);
        assert_eq!([0, 1600, 1601].map(|positives| few.bins_for(positives)), [25 << 17, 25 << 17, 5 << 18]);
        assert_eq!(few.most_occupied(), (25 << 17) + 1600 + u64::from(few.keys));
        assert_eq!(few.with_nothing_beside().bins_for(0), 5 << 18);
        // As many as there is memory for.
        assert_eq!(Resolution { few_anomalous: 5 << 18, ..few }.bins_for(0), 5 << 18);
        // What is few, and all the bins that there may be then, take no more memory than was said.
        let all = [few, Resolution::default(), Resolution { few_anomalous: 5 << 18, ..few }];
        for few in all.into_iter().chain(Resolution::default().halved()) {
            let keys = u64::from(few.keys) + u64::from(few.few_anomalous);
            let bytes = u64::from(few.most_bins()) * 8 + keys * KEY_BYTES + (4 << u32::PREFIX_BITS);
            assert!(bytes <= few.bytes::<u32>(), "{few:?}");
        }
        let exactly = Resolution::default();
        assert_eq!(u64::from(exactly.most_bins()) * 8 + 7 * (KEY_BYTES << 17), u64::from(exactly.bins) * BIN_BYTES);
        // They are charged with bins.
        let many = Resolution { few_anomalous: u32::MAX, ..few }.normalised();
        assert_eq!(many.few_anomalous, many.bins);
        // Numbers with which no histogram works are as those that it takes in their place.
        for (bins, few_anomalous) in [(0, 0), (1 << 20, u32::MAX), (1 << 20, 1_200_000), (u32::MAX, 1), (u32::MAX, 0)] {
            let odd = Resolution { bins, few_anomalous, keys: 0 };
            assert!(odd.most_bins() == odd.normalised().most_bins() && odd.most_bins() >= odd.bins_for(u64::MAX));
        }
    }

    #[test]
    fn lists_that_are_too_long_remain_so() {
        for keys in [0, 300, 1 << 20] {
            let resolution = Resolution { bins: FEWEST_BINS, keys, few_anomalous: 0 };
            for (rank, pages) in (0..200).flat_map(|rank| (rank + 1..1000).map(move |pages| (rank, pages))) {
                let longest = resolution.longest_list(rank, pages);
                assert!(longest >= resolution.longest_list(rank + 1, pages + 1));
                assert!(longest >= resolution.longest_list(rank, pages + 1));
            }
            let all: usize = (0..1000).map(|rank| resolution.longest_list(rank, 1000)).sum();
            assert!(all <= keys as usize);
        }
    }

    #[test]
    fn halving_ends() {
        let halves = std::iter::successors(Some(Resolution::default()), |resolution| resolution.halved());
        let last = halves.last().unwrap_or_default();
        assert_eq!(last, Resolution { bins: FEWEST_BINS, keys: FEWEST_KEYS, few_anomalous: FEWEST_KEYS });
    }

    #[test]
    fn each_key_is_kept_of_few_enough() {
        let keys = |keys| Resolution::of_keys(keys).map(|resolution| resolution.keys);
        assert_eq!([keys(0), keys(1_000_000)], [Some(FEWEST_KEYS), Some(1_000_000)]);
        assert_eq!([keys(MOST_KEYS.into()), keys(u64::from(MOST_KEYS) + 1)], [Some(MOST_KEYS), None]);
        assert_eq!([keys(1 << 32), keys(u64::MAX)], [None, None]);
    }

    #[test]
    fn few_pages_may_be_as_fine_as_can_be() {
        assert_eq!(Resolution::default().bits::<u32>(12, 0), vec![16; 12]);
        let most = Resolution { bins: MOST_BINS, keys: 0, few_anomalous: 0 }.bits::<u32>(1000, 0);
        assert!(most.iter().enumerate().all(|(j, &bits)| bits == if j < FAR_RANK { 16 } else { FAR_BITS }), "{most:?}");
    }

    #[test]
    fn bins_are_shared_out_evenly() {
        for resolution in [Resolution::default(), Resolution::default().with_nothing_beside()] {
            for (pages, positives) in [(150, 0), (150, u64::MAX), (3000, 0), (3000, u64::MAX)] {
                let bits = resolution.bits::<u32>(pages, positives);
                let (near, far) = bits.split_at(FAR_RANK.min(pages));
                let ends = |bits: &[u32]| bits.first().copied().zip(bits.last().copied());
                assert!(ends(near).is_some_and(|(first, last)| last + 1 >= first), "{bits:?}");
                assert!(ends(far).is_none_or(|(first, last)| last + 1 >= first && first + 3 >= near[0]), "{bits:?}");
                let all: u64 = bits.iter().map(|&bits| 1 << bits).sum();
                assert!(2 * all > u64::from(resolution.bins_for(positives)), "{bits:?}");
            }
        }
    }
}
