//! From results to a report: matching, statistics, choice of images.
//!
//! [`Evidence`] is what went in, from run folders ([`Evidence::of_runs`]) or from anywhere else;
//! [`Evidence::report`] compares the detectors and chooses what is shown. [`report_of_runs`] does both and adds the
//! PIMO curves of the chosen images. Heat maps are drawn by the caller, who reads the files:
//! [`Report::examples_mut`](crate::page::Report::examples_mut) says which.

mod choose;
mod compared;
mod error;
mod evidence;
mod matching;
mod metrics;
mod run_facts;
mod runs;

pub use compared::Settings;
pub use error::AssembleError;
pub use evidence::{EvaluatedImage, Evidence, ModelScores};
pub use matching::Matching;
pub use runs::{RunInput, add_curves, report_of_runs};
