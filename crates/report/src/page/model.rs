//! What a report says, as plain data.

use pimo_analysis::bootstrap::Interval;
use pimo_evidence::RunDescription;

/// Everything that a report shows. Detectors are referred to by their position in [`models`](Self::models), images by
/// their position in [`CategoryReport::images`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Heading of the page.
    pub title: String,
    /// The per-image score that is compared, as it is to be read: `AUPIMO`.
    pub score: String,
    /// The bounds L and U of the shared FPR, if they are known and the same everywhere.
    pub bounds: Option<(f64, f64)>,
    /// What was run.
    pub runs: Vec<RunDescription>,
    /// What the reader should know.
    pub warnings: Vec<String>,
    /// Confidence from which on a detector counts as better than another, in `(0, 1)`.
    pub confidence_level: f64,
    /// Coverage of the bootstrap intervals, in `(0, 1)`.
    pub interval_confidence: f64,
    /// Names of the other metrics, in the order of [`ModelOverview::metrics`] and [`ModelResult::metrics`].
    pub metrics: Vec<String>,
    /// Positions among the metrics of those that are plotted against the score.
    pub plotted_metrics: Vec<usize>,
    /// The detectors.
    pub models: Vec<ModelOverview>,
    /// All detectors over all categories; `None` with a single detector or without categories.
    pub overall: Option<OverallComparison>,
    /// The categories.
    pub categories: Vec<CategoryReport>,
    /// Where a plotted metric prefers another detector than the score does.
    pub disagreements: Vec<Disagreement>,
    /// The images that are localised worst, worst first.
    pub worst: Vec<WorstImage>,
}

/// A category in which a metric prefers another detector than the score does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disagreement {
    /// Position of the category.
    pub category: usize,
    /// Position of the metric.
    pub metric: usize,
    /// The detector of best average rank by the score.
    pub by_score: usize,
    /// The detector with the highest value of the metric.
    pub by_metric: usize,
}

/// One detector over all categories.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelOverview {
    /// Name of the detector.
    pub name: String,
    /// Average over the categories of its rank by mean score; 1 is best.
    pub average_rank: f64,
    /// Mean over the categories of its mean score.
    pub mean: f64,
    /// Number of categories in which no detector has a better mean score.
    pub best_in: usize,
    /// Mean over the categories of each metric; `None` where a category lacks it.
    pub metrics: Vec<Option<f64>>,
}

/// All detectors over all categories.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OverallComparison {
    /// Number of categories.
    pub categories: usize,
    /// Detectors from best to worst average rank.
    pub order: Vec<usize>,
    /// p-value of Friedman's test; `None` if it is undefined.
    pub friedman_p: Option<f64>,
    /// Nemenyi critical difference of average ranks.
    pub critical_difference: Option<f64>,
    /// `wins[a][b]`: number of categories in which a beats b with the confidence asked for.
    pub wins: Vec<Vec<usize>>,
}

/// One category.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CategoryReport {
    /// Name of the category.
    pub name: String,
    /// The anomalous images that all detectors were compared on.
    pub images: Vec<ReportImage>,
    /// What each detector did, in the order of [`Report::models`].
    pub models: Vec<ModelResult>,
    /// Detectors from best to worst average rank.
    pub order: Vec<usize>,
    /// Detectors next to each other in `order`, from the best on.
    pub neighbours: Vec<NeighbourResult>,
    /// `confidences[a][b]`: confidence that a is better than b (one-sided Wilcoxon signed-rank test).
    pub confidences: Vec<Vec<Option<f64>>>,
    /// p-value of Friedman's test over the images.
    pub friedman_p: Option<f64>,
    /// Nemenyi critical difference of average ranks.
    pub critical_difference: Option<f64>,
    /// Systematically chosen images.
    pub examples: Vec<Example>,
    /// Normal images with their false-positive levels, if they were drawn.
    pub false_positives: Vec<FalsePositiveExample>,
}

/// An image of a category.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportImage {
    /// The image.
    pub id: String,
    /// Kind of defect, if known.
    pub defect: Option<String>,
}

/// One detector in one category.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelResult {
    /// Score of each image.
    pub scores: Vec<f64>,
    /// Mean score.
    pub mean: f64,
    /// Median score.
    pub median: f64,
    /// Bootstrap interval of the mean.
    pub interval: Option<Interval>,
    /// Average over the images of its rank; 1 is best.
    pub average_rank: f64,
    /// The other metrics.
    pub metrics: Vec<Option<f64>>,
}

/// Two detectors with neighbouring average ranks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NeighbourResult {
    /// The detector with the better rank.
    pub better: usize,
    /// The next one.
    pub worse: usize,
    /// Mean of the per-image differences, better minus worse.
    pub mean_difference: f64,
    /// Bootstrap interval of that mean.
    pub interval: Option<Interval>,
    /// Confidence that `better` is better (one-sided Wilcoxon signed-rank test).
    pub confidence: Option<f64>,
}

/// An image that stands for a statistic of a detector's scores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Example {
    /// The detector.
    pub model: usize,
    /// The image.
    pub image: usize,
    /// What it stands for: `median`, `lower whisker`, ...
    pub statistic: String,
    /// Score of the image.
    pub score: f64,
    /// Its PIMO curve as (shared FPR, recall); empty if the run has no curves.
    pub curve: Vec<(f64, f64)>,
    /// What is needed to draw its heat map.
    pub source: HeatMapSource,
    /// Its heat map as PNG, if one was drawn.
    pub thumbnail: Option<Vec<u8>>,
}

/// Where the parts of a heat map are found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeatMapSource {
    /// Position of the run among the inputs.
    pub run: usize,
    /// Anomaly map, relative to the run's root of maps.
    pub map_path: Option<String>,
    /// Mask, relative to the root of the masks.
    pub mask_path: Option<String>,
    /// Source image, relative to the root of the images.
    pub image_path: Option<String>,
    /// Evaluation height and width.
    pub size: Option<(u32, u32)>,
    /// Thresholds where the shared FPR reaches U, and where it reaches L.
    pub thresholds: Option<(f64, f64)>,
}

/// A normal image with the levels of its false positives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FalsePositiveExample {
    /// The detector.
    pub model: usize,
    /// The image.
    pub image_id: String,
    /// What is shown, in a few words.
    pub caption: String,
    /// The picture as PNG.
    pub thumbnail: Vec<u8>,
}

/// An image that is localised badly.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorstImage {
    /// Position of the category.
    pub category: usize,
    /// Position of the image in the category.
    pub image: usize,
    /// The detector that does best on it.
    pub best_model: usize,
    /// Score of that detector.
    pub best: f64,
    /// Mean score over all detectors.
    pub mean: f64,
}

impl Report {
    /// All examples, for a caller that draws their heat maps.
    pub fn examples_mut(&mut self) -> impl Iterator<Item = (&str, &ReportImage, &mut Example)> {
        self.categories.iter_mut().flat_map(|category| {
            let CategoryReport { name, images, examples, .. } = category;
            let (name, images) = (&*name, &*images);
            examples.iter_mut().map(move |example| (name.as_str(), &images[example.image], example))
        })
    }
}
