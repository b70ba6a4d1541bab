//! What is known of one bin of a key histogram.

use crate::{LowBits, OrderedKey};

/// Counts of one class in one bin, and which low bits of keys were seen there.
///
/// `ones` is the union of the keys' set bits and `zeros` of their clear bits: both commute, so a bin does not remember
/// the order of its pixels, and it holds a single key exactly when no bit was seen both set and clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally<L> {
    pub(crate) count: u64,
    pub(crate) ones: L,
    pub(crate) zeros: L,
}

/// A tally of anomalous pixels with the sum of their region weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weighted<L> {
    pub(crate) weight: u128,
    pub(crate) tally: Tally<L>,
}

/// A bin of either class.
pub(crate) trait Bin<L>: Copy + Default {
    fn tally(&self) -> &Tally<L>;
    fn absorb(&mut self, other: &Self);
}

impl<L: LowBits> Tally<L> {
    pub(crate) fn of_key<K: OrderedKey<Low = L>>(key: K, count: u64) -> Self {
        Self { count, ones: K::pack_low(key.low()), zeros: K::pack_low(!key.low()) }
    }

    pub(crate) fn of_word<K: OrderedKey<Low = L>>(word: K::Word) -> Self {
        let (count, ones, zeros) = K::unpack(word);
        Self { count, ones, zeros }
    }

    /// Lowest and highest low bits that the keys may have had; the same when there was one key.
    pub(crate) fn range(&self) -> (u64, u64) {
        ((self.ones & !self.zeros).into(), self.ones.into())
    }
}

impl<L: LowBits> Bin<L> for Tally<L> {
    fn tally(&self) -> &Self {
        self
    }

    fn absorb(&mut self, other: &Self) {
        self.count += other.count;
        self.ones = self.ones | other.ones;
        self.zeros = self.zeros | other.zeros;
    }
}

impl<L: LowBits> Bin<L> for Weighted<L> {
    fn tally(&self) -> &Tally<L> {
        &self.tally
    }

    fn absorb(&mut self, other: &Self) {
        self.weight += other.weight;
        self.tally.absorb(&other.tally);
    }
}

/// All pixels whose scores lie in one bin of the score axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreBin {
    /// Anomalous pixels.
    pub positives: u64,
    /// Normal pixels.
    pub negatives: u64,
    /// Sum over the anomalous pixels of 1/area of their region, each rounded down to
    /// [`WEIGHT_BITS`](crate::WEIGHT_BITS) fractional bits.
    pub weight: u128,
    /// No score in the bin is lower. Scores of bins further down all are.
    pub low: f64,
    /// No score in the bin is higher. `low == high` exactly when the bin is known to hold one score only: a tie.
    pub high: f64,
}

impl ScoreBin {
    /// Whether all pixels of the bin have the same score.
    pub fn is_tie(&self) -> bool {
        self.low == self.high
    }
}
