//! A histogram of scores without a range.
//!
//! Scores are counted by their [ordered keys](crate::OrderedKey): a *page* for every key prefix that occurs (128 an
//! octave), and in each page either a list of single keys or 2^bits bins of equal width.
//!
//! # The resolution depends on what was counted, and on nothing else
//!
//! Let D be the multiset of all keys counted so far, with their classes, `n(D)` the number of prefixes in it, and
//! `r(p, D)` how many of these are above page p. Of page p let `d(p, D)` be the number of different keys, of normal pixels
//! and of anomalous ones, but of the latter only those beyond `b(P(D))`. `P(D)` is the number of anomalous *pixels* in D,
//! those with the same key included, so that it is known of pages in bins as well; b never grows with it.
//!
//! 1. While all different keys of both classes number at most [`Resolution::keys`], every page is a list: `over(D)` is
//!    false.
//! 2. Otherwise a page is divided evenly when `d(p, D)` is above the longest list that a page of rank `r(p, D)` among
//!    `n(D)` may have, which never grows with r nor with n; the other pages remain lists. Such pages are *crowded*. There
//!    may be none, if most keys are anomalous.
//! 3. Crowded page number j from above, of h, gets the bits that [`Resolution`] gives it where there are `P(D)` anomalous
//!    pixels, but no more than are useful at its rank r among n. The former never rise with j, nor with h, nor with
//!    `P(D)`; the latter never with r nor with n.
//!
//! Everything here is monotone. Let D be part of E. Then `n(D) <= n(E)`, `r(p, D) <= r(p, E)`, `P(D) <= P(E)`, and hence
//! `d(p, D) <= d(p, E)`; `over(D)` implies `over(E)`, so what is crowded in D is crowded in E; both j and h can only
//! grow; so *no page of D is coarser than the same page of E*. A histogram that holds D therefore still knows all that
//! the histogram of E has to know of D: lists are exact, bins can be added up into wider ones, counts and weights are
//! sums.
//!
//! Merging the histograms of D and D' gives the histogram of E = D + D': `over(E)` holds if it holds for a part, or
//! else all lists are exact and their union shows whether it does. A page crowded in a part is crowded in E; a page
//! that is a list in both has its exact list in E, which shows whether it is crowded. With n, the crowded pages and
//! their order known, the bits follow, and every page is brought to them. Hence the histogram is a function of the
//! multiset alone: neither the order of pixels nor how they were shared out among threads and machines changes a byte.

use std::ops::ControlFlow;

use crate::by_page::ByPage;
use crate::key_cuts::KeyCuts;
use crate::key_page::{Page, list_more_than};
use crate::key_tally::{Tally, Weighted};
use crate::{BinWalk, ScoreBin};
use crate::{OrderedKey, Resolution};

/// Counts of anomalous and normal pixels, and of region weights, on the whole axis of scores.
///
/// Filled by a [`KeyCounter`](crate::KeyCounter); read as [`ScoreBin`]s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHistogram<K: OrderedKey> {
    pub(crate) resolution: Resolution,
    /// Whether the keys no longer fit one by one.
    pub(crate) over: bool,
    /// Ascending by prefix between calls; pages that are new in a call come last.
    pub(crate) pages: Vec<Page<K>>,
    /// For every prefix, one more than the index of its page, or 0.
    places: Vec<u32>,
    /// Anomalous pixels in all pages.
    positives: u64,
    /// Whether every page has the resolution it should have, and nothing waits: only then it can be read.
    settled: bool,
}

/// Two histograms that do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("histograms of different resolution ({0:?} and {1:?}) cannot be merged; count both with the same one")]
pub struct ResolutionMismatch(pub Resolution, pub Resolution);

impl<K: OrderedKey> KeyHistogram<K> {
    /// An empty histogram. A resolution with fewer bins than a histogram needs is raised to that.
    pub fn new(resolution: Resolution) -> Self {
        let resolution = resolution.normalised();
        let places = vec![0; 1 << K::PREFIX_BITS];
        Self { resolution, over: false, pages: Vec::new(), places, positives: 0, settled: true }
    }

