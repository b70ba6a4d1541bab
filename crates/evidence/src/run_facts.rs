//! How runs were made: for the reader, and whether they may be compared.

use pimo_store::{RunRecord, Summary};
use serde_json::Value;

use crate::{EvidenceError, RunDescription};

pub(crate) use pimo_store::Parameters;

/// The parameters that per-image scores depend on, whichever score is compared; a profile may round all scores, and
/// gives metrics of one name other definitions.
const DECISIVE: [&str; 6] = ["thresholds", "fpr_lower_bound", "fpr_upper_bound", "shared_fpr", "mask", "profile"];

/// Names that are listed of many.
const LISTED: usize = 8;

/// Refuses runs whose scores depend on parameters of different values.
pub(crate) fn check_parameters(
    first: &str,
    first_parameters: &Parameters,
    second: &str,
    second_parameters: &Parameters,
    score: &str,
) -> Result<(), EvidenceError> {
    // How pixels become the score of an image has a parameter of its own.
    let of_score = (score == "image_score").then_some(score);
    for name in DECISIVE.into_iter().chain(of_score) {
        let values = first_parameters.get(name).zip(second_parameters.get(name));
        if let Some((value, other)) = values.filter(|(value, other)| !same(value, other)) {
            return Err(EvidenceError::Different {
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

/// Whether two values mean the same: numbers are kept as they were typed.
fn same(value: &Value, other: &Value) -> bool {
    let number = |value: &Value| text(value).parse::<f64>().ok();
    value == other || number(value).is_some_and(|value| Some(value) == number(other))
}

/// A value without quotes.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a reader wants to know of a run.
pub(crate) fn description(label: &str, record: &RunRecord) -> RunDescription {
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
pub(crate) fn warnings(label: &str, record: &RunRecord, summary: &Summary) -> Vec<String> {
    let mut warnings: Vec<String> = record.warnings.clone();
    warnings.extend(summary.warnings.iter().filter(|warning| !record.warnings.contains(warning)).cloned());
    for (model, results) in &summary.models {
        for (category, results) in &results.categories {
            // Usually the warnings of the whole run have them too, in other words.
            let untold =
                results.warnings.iter().filter(|own| !warnings.iter().any(|told| told.ends_with(own.as_str())));
            let untold: Vec<String> = untold.map(|warning| format!("{model} on {category}: {warning}")).collect();
            warnings.extend(untold);
        }
    }
    warnings.extend(record.failed.iter().map(|failed| {
        let model = failed.model.as_ref().map_or_else(String::new, |model| format!(", detector {model},"));
        format!("category {}{model} failed: {}", failed.category, failed.message)
    }));
    let skipped = record.skipped.iter().take(LISTED);
    warnings.extend(skipped.map(|image| format!("image {} was left out: {}", image.image_id, image.message)));
    if record.skipped.len() > LISTED {
        warnings.push(format!("{} more images were left out", record.skipped.len() - LISTED));
    }
    warnings.into_iter().map(|warning| format!("{label}: {warning}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pimo_store::FailedCategory;
    use serde_json::json;

    use super::*;

    fn parameters(value: &Value) -> Parameters {
        value.as_object().unwrap().clone()
    }

    fn check(first: &Value, second: &Value, score: &str) -> Result<(), String> {
        check_parameters("a", &parameters(first), "b", &parameters(second), score).map_err(|error| error.to_string())
    }

    #[test]
    fn parameters_that_differ_are_named() {
        let first = json!({"thresholds": "exact", "fpr_lower_bound": "1e-5", "only": 1});
        let second = json!({"thresholds": "linspace:300000", "fpr_lower_bound": "1e-5", "other": 2});
        assert_eq!(
            check(&first, &second, "aupimo").unwrap_err(),
            "run a and run b cannot be compared: their parameter thresholds is exact and linspace:300000; evaluate \
             both alike"
        );
        check(&first, &first, "aupimo").unwrap();
    }

    #[test]
    fn what_scores_do_not_depend_on_may_differ() {
        let first = json!({"fpr_upper_bound": "1e-4", "curves": "200", "image_score": "max"});
        let second = json!({"fpr_upper_bound": "0.0001", "curves": "full", "image_score": "mean"});
        check(&first, &second, "aupimo").unwrap();
        assert!(check(&first, &second, "image_score").unwrap_err().contains("image_score is max and mean"));
    }

    #[test]
    fn whose_results_failed_is_named() {
        let failed = |model: Option<&str>| FailedCategory {
            category: "nut".to_owned(),
            model: model.map(str::to_owned),
            message: "no maps".to_owned(),
        };
        let record = RunRecord { failed: vec![failed(Some("a")), failed(None)], ..RunRecord::default() };
        let warnings = warnings("run", &record, &Summary::default());
        assert_eq!(warnings, ["run: category nut, detector a, failed: no maps", "run: category nut failed: no maps"]);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..10).map(|name| name.to_string()).collect();
        assert_eq!(listed(&names), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
        assert_eq!(listed(&names[..2]), "0, 1");
    }
}
