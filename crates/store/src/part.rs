//! The rows of one category while it is evaluated.

use std::fs;
use std::sync::Arc;

use crate::aside::PartAside;
use crate::buffer::TableBuffer;
use crate::error::{Result, StoreError};
use crate::published::PublishedScores;
use crate::rows::{AxisRow, CategoryRow, CurveRow, CurveSlice, ImageRow, RegionRow};
use crate::run_writer::{OpenRun, published_name};
use crate::table::Row;

/// The rows of one category. [`commit`](Self::commit) adds them to the run; dropped, they never were.
///
/// Rows come in ascending order of (`image_id`, `model`), axis rows in ascending order of model. One row group of each
/// table is held in memory at most; what exceeds it waits in a file.
pub struct CategoryPart {
    pub(crate) run: Arc<OpenRun>,
    category: String,
    pub(crate) tables: PartTables,
    /// Files in the published format.
    pub(crate) published: Vec<String>,
    image_order: Order,
    curve_order: Order,
    region_order: Order,
    axis_order: Order,
}

/// The tables of a category.
pub(crate) struct PartTables {
    pub(crate) images: TableBuffer<ImageRow>,
    pub(crate) curves: TableBuffer<CurveRow>,
    pub(crate) axis: TableBuffer<AxisRow>,
    pub(crate) regions: TableBuffer<RegionRow>,
    pub(crate) metrics: Vec<CategoryRow>,
}

impl std::fmt::Debug for CategoryPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CategoryPart").field("category", &self.category).finish_non_exhaustive()
    }
}

impl CategoryPart {
    pub(crate) fn new(run: Arc<OpenRun>, category: &str) -> Self {
        let formats = run.formats();
        let tables = PartTables {
            images: TableBuffer::new(&formats.images),
            curves: TableBuffer::new(&formats.curves),
            axis: TableBuffer::new(&formats.axis),
            regions: TableBuffer::new(&formats.regions),
            metrics: Vec::new(),
        };
        Self {
            run,
            category: category.to_owned(),
            tables,
            published: Vec::new(),
            image_order: Order::default(),
            curve_order: Order::default(),
            region_order: Order::default(),
            axis_order: Order::default(),
        }
    }

    /// Name of the category.
    pub fn name(&self) -> &str {
        &self.category
    }

    /// Adds the result of one image and model.
    ///
    /// # Errors
    /// The row is out of order, given twice, or of another category; or a spill file cannot be written.
    pub fn image(&mut self, row: &ImageRow) -> Result<()> {
        self.check_category(ImageRow::TABLE, &row.category)?;
        let key = (row.image_id.as_str(), row.model.as_str(), 0);
        self.image_order.check(ImageRow::TABLE, key, Step::Forward)?;
        self.tables.images.push(row);
        self.tables.images.spill_if_full(|| self.run.spill_path())
    }

    /// Adds the PIMO curve of one image and model.
    ///
    /// # Errors
    /// The slices differ in length; the curve is out of order or given twice; or a spill file cannot be written.
    pub fn curve(&mut self, curve: &CurveSlice<'_>) -> Result<()> {
        let points = curve.threshold.len();
        if curve.shared_fpr.len() != points || curve.tpr.len() != points {
            return Err(StoreError::Rows {
                table: CurveRow::TABLE,
                message: format!(
                    "image {:?} has {points} thresholds, {} shared FPRs and {} TPRs, expected as many of each",
                    curve.image_id,
                    curve.shared_fpr.len(),
                    curve.tpr.len()
                ),
            });
        }
        let key = (curve.image_id, curve.model, 0);
        self.curve_order.check(CurveRow::TABLE, key, Step::Forward)?;
        let mut start = 0;
        while start < points {
            start += self.tables.curves.push_points(&self.category, curve, start);
            self.tables.curves.spill_if_full(|| self.run.spill_path())?;
        }
        Ok(())
    }

    /// Adds a point of a model's shared axis.
    ///
    /// # Errors
    /// The model comes before that of the row before, the row is of another category, or a spill file cannot be
    /// written.
    pub fn axis(&mut self, row: &AxisRow) -> Result<()> {
        self.check_category(AxisRow::TABLE, &row.category)?;
        let key = ("", row.model.as_str(), 0);
        self.axis_order.check(AxisRow::TABLE, key, Step::ForwardOrSame)?;
        self.tables.axis.push(row);
        self.tables.axis.spill_if_full(|| self.run.spill_path())
    }

    /// Adds a connected region of one image as one model scored it.
    ///
    /// # Errors
    /// The row is out of order, given twice, or of another category; or a spill file cannot be written.
    pub fn region(&mut self, row: &RegionRow) -> Result<()> {
        self.check_category(RegionRow::TABLE, &row.category)?;
        let key = (row.image_id.as_str(), row.model.as_str(), row.region);
        self.region_order.check(RegionRow::TABLE, key, Step::Forward)?;
        self.tables.regions.push(row);
        self.tables.regions.spill_if_full(|| self.run.spill_path())
    }

    /// Adds a metric of the category, in the order it is to be stored.
    ///
    /// # Errors
    /// The row is of another category.
    pub fn metric(&mut self, row: CategoryRow) -> Result<()> {
        self.check_category(CategoryRow::TABLE, &row.category)?;
        self.tables.metrics.push(row);
        Ok(())
    }

    /// Adds a model's scores in the published format, as `published/<model>/<category>/aupimo/aupimos.json`.
    ///
    /// # Errors
    /// The name of the model or of the category cannot be part of a path; or what the operating system says.
    pub fn published(&mut self, model: &str, scores: &PublishedScores) -> Result<()> {
        let name = published_name(model, &self.category)?;
        let path = self.run.staged(&name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(StoreError::io("create", parent))?;
        }
        scores.write(&path)?;
        self.published.push(name);
        Ok(())
    }

    /// Puts the rows aside, until those of other models are there too and [`join`](crate::RunWriter::join) puts them
    /// together.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn set_aside(self) -> Result<PartAside> {
        PartAside::of(self)
    }

    /// Adds the category to the run.
    ///
    /// # Errors
    /// The category does not come after the one committed before in ascending order of name, or what the operating
    /// system says. After an error the run cannot be finished.
    pub fn commit(self) -> Result<()> {
        self.run.commit(&self.category, self.tables, self.published)
    }

    fn check_category(&self, table: &'static str, category: &str) -> Result<()> {
        if category == self.category {
            return Ok(());
        }
        Err(StoreError::Rows {
            table,
            message: format!("a row of the category {category:?} among those of {:?}", self.category),
        })
    }
}

/// Whether two rows in succession may have the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Forward,
    ForwardOrSame,
}

/// The key of the row before: files promise to be sorted, and two rows for one image would be a wrong answer.
#[derive(Debug, Default)]
struct Order {
    started: bool,
    image_id: String,
    model: String,
    region: u32,
}

impl Order {
    fn check(&mut self, table: &'static str, key: (&str, &str, u32), step: Step) -> Result<()> {
        let last = (self.image_id.as_str(), self.model.as_str(), self.region);
        let good = !self.started || last < key || (step == Step::ForwardOrSame && last == key);
        if !good {
            return Err(StoreError::Rows {
                table,
                message: format!(
                    "(image, model, region) {key:?} after {last:?}, expected ascending order without repetition"
                ),
            });
        }
        let (image_id, model, region) = key;
        self.started = true;
        self.image_id.clear();
        self.image_id.push_str(image_id);
        self.model.clear();
        self.model.push_str(model);
        self.region = region;
        Ok(())
    }
}
