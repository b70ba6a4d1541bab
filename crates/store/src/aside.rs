//! Parts of a category that were made one after the other, each of other models, and are put together.
//!
//! Tables are sorted by image and then by model, so the rows of a part can't be written before those of the others are
//! there: they wait in files of their own.

use std::iter::Peekable;
use std::marker::PhantomData;
use std::path::PathBuf;

use arrow::array::RecordBatch;

use crate::buffer::TableBuffer;
use crate::error::{Result, StoreError};
use crate::part::CategoryPart;
use crate::rows::{AxisRow, CategoryRow, CurveRow, CurveSlice, ImageRow, RegionRow};
use crate::run_writer::OpenRun;
use crate::table::{Row, typed_column};
use crate::table_file::TableFile;
use crate::table_reader::{Batches, ParquetFile, TableRows};

/// Rows of each file that are in memory at a time.
const ROWS_AT_A_TIME: usize = 256;

/// The rows of some models of a category, out of memory until [`RunWriter::join`](crate::RunWriter::join) takes them.
/// Dropped, they never were.
#[derive(Debug)]
pub struct PartAside {
    images: Option<FileAside<ImageRow>>,
    curves: Option<FileAside<CurveRow>>,
    axis: Option<FileAside<AxisRow>>,
    regions: Option<FileAside<RegionRow>>,
    metrics: Vec<CategoryRow>,
    published: Vec<String>,
}

/// A file of rows that is removed when nobody needs it any more.
#[derive(Debug)]
struct FileAside<R> {
    path: PathBuf,
    rows: PhantomData<fn(R)>,
}

impl<R> Drop for FileAside<R> {
    fn drop(&mut self) {
        // What is left behind goes with the folder that it lies in.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl PartAside {
    /// Writes the rows of a part to files of their own.
    pub(crate) fn of(part: CategoryPart) -> Result<Self> {
        let CategoryPart { run, tables, published, .. } = part;
        Ok(Self {
            images: aside(&run, tables.images)?,
            curves: aside(&run, tables.curves)?,
            axis: aside(&run, tables.axis)?,
            regions: aside(&run, tables.regions)?,
            metrics: tables.metrics,
            published,
        })
    }
}

/// Writes what a buffer holds to a file of its own, if it holds anything.
fn aside<R: Row>(run: &OpenRun, buffer: TableBuffer<R>) -> Result<Option<FileAside<R>>> {
    if buffer.has_no_rows() {
        return Ok(None);
    }
    let aside = FileAside { path: run.temporary_path("aside"), rows: PhantomData };
    let mut file = TableFile::create(aside.path.clone(), &buffer.format())?;
    file.append_all(buffer)?;
    file.finish()?;
    Ok(Some(aside))
}

/// Adds the rows of parts to one that is still empty, in the order in which the parts together would have come; false
/// as soon as it is not to go on.
pub(crate) fn join(parts: Vec<PartAside>, joined: &mut CategoryPart, go_on: &dyn Fn() -> bool) -> Result<bool> {
    let images = merged(parts.iter().map(|part| &part.images), |row| (&row.image_id, &row.model))?;
    let regions = merged(parts.iter().map(|part| &part.regions), |row| (&row.image_id, &row.model))?;
    let axis = merged(parts.iter().map(|part| &part.axis), |row| ("", &row.model))?;
    let whole = add_all(images, go_on, |row| joined.image(&row))?
        && add_all(regions, go_on, |row| joined.region(&row))?
        && add_all(axis, go_on, |row| joined.axis(&row))?
        && add_all(merged_curves(&parts)?, go_on, |curve| joined.curve(&curve.slice()))?;
    if !whole {
        return Ok(false);
    }
    for part in parts {
        part.metrics.into_iter().try_for_each(|row| joined.next_metric(row))?;
        joined.published.extend(part.published);
    }
    Ok(true)
}

/// Adds rows as long as it is to go on; whether that were all.
fn add_all<T>(
    rows: impl Iterator<Item = Result<T>>,
    go_on: &dyn Fn() -> bool,
    mut add: impl FnMut(T) -> Result<()>,
) -> Result<bool> {
    for row in rows {
        add(row?)?;
        if !go_on() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// By what rows are sorted.
type Key<T> = for<'r> fn(&'r T) -> (&'r str, &'r str);

/// What several sources have, each of them sorted, in the same order.
struct Merged<I: Iterator, T> {
    sources: Vec<Peekable<I>>,
    key: Key<T>,
}

/// The rows of several files.
fn merged<'f, R: Row + 'f>(
    files: impl Iterator<Item = &'f Option<FileAside<R>>>,
    key: Key<R>,
) -> Result<Merged<TableRows<R>, R>> {
    let rows = |file: &FileAside<R>| Ok(TableRows::open_by(&file.path, ROWS_AT_A_TIME)?.peekable());
    Ok(Merged { sources: files.flatten().map(rows).collect::<Result<_>>()?, key })
}

/// The curves of several parts, each of them whole.
fn merged_curves(parts: &[PartAside]) -> Result<Merged<StoredCurves, StoredCurve>> {
    let files = parts.iter().filter_map(|part| part.curves.as_ref());
    let sources = files.map(|file| StoredCurves::open(file.path.clone())).collect::<Result<_>>()?;
    Ok(Merged { sources, key: |curve| (&curve.image_id, &curve.model) })
}

impl<I: Iterator<Item = Result<T>>, T> Iterator for Merged<I, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut first: Option<(usize, (&str, &str))> = None;
        for (index, source) in self.sources.iter_mut().enumerate() {
            let key = match source.peek() {
                None => continue,
                // An error comes before all rows.
                Some(Err(_)) => ("", ""),
                Some(Ok(row)) => (self.key)(row),
            };
            if first.is_none_or(|(_, least)| key < least) {
                first = Some((index, key));
            }
        }
        let (index, _) = first?;
        self.sources[index].next()
    }
}

