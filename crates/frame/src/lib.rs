//! What pimo holds in memory while it looks at one image.
//!
//! A detector gives every pixel of an image an anomaly score. A [`Frame`] carries one such anomaly map as it was
//! stored (its *native* samples and size), the ground-truth [`Mask`], and the *evaluation size*, which is the size of
//! the mask. Where the two sizes differ, the map is resampled while it is looked at, row by row and bit for bit as
//! torch's bilinear `interpolate` does; the mask never is.
//!
//! This crate knows neither files nor metrics: readers fill frames, accumulators count them.
//!
//! ```
//! use pimo_frame::{Frame, Mask, RowVisitor, Sample, Scores, Size};
//!
//! struct Largest(f64);
//! impl RowVisitor for Largest {
//!     fn row<S: Sample>(&mut self, _y: usize, row: &[S], _mask: Option<&[u64]>) {
//!         self.0 = row.iter().fold(self.0, |largest, &score| largest.max(score.to_f64()));
//!     }
//! }
//!
//! let map = Scores::from_f32(vec![0.0, 1.0, 2.0, 3.0]);
//! let frame = Frame::new(Size::new(2, 2), Size::new(2, 2), map, Some(Mask::empty(Size::new(2, 2)).into()))?;
//! let mut largest = Largest(f64::NEG_INFINITY);
//! frame.visit_rows(&mut Default::default(), &mut largest);
//! assert_eq!(largest.0, 3.0);
//! # Ok::<(), pimo_frame::FrameError>(())
//! ```

mod frame;
mod half;
mod mask;
mod resample;
mod row;
mod sample;
mod scores;
mod size;

pub use frame::{Frame, FrameError, RowVisitor};
pub use half::half_precision;
pub use mask::Mask;
pub use resample::{Resampler, RowScratch};
pub use row::{RowSummary, SCORE_BLOCK};
pub use sample::{Comparison, Sample, SampleType};
pub use scores::{Scores, Storage};
pub use size::Size;
