//! One page of a key histogram: a list of its keys, or bins of equal width.

use std::ops::{ControlFlow, Range};

use crate::key_bins::Bins;
use crate::key_tally::{OneKey, Tally, Weighted};
use crate::{BinWalk, OrderedKey, ScoreBin};

/// Low bits of keys by which it is noted that they have been seen.
const SEEN_BITS: u32 = 16;
/// Most bins that a walk is offered together.
const TOGETHER: usize = 64;

/// The keys of one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<K: OrderedKey> {
    pub(crate) prefix: usize,
    /// Into how many bins the page is to be divided, as a power of two; `None` if it is a list. It may still be finer
    /// than that until it is settled.
    division: Option<u32>,
    negatives: Negatives<K::Low>,
    /// By keys, or by the lowest keys of bins, in ascending order.
    positives: Vec<Weighted<K::Low>>,
}

/// How the normal pixels of a page are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Negatives<L> {
    /// Key by key, in ascending order; those that came last wait, in any order, to be put among the others.
    Listed {
        keys: Vec<Tally<L>>,
        waiting: Vec<L>,
    },
    Divided(Bins),
}

impl<K: OrderedKey> Page<K> {
    pub(crate) const fn new(prefix: usize) -> Self {
        let negatives = Negatives::Listed { keys: Vec::new(), waiting: Vec::new() };
        Self { prefix, division: None, negatives, positives: Vec::new() }
    }

    /// Whether keys of the page that differ also differ in the bits by which they are noted as seen.
    const SEEN_APART: bool = K::LOW_BITS <= SEEN_BITS;

    /// Into how many bins the page is to be divided, as a power of two; `None` for a list.
    pub(crate) const fn bits(&self) -> Option<u32> {
        self.division
    }

    /// Says that the page is to be divided into 2^bits bins, or fewer if that was said before.
    pub(crate) fn divide(&mut self, bits: u32) {
        self.division = Some(self.division.map_or(bits, |before| before.min(bits)));
        // As long as there are fewer keys than bins these can wait, and may be fewer then.
        if self.listed_at_most() > 1 << bits {
            self.settle();
        }
    }

    /// Whether the normal pixels are in bins by now.
    pub(crate) const fn has_bins(&self) -> bool {
        matches!(self.negatives, Negatives::Divided(_))
    }

    /// Bins of normal pixels that take memory.
    pub(crate) const fn bins_held(&self) -> usize {
        match &self.negatives {
            Negatives::Divided(bins) => bins.counts().len(),
            Negatives::Listed { .. } => 0,
        }
    }

    /// Most keys that the lists can have, of both classes.
    const fn listed_at_most(&self) -> usize {
        match &self.negatives {
            Negatives::Listed { keys, waiting } => keys.len() + waiting.len() + self.positives.len(),
            Negatives::Divided(_) => 0,
        }
    }

    /// Normal pixels that wait to be put among the others.
    #[cfg(test)]
    pub(crate) const fn waiting(&self) -> usize {
        match &self.negatives {
            Negatives::Listed { waiting, .. } => waiting.len(),
            Negatives::Divided(_) => 0,
        }
    }

    /// Whether the lists have more than `most` keys of both classes, when up to `beside` keys of anomalous pixels do not
    /// count.
    pub(crate) fn lists_more_than(&mut self, most: usize, beside: usize) -> bool {
        let beside = beside.min(self.positives.len());
        list_more_than(most + beside, 4 * most + beside, std::slice::from_mut(self))
    }

    /// Fewest keys that the lists can have, and all of them if [`Self::SEEN_APART`]: found without putting anything in
    /// order. More than `most` are not counted.
    fn listed_at_least(&self, most: usize) -> usize {
        let Negatives::Listed { keys, waiting } = &self.negatives else { return 0 };
        let mut seen = vec![0_u64; 1 << (SEEN_BITS - u64::BITS.ilog2())];
        let mut count = self.positives.len();
        for low in keys.iter().map(|key| key.low).chain(waiting.iter().copied()) {
            let place = low.into() as usize & ((1 << SEEN_BITS) - 1);
            let (word, bit) = (&mut seen[place / 64], 1 << (place % 64));
            count += usize::from(*word & bit == 0);
            *word |= bit;
            if count > most {
                break;
            }
        }
        count
    }