    /// What the histogram may hold.
    pub const fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// Adds what another histogram counted.
    ///
    /// # Errors
    /// The two have different resolutions; nothing is changed.
    pub fn merge(&mut self, other: &Self) -> Result<(), ResolutionMismatch> {
        if self.resolution != other.resolution {
            return Err(ResolutionMismatch(self.resolution, other.resolution));
        }
        self.assert_settled();
        other.assert_settled();
        self.over |= other.over;
        self.positives += other.positives;
        for theirs in &other.pages {
            let ours = self.page(theirs.prefix);
            // Whichever is coarser decides; `settle` makes both coarser still if need be.
            if let Some(bits) = theirs.bits() {
                ours.divide(bits);
                ours.settle();
            }
            ours.merge(theirs);
        }
        let as_ruled = self.settle();
        debug_assert!(as_ruled, "a page was coarser than the rule");
        Ok(())
    }

    /// The occupied bins from the highest scores to the lowest.
    pub fn bins(&self) -> Vec<ScoreBin> {
        self.assert_settled();
        let mut bins = Vec::with_capacity(self.pages.iter().map(Page::most_bins).sum());
        self.walk_down(&mut |bin: &ScoreBin| {
            bins.push(*bin);
            ControlFlow::Continue(())
        });
        bins
    }

    /// Goes down the occupied bins, until there is enough: the fastest way to see them all.
    #[inline]
    pub fn walk_down(&self, walk: &mut impl BinWalk) {
        self.assert_settled();
        // A break only ends the walk.
        let _ = self.pages.iter().rev().try_for_each(|page| page.walk_down(walk));
    }

    /// The occupied bins from the highest scores to the lowest, one page of them in memory at a time.
    pub fn descending(&self) -> impl Iterator<Item = ScoreBin> {
        self.assert_settled();
        self.pages.iter().rev().flat_map(|page| {
            let mut bins = Vec::with_capacity(page.most_bins());
            let _ = page.walk_down(&mut |bin: &ScoreBin| {
                bins.push(*bin);
                ControlFlow::Continue(())
            });
            bins
        })
    }

    /// As [`Self::walk_down`], with the bins of [cuts](KeyCuts) in place of those pages that have some.
    #[inline]
    pub(crate) fn walk_down_cut(&self, cuts: &[&KeyCuts<K>], walk: &mut impl BinWalk) {
        self.assert_settled();
        let _ = self.pages.iter().rev().try_for_each(|page| {
            match cuts.iter().find_map(|cuts| Some((cuts, cuts.find(page.prefix)?))) {
                Some((cuts, place)) => cuts.walk_down(place, walk),
                None => page.walk_down(walk),
            }
        });
    }

    /// Adds a page of another prefix than all others.
    pub(crate) fn add_page(&mut self, page: Page<K>) {
        self.positives += page.pixels().0;
        let prefix = page.prefix;
        *self.page(prefix) = page;
    }

    /// The page with this prefix, if there is one.
    pub(crate) fn find(&self, prefix: usize) -> Option<&Page<K>> {
        self.assert_settled();
        self.pages.get((self.places[prefix] as usize).checked_sub(1)?)
    }

    /// Anomalous and normal pixels counted.
    pub fn pixels(&self) -> (u64, u64) {
        self.pages.iter().map(Page::pixels).fold((0, 0), |sum, page| (sum.0 + page.0, sum.1 + page.1))
    }

    /// Whether every pixel is known by its exact score.
    pub fn is_exact(&self) -> bool {
        self.pages.iter().all(|page| page.bits().is_none_or(|bits| bits == K::LOW_BITS))
    }

    /// The pages that are to be divided into bins, with their bits.
    pub(crate) fn pages_with_bits(&self) -> impl Iterator<Item = (usize, u32)> {
        self.pages.iter().filter_map(|page| Some((page.prefix, page.bits()?)))
    }

    #[inline]
    pub(crate) fn page(&mut self, prefix: usize) -> &mut Page<K> {
        self.settled = false;
        if self.places[prefix] == 0 {
            self.pages.push(Page::new(prefix));
            self.places[prefix] = self.pages.len() as u32;
        }
        &mut self.pages[self.places[prefix] as usize - 1]
    }

