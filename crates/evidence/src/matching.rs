//! Which detectors have which images.

use std::collections::BTreeMap;

use crate::examples::examples;
use crate::masks::{self, Rows, side};
use crate::{EvaluatedImage, Evidence, EvidenceError, ModelScores};

/// Unmatched images that a message names.
const LISTED: usize = 20;

/// What happens to categories and images that some detectors lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Matching {
    /// They are an error.
    #[default]
    Strict,
    /// They are left out, with a warning.
    Intersect,
}

/// The detectors, and the categories that all of them have.
#[derive(Debug)]
pub struct Matched<'a> {
    /// Names of the detectors.
    pub models: Vec<&'a str>,
    /// In order of their names.
    pub categories: Vec<MatchedCategory<'a>>,
    /// What was left out, and what else a reader should know.
    pub warnings: Vec<String>,
}

/// A category on which all detectors have scores of the same images.
#[derive(Debug)]
pub struct MatchedCategory<'a> {
    /// Its name.
    pub name: &'a str,
    /// Results by detector.
    pub results: Vec<&'a ModelScores>,
    /// Images by detector; the same ones in the same order of their ids.
    pub images: Vec<Vec<&'a EvaluatedImage>>,
    /// `scores[model][image]`.
    pub scores: Vec<Vec<f64>>,
}

/// Matches detectors by category and image id.
///
/// # Errors
/// Detectors without a common category; with other bounds, thresholds or masks than others; with images or categories
/// that others lack, unless these are to be left out; results or images that occur twice.
pub fn match_up(evidence: &Evidence, matching: Matching) -> Result<Matched<'_>, EvidenceError> {
    let mut models: Vec<&str> = Vec::new();
    let mut by_category: BTreeMap<&str, BTreeMap<&str, &ModelScores>> = BTreeMap::new();
    for result in &evidence.results {
        if !models.contains(&result.model.as_str()) {
            models.push(&result.model);
        }
        let former = by_category.entry(&result.category).or_default().insert(&result.model, result);
        if former.is_some() {
            let (model, category) = (result.model.clone(), result.category.clone());
            return Err(EvidenceError::DuplicateResult { model, category });
        }
    }
    let warnings = unknown_thresholds(&evidence.results).into_iter().collect();
    let mut matched = Matched { models, categories: Vec::new(), warnings };
    for (name, results) in by_category {
        matched.add(name, &results, matching)?;
    }
    if matched.categories.is_empty() {
        let has_none = |result: &ModelScores| result.images.iter().all(|image| image.score.is_none());
        let undefined = |name: &str| {
            let mut results = evidence.results.iter().filter(|result| result.category == name);
            results.any(|result| !result.images.is_empty() && has_none(result))
        };
        if !evidence.results.is_empty() && evidence.results.iter().all(|result| undefined(&result.category)) {
            return Err(evidence.undefined());
        }
        let mut reason = String::new();
        for warning in &matched.warnings {
            reason.push_str("; ");
            reason.push_str(warning);
        }
        return Err(EvidenceError::Nothing { reason });
    }
    Ok(matched)
}

impl<'a> Matched<'a> {
    fn add(
        &mut self,
        name: &'a str,
        results: &BTreeMap<&str, &'a ModelScores>,
        matching: Matching,
    ) -> Result<(), EvidenceError> {
        let missing = self.models.iter().find(|model| !results.contains_key(**model));
        if let Some(model) = missing {
            let (model, category) = ((*model).to_owned(), name.to_owned());
            if matching == Matching::Strict {
                return Err(EvidenceError::MissingCategory { model, category });
            }
            self.warnings.push(format!("category {category} is left out: {model} has no results on it"));
            return Ok(());
        }
        let results: Vec<&ModelScores> = self.models.iter().map(|model| results[model]).collect();
        check_alike(&results)?;
        let undefined = results.iter().find(|result| result.images.iter().all(|image| image.score.is_none()));
        if let Some(result) = undefined {
            let what = if result.images.is_empty() { "no anomalous images" } else { "no defined score" };
            self.warnings.push(format!("category {name} is left out: {} has {what} on it", result.model));
            return Ok(());
        }
        let category = match_images(name, results, matching, &mut self.warnings)?;
        self.categories.extend(category);
        Ok(())
    }
}

/// Refuses results with different bounds or thresholds.
fn check_alike(results: &[&ModelScores]) -> Result<(), EvidenceError> {
    same(results, "the bounds of the shared FPR are", |result| {
        result.bounds.map(|(low, high)| format!("{low:e} to {high:e}"))
    })?;
    same(results, "their thresholds are", |result| result.threshold_mode.clone())
}

/// Refuses results of which some are known to differ in `value`.
fn same(
    results: &[&ModelScores],
    what: &str,
    value: impl Fn(&ModelScores) -> Option<String>,
) -> Result<(), EvidenceError> {
    let mut known = results.iter().filter_map(|result| Some((*result, value(result)?)));
    let Some((first, found_first)) = known.next() else { return Ok(()) };
    match known.find(|(_, found)| *found != found_first) {
        None => Ok(()),
        Some((second, found_second)) => Err(EvidenceError::Different {
            first: side(first),
            second: side(second),
            what: what.to_owned(),
            found_first,
            found_second,
        }),
    }
}

