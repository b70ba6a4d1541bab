//! What can be wrong with a file.

use std::io;
use std::path::Path;

use pimo_frame::Size;

use crate::{Entry, MapLocation};

/// Why a map or a mask could not be read: which file, what is wrong with it, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The operating system refused: no such file, no permission, a failing disk.
    #[error("{at}: The file could not be {action}: {source}.")]
    System {
        /// The file.
        at: MapLocation,
        /// What was tried, as a participle: opened, read, mapped.
        action: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file ends before what its header promises.
    #[error(
        "{at}: The file is truncated: {what} needs {needed} bytes, but only {available} are there. \
         Copy or write the file again."
    )]
    Truncated {
        /// The file.
        at: MapLocation,
        /// The part that is cut off.
        what: String,
        /// Bytes it should have.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// The bytes are not what the format prescribes.
    #[error("{at}: This is not a valid {format} file: {what}. Copy or write the file again.")]
    Malformed {
        /// The file.
        at: MapLocation,
        /// The format it should have.
        format: &'static str,
        /// What is wrong.
        what: String,
    },
    /// The file may be valid, but not as an anomaly map or a mask.
    #[error("{at}: {what}. {cure}.")]
    Unsupported {
        /// The file.
        at: MapLocation,
        /// What was found, as the beginning of a sentence.
        what: String,
        /// What to do, as a sentence without its full stop.
        cure: String,
    },
    /// The image has no pixel.
    #[error("{at}: The image is {size}; every side needs at least one pixel. Leave it out or write it again.")]
    Empty {
        /// The file.
        at: MapLocation,
        /// Its size.
        size: Size,
    },
    /// Reading the image takes more memory than allowed.
    #[error("{at}: Reading it takes {needed} bytes of memory, but {limit} are allowed. Allow {needed} bytes or more.")]
    TooLarge {
        /// The file.
        at: MapLocation,
        /// Bytes that would do.
        needed: u64,
        /// Bytes that were allowed.
        limit: u64,
    },
    /// An integer score that double precision does not hold exactly.
    #[error(
        "{at}: The score {value} at row {row}, column {column} is beyond 2^53 and cannot be compared exactly. \
         Scale the scores down or store them as float64."
    )]
    Inexact {
        /// The file.
        at: MapLocation,
        /// The score.
        value: i128,
        /// Row of its pixel, from 0.
        row: u64,
        /// Column of its pixel, from 0.
        column: u64,
    },
    /// A mask sample that is neither anomalous nor normal.
    #[error("{at}: The mask is NaN at row {row}, column {column}. Write the mask again with 0 for normal pixels.")]
    NanInMask {
        /// The file.
        at: MapLocation,
        /// Row of the pixel, from 0.
        row: u64,
        /// Column of the pixel, from 0.
        column: u64,
    },
    /// The file holds many maps and none of them was named.
    #[error("{at}: The file holds {}. Name {}", held(*maps, *size), named(at, example, *size))]
    EntryNeeded {
        /// The file.
        at: MapLocation,
        /// Number of maps in it.
        maps: u64,
        /// Their size, if they are one array.
        size: Option<Size>,
        /// An entry that exists.
        example: Entry,
    },
    /// There is no such map in the file.
    #[error("{at}: There is no such anomaly map: the file holds {holds}. Name one that it holds.")]
    NoSuchEntry {
        /// The file and the entry that was asked for.
        at: MapLocation,
        /// What there is instead.
        holds: String,
    },
}

/// The number of maps; for an array also what its sides are taken for, because it may be meant as one map of several
/// channels.
fn held(maps: u64, size: Option<Size>) -> String {
    let plural = if maps == 1 { "" } else { "s" };
    let array = size.map_or_else(String::new, |size| format!(" of {size} in an array of NxHxW"));
    format!("{maps} anomaly map{plural}{array}")
}

/// How one map of many is named.
fn named(at: &MapLocation, example: &Entry, size: Option<Size>) -> String {
    let single = if size.is_some() { ", or save a single map as HxW" } else { "" };
    format!("one of them, as in `{at}#{example}`{single}.")
}

impl ReadError {
    /// The file, and the entry if it is one of many.
    pub const fn location(&self) -> &MapLocation {
        match self {
            Self::System { at, .. }
            | Self::Truncated { at, .. }
            | Self::Malformed { at, .. }
            | Self::Unsupported { at, .. }
            | Self::Empty { at, .. }
            | Self::TooLarge { at, .. }
            | Self::Inexact { at, .. }
            | Self::NanInMask { at, .. }
            | Self::EntryNeeded { at, .. }
            | Self::NoSuchEntry { at, .. } => at,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.location().file
    }

    /// Whether the operating system refused, rather than the data being bad.
    pub const fn is_system(&self) -> bool {
        matches!(self, Self::System { .. })
    }
}

/// Results of this crate.
pub(crate) type Result<T> = std::result::Result<T, ReadError>;
