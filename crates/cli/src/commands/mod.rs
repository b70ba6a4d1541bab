//! The subcommands.

pub mod compare;
pub mod completions;
pub mod convert;
pub mod eval;
pub mod heatmap;
pub mod inspect;
pub mod report;
pub mod stats;
pub mod synth;
pub mod threshold;
