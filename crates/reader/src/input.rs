//! An open file and where in it a map lies: positioned reads, and errors that name both.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use pimo_frame::Size;

use crate::error::Result;
use crate::{Entry, MapLocation, ReadError};

/// A file opened for positioned reads. Cheap to clone: the clones share the open file.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    file: Arc<File>,
    len: u64,
    at: MapLocation,
}

impl Input {
    /// Opens the file at this location.
    pub(crate) fn open(at: &MapLocation) -> Result<Self> {
        let system = |action| move |source| ReadError::System { at: at.clone(), action, source };
        // Opening a pipe without this flag would wait for someone to write into it.
        let without_waiting = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        let file =
            OpenOptions::new().read(true).custom_flags(without_waiting).open(&at.file).map_err(system("opened"))?;
        let metadata = file.metadata().map_err(system("read"))?;
        let input = Self { file: Arc::new(file), len: metadata.len(), at: at.clone() };
        if !metadata.is_file() {
            return Err(input.unsupported("This is not a regular file", "Give the path of a file"));
        }
        if input.len == 0 {
            return Err(input.unsupported("The file is empty", "Copy or write it again"));
        }
        Ok(input)
    }

    /// The same file, with errors naming another of its entries.
    pub(crate) fn entry(&self, entry: Entry) -> Self {
        Self { at: MapLocation { file: self.at.file.clone(), entry }, ..self.clone() }
    }

    /// Where this is, for errors.
    pub(crate) const fn location(&self) -> &MapLocation {
        &self.at
    }

    pub(crate) fn path(&self) -> &Path {
        &self.at.file
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Length of the file when it was opened.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Fills `buffer` from byte `offset` of the file on; `what` is named if the file ends before.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8], what: &str) -> Result<()> {
        self.check_range(offset, buffer.len() as u64, what)?;
        self.file.read_exact_at(buffer, offset).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => {
                let now = self.file.metadata().map_or(0, |metadata| metadata.len());
                self.truncated(what, buffer.len() as u64, now.saturating_sub(offset))
            }
            _ => self.system("read", source),
        })
    }

    /// Fails unless the file has `needed` bytes from `offset` on.
    pub(crate) fn check_range(&self, offset: u64, needed: u64, what: &str) -> Result<()> {
        let available = self.len.saturating_sub(offset);
        if needed > available { Err(self.truncated(what, needed, available)) } else { Ok(()) }
    }

    /// Fails unless every side has a pixel.
    pub(crate) fn check_size(&self, size: Size) -> Result<Size> {
        if size.pixels() == 0 { Err(ReadError::Empty { at: self.at.clone(), size }) } else { Ok(size) }
    }

    /// Fails if more memory is needed than allowed.
    pub(crate) fn check_memory(&self, needed: u64, limit: u64) -> Result<()> {
        if needed > limit { Err(self.too_large(needed, limit)) } else { Ok(()) }
    }

    /// A buffered reader over bytes `start..end` of the file.
    pub(crate) fn range(&self, start: u64, end: u64) -> RangeReader {
        let end = end.min(self.len);
        RangeReader {
            input: self.clone(),
            next: start.min(end),
            start: start.min(end),
            end,
            buffer: Vec::new(),
            used: 0,
        }
    }

    pub(crate) fn system(&self, action: &'static str, source: io::Error) -> ReadError {
        ReadError::System { at: self.at.clone(), action, source }
    }

    pub(crate) fn truncated(&self, what: &str, needed: u64, available: u64) -> ReadError {
        ReadError::Truncated { at: self.at.clone(), what: what.into(), needed, available }
    }

    pub(crate) fn malformed(&self, format: &'static str, what: impl Into<String>) -> ReadError {
        // What a decoder says may be a sentence already.
        let what = what.into().trim_end_matches('.').to_owned();
        ReadError::Malformed { at: self.at.clone(), format, what }
    }

    pub(crate) fn unsupported(&self, what: impl Into<String>, cure: impl Into<String>) -> ReadError {
        ReadError::Unsupported { at: self.at.clone(), what: what.into(), cure: cure.into() }
    }

    pub(crate) fn too_large(&self, needed: u64, limit: u64) -> ReadError {
        ReadError::TooLarge { at: self.at.clone(), needed, limit }
    }

    /// What a decoder's I/O error means: a damaged file when the bytes ran out or made no sense.
    pub(crate) fn decoder_io(&self, format: &'static str, source: io::Error) -> ReadError {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => self.malformed(format, "it ends too early"),
            _ if source.raw_os_error().is_some() => self.system("read", source),
            _ => self.malformed(format, source.to_string()),
        }
    }
}

