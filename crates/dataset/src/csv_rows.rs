//! The rows of a CSV file, read one by one and never more of it than a row may be long.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::rc::Rc;

use crate::DatasetError;
use crate::error::shortened;
use crate::manifest::Row;

/// The largest row of a manifest: paths are thousands of times shorter.
const LONGEST_ROW: u64 = 1 << 20;

/// The rows of a CSV file, the header among them.
pub(crate) struct CsvRows {
    path: PathBuf,
    reader: csv::Reader<Limited>,
    record: csv::ByteRecord,
    left: Rc<Cell<u64>>,
    /// Where the record that is being read starts.
    line: u64,
    failed: bool,
}

/// A file that ends in an error once `left` bytes have been read, so that an open quote does not fill the memory.
struct Limited {
    file: File,
    left: Rc<Cell<u64>>,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.file.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(read as u64));
        Ok(read)
    }
}

impl CsvRows {
    pub(crate) fn new(file: File, path: PathBuf) -> Self {
        let left = Rc::new(Cell::new(LONGEST_ROW));
        let limited = Limited { file, left: Rc::clone(&left) };
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(limited);
        Self { path, reader, record: csv::ByteRecord::new(), left, line: 1, failed: false }
    }

    fn error(&self, error: csv::Error) -> DatasetError {
        let line = self.line;
        let source = match error.into_kind() {
            csv::ErrorKind::Io(source) => source,
            other => io::Error::other(format!("{other:?}")),
        };
        if source.kind() == io::ErrorKind::FileTooLarge {
            let message = format!("line {line}: the row is over {LONGEST_ROW} bytes long; close every quote");
            return DatasetError::Malformed { path: self.path.clone(), message };
        }
        DatasetError::Io { path: self.path.clone(), source }
    }

    /// The fields of the record that has just been read.
    fn row(&self) -> Row {
        let number = self.record.position().map_or(0, csv::Position::line);
        Row { number, fields: self.record.iter().map(text).collect() }
    }
}

fn text(field: &[u8]) -> Result<Option<String>, String> {
    match str::from_utf8(field) {
        Ok("") => Ok(None),
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => {
            let text = String::from_utf8_lossy(field);
            Err(format!("the field `{}` is not valid UTF-8; save the manifest as UTF-8", shortened(&text)))
        }
    }
}

impl Iterator for CsvRows {
    type Item = Result<Row, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        self.left.set(LONGEST_ROW);
        self.line = self.reader.position().line();
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => Some(Ok(self.row())),
            Ok(false) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(self.error(error)))
            }
        }
    }
}
