//! PIMO curves of the chosen images.

use std::collections::{HashMap, HashSet};

use pimo_evidence::{Evidence, Source};

use super::error::AssembleError;
use crate::page::Report;

/// Adds the PIMO curves of the chosen images to a report that was made of these sources. Published trees have none.
///
/// # Errors
/// The curves of a run cannot be read.
pub fn add_curves(report: &mut Report, sources: &[Source]) -> Result<(), AssembleError> {
    let shown: Vec<String> = report.models.iter().map(|model| model.name.clone()).collect();
    for (position, source) in sources.iter().enumerate() {
        let Some(run) = source.run() else { continue };
        let mut wanted: HashMap<(String, String, String), usize> = HashMap::new();
        for (at, (category, image, example)) in report.examples_mut().enumerate() {
            if example.source.run == position {
                let category = source.own_category(category).to_owned();
                wanted.insert((shown[example.model].clone(), category, image.id.clone()), at);
            }
        }
        let ids: HashSet<&str> = wanted.keys().map(|(_, _, id)| id.as_str()).collect();
        if ids.is_empty() {
            continue;
        }
        let names: HashMap<&String, String> =
            run.record().models.iter().map(|model| (model, Evidence::model_name(sources, position, model))).collect();
        let mut curves: HashMap<usize, Vec<(f64, f64)>> = HashMap::new();
        for curve in run.curves(&ids.iter().copied().collect::<Vec<_>>())? {
            let Some(name) = names.get(&curve.model) else { continue };
            let key = (name.clone(), curve.category, curve.image_id);
            if let Some(&at) = wanted.get(&key) {
                curves.insert(at, curve.shared_fpr.into_iter().zip(curve.tpr).collect());
            }
        }
        for (at, (_, _, example)) in report.examples_mut().enumerate() {
            if let Some(curve) = curves.remove(&at) {
                example.curve = curve;
            }
        }
    }
    Ok(())
}
