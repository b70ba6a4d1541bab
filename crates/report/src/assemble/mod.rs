//! From results to a report: matching, statistics, choice of images.
//!
//! [`Evidence`](pimo_evidence::Evidence) is what went in, from run folders, published scores or anywhere else;
//! [`report_of`] compares the detectors and chooses what is shown. [`report_of_sources`] reads the evidence as well and
//! adds the PIMO curves of the chosen images. Heat maps are drawn by the caller, who reads the files:
//! [`Report::examples_mut`](crate::page::Report::examples_mut) says which.

mod choose;
mod compared;
mod curves;
mod disagreement;
mod error;

pub use choose::statistic_name;
pub use compared::{Settings, report_of, report_of_sources};
pub use curves::add_curves;
pub use error::AssembleError;
