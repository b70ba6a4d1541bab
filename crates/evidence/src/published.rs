//! Evidence from published scores.

use pimo_store::{PublishedDataset, PublishedTree};

use crate::run_facts::{Parameters, text};
use crate::source::Names;
use crate::{EvaluatedImage, EvidenceError, ModelScores, RunDescription};

/// The one score that is published for each image.
const SCORE: &str = "aupimo";

/// What a tree of published scores holds.
pub(crate) fn results(
    label: &str,
    tree: &PublishedTree,
    position: usize,
    score: &str,
    names: &Names,
) -> Result<(RunDescription, Vec<ModelScores>), EvidenceError> {
    if score != SCORE {
        let known = format!("{SCORE} alone in published scores");
        return Err(EvidenceError::Unknown { what: "score", name: score.to_owned(), known });
    }
    let dataset = |dataset: &PublishedDataset| result(dataset, position, names);
    let results: Vec<ModelScores> = tree.datasets().iter().map(dataset).collect::<Result<_, _>>()?;
    let images: usize = results.iter().map(|result| result.images.len()).sum();
    let facts = [
        ("published scores", tree.folder().display().to_string()),
        ("detectors", tree.models().len().to_string()),
        ("results", results.len().to_string()),
        ("scores", images.to_string()),
    ];
    let facts = facts.map(|(name, value)| (name.to_owned(), value)).into();
    Ok((RunDescription { name: label.to_owned(), facts }, results))
}

fn result(dataset: &PublishedDataset, position: usize, names: &Names) -> Result<ModelScores, EvidenceError> {
    let scores = dataset.scores()?;
    let anomalous = dataset.images(&scores).into_iter().filter(|image| image.score.is_some());
    Ok(ModelScores {
        model: names.shown(position, dataset.model()),
        category: dataset.category().to_owned(),
        images: anomalous
            .map(|image| EvaluatedImage {
                id: image.image_id,
                defect: image.defect,
                score: image.score,
                image_path: image.path,
                ..Default::default()
            })
            .collect(),
        metrics: dataset.metrics()?.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        bounds: Some((scores.fpr_lower_bound, scores.fpr_upper_bound)),
        thresholds: scores.thresh_lower_bound.zip(scores.thresh_upper_bound),
        run: position,
        ..Default::default()
    })
}

/// A warning about published scores beside those of a run with these parameters, if they are made in another way.
pub(crate) fn mixed(label: &str, parameters: &Parameters) -> Option<String> {
    let thresholds = text(parameters.get("thresholds")?);
    (thresholds == "exact").then(|| {
        format!(
            "published scores do not say how thresholds were chosen, and most rest on evenly spaced ones; run {label} \
             has exact ones: small differences may come from that (evaluate with --thresholds linspace to be sure)"
        )
    })
}
