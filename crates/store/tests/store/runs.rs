//! Run folders: written, read back, broken off, replaced.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use pimo_store::{
    AupimoSummary, AxisRow, CategoryPart, CategoryRow, CategorySummary, Curve, CurveSlice, FailedCategory, ImageRow,
    PublishedScores, RegionRow, RunReader, RunRecord, RunWriter, StoreError, Summary,
};
use proptest::prelude::*;

fn image(category: &str, number: usize, model: &str) -> ImageRow {
    let anomalous = number.is_multiple_of(3);
    let score = anomalous.then_some(number as f64 / 7.0);
    ImageRow {
        model: model.to_owned(),
        category: category.to_owned(),
        defect: Some(if anomalous { "crack" } else { "good" }.to_owned()),
        group: None,
        image_id: format!("{category}/{number:06}"),
        is_anomalous: anomalous,
        height: Some(1024),
        width: Some(700 + number as u32 % 2),
        anomalous_pixels: Some(number as u64 * 3_000_000_000),
        image_score: Some(f64::from(number as f32 / 3.0)),
        aupimo: score,
        aupimo_low: score,
        aupimo_high: score,
        recall_at_lower_threshold: score,
        precision_at_lower_threshold: score,
        iou_at_lower_threshold: score,
        recall_at_upper_threshold: score,
        precision_at_upper_threshold: score,
        iou_at_upper_threshold: score,
        best_iou: score,
        best_iou_threshold: score,
        fpr_at_lower_threshold: (!anomalous).then_some(1e-4),
        fpr_at_upper_threshold: (!anomalous).then_some(1e-5),
        map_path: Some(format!("{category}/{number:06}.npy")),
        mask_path: anomalous.then(|| format!("{category}/{number:06}.png")),
        image_path: None,
    }
}

fn region(category: &str, number: usize, index: u32) -> RegionRow {
    RegionRow {
        model: "m".to_owned(),
        category: category.to_owned(),
        image_id: format!("{category}/{number:06}"),
        region: index,
        area: 9,
        top: 1,
        left: 2,
        bottom: 3,
        right: 4,
        centroid_row: 2.0,
        centroid_col: 3.0,
        max_score: 0.5,
        mean_score: 0.25,
        covered_at_lower_threshold: Some(1.0),
        covered_at_upper_threshold: None,
        aupimo: Some(0.125),
    }
}

fn metric(category: &str, value: f64) -> CategoryRow {
    CategoryRow {
        model: "m".to_owned(),
        category: category.to_owned(),
        metric: "aupimo_mean".to_owned(),
        value: Some(value),
        low: Some(value),
        high: None,
        exact: true,
    }
}

fn axis(category: &str, model: &str, step: usize) -> AxisRow {
    AxisRow {
        model: model.to_owned(),
        category: category.to_owned(),
        threshold: 10.0 - step as f64,
        shared_fpr: step as f64 * 1e-6,
        max_fpr: Some(step as f64 * 1e-5),
        q50: None,
        q90: Some(0.0),
        q99: None,
    }
}

fn points(count: usize, seed: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let x = (0..count).map(|it| it as f64);
    (
        x.clone().map(|it| f64::from(9.0 - it as f32 / 11.0)).collect(),
        x.clone().map(|it| 1e-6 * (it + 1.0)).collect(),
        x.map(|it| ((it * seed as f64) / 1000.0).fract()).collect(),
    )
}

/// A category with `images` images of two models and curves of `count` points.
fn fill(part: &mut CategoryPart, images: usize, count: usize) {
    fill_models(part, &["a", "b"], images, count);
    part.metric(metric(part.name(), images as f64)).unwrap();
}

/// The same of any models, without metrics.
fn fill_models(part: &mut CategoryPart, models: &[&str], images: usize, count: usize) {
    let category = part.name().to_owned();
    for number in 0..images {
        for &model in models {
            let row = image(&category, number, model);
            part.image(&row).unwrap();
            if row.is_anomalous && count > 0 {
                let (threshold, shared_fpr, tpr) = points(count, number);
                let curve = CurveSlice {
                    model,
                    image_id: &row.image_id,
                    threshold: &threshold,
                    shared_fpr: &shared_fpr,
                    tpr: &tpr,
                };
                part.curve(&curve).unwrap();
            }
        }
    }
    for model in models {
        for step in 0..5 {
            part.axis(&axis(&category, model, step)).unwrap();
        }
    }
}

