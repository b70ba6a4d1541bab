//! One page of a key histogram: a list of its keys, or bins of equal width.

use crate::OrderedKey;
use crate::key_bin::{Bin, ScoreBin, Tally, Weighted};

/// The keys of one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<K: OrderedKey> {
    pub(crate) prefix: usize,
    /// `None`: the page is a list of single keys. `Some(bits)`: it is divided into 2^bits bins.
    pub(crate) bits: Option<u32>,
    /// The occupied bins in ascending order.
    pub(crate) negatives: Vec<Tally<K::Low>>,
    /// Single keys in ascending order or, because they come one by one, all bins of a page that has any.
    pub(crate) positives: Vec<Weighted<K::Low>>,
}

impl<K: OrderedKey> Page<K> {
    pub(crate) fn new(prefix: usize) -> Self {
        Self { prefix, bits: None, negatives: Vec::new(), positives: Vec::new() }
    }

    /// Adds counts in ascending order of keys; each lies within one bin of this page.
    pub(crate) fn absorb_negatives(&mut self, more: impl Iterator<Item = Tally<K::Low>>) {
        self.negatives = merged::<K, _>(&self.negatives, more, self.width());
    }

    /// As [`Self::absorb_negatives`].
    pub(crate) fn absorb_positives(&mut self, more: impl Iterator<Item = Weighted<K::Low>>) {
        match self.bits {
            Some(bits) => fill::<K, _>(bits, &mut self.positives, more),
            None => self.positives = merged::<K, _>(&self.positives, more, 0),
        }
    }

    /// Adds another page of the same prefix. This page must not be finer than it unless both are lists.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.absorb_negatives(other.negatives.iter().copied());
        self.absorb_positives(other.positives.iter().copied().filter(|bin| bin.tally.count > 0));
    }

    /// Cuts the page into 2^bits bins; it must not be coarser already.
    pub(crate) fn coarsen(&mut self, bits: u32) {
        if self.bits == Some(bits) {
            return;
        }
        self.bits = Some(bits);
        let width = self.width();
        self.negatives = merged::<K, _>(&[], self.negatives.iter().copied(), width);
        let positives = std::mem::take(&mut self.positives);
        fill::<K, _>(bits, &mut self.positives, positives.into_iter().filter(|bin| bin.tally.count > 0));
    }

    /// Anomalous and normal pixels of the page.
    pub(crate) fn pixels(&self) -> (u64, u64) {
        let positives = self.positives.iter().map(|bin| bin.tally.count).sum();
        (positives, self.negatives.iter().map(|bin| bin.count).sum())
    }

    /// How many bins [`Self::push_bins`] appends at most.
    pub(crate) fn most_bins(&self) -> usize {
        self.negatives.len() + self.positives.iter().filter(|bin| bin.tally.count > 0).count()
    }

    /// Appends the occupied bins in descending order.
    pub(crate) fn push_bins(&self, bins: &mut Vec<ScoreBin>) {
        let width = self.width();
        let place = |tally: &Tally<K::Low>| tally.low.into() >> width;
        let mut negatives = self.negatives.as_slice();
        for positive in self.positives.iter().rev().filter(|bin| bin.tally.count > 0) {
            let at = place(&positive.tally);
            while let Some(negative) = take_last_if(&mut negatives, |bin| place(bin) > at) {
                self.push_bin(&negative, &Weighted::default(), bins);
            }
            let beside = take_last_if(&mut negatives, |bin| place(bin) == at).unwrap_or_default();
            self.push_bin(&beside, positive, bins);
        }
        negatives.iter().rev().for_each(|negative| self.push_bin(negative, &Weighted::default(), bins));
    }

    /// Appends a bin.
    fn push_bin(&self, negative: &Tally<K::Low>, positive: &Weighted<K::Low>, bins: &mut Vec<ScoreBin>) {
        let width = self.width();
        let mut both = *negative;
        Bin::<K>::absorb(&mut both, &positive.tally, width);
        let (low, high) = both.range(width);
        let score = |low| K::join(self.prefix, low).score();
        // The key below that of zero belongs to no score; a bin may end there, but no score of it does.
        let high = if low < high && K::of(score(high)) != K::join(self.prefix, high) { high - 1 } else { high };
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

/// Adds bins to 2^bits bins, which are made if there are none yet and something to add.
fn fill<K: OrderedKey, B: Bin<K>>(bits: u32, bins: &mut Vec<B>, more: impl Iterator<Item = B>) {
    let width = K::LOW_BITS - bits;
    for bin in more {
        if bins.is_empty() {
            *bins = vec![B::default(); 1 << bits];
        }
        bins[(bin.tally().low.into() >> width) as usize].absorb(&bin, width);
    }
}

/// Occupied bins and more of them, both in ascending order, as bins of this width.
fn merged<K: OrderedKey, B: Bin<K>>(bins: &[B], more: impl Iterator<Item = B>, width: u32) -> Vec<B> {
    let place = |bin: &B| bin.tally().low.into() >> width;
    let mut merged = Vec::with_capacity(bins.len() + more.size_hint().0);
    let mut bins = bins;
    for bin in more {
        let at = place(&bin);
        let before = bins.iter().take_while(|bin| place(bin) <= at).count();
        merged.extend_from_slice(&bins[..before]);
        bins = &bins[before..];
        match merged.last_mut() {
            Some(last) if place(last) == at => last.absorb(&bin, width),
            _ => {
                // What was mixed in a narrower bin gets the edge of this one.
                let mut wider = B::default();
                wider.absorb(&bin, width);
                merged.push(wider);
            }
        }
    }
    merged.extend_from_slice(bins);
    merged.shrink_to_fit();
    merged
}

/// Takes the last bin off if it is wanted.
fn take_last_if<B: Copy>(bins: &mut &[B], wanted: impl Fn(&B) -> bool) -> Option<B> {
    let (last, rest) = bins.split_last()?;
    wanted(last).then(|| {
        *bins = rest;
        *last
    })
}
