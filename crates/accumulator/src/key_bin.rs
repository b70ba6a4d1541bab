//! What is known of the pixels of one key, and of one bin of the score axis.

/// Normal pixels of one key of a page, named by its low bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally<L> {
    pub(crate) low: L,
    pub(crate) count: u64,
}

/// Anomalous pixels of one key of a page, with the sum of their region weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weighted<L> {
    pub(crate) weight: u128,
    pub(crate) count: u64,
    pub(crate) low: L,
}

/// Pixels of one key, of either class.
pub(crate) trait OneKey<L>: Copy {
    fn low(&self) -> L;
    /// Adds pixels of the same key.
    fn add(&mut self, more: &Self);
}

impl<L: Copy> OneKey<L> for Tally<L> {
    fn low(&self) -> L {
        self.low
    }

    fn add(&mut self, more: &Self) {
        self.count += more.count;
    }
}

impl<L: Copy> OneKey<L> for Weighted<L> {
    fn low(&self) -> L {
        self.low
    }

    fn add(&mut self, more: &Self) {
        self.count += more.count;
        self.weight += more.weight;
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
