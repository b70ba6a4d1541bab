//! What can be wrong with the input of a heat map.

use pimo_frame::Size;

/// Why a heat map was not drawn. The caller knows the image and adds its name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeatMapError {
    /// Thresholds that are not numbers or in the wrong order.
    #[error(
        "the thresholds {lower} (at the upper FPR bound) and {upper} (at the lower FPR bound) do not bound a range: \
         expected finite numbers, the first at most as large as the second; take both from the same run"
    )]
    Thresholds {
        /// Threshold at the upper bound U.
        lower: f64,
        /// Threshold at the lower bound L.
        upper: f64,
    },

    /// Levels that are not rates, or whose thresholds fall.
    #[error(
        "false-positive level {level} with threshold {threshold} is out of place: expected levels in (0, 1], falling, \
         with finite thresholds that do not fall"
    )]
    Level {
        /// The level.
        level: f64,
        /// Its threshold.
        threshold: f64,
    },

    /// A picture without pixels, or with another number of samples than its size needs.
    #[error("a picture of {size} pixels with {expected} samples was expected, but there are {found} samples")]
    Samples {
        /// Size that was stated.
        size: Size,
        /// Samples that the size needs.
        expected: u64,
        /// Samples given.
        found: u64,
    },

    /// Side lengths that cannot be met.
    #[error(
        "pictures cannot be drawn with sides of {at_least} to {at_most} pixels: choose limits from 1 to {largest}, \
         the first at most as large as the second"
    )]
    Scale {
        /// Least length of the longest side.
        at_least: u32,
        /// Greatest length of the longest side.
        at_most: u32,
        /// Greatest limit that may be set.
        largest: u32,
    },

    /// The PNG encoder failed.
    #[error("the picture cannot be encoded as PNG: {0}")]
    Png(#[from] png::EncodingError),
}
