//! Parquet and JSON of pimo runs.
//!
//! A run is a folder: `images.parquet`, `curves.parquet`, `axis.parquet`, `categories.parquet` and `regions.parquet`
//! hold the tables of [`rows`], `summary.json` the results for people ([`Summary`]) and `run.json` how they were made
//! ([`RunRecord`]). [`RunWriter`] makes such a folder and [`RunReader`] reads one. The scores that were published with
//! the AUPIMO paper have a JSON format of their own, [`PublishedScores`], and lie in folders that [`PublishedTree`] finds.
//! [`TableWriter`] writes single tables, such as those of a comparison; [`StringTable`] reads the Parquet files that a
//! user hands over as manifests.
//!
//! The same rows give the same bytes, and a run that does not come to its end leaves nothing behind.
//!
//! ```
//! use pimo_store::{CategoryRow, RunReader, RunRecord, RunWriter, Summary};
//!
//! # fn main() -> pimo_store::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let out = folder.path().join("run");
//! let parameters = [("fpr_bounds".to_owned(), "1e-5,1e-4".to_owned())];
//! let writer = RunWriter::create(&out, false, &parameters)?;
//! let mut part = writer.category("screw")?;
//! part.metric(CategoryRow {
//!     model: "padim".into(),
//!     category: "screw".into(),
//!     metric: "aupimo_mean".into(),
//!     value: Some(0.25),
//!     low: Some(0.25),
//!     high: Some(0.25),
//!     exact: true,
//! })?;
//! part.commit()?;
//! writer.finish(&Summary::default(), &RunRecord::default())?;
//!
//! let run = RunReader::open(&out)?;
//! assert_eq!(run.categories()?[0].value, Some(0.25));
//! # Ok(())
//! # }
//! ```

mod analysis_rows;
mod aside;
mod buffer;
mod cell;
mod error;
mod format;
mod limited_file;
mod part;
mod published;
mod published_rows;
mod published_tree;
mod python_json;
mod record;
pub mod rows;
mod run_reader;
mod run_writer;
mod spill;
mod staging;
mod string_table;
mod summary;
mod table;
mod table_file;
mod table_reader;
mod table_writer;
mod tables;
mod timestamp;

pub use analysis_rows::{ComparedModelRow, NeighbourRow, OmnibusRow, PairRow, StatisticRow};
pub use aside::PartAside;
pub use error::{Result, StoreError};
pub use part::CategoryPart;
pub use published::{PublishedScores, read_scalar, write_scalar};
pub use published_rows::{PublishedFacts, table_parameters};
pub use published_tree::{PublishedDataset, PublishedImage, PublishedTree, published_id};
pub use record::{
    CategoryDigests, Digests, FailedCategory, InputCounts, Parameters, Roots, RunRecord, SkippedImage, Times,
};
pub use rows::{AxisRow, CategoryRow, Curve, CurveRow, CurveSlice, ImageRow, RegionRow};
pub use run_reader::{RunReader, ScoredImage};
pub use run_writer::{RunPaths, RunWriter};
pub use staging::output_folder;
pub use string_table::{StringTable, StringTableLimits};
pub use summary::{
    AupimoSummary, CategorySummary, DefectSummary, MacroAverage, MetricValue, ModelSummary, OperatingPoint,
    OperatingThresholds, Summary,
};
pub use table::Row;
pub use table_reader::TableRows;
pub use table_writer::{StagedFile, TableWriter};
pub use timestamp::rfc3339;

/// Version of the layout of a run folder. A reader refuses newer ones.
pub const FORMAT_VERSION: u32 = 1;
/// Version of pimo, as it is put into files.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Name of the file that describes a run; it is written last.
pub const RUN_FILE: &str = "run.json";
/// Name of the file with the results for people and scripts.
pub const SUMMARY_FILE: &str = "summary.json";
/// The category that macro averages are filed under.
pub const MACRO_CATEGORY: &str = "*";
