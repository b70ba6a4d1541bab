//! A page that is divided evenly: bins of equal width, of which only the counts are known.

use crate::key_bin::{Tally, Weighted};

/// The counts of 2^bits bins, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bins {
    bits: u32,
    /// Normal pixels of each bin; nothing at all while there are none.
    negatives: Vec<u64>,
    /// Anomalous pixels of each bin, and their region weights; likewise.
    positives: Vec<u64>,
    weights: Vec<u128>,
}

/// The counts of one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BinCounts {
    pub(crate) negatives: u64,
    pub(crate) positives: u64,
    pub(crate) weight: u128,
}

impl Bins {
    pub(crate) const fn new(bits: u32) -> Self {
        Self { bits, negatives: Vec::new(), positives: Vec::new(), weights: Vec::new() }
    }

    pub(crate) const fn bits(&self) -> u32 {
        self.bits
    }

    /// The counts of normal pixels, to be added to.
    #[inline]
    pub(crate) fn negatives_mut(&mut self) -> &mut [u64] {
        if self.negatives.is_empty() {
            self.negatives = vec![0; 1 << self.bits];
        }
        &mut self.negatives
    }

    /// Adds a normal pixel with these low bits, of so many.
    #[inline]
    pub(crate) fn add_negative(&mut self, low_bits: u32, low: u64) {
        let bin = (low >> (low_bits - self.bits)) as usize;
        self.negatives_mut()[bin] += 1;
    }

    /// Adds an anomalous pixel likewise.
    pub(crate) fn add_positive(&mut self, low_bits: u32, low: u64, weight: u128) {
        self.add_positives(low_bits, std::iter::once(Weighted { weight, count: 1, low }));
    }

    /// Adds normal pixels, of keys with so many low bits.
    pub(crate) fn add_negatives<L: Copy + Into<u64>>(
        &mut self,
        low_bits: u32,
        more: impl IntoIterator<Item = Tally<L>>,
    ) {
        let width = low_bits - self.bits;
        for pixels in more {
            self.negatives_mut()[(pixels.low.into() >> width) as usize] += pixels.count;
        }
    }

    /// Adds anomalous pixels likewise.
    pub(crate) fn add_positives<L: Copy + Into<u64>>(
        &mut self,
        low_bits: u32,
        more: impl IntoIterator<Item = Weighted<L>>,
    ) {
        let width = low_bits - self.bits;
        for pixels in more {
            if self.positives.is_empty() {
                self.positives = vec![0; 1 << self.bits];
                self.weights = vec![0; 1 << self.bits];
            }
            let bin = (pixels.low.into() >> width) as usize;
            self.positives[bin] += pixels.count;
            self.weights[bin] += pixels.weight;
        }
    }

    /// Adds the counts of bins of the same keys, none of which is wider.
    pub(crate) fn merge(&mut self, other: &Self) {
        add_folded(&mut self.negatives, self.bits, &other.negatives);
        add_folded(&mut self.positives, self.bits, &other.positives);
        add_folded(&mut self.weights, self.bits, &other.weights);
    }

    /// Makes 2^bits bins of them, which are not more than now.
    pub(crate) fn coarsen(&mut self, bits: u32) {
        let together = 1 << self.bits.saturating_sub(bits);
        self.bits = self.bits.min(bits);
        fold(&mut self.negatives, together);
        fold(&mut self.positives, together);
        fold(&mut self.weights, together);
    }

    /// Anomalous and normal pixels of all bins.
    pub(crate) fn pixels(&self) -> (u64, u64) {
        (self.positives.iter().sum(), self.negatives.iter().sum())
    }

    /// The occupied bins with their numbers, in ascending order.
    pub(crate) fn occupied(&self) -> impl DoubleEndedIterator<Item = (usize, BinCounts)> {
        let counts = |at: usize| BinCounts {
            negatives: self.negatives.get(at).copied().unwrap_or(0),
            positives: self.positives.get(at).copied().unwrap_or(0),
            weight: self.weights.get(at).copied().unwrap_or(0),
        };
        let numbered = (0..1 << self.bits).map(move |at| (at, counts(at)));
        numbered.filter(|(_, counts)| counts.negatives | counts.positives != 0)
    }
}

/// Adds so many neighbouring counts together, where they are: new memory is dear.
fn fold<T: Copy + Default + std::ops::AddAssign>(counts: &mut Vec<T>, together: usize) {
    if together == 1 {
        return;
    }
    for to in 0..counts.len() / together {
        let mut sum = T::default();
        for &count in &counts[to * together..(to + 1) * together] {
            sum += count;
        }
        counts[to] = sum;
    }
    counts.truncate(counts.len() / together);
    counts.shrink_to_fit();
}

/// Adds as many neighbouring counts together as make 2^bits of them.
fn add_folded<T: Copy + Default + std::ops::AddAssign>(counts: &mut Vec<T>, bits: u32, more: &[T]) {
    if more.is_empty() {
        return;
    }
    counts.resize(1 << bits, T::default());
    let together = more.len() >> bits;
    for (count, more) in counts.iter_mut().zip(more.chunks_exact(together)) {
        for &more in more {
            *count += more;
        }
    }
}
