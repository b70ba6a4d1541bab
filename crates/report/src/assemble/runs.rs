//! Evidence from run folders.

use std::collections::{BTreeMap, HashMap, HashSet};

use pimo_store::{ImageRow, MACRO_CATEGORY, RunReader, Summary};

use super::compared::Settings;
use super::error::AssembleError;
use super::evidence::{EvaluatedImage, Evidence, ModelScores};
use super::run_facts;
use crate::page::Report;

/// A run, and what it is called in the report.
#[derive(Debug, Clone)]
pub struct RunInput {
    /// Name for the reader; it tells detectors of the same name apart.
    pub label: String,
    /// The run.
    pub reader: RunReader,
}

/// Compares the detectors of some runs, chooses images and adds their PIMO curves.
///
/// # Errors
/// A run cannot be read, runs do not belong together, or scores cannot be analysed.
pub fn report_of_runs(runs: &[RunInput], settings: &Settings) -> Result<Report, AssembleError> {
    let mut report = Evidence::of_runs(runs, &settings.score)?.report(settings)?;
    add_curves(&mut report, runs)?;
    Ok(report)
}

/// Adds the PIMO curves of the chosen images to a report that was made of these runs.
///
/// # Errors
/// The curves of a run cannot be read.
pub fn add_curves(report: &mut Report, runs: &[RunInput]) -> Result<(), AssembleError> {
    let names = Names::of(runs);
    let shown: Vec<String> = report.models.iter().map(|model| model.name.clone()).collect();
    for (position, run) in runs.iter().enumerate() {
        let mut wanted: HashMap<(String, String, String), usize> = HashMap::new();
        for (at, (category, image, example)) in report.examples_mut().enumerate() {
            if example.source.run == position {
                wanted.insert((shown[example.model].clone(), category.to_owned(), image.id.clone()), at);
            }
        }
        let ids: HashSet<&str> = wanted.keys().map(|(_, _, id)| id.as_str()).collect();
        if ids.is_empty() {
            continue;
        }
        let mut curves: HashMap<usize, Vec<(f64, f64)>> = HashMap::new();
        for curve in run.reader.curves(&ids.iter().copied().collect::<Vec<_>>())? {
            let key = (names.shown(position, &curve.model), curve.category, curve.image_id);
            if let Some(&at) = wanted.get(&key) {
                curves.insert(at, curve.shared_fpr.into_iter().zip(curve.tpr).collect());
            }
        }
        for (at, (_, _, example)) in report.examples_mut().enumerate() {
            if let Some(curve) = curves.remove(&at) {
                example.curve = curve;
            }
        }
    }
    Ok(())
}

impl Evidence {
    /// Reads the scores of one column of the images, the metrics of the categories, and how the runs were made.
    ///
    /// # Errors
    /// A run cannot be read, has no such column, or was made with other parameters than the first.
    pub fn of_runs(runs: &[RunInput], score: &str) -> Result<Self, AssembleError> {
        let names = Names::of(runs);
        let mut evidence = Self::default();
        let mut first: Option<(&str, Summary)> = None;
        for (position, run) in runs.iter().enumerate() {
            let summary = run.reader.summary()?;
            if let Some((label, first)) = &first {
                run_facts::check_parameters(label, &first.parameters, &run.label, &summary.parameters)?;
            }
            evidence.runs.push(run_facts::description(&run.label, run.reader.record()));
            evidence.warnings.extend(run_facts::warnings(run, &summary));
            evidence.results.extend(results(run, position, score, &summary, &names)?);
            first.get_or_insert((run.label.as_str(), summary));
        }
        Ok(evidence)
    }
}

/// The results of one run, by category and detector.
fn results(
    run: &RunInput,
    position: usize,
    score: &str,
    summary: &Summary,
    names: &Names,
) -> Result<Vec<ModelScores>, AssembleError> {
    let mut results: BTreeMap<(String, String), ModelScores> = BTreeMap::new();
    let scores = run.reader.scores(score)?;
    for (row, scored) in run.reader.images()?.zip(scores) {
        let row = row?;
        let key = (row.category.clone(), row.model.clone());
        let result = results.entry(key).or_insert_with(|| start(run, position, &row, summary, names));
        if row.is_anomalous {
            result.images.push(EvaluatedImage {
                id: row.image_id,
                defect: row.defect,
                score: scored.value,
                size: row.height.zip(row.width),
                map_path: row.map_path,
                mask_path: row.mask_path,
                image_path: row.image_path,
            });
        }
    }
    for metric in run.reader.categories()? {
        let is_score = metric.metric.starts_with("aupimo");
        if is_score || metric.category == MACRO_CATEGORY {
            continue;
        }
        if let (Some(result), Some(value)) = (results.get_mut(&(metric.category, metric.model)), metric.value) {
            result.metrics.push((metric.metric, value));
        }
    }
    Ok(results.into_values().collect())
}

/// A result without images yet.
fn start(run: &RunInput, position: usize, row: &ImageRow, summary: &Summary, names: &Names) -> ModelScores {
    let category = summary.models.get(&row.model).and_then(|model| model.categories.get(&row.category));
    let operating = category.and_then(|category| category.thresholds);
    let digests = run.reader.record().digests.categories.get(&row.category);
    ModelScores {
        model: names.shown(position, &row.model),
        category: row.category.clone(),
        bounds: operating.and_then(|at| at.upper.fpr_bound.zip(at.lower.fpr_bound)),
        thresholds: operating.and_then(|at| at.lower.threshold.zip(at.upper.threshold)),
        masks: digests.map(|digests| digests.masks.clone()).filter(|digest| !digest.is_empty()),
        run: position,
        ..ModelScores::default()
    }
}

/// What detectors are called where several runs have one of the same name.
struct Names {
    labels: Vec<String>,
    /// Names that more than one run has.
    ambiguous: HashSet<String>,
}

impl Names {
    fn of(runs: &[RunInput]) -> Self {
        let mut seen = HashSet::new();
        let mut ambiguous = HashSet::new();
        for run in runs {
            let own: HashSet<&String> = run.reader.record().models.iter().collect();
            ambiguous.extend(own.into_iter().filter(|model| !seen.insert((*model).clone())).cloned());
        }
        Self { labels: runs.iter().map(|run| run.label.clone()).collect(), ambiguous }
    }

    fn shown(&self, run: usize, model: &str) -> String {
        if self.ambiguous.contains(model) { format!("{model} ({})", self.labels[run]) } else { model.to_owned() }
    }
}
