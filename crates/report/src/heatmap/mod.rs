//! Heat maps: the anomaly map of one image over the image.
//!
//! Two pictures are drawn, both with colours that mean a shared or a per-image false-positive rate rather than a
//! share of the score range:
//!
//! * [`anomaly_heat_map`]: nothing where the score is below the threshold at U, blues up to the threshold at L, reds
//!   from there on, and the outline of the ground-truth mask.
//! * [`false_positive_levels`]: on a normal image, the bands between the thresholds at which this image alone would
//!   have false-positive rates of 1e-2, 1e-3, 1e-4 and 1e-5 ([`own_levels`] finds them).
//!
//! A pixel belongs to a colour when its score is at or above the colour's threshold, as everywhere in pimo. The map
//! is walked once, row by row at evaluation size, and averaged into the picture on the way: beside the frame and
//! the background only the picture is in memory.

mod anomaly;
mod colour_bar;
mod colours;
mod error;
mod false_positives;
mod font;
mod outline;
mod paint;
mod palette;
mod picture;
mod png_file;
mod scale;
mod thumbnail;

pub use anomaly::{HeatMapStyle, OperatingScores, anomaly_heat_map};
pub use colours::{Rgb, blues, reds};
pub use error::HeatMapError;
pub use false_positives::{FPR_LEVELS, FprLevel, false_positive_levels, own_levels};
pub use picture::Picture;
pub use png_file::encode_png;
pub use scale::Scale;
pub use thumbnail::{ThumbnailLimits, thumbnail};
