//! Where another metric prefers another detector than the score does.

use crate::page::{CategoryReport, Disagreement};

/// For each category and plotted metric: the detector that the metric prefers, if it is not the one of best rank.
pub(super) fn disagreements(categories: &[CategoryReport], plotted: &[usize]) -> Vec<Disagreement> {
    let mut found = Vec::new();
    for (at, category) in categories.iter().enumerate() {
        let Some(&by_score) = category.order.first() else { continue };
        for &metric in plotted {
            let value = |model: usize| category.models[model].metrics[metric];
            let Some(of_best_rank) = value(by_score) else { continue };
            // In order of ranks, so that of equal detectors the better ranked one is named.
            let others = category.order.iter().filter_map(|&model| Some((model, value(model)?)));
            let preferred =
                others.fold((by_score, of_best_rank), |best, other| if other.1 > best.1 { other } else { best });
            if preferred.0 != by_score {
                found.push(Disagreement { category: at, metric, by_score, by_metric: preferred.0 });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::ModelResult;

    #[test]
    fn a_metric_that_prefers_another_detector_is_found() {
        let model = |metrics: [Option<f64>; 3]| ModelResult { metrics: metrics.to_vec(), ..Default::default() };
        let category = CategoryReport {
            order: vec![1, 0, 2],
            models: vec![
                model([Some(0.99), Some(0.9), None]),
                model([Some(0.98), Some(0.9), Some(0.1)]),
                model([Some(0.97), None, Some(0.1)]),
            ],
            ..Default::default()
        };
        let found = disagreements(&[category], &[0, 1, 2]);
        assert_eq!(found, [Disagreement { category: 0, metric: 0, by_score: 1, by_metric: 0 }]);
    }
}
