//! Writes files one by one: each gets its name when it is whole.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::buffer::TableBuffer;
use crate::error::{Result, StoreError};
use crate::format::TableFormat;
use crate::rows::{CurveRow, CurveSlice};
use crate::table::Row;
use crate::table_file::TableFile;

/// Writes one table into one Parquet file, with the schema, encodings and metadata of a run's tables.
///
/// One row group is in memory at a time. Nothing has the file's name before [`StagedFile::publish`].
///
/// ```
/// use pimo_store::{OmnibusRow, TableRows, TableWriter};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("omnibus.parquet");
/// let row = OmnibusRow { category: "screw".into(), test: "friedman".into(), blocks: 119, ..Default::default() };
/// let mut table = TableWriter::create(&path, &[("score".to_owned(), "aupimo".to_owned())])?;
/// table.push(&row)?;
/// table.finish()?.publish()?;
/// let rows = TableRows::<OmnibusRow>::open(&path)?.collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(rows, [row]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TableWriter<R: Row> {
    staged: StagedFile,
    format: Arc<TableFormat>,
    file: TableFile,
    buffer: TableBuffer<R>,
}

impl<R: Row> std::fmt::Debug for TableWriter<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableWriter").field("path", &self.staged.path).finish_non_exhaustive()
    }
}

impl<R: Row> TableWriter<R> {
    /// Starts a file that will be at `path`. `parameters` go into its metadata, as `pimo.parameter.<name>`.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create(path: &Path, parameters: &[(String, String)]) -> Result<Self> {
        let format = Arc::new(TableFormat::new::<R>(parameters)?);
        let staged = StagedFile::new(path);
        let file = TableFile::create(staged.temporary.clone(), &format)?;
        Ok(Self { staged, file, buffer: TableBuffer::new(&format), format })
    }

    /// Adds a row. Rows come in the order that the table promises.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn push(&mut self, row: &R) -> Result<()> {
        self.buffer.push(row);
        if self.buffer.is_full() { self.flush() } else { Ok(()) }
    }

    /// Completes the file and brings it to the disk, without its name yet.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn finish(mut self) -> Result<StagedFile> {
        self.flush()?;
        let file = self.file.finish()?;
        file.sync_all().map_err(StoreError::io("write", &self.staged.path))?;
        Ok(self.staged)
    }

    fn flush(&mut self) -> Result<()> {
        let full = std::mem::replace(&mut self.buffer, TableBuffer::new(&self.format));
        self.file.append_all(full)
    }
}

impl TableWriter<CurveRow> {
    /// Adds the points of a curve.
    ///
    /// # Errors
    /// The slices differ in length, or what the operating system says.
    pub fn push_curve(&mut self, category: &str, curve: &CurveSlice<'_>) -> Result<()> {
        let points = curve.threshold.len();
        if curve.shared_fpr.len() != points || curve.tpr.len() != points {
            return Err(StoreError::Rows {
                table: CurveRow::TABLE,
                message: format!("the curve of image {:?} has columns of different lengths", curve.image_id),
            });
        }
        let mut start = 0;
        while start < points {
            start += self.buffer.push_points(category, curve, start);
            if self.buffer.is_full() {
                self.flush()?;
            }
        }
        Ok(())
    }
}

/// A file that is whole but does not have its name yet. Dropped, it is gone.
#[derive(Debug)]
pub struct StagedFile {
    path: PathBuf,
    temporary: PathBuf,
}

impl StagedFile {
    /// A file that will be at `path`, and is made beside it until then.
    pub fn new(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.pimo-partial", std::process::id()));
        Self { path: path.to_path_buf(), temporary }
    }

