//! Tests of the whole workspace, most of them through the `pimo` command.
#![allow(clippy::unwrap_used, missing_docs)]

mod bad_input;
mod command_line;
mod compare;
mod convert;
mod detectors;
mod determinism;
mod heatmap;
mod inspect;
mod interruption;
mod memory;
mod metrics;
mod notes;
mod parity;
mod parquet;
mod reading;
mod report;
mod results;
mod shrinking;
mod stacked;
mod stats;
mod support;
mod synth;
mod threshold;
mod undefined;
