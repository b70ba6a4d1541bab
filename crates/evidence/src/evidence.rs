//! Scores of images, by detector and category.

/// Results of detectors on categories, from wherever they come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// What was run, for the reader.
    pub runs: Vec<RunDescription>,
    /// Name of the score, `aupimo` for example; empty if unknown.
    pub score: String,
    /// Other scores that all anomalous images of all runs have, the most telling first.
    pub other_scores: Vec<&'static str>,
    /// What the runs warned of when they were made.
    pub warnings: Vec<String>,
    /// One entry for each detector and category. Detectors are shown in order of their first appearance where
    /// nothing else decides.
    pub results: Vec<ModelScores>,
}

/// A run as it is described to the reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunDescription {
    /// Name of the run.
    pub name: String,
    /// Facts: name and value.
    pub facts: Vec<(String, String)>,
}

/// The results of one detector on one category.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelScores {
    /// Name of the detector.
    pub model: String,
    /// Name of the category.
    pub category: String,
    /// The anomalous images, in any order.
    pub images: Vec<EvaluatedImage>,
    /// Other metrics of the category: name and value. Values that are not finite count as missing.
    pub metrics: Vec<(String, f64)>,
    /// Bounds L and U of the shared FPR, if known.
    pub bounds: Option<(f64, f64)>,
    /// How thresholds were chosen (`exact`, `linspace:300000`), if known.
    pub threshold_mode: Option<String>,
    /// Thresholds where the shared FPR reaches U, and where it reaches L, if known.
    pub thresholds: Option<(f64, f64)>,
    /// Digest of the category's masks, if known: detectors must share it.
    pub masks: Option<String>,
    /// Digest of the names, classes and sizes of the category's images, normal ones included, if known.
    pub items: Option<String>,
    /// Position of the run among [`Evidence::runs`].
    pub run: usize,
}

/// An anomalous image as one detector scored it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EvaluatedImage {
    /// What detectors are matched by.
    pub id: String,
    /// Kind of defect, if known.
    pub defect: Option<String>,
    /// Position among all images of the category, normal ones included: in order of the ids of a run, in the order of a
    /// published file.
    pub position: usize,
    /// The score; `None` if it is undefined.
    pub score: Option<f64>,
    /// Evaluation height and width, if known.
    pub size: Option<(u32, u32)>,
    /// Anomalous pixels of the mask, if known.
    pub anomalous_pixels: Option<u64>,
    /// Anomaly map, relative to its root.
    pub map_path: Option<String>,
    /// Mask, relative to its root.
    pub mask_path: Option<String>,
    /// Source image, relative to its root.
    pub image_path: Option<String>,
}
