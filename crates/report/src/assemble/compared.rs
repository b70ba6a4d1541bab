//! The comparison of the detectors, as a report shows it.

use pimo_analysis::alternative::Alternative;
use pimo_analysis::compare::{self, Category, CategoryComparison, Comparison, PairTest, compare};

use pimo_evidence::{Evidence, Matched, MatchedCategory, Matching, Source, match_up, metrics};

use super::error::AssembleError;
use super::{choose, curves, disagreement};
use crate::page::{
    CategoryReport, ModelOverview, ModelResult, NeighbourResult, OverallComparison, Report, ReportImage,
};

/// How a report is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Heading of the page.
    pub title: String,
    /// Column of the images that is compared, e.g. `aupimo`.
    pub score: String,
    /// Statistical settings.
    pub compare: compare::Settings,
    /// Confidence from which on a detector counts as better than another, in `(0, 1)`.
    pub confidence_level: f64,
    /// What happens to images and categories that some detectors lack.
    pub matching: Matching,
    /// With at most this many categories, images of every detector are chosen; with more, of the best ranked only.
    pub few_categories: usize,
    /// How many of the worst images are listed.
    pub worst_images: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            title: "AUPIMO report".to_owned(),
            score: "aupimo".to_owned(),
            compare: compare::Settings::default(),
            confidence_level: 0.95,
            matching: Matching::default(),
            few_categories: 3,
            worst_images: 40,
        }
    }
}

/// Reads the results of some sources, compares the detectors, chooses images and adds their PIMO curves.
///
/// # Errors
/// A source cannot be read, sources do not belong together, or scores cannot be analysed.
pub fn report_of_sources(sources: &[Source], settings: &Settings) -> Result<Report, AssembleError> {
    let mut report = report_of(&Evidence::of(sources, &settings.score)?, settings)?;
    curves::add_curves(&mut report, sources)?;
    Ok(report)
}

/// Compares the detectors and chooses what is shown.
///
/// # Errors
/// Results that do not belong together (see [`match_up`]), or that cannot be analysed.
pub fn report_of(evidence: &Evidence, settings: &Settings) -> Result<Report, AssembleError> {
    let Matched { models, categories, warnings } = match_up(evidence, settings.matching)?;
    let compared: Vec<Category<'_>> =
        categories.iter().map(|category| Category { name: category.name, scores: &category.scores }).collect();
    let comparison = compare(&models, &compared, &settings.compare)?;
    let metrics = metrics::names(categories.iter().flat_map(|category| category.results.iter().copied()));
    let reports = categories
        .iter()
        .zip(&comparison.categories)
        .map(|(category, compared)| category_report(category, compared, &metrics, settings, categories.len()))
        .collect::<Result<Vec<_>, _>>()?;
    let plotted_metrics = metrics::plotted(&metrics);
    Ok(Report {
        title: settings.title.clone(),
        score: if settings.score == "aupimo" { "AUPIMO".to_owned() } else { settings.score.clone() },
        bounds: shared_bounds(&categories),
        runs: evidence.runs.clone(),
        warnings: evidence.warnings.iter().chain(&warnings).cloned().collect(),
        confidence_level: settings.confidence_level,
        interval_confidence: settings.compare.bootstrap.confidence,
        disagreements: disagreement::disagreements(&reports, &plotted_metrics),
        plotted_metrics,
        models: overviews(&models, &reports, &comparison, metrics.len()),
        metrics,
        overall: overall(&comparison, &reports, settings.confidence_level),
        worst: choose::worst(&reports, settings.worst_images),
        categories: reports,
    })
}