    /// Divides the page as far as has been said, or puts what waits in its list in order.
    pub(crate) fn settle(&mut self) {
        let changed = match (&mut self.negatives, self.division) {
            (Negatives::Listed { keys, waiting }, None) => {
                list(keys, std::mem::take(waiting));
                false
            }
            (Negatives::Divided(bins), Some(bits)) => bins.coarsen(bits),
            (Negatives::Listed { keys, waiting }, Some(bits)) => {
                let mut bins = Bins::new(bits);
                bins.extend(K::LOW_BITS, keys.iter().copied());
                for &low in &*waiting {
                    bins.add(K::LOW_BITS, low.into());
                }
                self.negatives = Negatives::Divided(bins);
                true
            }
            (Negatives::Divided(_), None) => unreachable!("a page is divided when it has been said"),
        };
        // Those that came since the last change came as keys of bins.
        if changed {
            self.settle_positives();
        }
    }

    fn settle_positives(&mut self) {
        let width = self.width();
        self.positives.iter_mut().for_each(|pixels| pixels.low = lowest::<K>(pixels.low, width));
        self.positives.dedup_by(|next, kept| {
            next.low == kept.low && {
                kept.add(next);
                true
            }
        });
    }

    /// Adds normal pixels, which may wait until the page [is settled](Self::settle).
    pub(crate) fn push_negatives(&mut self, lows: &[K::Low]) {
        match &mut self.negatives {
            Negatives::Listed { waiting, .. } => waiting.extend_from_slice(lows),
            Negatives::Divided(bins) => lows.iter().for_each(|&low| bins.add(K::LOW_BITS, low.into())),
        }
    }

    /// Adds normal pixels in ascending order of keys; a key may come several times.
    pub(crate) fn absorb_negatives(&mut self, more: impl Iterator<Item = Tally<K::Low>>) {
        match &mut self.negatives {
            Negatives::Listed { keys, .. } => *keys = merged(keys, more),
            Negatives::Divided(bins) => bins.extend(K::LOW_BITS, more),
        }
    }

    /// Adds anomalous pixels likewise.
    pub(crate) fn absorb_positives(&mut self, more: impl Iterator<Item = Weighted<K::Low>>) {
        let width = self.width();
        self.positives =
            merged(&self.positives, more.map(|pixels| Weighted { low: lowest::<K>(pixels.low, width), ..pixels }));
    }

    /// Adds another page of the same prefix, both settled. This page must not be finer than it unless both are lists.
    pub(crate) fn merge(&mut self, other: &Self) {
        match (&mut self.negatives, &other.negatives) {
            (_, Negatives::Listed { keys, .. }) => self.absorb_negatives(keys.iter().copied()),
            (Negatives::Divided(ours), Negatives::Divided(theirs)) => ours.merge(theirs),
            (Negatives::Listed { .. }, Negatives::Divided(_)) => unreachable!("a list is finer than any bins"),
        }
        self.absorb_positives(other.positives.iter().copied());
    }

    /// The bins of the normal pixels of a page that is to be divided; it is settled first.
    ///
    /// # Panics
    /// If it is a list.
    pub(crate) fn bins_mut(&mut self) -> &mut Bins {
        self.settle();
        match &mut self.negatives {
            Negatives::Divided(bins) => bins,
            Negatives::Listed { .. } => unreachable!("a page that was divided never becomes a list again"),
        }
    }