fn parameters() -> Vec<(String, String)> {
    vec![("thresholds".to_owned(), "exact".to_owned()), ("fpr_bounds".to_owned(), "1e-5,1e-4".to_owned())]
}

/// A run with two categories.
fn write_run(out: &Path, force: bool, images: usize, count: usize) -> pimo_store::Result<()> {
    let writer = RunWriter::create(out, force, &parameters())?;
    for category in ["bottle", "screw"] {
        let mut part = writer.category(category)?;
        fill(&mut part, images, count);
        part.commit()?;
    }
    writer.macro_average(&[metric("*", 0.5)])?;
    writer.finish(&Summary::default(), &RunRecord::default())?;
    Ok(())
}

/// Every entry below a folder, with the content of files.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let content = if path.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), content);
        }
    }
    found
}

fn names(folder: &Path) -> Vec<String> {
    let tree = tree(folder);
    tree.keys().map(|path| path.to_str().unwrap().to_owned()).collect()
}

fn row_groups(path: &Path) -> usize {
    let file = fs::File::open(path).unwrap();
    SerializedFileReader::new(file).unwrap().metadata().num_row_groups()
}

#[test]
fn a_run_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/run");
    let writer = RunWriter::create(&out, false, &parameters()).unwrap();
    let mut part = writer.category("bottle").unwrap();
    fill(&mut part, 7, 30);
    for index in 0..3 {
        part.region(&region("bottle", 0, index)).unwrap();
    }
    part.commit().unwrap();
    let mut part = writer.category("screw").unwrap();
    fill(&mut part, 4, 30);
    part.commit().unwrap();
    writer.macro_average(&[metric("*", 5.5)]).unwrap();
    assert_eq!(names(folder.path()).iter().filter(|it| !it.contains(".pimo")).count(), 2);

    let mut summary = Summary::default();
    summary.parameters.insert("z".to_owned(), 1.into());
    summary.parameters.insert("a".to_owned(), "x".into());
    summary.random_model_score = Some(f64::NAN);
    let bottle = CategorySummary {
        images: 7,
        aupimo: AupimoSummary { mean: Some(0.1 + 0.2), ..AupimoSummary::default() },
        ..CategorySummary::default()
    };
    let model = summary.models.entry("a".to_owned()).or_default();
    model.categories.insert("bottle".to_owned(), bottle);
    let record = RunRecord {
        failed: vec![FailedCategory {
            category: "cable".to_owned(),
            model: None,
            message: "no normal image".to_owned(),
        }],
        ..RunRecord::default()
    };
    let paths = writer.finish(&summary, &record).unwrap();
    let written = [
        "axis.parquet",
        "categories.parquet",
        "curves.parquet",
        "images.parquet",
        "regions.parquet",
        "run.json",
        "summary.json",
    ];
    assert_eq!(names(&out), written);
    assert_eq!(paths.files.keys().collect::<Vec<_>>(), written.iter().collect::<Vec<_>>());
    assert!(paths.files.values().all(|path| path.is_file()));

    let run = RunReader::open(&out).unwrap();
    let text = fs::read_to_string(out.join("summary.json")).unwrap();
    assert!(text.contains("\"random_model_score\": null"));
    assert!(text.find("\"z\"").unwrap() < text.find("\"a\"").unwrap());
    summary.random_model_score = None;
    assert_eq!(run.summary().unwrap(), summary);
    assert_eq!(run.record().failed, record.failed);
    assert_eq!(run.record().outputs, written);

    let images: Vec<ImageRow> = run.images().unwrap().map(Result::unwrap).collect();
    let expected: Vec<ImageRow> = [("bottle", 7), ("screw", 4)]
        .into_iter()
        .flat_map(|(category, count)| (0..count).map(move |number| (category, number)))
        .flat_map(|(category, number)| ["a", "b"].map(|model| image(category, number, model)))
        .collect();
    assert_eq!(images, expected);
    let scores = run.scores("best_iou").unwrap();
    assert!(scores.iter().zip(&images).all(|(score, image)| {
        (&score.image_id, &score.model, score.value) == (&image.image_id, &image.model, image.best_iou)
    }));
    assert_eq!(run.axis().unwrap().count(), 20);
    assert_eq!(run.axis().unwrap().next().unwrap().unwrap(), axis("bottle", "a", 0));
    let regions: Vec<_> = run.regions().unwrap().unwrap().map(Result::unwrap).collect();
    assert_eq!(regions, [0, 1, 2].map(|index| region("bottle", 0, index)));
    let categories: Vec<_> = run.categories().unwrap();
    let expected = [metric("bottle", 7.0), metric("screw", 4.0), metric("*", 5.5)];
    assert_eq!(categories, expected);
    let curves = run.curves(&["screw/000003", "nothing"]).unwrap();
    let (threshold, shared_fpr, tpr) = points(30, 3);
    let expected = ["a", "b"].map(|model| Curve {
        model: model.to_owned(),
        category: "screw".to_owned(),
        image_id: "screw/000003".to_owned(),
        threshold: threshold.clone(),
        shared_fpr: shared_fpr.clone(),
        tpr: tpr.clone(),
    });
    assert_eq!(curves, expected);
}