/// The bounds of all results, if they are known and equal.
fn shared_bounds(categories: &[MatchedCategory<'_>]) -> Option<(f64, f64)> {
    let mut bounds = categories.iter().flat_map(|category| category.results.iter().map(|result| result.bounds));
    let first = bounds.next()??;
    bounds.all(|other| other == Some(first)).then_some(first)
}

fn category_report(
    category: &MatchedCategory<'_>,
    compared: &CategoryComparison,
    metrics: &[String],
    settings: &Settings,
    categories: usize,
) -> Result<CategoryReport, AssembleError> {
    let confidences = confidences(compared);
    let shown = if categories <= settings.few_categories { compared.order.as_slice() } else { &compared.order[..1] };
    let mut examples = Vec::new();
    for &model in shown {
        examples.extend(choose::examples(category, model)?);
    }
    let models = compared.models.iter().zip(&category.scores).zip(&category.results);
    Ok(CategoryReport {
        name: category.name.to_owned(),
        images: category.images[0]
            .iter()
            .map(|image| ReportImage { id: image.id.clone(), defect: image.defect.clone() })
            .collect(),
        models: models
            .map(|((summary, scores), result)| ModelResult {
                scores: scores.clone(),
                mean: summary.mean,
                median: summary.median,
                interval: summary.interval,
                average_rank: summary.average_rank,
                metrics: metrics.iter().map(|name| metrics::value(result, name)).collect(),
            })
            .collect(),
        order: compared.order.clone(),
        neighbours: compared
            .neighbours
            .iter()
            .map(|pair| NeighbourResult {
                better: pair.better,
                worse: pair.worse,
                mean_difference: pair.mean_difference,
                interval: pair.interval,
                confidence: confidences[pair.better][pair.worse],
            })
            .collect(),
        confidences,
        friedman_p: compared.omnibus.friedman.map(|test| test.p),
        critical_difference: compared.omnibus.critical_difference,
        examples,
        false_positives: Vec::new(),
    })
}

/// One-sided Wilcoxon confidences of all ordered pairs.
fn confidences(compared: &CategoryComparison) -> Vec<Vec<Option<f64>>> {
    let models = compared.models.len();
    let mut confidences = vec![vec![None; models]; models];
    let asked = (PairTest::Wilcoxon, Alternative::Greater);
    for pair in compared.pairs.iter().filter(|pair| (pair.test, pair.alternative) == asked) {
        confidences[pair.model_1][pair.model_2] = pair.confidence();
    }
    confidences
}

fn overviews(
    models: &[&str],
    categories: &[CategoryReport],
    comparison: &Comparison,
    metrics: usize,
) -> Vec<ModelOverview> {
    let number = categories.len() as f64;
    let best: Vec<f64> = categories
        .iter()
        .map(|category| category.models.iter().map(|model| model.mean).fold(f64::NEG_INFINITY, f64::max))
        .collect();
    let overview = |(model, name): (usize, &&str)| {
        let results = || categories.iter().map(|category| &category.models[model]);
        let metric = |metric: usize| {
            let sum: Option<f64> = results().map(|result| result.metrics[metric]).sum();
            sum.map(|sum| sum / number)
        };
        ModelOverview {
            name: (*name).to_owned(),
            average_rank: comparison.overall.average_ranks[model],
            mean: results().map(|result| result.mean).sum::<f64>() / number,
            best_in: results().zip(&best).filter(|(result, best)| result.mean >= **best).count(),
            metrics: (0..metrics).map(metric).collect(),
        }
    };
    models.iter().enumerate().map(overview).collect()
}

fn overall(comparison: &Comparison, categories: &[CategoryReport], level: f64) -> Option<OverallComparison> {
    let overall = &comparison.overall;
    let models = overall.average_ranks.len();
    let wins = |better: usize, worse: usize| {
        let confident = |category: &&CategoryReport| category.confidences[better][worse].is_some_and(|it| it >= level);
        categories.iter().filter(confident).count()
    };
    (models > 1).then(|| OverallComparison {
        categories: categories.len(),
        order: overall.order.clone(),
        friedman_p: overall.friedman.map(|test| test.p),
        critical_difference: overall.critical_difference,
        wins: (0..models).map(|better| (0..models).map(|worse| wins(better, worse)).collect()).collect(),
    })
}
