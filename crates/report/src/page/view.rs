//! The report as the template sees it: texts, tables and finished plots.

use std::fmt::Write;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::base64::base64;
use super::cells::{Cell, Column, Table};
use super::model::{CategoryReport, Example, Report};
use super::pictures::{self, Picture};
use super::{format, scores};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");
/// With at most this many categories their sections are open.
const OPEN_CATEGORIES: usize = 2;

/// Everything on the page. Fields called `*_svg`, `style`, `script` and `data` are markup already.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    title: String,
    score: String,
    version: &'static str,
    style: &'static str,
    script: &'static str,
    style_digest: String,
    script_digest: String,
    data: String,
    facts: Vec<String>,
    warnings: Vec<String>,
    runs: Vec<Run>,
    overview: Table,
    overview_metrics: Option<Table>,
    overall_svg: Option<String>,
    overall_note: String,
    wins: Option<Table>,
    level: String,
    interval: String,
    means: Table,
    scatters_svg: Vec<String>,
    disagreements: Option<Table>,
    disagreement_note: String,
    markers: Vec<String>,
    categories: Vec<CategoryView>,
    worst: Option<Table>,
    number_of_scores: usize,
}

#[derive(Debug, Serialize)]
struct Run {
    name: String,
    facts: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct CategoryView {
    name: String,
    id: String,
    open: bool,
    summary: String,
    table: Table,
    metrics: Option<Table>,
    boxplots_svg: String,
    diagram_svg: Option<String>,
    note: String,
    pairs: Option<Table>,
    examples: Vec<ExamplesView>,
    false_positives: Vec<Picture>,
}

#[derive(Debug, Serialize)]
struct ExamplesView {
    model: String,
    table: Table,
    curves_svg: Option<String>,
    pictures: Vec<Picture>,
}

pub(super) fn page(report: &Report) -> Page {
    Page {
        title: report.title.clone(),
        score: report.score.clone(),
        version: env!("CARGO_PKG_VERSION"),
        style: STYLE,
        script: SCRIPT,
        style_digest: digest(STYLE),
        script_digest: digest(SCRIPT),
        data: scores::json(report),
        facts: facts(report),
        warnings: report.warnings.clone(),
        runs: report.runs.iter().map(|run| Run { name: run.name.clone(), facts: run.facts.clone() }).collect(),
        overview: overview(report),
        overview_metrics: overview_metrics(report),
        overall_svg: report.overall_diagram(),
        overall_note: overall_note(report),
        wins: wins(report),
        level: format::percent(report.confidence_level),
        interval: format::percent(report.interval_confidence),
        means: means(report),
        scatters_svg: report.scatters(),
        disagreements: disagreements(report),
        disagreement_note: disagreement_note(report),
        markers: report.plotted_metrics.iter().map(|&metric| format::metric(&report.metrics[metric])).collect(),
        categories: report
            .categories
            .iter()
            .enumerate()
            .map(|(at, category)| category_view(report, at, category))
            .collect(),
        worst: worst(report),
        number_of_scores: report.categories.iter().map(|one| one.images.len() * one.models.len()).sum(),
    }
}

/// Digest of an inline style or script as a content security policy wants it.
fn digest(text: &str) -> String {
    base64(&Sha256::digest(text.as_bytes()))
}

fn facts(report: &Report) -> Vec<String> {
    let images: usize = report.categories.iter().map(|category| category.images.len()).sum();
    let mut facts = vec![
        counted(report.models.len(), "detector", "detectors"),
        counted(report.categories.len(), "category", "categories"),
        counted(images, "anomalous image", "anomalous images"),
    ];
    if let Some((low, high)) = report.bounds {
        facts.push(format!("shared FPR from {low:e} to {high:e}"));
    }
    facts
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn by_rank(report: &Report) -> Vec<usize> {
    report.overall.as_ref().map_or_else(|| (0..report.models.len()).collect(), |overall| overall.order.clone())
}

fn overview(report: &Report) -> Table {
    let mut columns = vec![
        Column::text("Detector"),
        Column::number("Rank", "Average over the categories of the rank by mean score; 1 is best"),
        Column::number(&format!("Mean {}", report.score), "Mean over the categories of the mean per image"),
        Column::number("Best in", "Number of categories in which no detector has a better mean score"),
    ];
    let shown = prominent_metrics(report);
    columns.extend(metric_columns(report, &shown, "Mean over the categories"));
    let best = report.models.iter().map(|model| model.mean).fold(f64::NEG_INFINITY, f64::max);
    let best_metrics = best_metrics(report, report.models.iter().map(|model| model.metrics.as_slice()));
    let rows = by_rank(report).into_iter().map(|model| {
        let model = &report.models[model];
        let mut row = vec![
            Cell::text(&model.name),
            Cell::number(Some(model.average_rank), format!("{:.2}", model.average_rank)),
            Cell::score(Some(model.mean)).strong_if(model.mean >= best),
            Cell::count(model.best_in),
        ];
        row.extend(metric_cells(&model.metrics, &best_metrics, &shown));
        row
    });
    Table {
        caption: "Detectors over all categories, best average rank first".to_owned(),
        columns,
        rows: rows.collect(),
        row_headings: true,
        interactive: true,
    }
}

/// The best value of each metric, where there are several detectors: the lowest of false-positive rates, else the highest.
fn best_metrics<'a>(report: &Report, models: impl Iterator<Item = &'a [Option<f64>]>) -> Vec<Option<f64>> {
    let mut best = vec![None; report.metrics.len()];
    if report.models.len() < 2 {
        return best;
    }
    for metrics in models {
        for ((best, &value), name) in best.iter_mut().zip(metrics).zip(&report.metrics) {
            let lower_is_better = name.to_lowercase().contains("fpr");
            let better =
                |&value: &f64| best.is_none_or(|best| if lower_is_better { value < best } else { value > best });
            if let Some(value) = value.filter(better) {
                *best = Some(value);
            }
        }
    }
    best
}

/// With at most this many metrics all of them stand beside the scores.
const FEW_METRICS: usize = 4;

/// Positions of the metrics that stand beside the scores; where there are many, those that are plotted.
fn prominent_metrics(report: &Report) -> Vec<usize> {
    let few = report.metrics.len() <= FEW_METRICS;
    if few { (0..report.metrics.len()).collect() } else { report.plotted_metrics.clone() }
}

fn metric_columns(report: &Report, shown: &[usize], hint: &str) -> Vec<Column> {
    shown.iter().map(|&metric| Column::number(&format::metric(&report.metrics[metric]), hint)).collect()
}

fn metric_cells(values: &[Option<f64>], best: &[Option<f64>], shown: &[usize]) -> Vec<Cell> {
    let cell = |&metric: &usize| {
        let value = values[metric];
        Cell::score(value).strong_if(value.is_some() && value == best[metric])
    };
    shown.iter().map(cell).collect()
}

/// All metrics of detectors in this order; none where they stand beside the scores already.
fn all_metrics(
    report: &Report,
    order: &[usize],
    caption: String,
    of: impl Fn(usize) -> Vec<Option<f64>>,
) -> Option<Table> {
    if report.metrics.len() <= FEW_METRICS {
        return None;
    }
    let values: Vec<Vec<Option<f64>>> = order.iter().map(|&model| of(model)).collect();
    let best = best_metrics(report, values.iter().map(Vec::as_slice));
    let all: Vec<usize> = (0..report.metrics.len()).collect();
    let rows = order.iter().zip(&values).map(|(&model, values)| {
        let mut row = vec![Cell::text(report.model_name(model))];
        row.extend(metric_cells(values, &best, &all));
        row
    });
    let mut columns = vec![Column::text("Detector")];
    columns.extend(metric_columns(report, &all, ""));
    Some(Table { caption, columns, rows: rows.collect(), row_headings: true, interactive: true })
}

fn overview_metrics(report: &Report) -> Option<Table> {
    let caption = "Means of all metrics over the categories, the best in bold".to_owned();
    all_metrics(report, &by_rank(report), caption, |model| report.models[model].metrics.clone())
}

fn category_metrics(report: &Report, category: &CategoryReport) -> Option<Table> {
    let caption = format!("All metrics on {}, the best in bold", category.name);
    all_metrics(report, &category.order, caption, |model| category.models[model].metrics.clone())
}

fn overall_note(report: &Report) -> String {
    let Some(overall) = &report.overall else {
        return String::new();
    };
    let mut note =
        format!("Friedman test over {} categories: p = {}", overall.categories, format::p_value(overall.friedman_p));
    if let Some(critical) = overall.critical_difference {
        let _ = write!(note, "; Nemenyi critical difference of average ranks {critical:.2}");
    }
    note
}

fn wins(report: &Report) -> Option<Table> {
    let overall = report.overall.as_ref().filter(|_| report.models.len() > 1)?;
    let level = format::percent(report.confidence_level);
    let caption =
        format!("Number of categories (of {}) in which the row beats the column at {level}", overall.categories);
    Some(matrix(report, &overall.order, &caption, |better, worse| {
        let wins = overall.wins[better][worse];
        let most = wins == overall.categories;
        Cell::count(wins).strong_if(most && wins > 0)
    }))
}

/// A table of all pairs of detectors. Columns are numbered as the rows are.
fn matrix(report: &Report, order: &[usize], caption: &str, cell: impl Fn(usize, usize) -> Cell) -> Table {
    let numbered = order.iter().zip(1..);
    let mut columns = vec![Column::text("Detector")];
    columns.extend(numbered.clone().map(|(&model, number)| {
        let name = report.model_name(model);
        Column { name: format!("{number}"), hint: name.to_owned(), numeric: true }
    }));
    let rows = numbered.map(|(&row, number)| {
        let name = Cell::text(&format!("{number}. {}", report.model_name(row)));
        let cells = order.iter().map(|&column| {
            if column == row {
                return Cell { numeric: true, ..Cell::default() };
            }
            let hint = format!("{} against {}", report.model_name(row), report.model_name(column));
            cell(row, column).hinted(hint)
        });
        std::iter::once(name).chain(cells).collect()
    });
    Table { caption: caption.to_owned(), columns, rows: rows.collect(), row_headings: true, interactive: false }
}

/// Mean score of every detector in every category.
fn means(report: &Report) -> Table {
    let order = by_rank(report);
    let mut columns = vec![Column::text("Category"), Column::number("Images", "Anomalous images that were compared")];
    columns.extend(order.iter().map(|&model| Column::number(report.model_name(model), "Mean score")));
    let rows = report.categories.iter().enumerate().map(|(at, category)| {
        let best = category.models.iter().map(|model| model.mean).fold(f64::NEG_INFINITY, f64::max);
        let name = Cell { target: category_id(at), ..Cell::text(&category.name) };
        let cells = order.iter().map(|&model| {
            let mean = category.models[model].mean;
            Cell::score(Some(mean)).strong_if(mean >= best && report.models.len() > 1)
        });
        [name, Cell::count(category.images.len())].into_iter().chain(cells).collect()
    });
    Table {
        caption: format!("Mean {} of every detector in every category, the best in bold", report.score),
        columns,
        rows: rows.collect(),
        row_headings: true,
        interactive: true,
    }
}

/// Categories in which a plotted metric prefers another detector than the score.
fn disagreements(report: &Report) -> Option<Table> {
    if report.disagreements.is_empty() {
        return None;
    }
    let score = &report.score;
    let columns = vec![
        Column::text("Category"),
        Column::text("Metric"),
        Column::text(&format!("{score} prefers")),
        Column::number(&format!("its {score}"), "Mean score of the detector of best rank"),
        Column::number("its metric", "The metric of that detector"),
        Column::text("The metric prefers"),
        Column::number(&format!("its {score}"), "Mean score of the detector that the metric prefers"),
        Column::number("its metric", "The metric of the detector that it prefers"),
        Column::number(
            "Confidence",
            &format!("That the former is better than the latter by {score} (one-sided Wilcoxon)"),
        ),
    ];
    let rows = report.disagreements.iter().map(|one| {
        let category = &report.categories[one.category];
        let side = |model: usize| {
            let result = &category.models[model];
            [
                Cell::text(report.model_name(model)),
                Cell::score(Some(result.mean)),
                Cell::score(result.metrics[one.metric]),
            ]
        };
        let confidence = category.confidences[one.by_score][one.by_metric];
        let sure = confidence.is_some_and(|confidence| confidence >= report.confidence_level);
        let name = Cell { target: category_id(one.category), ..Cell::text(&category.name) };
        let mut row = vec![name, Cell::text(&format::metric(&report.metrics[one.metric]))];
        row.extend(side(one.by_score));
        row.extend(side(one.by_metric));
        row.push(Cell::number(confidence, format::confidence(confidence)).strong_if(sure));
        row
    });
    let caption = format!("Categories in which a metric prefers another detector than {score} does");
    Some(Table { caption, columns, rows: rows.collect(), row_headings: true, interactive: true })
}

/// How often each plotted metric prefers another detector.
fn disagreement_note(report: &Report) -> String {
    let categories = report.categories.len();
    let counts = report.plotted_metrics.iter().map(|&metric| {
        let count = report.disagreements.iter().filter(|one| one.metric == metric).count();
        format!(
            "{} prefers another detector than {} in {count} of {categories}",
            format::metric(&report.metrics[metric]),
            report.score
        )
    });
    let counts: Vec<String> = counts.collect();
    if report.models.len() < 2 || counts.is_empty() {
        return String::new();
    }
    let noun = if categories == 1 { "category" } else { "categories" };
    format!("{} {noun}.", counts.join("; "))
}

fn category_id(position: usize) -> String {
    format!("category-{position}")
}

fn category_view(report: &Report, position: usize, category: &CategoryReport) -> CategoryView {
    CategoryView {
        name: category.name.clone(),
        id: category_id(position),
        open: report.categories.len() <= OPEN_CATEGORIES,
        summary: summary(report, category),
        table: category_table(report, category),
        metrics: category_metrics(report, category),
        boxplots_svg: report.boxplots(category),
        diagram_svg: report.category_diagram(category),
        note: category_note(report, category),
        pairs: pairs(report, category),
        examples: examples(report, category),
        false_positives: category
            .false_positives
            .iter()
            .map(|example| pictures::false_positives(example, report.model_name(example.model)))
            .collect(),
    }
}

fn summary(report: &Report, category: &CategoryReport) -> String {
    let images = counted(category.images.len(), "image", "images");
    match category.order.first() {
        Some(&best) if report.models.len() > 1 => {
            let mean = format::score(category.models[best].mean);
            format!("{images}; best rank: {}, mean {mean}", report.model_name(best))
        }
        Some(&only) => format!("{images}; mean {}", format::score(category.models[only].mean)),
        None => images,
    }
}

fn category_table(report: &Report, category: &CategoryReport) -> Table {
    let coverage = format::percent(report.interval_confidence);
    let several = report.models.len() > 1;
    let mut columns = vec![Column::text("Detector")];
    if several {
        columns.push(Column::number("Rank", "Average over the images; 1 is best"));
    }
    columns.extend([
        Column::number("Mean", &format!("Mean {} over the images", report.score)),
        Column::number("low", &format!("Lower end of the {coverage} bootstrap interval of the mean")),
        Column::number("high", &format!("Upper end of the {coverage} bootstrap interval of the mean")),
        Column::number("Median", "Median over the images"),
    ]);
    if several {
        columns.extend([
            Column::number("Lead", "Mean of the per-image differences to the detector ranked next"),
            Column::number("lead low", &format!("Lower end of its {coverage} bootstrap interval")),
            Column::number("lead high", &format!("Upper end of its {coverage} bootstrap interval")),
            Column::number("Confidence", "That it is better than the one ranked next (one-sided Wilcoxon)"),
        ]);
    }
    let shown = prominent_metrics(report);
    columns.extend(metric_columns(report, &shown, "Metric of the whole category"));
    let best = category.models.iter().map(|model| model.mean).fold(f64::NEG_INFINITY, f64::max);
    let best_metrics = best_metrics(report, category.models.iter().map(|model| model.metrics.as_slice()));
    let rows = category.order.iter().map(|&model| {
        let result = &category.models[model];
        let mut row = vec![Cell::text(report.model_name(model))];
        if several {
            row.push(Cell::number(Some(result.average_rank), format!("{:.2}", result.average_rank)));
        }
        row.push(Cell::score(Some(result.mean)).strong_if(several && result.mean >= best));
        row.extend([result.interval.map(|it| it.low), result.interval.map(|it| it.high)].map(Cell::score));
        row.push(Cell::score(Some(result.median)));
        if several {
            row.extend(lead(report, category, model));
        }
        row.extend(metric_cells(&result.metrics, &best_metrics, &shown));
        row
    });
    Table {
        caption: format!("Detectors on {}, best average rank first", category.name),
        columns,
        rows: rows.collect(),
        row_headings: true,
        interactive: true,
    }
}

fn lead(report: &Report, category: &CategoryReport, model: usize) -> [Cell; 4] {
    let next = category.neighbours.iter().find(|pair| pair.better == model);
    let interval = next.and_then(|pair| pair.interval);
    let confidence = next.and_then(|pair| pair.confidence);
    [
        Cell::score(next.map(|pair| pair.mean_difference)),
        Cell::score(interval.map(|it| it.low)),
        Cell::score(interval.map(|it| it.high)),
        Cell::number(confidence, format::confidence(confidence))
            .strong_if(confidence.is_some_and(|confidence| confidence >= report.confidence_level)),
    ]
}

fn category_note(report: &Report, category: &CategoryReport) -> String {
    if report.models.len() < 2 {
        return String::new();
    }
    let images = category.images.len();
    let mut note = format!("Friedman test over {images} images: p = {}", format::p_value(category.friedman_p));
    if let Some(critical) = category.critical_difference {
        let _ = write!(note, "; Nemenyi critical difference of average ranks {critical:.2}");
    }
    note
}

fn pairs(report: &Report, category: &CategoryReport) -> Option<Table> {
    let caption = "Confidence that the row is better than the column (one-sided Wilcoxon signed-rank test, unadjusted)";
    (report.models.len() > 2).then(|| {
        matrix(report, &category.order, caption, |better, worse| {
            let confidence = category.confidences[better][worse];
            let sure = confidence.is_some_and(|confidence| confidence >= report.confidence_level);
            Cell::number(confidence, format::confidence(confidence)).strong_if(sure)
        })
    })
}

/// Examples by detector, in the order in which detectors appear.
fn examples(report: &Report, category: &CategoryReport) -> Vec<ExamplesView> {
    let mut models: Vec<usize> = Vec::new();
    for example in &category.examples {
        if !models.contains(&example.model) {
            models.push(example.model);
        }
    }
    let of_model = |model: usize| {
        let examples: Vec<&Example> = category.examples.iter().filter(|example| example.model == model).collect();
        let name = report.model_name(model);
        ExamplesView {
            model: name.to_owned(),
            table: example_table(report, category, name, &examples),
            curves_svg: report.curves(category, &examples),
            pictures: examples.iter().filter_map(|example| pictures::example(category, example, name)).collect(),
        }
    };
    models.into_iter().map(of_model).collect()
}

fn example_table(report: &Report, category: &CategoryReport, model: &str, examples: &[&Example]) -> Table {
    let rows = examples.iter().map(|example| {
        let image = &category.images[example.image];
        vec![
            Cell::text(&example.statistic),
            Cell::text(&image.id),
            Cell::text(image.defect.as_deref().unwrap_or("–")),
            Cell::score(Some(example.score)),
        ]
    });
    Table {
        caption: format!("Images nearest to the statistics of {model}"),
        columns: vec![
            Column::text("Statistic"),
            Column::text("Image"),
            Column::text("Defect"),
            Column::number(&report.score, "Score of the image"),
        ],
        rows: rows.collect(),
        row_headings: true,
        interactive: true,
    }
}

fn worst(report: &Report) -> Option<Table> {
    if report.worst.is_empty() {
        return None;
    }
    let several = report.models.len() > 1;
    let mut columns = vec![Column::text("Category"), Column::text("Image"), Column::text("Defect")];
    if several {
        columns.push(Column::number("Best", "Score of the detector that does best on this image"));
        columns.push(Column::text("Best detector"));
        columns.push(Column::number("Mean", "Mean score over all detectors"));
    } else {
        columns.push(Column::number(&report.score, "Score of the image"));
    }
    let rows = report.worst.iter().map(|worst| {
        let category = &report.categories[worst.category];
        let image = &category.images[worst.image];
        let mut row = vec![
            Cell { target: category_id(worst.category), ..Cell::text(&category.name) },
            Cell::text(&image.id),
            Cell::text(image.defect.as_deref().unwrap_or("–")),
            Cell::score(Some(worst.best)),
        ];
        if several {
            row.push(Cell::text(report.model_name(worst.best_model)));
            row.push(Cell::score(Some(worst.mean)));
        }
        row
    });
    let caption =
        if several { "Images that even the best detector localises badly" } else { "Images with the lowest scores" };
    Some(Table { caption: caption.to_owned(), columns, rows: rows.collect(), row_headings: false, interactive: true })
}
