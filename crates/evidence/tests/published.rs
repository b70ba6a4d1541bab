//! The scores that were published with the AUPIMO paper are read, all of them.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use pimo_evidence::{Evidence, EvidenceError, Matching, Selection, Source, match_up};
use pimo_test_data::shared;

#[test]
fn all_files_are_read_and_match() {
    let Some(folder) = shared("published") else { return };
    let sources = Source::open_all(&[], &[folder]).unwrap();
    let evidence = Evidence::of(&sources, "aupimo").unwrap();
    assert_eq!(evidence.results.len(), 351);
    let scores: usize = evidence.results.iter().map(|result| result.images.len()).sum();
    assert_eq!(scores, 31_954);
    for result in &evidence.results {
        let names: Vec<&str> = result.metrics.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["pixel_auroc", "pixel_aupr_trapezoid", "aupro_0.3"], "{} {}", result.model, result.category);
        assert!(result.metrics.iter().all(|(_, value)| (0.0..=1.0).contains(value)));
        assert_eq!(result.bounds, Some((1e-5, 1e-4)));
        assert!(result.thresholds.is_some_and(|(lower, upper)| lower < upper));
        let dataset = result.category.rsplit('/').next().unwrap();
        let own = |id: &str| id.starts_with(&format!("{dataset}/")) && id.split('/').count() == 3 && !id.contains('.');
        assert!(result.images.iter().all(|image| own(&image.id)), "{:?}", result.images[0]);
    }
    let matched = match_up(&evidence, Matching::Strict).unwrap();
    assert_eq!((matched.models.len(), matched.categories.len(), matched.warnings.len()), (13, 27, 0));
    let defects: BTreeSet<_> =
        matched.categories.iter().flat_map(|it| it.images[0].iter()).map(|it| &it.defect).collect();
    assert!(!defects.contains(&None) && !defects.contains(&Some("good".to_owned())));
}

#[test]
fn a_part_is_selected_by_name() {
    let Some(folder) = shared("published") else { return };
    let sources = Source::open_all(&[], &[folder.join("benchmark")]).unwrap();
    let mut evidence = Evidence::of(&sources, "aupimo").unwrap();
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let wanted =
        Selection { models: names(&["uflow_ext", "padim_r18"]), categories: names(&["visa/cashew", "mvtec/grid"]) };
    evidence.select(&wanted).unwrap();
    let matched = match_up(&evidence, Matching::Strict).unwrap();
    assert_eq!(matched.models, ["uflow_ext", "padim_r18"]);
    let images: BTreeMap<&str, usize> = matched.categories.iter().map(|it| (it.name, it.images[0].len())).collect();
    assert_eq!(images, [("mvtec/grid", 57), ("visa/cashew", 100)].into());
    let error = Evidence::of(&sources, "best_iou").unwrap_err();
    assert!(matches!(error, EvidenceError::Unknown { what: "score", .. }), "{error}");
}
