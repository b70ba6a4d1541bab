//! What tests share: running the command, making datasets, reading results.

pub(crate) mod arrays;
mod command;
pub(crate) mod masks;
mod run_folder;
mod toy;

pub(crate) use command::{Ended, pimo, refused, snapshot, succeeded};
pub(crate) use pimo_test_data::shared as shared_folder;
pub(crate) use run_folder::{parquet_bytes, record, scores};
pub(crate) use toy::{Toy, plan};
