//! Statistics over per-image scores of anomaly detectors.
//!
//! One score per image can be summarised, ranked and tested, which one number per data set cannot.
//! This crate holds the computations and nothing else: it reads no files, prints nothing and knows
//! no file format. Scores are plain `f64` slices in which a higher value is better and every value is
//! finite; normal images, which have no AUPIMO, are left out by the caller.
//!
//! * [`boxplot`] and [`exemplar`]: what the scores of one detector look like, and which images show it.
//! * [`ranks`], [`friedman`] and [`nemenyi`]: several detectors at once.
//! * [`wilcoxon`], [`t_test`] and [`holm`]: two detectors on the same images, and many such pairs.
//! * [`bootstrap`]: intervals of means and of mean differences.
//! * [`compare`]: all of it for detectors x images x categories.
//!
//! ```
//! use pimo_analysis::compare::{Category, Settings, compare};
//!
//! let scores = [vec![0.9, 0.8, 0.7, 0.95, 0.85, 0.6], vec![0.5, 0.6, 0.7, 0.40, 0.55, 0.3]];
//! let screw = Category { name: "screw", scores: &scores };
//! let comparison = compare(&["patchcore", "padim"], &[screw], &Settings::default())?;
//!
//! let screw = &comparison.categories[0];
//! assert_eq!(screw.order, [0, 1]);
//! let interval = screw.neighbours[0].interval.expect("six images vary");
//! assert!(interval.low > 0.0, "patchcore is better on average");
//! # Ok::<(), pimo_analysis::AnalysisError>(())
//! ```
//!
//! # Degenerate input
//!
//! Empty, non-finite or mismatched input is an [`AnalysisError`]. Input for which a quantity is
//! mathematically undefined (a t statistic of identical detectors, an interval from one image) gives
//! `None`, never `NaN`.

pub mod alternative;
pub mod bootstrap;
pub mod boxplot;
pub mod compare;
mod error;
pub mod exemplar;
pub mod friedman;
pub mod holm;
mod mean;
pub mod nemenyi;
mod normal;
mod paired;
pub mod quantile;
pub mod ranks;
pub mod studentised_range;
pub mod t_test;
mod test_result;
pub mod wilcoxon;

pub use error::AnalysisError;
pub use mean::mean;
pub use paired::differences;
pub use test_result::TestResult;