/// The curve of one image and model.
struct StoredCurve {
    image_id: String,
    model: String,
    threshold: Vec<f64>,
    shared_fpr: Vec<f64>,
    tpr: Vec<f64>,
}

impl StoredCurve {
    fn slice(&self) -> CurveSlice<'_> {
        let Self { image_id, model, threshold, shared_fpr, tpr } = self;
        CurveSlice { model, image_id, threshold, shared_fpr, tpr }
    }
}

/// The curves in a file, whose points are rows of their own there.
struct StoredCurves {
    path: PathBuf,
    batches: Batches,
    /// What has been read but not taken, from this row on.
    batch: Option<RecordBatch>,
    from: usize,
}

impl StoredCurves {
    fn open(path: PathBuf) -> Result<Peekable<Self>> {
        let columns = ["model", "image_id", "threshold", "shared_fpr", "tpr"];
        let batches = ParquetFile::open(&path)?.batches(&columns, ROWS_AT_A_TIME)?;
        Ok(Self { path, batches, batch: None, from: 0 }.peekable())
    }

    /// Takes the points at hand that belong to the curve, or begin one; false if there is nothing more of it.
    fn take_points(&mut self, curve: &mut Option<StoredCurve>) -> Result<bool> {
        if self.batch.as_ref().is_none_or(|batch| self.from == batch.num_rows()) {
            self.batch = self.batches.next().transpose()?;
            self.from = 0;
        }
        let Some(batch) = &self.batch else { return Ok(false) };
        let text = |name| typed_column::<String>(batch, name, &self.path);
        let numbers = |name| typed_column::<f64>(batch, name, &self.path);
        let (models, images) = (text("model")?, text("image_id")?);
        let named = |row: usize| (images.value(row), models.value(row));
        let curve = curve.get_or_insert_with(|| {
            let (image_id, model) = named(self.from);
            let [threshold, shared_fpr, tpr] = [const { Vec::new() }; 3];
            StoredCurve { image_id: image_id.to_owned(), model: model.to_owned(), threshold, shared_fpr, tpr }
        });
        let same = |&row: &usize| named(row) == (curve.image_id.as_str(), curve.model.as_str());
        let points = self.from..self.from + (self.from..batch.num_rows()).take_while(same).count();
        curve.threshold.extend_from_slice(&numbers("threshold")?.values()[points.clone()]);
        curve.shared_fpr.extend_from_slice(&numbers("shared_fpr")?.values()[points.clone()]);
        curve.tpr.extend_from_slice(&numbers("tpr")?.values()[points.clone()]);
        self.from = points.end;
        Ok(self.from == batch.num_rows())
    }
}

impl Iterator for StoredCurves {
    type Item = Result<StoredCurve>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut curve = None;
        loop {
            match self.take_points(&mut curve) {
                Ok(true) => {}
                Ok(false) => return curve.map(Ok),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl CategoryPart {
    /// Adds a metric of a model that does not come before that of the one before.
    fn next_metric(&mut self, row: CategoryRow) -> Result<()> {
        if let Some(last) = self.tables.metrics.last().filter(|last| last.model > row.model) {
            return Err(StoreError::Rows {
                table: CategoryRow::TABLE,
                message: format!("the model {:?} after {:?}, expected parts in ascending order", row.model, last.model),
            });
        }
        self.metric(row)
    }
}