/// A warning where exact scores stand beside scores that do not say how they were made.
fn unknown_thresholds(results: &[ModelScores]) -> Option<String> {
    let exact = results.iter().find(|result| result.threshold_mode.as_deref() == Some("exact"))?;
    let unknown = results.iter().find(|result| result.threshold_mode.is_none())?;
    Some(format!(
        "published scores such as those of {} do not say how thresholds were chosen, and most rest on evenly spaced \
         ones; those of {} are exact: small differences may come from that (evaluate with --thresholds linspace to be \
         sure)",
        unknown.model, exact.model
    ))
}

/// A warning where detectors saw the same anomalous images but other normal ones, on which thresholds rest.
fn other_images(results: &[&ModelScores]) -> Option<String> {
    let mut known = results.iter().filter(|result| result.items.is_some());
    let first = known.next()?;
    let second = known.find(|result| result.items != first.items)?;
    Some(format!(
        "category {}: {} and {} were evaluated on lists of images that differ, though they share all anomalous ones: \
         their thresholds may rest on different normal images",
        first.category, first.model, second.model
    ))
}

/// The images that all detectors have a score of; `None` if there is none.
fn match_images<'a>(
    name: &'a str,
    results: Vec<&'a ModelScores>,
    matching: Matching,
    warnings: &mut Vec<String>,
) -> Result<Option<MatchedCategory<'a>>, EvidenceError> {
    let mut rows = Rows::new();
    for (model, result) in results.iter().enumerate() {
        for image in &result.images {
            let row = rows.entry(&image.id).or_insert_with(|| vec![None; results.len()]);
            if row[model].is_some() {
                return Err(EvidenceError::DuplicateImage {
                    image: image.id.clone(),
                    category: name.to_owned(),
                    model: result.model.clone(),
                });
            }
            row[model] = Some(image);
        }
    }
    masks::check(&results, &rows)?;
    let mut unmatched: Vec<String> = Vec::new();
    let mut images: Vec<Vec<&EvaluatedImage>> = vec![Vec::new(); results.len()];
    let mut scores: Vec<Vec<f64>> = vec![Vec::new(); results.len()];
    for (id, row) in rows {
        let scored: Vec<_> =
            row.iter().map_while(|image| image.and_then(|image| Some((image, image.score?)))).collect();
        if scored.len() < results.len() {
            unmatched.push(format!("{id} (not by {})", results[scored.len()].model));
            continue;
        }
        for (model, (image, score)) in scored.into_iter().enumerate() {
            images[model].push(image);
            scores[model].push(score);
        }
    }
    if unmatched.is_empty() {
        warnings.extend(other_images(&results));
    } else if matching == Matching::Strict {
        return Err(unmatched_images(name, &unmatched));
    } else {
        let count = unmatched.len();
        warnings.push(format!(
            "images of category {name} left out because not all detectors have a score of them: {count}"
        ));
    }
    Ok(images.first().is_some_and(|images| !images.is_empty()).then_some(MatchedCategory {
        name,
        results,
        images,
        scores,
    }))
}

