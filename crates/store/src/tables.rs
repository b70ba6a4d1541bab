//! The Parquet files of a run as categories are added to them.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use crate::buffer::TableBuffer;
use crate::error::{Result, StoreError};
use crate::format::TableFormat;
use crate::part::PartTables;
use crate::rows::{AxisRow, CategoryRow, CurveRow, ImageRow, RegionRow};
use crate::table::Row;
use crate::table_file::TableFile;

/// Where a file is made, by its final name.
pub(crate) type Place<'a> = &'a (dyn Fn(&str) -> PathBuf + Sync);

/// Stack of the thread that encodes curves: what it needs lies on the heap, and stacks count as memory.
const ENCODER_STACK: usize = 1 << 19;

/// The formats of a run's tables.
#[derive(Debug)]
pub(crate) struct Formats {
    pub(crate) images: Arc<TableFormat>,
    pub(crate) curves: Arc<TableFormat>,
    pub(crate) axis: Arc<TableFormat>,
    pub(crate) regions: Arc<TableFormat>,
    pub(crate) categories: Arc<TableFormat>,
}

impl Formats {
    /// Formats whose files carry the run's parameters.
    pub(crate) fn new(parameters: &[(String, String)]) -> Result<Self> {
        Ok(Self {
            images: Arc::new(TableFormat::new::<ImageRow>(parameters)?),
            curves: Arc::new(TableFormat::new::<CurveRow>(parameters)?),
            axis: Arc::new(TableFormat::new::<AxisRow>(parameters)?),
            regions: Arc::new(TableFormat::new::<RegionRow>(parameters)?),
            categories: Arc::new(TableFormat::new::<CategoryRow>(parameters)?),
        })
    }
}

/// All tables of a run.
pub(crate) struct Tables {
    images: Slot<ImageRow>,
    curves: Slot<CurveRow>,
    axis: Slot<AxisRow>,
    regions: Slot<RegionRow>,
    categories: Slot<CategoryRow>,
    /// A category has few metrics: they are put together into large row groups.
    metrics: TableBuffer<CategoryRow>,
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

impl Tables {
    /// No file is created yet.
    pub(crate) fn new(formats: &Formats) -> Self {
        Self {
            images: Slot::new(&formats.images),
            curves: Slot::new(&formats.curves),
            axis: Slot::new(&formats.axis),
            regions: Slot::new(&formats.regions),
            categories: Slot::new(&formats.categories),
            metrics: TableBuffer::new(&formats.categories),
        }
    }

    /// Appends the rows of a category. Curves have most of the rows: they are encoded beside the others.
    pub(crate) fn add(&mut self, part: PartTables, place: Place<'_>) -> Result<()> {
        let curves = &mut self.curves;
        std::thread::scope(|scope| {
            let curves = std::thread::Builder::new()
                .stack_size(ENCODER_STACK)
                .spawn_scoped(scope, || curves.add(part.curves, place))
                .map_err(StoreError::io("start a thread that writes", &place(&CurveRow::file_name())))?;
            self.images.add(part.images, place)?;
            self.axis.add(part.axis, place)?;
            self.regions.add(part.regions, place)?;
            curves.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        self.add_metrics(&part.metrics, place)
    }

    /// Appends metrics of categories.
    pub(crate) fn add_metrics(&mut self, rows: &[CategoryRow], place: Place<'_>) -> Result<()> {
        for row in rows {
            self.metrics.push(row);
            if self.metrics.is_full() {
                let fresh = TableBuffer::new(&self.categories.format);
                let full = std::mem::replace(&mut self.metrics, fresh);
                self.categories.add(full, place)?;
            }
        }
        Ok(())
    }

    /// Completes the files. Tables that every run has are created even if they are empty.
    pub(crate) fn finish(mut self, place: Place<'_>) -> Result<Vec<(String, File)>> {
        self.categories.add(self.metrics, place)?;
        self.images.open(place)?;
        self.axis.open(place)?;
        self.categories.open(place)?;
        let files = [
            self.images.finish()?,
            self.curves.finish()?,
            self.axis.finish()?,
            self.regions.finish()?,
            self.categories.finish()?,
        ];
        Ok(files.into_iter().flatten().collect())
    }
}

/// One table: its format, and its file once there is one.
struct Slot<R> {
    format: Arc<TableFormat>,
    file: Option<TableFile>,
    row: std::marker::PhantomData<fn(R)>,
}

impl<R: Row> Slot<R> {
    fn new(format: &Arc<TableFormat>) -> Self {
        Self { format: Arc::clone(format), file: None, row: std::marker::PhantomData }
    }

    fn open(&mut self, place: Place<'_>) -> Result<&mut TableFile> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => Ok(none.insert(TableFile::create(place(&R::file_name()), &self.format)?)),
        }
    }

    fn add(&mut self, buffer: TableBuffer<R>, place: Place<'_>) -> Result<()> {
        if buffer.has_no_rows() { Ok(()) } else { self.open(place)?.append_all(buffer) }
    }

    fn finish(self) -> Result<Option<(String, File)>> {
        self.file.map(|file| Ok((R::file_name(), file.finish()?))).transpose()
    }
}
