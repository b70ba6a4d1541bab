//! The table that `pimo eval` prints.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pimo_store::{AupimoSummary, CategorySummary, Summary};
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

fn table(summary: &Summary, by_defect: bool) -> Table {
    let mut table = Table::new(&[
        ("category", Align::Left),
        ("model", Align::Left),
        ("normal", Align::Right),
        ("anomalous", Align::Right),
        ("mean", Align::Right),
        ("median", Align::Right),
        ("at 0", Align::Right),
        ("at 1", Align::Right),
    ]);
    let categories: BTreeSet<&String> = summary.models.values().flat_map(|model| model.categories.keys()).collect();
    for category in categories.iter().copied() {
        for (model, results) in &summary.models {
            if let Some(results) = results.categories.get(category) {
                add_category(&mut table, category, model, results, by_defect);
            }
        }
    }
    if categories.len() > 1 {
        for (model, results) in &summary.models {
            let average = &results.macro_average;
            let name = format!("mean of {}", average.categories);
            table.row(row(&name, model, String::new(), String::new(), &average.aupimo));
        }
    }
    table
}

fn add_category(table: &mut Table, category: &str, model: &str, results: &CategorySummary, by_defect: bool) {
    let (normal, anomalous) = (results.normal.to_string(), results.anomalous.to_string());
    table.row(row(category, model, normal, anomalous, &results.aupimo));
    if by_defect {
        for (defect, results) in &results.defects {
            let images = results.images.to_string();
            table.row(row(&format!("  {defect}"), model, String::new(), images, &results.aupimo));
        }
    }
}

fn row(name: &str, model: &str, normal: String, anomalous: String, aupimo: &AupimoSummary) -> Vec<String> {
    let score = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
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
