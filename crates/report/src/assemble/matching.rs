//! Which detectors have which images.

use std::collections::BTreeMap;

use super::error::AssembleError;
use super::evidence::{EvaluatedImage, Evidence, ModelScores};

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
pub(super) struct Matched<'a> {
    /// Names of the detectors.
    pub(super) models: Vec<&'a str>,
    /// In order of their names.
    pub(super) categories: Vec<MatchedCategory<'a>>,
    pub(super) warnings: Vec<String>,
}

/// A category on which all detectors have scores of the same images.
#[derive(Debug)]
pub(super) struct MatchedCategory<'a> {
    pub(super) name: &'a str,
    /// Results by detector.
    pub(super) results: Vec<&'a ModelScores>,
    /// Images by detector; the same ones in the same order of their ids.
    pub(super) images: Vec<Vec<&'a EvaluatedImage>>,
    /// `scores[model][image]`.
    pub(super) scores: Vec<Vec<f64>>,
}

/// Matches detectors by category and image id.
pub(super) fn match_up(evidence: &Evidence, matching: Matching) -> Result<Matched<'_>, AssembleError> {
    let mut models: Vec<&str> = Vec::new();
    let mut by_category: BTreeMap<&str, BTreeMap<&str, &ModelScores>> = BTreeMap::new();
    for result in &evidence.results {
        if !models.contains(&result.model.as_str()) {
            models.push(&result.model);
        }
        let former = by_category.entry(&result.category).or_default().insert(&result.model, result);
        if former.is_some() {
            let (model, category) = (result.model.clone(), result.category.clone());
            return Err(AssembleError::DuplicateResult { model, category });
        }
    }
    let mut matched = Matched { models, categories: Vec::new(), warnings: Vec::new() };
    for (name, results) in by_category {
        matched.add(name, &results, matching)?;
    }
    if matched.categories.is_empty() {
        let mut reason = String::new();
        for warning in &matched.warnings {
            reason.push_str("; ");
            reason.push_str(warning);
        }
        return Err(AssembleError::Nothing { reason });
    }
    Ok(matched)
}

impl<'a> Matched<'a> {
    fn add(
        &mut self,
        name: &'a str,
        results: &BTreeMap<&str, &'a ModelScores>,
        matching: Matching,
    ) -> Result<(), AssembleError> {
        let missing = self.models.iter().find(|model| !results.contains_key(**model));
        if let Some(model) = missing {
            let (model, category) = ((*model).to_owned(), name.to_owned());
            if matching == Matching::Strict {
                return Err(AssembleError::MissingCategory { model, category });
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

/// Refuses results with different masks or bounds.
fn check_alike(results: &[&ModelScores]) -> Result<(), AssembleError> {
    let differ = |first: &ModelScores, second: &ModelScores, what: &str, found_first: String, found_second: String| {
        let side = |result: &ModelScores| format!("the results of {} on {}", result.model, result.category);
        AssembleError::Different {
            first: side(first),
            second: side(second),
            what: what.to_owned(),
            found_first,
            found_second,
        }
    };
    for pair in results.windows(2) {
        let (first, second) = (pair[0], pair[1]);
        if let (Some(low), Some(high)) = (first.bounds, second.bounds)
            && low != high
        {
            let text = |(low, high)| format!("{low:e} to {high:e}");
            return Err(differ(first, second, "the bounds of the shared FPR are", text(low), text(high)));
        }
        if let (Some(one), Some(other)) = (&first.masks, &second.masks)
            && one != other
        {
            let text = |digest: &String| digest.chars().take(16).collect::<String>();
            return Err(differ(first, second, "the digests of the ground-truth masks are", text(one), text(other)));
        }
    }
    Ok(())
}

/// The images that all detectors have a score of; `None` if there is none.
fn match_images<'a>(
    name: &'a str,
    results: Vec<&'a ModelScores>,
    matching: Matching,
    warnings: &mut Vec<String>,
) -> Result<Option<MatchedCategory<'a>>, AssembleError> {
    let mut rows: BTreeMap<&str, Vec<Option<&EvaluatedImage>>> = BTreeMap::new();
    for (model, result) in results.iter().enumerate() {
        for image in &result.images {
            let row = rows.entry(&image.id).or_insert_with(|| vec![None; results.len()]);
            if row[model].is_some() {
                return Err(AssembleError::DuplicateImage {
                    image: image.id.clone(),
                    category: name.to_owned(),
                    model: result.model.clone(),
                });
            }
            row[model] = Some(image);
        }
    }
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
    if !unmatched.is_empty() {
        let count = unmatched.len();
        if matching == Matching::Strict {
            let more = if count > LISTED { ", ..." } else { "" };
            unmatched.truncate(LISTED);
            let examples = format!("{}{more}", unmatched.join(", "));
            return Err(AssembleError::UnmatchedImages { category: name.to_owned(), count, examples });
        }
        warnings
            .push(format!("{count} images of category {name} are left out: not all detectors have a score of them"));
    }
    Ok(images.first().is_some_and(|images| !images.is_empty()).then_some(MatchedCategory {
        name,
        results,
        images,
        scores,
    }))
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
            matches!(&error, AssembleError::MissingCategory { model, category } if model == "b" && category == "nut")
        );
        let matched = match_up(&evidence, Matching::Intersect).unwrap();
        assert_eq!(matched.categories.len(), 1);
        assert!(matched.warnings[0].contains("nut"));
    }

    #[test]
    fn undefined_scores_leave_a_category_out() {
        let mut evidence = evidence(vec![result("a", "screw", &[("1", None)])]);
        assert!(matches!(match_up(&evidence, Matching::Strict), Err(AssembleError::Nothing { .. })));
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
    fn duplicates_are_refused() {
        let twice = result("a", "screw", &[("1", Some(0.1)), ("1", Some(0.2))]);
        let error = match_up(&evidence(vec![twice]), Matching::Intersect).unwrap_err();
        assert!(matches!(error, AssembleError::DuplicateImage { .. }));
        let one = result("a", "screw", &[("1", Some(0.1))]);
        let error = match_up(&evidence(vec![one.clone(), one]), Matching::Intersect).unwrap_err();
        assert!(matches!(error, AssembleError::DuplicateResult { .. }));
    }
}
