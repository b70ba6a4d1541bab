//! Evidence from run folders.

use std::collections::BTreeMap;

use pimo_store::{ImageRow, MACRO_CATEGORY, RunReader, Summary};

use crate::other_scores::OtherScores;
use crate::run_facts::text;
use crate::source::Names;
use crate::{EvaluatedImage, EvidenceError, ModelScores};

/// The results of one run, by category and detector.
pub(crate) fn results(
    run: &RunReader,
    position: usize,
    score: &str,
    summary: &Summary,
    names: &Names,
    others: &mut OtherScores,
) -> Result<Vec<ModelScores>, EvidenceError> {
    let mut results: BTreeMap<(String, String), (ModelScores, usize)> = BTreeMap::new();
    let scores = run.scores(score)?;
    for (row, scored) in run.images()?.zip(scores) {
        let row = row?;
        let key = (row.category.clone(), row.model.clone());
        let (result, seen) = results.entry(key).or_insert_with(|| (start(run, position, &row, summary, names), 0));
        if row.is_anomalous {
            others.add(&row);
            result.images.push(EvaluatedImage {
                id: row.image_id,
                defect: row.defect,
                position: *seen,
                score: scored.value,
                size: row.height.zip(row.width),
                anomalous_pixels: row.anomalous_pixels,
                map_path: row.map_path,
                mask_path: row.mask_path,
                image_path: row.image_path,
            });
        }
        *seen += 1;
    }
    for metric in run.categories()? {
        let is_score = metric.metric.starts_with("aupimo");
        if is_score || metric.category == MACRO_CATEGORY {
            continue;
        }
        if let (Some((result, _)), Some(value)) = (results.get_mut(&(metric.category, metric.model)), metric.value) {
            result.metrics.push((metric.metric, value));
        }
    }
    Ok(results.into_values().map(|(result, _)| result).collect())
}

/// A result without images yet.
fn start(run: &RunReader, position: usize, row: &ImageRow, summary: &Summary, names: &Names) -> ModelScores {
    let category = summary.models.get(&row.model).and_then(|model| model.categories.get(&row.category));
    let operating = category.and_then(|category| category.thresholds);
    let digests = run.record().digests.categories.get(&row.category);
    ModelScores {
        model: names.shown(position, &row.model),
        category: row.category.clone(),
        bounds: operating.and_then(|at| at.upper.fpr_bound.zip(at.lower.fpr_bound)),
        thresholds: operating.and_then(|at| at.lower.threshold.zip(at.upper.threshold)),
        threshold_mode: summary.parameters.get("thresholds").map(text),
        masks: digests.map(|digests| digests.masks.clone()).filter(|digest| !digest.is_empty()),
        items: digests.map(|digests| digests.items.clone()).filter(|digest| !digest.is_empty()),
        run: position,
        ..ModelScores::default()
    }
}
