//! What heat maps are drawn of: the files of a run, found again and read.

mod files;
mod problem;

pub(crate) use files::{Looked, RunFiles, Wanted};
pub(crate) use problem::DrawingProblem;