    /// A file with this text.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn with_text(path: &Path, text: &str) -> Result<Self> {
        let staged = Self::new(path);
        fs::write(&staged.temporary, text).map_err(StoreError::io("write", path))?;
        Ok(staged)
    }

    /// A file with this value as JSON.
    ///
    /// # Errors
    /// A value that JSON has nothing for, or what the operating system says.
    pub fn with_json(path: &Path, value: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_string_pretty(value).map_err(|error| StoreError::Json {
            path: path.to_path_buf(),
            message: format!("cannot be made: {error}"),
        })?;
        Self::with_text(path, &(text + "\n"))
    }

    /// Where the file is made.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Where the file will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Brings the file to the disk and gives it its name; a file of this name is replaced.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn publish(self) -> Result<PathBuf> {
        let error = || StoreError::io("write", &self.path);
        File::open(&self.temporary).and_then(|file| file.sync_all()).map_err(error())?;
        fs::rename(&self.temporary, &self.path).map_err(error())?;
        Ok(self.path.clone())
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        // After publishing there is nothing of this name any more.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{OmnibusRow, TableRows, output_folder};

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn row_groups_are_written_as_they_fill() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("omnibus.parquet");
        let row = |number: u64| OmnibusRow {
            category: "c".into(),
            test: "friedman".into(),
            blocks: number,
            p: number.is_multiple_of(2).then_some(number as f64),
            ..Default::default()
        };
        let mut table = TableWriter::create(&path, &[]).unwrap();
        let count = 2 * OmnibusRow::ROW_GROUP as u64 + 5;
        for number in 0..count {
            table.push(&row(number)).unwrap();
        }
        let staged = table.finish().unwrap();
        assert!(!path.exists());
        assert_eq!(staged.publish().unwrap(), path);
        let rows = TableRows::<OmnibusRow>::open(&path).unwrap().map(Result::unwrap);
        assert!(rows.eq((0..count).map(row)));
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn what_is_not_published_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, "before").unwrap();
        drop(StagedFile::with_json(&path, &[1]).unwrap());
        let table = TableWriter::<OmnibusRow>::create(&folder.path().join("omnibus.parquet"), &[]).unwrap();
        drop(table);
        assert_eq!((entries(folder.path()), fs::read_to_string(&path).unwrap().as_str()), (1, "before"));
        StagedFile::with_json(&path, &[1]).unwrap().publish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "[\n  1\n]\n");
    }

    #[test]
    fn curves_are_split_into_row_groups() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.parquet");
        let values: Vec<f64> = (0..10_000).map(f64::from).collect();
        let curve = CurveSlice { model: "m", image_id: "i", threshold: &values, shared_fpr: &values, tpr: &values };
        let mut table = TableWriter::<CurveRow>::create(&path, &[]).unwrap();
        table.push_curve("c", &curve).unwrap();
        assert!(table.push_curve("c", &CurveSlice { tpr: &values[1..], ..curve }).is_err());
        table.finish().unwrap().publish().unwrap();
        let rows = TableRows::<CurveRow>::open(&path).unwrap().map(|row| row.unwrap().tpr);
        assert!(rows.eq(values));
    }

    #[test]
    fn what_is_there_is_replaced_only_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/out");
        output_folder(&out, &["a.json"], false).unwrap();
        fs::write(out.join("other"), "").unwrap();
        output_folder(&out, &["a.json"], false).unwrap();
        fs::write(out.join("a.json"), "").unwrap();
        let error = output_folder(&out, &["b.json", "a.json"], false).unwrap_err().to_string();
        assert!(error.contains("a.json exists") && error.contains("--force"), "{error}");
        output_folder(&out, &["a.json"], true).unwrap();
        assert!(matches!(output_folder(&out.join("other"), &[], false), Err(StoreError::OutputNotAFolder { .. })));
    }

    #[test]
    fn a_missing_folder_is_an_error_of_the_system() {
        let folder = tempfile::tempdir().unwrap();
        let error = TableWriter::<OmnibusRow>::create(&folder.path().join("no/omnibus.parquet"), &[]).unwrap_err();
        assert!(error.is_system(), "{error}");
    }
}
