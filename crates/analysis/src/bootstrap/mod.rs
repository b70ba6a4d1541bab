//! Bootstrap confidence intervals of means: bias-corrected and accelerated (`BCa`, Efron 1987).
//!
//! Images are the resampling units. Which images a resample draws depends only on the seed and on
//! the number of images, so an interval does not change with the other detectors it is computed
//! beside, with the number of threads or (but for rounding in the last bits) with the machine; and
//! detectors computed together are resampled together, as paired data should be.

mod bca;
mod resample;

use rayon::prelude::*;

use crate::error::{AnalysisError, check_probability, check_scores};
use crate::mean::mean;
use crate::paired::differences;
use resample::{LANES, resampled_means};

/// Largest number of resamples that is computed: beyond it only time and memory grow.
pub const MAX_RESAMPLES: usize = 1_000_000;

/// Score vectors resampled in one pass: bounds the memory of the distributions.
const VECTORS_PER_PASS: usize = 4 * LANES;

/// How intervals are computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BootstrapSettings {
    /// Number of resamples; 0 for no intervals at all.
    pub resamples: usize,
    /// Seed of the `ChaCha8` generator.
    pub seed: u64,
    /// Probability, in `(0, 1)`, with which intervals should cover the mean.
    pub confidence: f64,
}

/// 10 000 resamples, seed 0, 95 % confidence.
impl Default for BootstrapSettings {
    fn default() -> Self {
        Self { resamples: 10_000, seed: 0, confidence: 0.95 }
    }
}

impl BootstrapSettings {
    /// Refuses settings that cannot be computed.
    ///
    /// # Errors
    /// When there are too many resamples or the confidence is not strictly between 0 and 1.
    pub fn check(&self) -> Result<(), AnalysisError> {
        if self.resamples > MAX_RESAMPLES {
            return Err(AnalysisError::TooManyResamples { resamples: self.resamples, limit: MAX_RESAMPLES });
        }
        check_probability("the confidence of the intervals", self.confidence)
    }
}

/// A confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Interval of the mean of `scores`. See [`mean_intervals`].
///
/// # Errors
/// When the scores or the settings are unusable.
pub fn mean_interval(scores: &[f64], settings: &BootstrapSettings) -> Result<Option<Interval>, AnalysisError> {
    Ok(mean_intervals(&[scores], settings)?.pop().flatten())
}

/// Interval of the mean of the paired differences `x[i] - y[i]`. See [`mean_intervals`].
///
/// # Errors
/// When the scores cannot be paired or the settings are unusable.
pub fn mean_difference_interval(
    x: &[f64],
    y: &[f64],
    settings: &BootstrapSettings,
) -> Result<Option<Interval>, AnalysisError> {
    mean_interval(&differences(x, y)?, settings)
}

/// Intervals of the means of several score vectors over the same images, resampled together.
///
/// `None` where one image alone says nothing about the spread, and for 0 resamples. If all scores of
/// a vector are equal, its interval is that single value. Runs on the current rayon pool.
///
/// # Errors
/// When a vector is empty or holds a score that is not finite, when the lengths differ, or when the
/// settings are unusable.
pub fn mean_intervals<S: AsRef<[f64]> + Sync>(
    vectors: &[S],
    settings: &BootstrapSettings,
) -> Result<Vec<Option<Interval>>, AnalysisError> {
    settings.check()?;
    let Some(first) = vectors.first() else {
        return Ok(Vec::new());
    };
    let images = first.as_ref().len();
    for vector in vectors {
        check_scores(vector.as_ref())?;
        if vector.as_ref().len() != images {
            return Err(AnalysisError::UnequalLengths { expected: images, found: vector.as_ref().len() });
        }
    }
    if settings.resamples == 0 || images < 2 {
        return Ok(vec![None; vectors.len()]);
    }
    let images = u32::try_from(images).map_err(|_| AnalysisError::TooManyImages { images })?;
    let mut intervals = Vec::with_capacity(vectors.len());
    for pass in vectors.chunks(VECTORS_PER_PASS) {
        let distributions = resampled_means(pass, images, settings);
        intervals.par_extend(
            pass.par_iter()
                .zip(distributions)
                .map(|(scores, distribution)| Some(interval_of(scores.as_ref(), distribution, settings.confidence))),
        );
    }
    Ok(intervals)
}

fn interval_of(scores: &[f64], mut distribution: Vec<f64>, confidence: f64) -> Interval {
    if scores.iter().all(|score| *score == scores[0]) {
        return Interval { low: scores[0], high: scores[0] };
    }
    distribution.sort_unstable_by(f64::total_cmp);
    bca::interval(&distribution, mean(scores), scores, confidence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn few() -> BootstrapSettings {
        BootstrapSettings { resamples: 500, ..BootstrapSettings::default() }
    }

    fn wave(images: u32, phase: f64) -> Vec<f64> {
        (0..images).map(|image| (f64::from(image) + phase).sin().powi(2)).collect()
    }

    #[test]
    fn degenerate_samples_are_defined() {
        assert_eq!(mean_interval(&[0.5], &few()), Ok(None));
        assert_eq!(mean_interval(&[0.1; 9], &few()), Ok(Some(Interval { low: 0.1, high: 0.1 })));
        assert_eq!(mean_interval(&[], &few()), Err(AnalysisError::NoScores));
        assert_eq!(mean_intervals::<Vec<f64>>(&[], &few()), Ok(vec![]));
        let none = BootstrapSettings { resamples: 0, ..few() };
        assert_eq!(mean_interval(&[0.1, 0.2], &none), Ok(None));
        let two = mean_interval(&[0.0, 1.0], &few()).unwrap().unwrap();
        assert_eq!((two.low, two.high), (0.0, 1.0));
    }

    #[test]
    fn threads_and_companions_change_nothing() {
        let vectors: Vec<Vec<f64>> = (0..37).map(|model| wave(23, f64::from(model))).collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| mean_intervals(&vectors, &few())).unwrap()
        };
        let together = on(1);
        assert_eq!(together, on(3));
        for (vector, interval) in vectors.iter().zip(together) {
            assert_eq!(mean_interval(vector, &few()).unwrap(), interval);
        }
    }

    #[test]
    fn seed_matters_a_little_and_only_the_seed() {
        let scores = wave(40, 0.3);
        let at = |seed| mean_interval(&scores, &BootstrapSettings { seed, ..few() }).unwrap().unwrap();
        assert_eq!(at(1), at(1));
        assert_ne!(at(1), at(2));
        assert!((at(1).low - at(2).low).abs() < 0.05);
    }

    #[test]
    fn differences_are_paired() {
        let x = wave(40, 0.3);
        let y: Vec<f64> = x.iter().map(|score| score - 0.25).collect();
        let interval = mean_difference_interval(&x, &y, &few()).unwrap().unwrap();
        assert!((interval.low - 0.25).abs() < 1e-12 && (interval.high - 0.25).abs() < 1e-12);
    }

    #[test]
    fn refuses_unusable_settings() {
        let many = BootstrapSettings { resamples: MAX_RESAMPLES + 1, ..few() };
        assert!(matches!(mean_interval(&[0.1, 0.2], &many), Err(AnalysisError::TooManyResamples { .. })));
        let sure = BootstrapSettings { confidence: 1.0, ..few() };
        assert!(matches!(mean_interval(&[0.1, 0.2], &sure), Err(AnalysisError::NotAProbability { .. })));
        let ragged = mean_intervals(&[vec![0.1, 0.2], vec![0.3]], &few());
        assert_eq!(ragged, Err(AnalysisError::UnequalLengths { expected: 2, found: 1 }));
    }
}