    /// Adds normal pixels, of which the low bits are given.
    pub(crate) fn absorb_negatives(&mut self, lows: &ByPage<K::Low>) {
        for (prefix, lows) in lows.iter() {
            self.page(prefix).push_negatives(lows);
        }
    }

    /// Adds normal pixels: keys in ascending order, each with its count; a key may come several times.
    pub(crate) fn absorb_counts(&mut self, counts: &[(K, u64)]) {
        for chunk in counts.chunk_by(|a, b| a.0.prefix() == b.0.prefix()) {
            let tallies = chunk.iter().map(|&(key, count)| Tally { low: K::pack_low(key.low()), count });
            self.page(chunk[0].0.prefix()).absorb_negatives(tallies);
        }
    }

    /// Adds anomalous pixels, those of each page in ascending order of low bits, each with the index of its region's
    /// weight.
    pub(crate) fn absorb_positives(&mut self, pixels: &ByPage<(K::Low, u32)>, weights: &[u128]) {
        for (prefix, pixels) in pixels.iter() {
            self.positives += pixels.len() as u64;
            let weighted =
                |&(low, weight): &(K::Low, u32)| Weighted { weight: weights[weight as usize], count: 1, low };
            self.page(prefix).absorb_positives(pixels.iter().map(weighted));
        }
    }

    /// That nothing has been counted since a counter finished.
    pub(crate) fn assert_settled(&self) {
        debug_assert!(self.settled, "the histogram is read before every counter has finished");
    }

    /// Finds out the resolution that the module's description gives every page. Pages may still be finer; false if one
    /// is coarser, which can't come of counting and merging.
    pub(crate) fn adjust(&mut self) -> bool {
        self.pages.sort_unstable_by_key(|page| page.prefix);
        for (at, page) in self.pages.iter().enumerate() {
            self.places[page.prefix] = at as u32 + 1;
        }
        let keys = self.resolution.keys as usize;
        self.over = self.over || list_more_than(keys, 4 * keys, &mut self.pages);
        if !self.over {
            return true;
        }
        let count = self.pages.len();
        let resolution = self.resolution;
        let beside = resolution.positives_beside(self.positives);
        let crowded = |(rank, page): &mut (usize, &mut Page<K>)| {
            page.bits().is_some() || page.lists_more_than(resolution.longest_list(*rank, count), beside)
        };
        let mut ranked: Vec<(usize, &mut Page<K>)> = self.pages.iter_mut().rev().enumerate().collect();
        ranked.retain_mut(crowded);
        if ranked.is_empty() {
            // Too many keys, and no page has too many: only anomalous ones can be so many.
            return list_more_than(resolution.keys as usize, 0, &mut self.pages);
        }
        let bits = resolution.bits::<K>(ranked.len(), self.positives);
        let mut as_ruled = true;
        for ((rank, page), bits) in ranked.into_iter().zip(bits) {
            let bits = bits.min(resolution.finest(rank, count));
            page.divide(bits);
            as_ruled &= page.bits() == Some(bits);
        }
        if self.holds_too_much() {
            self.settle_pages();
        }
        as_ruled
    }

    /// Whether pages that may be brought to their resolution later have to be brought to it now: all at once where
    /// anomalous pixels are no longer few.
    fn holds_too_much(&self) -> bool {
        let most = self.resolution.bins_for(self.positives) as usize;
        let bins: usize = self.pages.iter().map(Page::bins_held).sum();
        let positives: usize = self.pages.iter().map(|page| page.positives().len()).sum();
        bins > most || positives > (most + self.resolution.keys as usize).max(self.resolution.few_anomalous as usize)
    }

    /// Brings every page to that resolution: the histogram can be read, compared and written.
    pub(crate) fn settle(&mut self) -> bool {
        let as_ruled = self.adjust();
        self.settle_pages();
        self.settled = true;
        as_ruled
    }

