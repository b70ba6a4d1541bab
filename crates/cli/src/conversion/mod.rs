//! What `pimo convert` does to each kind of input.

mod curves;
mod maps;
mod npy;
mod scores;

use std::path::Path;

use pimo_reader::ReadError;

use crate::exit::{Code, Failure};

pub(crate) use curves::{CurveNames, convert as curves, is_curves};
pub(crate) use maps::{into_folder as maps_into_folder, into_stack as maps_into_stack};
pub(crate) use scores::{Converted, Published, Selected, export, import};

/// Memory for one map or for the pieces of one curve.
pub(crate) const MAX_BYTES: u64 = 1 << 30;

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let code = if error.is_system() { Code::System } else { Code::Data };
        Self { code, message: error.to_string() }
    }
}

/// Input that cannot be converted.
fn unfit(path: &Path, message: impl std::fmt::Display) -> Failure {
    Failure { code: Code::Data, message: format!("{}: {message}", path.display()) }
}
