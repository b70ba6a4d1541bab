//! Reads a finished run.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use parquet::file::metadata::RowGroupMetaData;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Result, StoreError};
use crate::limited_file::read_limited;
use crate::record::RunRecord;
use crate::rows::{AxisRow, CategoryRow, Curve, CurveRow, ImageRow, RegionRow};
use crate::summary::Summary;
use crate::table::{Row, typed_column, typed_value};
use crate::table_reader::{BATCH_ROWS, ParquetFile, TableRows};
use crate::{FORMAT_VERSION, RUN_FILE, SUMMARY_FILE};

/// The largest JSON file of a run that is read.
const MAX_JSON_BYTES: u64 = 1 << 30;

/// A finished run.
#[derive(Debug, Clone)]
pub struct RunReader {
    folder: PathBuf,
    record: RunRecord,
}

/// One per-image value, see [`RunReader::scores`].
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredImage {
    /// Name of the detector.
    pub model: String,
    /// Category of the image.
    pub category: String,
    /// The image.
    pub image_id: String,
    /// The value asked for.
    pub value: Option<f64>,
}

impl RunReader {
    /// Opens a run's folder.
    ///
    /// # Errors
    /// The folder holds no finished run, or one of a newer format.
    pub fn open(folder: &Path) -> Result<Self> {
        let not_a_run = |reason: &str| StoreError::NotARun { path: folder.to_path_buf(), reason: reason.to_owned() };
        if !folder.is_dir() {
            return Err(not_a_run("there is no such folder"));
        }
        if !folder.join(RUN_FILE).is_file() {
            return Err(not_a_run("it has no run.json, which is written last: give the folder that `pimo eval` wrote"));
        }
        Ok(Self { record: read_json(&folder.join(RUN_FILE))?, folder: folder.to_path_buf() })
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How the run was made.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// The results for people and scripts.
    ///
    /// # Errors
    /// `summary.json` cannot be read.
    pub fn summary(&self) -> Result<Summary> {
        read_json(&self.folder.join(SUMMARY_FILE))
    }

    /// The images, by category in order of (`image_id`, model).
    ///
    /// # Errors
    /// `images.parquet` cannot be read.
    pub fn images(&self) -> Result<TableRows<ImageRow>> {
        TableRows::open(&self.table::<ImageRow>())
    }

    /// One float column of `images.parquet` for every image, e.g. `aupimo`: one that anomalous images have.
    ///
    /// # Errors
    /// There is no such column (the message lists those there are), or the file cannot be read.
    pub fn scores(&self, column: &str) -> Result<Vec<ScoredImage>> {
        let path = self.table::<ImageRow>();
        let floats = ImageRow::fields().into_iter().filter(|(_, data_type, _)| *data_type == DataType::Float64);
        // Rates of false positives are those of normal images.
        let (normal, scores): (Vec<&str>, Vec<&str>) =
            floats.map(|(name, _, _)| name).partition(|name| name.starts_with("fpr_at_"));
        if !scores.contains(&column) {
            let found = if normal.contains(&column) {
                "is known of normal images only, and anomalous ones are looked at"
            } else {
                "is not a score of images"
            };
            return Err(StoreError::Column {
                path,
                column: column.to_owned(),
                message: format!("{found}; there are {}", scores.join(", ")),
            });
        }
        let names = ["model", "category", "image_id", column];
        let file = ParquetFile::open(&path)?;
        file.require(&names)?;
        let mut scores = Vec::new();
        for batch in file.batches(&names, BATCH_ROWS)? {
            let batch = batch?;
            let text = |name| typed_column::<String>(&batch, name, &path);
            let (models, categories, ids) = (text("model")?, text("category")?, text("image_id")?);
            let values = typed_column::<Option<f64>>(&batch, column, &path)?;
            for row in 0..batch.num_rows() {
                scores.push(ScoredImage {
                    model: typed_value(models, row, "model", &path)?,
                    category: typed_value(categories, row, "category", &path)?,
                    image_id: typed_value(ids, row, "image_id", &path)?,
                    value: typed_value(values, row, column, &path)?,
                });
            }
        }
        Ok(scores)
    }

    /// The PIMO curves of some images, for all models, in file order. Only row groups that may hold them are read.
    /// A run without curves gives none.
    ///
    /// # Errors
    /// `curves.parquet` cannot be read.
    pub fn curves(&self, image_ids: &[&str]) -> Result<Vec<Curve>> {
        let path = self.table::<CurveRow>();
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let wanted: HashSet<&str> = image_ids.iter().copied().collect();
        let rows = TableRows::<CurveRow>::open_groups(&path, |group| may_hold(group, "image_id", &wanted))?;
        let mut curves: Vec<Curve> = Vec::new();
        for row in rows {
            let row = row?;
            if wanted.contains(row.image_id.as_str()) {
                add_point(&mut curves, row);
            }
        }
        Ok(curves)
    }

    /// The shared axes, by category and model.
    ///
    /// # Errors
    /// `axis.parquet` cannot be read.
    pub fn axis(&self) -> Result<TableRows<AxisRow>> {
        TableRows::open(&self.table::<AxisRow>())
    }

    /// The metrics of the categories, the macro averages (`*`) last.
    ///
    /// # Errors
    /// `categories.parquet` cannot be read.
    pub fn categories(&self) -> Result<Vec<CategoryRow>> {
        TableRows::open(&self.table::<CategoryRow>())?.collect()
    }

    /// The connected regions, by category in order of (`image_id`, model, region); `None` if the run has no such table.
    ///
    /// # Errors
    /// `regions.parquet` cannot be read.
    pub fn regions(&self) -> Result<Option<TableRows<RegionRow>>> {
        let path = self.table::<RegionRow>();
        path.is_file().then(|| TableRows::open(&path)).transpose()
    }

    fn table<R: Row>(&self) -> PathBuf {
        self.folder.join(R::file_name())
    }
}

/// Adds a point to the last curve, or starts the next one.
fn add_point(curves: &mut Vec<Curve>, row: CurveRow) {
    let same =
        |curve: &Curve| curve.image_id == row.image_id && curve.model == row.model && curve.category == row.category;
    if !curves.last().is_some_and(same) {
        curves.push(Curve {
            model: row.model,
            category: row.category,
            image_id: row.image_id,
            threshold: Vec::new(),
            shared_fpr: Vec::new(),
            tpr: Vec::new(),
        });
    }
    if let Some(curve) = curves.last_mut() {
        curve.threshold.push(row.threshold);
        curve.shared_fpr.push(row.shared_fpr);
        curve.tpr.push(row.tpr);
    }
}

/// Whether the statistics of a row group allow it to hold one of the wanted strings.
fn may_hold(group: &RowGroupMetaData, column: &str, wanted: &HashSet<&str>) -> bool {
    let statistics = group
        .columns()
        .iter()
        .find(|chunk| chunk.column_path().string() == column)
        .and_then(|chunk| chunk.statistics());
    let Some((min, max)) = statistics.and_then(|it| it.min_bytes_opt().zip(it.max_bytes_opt())) else {
        return true;
    };
    wanted.iter().any(|text| min <= text.as_bytes() && text.as_bytes() <= max)
}

/// A JSON file of a run, after a look at its format version.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    let error = |error: serde_json::Error| StoreError::Json {
        path: path.to_path_buf(),
        message: format!("is not what pimo writes there: {error}"),
    };
    let text = read_limited(path, MAX_JSON_BYTES)?;
    let Version { format_version } = serde_json::from_slice(&text).map_err(error)?;
    if format_version > FORMAT_VERSION {
        return Err(StoreError::NewerFormat { path: path.to_path_buf(), found: format_version, known: FORMAT_VERSION });
    }
    serde_json::from_slice(&text).map_err(error)
}
