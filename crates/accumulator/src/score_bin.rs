//! What the histogram of all pixels says of one bin of the score axis.

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
