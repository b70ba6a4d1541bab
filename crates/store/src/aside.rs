//! Parts of a category that were made one after the other, each of other models, and are put together.
//!
//! Tables are sorted by image and then by model, so the rows of a part can't be written before those of the others are
//! there: they wait in files of their own.

use std::iter::Peekable;
use std::marker::PhantomData;
use std::path::PathBuf;

use crate::buffer::TableBuffer;
use crate::error::Result;
use crate::part::CategoryPart;
use crate::published::PublishedScores;
use crate::rows::{AxisRow, CategoryRow, CurveRow, CurveSlice, ImageRow, RegionRow};
use crate::run_writer::OpenRun;
use crate::table::Row;
use crate::table_file::TableFile;
use crate::table_reader::TableRows;

/// The rows of some models of a category, out of memory until [`RunWriter::join`](crate::RunWriter::join) takes them.
/// Dropped, they never were.
#[derive(Debug)]
pub struct PartAside {
    images: Option<FileAside<ImageRow>>,
    curves: Option<FileAside<CurveRow>>,
    axis: Option<FileAside<AxisRow>>,
    regions: Option<FileAside<RegionRow>>,
    metrics: Vec<CategoryRow>,
    published: Vec<(String, PublishedScores)>,
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

/// Adds the rows of parts to one that is still empty, in the order in which the parts together would have come.
pub(crate) fn join(parts: Vec<PartAside>, joined: &mut CategoryPart) -> Result<()> {
    for row in Merged::open(parts.iter().map(|part| &part.images), |row| (&row.image_id, &row.model))? {
        joined.image(&row?)?;
    }
    for row in Merged::open(parts.iter().map(|part| &part.regions), |row| (&row.image_id, &row.model))? {
        joined.region(&row?)?;
    }
    for row in Merged::open(parts.iter().map(|part| &part.axis), |row| ("", &row.model))? {
        joined.axis(&row?)?;
    }
    let curves = Merged::open(parts.iter().map(|part| &part.curves), |row| (&row.image_id, &row.model))?;
    join_curves(curves, joined)?;
    for part in parts {
        part.metrics.into_iter().try_for_each(|row| joined.metric(row))?;
        joined.published.extend(part.published);
    }
    Ok(())
}

/// Adds curves, whose points are rows of their own in the files.
fn join_curves(rows: impl Iterator<Item = Result<CurveRow>>, joined: &mut CategoryPart) -> Result<()> {
    let mut rows = rows.peekable();
    let [mut threshold, mut shared_fpr, mut tpr] = [const { Vec::new() }; 3];
    while let Some(row) = rows.next() {
        let row = row?;
        threshold.push(row.threshold);
        shared_fpr.push(row.shared_fpr);
        tpr.push(row.tpr);
        let goes_on = |next: &CurveRow| (&next.image_id, &next.model) == (&row.image_id, &row.model);
        if !matches!(rows.peek(), Some(Ok(next)) if goes_on(next)) {
            let (model, image_id) = (&row.model, &row.image_id);
            joined.curve(&CurveSlice { model, image_id, threshold: &threshold, shared_fpr: &shared_fpr, tpr: &tpr })?;
            for column in [&mut threshold, &mut shared_fpr, &mut tpr] {
                column.clear();
            }
        }
    }
    Ok(())
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

/// By what rows are sorted.
type Key<R> = for<'r> fn(&'r R) -> (&'r str, &'r str);

/// The rows of several files, each of which is sorted, in the same order.
struct Merged<R: Row> {
    files: Vec<Peekable<TableRows<R>>>,
    key: Key<R>,
}

impl<R: Row> Merged<R> {
    fn open<'f>(files: impl Iterator<Item = &'f Option<FileAside<R>>>, key: Key<R>) -> Result<Self>
    where
        R: 'f,
    {
        let rows = |file: &FileAside<R>| Ok(TableRows::open(&file.path)?.peekable());
        Ok(Self { files: files.flatten().map(rows).collect::<Result<_>>()?, key })
    }
}

impl<R: Row> Iterator for Merged<R> {
    type Item = Result<R>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut first: Option<(usize, (&str, &str))> = None;
        for (index, file) in self.files.iter_mut().enumerate() {
            let key = match file.peek() {
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
        self.files[index].next()
    }
}
