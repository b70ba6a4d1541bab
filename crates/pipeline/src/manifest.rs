//! Manifests in Parquet.

use std::path::Path;

use pimo_dataset::{DatasetError, ManifestRow};
use pimo_store::{StringTable, StringTableLimits};

use crate::PipelineError;

/// The columns of a manifest that may be there; `map:NAME` for the maps of several detectors besides.
const COLUMNS: [&str; 8] = ["image_id", "category", "map", "mask", "image", "class", "defect", "group"];

/// Names of the columns, and the rows.
type Rows = (Vec<String>, Vec<Result<ManifestRow, DatasetError>>);

/// Reads a manifest's rows.
pub(crate) fn parquet_rows(path: &Path) -> Result<Rows, PipelineError> {
    let mut found = StringTable::column_names(path)?;
    found.retain(|column| COLUMNS.contains(&column.as_str()) || column.starts_with("map:"));
    let wanted: Vec<&str> = found.iter().map(String::as_str).collect();
    let table = StringTable::read(path, &[], &wanted, StringTableLimits::default())?;
    let columns: Vec<String> = table.columns().map(str::to_owned).collect();
    let row = |index: usize| ManifestRow {
        number: index as u64 + 1,
        fields: columns.iter().map(|column| table.get(index, column).map(str::to_owned)).collect(),
    };
    let rows = (0..table.len()).map(|index| Ok(row(index))).collect();
    Ok((columns, rows))
}
