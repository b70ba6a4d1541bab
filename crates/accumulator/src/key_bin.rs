//! What is known of one bin of a key histogram.

use crate::OrderedKey;

/// Counts of one class in one bin, and the key they share as long as there has been one only.
///
/// A bin is empty, holds one key, or is mixed. This commutes, so a bin does not remember the order of its pixels. A
/// mixed bin may hold any key of its page between its two edges, and `low` is the lower one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally<L> {
    pub(crate) count: u64,
    pub(crate) low: L,
    pub(crate) mixed: bool,
}

/// A tally of anomalous pixels with the sum of their region weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weighted<L> {
    pub(crate) weight: u128,
    pub(crate) tally: Tally<L>,
}

/// A bin of either class.
pub(crate) trait Bin<K: OrderedKey>: Copy + Default {
    fn tally(&self) -> &Tally<K::Low>;
    /// Adds a bin that lies within the bin of `width` key bits that this one is, or makes it that bin.
    fn absorb(&mut self, other: &Self, width: u32);
}

impl<L> Tally<L> {
    pub(crate) fn of_key<K: OrderedKey<Low = L>>(key: K, count: u64) -> Self {
        Self { count, low: K::pack_low(key.low()), mixed: false }
    }

    /// Lowest and highest low bits that the keys of this bin of `width` key bits may have; the same when there was one
    /// key.
    pub(crate) fn range(&self, width: u32) -> (u64, u64)
    where
        L: Copy + Into<u64>,
    {
        let low = self.low.into();
        (low, if self.mixed { low | ((1 << width) - 1) } else { low })
    }
}

impl<K: OrderedKey> Bin<K> for Tally<K::Low> {
    fn tally(&self) -> &Self {
        self
    }

    #[inline]
    fn absorb(&mut self, other: &Self, width: u32) {
        // Without branches: neither which bins are empty nor which keys agree can be guessed.
        let apart = u8::from(self.count > 0) & u8::from(other.count > 0) & u8::from(self.low != other.low);
        let low = if self.count == 0 { other.low } else { self.low };
        self.mixed = u8::from(self.mixed) | u8::from(other.mixed) | apart != 0;
        let width = if self.mixed { width } else { 0 };
        self.low = K::pack_low(low.into() >> width << width);
        self.count += other.count;
    }
}

impl<K: OrderedKey> Bin<K> for Weighted<K::Low> {
    fn tally(&self) -> &Tally<K::Low> {
        &self.tally
    }

    #[inline]
    fn absorb(&mut self, other: &Self, width: u32) {
        self.weight += other.weight;
        Bin::<K>::absorb(&mut self.tally, &other.tally, width);
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