    /// Normal pixels by keys, or by the lowest keys of bins, in ascending order. The page has been settled.
    pub(crate) fn negatives(&self) -> Vec<Tally<K::Low>> {
        match &self.negatives {
            Negatives::Listed { keys, .. } => keys.clone(),
            Negatives::Divided(bins) => {
                let occupied = bins.counts().iter().enumerate().filter(|(_, count)| **count > 0);
                let low = |at: usize| K::pack_low((at as u64) << self.width());
                occupied.map(|(at, &count)| Tally { low: low(at), count }).collect()
            }
        }
    }

    /// Anomalous pixels likewise.
    pub(crate) fn positives(&self) -> &[Weighted<K::Low>] {
        &self.positives
    }

    /// Anomalous and normal pixels of the page.
    pub(crate) fn pixels(&self) -> (u64, u64) {
        let negatives = match &self.negatives {
            Negatives::Divided(bins) => bins.counts().iter().sum(),
            Negatives::Listed { keys, waiting } => keys.iter().map(|key| key.count).sum::<u64>() + waiting.len() as u64,
        };
        (self.positives.iter().map(|pixels| pixels.count).sum(), negatives)
    }

    /// How many bins [`Self::walk_down`] shows at most.
    pub(crate) fn most_bins(&self) -> usize {
        let negatives = match &self.negatives {
            Negatives::Listed { keys, .. } => keys.len(),
            Negatives::Divided(bins) => bins.counts().iter().filter(|count| **count > 0).count(),
        };
        negatives + self.positives.len()
    }

    /// Goes down the occupied bins until there is enough. The page has been settled.
    #[inline]
    pub(crate) fn walk_down(&self, walk: &mut impl BinWalk) -> ControlFlow<()> {
        match &self.negatives {
            Negatives::Listed { keys, .. } => self.walk_down_list(keys, walk),
            Negatives::Divided(bins) => self.walk_down_bins(bins.counts(), walk),
        }
    }

    #[inline]
    fn walk_down_list(&self, keys: &[Tally<K::Low>], walk: &mut impl BinWalk) -> ControlFlow<()> {
        let width = self.width();
        let mut positives = self.positives.as_slice();
        for key in keys.iter().rev() {
            while let Some(higher) = take_last_if(&mut positives, |pixels| pixels.low > key.low) {
                walk.pass(&self.bin(higher.low.into(), width, 0, &higher))?;
            }
            let beside = take_last_if(&mut positives, |pixels| pixels.low == key.low).unwrap_or_default();
            walk.pass(&self.bin(key.low.into(), width, key.count, &beside))?;
        }
        positives.iter().rev().try_for_each(|pixels| walk.pass(&self.bin(pixels.low.into(), width, 0, pixels)))
    }

    #[inline]
    fn walk_down_bins(&self, counts: &[u64], walk: &mut impl BinWalk) -> ControlFlow<()> {
        let width = self.width();
        let mut end = counts.len();
        for pixels in self.positives.iter().rev() {
            let at = (pixels.low.into() >> width) as usize;
            self.walk_down_normal(counts, at + 1..end, walk)?;
            walk.pass(&self.bin(pixels.low.into(), width, counts.get(at).copied().unwrap_or(0), pixels))?;
            end = at;
        }
        self.walk_down_normal(counts, 0..end, walk)
    }

    /// The same of bins of which none has anomalous pixels.
    #[inline]
    fn walk_down_normal(&self, counts: &[u64], bins: Range<usize>, walk: &mut impl BinWalk) -> ControlFlow<()> {
        let (width, none) = (self.width(), Weighted::default());
        let mut end = bins.end.min(counts.len());
        while end > bins.start {
            let start = bins.start.max(end.saturating_sub(TOGETHER));
            let sum: u64 = counts[start..end].iter().sum();
            if sum > 0 {
                let (low, high) = ((start as u64) << width, ((end as u64) << width) - 1);
                let (low, high) = scores_of_keys::<K>(self.prefix, low, high);
                if !walk.pass_together(&ScoreBin { positives: 0, negatives: sum, weight: 0, low, high }) {
                    for at in (start..end).rev().filter(|&at| counts[at] > 0) {
                        walk.pass(&self.bin((at as u64) << width, width, counts[at], &none))?;
                    }
                }
            }
            end = start;
        }
        ControlFlow::Continue(())
    }

