//! Text columns of a Parquet file that somebody else wrote, such as a manifest.

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};

use crate::error::{Result, StoreError};
use crate::table_reader::{BATCH_ROWS, ParquetFile};

/// How much of a file a [`StringTable`] may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StringTableLimits {
    /// Rows at most.
    pub rows: u64,
    /// Bytes of memory at most.
    pub bytes: u64,
}

impl Default for StringTableLimits {
    /// 16 million rows, 1 GiB.
    fn default() -> Self {
        Self { rows: 1 << 24, bytes: 1 << 30 }
    }
}

/// Some columns of a Parquet file as text. String columns of any encoding, integers, and booleans
/// (as `true` and `false`) can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringTable {
    rows: usize,
    columns: Vec<StringColumn>,
}

/// One column: all its text in one piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct StringColumn {
    name: String,
    text: String,
    /// Where each value ends in `text`, and whether it is there at all.
    ends: Vec<(usize, bool)>,
}

impl StringTable {
    /// Names of all columns of a file, whatever their types.
    ///
    /// # Errors
    /// The file cannot be read or is no Parquet file.
    pub fn column_names(path: &Path) -> Result<Vec<String>> {
        Ok(ParquetFile::open(path)?.column_names().into_iter().map(str::to_owned).collect())
    }

    /// Reads the columns `required`, which must be there, and those of `optional` that are there.
    ///
    /// # Errors
    /// The file cannot be read, lacks a required column, has one of another type, or exceeds the limits.
    pub fn read(path: &Path, required: &[&str], optional: &[&str], limits: StringTableLimits) -> Result<Self> {
        let file = ParquetFile::open(path)?;
        file.require(required)?;
        let reader = Reader { path: path.to_path_buf(), limits };
        reader.check("the number of rows", file.num_rows(), limits.rows)?;
        let found = file.column_names();
        let names: Vec<&str> =
            required.iter().chain(optional.iter().filter(|name| found.contains(name))).copied().collect();
        let mut table = Self {
            rows: 0,
            columns: names
                .iter()
                .map(|name| StringColumn { name: (*name).to_owned(), ..StringColumn::default() })
                .collect(),
        };
        for batch in file.batches(&names, BATCH_ROWS)? {
            let batch = batch?;
            table.rows += batch.num_rows();
            reader.check("the number of rows", table.rows as u64, limits.rows)?;
            for column in &mut table.columns {
                if let Some(array) = batch.column_by_name(&column.name) {
                    reader.append(column, array.as_ref())?;
                }
            }
            reader.check_size(&table.columns)?;
        }
        Ok(table)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Names of the columns read.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Whether a column was read.
    pub fn has(&self, column: &str) -> bool {
        self.columns().any(|name| name == column)
    }

    /// The value of a column at `row`; `None` if it is null, or there is no such column or row.
    pub fn get(&self, row: usize, column: &str) -> Option<&str> {
        self.columns.iter().find(|it| it.name == column)?.get(row)
    }
}

impl StringColumn {
    fn push(&mut self, value: Option<&str>) {
        self.text.push_str(value.unwrap_or_default());
        self.ends.push((self.text.len(), value.is_some()));
    }

    fn get(&self, row: usize) -> Option<&str> {
        let &(end, present) = self.ends.get(row)?;
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before].0);
        present.then(|| &self.text[start..end])
    }
}

struct Reader {
    path: PathBuf,
    limits: StringTableLimits,
}

impl Reader {
    fn append(&self, column: &mut StringColumn, array: &dyn Array) -> Result<()> {
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().iter().for_each(|value| column.push(value)),
            DataType::Null => (0..array.len()).for_each(|_| column.push(None)),
            DataType::Boolean => append_booleans(column, array),
            DataType::Binary => return self.append_bytes(column, array),
            DataType::Int8 => append_integers::<Int8Type>(column, array),
            DataType::Int16 => append_integers::<Int16Type>(column, array),
            DataType::Int32 => append_integers::<Int32Type>(column, array),
            DataType::Int64 => append_integers::<Int64Type>(column, array),
            DataType::UInt8 => append_integers::<UInt8Type>(column, array),
            DataType::UInt16 => append_integers::<UInt16Type>(column, array),
            DataType::UInt32 => append_integers::<UInt32Type>(column, array),
            DataType::UInt64 => append_integers::<UInt64Type>(column, array),
            other => {
                return Err(self.column(column, format!("has type {other}, expected text, integers or booleans")));
            }
        }
        Ok(())
    }

    /// Some writers do not say that their bytes are text.
    fn append_bytes(&self, column: &mut StringColumn, array: &dyn Array) -> Result<()> {
        for value in array.as_binary::<i32>() {
            let text = value.map(std::str::from_utf8).transpose();
            let text = text.map_err(|_| {
                let row = column.ends.len();
                self.column(column, format!("is not UTF-8 text at row {row}"))
            })?;
            column.push(text);
        }
        Ok(())
    }

    fn check_size(&self, columns: &[StringColumn]) -> Result<()> {
        let bytes: usize =
            columns.iter().map(|column| column.text.len() + column.ends.len() * size_of::<(usize, bool)>()).sum();
        self.check("the size of its text in bytes", bytes as u64, self.limits.bytes)
    }

    fn check(&self, what: &'static str, found: u64, limit: u64) -> Result<()> {
        if found <= limit {
            return Ok(());
        }
        Err(StoreError::TooLarge { path: self.path.clone(), what, found, limit })
    }

    fn column(&self, column: &StringColumn, message: String) -> StoreError {
        StoreError::Column { path: self.path.clone(), column: column.name.clone(), message }
    }
}

fn append_integers<T: ArrowPrimitiveType>(column: &mut StringColumn, array: &dyn Array)
where
    T::Native: std::fmt::Display,
{
    for value in array.as_primitive::<T>() {
        column.push(value.map(|integer| integer.to_string()).as_deref());
    }
}

fn append_booleans(column: &mut StringColumn, array: &dyn Array) {
    for value in array.as_boolean() {
        column.push(value.map(|value| if value { "true" } else { "false" }));
    }
}
