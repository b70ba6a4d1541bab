//! What makes a row struct a table: its columns, its order, its place on disk.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::cell::Cell;
use crate::error::{Result, StoreError};

/// One row of a table. Implemented by the row structs of this crate alone.
pub trait Row: Sized + Clone + PartialEq + std::fmt::Debug + sealed::Sealed {
    /// The table's name; it is stored as `<name>.parquet`.
    const TABLE: &'static str;
    /// The columns that rows are sorted by inside a row group, ascending.
    const ORDER: &'static [&'static str];
    /// Rows of a row group at most: what is held in memory while writing.
    const ROW_GROUP: usize;
    /// Float columns with so few distinct values that a dictionary pays.
    const REPETITIVE: &'static [&'static str];
    /// Collects the columns of rows.
    type Columns: Default + Send;

    /// Name, type and nullability of every column, in file order.
    fn fields() -> Vec<(&'static str, DataType, bool)>;
    /// Adds this row to the columns.
    fn append(&self, columns: &mut Self::Columns);
    /// The columns collected so far, which are empty afterwards.
    fn finish(columns: &mut Self::Columns) -> Vec<ArrayRef>;
    /// All rows of a batch read from `path`.
    ///
    /// # Errors
    /// A column that is missing, has another type, or is null where it must not be.
    fn read(batch: &RecordBatch, path: &Path) -> Result<Vec<Self>>;

    /// The table's Arrow schema.
    fn schema() -> SchemaRef {
        let fields = Self::fields();
        Arc::new(Schema::new(
            fields
                .into_iter()
                .map(|(name, data_type, nullable)| Field::new(name, data_type, nullable))
                .collect::<Vec<_>>(),
        ))
    }

    /// The table's file name inside a run folder.
    fn file_name() -> String {
        format!("{}.parquet", Self::TABLE)
    }
}

pub(crate) mod sealed {
    /// Keeps [`Row`](super::Row) to this crate: files must not differ from their documentation.
    pub trait Sealed {}
}

/// The column `name` of a batch as the array that holds `C`.
pub(crate) fn typed_column<'a, C: Cell>(batch: &'a RecordBatch, name: &str, path: &Path) -> Result<&'a C::Array> {
    let error = |message: String| StoreError::Column { path: path.to_path_buf(), column: name.to_owned(), message };
    let column = batch.column_by_name(name).ok_or_else(|| error("is missing".to_owned()))?;
    C::downcast(column.as_ref())
        .ok_or_else(|| error(format!("has type {}, expected {}", column.data_type(), C::DATA_TYPE)))
}

/// The value of a column at `row`.
pub(crate) fn typed_value<C: Cell>(array: &C::Array, row: usize, name: &str, path: &Path) -> Result<C> {
    C::read(array, row).ok_or_else(|| StoreError::Column {
        path: path.to_path_buf(),
        column: name.to_owned(),
        message: format!("is null at row {row} of a batch, where a value is required"),
    })
}

/// Defines a row struct and everything that follows from its list of columns.
macro_rules! table {
    (
        $(#[$outer:meta])*
        $row:ident, $columns:ident {
            table: $table:literal,
            order: $order:expr,
            row_group: $row_group:expr,
            repetitive: $repetitive:expr,
        }
        { $( $(#[$inner:meta])* $field:ident : $type:ty, )* }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $row {
            $( $(#[$inner])* pub $field: $type, )*
        }

        #[doc = concat!("Collects the columns of [`", stringify!($row), "`]s.")]
        #[derive(Default)]
        pub struct $columns {
            $( pub(crate) $field: <$type as $crate::cell::Cell>::Builder, )*
        }

        impl std::fmt::Debug for $columns {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($columns)).finish_non_exhaustive()
            }
        }

        impl $crate::table::sealed::Sealed for $row {}

        impl $crate::table::Row for $row {
            const TABLE: &'static str = $table;
            const ORDER: &'static [&'static str] = $order;
            const ROW_GROUP: usize = $row_group;
            const REPETITIVE: &'static [&'static str] = $repetitive;
            type Columns = $columns;

            fn fields() -> Vec<(&'static str, arrow::datatypes::DataType, bool)> {
                vec![$((
                    stringify!($field),
                    <$type as $crate::cell::Cell>::DATA_TYPE,
                    <$type as $crate::cell::Cell>::NULLABLE,
                ),)*]
            }

            fn append(&self, columns: &mut Self::Columns) {
                $( $crate::cell::Cell::append(&self.$field, &mut columns.$field); )*
            }

            fn finish(columns: &mut Self::Columns) -> Vec<arrow::array::ArrayRef> {
                vec![$( <$type as $crate::cell::Cell>::finish(&mut columns.$field), )*]
            }

            fn read(
                batch: &arrow::array::RecordBatch,
                path: &std::path::Path,
            ) -> $crate::error::Result<Vec<Self>> {
                $( let $field =
                    $crate::table::typed_column::<$type>(batch, stringify!($field), path)?; )*
                (0..batch.num_rows())
                    .map(|row| Ok(Self {
                        $( $field: $crate::table::typed_value::<$type>(
                            $field, row, stringify!($field), path,
                        )?, )*
                    }))
                    .collect()
            }
        }
    };
}
pub(crate) use table;
