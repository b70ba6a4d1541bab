//! How runs were made: for the reader, and whether they may be compared.

use pimo_store::{Parameters, RunRecord, Summary};
use serde_json::Value;

use super::error::AssembleError;
use super::runs::RunInput;
use crate::page::RunDescription;

/// Names that are listed of many.
const LISTED: usize = 8;

/// Refuses runs whose results depend on parameters of different values.
pub(super) fn check_parameters(
    first: &str,
    first_parameters: &Parameters,
    second: &str,
    second_parameters: &Parameters,
) -> Result<(), AssembleError> {
    for (name, value) in first_parameters {
        if let Some(other) = second_parameters.get(name).filter(|other| *other != value) {
            return Err(AssembleError::Different {
                first: format!("run {first}"),
                second: format!("run {second}"),
                what: format!("their parameter {name} is"),
                found_first: text(value),
                found_second: text(other),
            });
        }
    }
    Ok(())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a reader wants to know of a run.
pub(super) fn description(label: &str, record: &RunRecord) -> RunDescription {
    let inputs = &record.inputs;
    let mut facts = vec![
        ("pimo", record.pimo_version.clone()),
        ("detectors", listed(&record.models)),
        ("categories", listed(&record.categories)),
        ("images", format!("{} ({} normal, {} anomalous)", inputs.images, inputs.normal, inputs.anomalous)),
        ("pixels", inputs.pixels.to_string()),
    ];
    let names = ["started", "seconds"];
    if !record.times.started.is_empty() {
        facts.extend(names.into_iter().zip([record.times.started.clone(), format!("{:.1}", record.times.seconds)]));
    }
    if !record.digests.masks.is_empty() {
        facts.push(("digest of the masks", record.digests.masks.clone()));
    }
    let mut facts: Vec<(String, String)> = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    facts.extend(record.parameters.iter().map(|(name, value)| (name.clone(), text(value))));
    RunDescription { name: label.to_owned(), facts }
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > LISTED { format!("{shown} and {} more", names.len() - LISTED) } else { shown }
}

/// Everything that a run warned of, and what it left out.
pub(super) fn warnings(run: &RunInput, summary: &Summary) -> Vec<String> {
    let record = run.reader.record();
    let mut warnings: Vec<String> = record.warnings.clone();
    warnings.extend(summary.warnings.iter().filter(|warning| !record.warnings.contains(warning)).cloned());
    for (model, results) in &summary.models {
        for (category, results) in &results.categories {
            warnings.extend(results.warnings.iter().map(|warning| format!("{model} on {category}: {warning}")));
        }
    }
    warnings
        .extend(record.failed.iter().map(|failed| format!("category {} failed: {}", failed.category, failed.message)));
    let skipped = record.skipped.iter().take(LISTED);
    warnings.extend(skipped.map(|image| format!("image {} was left out: {}", image.image_id, image.message)));
    if record.skipped.len() > LISTED {
        warnings.push(format!("{} more images were left out", record.skipped.len() - LISTED));
    }
    warnings.into_iter().map(|warning| format!("{}: {warning}", run.label)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn parameters(value: &Value) -> Parameters {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn parameters_that_differ_are_named() {
        let first = parameters(&json!({"thresholds": "exact", "fpr_bounds": [1e-5, 1e-4], "only": 1}));
        let second = parameters(&json!({"thresholds": "linspace", "fpr_bounds": [1e-5, 1e-4], "other": 2}));
        let error = check_parameters("a", &first, "b", &second).unwrap_err().to_string();
        assert_eq!(
            error,
            "run a and run b cannot be compared: their parameter thresholds is exact and linspace; evaluate both alike"
        );
        check_parameters("a", &first, "b", &first).unwrap();
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..10).map(|name| name.to_string()).collect();
        assert_eq!(listed(&names), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
        assert_eq!(listed(&names[..2]), "0, 1");
    }
}
