//! What ends the search for a dataset.

use std::io;
use std::path::PathBuf;

use pimo_reader::ReadError;

use crate::Layout;

/// Why no dataset could be put together at all. (What concerns single files or categories is a
/// [`Problem`](crate::Problem) instead.)
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A path that was given does not exist.
    #[error("{path}: no such file or folder; {option} expects {expected}", path = path.display())]
    NotFound {
        /// The option that gave the path, such as `--maps`.
        option: &'static str,
        /// The path as given.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// A path that was given is of the wrong kind.
    #[error("{path}: {found}; {option} expects {expected}", path = path.display())]
    WrongKind {
        /// The option that gave the path.
        option: &'static str,
        /// The path as given.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// The operating system did not let a file or folder be read.
    #[error("{path}: could not be read ({source}); check its permissions and the disk, and run again", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A stacked file of maps could not be opened.
    #[error(transparent)]
    Container(#[from] ReadError),
    /// No layout fits the dataset folder.
    #[error("{path}: not recognised as a dataset: {found}. Known layouts:\n{layouts}\nPoint --dataset at the folder above the categories (or at one category), name the layout with --layout, or list the files in a --manifest", path = path.display(), layouts = Layout::table())]
    UnknownLayout {
        /// The dataset folder.
        path: PathBuf,
        /// What was found in it.
        found: String,
    },
    /// Categories of one folder have different layouts.
    #[error("{path}: category `{first}` looks like layout {first_layout}, but category `{second}` like {second_layout}; choose one with --layout, or evaluate them apart with --category", path = path.display())]
    MixedLayouts {
        /// The dataset folder.
        path: PathBuf,
        /// A category.
        first: String,
        /// Its layout.
        first_layout: Layout,
        /// A category that differs from it.
        second: String,
        /// Its layout.
        second_layout: Layout,
    },
    /// A folder of maps in which no category of the dataset can be found.
    #[error("{path}: no anomaly maps recognised for --maps: {found}; expected {expected}", path = path.display())]
    UnknownMaps {
        /// The folder of maps.
        path: PathBuf,
        /// What was found in it.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// A category that was asked for does not exist.
    #[error("no category `{name}` in {path}{meant}; there are: {known}", path = path.display(), meant = suggestion(nearest.as_deref()), known = listing(known))]
    UnknownCategory {
        /// The name as given.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
        /// The existing name that is nearest to it, if one is near.
        nearest: Option<String>,
        /// All categories there are.
        known: Vec<String>,
    },
    /// Options that do not go together or lack another.
    #[error("{0}")]
    Usage(String),
    /// A list of paths, or a manifest, that can't be read as one.
    #[error("{path}: {message}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, what was expected and what to do.
        message: String,
    },
}

/// Whose fault an error is, which decides the exit code of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Options that do not fit what is there.
    Usage,
    /// Input data that can't be used.
    Data,
    /// The operating system.
    System,
}

impl DatasetError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotFound { .. } | Self::Io { .. } => Fault::System,
            Self::Container(error) if error.is_system() => Fault::System,
            Self::WrongKind { .. } | Self::MixedLayouts { .. } | Self::UnknownCategory { .. } | Self::Usage(_) => {
                Fault::Usage
            }
            Self::Container(_) | Self::UnknownLayout { .. } | Self::UnknownMaps { .. } | Self::Malformed { .. } => {
                Fault::Data
            }
        }
    }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

/// At most twenty names, and how many more there are.
pub(crate) fn listing<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 20;
    if names.is_empty() {
        return "none".to_owned();
    }
    let text = names.iter().take(SHOWN).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    match names.len() - names.len().min(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// The start of a text that may be long.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        short += "...";
    }
    short
}

/// `1 image`, `2 images`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
