//! Where an anomaly map lies.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::ReadError;
use crate::format::Format;

/// Where one anomaly map lies: a file, or one entry of a file that holds many.
///
/// Prints as it is written in a manifest: `map.npy`, `asmaps.pt#12`, `maps.npz#bottle/test/good/000`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MapLocation {
    /// The file.
    pub file: PathBuf,
    /// Which of its maps.
    pub entry: Entry,
}

/// Which map of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entry {
    /// The file holds one map.
    Whole,
    /// The map with this number, from 0, of a stacked file.
    Index(u64),
    /// The map with this name, of an `.npz` file.
    Key(Box<str>),
}

impl MapLocation {
    /// The map that a file holds as a whole.
    pub fn whole(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), entry: Entry::Whole }
    }

    /// Reads `map.npy`, `asmaps.pt#12`, `stack.npy#3` or `maps.npz#some/key`.
    ///
    /// A file that exists under the whole text, `#` included, wins. Otherwise the first `#` that follows the name of
    /// a stacked format separates file and entry; text without one is a file.
    ///
    /// # Errors
    /// An entry of a `.pt` or `.npy` file that is not a number.
    pub fn parse(text: &str) -> Result<Self, ReadError> {
        let whole = Self::whole(text);
        let splits = || text.match_indices('#').map(|(at, _)| (&text[..at], &text[at + 1..]));
        let stacked = |file: &str| Format::of_map(Path::new(file)).is_some_and(Format::may_be_stacked);
        let Some((file, entry)) = splits().find(|(file, _)| stacked(file)) else {
            return Ok(whole);
        };
        if whole.file.exists() {
            return Ok(whole);
        }
        let entry = if Format::of_map(Path::new(file)) == Some(Format::Npz) {
            Entry::Key(entry.into())
        } else {
            let index = entry
                .parse()
                .map_err(|_| ReadError::NoSuchEntry { at: whole, holds: "maps that are numbered from 0".into() })?;
            Entry::Index(index)
        };
        Ok(Self { file: file.into(), entry })
    }
}

impl fmt::Display for MapLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Entry::Whole => write!(f, "{}", self.file.display()),
            entry => write!(f, "{}#{entry}", self.file.display()),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Index(index) => write!(f, "{index}"),
            Self::Key(key) => f.write_str(key),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn entries_follow_a_hash() {
        let index = MapLocation::parse("runs/asmaps.pt#12").unwrap();
        assert_eq!(index, MapLocation { file: "runs/asmaps.pt".into(), entry: Entry::Index(12) });
        assert_eq!(index.to_string(), "runs/asmaps.pt#12");
        let key = MapLocation::parse("maps.NPZ#a/b#c").unwrap();
        assert_eq!(key, MapLocation { file: "maps.NPZ".into(), entry: Entry::Key("a/b#c".into()) });
        assert_eq!(MapLocation::parse("a.npy").unwrap(), MapLocation::whole("a.npy"));
        assert_eq!(MapLocation::parse("odd#1/a.tiff").unwrap(), MapLocation::whole("odd#1/a.tiff"));
        assert_eq!(
            MapLocation::parse("odd#1/a.npy#2").unwrap(),
            MapLocation { file: "odd#1/a.npy".into(), entry: Entry::Index(2) }
        );
    }

    #[test]
    fn an_entry_that_is_not_a_number_is_refused() {
        assert_eq!(
            MapLocation::parse("a.pt#first").unwrap_err().to_string(),
            "a.pt#first: There is no such anomaly map: the file holds maps that are numbered from 0. \
             Name one that it holds."
        );
    }

    #[test]
    fn an_existing_file_wins() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("a.npy#3");
        std::fs::write(&odd, "").unwrap();
        assert_eq!(MapLocation::parse(odd.to_str().unwrap()).unwrap(), MapLocation::whole(odd));
    }
}
