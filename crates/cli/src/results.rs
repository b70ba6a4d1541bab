//! The table that `pimo eval` prints.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pimo_store::{AupimoSummary, CategorySummary, MetricValue, Summary};
use pimo_store::{RunPaths, RunRecord};

use crate::table::{Align, Table};
use crate::{shell, units};

/// The results of a run, for people.
pub(crate) fn render(summary: &Summary, record: &RunRecord, paths: &RunPaths, by_defect: bool) -> String {
    let mut text = heading(summary);
    text.push('\n');
    text.push_str(&table(summary, by_defect).render());
    text.push('\n');
    text.push_str(&whereabouts(summary, record, paths));
    text
}

fn parameter<'a>(summary: &'a Summary, name: &str) -> &'a str {
    summary.parameters.get(name).and_then(|value| value.as_str()).unwrap_or("?")
}

fn heading(summary: &Summary) -> String {
    let random = summary
        .random_model_score
        .map_or_else(String::new, |score| format!("A model that gives random scores would get {score:.2e}.\n"));
    format!(
        "AUPIMO ({}), shared FPR ({}) from {} to {}. 0 is worst, 1 is best.\n{random}",
        parameter(summary, "thresholds"),
        parameter(summary, "shared_fpr"),
        parameter(summary, "fpr_lower_bound"),
        parameter(summary, "fpr_upper_bound"),
    )
}

/// Metrics of the field that stand beside AUPIMO, if the run has them: name, heading.
const BESIDE: [(&str, &str); 4] =
    [("aupro_0.3", "AUPRO 0.3"), ("pixel_auroc", "AUROC"), ("pixel_f1max", "F1max"), ("image_auroc", "image AUROC")];

type Metrics = BTreeMap<String, MetricValue>;

/// Which of them the run has.
fn beside(summary: &Summary) -> Vec<(&'static str, &'static str)> {
    let categories = || summary.models.values().flat_map(|model| model.categories.values());
    BESIDE.into_iter().filter(|(name, _)| categories().any(|results| results.metrics.contains_key(*name))).collect()
}

fn table(summary: &Summary, by_defect: bool) -> Table {
    let beside = beside(summary);
    let mut columns = vec![
        ("category", Align::Left),
        ("model", Align::Left),
        ("normal", Align::Right),
        ("anomalous", Align::Right),
        ("mean", Align::Right),
        ("median", Align::Right),
        ("at 0", Align::Right),
        ("at 1", Align::Right),
    ];
    columns.extend(beside.iter().map(|(_, heading)| (*heading, Align::Right)));
    let mut table = Table::new(&columns);
    let names: Vec<&str> = beside.into_iter().map(|(name, _)| name).collect();
    let categories: BTreeSet<&String> = summary.models.values().flat_map(|model| model.categories.keys()).collect();
    for category in categories.iter().copied() {
        for (model, results) in &summary.models {
            if let Some(results) = results.categories.get(category) {
                add_category(&mut table, category, model, results, by_defect, &names);
            }
        }
    }
    if categories.len() > 1 {
        for (model, results) in &summary.models {
            let average = &results.macro_average;
            let name = format!("mean of {}", average.categories);
            let mut cells = row(&name, model, String::new(), String::new(), &average.aupimo);
            cells.extend(values(&average.metrics, &names));
            table.row(cells);
        }
    }
    table
}

fn add_category(
    table: &mut Table,
    category: &str,
    model: &str,
    results: &CategorySummary,
    by_defect: bool,
    names: &[&str],
) {
    let (normal, anomalous) = (results.normal.to_string(), results.anomalous.to_string());
    let mut cells = row(category, model, normal, anomalous, &results.aupimo);
    cells.extend(values(&results.metrics, names));
    table.row(cells);
    if by_defect {
        for (defect, results) in &results.defects {
            let images = results.images.to_string();
            let mut cells = row(&format!("  {defect}"), model, String::new(), images, &results.aupimo);
            cells.resize(cells.len() + names.len(), String::new());
            table.row(cells);
        }
    }
}

fn values(metrics: &Metrics, names: &[&str]) -> impl Iterator<Item = String> {
    names.iter().map(|name| score(metrics.get(*name).and_then(|metric| metric.value)))
}

fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

fn row(name: &str, model: &str, normal: String, anomalous: String, aupimo: &AupimoSummary) -> Vec<String> {
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{:.1} %", 100.0 * value));
    vec![
        name.to_owned(),
        model.to_owned(),
        normal,
        anomalous,
        score(aupimo.mean),
        score(aupimo.median),
        share(aupimo.share_0),
        share(aupimo.share_1),
    ]
}

fn whereabouts(summary: &Summary, record: &RunRecord, paths: &RunPaths) -> String {
    let folder: &PathBuf = &paths.folder.components().collect();
    let files: Vec<&str> = paths.files.keys().map(String::as_str).collect();
    let next = shell::command([
        "pimo".as_ref(),
        "threshold".as_ref(),
        folder.as_os_str(),
        "--fpr".as_ref(),
        parameter(summary, "fpr_upper_bound").as_ref(),
    ]);
    let time = std::time::Duration::from_secs_f64(record.times.seconds.max(0.0));
    format!(
        "{} in {}. Results are in {}: {}\nNext: {next}\n",
        units::counted(record.inputs.maps, "map"),
        units::seconds(time),
        shown(folder),
        files.join(", ")
    )
}

fn shown(folder: &Path) -> String {
    shell::quoted(folder.as_os_str()).into_owned()
}
