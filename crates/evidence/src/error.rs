//! Why results cannot be put beside each other.

use pimo_store::StoreError;

/// Results that do not belong together, or cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// A run or a published file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),

    /// There is nothing to compare.
    #[error("there is no category with scores of every detector{reason}: give runs that share a category")]
    Nothing {
        /// What became of the categories, empty or beginning with `; `.
        reason: String,
    },

    /// A score that no image of some detector has, in any category.
    #[error("{score} is undefined for all images of some detector in every category{reason}: {cure}")]
    Undefined {
        /// The score.
        score: String,
        /// Why, empty or in parentheses after a blank.
        reason: String,
        /// What to do.
        cure: String,
    },

    /// No run has what was asked for.
    #[error("there is no {what} {name:?}; there are {known}")]
    Unknown {
        /// `detector`, `category` or `score`.
        what: &'static str,
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },

    /// Two results have the same detector and category.
    #[error(
        "there are two results of detector {model:?} on category {category:?}: give detectors of their own names, or \
         one result of each"
    )]
    DuplicateResult {
        /// The detector.
        model: String,
        /// The category.
        category: String,
    },

    /// An image occurs twice.
    #[error("image {image:?} of category {category:?} occurs twice in the results of detector {model:?}")]
    DuplicateImage {
        /// The image.
        image: String,
        /// The category.
        category: String,
        /// The detector.
        model: String,
    },

    /// A detector lacks a category that others have.
    #[error(
        "detector {model:?} has no results on category {category:?}, which others have: evaluate it there, or ask for \
         the common categories and images only (--intersect)"
    )]
    MissingCategory {
        /// The detector.
        model: String,
        /// The category.
        category: String,
    },

    /// Detectors were evaluated on different images.
    #[error(
        "{} of category {category:?} without a score of some detector: {examples}; evaluate all detectors on the same \
         images, or ask for the common ones only (--intersect)",
        images(*count, "anomalous image")
    )]
    UnmatchedImages {
        /// The category.
        category: String,
        /// How many images.
        count: usize,
        /// Some of them, each with a detector that lacks it.
        examples: String,
    },

    /// Detectors were evaluated against different masks.
    #[error(
        "the masks of {} of category {category:?} are not the same for all detectors: {examples}; evaluate all \
         detectors against the same masks",
        images(*count, "image")
    )]
    DifferentMasks {
        /// The category.
        category: String,
        /// How many images.
        count: usize,
        /// Some of them, each with two detectors and what they saw.
        examples: String,
    },

    /// Runs were made in ways that cannot be compared.
    #[error("{first} and {second} cannot be compared: {what} {found_first} and {found_second}; evaluate both alike")]
    Different {
        /// One run or detector.
        first: String,
        /// The other one.
        second: String,
        /// What differs, as it reads before the two values.
        what: String,
        /// Its value in the first.
        found_first: String,
        /// Its value in the second.
        found_second: String,
    },
}

/// `1 image`, `2 images`.
fn images(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
