//! One page of a key histogram: a list of its keys, or bins of equal width.

use crate::OrderedKey;
use crate::key_bin::{OneKey, ScoreBin, Tally, Weighted};
use crate::key_bins::{BinCounts, Bins};

/// The keys of one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<K: OrderedKey> {
    pub(crate) prefix: usize,
    /// Into how many bins the page is to be divided, as a power of two; `None` if it is a list. It may still be finer
    /// than that until it is settled.
    division: Option<u32>,
    pub(crate) pixels: Pixels<K::Low>,
}

/// How the pixels of a page are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pixels<L> {
    /// Key by key, in ascending order; normal pixels that came last wait, in any order, to be put among the others.
    Listed { negatives: Vec<Tally<L>>, waiting: Vec<L>, positives: Vec<Weighted<L>> },
    /// By bins.
    Divided(Bins),
}

impl<K: OrderedKey> Page<K> {
    pub(crate) const fn new(prefix: usize) -> Self {
        Self {
            prefix,
            division: None,
            pixels: Pixels::Listed { negatives: Vec::new(), waiting: Vec::new(), positives: Vec::new() },
        }
    }

    /// Into how many bins the page is to be divided, as a power of two; `None` for a list.
    pub(crate) const fn bits(&self) -> Option<u32> {
        self.division
    }

    /// Says that the page is to be divided into 2^bits bins, or fewer if that was said before.
    pub(crate) fn divide(&mut self, bits: u32) {
        self.division = Some(self.division.map_or(bits, |before| before.min(bits)));
        // As long as the list takes less memory than the bins they can wait, and may be fewer then.
        if self.listed_at_most() > 1 << bits {
            self.settle();
        }
    }

    /// Most keys that the lists can have, of both classes.
    pub(crate) const fn listed_at_most(&self) -> usize {
        match &self.pixels {
            Pixels::Listed { negatives, waiting, positives } => negatives.len() + waiting.len() + positives.len(),
            Pixels::Divided(_) => 0,
        }
    }

    /// Whether the lists have more keys than this, of both classes.
    pub(crate) fn lists_more_than(&mut self, keys: usize) -> bool {
        self.listed_at_most() > keys && (self.listed_at_least() > keys || self.listed() > keys)
    }

    /// Fewest keys that the lists can have: found without putting anything in order.
    pub(crate) fn listed_at_least(&self) -> usize {
        let Pixels::Listed { negatives, waiting, positives } = &self.pixels else { return 0 };
        let mut seen = vec![0_u64; 1 << (16 - u64::BITS.ilog2())];
        let lows = negatives.iter().map(|key| key.low).chain(waiting.iter().copied());
        for low in lows {
            let place = low.into() as usize & 0xffff;
            seen[place / 64] |= 1 << (place % 64);
        }
        seen.iter().map(|word| word.count_ones() as usize).sum::<usize>() + positives.len()
    }

    /// Keys of both classes in the lists.
    pub(crate) fn listed(&mut self) -> usize {
        self.settle();
        self.listed_at_most()
    }

    /// Divides the page as far as has been said, or puts what waits in its list in order.
    pub(crate) fn settle(&mut self) {
        match (&mut self.pixels, self.division) {
            (Pixels::Listed { negatives, waiting, .. }, None) => list(negatives, std::mem::take(waiting)),
            (Pixels::Divided(bins), Some(bits)) => bins.coarsen(bits),
            (Pixels::Listed { negatives, waiting, positives }, Some(bits)) => {
                let mut bins = Bins::new(bits);
                bins.add_negatives(K::LOW_BITS, negatives.iter().copied());
                waiting.iter().for_each(|&low| bins.add_negative(K::LOW_BITS, low.into()));
                bins.add_positives(K::LOW_BITS, positives.iter().copied());
                self.pixels = Pixels::Divided(bins);
            }
            (Pixels::Divided(_), None) => unreachable!("a page is divided when it has been said"),
        }
    }

    /// Adds a normal pixel, which may wait until the page [is settled](Self::settle).
    #[inline]
    pub(crate) fn push_negative(&mut self, low: K::Low) {
        match &mut self.pixels {
            Pixels::Listed { waiting, .. } => waiting.push(low),
            Pixels::Divided(bins) => bins.add_negative(K::LOW_BITS, low.into()),
        }
    }

    /// Adds normal pixels in ascending order of keys, each key once.
    pub(crate) fn absorb_negatives(&mut self, more: impl Iterator<Item = Tally<K::Low>>) {
        match &mut self.pixels {
            Pixels::Listed { negatives, .. } => *negatives = merged(negatives, more),
            Pixels::Divided(bins) => bins.add_negatives(K::LOW_BITS, more),
        }
    }