/// Reads a range of a file through a buffer, without moving a file cursor that others may use.
#[derive(Debug)]
pub(crate) struct RangeReader {
    input: Input,
    /// Where the buffer is filled from next.
    next: u64,
    start: u64,
    end: u64,
    buffer: Vec<u8>,
    used: usize,
}

impl RangeReader {
    const BUFFER: u64 = 1 << 16;

    /// Byte of the file that is read next.
    pub(crate) fn position(&self) -> u64 {
        self.next - (self.buffer.len() - self.used) as u64
    }
}

impl BufRead for RangeReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used == self.buffer.len() {
            self.buffer.resize((self.end - self.next).min(Self::BUFFER) as usize, 0);
            self.used = 0;
            if let Err(error) = self.input.file.read_exact_at(&mut self.buffer, self.next) {
                self.buffer.clear();
                return Err(error);
            }
            self.next += self.buffer.len() as u64;
        }
        Ok(&self.buffer[self.used..])
    }

    fn consume(&mut self, amount: usize) {
        self.used = (self.used + amount).min(self.buffer.len());
    }
}

impl Read for RangeReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let buffered = self.fill_buf()?;
        let count = buffered.len().min(into.len());
        into[..count].copy_from_slice(&buffered[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl Seek for RangeReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => self.start.checked_add(offset),
            SeekFrom::End(offset) => self.end.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position().checked_add_signed(offset),
        };
        let target = target.filter(|&target| target >= self.start).ok_or(io::ErrorKind::InvalidInput)?;
        let target = target.min(self.end);
        let buffer_start = self.next - self.buffer.len() as u64;
        if (buffer_start..=self.next).contains(&target) {
            self.used = (target - buffer_start) as usize;
        } else {
            self.buffer.clear();
            self.used = 0;
            self.next = target;
        }
        Ok(target - self.start)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn input(bytes: &[u8]) -> (tempfile::TempDir, Input) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let input = Input::open(&MapLocation::whole(path)).unwrap();
        (folder, input)
    }

    #[test]
    fn a_range_reads_and_seeks_like_a_file() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i / 7) as u8).collect();
        let (_folder, input) = input(&bytes);
        let mut range = input.range(10, 190_000);
        let mut all = Vec::new();
        range.read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes[10..190_000]);
        for target in [5, 70_000, 70_001, 0, 189_989] {
            assert_eq!(range.seek(SeekFrom::Start(target)).unwrap(), target);
            let mut byte = [0];
            range.read_exact(&mut byte).unwrap();
            assert_eq!(byte[0], bytes[10 + target as usize]);
            assert_eq!(range.position(), 11 + target);
        }
        assert!(range.seek(SeekFrom::Current(-1_000_000)).is_err());
    }

    #[test]
    fn reading_behind_the_end_says_what_is_missing() {
        let (_folder, input) = input(&[0; 10]);
        let message = input.read_at(4, &mut [0; 8], "the header").unwrap_err().to_string();
        assert!(message.ends_with(
            "file: The file is truncated: the header needs 8 bytes, but only 6 are there. Copy or write the file again."
        ));
    }
}
