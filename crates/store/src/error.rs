//! What can go wrong when a run is written or read.

use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, StoreError>;

/// An error that names the file it is about and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused something.
    #[error("cannot {action} {}: {source}{}", path.display(), advice(source))]
    Io {
        /// What was tried, as it reads after "cannot": "create", "write", "read", ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// The output folder holds files and replacing them was not asked for.
    #[error(
        "the output folder {} is not empty (it holds {example:?}): choose another folder, or ask for its replacement (--force)",
        path.display()
    )]
    OutputNotEmpty {
        /// The output folder.
        path: PathBuf,
        /// Name of one entry found there.
        example: String,
    },

    /// A file is there already and replacing it was not asked for.
    #[error("{} exists: choose another place, or ask for its replacement (--force)", path.display())]
    OutputExists {
        /// The file.
        path: PathBuf,
    },

    /// The output path is something else than a folder.
    #[error("the output path {} is not a folder: choose a folder, new or empty", path.display())]
    OutputNotAFolder {
        /// The output path.
        path: PathBuf,
    },

    /// Another process is writing into the same output folder.
    #[error(
        "another run is being written to {}: wait until it has ended or choose another output folder",
        path.display()
    )]
    OutputBusy {
        /// The output folder.
        path: PathBuf,
    },

    /// Rows were handed over in a way that would make a wrong or unstable file.
    #[error("{table}: {message}")]
    Rows {
        /// The table, e.g. `images`.
        table: &'static str,
        /// What was wrong with the row.
        message: String,
    },

    /// A model or category name cannot be used where it would be needed.
    #[error("{name:?} cannot be used as the name of a {what}: {reason}")]
    Name {
        /// `model` or `category`.
        what: &'static str,
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },

    /// The folder is not the whole output of a run.
    #[error("{} is not a finished pimo run: {reason}", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },

    /// The folder holds no published scores.
    #[error("{} is not a folder of published scores: {reason}", path.display())]
    NotPublished {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },

    /// Written by a later version than this one.
    #[error(
        "{} was written in format {found}, this version of pimo reads up to format {known}: use a newer pimo",
        path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest one that can be read.
        known: u32,
    },

    /// A Parquet file that cannot be read or written.
    #[error("{}: {message}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What was wrong and what was expected.
        message: String,
    },

    /// A Parquet file whose compression is not read.
    #[error(
        "{}: column {column:?} is compressed with {compression}, which pimo does not read: write the file with snappy, \
         gzip, lz4 or zstd, or without compression (in pyarrow and pandas: compression=\"zstd\")",
        path.display()
    )]
    Compression {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The name of the compression.
        compression: &'static str,
    },

    /// A column is missing, has another type, or holds what it must not.
    #[error("{}: column {column:?} {message}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What was wrong and what was expected.
        message: String,
    },

    /// A JSON file that is malformed or lacks what is needed.
    #[error("{}: {message}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What was wrong and what was expected.
        message: String,
    },

    /// A file that would need more memory than it may have.
    #[error("{}: {what} is {found}, at most {limit} can be read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large, e.g. `the number of rows`.
        what: &'static str,
        /// The size found.
        found: u64,
        /// The largest size allowed.
        limit: u64,
    },
}

impl StoreError {
    /// Whether the operating system is to blame (exit code 4), not the data (exit code 3).
    pub fn is_system(&self) -> bool {
        matches!(self, Self::Io { .. })
    }

    /// The file or folder that the error is about, if it is about one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. }
            | Self::OutputNotEmpty { path, .. }
            | Self::OutputExists { path }
            | Self::OutputNotAFolder { path }
            | Self::OutputBusy { path }
            | Self::NotARun { path, .. }
            | Self::NotPublished { path, .. }
            | Self::NewerFormat { path, .. }
            | Self::Parquet { path, .. }
            | Self::Compression { path, .. }
            | Self::Column { path, .. }
            | Self::Json { path, .. }
            | Self::TooLarge { path, .. } => Some(path),
            Self::Rows { .. } | Self::Name { .. } => None,
        }
    }

    /// For `map_err`: an operating-system error while doing `action` to `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// For `map_err`: an error of the Parquet library. An operating-system error inside it comes out as one.
    pub(crate) fn parquet(action: &'static str, path: &Path) -> impl FnOnce(ParquetError) -> Self {
        let path = path.to_path_buf();
        let cure = if action == "read" { "; it is damaged or not a Parquet file, write it again" } else { "" };
        let message = move |error: &dyn std::fmt::Display| format!("cannot {action} as Parquet: {error}{cure}");
        move |error| match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(source) => Self::Io { action, path, source: *source },
                Err(other) => Self::Parquet { path, message: message(&other) },
            },
            other => Self::Parquet { path, message: message(&other) },
        }
    }
}

/// What the user can do about an operating-system error, to be appended to it.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space there or choose another output folder"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; change its permissions or choose another place"
        }
        io::ErrorKind::NotFound => "; check the path",
        io::ErrorKind::NotADirectory => "; a part of the path is a file, not a folder",
        io::ErrorKind::FileTooLarge => "; raise the file size limit or choose another output folder",
        _ => "",
    }
}
