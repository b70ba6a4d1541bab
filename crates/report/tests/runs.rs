//! Reports of run folders.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use pimo_evidence::{EvidenceError, Source};
use pimo_report::assemble::{AssembleError, report_of_sources};
use pimo_store::{
    CategoryDigests, CategoryRow, CategorySummary, CurveSlice, ImageRow, ModelSummary, OperatingPoint,
    OperatingThresholds, RunReader, RunRecord, RunWriter, Summary,
};

const LEVELS: [f64; 4] = [1e-5, 3e-5, 1e-4, 1.0];

/// Writes a run of one detector whose image n scores `n / 10 * quality`.
fn write_run(folder: &Path, model: &str, quality: f64, masks: &str, bounds: (f64, f64)) -> Source {
    let writer = RunWriter::create(folder, false, &[]).unwrap();
    let mut part = writer.category("screw").unwrap();
    for image in 0..10 {
        let defect = if image < 2 { "good" } else { "scratch" };
        let is_anomalous = defect != "good";
        let image_id = format!("screw/{defect}/{image:03}");
        let score = is_anomalous.then_some(f64::from(image) / 10.0 * quality);
        let row = ImageRow {
            model: model.to_owned(),
            category: "screw".to_owned(),
            defect: Some(defect.to_owned()),
            image_id: image_id.clone(),
            is_anomalous,
            height: Some(64),
            width: Some(48),
            aupimo: score,
            aupimo_low: score,
            aupimo_high: score,
            best_iou: score.map(|score| 1.0 - score),
            map_path: Some(format!("{image_id}.npy")),
            ..ImageRow::default()
        };
        part.image(&row).unwrap();
        if let Some(score) = score {
            let (threshold, tpr) = ([4.0, 3.0, 2.0, 1.0], [0.0, score, score, 1.0]);
            let points =
                CurveSlice { model, image_id: &image_id, threshold: &threshold, shared_fpr: &LEVELS, tpr: &tpr };
            part.curve(&points).unwrap();
        }
    }
    for (metric, value) in [("aupimo_mean", 0.5), ("auroc", 0.9), ("aupro_0.3", 0.8)] {
        part.metric(CategoryRow {
            model: model.to_owned(),
            category: "screw".to_owned(),
            metric: metric.to_owned(),
            value: Some(value),
            low: Some(value),
            high: Some(value),
            exact: true,
        })
        .unwrap();
    }
    part.commit().unwrap();

    let point =
        |fpr, threshold| OperatingPoint { fpr_bound: Some(fpr), threshold: Some(threshold), shared_fpr: Some(fpr) };
    let category = CategorySummary {
        thresholds: Some(OperatingThresholds { lower: point(bounds.1, 2.0), upper: point(bounds.0, 4.0) }),
        warnings: vec!["few normal pixels".to_owned()],
        ..Default::default()
    };
    let results = ModelSummary { categories: BTreeMap::from([("screw".to_owned(), category)]), ..Default::default() };
    let summary = Summary { models: BTreeMap::from([(model.to_owned(), results)]), ..Default::default() };
    let mut record =
        RunRecord { models: vec![model.to_owned()], categories: vec!["screw".to_owned()], ..Default::default() };
    let digests = CategoryDigests { items: "1".to_owned(), masks: masks.to_owned() };
    record.digests.categories.insert("screw".to_owned(), digests);
    writer.finish(&summary, &record).unwrap();
    let label = folder.file_name().unwrap().to_string_lossy().into_owned();
    Source::Run { label, reader: Box::new(RunReader::open(folder).unwrap()) }
}

#[test]
fn runs_of_two_detectors_make_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let runs = [
        write_run(&folder.path().join("one"), "padim", 0.5, "m", (1e-5, 1e-4)),
        write_run(&folder.path().join("two"), "patchcore", 1.0, "m", (1e-5, 1e-4)),
    ];
    let report = report_of_sources(&runs, &support::quick_settings()).unwrap();
    assert_eq!(report.models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["padim", "patchcore"]);
    assert_eq!(
        (report.bounds, &report.metrics[..]),
        (Some((1e-5, 1e-4)), &["auroc".to_owned(), "aupro_0.3".to_owned()][..])
    );
    let screw = &report.categories[0];
    assert_eq!((screw.images.len(), &screw.order[..]), (8, &[1, 0][..]));
    assert!((screw.models[1].mean - 0.55).abs() < 1e-12);
    let example = screw.examples.iter().find(|one| one.model == 0).unwrap();
    let expected = LEVELS.into_iter().zip([0.0, example.score, example.score, 1.0]).collect::<Vec<_>>();
    assert_eq!(example.curve, expected);
    assert_eq!(
        (example.source.run, example.source.size, example.source.thresholds),
        (0, Some((64, 48)), Some((2.0, 4.0)))
    );
    assert_eq!(example.source.map_path.as_deref(), Some(&*format!("{}.npy", screw.images[example.image].id)));
    assert!(report.warnings.contains(&"one: padim on screw: few normal pixels".to_owned()), "{:?}", report.warnings);
    assert!(report.to_html().unwrap().contains("PIMO curves; the band"));
}

#[test]
fn any_score_of_the_images_can_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    let runs = [write_run(&folder.path().join("one"), "padim", 1.0, "m", (1e-5, 1e-4))];
    let mut settings = support::quick_settings();
    settings.score = "best_iou".to_owned();
    let report = report_of_sources(&runs, &settings).unwrap();
    assert!((report.categories[0].models[0].mean - 0.45).abs() < 1e-12);
    assert_eq!(report.score, "best_iou");
    settings.score = "colour".to_owned();
    let error = report_of_sources(&runs, &settings).unwrap_err().to_string();
    assert!(error.contains("colour") && error.contains("best_iou"), "{error}");
}

#[test]
fn detectors_of_the_same_name_are_told_apart_by_their_run() {
    let folder = tempfile::tempdir().unwrap();
    let runs = [
        write_run(&folder.path().join("one"), "padim", 0.5, "m", (1e-5, 1e-4)),
        write_run(&folder.path().join("two"), "padim", 1.0, "m", (1e-5, 1e-4)),
    ];
    let report = report_of_sources(&runs, &support::quick_settings()).unwrap();
    let names: Vec<_> = report.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["padim (one)", "padim (two)"]);
    assert!(report.categories[0].examples.iter().all(|example| !example.curve.is_empty()));
}

#[test]
fn runs_that_differ_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let one = write_run(&folder.path().join("one"), "a", 0.5, "m", (1e-5, 1e-4));
    let masks = write_run(&folder.path().join("masks"), "b", 0.5, "other", (1e-5, 1e-4));
    let bounds = write_run(&folder.path().join("bounds"), "c", 0.5, "m", (1e-6, 1e-4));
    for other in [masks, bounds] {
        let error = report_of_sources(&[one.clone(), other], &support::quick_settings()).unwrap_err();
        assert!(matches!(error, AssembleError::Evidence(EvidenceError::Different { .. })), "{error}");
    }
}