    /// Brings every page to the resolution found last.
    pub(crate) fn settle_pages(&mut self) {
        // Those that shrink make room for those that become larger.
        let (divided, listed): (Vec<_>, Vec<_>) = self.pages.iter_mut().partition(|page| page.has_bins());
        divided.into_iter().chain(listed).for_each(Page::settle);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// Few keys and the fewest bins, so that small data is crowded too.
    pub(crate) const SMALL: Resolution = Resolution { bins: 1 << 19, keys: 300, few_anomalous: 450 };

    /// A generator of numbers that are all over the place.
    pub(crate) fn xorshift(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state >> 11
    }

    /// Adds pixels in any order, anomalous ones with the indices of their weights.
    pub(crate) fn absorb<K: OrderedKey>(
        histogram: &mut KeyHistogram<K>,
        negatives: &[K],
        positives: &[(K, u32)],
        weights: &[u128],
    ) {
        let low = |key: K| K::pack_low(key.low());
        histogram.absorb_negatives(&ByPage::of(negatives, |&key| key, |&key| low(key)));
        let mut positives = ByPage::of(positives, |pixel| pixel.0, |&(key, weight)| (low(key), weight));
        positives.sort_by_key(|pixel| pixel.0);
        histogram.absorb_positives(&positives, weights);
    }

    pub(crate) type Pixels = Vec<(u32, Option<u128>)>;

    /// Keys that crowd some pages, and some far away.
    pub(crate) fn pixels() -> impl Strategy<Value = Pixels> {
        let near = (0_u32..12, 0_u32..0x1_0000).prop_map(|(page, low)| (0xc000 + page * 7) << 16 | low);
        let few = (0_u32..400, 0_u32..3).prop_map(|(page, low)| (0x9000 + page * 3) << 16 | low << 9);
        let key = prop_oneof![8 => near, 2 => few, 1 => 0x0080_0000_u32..0xff80_0000];
        let weight = prop_oneof![3 => Just(None), 1 => (1_u128 << 70..1_u128 << 80).prop_map(Some)];
        proptest::collection::vec((key, weight), 0..2000)
    }

    pub(crate) fn count(resolution: Resolution, pixels: &[(u32, Option<u128>)]) -> KeyHistogram<u32> {
        let mut histogram = KeyHistogram::new(resolution);
        let negatives: Vec<u32> = pixels.iter().filter(|p| p.1.is_none()).map(|p| p.0).collect();
        let (positives, weights): (Vec<u32>, Vec<u128>) =
            pixels.iter().filter_map(|p| p.1.map(|weight| (p.0, weight))).unzip();
        let positives: Vec<(u32, u32)> = positives.into_iter().zip(0..).collect();
        absorb(&mut histogram, &negatives, &positives, &weights);
        histogram.settle();
        histogram
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn grouping_and_order_do_not_matter(pixels in pixels(), cuts in proptest::collection::vec(0.0..1.0, 0..6)) {
            let whole = count(SMALL, &pixels);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut: &f64| (cut * pixels.len() as f64) as usize).collect();
            cuts.extend([0, pixels.len()]);
            cuts.sort_unstable();
            let parts: Vec<_> = cuts.windows(2).map(|cut| count(SMALL, &pixels[cut[0]..cut[1]])).collect();
            let mut left = KeyHistogram::new(SMALL);
            for part in &parts {
                left.merge(part).unwrap();
            }
            let mut right = KeyHistogram::new(SMALL);
            for part in parts.iter().rev() {
                let mut next = part.clone();
                next.merge(&right).unwrap();
                right = next;
            }
            prop_assert!(left == whole && right == whole);
            prop_assert_eq!(left.to_bytes(), whole.to_bytes());
            // The resolution is that of the last state, but pixels may also come one batch after the other.
            let mut grown = KeyHistogram::new(SMALL);
            for batch in pixels.chunks(97) {
                grown.merge(&count(SMALL, batch)).unwrap();
            }
            prop_assert_eq!(grown.to_bytes(), whole.to_bytes());
        }

        #[test]
        fn bins_hold_what_was_counted(pixels in pixels()) {
            for resolution in [SMALL, Resolution::default()] {
                let histogram = count(resolution, &pixels);
                let bins = histogram.bins();
                prop_assert!(bins.is_sorted_by(|a, b| a.low > b.high));
                prop_assert_eq!(histogram.is_exact(), bins.iter().all(ScoreBin::is_tie));
                prop_assert!(resolution == SMALL || histogram.is_exact());
                let mut seen = (0, 0);
                for bin in &bins {
                    let inside = |key: u32| {
                        let score = f64::from(f32::from_key(key));
                        bin.low <= score && score <= bin.high
                    };
                    let keys: Vec<_> = pixels.iter().filter(|pixel| inside(pixel.0)).collect();
                    let positives: Vec<u128> = keys.iter().filter_map(|pixel| pixel.1).collect();
                    prop_assert_eq!(bin.positives, positives.len() as u64);
                    prop_assert_eq!(bin.negatives, (keys.len() - positives.len()) as u64);
                    prop_assert_eq!(bin.weight, positives.iter().sum::<u128>());
                    prop_assert!(!bin.is_tie() || keys.iter().all(|pixel| pixel.0 == keys[0].0));
                    seen = (seen.0 + bin.positives, seen.1 + bin.negatives);
                }
                prop_assert_eq!(histogram.pixels(), seen);
                prop_assert_eq!(seen.0 + seen.1, pixels.len() as u64);
            }
        }
    }

