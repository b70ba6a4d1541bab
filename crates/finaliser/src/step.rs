//! A bin with the counts above it, which is what metrics over a descending score are taken from.

use pimo_accumulator::ScoreBin;

use crate::score_curve::CurveError;

/// Pixels, images or samples of a curve in all: fewer than 2^61 of each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) positives: u64,
    pub(crate) negatives: u64,
    /// Connected regions that the positives belong to.
    pub(crate) regions: u64,
}

impl Totals {
    pub(crate) fn new(positives: u64, negatives: u64, regions: u64) -> Result<Self, CurveError> {
        if positives >= 1 << 61 || negatives >= 1 << 61 {
            return Err(CurveError::TooManyPixels);
        }
        Ok(Self { positives, negatives, regions })
    }

    /// Whether there are both classes.
    pub(crate) const fn has_both(&self) -> bool {
        self.positives > 0 && self.negatives > 0
    }
}

/// What lies above a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Above {
    pub(crate) positives: u64,
    pub(crate) negatives: u64,
    /// Region weight.
    pub(crate) weight: u128,
}

impl Above {
    /// The next bin.
    #[inline]
    pub(crate) fn step<'b>(&self, bin: &'b ScoreBin) -> Step<'b> {
        Step { bin, tp: self.positives, fp: self.negatives, weight: self.weight }
    }

    /// Goes down past the next bin.
    #[inline]
    pub(crate) fn pass(&mut self, bin: &ScoreBin) {
        self.negatives += bin.negatives;
        if bin.positives > 0 {
            self.positives += bin.positives;
            self.weight += bin.weight;
        }
    }
}

/// A bin with the counts above it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) bin: &'a ScoreBin,
    /// Positives above the bin.
    pub(crate) tp: u64,
    /// Negatives above the bin.
    pub(crate) fp: u64,
    /// Region weight above the bin.
    pub(crate) weight: u128,
}

impl Step<'_> {
    /// Positives at or above the lowest score of the bin.
    pub(crate) fn tp_end(&self) -> u64 {
        self.tp + self.bin.positives
    }

    /// Negatives at or above the lowest score of the bin.
    pub(crate) fn fp_end(&self) -> u64 {
        self.fp + self.bin.negatives
    }

    /// Whether the bin holds no order that is unknown: its scores are one, or it has a single pixel.
    pub(crate) fn is_tie(&self) -> bool {
        self.bin.is_tie() || self.bin.positives + self.bin.negatives == 1
    }
}
