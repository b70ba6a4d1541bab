//! Rows of one table on their way to a file: one row group in memory, full ones encoded and spilled.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::ArrayRef;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::errors::Result as ParquetResult;

use crate::error::{Result, StoreError};
use crate::format::TableFormat;
use crate::rows::{CurveRow, CurveSlice};
use crate::spill::Spill;
use crate::table::Row;

/// Rows of one category that are not committed yet. Nothing is allocated before the first row.
pub(crate) struct TableBuffer<R: Row> {
    format: Arc<TableFormat>,
    columns: Option<R::Columns>,
    rows: usize,
    spill: Option<Spill>,
    spilled: Vec<Vec<ArrowColumnChunk>>,
}

impl<R: Row> TableBuffer<R> {
    pub(crate) fn new(format: &Arc<TableFormat>) -> Self {
        Self { format: Arc::clone(format), columns: None, rows: 0, spill: None, spilled: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &R) {
        row.append(self.columns.get_or_insert_default());
        self.rows += 1;
    }

    /// Whether the row group in memory has all the rows it may have.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= R::ROW_GROUP
    }

    /// Whether no row is in memory.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Moves a full row group to the spill file, which `path` names if it does not exist yet.
    pub(crate) fn spill_if_full(&mut self, path: impl FnOnce() -> PathBuf) -> Result<()> {
        if !self.is_full() {
            return Ok(());
        }
        let spill = match &self.spill {
            Some(spill) => spill.clone(),
            None => self.spill.insert(Spill::create(&path())?).clone(),
        };
        let columns = self.take_columns();
        let chunks = self
            .format
            .encode(&columns, Some(Arc::new(spill.clone())))
            .map_err(StoreError::parquet("write", spill.path()))?;
        self.spilled.push(chunks);
        Ok(())
    }

    /// Whether no row has been added.
    pub(crate) fn has_no_rows(&self) -> bool {
        self.is_empty() && self.spilled.is_empty()
    }

    /// How the rows are laid out.
    pub(crate) fn format(&self) -> Arc<TableFormat> {
        Arc::clone(&self.format)
    }

    /// The row groups that were full, in order.
    pub(crate) fn take_spilled(&mut self) -> Vec<Vec<ArrowColumnChunk>> {
        std::mem::take(&mut self.spilled)
    }

    /// Encodes the rows that are still in memory.
    pub(crate) fn encode_rest(&mut self) -> ParquetResult<Vec<ArrowColumnChunk>> {
        let columns = self.take_columns();
        self.format.encode(&columns, None)
    }

    fn take_columns(&mut self) -> Vec<ArrayRef> {
        self.rows = 0;
        R::finish(&mut self.columns.take().unwrap_or_default())
    }
}

impl TableBuffer<CurveRow> {
    /// Adds as many points of a curve as fit the row group, from its point `start` on; returns how many.
    pub(crate) fn push_points(&mut self, category: &str, curve: &CurveSlice<'_>, start: usize) -> usize {
        let room = CurveRow::ROW_GROUP - self.rows;
        let count = room.min(curve.threshold.len() - start);
        let range = start..start + count;
        let columns = self.columns.get_or_insert_default();
        columns.model.append_value_n(curve.model, count);
        columns.category.append_value_n(category, count);
        columns.image_id.append_value_n(curve.image_id, count);
        columns.threshold.append_slice(&curve.threshold[range.clone()]);
        columns.shared_fpr.append_slice(&curve.shared_fpr[range.clone()]);
        columns.tpr.append_slice(&curve.tpr[range]);
        self.rows += count;
        count
    }
}