    /// Goes past bins together every other time that it may.
    #[derive(Default)]
    struct EveryOther {
        asked: usize,
        seen: Vec<ScoreBin>,
    }

    impl BinWalk for EveryOther {
        fn pass(&mut self, bin: &ScoreBin) -> ControlFlow<()> {
            self.seen.push(*bin);
            ControlFlow::Continue(())
        }

        fn pass_together(&mut self, bins: &ScoreBin) -> bool {
            self.asked += 1;
            let goes = self.asked.is_multiple_of(2);
            self.seen.extend(goes.then_some(*bins));
            goes
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn bins_that_come_together_are_the_sum_of_their_bins(
            pixels in proptest::collection::vec((0_u32..130, 0_u32..0x1_0000, 0_u32..100), 2000..4000),
        ) {
            // All pages are crowded, and divided into bins of several keys; few pixels are anomalous.
            let pixels: Pixels = pixels
                .into_iter()
                .map(|(page, low, class)| ((0xc000 + page) << 16 | low, (class == 0).then_some(1 << 70)))
                .collect();
            let histogram = count(SMALL, &pixels);
            let mut walk = EveryOther::default();
            histogram.walk_down(&mut walk);
            let mut bins = histogram.bins().into_iter().peekable();
            prop_assert!(walk.asked > 2 && walk.seen.is_sorted_by(|a, b| a.low > b.high));
            for seen in walk.seen {
                let mut inside = Vec::new();
                while let Some(bin) = bins.next_if(|bin| seen.low <= bin.low && bin.high <= seen.high) {
                    inside.push(bin);
                }
                prop_assert_eq!(seen.negatives, inside.iter().map(|bin| bin.negatives).sum::<u64>());
                prop_assert_eq!(seen.positives, inside.iter().map(|bin| bin.positives).sum::<u64>());
                prop_assert!(inside.len() == 1 || seen.positives == 0);
            }
            prop_assert_eq!(bins.next(), None);
        }
    }

    /// The pages with their bits, as the module's description has them.
    fn ruled<K: OrderedKey>(resolution: Resolution, pixels: &[(K, bool)]) -> Vec<(usize, Option<u32>)> {
        let mut pages: BTreeMap<usize, [BTreeSet<K>; 2]> = BTreeMap::new();
        for &(key, anomalous) in pixels {
            pages.entry(key.prefix()).or_default()[usize::from(anomalous)].insert(key);
        }
        let count = pages.len();
        let keys: usize = pages.values().flatten().map(BTreeSet::len).sum();
        let positives = pixels.iter().filter(|pixel| pixel.1).count() as u64;
        let beside = resolution.positives_beside(positives);
        let is_crowded = |&(rank, page): &(usize, usize)| {
            let [normal, anomalous] = pages[&page].each_ref().map(BTreeSet::len);
            normal + anomalous.saturating_sub(beside) > resolution.longest_list(rank, count)
        };
        let over = keys > resolution.keys as usize;
        let crowded: Vec<(usize, usize)> =
            pages.keys().rev().copied().enumerate().filter(|page| over && is_crowded(page)).collect();
        let bits = resolution.bits::<K>(crowded.len(), positives);
        let bits: BTreeMap<usize, u32> = crowded
            .into_iter()
            .zip(bits)
            .map(|((rank, page), bits)| (page, bits.min(resolution.finest(rank, count))))
            .collect();
        pages.into_keys().map(|page| (page, bits.get(&page).copied())).collect()
    }

