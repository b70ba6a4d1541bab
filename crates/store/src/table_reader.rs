//! Rows of a table, read as they are asked for.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::RowGroupMetaData;

use crate::error::{Result, StoreError};
use crate::table::Row;

/// Rows decoded at a time.
pub(crate) const BATCH_ROWS: usize = 4096;

/// The rows of one table, in file order. A few thousand are in memory at a time.
pub struct TableRows<R> {
    batches: Batches,
    rows: std::vec::IntoIter<R>,
}

impl<R> std::fmt::Debug for TableRows<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableRows").field("path", &self.batches.path).finish_non_exhaustive()
    }
}

impl<R: Row> TableRows<R> {
    /// Opens a table's file.
    ///
    /// # Errors
    /// The file cannot be opened, is no Parquet file, or lacks a column.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_groups(path, |_| true)
    }

    /// Opens a table's file and leaves out the row groups that `wanted` does not want.
    pub(crate) fn open_groups(path: &Path, wanted: impl Fn(&RowGroupMetaData) -> bool) -> Result<Self> {
        Self::of(ParquetFile::open(path)?.keep_groups(wanted), BATCH_ROWS)
    }

    /// Opens a table's file, `rows` rows of which are in memory at a time.
    pub(crate) fn open_by(path: &Path, rows: usize) -> Result<Self> {
        Self::of(ParquetFile::open(path)?, rows)
    }

    fn of(file: ParquetFile, rows: usize) -> Result<Self> {
        let names: Vec<&str> = R::fields().into_iter().map(|(name, _, _)| name).collect();
        file.require(&names)?;
        Ok(Self { batches: file.batches(&names, rows)?, rows: Vec::new().into_iter() })
    }
}

impl<R: Row> Iterator for TableRows<R> {
    type Item = Result<R>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            let batch = match self.batches.next()? {
                Ok(batch) => batch,
                Err(error) => return Some(Err(error)),
            };
            match R::read(&batch, &self.batches.path) {
                Ok(rows) => self.rows = rows.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// A Parquet file whose metadata has been read.
pub(crate) struct ParquetFile {
    path: PathBuf,
    builder: ParquetRecordBatchReaderBuilder<File>,
}

impl ParquetFile {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(StoreError::io("open", path))?;
        // Types are taken from Parquet alone: strings come out the same whichever library wrote them.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = guarded(path, || ParquetRecordBatchReaderBuilder::try_new_with_options(file, options))?;
        Ok(Self { path: path.to_path_buf(), builder })
    }

    /// Number of rows according to the metadata.
    pub(crate) fn num_rows(&self) -> u64 {
        u64::try_from(self.builder.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Names of the columns.
    pub(crate) fn column_names(&self) -> Vec<&str> {
        let fields = self.builder.schema().fields().iter();
        fields.map(|field| field.name().as_str()).collect()
    }

    /// The keys and values of the footer.
    pub(crate) fn key_values(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.builder.metadata().file_metadata().key_value_metadata().into_iter().flatten();
        all.filter_map(|pair| Some((pair.key.as_str(), pair.value.as_deref()?)))
    }

    /// Requires columns to be there.
    pub(crate) fn require(&self, names: &[&str]) -> Result<()> {
        let found = self.column_names();
        match names.iter().find(|name| !found.contains(name)) {
            None => Ok(()),
            Some(missing) => Err(StoreError::Column {
                path: self.path.clone(),
                column: (*missing).to_owned(),
                message: format!("is missing; the file has {}", found.join(", ")),
            }),
        }
    }

    /// Restricts reading to some row groups.
    pub(crate) fn keep_groups(mut self, wanted: impl Fn(&RowGroupMetaData) -> bool) -> Self {
        let metadata = std::sync::Arc::clone(self.builder.metadata());
        let groups = metadata.row_groups().iter().enumerate();
        let kept: Vec<usize> = groups.filter(|(_, group)| wanted(group)).map(|(index, _)| index).collect();
        if kept.len() < metadata.num_row_groups() {
            self.builder = self.builder.with_row_groups(kept);
        }
        self
    }

    /// Refuses columns in a compression that is not read: the library's word for it is that of a damaged file.
    fn check_compression(&self, columns: &[&str]) -> Result<()> {
        let chunks = self.builder.metadata().row_groups().iter().flat_map(RowGroupMetaData::columns);
        for chunk in chunks {
            let name = chunk.column_path().parts().first().map_or("", String::as_str);
            if columns.contains(&name)
                && let Some(compression) = unread(chunk.compression())
            {
                return Err(StoreError::Compression { path: self.path.clone(), column: name.to_owned(), compression });
            }
        }
        Ok(())
    }

    /// Starts reading columns, `rows` rows at a time.
    pub(crate) fn batches(self, columns: &[&str], rows: usize) -> Result<Batches> {
        self.check_compression(columns)?;
        let mask = ProjectionMask::columns(self.builder.parquet_schema(), columns.iter().copied());
        let Self { path, builder } = self;
        let builder = builder.with_projection(mask).with_batch_size(rows);
        let reader = guarded(&path, || builder.build())?;
        Ok(Batches { path, reader: Some(reader) })
    }
}

/// The name of a compression that is not read.
fn unread(compression: Compression) -> Option<&'static str> {
    match compression {
        Compression::BROTLI(_) => Some("brotli"),
        Compression::LZO => Some("lzo"),
        Compression::UNCOMPRESSED
        | Compression::SNAPPY
        | Compression::GZIP(_)
        | Compression::LZ4
        | Compression::LZ4_RAW
        | Compression::ZSTD(_) => None,
    }
}

/// Batches of a Parquet file; the first error ends them.
pub(crate) struct Batches {
    path: PathBuf,
    reader: Option<ParquetRecordBatchReader>,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let next = guarded(&self.path, || Ok(reader.next().transpose()?));
        if !matches!(next, Ok(Some(_))) {
            self.reader = None;
        }
        next.transpose()
    }
}

/// Runs the Parquet library on a file that may be damaged: a panic there is an error about the file.
fn guarded<T>(path: &Path, read: impl FnOnce() -> ParquetResult<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(StoreError::parquet("read", path)),
        Err(_) => Err(StoreError::Parquet {
            path: path.to_path_buf(),
            message: "cannot read as Parquet: it is damaged, write it again".to_owned(),
        }),
    }
}