fn unmatched_images(category: &str, unmatched: &[String]) -> EvidenceError {
    let examples = examples(unmatched, LISTED);
    EvidenceError::UnmatchedImages { category: category.to_owned(), count: unmatched.len(), examples }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn result(model: &str, category: &str, images: &[(&str, Option<f64>)]) -> ModelScores {
        let images =
            images.iter().map(|&(id, score)| EvaluatedImage { id: id.to_owned(), score, ..Default::default() });
        ModelScores {
            model: model.to_owned(),
            category: category.to_owned(),
            images: images.collect(),
            ..Default::default()
        }
    }

    fn evidence(results: Vec<ModelScores>) -> Evidence {
        Evidence { results, ..Default::default() }
    }

    #[test]
    fn images_are_matched_by_id() {
        let evidence = evidence(vec![
            result("b", "screw", &[("2", Some(0.2)), ("1", Some(0.1))]),
            result("a", "screw", &[("1", Some(0.5)), ("2", Some(0.6))]),
        ]);
        let matched = match_up(&evidence, Matching::Strict).unwrap();
        assert_eq!(matched.models, ["b", "a"]);
        assert_eq!(matched.categories[0].scores, [[0.1, 0.2], [0.5, 0.6]]);
    }

    #[test]
    fn unmatched_images_are_listed_or_left_out() {
        let evidence = evidence(vec![
            result("a", "screw", &[("1", Some(0.1)), ("2", Some(0.2)), ("3", None)]),
            result("b", "screw", &[("1", Some(0.5)), ("4", Some(0.5)), ("3", Some(0.1))]),
        ]);
        let error = match_up(&evidence, Matching::Strict).unwrap_err().to_string();
        assert!(
            error.contains("3 anomalous images") && error.contains("2 (not by b), 3 (not by a), 4 (not by a)"),
            "{error}"
        );
        let matched = match_up(&evidence, Matching::Intersect).unwrap();
        assert_eq!(matched.categories[0].scores, [[0.1], [0.5]]);
        assert_eq!(matched.warnings.len(), 1);
    }

    #[test]
    fn categories_must_be_shared() {
        let evidence = evidence(vec![
            result("a", "screw", &[("1", Some(0.1))]),
            result("a", "nut", &[("1", Some(0.1))]),
            result("b", "screw", &[("1", Some(0.1))]),
        ]);
        let error = match_up(&evidence, Matching::Strict).unwrap_err();
        assert!(
            matches!(&error, EvidenceError::MissingCategory { model, category } if model == "b" && category == "nut")
        );
        let matched = match_up(&evidence, Matching::Intersect).unwrap();
        assert_eq!(matched.categories.len(), 1);
        assert!(matched.warnings[0].contains("nut"));
    }

    #[test]
    fn undefined_scores_leave_a_category_out() {
        let mut evidence = evidence(vec![result("a", "screw", &[("1", None)])]);
        assert!(matches!(match_up(&evidence, Matching::Strict), Err(EvidenceError::Undefined { .. })));
        evidence.results.push(result("a", "nut", &[("1", Some(1.0))]));
        let matched = match_up(&evidence, Matching::Strict).unwrap();
        assert_eq!((matched.categories.len(), matched.warnings.len()), (1, 1));
    }

    #[test]
    fn different_ground_truth_and_bounds_are_refused() {
        let mut two = vec![result("a", "screw", &[("1", Some(0.1))]), result("b", "screw", &[("1", Some(0.1))])];
        (two[0].masks, two[1].masks) = (Some("11".into()), Some("22".into()));
        let error = match_up(&evidence(two.clone()), Matching::Intersect).unwrap_err().to_string();
        assert!(error.contains("masks are 11 and 22"), "{error}");
        two[1].masks = None;
        (two[0].bounds, two[1].bounds) = (Some((1e-5, 1e-4)), Some((1e-6, 1e-4)));
        let error = match_up(&evidence(two), Matching::Intersect).unwrap_err().to_string();
        assert!(error.contains("1e-5 to 1e-4 and 1e-6 to 1e-4"), "{error}");
    }

    #[test]
    fn a_difference_is_seen_past_what_is_unknown() {
        let mut three: Vec<ModelScores> =
            ["a", "b", "c"].map(|model| result(model, "screw", &[("1", Some(0.1))])).into();
        three[0].threshold_mode = Some("exact".into());
        three[2].threshold_mode = Some("linspace:300000".into());
        let error = match_up(&evidence(three), Matching::Strict).unwrap_err().to_string();
        assert!(error.contains("their thresholds are exact and linspace:300000"), "{error}");
    }

    #[test]
    fn exact_scores_beside_unknown_ones_are_worth_a_warning() {
        let mut two = vec![result("a", "screw", &[("1", Some(0.1))]), result("b", "screw", &[("1", Some(0.1))])];
        two[0].threshold_mode = Some("exact".into());
        let evidence = evidence(two);
        let warnings = match_up(&evidence, Matching::Strict).unwrap().warnings;
        assert!(warnings[0].contains("those of b do not say") && warnings[0].contains("those of a are exact"));
    }

    #[test]
    fn masks_of_common_images_must_be_the_same() {
        let mut two = vec![
            result("a", "screw", &[("1", Some(0.1)), ("2", Some(0.2))]),
            result("b", "screw", &[("1", Some(0.1))]),
        ];
        (two[0].masks, two[1].masks) = (Some("11".into()), Some("22".into()));
        // The digests are over different images and say nothing.
        assert_eq!(match_up(&evidence(two.clone()), Matching::Intersect).unwrap().categories[0].scores, [[0.1], [0.1]]);
        two[0].images[0].anomalous_pixels = Some(7);
        two[1].images[0].anomalous_pixels = Some(8);
        let error = match_up(&evidence(two), Matching::Intersect).unwrap_err().to_string();
        assert!(error.contains("1 (7 anomalous pixels for a, 8 anomalous pixels for b)"), "{error}");
    }

    #[test]
    fn other_normal_images_are_worth_a_warning() {
        let mut two = vec![result("a", "screw", &[("1", Some(0.1))]), result("b", "screw", &[("1", Some(0.1))])];
        (two[0].items, two[1].items) = (Some("11".into()), Some("22".into()));
        let evidence = evidence(two);
        let warnings = match_up(&evidence, Matching::Strict).unwrap().warnings;
        assert!(warnings[0].contains("different normal images"), "{warnings:?}");
    }

    #[test]
    fn duplicates_are_refused() {
        let twice = result("a", "screw", &[("1", Some(0.1)), ("1", Some(0.2))]);
        let error = match_up(&evidence(vec![twice]), Matching::Intersect).unwrap_err();
        assert!(matches!(error, EvidenceError::DuplicateImage { .. }));
        let one = result("a", "screw", &[("1", Some(0.1))]);
        let error = match_up(&evidence(vec![one.clone(), one]), Matching::Intersect).unwrap_err();
        assert!(matches!(error, EvidenceError::DuplicateResult { .. }));
    }
}
