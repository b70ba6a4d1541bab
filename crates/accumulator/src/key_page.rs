//! One page of a key histogram: a list of its keys, or bins of equal width.

use crate::OrderedKey;
use crate::key_bin::{Bin, ScoreBin, Tally, Weighted};

/// The keys of one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<K: OrderedKey> {
    pub(crate) prefix: usize,
    /// `None`: lists of single keys in ascending order. `Some(bits)`: 2^bits bins each, or none of a class that has no
    /// pixel here.
    pub(crate) bits: Option<u32>,
    pub(crate) negatives: Vec<Tally<K::Low>>,
    pub(crate) positives: Vec<Weighted<K::Low>>,
}

impl<K: OrderedKey> Page<K> {
    pub(crate) fn new(prefix: usize) -> Self {
        Self { prefix, bits: None, negatives: Vec::new(), positives: Vec::new() }
    }

    /// Adds counts in ascending order of keys; each lies within one bin of this page.
    pub(crate) fn absorb_negatives(&mut self, more: &[Tally<K::Low>]) {
        absorb::<K, _>(self.bits, &mut self.negatives, more);
    }

    /// As [`Self::absorb_negatives`].
    pub(crate) fn absorb_positives(&mut self, more: &[Weighted<K::Low>]) {
        absorb::<K, _>(self.bits, &mut self.positives, more);
    }

    /// Adds another page of the same prefix. This page must not be finer than it unless both are lists.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.absorb_negatives(&occupied(&other.negatives));
        self.absorb_positives(&occupied(&other.positives));
    }

    /// Cuts the page into 2^bits bins; it must not be coarser already.
    pub(crate) fn coarsen(&mut self, bits: u32) {
        if self.bits != Some(bits) {
            self.bits = Some(bits);
            self.negatives = rebin::<K, _>(bits, &self.negatives);
            self.positives = rebin::<K, _>(bits, &self.positives);
        }
    }

    /// The occupied bins in ascending order.
    pub(crate) fn bins(&self) -> Vec<ScoreBin> {
        let negatives = occupied(&self.negatives);
        let positives = occupied(&self.positives);
        let (mut negatives, mut positives) = (negatives.iter().peekable(), positives.iter().peekable());
        let mut bins = Vec::with_capacity(negatives.len().max(positives.len()));
        loop {
            let n = negatives.peek().map(|bin| self.bin_of(bin));
            let p = positives.peek().map(|bin| self.bin_of(&bin.tally));
            let Some(next) = n.into_iter().chain(p).min() else {
                return bins;
            };
            let negative = negatives.next_if(|_| n == Some(next)).copied().unwrap_or_default();
            let positive = positives.next_if(|_| p == Some(next)).copied().unwrap_or_default();
            let mut both = negative;
            both.absorb(&positive.tally);
            let (low, high) = both.range();
            let score = |low| K::join(self.prefix, low).score();
            bins.push(ScoreBin {
                positives: positive.tally.count,
                negatives: negative.count,
                weight: positive.weight,
                low: score(low),
                high: score(high),
            });
        }
    }

    fn bin_of(&self, tally: &Tally<K::Low>) -> u64 {
        tally.ones.into() >> (K::LOW_BITS - self.bits.unwrap_or(K::LOW_BITS))
    }
}

fn absorb<K: OrderedKey, B: Bin<K::Low>>(bits: Option<u32>, bins: &mut Vec<B>, more: &[B]) {
    match bits {
        _ if more.is_empty() => {}
        None => *bins = merge_lists(bins, more),
        Some(bits) => {
            if bins.is_empty() {
                *bins = vec![B::default(); 1 << bits];
            }
            for bin in more {
                bins[index::<K, B>(bits, bin)].absorb(bin);
            }
        }
    }
}

/// The bin of a page of 2^bits bins in which this one lies. All keys of a bin share the bits above its width, so the
/// union of their ones has them too.
fn index<K: OrderedKey, B: Bin<K::Low>>(bits: u32, bin: &B) -> usize {
    (bin.tally().ones.into() >> (K::LOW_BITS - bits)) as usize
}

fn rebin<K: OrderedKey, B: Bin<K::Low>>(bits: u32, bins: &[B]) -> Vec<B> {
    let mut coarse = Vec::new();
    absorb::<K, B>(Some(bits), &mut coarse, &occupied(bins));
    coarse
}

fn occupied<L, B: Bin<L>>(bins: &[B]) -> Vec<B> {
    bins.iter().filter(|bin| bin.tally().count > 0).copied().collect()
}

/// Joins two ascending lists of single keys.
fn merge_lists<L: Ord, B: Bin<L>>(a: &[B], b: &[B]) -> Vec<B> {
    let mut merged: Vec<B> = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let from_a = j == b.len() || i < a.len() && a[i].tally().ones <= b[j].tally().ones;
        let next = if from_a { &a[i] } else { &b[j] };
        (i, j) = if from_a { (i + 1, j) } else { (i, j + 1) };
        match merged.last_mut() {
            Some(last) if last.tally().ones == next.tally().ones => last.absorb(next),
            _ => merged.push(*next),
        }
    }
    merged.shrink_to_fit();
    merged
}
