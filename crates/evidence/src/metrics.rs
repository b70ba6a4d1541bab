//! Metrics beside the score: their order, and which are plotted.

use std::collections::BTreeSet;

use crate::ModelScores;

/// What readers look for first; other metrics follow by name.
const FIRST: [&str; 13] = [
    "auroc",
    "pixel_auroc",
    "aupro",
    "ap",
    "pixel_ap",
    "aupr",
    "pixel_aupr",
    "f1max",
    "pixel_f1max",
    "pixel_ioumax",
    "iou",
    "image_auroc",
    "image",
];

/// Whether a metric says how good a detector is, which thresholds and rates at a single threshold do not; areas up to a
/// limit of the FPR are shown for AUPRO alone.
fn is_shown(name: &str) -> bool {
    let name = name.to_lowercase();
    let partial = name.starts_with("pixel_auroc_") || name.starts_with("auroc_");
    !(partial || name.ends_with("_threshold") || name.contains("_at_"))
}

/// Names of the metrics that occur and are shown, in the order in which they are.
pub fn names<'a>(results: impl Iterator<Item = &'a ModelScores>) -> Vec<String> {
    let found: BTreeSet<&str> = results
        .flat_map(|result| result.metrics.iter().map(|(name, _)| name.as_str()))
        .filter(|name| is_shown(name))
        .collect();
    let mut names: Vec<&str> = found.into_iter().collect();
    let place = |name: &str| {
        let name = name.to_lowercase();
        let exact = FIRST.iter().position(|first| name == *first);
        let family = || {
            FIRST
                .iter()
                .position(|first| name.starts_with(&format!("{first}_")) || name.starts_with(&format!("{first}@")))
        };
        exact.or_else(family).unwrap_or(FIRST.len())
    };
    names.sort_by_key(|name| place(name));
    names.into_iter().map(str::to_owned).collect()
}

/// Positions of AUROC and AUPRO, as far as there are such metrics. Of several limits of AUPRO the usual 0.3 is taken.
pub fn plotted(names: &[String]) -> Vec<usize> {
    let position = |wanted: &dyn Fn(&str) -> bool| names.iter().position(|name| wanted(&name.to_lowercase()));
    let auroc = position(&|name| name == "auroc" || name == "pixel_auroc");
    let aupro = position(&|name| name == "aupro")
        .or_else(|| position(&|name| name.starts_with("aupro") && name.ends_with("0.3")))
        .or_else(|| position(&|name| name.starts_with("aupro")));
    auroc.into_iter().chain(aupro).collect()
}

/// Value of a metric, if it is known.
pub fn value(result: &ModelScores, name: &str) -> Option<f64> {
    result.metrics.iter().find(|(found, _)| found == name).map(|(_, value)| *value).filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn familiar_metrics_come_first() {
        let metrics = [
            "zeta",
            "image_ap",
            "aupro_0.05",
            "aupro_0.3",
            "AUROC",
            "ap",
            "pixel_aupr_trapezoid",
            "image_auroc",
            "pixel_auroc_0.3",
            "pixel_f1max_threshold",
            "threshold_at_shared_fpr_1e-5",
            "pixel_recall_at_0.5",
        ];
        let metrics = metrics.into_iter().map(|name| (name.to_owned(), 0.5)).collect();
        let names = names([ModelScores { metrics, ..Default::default() }].iter());
        assert_eq!(names[..5], ["AUROC", "aupro_0.05", "aupro_0.3", "ap", "pixel_aupr_trapezoid"]);
        assert_eq!(names[5..], ["image_auroc", "image_ap", "zeta"]);
        assert_eq!(plotted(&names), [0, 2]);
        assert_eq!(plotted(&["zeta".to_owned()]), Vec::<usize>::new());
    }

    #[test]
    fn values_that_are_not_finite_are_missing() {
        let metrics = vec![("aupro".to_owned(), f64::NAN), ("ap".to_owned(), 0.5)];
        let result = ModelScores { metrics, ..Default::default() };
        assert_eq!((value(&result, "aupro"), value(&result, "ap"), value(&result, "f1")), (None, Some(0.5), None));
    }
}
