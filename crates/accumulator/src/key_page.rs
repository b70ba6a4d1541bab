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
    pub(crate) fn absorb_negatives(&mut self, more: impl Iterator<Item = Tally<K::Low>>) {
        absorb::<K, _>(self.bits, &mut self.negatives, more);
    }

    /// As [`Self::absorb_negatives`].
    pub(crate) fn absorb_positives(&mut self, more: impl Iterator<Item = Weighted<K::Low>>) {
        absorb::<K, _>(self.bits, &mut self.positives, more);
    }

    /// Adds another page of the same prefix. This page must not be finer than it unless both are lists.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.absorb_negatives(other.negatives.iter().copied().filter(|bin| bin.count > 0));
        self.absorb_positives(other.positives.iter().copied().filter(|bin| bin.tally.count > 0));
    }

    /// Cuts the page into 2^bits bins; it must not be coarser already.
    pub(crate) fn coarsen(&mut self, bits: u32) {
        if self.bits != Some(bits) {
            coarsen::<K, _>(self.bits, bits, &mut self.negatives);
            coarsen::<K, _>(self.bits, bits, &mut self.positives);
            self.bits = Some(bits);
        }
    }

    /// Anomalous and normal pixels of the page.
    pub(crate) fn pixels(&self) -> (u64, u64) {
        let positives = self.positives.iter().map(|bin| bin.tally.count).sum();
        (positives, self.negatives.iter().map(|bin| bin.count).sum())
    }

    /// How many bins [`Self::push_bins`] appends at most.
    pub(crate) fn most_bins(&self) -> usize {
        let negatives = self.negatives.iter().filter(|bin| bin.count > 0).count();
        negatives + self.positives.iter().filter(|bin| bin.tally.count > 0).count()
    }

    /// Appends the occupied bins in descending order.
    pub(crate) fn push_bins(&self, bins: &mut Vec<ScoreBin>) {
        if self.bits.is_some() {
            let (none, nobody) = (Tally::default(), Weighted::default());
            for at in (0..self.negatives.len().max(self.positives.len())).rev() {
                self.push_bin(self.negatives.get(at).unwrap_or(&none), self.positives.get(at).unwrap_or(&nobody), bins);
            }
            return;
        }
        let (mut negatives, mut positives) = (self.negatives.as_slice(), self.positives.as_slice());
        loop {
            let last = (negatives.last().map(|bin| bin.low), positives.last().map(|bin| bin.tally.low));
            let Some(next) = last.0.max(last.1) else { return };
            let negative = take_last(&mut negatives, last.0 == Some(next));
            let positive = take_last(&mut positives, last.1 == Some(next));
            self.push_bin(&negative, &positive, bins);
        }
    }

    /// Appends a bin unless it is empty.
    fn push_bin(&self, negative: &Tally<K::Low>, positive: &Weighted<K::Low>, bins: &mut Vec<ScoreBin>) {
        if negative.count == 0 && positive.tally.count == 0 {
            return;
        }
        let width = self.width();
        let mut both = *negative;
        Bin::<K>::absorb(&mut both, &positive.tally, width);
        let (low, high) = both.range(width);
        let score = |low| K::join(self.prefix, low).score();
        bins.push(ScoreBin {
            positives: positive.tally.count,
            negatives: negative.count,
            weight: positive.weight,
            low: score(low),
            high: score(high),
        });
    }

    /// Key bits of one bin.
    fn width(&self) -> u32 {
        self.bits.map_or(0, |bits| K::LOW_BITS - bits)
    }
}

fn absorb<K: OrderedKey, B: Bin<K>>(bits: Option<u32>, bins: &mut Vec<B>, more: impl Iterator<Item = B>) {
    let mut more = more.peekable();
    if more.peek().is_none() {
        return;
    }
    let Some(bits) = bits else {
        let more: Vec<B> = more.collect();
        *bins = merge_lists::<K, B>(bins, &more);
        return;
    };
    bins.resize(1 << bits, B::default());
    let width = K::LOW_BITS - bits;
    for bin in more {
        bins[(bin.tally().low.into() >> width) as usize].absorb(&bin, width);
    }
}

/// Brings bins or, if `from` is `None`, a list into 2^to bins.
fn coarsen<K: OrderedKey, B: Bin<K>>(from: Option<u32>, to: u32, bins: &mut Vec<B>) {
    let Some(from) = from else {
        let list = std::mem::take(bins);
        return absorb::<K, _>(Some(to), bins, list.into_iter());
    };
    let (together, width) = (1 << (from - to), K::LOW_BITS - to);
    let len = bins.len() / together;
    for at in 0..len {
        let mut sum = B::default();
        for bin in &bins[at * together..][..together] {
            sum.absorb(bin, width);
        }
        bins[at] = sum;
    }
    bins.truncate(len);
    bins.shrink_to_fit();
}

/// Takes the last bin off if asked to; otherwise there is an empty one.
fn take_last<B: Copy + Default>(bins: &mut &[B], take: bool) -> B {
    match bins.split_last() {
        Some((last, rest)) if take => {
            *bins = rest;
            *last
        }
        _ => B::default(),
    }
}

/// Joins two ascending lists of single keys.
fn merge_lists<K: OrderedKey, B: Bin<K>>(a: &[B], b: &[B]) -> Vec<B> {
    if a.is_empty() {
        return b.to_vec();
    }
    let mut merged: Vec<B> = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let from_a = j == b.len() || i < a.len() && a[i].tally().low <= b[j].tally().low;
        let next = if from_a { &a[i] } else { &b[j] };
        (i, j) = if from_a { (i + 1, j) } else { (i, j + 1) };
        match merged.last_mut() {
            Some(last) if last.tally().low == next.tally().low => last.absorb(next, 0),
            _ => merged.push(*next),
        }
    }
    merged.shrink_to_fit();
    merged
}