    fn counted<K: OrderedKey>(resolution: Resolution, pixels: &[(K, bool)], at_once: usize) -> KeyHistogram<K> {
        let mut histogram = KeyHistogram::new(resolution);
        for (number, pixels) in pixels.chunks(at_once).enumerate() {
            let of = |wanted: bool| pixels.iter().filter(move |pixel| pixel.1 == wanted).map(|pixel| pixel.0);
            let positives: Vec<(K, u32)> = of(true).map(|key| (key, 0)).collect();
            absorb(&mut histogram, &of(false).collect::<Vec<_>>(), &positives, &[1 << 70]);
            assert!(number % 2 == 0 || histogram.adjust());
        }
        assert!(histogram.settle());
        histogram
    }

    /// Counts in several ways, and compares with the rule.
    fn check_rule<K: OrderedKey>((keys, few_anomalous): (u32, u32), pixels: &[(K, bool)], at_once: usize) {
        let resolution = Resolution { bins: 1 << 19, keys, few_anomalous };
        let whole = counted(resolution, pixels, pixels.len());
        let bits: Vec<_> = whole.pages.iter().map(|page| (page.prefix, page.bits())).collect();
        assert_eq!(bits, ruled(resolution, pixels));
        assert!(counted(resolution, pixels, at_once) == whole);
        let mut merged = KeyHistogram::new(resolution);
        for part in pixels.chunks(at_once * 3) {
            merged.merge(&counted(resolution, part, at_once)).unwrap();
            assert_eq!(merged.positives, merged.pixels().0);
            merged = KeyHistogram::from_bytes(&merged.to_bytes(), resolution).unwrap();
        }
        assert!(merged == whole && merged.to_bytes() == whole.to_bytes());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn pages_have_the_bits_of_the_rule(
            (pages, lows) in (1_u64..200, prop_oneof![1_u64..40, 40_u64..4000, Just(1 << 16)]),
            pixels in proptest::collection::vec((any::<u64>(), any::<u64>(), 0.0..1.0), 1..3000),
            // So few keys that anomalous pixels may be few or many, and in each page more or less than a 16th of few.
            lists in prop_oneof![(0_u32..40, 0_u32..40), (40_u32..3000, 40_u32..3000)], anomalous in 0.0..1.2,
            at_once in 1_usize..900,
        ) {
            // Some pages have more anomalous pixels than others.
            let is_anomalous = |page: u64, chance: f64| chance < if page.is_multiple_of(3) { anomalous } else { anomalous / 4.0 };
            let pixels = pixels.into_iter().map(|(page, low, chance)| {
                let page = page % pages;
                (page, low % lows, is_anomalous(page, chance))
            });
            let single: Vec<(u32, bool)> =
                pixels.clone().map(|(page, low, class)| (u32::join(0xc000 - page as usize * 3, (low * 16) & 0xffff), class)).collect();
            check_rule(lists, &single, at_once);
            // Keys that differ in high bits alone.
            let double: Vec<(u64, bool)> =
                pixels.map(|(page, low, class)| (u64::join(0x6_0000 - page as usize * 3, (low << 20) | (low & 3)), class)).collect();
            check_rule(lists, &double, at_once);
        }
    }