#[test]
fn large_categories_are_spilled_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let writer = RunWriter::create(&out, false, &[]).unwrap();
    let mut part = writer.category("c").unwrap();
    // 5000 images of two models make 20 row groups, 30 curves of 10 000 points 74.
    for number in 0..5000 {
        for model in ["a", "b"] {
            part.image(&image("c", number, model)).unwrap();
        }
    }
    let (threshold, shared_fpr, tpr) = points(10_000, 17);
    for number in 0..30 {
        let curve = CurveSlice {
            model: "a",
            image_id: &format!("c/{number:06}"),
            threshold: &threshold,
            shared_fpr: &shared_fpr,
            tpr: &tpr,
        };
        part.curve(&curve).unwrap();
    }
    assert!(names(&out).iter().any(|name| name.contains(".spill")));
    part.commit().unwrap();
    assert!(!names(&out).iter().any(|name| name.contains(".spill")));
    writer.finish(&Summary::default(), &RunRecord::default()).unwrap();
    assert_eq!(row_groups(&out.join("images.parquet")), 20);
    assert_eq!(row_groups(&out.join("curves.parquet")), 74);

    let run = RunReader::open(&out).unwrap();
    for (row, number) in run.images().unwrap().step_by(2).zip(0..) {
        assert_eq!(row.unwrap(), image("c", number, "a"));
    }
    assert_eq!(run.images().unwrap().count(), 10_000);
    // This curve begins in one row group and ends in the next.
    let curve = run.curves(&["c/000006"]).unwrap().remove(0);
    assert_eq!((curve.threshold, curve.tpr), (threshold, tpr));
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    write_run(&first, false, 40, 200).unwrap();

    // Categories that are filled at the same time, by two threads, and committed in order.
    let writer = RunWriter::create(&second, false, &parameters()).unwrap();
    let parts = std::thread::scope(|scope| {
        let threads = ["screw", "bottle"].map(|name| {
            let writer = &writer;
            scope.spawn(move || {
                let mut part = writer.category(name).unwrap();
                fill(&mut part, 40, 200);
                part
            })
        });
        threads.map(|thread| thread.join().unwrap())
    });
    let [screw, bottle] = parts;
    bottle.commit().unwrap();
    screw.commit().unwrap();
    writer.macro_average(&[metric("*", 0.5)]).unwrap();
    writer.finish(&Summary::default(), &RunRecord::default()).unwrap();
    assert!(tree(&first) == tree(&second));
}

