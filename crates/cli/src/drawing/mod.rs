//! What heat maps are drawn of: the files of a run, found again and read.

mod false_alarms;
mod files;
mod problem;

pub(crate) use false_alarms::FalseAlarms;
pub(crate) use files::{Looked, RunFiles, Wanted};
pub(crate) use problem::DrawingProblem;
