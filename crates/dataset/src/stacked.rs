//! Files that hold many maps, and the paths that tell whose each is.

use std::fs;
use std::path::Path;

use pimo_reader::Entry;

use crate::extension::stem_of_any;
use crate::{Containers, DatasetError};

/// What a path says of its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathParts<'a> {
    pub(crate) category: Option<&'a str>,
    pub(crate) defect: Option<&'a str>,
    pub(crate) stem: &'a str,
}

impl<'a> PathParts<'a> {
    /// Reads `MVTec/bottle/test/broken_large/000.png`: category and defect stand around the last `test` (or
    /// `test_public`), whatever comes before them (the collection) is dropped. Without a `test` they are the two
    /// folders above the file.
    pub(crate) fn of(path: &'a str) -> Option<Self> {
        let separator = if path.contains('/') { '/' } else { '\\' };
        let parts: Vec<&str> = path.split(separator).filter(|part| !matches!(*part, "" | ".")).collect();
        let (file, folders) = parts.split_last()?;
        let stem = stem_of_any(file);
        let is_test = |part: &&str| ["test", "test_public"].iter().any(|test| part.eq_ignore_ascii_case(test));
        let (category, defect) = match folders.iter().rposition(is_test) {
            Some(test) => (test.checked_sub(1).map(|at| folders[at]), Some(*folders.get(test + 1)?)),
            None => match folders {
                [] => (None, None),
                [defect] => (None, Some(*defect)),
                [.., category, defect] => (Some(*category), Some(*defect)),
            },
        };
        Some(Self { category, defect, stem })
    }
}

/// The maps of a stacked file, each with the path of its image.
pub(crate) fn named_maps(
    file: &Path,
    paths: Option<&Path>,
    containers: &dyn Containers,
) -> Result<Vec<(Entry, Box<str>)>, DatasetError> {
    let Some(entries) = containers.maps_in(file)? else {
        return Err(DatasetError::UnknownMaps {
            path: file.to_owned(),
            found: "the file holds a single map".into(),
            expected: "a folder of maps, or a file of many: asmaps.pt, an N x H x W .npy with --paths, an .npz".into(),
        });
    };
    if let Some(list) = paths {
        let paths = read_paths(list)?;
        if paths.len() != entries.len() {
            let message = format!(
                "{} paths for the {} maps of {}; list one path for each map, in the order of the maps",
                paths.len(),
                entries.len(),
                file.display()
            );
            return Err(DatasetError::Malformed { path: list.to_owned(), message });
        }
        return Ok(entries.into_iter().map(|(entry, _)| entry).zip(paths).collect());
    }
    let unnamed = || {
        DatasetError::Usage(format!(
            "{}: the file does not say which image each of its maps belongs to; give --paths FILE with one path a line \
             (such as screw/test/good/000.png), in the order of the maps",
            file.display()
        ))
    };
    entries.into_iter().map(|(entry, path)| Ok((entry, path.ok_or_else(unnamed)?))).collect()
}

/// The largest list of paths that is read: more than ten million usual ones.
const LONGEST_LIST: u64 = 1 << 30;

/// Reads a list of paths: one a line, or a JSON list of strings.
fn read_paths(list: &Path) -> Result<Vec<Box<str>>, DatasetError> {
    let malformed = |message: String| DatasetError::Malformed { path: list.to_owned(), message };
    if !crate::ground::is_file("--paths", list, "a text file with one path a line, or a JSON list of paths")? {
        return Err(DatasetError::WrongKind {
            option: "--paths",
            path: list.to_owned(),
            found: "a folder".into(),
            expected: "a text file with one path a line, or a JSON list of paths",
        });
    }
    let failed = |source| DatasetError::Io { path: list.to_owned(), source };
    let length = fs::metadata(list).map_err(failed)?.len();
    if length > LONGEST_LIST {
        return Err(malformed(format!("{length} bytes are too many for a list of paths; is it the right file?")));
    }
    let bytes = fs::read(list).map_err(failed)?;
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        malformed(format!("line {line} is not valid UTF-8; expected one path a line, or a JSON list of paths"))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(|error| malformed(format!("not a JSON list of paths: {error}")));
    }
    let text = text.trim_end();
    if text.is_empty() {
        return Err(malformed("the list is empty; expected one path a line, or a JSON list of paths".into()));
    }
    text.lines()
        .enumerate()
        .map(|(i, line)| match line.trim() {
            "" => Err(malformed(format!("line {} is empty; expected one path a line", i + 1))),
            path => Ok(path.into()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parts(path: &str) -> (Option<&str>, Option<&str>, &str) {
        let parts = PathParts::of(path).unwrap();
        (parts.category, parts.defect, parts.stem)
    }

    #[test]
    fn category_and_defect_stand_around_test() {
        let broken = (Some("bottle"), Some("broken_large"), "000");
        assert_eq!(parts("MVTec/bottle/test/broken_large/000.png"), broken);
        assert_eq!(parts("/data/test/MVTec/bottle/test/broken_large/000.png"), broken);
        assert_eq!(parts("bottle/test/broken_large/000"), broken);
        assert_eq!(parts("bottle\\test\\broken_large\\000.npy"), broken);
        assert_eq!(parts("./bottle//test/broken_large/000.tiff"), broken);
        assert_eq!(parts("bottle/broken_large/000.npy"), broken);
        assert_eq!(parts("VisA/visa_pytorch/candle/test/bad/000.JPG"), (Some("candle"), Some("bad"), "000"));
        assert_eq!(parts("can/test_public/good/000_regular.png"), (Some("can"), Some("good"), "000_regular"));
        assert_eq!(parts("bagel/test/crack/rgb/004.png"), (Some("bagel"), Some("crack"), "004"));
        assert_eq!(parts("test/good/000.png"), (None, Some("good"), "000"));
        assert_eq!(parts("good/000.png"), (None, Some("good"), "000"));
        assert_eq!(parts("000.png"), (None, None, "000"));
    }

    #[test]
    fn a_path_without_a_defect_says_too_little() {
        assert_eq!(PathParts::of("bottle/test/000.png"), None);
        assert_eq!(PathParts::of(""), None);
    }

    #[test]
    fn lists_of_paths() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("paths");
        let read = |bytes: &[u8]| {
            fs::write(&list, bytes).unwrap();
            read_paths(&list).map_err(|error| error.to_string().split_once(": ").unwrap().1.to_owned())
        };
        let both = Ok(vec!["a/test/good/0.png".into(), "b".into()]);
        assert_eq!(read(b"a/test/good/0.png\nb\n"), both);
        assert_eq!(read(b"\xef\xbb\xbfa/test/good/0.png\r\nb\r\n\r\n"), both);
        assert_eq!(read(b" [\"a/test/good/0.png\", \"b\"]"), both);
        assert_eq!(read(b"a\n\nb"), Err("line 2 is empty; expected one path a line".into()));
        assert_eq!(
            read(b"a\n\xff\n"),
            Err("line 2 is not valid UTF-8; expected one path a line, or a JSON list of paths".into())
        );
        assert_eq!(read(b""), Err("the list is empty; expected one path a line, or a JSON list of paths".into()));
        assert_eq!(
            read(b"[1]"),
            Err("not a JSON list of paths: invalid type: integer `1`, expected a string at line 1 column 2".into())
        );
    }
}
