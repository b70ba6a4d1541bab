//! Whether detectors were evaluated against the same ground truth.

use std::collections::BTreeMap;

use crate::examples::examples;
use crate::{EvaluatedImage, EvidenceError, ModelScores};

/// Images that a message names.
const LISTED: usize = 10;

/// The images of one category by their ids; for each detector its own record of the image, if it has one.
pub(crate) type Rows<'a> = BTreeMap<&'a str, Vec<Option<&'a EvaluatedImage>>>;

/// Refuses detectors that saw different masks of the same images, and says which.
///
/// Where the detectors have different images the digests of all masks differ anyhow; sizes and numbers of anomalous
/// pixels are compared then.
pub(crate) fn check(results: &[&ModelScores], rows: &Rows<'_>) -> Result<(), EvidenceError> {
    let differing: Vec<String> =
        rows.iter().filter_map(|(id, row)| Some(format!("{id} ({})", difference(results, row)?))).collect();
    if !differing.is_empty() {
        let (category, count) = (results[0].category.clone(), differing.len());
        let examples = examples(&differing, LISTED);
        return Err(EvidenceError::DifferentMasks { category, count, examples });
    }
    let known: Vec<(usize, &String)> =
        results.iter().enumerate().filter_map(|(model, result)| Some((model, result.masks.as_ref()?))).collect();
    let Some((&(first, digest), others)) = known.split_first() else { return Ok(()) };
    for &(second, other) in others.iter().filter(|(_, other)| *other != digest) {
        if rows.values().all(|row| row[first].is_some() == row[second].is_some()) {
            return Err(EvidenceError::Different {
                first: side(results[first]),
                second: side(results[second]),
                what: "the digests of the ground-truth masks are".to_owned(),
                found_first: digest.clone(),
                found_second: other.clone(),
            });
        }
    }
    Ok(())
}

/// A result, as messages name it.
pub(crate) fn side(result: &ModelScores) -> String {
    format!("the results of {} on {}", result.model, result.category)
}

/// How the mask of an image differs between two detectors, if it does.
fn difference(results: &[&ModelScores], row: &[Option<&EvaluatedImage>]) -> Option<String> {
    let said = |what: &dyn Fn(&EvaluatedImage) -> Option<String>| {
        let mut known =
            row.iter().enumerate().filter_map(|(model, image)| Some((results[model].model.as_str(), what((*image)?)?)));
        let (first, value) = known.next()?;
        let (second, other) = known.find(|(_, other)| *other != value)?;
        Some(format!("{value} for {first}, {other} for {second}"))
    };
    said(&|image| image.size.map(|(height, width)| format!("{height}x{width}")))
        .or_else(|| said(&|image| image.anomalous_pixels.map(|pixels| format!("{pixels} anomalous pixels"))))
}
