//! `run.json`: how a run was made, and on what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{FORMAT_VERSION, VERSION};

/// Named parameters in the order they were given.
pub type Parameters = serde_json::Map<String, serde_json::Value>;

/// How a run was made. The one file of a run that may differ between two machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// Version of the run folder's layout.
    pub format_version: u32,
    /// Version of pimo that made the run.
    pub pimo_version: String,
    /// All options that results depend on, defaults included; threads and the way of reading have fields of their own.
    pub parameters: Parameters,
    /// Names of the models.
    pub models: Vec<String>,
    /// Names of the categories that were written.
    pub categories: Vec<String>,
    /// What went in.
    pub inputs: InputCounts,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// What was left aside or chosen, worth knowing.
    pub notes: Vec<String>,
    /// Categories that were left out because something was wrong with them.
    pub failed: Vec<FailedCategory>,
    /// Images that were left out because something was wrong with them.
    pub skipped: Vec<SkippedImage>,
    /// What the input was, to compare runs by.
    pub digests: Digests,
    /// Where the input was.
    pub roots: Roots,
    /// When the run was made.
    pub times: Times,
    /// Number of worker threads.
    pub threads: u64,
    /// How maps were read, as it was asked for: `auto`, `mmap` or `pread`.
    pub io: String,
    /// Bytes of maps read.
    pub bytes_read: u64,
    /// Number of times that a map was read.
    pub map_reads: u64,
    /// Files of this run, relative to its folder. Filled in when the run is written.
    pub outputs: Vec<String>,
}

impl Default for RunRecord {
    fn default() -> Self {
        Self {
            format_version: FORMAT_VERSION,
            pimo_version: VERSION.to_owned(),
            parameters: Parameters::default(),
            models: Vec::new(),
            categories: Vec::new(),
            inputs: InputCounts::default(),
            warnings: Vec::new(),
            notes: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            digests: Digests::default(),
            roots: Roots::default(),
            times: Times::default(),
            threads: 0,
            io: String::new(),
            bytes_read: 0,
            map_reads: 0,
            outputs: Vec::new(),
        }
    }
}

/// What went into a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InputCounts {
    /// Categories, those that failed included.
    pub categories: u64,
    /// Images, each counted once however many models scored it.
    pub images: u64,
    /// Normal images among them.
    pub normal: u64,
    /// Anomalous images among them.
    pub anomalous: u64,
    /// Score maps.
    pub maps: u64,
    /// Masks.
    pub masks: u64,
    /// Pixels of all maps at evaluation size.
    pub pixels: u64,
}

/// A category that was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailedCategory {
    /// Its name.
    pub category: String,
    /// The detector that was left out; null if all of them were.
    pub model: Option<String>,
    /// What was wrong.
    pub message: String,
}

/// An image that was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SkippedImage {
    /// Category of the image.
    pub category: String,
    /// The image.
    pub image_id: String,
    /// The model whose map was at fault; null if it was the mask.
    pub model: Option<String>,
    /// What was wrong.
    pub message: String,
}

/// Digests that say whether two runs saw the same images and the same ground truth.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Digests {
    /// Of the list of items of the whole run.
    pub items: String,
    /// Of the content of all masks of the run.
    pub masks: String,
    /// The same of each category.
    pub categories: BTreeMap<String, CategoryDigests>,
}

/// Digests of one category.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CategoryDigests {
    /// Of the list of items.
    pub items: String,
    /// Of the content of the masks.
    pub masks: String,
}

/// Where the input was. Paths in the tables are relative to these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Roots {
    /// Root of each model's maps.
    pub maps: BTreeMap<String, String>,
    /// Root of the masks.
    pub masks: Option<String>,
    /// Root of the source images.
    pub images: Option<String>,
    /// The manifest, if the run was made from one.
    pub manifest: Option<String>,
}

/// When a run was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Times {
    /// Start, as RFC 3339 in UTC (see [`rfc3339`](crate::rfc3339)).
    pub started: String,
    /// End, as RFC 3339 in UTC.
    pub finished: String,
    /// Wall-clock seconds between them.
    pub seconds: f64,
}