    /// Adds anomalous pixels likewise.
    pub(crate) fn absorb_positives(&mut self, more: impl Iterator<Item = Weighted<K::Low>>) {
        match &mut self.pixels {
            Pixels::Listed { positives, .. } => *positives = merged(positives, more),
            Pixels::Divided(bins) => bins.add_positives(K::LOW_BITS, more),
        }
    }

    /// Adds another page of the same prefix, both settled. This page must not be finer than it unless both are lists.
    pub(crate) fn merge(&mut self, other: &Self) {
        match (&mut self.pixels, &other.pixels) {
            (_, Pixels::Listed { negatives, positives, .. }) => {
                self.absorb_negatives(negatives.iter().copied());
                self.absorb_positives(positives.iter().copied());
            }
            (Pixels::Divided(ours), Pixels::Divided(theirs)) => ours.merge(theirs),
            (Pixels::Listed { .. }, Pixels::Divided(_)) => unreachable!("a list is finer than any bins"),
        }
    }

    /// The bins of a page that is to be divided.
    ///
    /// # Panics
    /// If it is a list.
    pub(crate) fn divided(&mut self) -> &mut Bins {
        self.settle();
        match &mut self.pixels {
            Pixels::Divided(bins) => bins,
            Pixels::Listed { .. } => unreachable!("a page that was divided never becomes a list again"),
        }
    }

    /// Anomalous and normal pixels of the page.
    pub(crate) fn pixels(&self) -> (u64, u64) {
        match &self.pixels {
            Pixels::Divided(bins) => bins.pixels(),
            Pixels::Listed { negatives, waiting, positives } => {
                let settled: u64 = negatives.iter().map(|key| key.count).sum();
                (positives.iter().map(|key| key.count).sum(), settled + waiting.len() as u64)
            }
        }
    }

    /// Appends the occupied bins in descending order. The page has been settled.
    pub(crate) fn push_bins(&self, bins: &mut Vec<ScoreBin>) {
        match &self.pixels {
            Pixels::Listed { negatives, positives, .. } => {
                let (mut negatives, mut positives) = (negatives.as_slice(), positives.as_slice());
                while let Some(low) = negatives.last().map(|key| key.low).max(positives.last().map(|key| key.low)) {
                    let negative = take_last(&mut negatives, low).map_or(0, |key| key.count);
                    let positive = take_last(&mut positives, low).unwrap_or_default();
                    let counts = BinCounts { negatives: negative, positives: positive.count, weight: positive.weight };
                    bins.push(self.bin(low.into(), 0, counts));
                }
            }
            Pixels::Divided(divided) => {
                let width = K::LOW_BITS - divided.bits();
                bins.extend(divided.occupied().rev().map(|(at, counts)| self.bin((at as u64) << width, width, counts)));
            }
        }
    }

    /// A bin from this key on of 2^width keys.
    fn bin(&self, low: u64, width: u32, counts: BinCounts) -> ScoreBin {
        let score = |low| K::join(self.prefix, low).score();
        let high = low | ((1 << width) - 1);
        // The key below that of zero belongs to no score; a bin may end there, but no score of it does.
        let high = if low < high && K::of(score(high)) != K::join(self.prefix, high) { high - 1 } else { high };
        let BinCounts { negatives, positives, weight } = counts;
        ScoreBin { positives, negatives, weight, low: score(low), high: score(high) }
    }
}

/// Puts keys in any order into a list.
fn list<L: Copy + Ord>(keys: &mut Vec<Tally<L>>, mut more: Vec<L>) {
    if !more.is_empty() {
        more.sort_unstable();
        let tied = more.chunk_by(|a, b| a == b);
        *keys = merged(keys, tied.map(|tied| Tally { low: tied[0], count: tied.len() as u64 }));
    }
}

/// Takes the last key off a list if it is this one.
fn take_last<L: Copy + Eq, P: OneKey<L>>(keys: &mut &[P], low: L) -> Option<P> {
    let (last, rest) = keys.split_last()?;
    (last.low() == low).then(|| {
        *keys = rest;
        *last
    })
}

/// Two lists of keys as one; both in ascending order, each key at most once in either.
fn merged<L: Copy + Ord, P: OneKey<L>>(keys: &[P], more: impl Iterator<Item = P>) -> Vec<P> {
    let mut merged: Vec<P> = Vec::with_capacity(keys.len() + more.size_hint().1.unwrap_or(0));
    let mut at = 0;
    for mut pixels in more {
        while at < keys.len() && keys[at].low() < pixels.low() {
            merged.push(keys[at]);
            at += 1;
        }
        if at < keys.len() && keys[at].low() == pixels.low() {
            pixels.add(&keys[at]);
            at += 1;
        }
        merged.push(pixels);
    }
    merged.extend_from_slice(&keys[at..]);
    // Where keys come again and again most of the room was not needed.
    merged.shrink_to(merged.len() / 2 * 3);
    merged
}