#[test]
fn metadata_holds_version_and_parameters_only() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    write_run(&out, false, 5, 10).unwrap();
    let file = fs::File::open(out.join("images.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let metadata = reader.metadata().file_metadata();
    let pairs: Vec<(String, String)> = metadata
        .key_value_metadata()
        .unwrap()
        .iter()
        .map(|pair| (pair.key.clone(), pair.value.clone().unwrap()))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let expected = [
        ("pimo.version", version),
        ("pimo.format_version", "1"),
        ("pimo.table", "images"),
        ("pimo.parameter.thresholds", "exact"),
        ("pimo.parameter.fpr_bounds", "1e-5,1e-4"),
    ];
    assert_eq!(pairs, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(metadata.created_by(), Some(format!("pimo version {version}").as_str()));
    let sorting = reader.metadata().row_group(0).sorting_columns().unwrap();
    let names: Vec<_> =
        sorting.iter().map(|it| metadata.schema_descr().column(it.column_idx as usize).name().to_owned()).collect();
    assert_eq!(names, ["category", "image_id", "model"]);
}

#[test]
fn a_run_that_is_broken_off_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a/b");
    let writer = RunWriter::create(&out, false, &[]).unwrap();
    let mut part = writer.category("c").unwrap();
    fill(&mut part, 3, 5);
    part.commit().unwrap();
    let part = writer.category("d").unwrap();
    drop(writer);
    drop(part);
    assert!(names(folder.path()).is_empty());

    fs::create_dir_all(&out).unwrap();
    drop(RunWriter::create(&out, false, &[]).unwrap());
    assert_eq!(names(folder.path()), ["a", "a/b"]);
}

#[test]
fn a_category_that_fails_leaves_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let writer = RunWriter::create(folder.path(), false, &[]).unwrap();
    let mut failing = writer.category("bad").unwrap();
    fill(&mut failing, 9000, 0);
    drop(failing);
    let mut part = writer.category("good").unwrap();
    fill(&mut part, 2, 0);
    part.commit().unwrap();
    writer.finish(&Summary::default(), &RunRecord::default()).unwrap();
    let run = RunReader::open(folder.path()).unwrap();
    assert!(run.images().unwrap().all(|row| row.unwrap().category == "good"));
    assert!(run.axis().unwrap().all(|row| row.unwrap().category == "good"));
    assert!(run.categories().unwrap().iter().all(|row| row.category == "good"));
    assert!(run.regions().unwrap().is_none());
    assert!(run.curves(&["good/000000"]).unwrap().is_empty());
    let expected = ["axis.parquet", "categories.parquet", "images.parquet", "run.json", "summary.json"];
    assert_eq!(names(folder.path()), expected);
}

#[test]
fn a_run_without_any_category_is_still_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let writer = RunWriter::create(folder.path(), false, &[]).unwrap();
    writer.finish(&Summary::default(), &RunRecord::default()).unwrap();
    let run = RunReader::open(folder.path()).unwrap();
    assert_eq!(run.images().unwrap().count(), 0);
    assert_eq!(run.axis().unwrap().count(), 0);
    assert!(run.categories().unwrap().is_empty());
}

#[test]
fn a_folder_with_files_is_replaced_only_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let scores = PublishedScores {
        shared_fpr_metric: None,
        fpr_lower_bound: 1e-5,
        fpr_upper_bound: 1e-4,
        num_threshs: None,
        thresh_lower_bound: None,
        thresh_upper_bound: None,
        aupimos: vec![0.5],
        paths: None,
    };
    let writer = RunWriter::create(out, false, &[]).unwrap();
    let mut part = writer.category("bottle").unwrap();
    fill(&mut part, 3, 5);
    part.region(&region("bottle", 0, 0)).unwrap();
    part.published("a", &scores).unwrap();
    part.commit().unwrap();
    writer.finish(&Summary::default(), &RunRecord::default()).unwrap();
    let published = out.join("published/a/bottle/aupimo/aupimos.json");
    assert_eq!(PublishedScores::read(&published).unwrap(), scores);
    fs::write(out.join("notes.txt"), "mine").unwrap();
    let before = tree(out);

    let error = RunWriter::create(out, false, &[]).unwrap_err();
    assert!(matches!(error, StoreError::OutputNotEmpty { .. }), "{error}");
    assert!(error.to_string().contains("--force"));
    assert!(tree(out) == before);

    // Until it is finished, the former run is there.
    let writer = RunWriter::create(out, true, &[]).unwrap();
    let mut part = writer.category("cable").unwrap();
    fill(&mut part, 2, 0);
    part.commit().unwrap();
    drop(writer);
    assert!(tree(out) == before);

    let writer = RunWriter::create(out, true, &[]).unwrap();
    let mut part = writer.category("cable").unwrap();
    fill(&mut part, 2, 0);
    part.commit().unwrap();
    writer.finish(&Summary::default(), &RunRecord::default()).unwrap();
    let expected = ["axis.parquet", "categories.parquet", "images.parquet", "notes.txt", "run.json", "summary.json"];
    assert_eq!(names(out), expected);
    assert_eq!(RunReader::open(out).unwrap().images().unwrap().count(), 4);
}

