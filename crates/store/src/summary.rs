//! `summary.json`: the results of a run for people and scripts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::Parameters;
use crate::{FORMAT_VERSION, VERSION};

/// The results of a run. Deterministic: no times, paths or machine facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Version of this layout.
    pub format_version: u32,
    /// Version of pimo that wrote it.
    pub pimo_version: String,
    /// What the results depend on: bounds, thresholds, shared FPR and so on.
    pub parameters: Parameters,
    /// AUPIMO that random scores reach at these bounds, (U - L) / ln(U / L).
    pub random_model_score: Option<f64>,
    /// Results by model name.
    pub models: BTreeMap<String, ModelSummary>,
    /// What the reader of the results should know.
    pub warnings: Vec<String>,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            format_version: FORMAT_VERSION,
            pimo_version: VERSION.to_owned(),
            parameters: Parameters::default(),
            random_model_score: None,
            models: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }
}

/// Results of one model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSummary {
    /// Results by category name.
    pub categories: BTreeMap<String, CategorySummary>,
    /// Plain means over the categories.
    pub macro_average: MacroAverage,
}

/// Results of one model on one category.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CategorySummary {
    /// Number of images.
    pub images: u64,
    /// Number of normal images.
    pub normal: u64,
    /// Number of anomalous images.
    pub anomalous: u64,
    /// AUPIMO over the anomalous images.
    pub aupimo: AupimoSummary,
    /// Operating thresholds at the two bounds of the shared FPR; null if they cannot be reached.
    pub thresholds: Option<OperatingThresholds>,
    /// AUPIMO by kind of defect; normal images are not among them.
    pub defects: BTreeMap<String, DefectSummary>,
    /// Other metrics by name, as in `categories.parquet`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, MetricValue>,
    /// What the reader of these results should know.
    pub warnings: Vec<String>,
}

/// Statistics of AUPIMO over anomalous images; all null if it is undefined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AupimoSummary {
    /// Mean.
    pub mean: Option<f64>,
    /// Mean of the certain lower bounds.
    pub mean_low: Option<f64>,
    /// Mean of the certain upper bounds.
    pub mean_high: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Share of images whose AUPIMO is exactly 0.
    pub share_0: Option<f64>,
    /// Share of images whose AUPIMO is exactly 1.
    pub share_1: Option<f64>,
}

/// Results of one kind of defect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DefectSummary {
    /// Number of images.
    pub images: u64,
    /// AUPIMO over them.
    pub aupimo: AupimoSummary,
}

/// The two thresholds that bound AUPIMO.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperatingThresholds {
    /// At the upper bound U of the shared FPR.
    pub lower: OperatingPoint,
    /// At the lower bound L of the shared FPR.
    pub upper: OperatingPoint,
}

/// A threshold and the shared FPR there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperatingPoint {
    /// The bound asked for.
    pub fpr_bound: Option<f64>,
    /// The highest threshold whose shared FPR is at least the bound.
    pub threshold: Option<f64>,
    /// The shared FPR reached there.
    pub shared_fpr: Option<f64>,
}

/// Plain means over the categories of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MacroAverage {
    /// Number of categories that the means are over.
    pub categories: u64,
    /// Means of the categories' AUPIMO statistics.
    pub aupimo: AupimoSummary,
    /// Means of other metrics by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, MetricValue>,
}

/// A metric's value, exact or certified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricValue {
    /// The value, the middle of the interval if it is one; null if undefined.
    pub value: Option<f64>,
    /// Certain lower bound.
    pub low: Option<f64>,
    /// Certain upper bound.
    pub high: Option<f64>,
    /// Whether the half-width of the interval is at most 1e-12.
    pub exact: bool,
}
