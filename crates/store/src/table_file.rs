//! A Parquet file in the making: row groups that are already encoded are put one after the other.

use std::fs::File;
use std::path::PathBuf;

use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::file::writer::SerializedFileWriter;

use crate::buffer::TableBuffer;
use crate::error::{Result, StoreError};
use crate::format::TableFormat;
use crate::table::Row;

/// An open Parquet file without its footer.
pub(crate) struct TableFile {
    path: PathBuf,
    writer: SerializedFileWriter<File>,
}

impl TableFile {
    /// Creates the file.
    pub(crate) fn create(path: PathBuf, format: &TableFormat) -> Result<Self> {
        let file = File::create(&path).map_err(StoreError::io("create", &path))?;
        let writer = format.file_writer(file).map_err(StoreError::parquet("write", &path))?;
        Ok(Self { path, writer })
    }

    /// Appends one encoded row group.
    pub(crate) fn append(&mut self, chunks: Vec<ArrowColumnChunk>) -> Result<()> {
        let error = || StoreError::parquet("write", &self.path);
        let mut group = self.writer.next_row_group().map_err(error())?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group).map_err(error())?;
        }
        group.close().map_err(error())?;
        Ok(())
    }

    /// Appends the rows of a buffer.
    pub(crate) fn append_all<R: Row>(&mut self, mut buffer: TableBuffer<R>) -> Result<()> {
        for chunks in buffer.take_spilled() {
            self.append(chunks)?;
        }
        if buffer.is_empty() {
            return Ok(());
        }
        let chunks = buffer.encode_rest().map_err(StoreError::parquet("write", &self.path))?;
        self.append(chunks)
    }

    /// Writes the footer. The file is whole afterwards, but may not be on the disk yet.
    pub(crate) fn finish(mut self) -> Result<File> {
        self.writer.finish().map_err(StoreError::parquet("write", &self.path))?;
        // Taking the file out of its writer would hide the system's reason for a failure.
        self.writer.inner().try_clone().map_err(StoreError::io("write", &self.path))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::rows::CategoryRow;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error_of_the_system_with_advice() {
        let format = TableFormat::new::<CategoryRow>(&[]).unwrap();
        let file = TableFile::create(PathBuf::from("/dev/full"), &format).unwrap();
        let error = file.finish().unwrap_err();
        assert!(error.is_system());
        let message = error.to_string();
        assert!(message.starts_with("cannot write /dev/full: "), "{message}");
        assert!(message.contains("free some space"), "{message}");
    }
}