#[test]
fn a_former_record_cannot_reach_outside_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    fs::create_dir(&out).unwrap();
    fs::write(folder.path().join("precious"), "").unwrap();
    let hostile = r#"{"format_version": 1, "outputs": ["../precious", "/etc/nothing", ""]}"#;
    fs::write(out.join("run.json"), hostile).unwrap();
    write_run(&out, true, 1, 0).unwrap();
    assert!(folder.path().join("precious").is_file());
}

#[test]
fn what_a_killed_run_left_is_cleared_and_a_living_one_is_respected() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    fs::create_dir_all(out.join(".pimo-partial/published/x")).unwrap();
    fs::write(out.join(".pimo-partial/images.parquet"), "half").unwrap();
    let writer = RunWriter::create(out, false, &[]).unwrap();
    let error = RunWriter::create(out, false, &[]).unwrap_err();
    assert!(matches!(error, StoreError::OutputBusy { .. }), "{error}");
    writer.finish(&Summary::default(), &RunRecord::default()).unwrap();
    assert!(!out.join(".pimo-partial").exists());
}

#[test]
fn places_that_cannot_be_written_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = RunWriter::create(&file, false, &[]).unwrap_err();
    assert!(matches!(error, StoreError::OutputNotAFolder { .. }), "{error}");
    let below = RunWriter::create(&file.join("run"), true, &[]).unwrap_err();
    assert!(below.is_system(), "{below}");
    assert!(below.to_string().contains("file/run"), "{below}");
    assert!(RunWriter::create(Path::new("/proc/pimo/run"), false, &[]).unwrap_err().is_system());

    // A folder where a file of the run has to go.
    let out = folder.path().join("run");
    fs::create_dir_all(out.join("images.parquet/full")).unwrap();
    let error = write_run(&out, true, 1, 0).unwrap_err();
    assert!(error.is_system() && error.to_string().contains("images.parquet"), "{error}");
    assert!(RunReader::open(&out).is_err());
}

