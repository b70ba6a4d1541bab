//! Evidence from published scores.

use std::collections::{BTreeMap, BTreeSet};

use pimo_store::{PublishedDataset, PublishedTree, StoreError};

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
    if let Some(score) = scores.aupimos.iter().find(|score| score.is_infinite()) {
        let message = format!("has a score of {score}; expected numbers, and NaN for normal images");
        return Err(StoreError::Json { path: dataset.scores_path(), message }.into());
    }
    let anomalous =
        scores.images(dataset.category()).into_iter().enumerate().filter(|(_, image)| image.score.is_some());
    Ok(ModelScores {
        model: names.shown(position, dataset.model()),
        category: dataset.category().to_owned(),
        images: anomalous
            .map(|(position, image)| EvaluatedImage {
                id: image.image_id,
                defect: image.defect,
                position,
                score: image.score,
                image_path: image.path,
                ..Default::default()
            })
            .collect(),
        metrics: dataset.metrics()?.into_iter().map(|(name, value)| (metric(name).to_owned(), value)).collect(),
        bounds: Some((scores.fpr_lower_bound, scores.fpr_upper_bound)),
        thresholds: scores.thresh_lower_bound.zip(scores.thresh_upper_bound),
        run: position,
        ..Default::default()
    })
}

/// What runs call a published metric: those are of pixels, and their AUPRO ends at a rate of 0.3 if no other is named.
fn metric(name: &str) -> &str {
    match name {
        "auroc" => "pixel_auroc",
        "aupr" => "pixel_aupr_trapezoid",
        "aupro" => "aupro_0.3",
        "aupro_05" => "aupro_0.05",
        other => other,
    }
}

/// Gives the categories of runs the collections that published ones have, where there is no doubt about it.
pub(crate) fn add_collections(results: &mut [ModelScores], is_published: impl Fn(&ModelScores) -> bool) {
    let mut by_dataset: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for result in results.iter().filter(|result| is_published(result)) {
        let dataset = result.category.rsplit('/').next().unwrap_or_default();
        by_dataset.entry(dataset.to_owned()).or_default().insert(result.category.clone());
    }
    for result in results.iter_mut().filter(|result| !is_published(result)) {
        let known = by_dataset.get(&result.category).filter(|known| known.len() == 1);
        if let Some(category) = known.and_then(BTreeSet::first) {
            result.category.clone_from(category);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evidence, Source};

    #[test]
    fn infinite_scores_are_refused_with_their_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let aupimo = folder.path().join("padim/mvtec/nut/aupimo");
        std::fs::create_dir_all(&aupimo).expect("a folder");
        let text = r#"{"fpr_lower_bound": 1e-5, "fpr_upper_bound": 1e-4, "aupimos": [0.5, -Infinity]}"#;
        std::fs::write(aupimo.join("aupimos.json"), text).expect("a file");
        let sources = Source::open_all(&[], &[folder.path().to_path_buf()]).expect("a tree");
        let error = Evidence::of(&sources, "aupimo").expect_err("infinite").to_string();
        assert!(error.ends_with("aupimos.json: has a score of -inf; expected numbers, and NaN for normal images"));
    }

    #[test]
    fn collections_are_added_where_they_are_known() {
        let result =
            |(category, run): (&str, usize)| ModelScores { category: category.into(), run, ..Default::default() };
        let published = [("mvtec/screw", 1), ("a/pill", 1), ("b/pill", 1)];
        let runs = [("screw", 0), ("pill", 0), ("nut", 0), ("x/screw", 0)];
        let mut results: Vec<ModelScores> = published.into_iter().chain(runs).map(result).collect();
        add_collections(&mut results, |result| result.run == 1);
        let categories: Vec<&str> = results.iter().map(|result| result.category.as_str()).collect();
        assert_eq!(categories, ["mvtec/screw", "a/pill", "b/pill", "mvtec/screw", "pill", "nut", "x/screw"]);
    }
}