    #[test]
    fn no_more_bins_are_held_than_there_may_be() {
        let mut histogram = KeyHistogram::<u32>::new(SMALL);
        let held = |histogram: &KeyHistogram<u32>| histogram.pages.iter().map(Page::bins_held).sum::<usize>();
        let most = [0, u64::MAX].map(|positives| SMALL.bins_for(positives) as usize);
        // Pages of so many keys that they are divided at once, a few more each time.
        for pages in [8, 16, 32, 64] {
            let keys: Vec<u32> =
                (pages / 2..pages).flat_map(|page| (0..40_000).map(move |low| u32::join(0xc000 - page, low))).collect();
            absorb(&mut histogram, &keys, &[], &[]);
            assert!(histogram.adjust());
            assert!(held(&histogram) <= most[0], "{}", held(&histogram));
        }
        assert!(held(&histogram) > most[1]);
        // The anomalous pixels are all in one page.
        let positives: Vec<(u32, u32)> =
            (0..=SMALL.few_anomalous).map(|low| (u32::join(0xc000, low.into()), 0)).collect();
        for (positives, most) in [(&positives[1..], most[0]), (&positives[..1], most[1])] {
            absorb(&mut histogram, &[], positives, &[1]);
            assert!(histogram.adjust());
            assert!((most / 2..=most).contains(&held(&histogram)), "{} {most}", held(&histogram));
        }
    }

    #[test]
    fn too_many_keys_need_not_crowd_a_page() {
        let resolution = Resolution { bins: 1 << 19, keys: 289, few_anomalous: 289 };
        assert_eq!([289, 290].map(|positives| resolution.positives_beside(positives)), [18, 0]);
        // 289 different keys of anomalous pixels, 16 a page, and one of a normal pixel.
        let pixel = |i: u32, anomalous: bool| (((0xc000 + i / 16) << 16) | (i % 16), anomalous);
        let mut pixels: Vec<(u32, bool)> = (0..289).map(|i| pixel(i, true)).collect();
        assert!(!counted(resolution, &pixels, 50).over);
        pixels.push(pixel(289, false));
        let histogram = counted(resolution, &pixels, 50);
        assert!(histogram.over && histogram.pages_with_bits().next().is_none());
        assert!(KeyHistogram::from_bytes(&histogram.to_bytes(), resolution).as_ref() == Ok(&histogram));
        // One more, and anomalous pixels are many.
        pixels.push(pixel(0, true));
        assert!(counted(resolution, &pixels, 50).pages_with_bits().next().is_some());
    }

    #[test]
    fn what_waits_is_not_long() {
        // One key again and again, where all keys are too many.
        let others: Vec<(u32, bool)> = (0..301).map(|page| (page << 16, false)).collect();
        let mut histogram = counted(SMALL, &others, others.len());
        let longest = SMALL.longest_list(0, 302);
        for _ in 0..100 {
            absorb(&mut histogram, &[0x6000_0000; 3], &[], &[]);
            assert!(histogram.adjust());
            assert!(histogram.over && histogram.pages.iter().all(|page| page.waiting() <= 4 * longest));
        }
    }

    use crate::Keyed;

    #[test]
    fn different_resolutions_do_not_merge() {
        let other = KeyHistogram::<u32>::new(Resolution { keys: 301, ..SMALL });
        assert!(KeyHistogram::new(SMALL).merge(&other).is_err());
    }

    #[test]
    fn a_bin_just_below_zero_ends_below_zero() {
        // Many crowded pages make bins wide, also that of the smallest negative numbers.
        let crowded = (0x7f00_u32..0x8000).flat_map(|page| (0..60).map(move |low| ((page << 16) + low * 1000, None)));
        let smallest = (0xffe0_u32..0xffff).map(|low| ((0x7fff << 16) + low, None));
        let pixels: Pixels = crowded.chain(smallest).chain([(0.0_f32.key(), None), (1.0_f32.key(), None)]).collect();
        let bins = count(SMALL, &pixels).bins();
        assert!(bins.is_sorted_by(|a, b| a.low > b.high), "{:?}", &bins[..4]);
        let below = bins.iter().find(|bin| bin.high < 0.0).unwrap();
        assert!(!below.is_tie() && below.high == f64::from(-f32::from_bits(1)), "{below:?}");
    }

    #[test]
    fn counts_beyond_32_bits() {
        let mut histogram = KeyHistogram::<u32>::new(SMALL);
        histogram.page(0).absorb_negatives(std::iter::once(Tally { low: 7, count: 1 << 40 }));
        histogram.settle();
        let twice = histogram.clone();
        histogram.merge(&twice).unwrap();
        assert_eq!(histogram.pixels(), (0, 1 << 41));
    }
}