#[test]
fn rows_that_would_make_a_wrong_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let writer = RunWriter::create(folder.path(), false, &[]).unwrap();
    assert!(writer.category("*").is_err());
    assert!(writer.category("").is_err());
    assert!(writer.macro_average(&[metric("c", 1.0)]).is_err());
    let mut part = writer.category("c").unwrap();
    part.image(&image("c", 1, "b")).unwrap();
    for bad in [image("c", 1, "b"), image("c", 1, "a"), image("c", 0, "c"), image("d", 2, "b")] {
        assert!(matches!(part.image(&bad), Err(StoreError::Rows { table: "images", .. })));
    }
    part.axis(&axis("c", "b", 0)).unwrap();
    part.axis(&axis("c", "b", 1)).unwrap();
    assert!(part.axis(&axis("c", "a", 0)).is_err());
    part.region(&region("c", 0, 1)).unwrap();
    assert!(part.region(&region("c", 0, 1)).is_err());
    let uneven =
        CurveSlice { model: "a", image_id: "c/1", threshold: &[1.0, 2.0], shared_fpr: &[0.0, 0.0], tpr: &[0.0] };
    assert!(part.curve(&uneven).unwrap_err().to_string().contains("2 thresholds"));
    let scores =
        PublishedScores::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/aupimos_python.json")));
    let error = part.published("../up", &scores.unwrap()).unwrap_err();
    assert!(matches!(error, StoreError::Name { what: "model", .. }), "{error}");
    part.commit().unwrap();

    let earlier = writer.category("b").unwrap();
    assert!(earlier.commit().unwrap_err().to_string().contains("after"));
    let error = writer.finish(&Summary::default(), &RunRecord::default()).unwrap_err();
    assert!(error.to_string().contains("earlier write failed"), "{error}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_is_no_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let message = |path: &Path| RunReader::open(path).unwrap_err().to_string();
    assert!(message(&out.join("none")).contains("no such folder"));
    assert!(message(out).contains("no run.json"));
    fs::write(out.join("run.json"), r#"{"format_version": 9, "new": {}}"#).unwrap();
    assert!(message(out).contains("format 9"));
    fs::write(out.join("run.json"), "{").unwrap();
    assert!(message(out).contains("run.json"));
    // Fields that this version does not know, or that are not there, do no harm.
    fs::write(out.join("run.json"), r#"{"format_version": 1, "new": {}}"#).unwrap();
    let run = RunReader::open(out).unwrap();
    assert!(run.images().unwrap_err().is_system());
    assert!(run.summary().unwrap_err().is_system());

    let whole = out.join("whole");
    write_run(&whole, false, 3, 5).unwrap();
    fs::copy(whole.join("axis.parquet"), out.join("images.parquet")).unwrap();
    let error = run.images().unwrap_err();
    assert!(matches!(&error, StoreError::Column { column, .. } if column == "defect"), "{error}");
    let error = run.scores("nothing").unwrap_err().to_string();
    assert!(error.contains("aupimo_low"), "{error}");
    fs::write(out.join("images.parquet"), "PAR1 is not enough").unwrap();
    assert!(matches!(run.images().unwrap_err(), StoreError::Parquet { .. }));
}

prop_compose! {
    fn any_image()(
        text in prop::collection::vec(prop::option::of(".{0,12}"), 5),
        floats in prop::collection::vec(prop::option::of(prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL), 14),
        sizes: (Option<u32>, Option<u32>, Option<u64>),
        is_anomalous: bool,
    ) -> ImageRow {
        let [defect, group, map_path, mask_path, image_path] = text.try_into().unwrap();
        let [
            image_score, aupimo, aupimo_low, aupimo_high, recall_at_lower_threshold, precision_at_lower_threshold,
            iou_at_lower_threshold, recall_at_upper_threshold, precision_at_upper_threshold, iou_at_upper_threshold,
            best_iou, best_iou_threshold, fpr_at_lower_threshold, fpr_at_upper_threshold,
        ] = floats.try_into().unwrap();
        ImageRow {
            model: String::new(), category: String::new(), image_id: String::new(),
            defect, group, is_anomalous, height: sizes.0, width: sizes.1, anomalous_pixels: sizes.2,
            image_score, aupimo, aupimo_low, aupimo_high, recall_at_lower_threshold, precision_at_lower_threshold,
            iou_at_lower_threshold, recall_at_upper_threshold, precision_at_upper_threshold, iou_at_upper_threshold,
            best_iou, best_iou_threshold, fpr_at_lower_threshold, fpr_at_upper_threshold,
            map_path, mask_path, image_path,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_rows_come_back(
        rows in prop::collection::vec(any_image(), 0..12),
        keys in prop::collection::btree_set((".{1,8}", ".{1,4}"), 12),
        category in "[^*]{1,9}",
        lengths in prop::collection::vec(0_usize..40, 12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let writer = RunWriter::create(folder.path(), false, &[]).unwrap();
        let mut part = writer.category(&category).unwrap();
        let rows: Vec<ImageRow> = rows
            .into_iter()
            .zip(&keys)
            .map(|(row, (image_id, model))| ImageRow {
                category: category.clone(), image_id: image_id.clone(), model: model.clone(), ..row
            })
            .collect();
        let mut curves = Vec::new();
        for (row, &length) in rows.iter().zip(&lengths) {
            part.image(row).unwrap();
            let (threshold, shared_fpr, tpr) = points(length, length);
            let (model, image_id) = (row.model.as_str(), row.image_id.as_str());
            part.curve(&CurveSlice {
                model, image_id, threshold: &threshold, shared_fpr: &shared_fpr, tpr: &tpr
            }).unwrap();
            if length > 0 {
                curves.push(Curve {
                    model: row.model.clone(), category: category.clone(), image_id: row.image_id.clone(),
                    threshold, shared_fpr, tpr,
                });
            }
        }
        part.commit().unwrap();
        writer.finish(&Summary::default(), &RunRecord::default()).unwrap();
        let run = RunReader::open(folder.path()).unwrap();
        let back: Vec<ImageRow> = run.images().unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(&back, &rows);
        let ids: Vec<&str> = rows.iter().map(|row| row.image_id.as_str()).collect();
        prop_assert_eq!(run.curves(&ids).unwrap(), curves.clone());
        if let Some(id) = ids.first() {
            let wanted: Vec<Curve> = curves.into_iter().filter(|curve| curve.image_id == *id).collect();
            prop_assert_eq!(run.curves(&[id]).unwrap(), wanted);
        }
    }
}

/// Rows of a category whose models were filled in together, or in parts that were set aside and joined.
fn rows_in_parts(out: &Path, parts: &[&[&str]], images: usize, count: usize) -> BTreeMap<PathBuf, Vec<u8>> {
    let writer = RunWriter::create(out, false, &parameters()).unwrap();
    let mut filled = parts.iter().map(|models| {
        let mut part = writer.category("bottle").unwrap();
        fill_models(&mut part, models, images, count);
        for number in 0..images {
            for &model in *models {
                (0..number as u32 % 4).for_each(|index| {
                    part.region(&RegionRow { model: model.to_owned(), ..region("bottle", number, index) }).unwrap();
                });
            }
        }
        for &model in *models {
            part.metric(CategoryRow { model: model.to_owned(), ..metric("bottle", 0.5) }).unwrap();
        }
        part
    });
    let part = if parts.len() == 1 {
        filled.next().unwrap()
    } else {
        let aside = filled.map(|part| part.set_aside().unwrap()).collect();
        writer.join("bottle", aside, &|| true).unwrap().unwrap()
    };
    part.commit().unwrap();
    // Only the tables lie there now, and the lock.
    assert!(names(out).iter().all(|name| !name.ends_with("aside")), "{:?}", names(out));
    writer.finish(&Summary::default(), &RunRecord::default()).unwrap();
    tree(out)
}

#[test]
fn parts_of_other_models_are_joined_to_what_they_would_have_been_together() {
    let folder = tempfile::tempdir().unwrap();
    // So many that row groups of images, regions and curves are full in the parts.
    for (images, count) in [(1500, 40), (7, 0), (0, 0)] {
        let out = |name: &str| folder.path().join(format!("{name}-{images}"));
        let together = rows_in_parts(&out("together"), &[&["a", "b", "c", "d"]], images, count);
        assert_eq!(together.contains_key(Path::new("curves.parquet")), count > 0);
        for (name, parts) in [("two", [&["a", "b"] as &[&str], &["c", "d"]]), ("uneven", [&["a"], &["b", "c", "d"]])] {
            assert!(rows_in_parts(&out(name), &parts, images, count) == together, "{name}, {images} images");
        }
        let each: [&[&str]; 4] = [&["a"], &["b"], &["c"], &["d"]];
        assert!(rows_in_parts(&out("each"), &each, images, count) == together, "{images} images");
    }
}

#[test]
fn parts_of_the_same_models_are_not_joined() {
    let folder = tempfile::tempdir().unwrap();
    let writer = RunWriter::create(&folder.path().join("run"), false, &parameters()).unwrap();
    let aside = |category: &str, model: &str| {
        let mut part = writer.category(category).unwrap();
        fill_models(&mut part, &[model], 3, 0);
        part.metric(CategoryRow { model: model.to_owned(), ..metric(category, 0.5) }).unwrap();
        part.set_aside().unwrap()
    };
    let refused = |parts| writer.join("bottle", parts, &|| true).unwrap_err().to_string();
    let error = refused(vec![aside("bottle", "a"), aside("bottle", "a")]);
    assert!(error.contains("ascending order without repetition"), "{error}");
    let error = refused(vec![aside("screw", "a")]);
    assert!(error.contains("of the category \"screw\""), "{error}");
    let error = refused(vec![aside("bottle", "b"), aside("bottle", "a")]);
    assert!(error.contains("expected parts in ascending order"), "{error}");
}

#[test]
fn joining_can_be_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let writer = RunWriter::create(&out, false, &parameters()).unwrap();
    let mut part = writer.category("bottle").unwrap();
    fill_models(&mut part, &["a"], 3, 10);
    let asked = std::cell::Cell::new(0);
    let go_on = || {
        asked.set(asked.get() + 1);
        asked.get() < 4
    };
    assert!(writer.join("bottle", vec![part.set_aside().unwrap()], &go_on).unwrap().is_none());
    assert_eq!(asked.get(), 4);
    drop(writer);
    assert!(!out.exists());
}
