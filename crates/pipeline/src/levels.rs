//! Levels of the shared FPR at whose thresholds rates of all pixels are reported.
//!
//! Bins become coarser while images are counted, and in the end such a threshold may lie in one. So the pixels that reach
//! it are added up on the way: those of normal images when the threshold is chosen, those of anomalous images one by one.

use pimo_finaliser::{CurveError, Interval, NAMED_LEVELS, ThresholdRates};

/// How many levels there are.
pub(crate) const LEVELS: usize = NAMED_LEVELS.len();

/// A level of the shared FPR.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub(crate) shared_fpr: f64,
    /// Between its ends lies the highest threshold that reaches the level; rates are taken at the lower end.
    pub(crate) threshold: Option<Interval>,
    /// Normal and anomalous pixels at or above the lower end, as far as they have been counted; `None` where those of the
    /// normal images are not known.
    pub(crate) reaching: Option<[u64; 2]>,
}

impl Level {
    /// The threshold at which rates are taken.
    pub(crate) fn at(&self) -> Option<f64> {
        self.threshold.map(|threshold| threshold.low())
    }

    /// The rates there, of `(positives, negatives)` in all; `None` where the pixels that reach it were not counted.
    ///
    /// # Errors
    /// More pixels than can be.
    pub(crate) fn rates(&self, totals: (u64, u64)) -> Result<Option<ThresholdRates>, CurveError> {
        let of_counts =
            |(at, [normal, anomalous]): (f64, [u64; 2])| ThresholdRates::of_counts(at, (anomalous, normal), totals);
        self.at().zip(self.reaching).map(of_counts).transpose()
    }
}

/// Adds the pixels of an image to levels that know those of the normal images.
pub(crate) fn add(levels: &mut [Level], image: &[[u64; 2]; LEVELS]) {
    for (level, more) in levels.iter_mut().zip(image) {
        if let Some(reaching) = &mut level.reaching {
            *reaching = [reaching[0] + more[0], reaching[1] + more[1]];
        }
    }
}
