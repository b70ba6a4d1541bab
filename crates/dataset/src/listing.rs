//! The names in one folder, read in one pass.

use std::fs::{self, DirEntry, FileType};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::extension::stem_of;
use crate::{DatasetError, Problem, ProblemKind};

/// What one folder holds, sorted by name. Hidden names (with a leading dot) are left out.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) files: Vec<Box<str>>,
    pub(crate) folders: Vec<Box<str>>,
    /// Names that can't be used: broken links, names that are not UTF-8.
    pub(crate) problems: Vec<Problem>,
}

impl Listing {
    /// Reads a folder; none if there is no folder at this path.
    ///
    /// The kind of an entry comes from the folder itself; only symbolic links cost another look.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, DatasetError> {
        let failed = |source| DatasetError::Io { path: path.to_owned(), source };
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut listing = Self::default();
        for entry in entries {
            listing.add(&entry.map_err(failed)?).map_err(failed)?;
        }
        listing.files.sort_unstable();
        listing.folders.sort_unstable();
        listing.problems.sort_unstable();
        Ok(Some(listing))
    }

    fn add(&mut self, entry: &DirEntry) -> io::Result<()> {
        let name = match entry.file_name().into_string() {
            Ok(name) if name.starts_with('.') => return Ok(()),
            Ok(name) => name.into_boxed_str(),
            Err(name) => {
                let message = format!(
                    "the name `{}` is not valid UTF-8; rename the file so that image ids can be written",
                    name.to_string_lossy()
                );
                self.problems.push(Problem::new(ProblemKind::NotUtf8, entry.path(), message));
                return Ok(());
            }
        };
        match kind(entry)? {
            Some(kind) if kind.is_dir() => self.folders.push(name),
            Some(kind) if kind.is_file() => self.files.push(name),
            Some(_) => {}
            None => {
                let message = "a symbolic link that leads nowhere; restore what it points at, or remove the link";
                self.problems.push(Problem::new(ProblemKind::BrokenLink, entry.path(), message));
            }
        }
        Ok(())
    }

    /// The files with one of these endings, sorted by stem; and how many others there are.
    pub(crate) fn named(self, known: &'static [&'static str]) -> (Named, usize) {
        let all = self.files.len();
        let mut names: Vec<Box<str>> = self.files;
        names.retain(|name| stem_of(name, known).is_some());
        names.sort_unstable_by(|a, b| stem_of(a, known).cmp(&stem_of(b, known)).then_with(|| a.cmp(b)));
        let others = all - names.len();
        (Named { names, known }, others)
    }

    pub(crate) fn has_folder(&self, name: &str) -> bool {
        self.folders.binary_search_by(|folder| (**folder).cmp(name)).is_ok()
    }

    pub(crate) fn has_file(&self, name: &str) -> bool {
        self.files.binary_search_by(|file| (**file).cmp(name)).is_ok()
    }

    /// What is in the folder, for a message: `folders good, bad; 3 files (000.npy, ...)`.
    pub(crate) fn described(&self) -> String {
        let folders = match self.folders.len() {
            0 => "no folders".to_owned(),
            _ => format!("folders {}", crate::error::listing(&self.folders)),
        };
        let files = match self.files.as_slice() {
            [] => "no files".to_owned(),
            [only] => format!("the file {only}"),
            [first, ..] => format!("{} files such as {first}", self.files.len()),
        };
        format!("it holds {folders} and {files}")
    }
}

/// The kind of an entry with links followed; none for a link that leads nowhere.
fn kind(entry: &DirEntry) -> io::Result<Option<FileType>> {
    let kind = entry.file_type()?;
    if !kind.is_symlink() {
        return Ok(Some(kind));
    }
    // Following fails for a missing target, a loop and a target behind a closed folder alike: none can be used.
    Ok(fs::metadata(entry.path()).ok().map(|target| target.file_type()))
}

/// Files of one sort in a folder, sorted by stem.
#[derive(Debug, Default)]
pub(crate) struct Named {
    names: Vec<Box<str>>,
    known: &'static [&'static str],
}

impl Named {
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// All files with this stem.
    pub(crate) fn of(&self, stem: &str) -> &[Box<str>] {
        let start = self.names.partition_point(|name| self.stem(name) < stem);
        let length = self.names[start..].partition_point(|name| self.stem(name) == stem);
        &self.names[start..start + length]
    }

    /// Stems with their files.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&str, &[Box<str>])> {
        self.names.chunk_by(|a, b| self.stem(a) == self.stem(b)).map(|files| (self.stem(&files[0]), files))
    }

    fn stem<'a>(&self, name: &'a str) -> &'a str {
        stem_of(name, self.known).unwrap_or(name)
    }
}
