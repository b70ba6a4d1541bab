//! What `pimo stats` computes, prints and writes.

mod json;
mod rows;
mod text;

use std::collections::BTreeSet;

use pimo_analysis::AnalysisError;
use pimo_analysis::boxplot::BoxplotStatistics;
use pimo_analysis::exemplar::{Exemplar, OutlierPolicy, RepeatPolicy, exemplars};
use pimo_evidence::{EvaluatedImage, Evidence, ModelScores};

pub(crate) use json::json;
pub(crate) use rows::write;
pub(crate) use text::{Layout, render};

/// The images of one detector in one category, or those with one kind of defect.
pub(crate) struct Described<'a> {
    pub(crate) category: &'a str,
    pub(crate) model: &'a str,
    /// None for all images of the category.
    pub(crate) defect: Option<&'a str>,
    /// The images with a score; exemplars refer to their positions.
    pub(crate) images: Vec<&'a EvaluatedImage>,
    pub(crate) boxplot: BoxplotStatistics,
    pub(crate) exemplars: Vec<Exemplar>,
}

/// Which images stand for statistics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policies {
    pub(crate) outliers: OutlierPolicy,
    pub(crate) repeats: RepeatPolicy,
}

impl<'a> Described<'a> {
    /// None where no image has a score.
    fn of(result: &'a ModelScores, defect: Option<&'a str>, policies: Policies) -> Result<Option<Self>, AnalysisError> {
        let wanted = |image: &&EvaluatedImage| defect.is_none() || image.defect.as_deref() == defect;
        let scored = result.images.iter().filter(wanted).filter_map(|image| Some((image, image.score?)));
        let (images, scores): (Vec<&EvaluatedImage>, Vec<f64>) = scored.unzip();
        if images.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            category: &result.category,
            model: &result.model,
            defect,
            images,
            boxplot: BoxplotStatistics::of(&scores)?,
            exemplars: exemplars(&scores, policies.outliers, policies.repeats)?,
        }))
    }
}

/// Describes every detector in every category, then by defect; in order of category, detector and defect. Also the
/// detectors and categories that have no score.
pub(crate) fn describe(
    evidence: &Evidence,
    policies: Policies,
) -> Result<(Vec<Described<'_>>, Vec<&ModelScores>), AnalysisError> {
    let mut results: Vec<&ModelScores> = evidence.results.iter().collect();
    results.sort_by(|a, b| (&a.category, &a.model).cmp(&(&b.category, &b.model)));
    let mut described = Vec::new();
    let mut without = Vec::new();
    for result in results {
        let unusable = |source: AnalysisError| AnalysisError::InCategory {
            category: result.category.clone(),
            model: result.model.clone(),
            source: Box::new(source),
        };
        let Some(whole) = Described::of(result, None, policies).map_err(unusable)? else {
            without.push(result);
            continue;
        };
        described.push(whole);
        let defects: BTreeSet<&str> = result.images.iter().filter_map(|image| image.defect.as_deref()).collect();
        for defect in defects {
            described.extend(Described::of(result, Some(defect), policies).map_err(unusable)?);
        }
    }
    Ok((described, without))
}
