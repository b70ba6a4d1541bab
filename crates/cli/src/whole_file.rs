//! Files that appear under their name when they are whole.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use pimo_store::StagedFile;

use crate::exit::{Code, Failure};

/// Writes a file under a hidden name beside it, flushes it to disk and renames it. What fails leaves nothing behind.
///
/// # Errors
/// The operating system refuses, or `content` fails.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let staged = StagedFile::new(path);
    let failed = |error: std::io::Error| unwritable(path, &error);
    let mut out = BufWriter::new(File::create(staged.temporary()).map_err(failed)?);
    content(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    staged.publish()?;
    Ok(())
}

/// A file that the operating system does not take.
pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let message =
        format!("cannot write {}: {error}; choose another place, or make room and check permissions", path.display());
    Failure { code: Code::System, message }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        let failed = write(&path, |out| {
            out.write_all(b"half").unwrap();
            Err(Failure::usage("stop"))
        });
        assert_eq!(failed.unwrap_err().message, "stop");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        write(&path, |out| out.write_all(b"whole").map_err(|error| unwritable(&path, &error))).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let error = write(Path::new("/proc/no/such.html"), |_| Ok(())).unwrap_err();
        assert_eq!(error.code, Code::System);
        assert!(error.message.starts_with("cannot write /proc/no/such.html: "), "{}", error.message);
    }
}
