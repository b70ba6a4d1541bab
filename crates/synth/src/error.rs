//! What can go wrong while a dataset is made.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a dataset could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SynthError {
    /// The plan asks for something that does not exist or does not fit together.
    #[error("{what}; {cure}")]
    Plan {
        /// What is wrong.
        what: String,
        /// What would be right.
        cure: String,
    },
    /// The output folder holds files already.
    #[error("{}: the output folder is not empty; name a new folder or empty this one", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder could not be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system or the encoder said.
        source: io::Error,
    },
    /// The progress callback asked to stop.
    #[error("stopped before all images were written; nothing was left in the output folder")]
    Interrupted,
}

impl SynthError {
    /// Whether the operating system, rather than the plan, is to blame.
    pub fn is_system(&self) -> bool {
        matches!(self, Self::Write { .. })
    }

    pub(crate) fn plan(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::Plan { what: what.into(), cure: cure.into() }
    }

    /// A name that is none of the possible ones.
    pub(crate) fn choice(kind: &str, given: &str, possible: &[&str]) -> Self {
        Self::plan(format!("`{given}` is no {kind}"), format!("expected one of {}", possible.join(", ")))
    }

    /// Wraps an error of writing `path`.
    pub(crate) fn write(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}
