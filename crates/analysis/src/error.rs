//! What can be wrong with the input of a statistic.

/// Largest magnitude of a score: sums over any realistic number of images stay finite below it.
pub(crate) const LARGEST_SCORE: f64 = 1e290;

/// Why a statistic could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// A statistic of no scores at all.
    #[error("there are no scores: at least one image with a score is needed")]
    NoScores,

    /// A score is NaN, infinite or too large to be summed.
    #[error(
        "the score at index {index} is {value}: expected a finite number of magnitude at most 1e290; \
         leave out images without a score (normal images)"
    )]
    UnusableScore {
        /// Position in the slice that was given.
        index: usize,
        /// The value found there.
        value: f64,
    },

    /// Two detectors were not scored on the same images.
    #[error("{found} scores do not match {expected}: both detectors need one score for each of the same images")]
    UnequalLengths {
        /// Number of scores of the first detector.
        expected: usize,
        /// Number of scores of the other one.
        found: usize,
    },

    /// A comparison without any detector.
    #[error("there are no detectors to compare: at least one is needed")]
    NoModels,

    /// A comparison without any category.
    #[error("there are no categories to compare on: at least one is needed")]
    NoCategories,

    /// A category holds scores of more or fewer detectors than were named.
    #[error("category {category:?} has scores of {found} detectors, expected {expected}")]
    ModelCount {
        /// Name of the category.
        category: String,
        /// Number of detectors that were named.
        expected: usize,
        /// Number of score vectors in the category.
        found: usize,
    },

    /// The scores of one detector in one category are unusable.
    #[error("category {category:?}, detector {model:?}: {source}")]
    InCategory {
        /// Name of the category.
        category: String,
        /// Name of the detector.
        model: String,
        /// What is wrong with its scores.
        #[source]
        source: Box<AnalysisError>,
    },

    /// A probability that must lie strictly between 0 and 1 does not.
    #[error("{name} is {value}: expected a number strictly between 0 and 1")]
    NotAProbability {
        /// What the number stands for.
        name: &'static str,
        /// The number given.
        value: f64,
    },

    /// A tolerance is negative or not a number.
    #[error("the tolerance is {value}: expected a finite number that is not negative")]
    Tolerance {
        /// The number given.
        value: f64,
    },

    /// More bootstrap resamples than [`crate::bootstrap::MAX_RESAMPLES`].
    #[error("{resamples} bootstrap resamples are too many: at most {limit} are computed")]
    TooManyResamples {
        /// The number asked for.
        resamples: usize,
        /// The largest number allowed.
        limit: usize,
    },

    /// More images than a resample can index.
    #[error("{images} images are too many for the bootstrap, which indexes them with 32 bits: use 0 resamples")]
    TooManyImages {
        /// The number of images given.
        images: usize,
    },
}

/// Refuses an empty slice and scores that are not finite or cannot be summed.
pub(crate) fn check_scores(scores: &[f64]) -> Result<(), AnalysisError> {
    if scores.is_empty() {
        return Err(AnalysisError::NoScores);
    }
    match scores.iter().position(|score| score.is_nan() || score.abs() > LARGEST_SCORE) {
        None => Ok(()),
        Some(index) => Err(AnalysisError::UnusableScore { index, value: scores[index] }),
    }
}

/// Refuses a number outside the open unit interval.
pub(crate) fn check_probability(name: &'static str, value: f64) -> Result<(), AnalysisError> {
    if value > 0.0 && value < 1.0 { Ok(()) } else { Err(AnalysisError::NotAProbability { name, value }) }
}

/// Refuses a tolerance that is negative, infinite or NaN.
pub(crate) fn check_tolerance(value: f64) -> Result<(), AnalysisError> {
    if value >= 0.0 && value.is_finite() { Ok(()) } else { Err(AnalysisError::Tolerance { value }) }
}