    /// The bin of 2^width keys from this one on.
    #[inline]
    fn bin(&self, low: u64, width: u32, negatives: u64, positives: &Weighted<K::Low>) -> ScoreBin {
        let (low, high) = scores_of_keys::<K>(self.prefix, low, low | ((1 << width) - 1));
        ScoreBin { positives: positives.count, negatives, weight: positives.weight, low, high }
    }

    /// Key bits of one bin.
    #[inline]
    fn width(&self) -> u32 {
        self.division.map_or(0, |bits| K::LOW_BITS - bits)
    }
}

/// Whether the lists of some pages have more keys than `most`, of both classes. Where that can be told without putting
/// them in order, up to `may_wait` keys, the same ones again included, remain as they are.
pub(crate) fn list_more_than<K: OrderedKey>(most: usize, may_wait: usize, pages: &mut [Page<K>]) -> bool {
    let at_most: usize = pages.iter().map(Page::listed_at_most).sum();
    if at_most <= most {
        return false;
    }
    if pages.iter().map(|page| page.listed_at_least(most)).sum::<usize>() > most {
        return true;
    }
    if Page::<K>::SEEN_APART && at_most <= may_wait {
        return false;
    }
    pages.iter_mut().for_each(Page::settle);
    pages.iter().map(Page::listed_at_most).sum::<usize>() > most
}

/// The lowest and the highest score of some keys of a page, from one to another.
#[inline]
pub(crate) fn scores_of_keys<K: OrderedKey>(prefix: usize, low: u64, mut high: u64) -> (f64, f64) {
    let score = |low| K::join(prefix, low).score();
    // The key below that of zero belongs to no score; the last bin of a page may end there, but no score of it does.
    let is_last = high >> K::LOW_BITS != (high + 1) >> K::LOW_BITS;
    if is_last && low < high && K::of(score(high)) != K::join(prefix, high) {
        high -= 1;
    }
    (score(low), score(high))
}

/// The lowest key of the bin that `low` is in, where bins are 2^width keys wide.
#[inline]
fn lowest<K: OrderedKey>(low: K::Low, width: u32) -> K::Low {
    K::pack_low(low.into() >> width << width)
}

/// Puts keys in any order into a list.
fn list<L: Copy + Ord>(keys: &mut Vec<Tally<L>>, mut more: Vec<L>) {
    if !more.is_empty() {
        more.sort_unstable();
        *keys = merged(keys, more.into_iter().map(|low| Tally { low, count: 1 }));
    }
}

/// Takes the last key off a list if it is wanted.
#[inline]
fn take_last_if<P: Copy>(keys: &mut &[P], wanted: impl Fn(&P) -> bool) -> Option<P> {
    let (last, rest) = keys.split_last()?;
    wanted(last).then(|| {
        *keys = rest;
        *last
    })
}

/// Two lists of keys as one; both in ascending order, and keys of the second may come several times.
fn merged<L: Copy + Ord, P: OneKey<L>>(keys: &[P], more: impl Iterator<Item = P>) -> Vec<P> {
    let mut merged: Vec<P> = Vec::with_capacity(keys.len() + more.size_hint().1.unwrap_or(0));
    let mut at = 0;
    for pixels in more {
        while at < keys.len() && keys[at].low() <= pixels.low() {
            merged.push(keys[at]);
            at += 1;
        }
        match merged.last_mut() {
            Some(last) if last.low() == pixels.low() => last.add(&pixels),
            _ => merged.push(pixels),
        }
    }
    merged.extend_from_slice(&keys[at..]);
    // Where keys come again and again most of the room was not needed; the budget allows for a quarter.
    if merged.capacity() > merged.len() / 4 * 5 {
        merged.shrink_to_fit();
    }
    merged
}
