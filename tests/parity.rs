//! The shared fixtures through the command: values of the published package and of the exact definition.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pimo_store::RunReader;
use pimo_store::rows::CategoryRow;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{pimo, shared_folder, succeeded};

struct Case {
    name: String,
    folder: std::path::PathBuf,
    expected: Value,
}

impl Case {
    fn all() -> Option<Vec<Self>> {
        let folder = shared_folder("fixtures/parity")?;
        let mut cases: Vec<Self> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let folder = entry.unwrap().path();
                let expected = serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
                Self { name: folder.file_name().unwrap().to_str().unwrap().to_owned(), folder, expected }
            })
            .collect();
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(cases.len(), 11);
        Some(cases)
    }

    fn eval(&self, out: &Path, further: &[String]) -> RunReader {
        let bounds = &self.expected["fpr_bounds"];
        let mut arguments =
            vec!["eval".to_owned(), "--maps".to_owned(), self.folder.join("maps").display().to_string()];
        arguments.extend(["--dataset".to_owned(), self.folder.join("dataset").display().to_string()]);
        arguments.extend(["--fpr-bounds".to_owned(), format!("{},{}", bounds[0], bounds[1])]);
        arguments.extend(["--out".to_owned(), out.display().to_string()]);
        if self.name == "f32_upsample" {
            // Its maps are square and its masks are not.
            arguments.extend(["--resample", "any"].map(String::from));
        }
        arguments.extend_from_slice(further);
        succeeded(pimo(arguments));
        RunReader::open(out).unwrap()
    }

    /// Expected AUPIMO by image id.
    fn scores(&self, procedure: &str) -> BTreeMap<String, Option<f64>> {
        let paths = self.expected["paths"].as_array().unwrap().iter();
        let scores = self.expected[procedure]["aupimo"].as_array().unwrap().iter();
        paths.zip(scores).map(|(path, score)| (image_id(path.as_str().unwrap()), score.as_f64())).collect()
    }
}

/// `toy/test/bad/000` is the image `toy/bad/000`.
fn image_id(path: &str) -> String {
    path.replacen("/test/", "/", 1)
}

fn compare(case: &Case, run: &RunReader, expected: &BTreeMap<String, Option<f64>>, tolerance: f64) {
    let mut compared = 0;
    for row in run.images().unwrap() {
        let row = row.unwrap();
        let (ours, expected) = (row.aupimo, expected[&row.image_id]);
        let close = match (ours, expected) {
            (Some(ours), Some(expected)) => (ours - expected).abs() <= tolerance,
            (None, None) => true,
            _ => false,
        };
        assert!(close, "{}, {}: {ours:?} for {expected:?}", case.name, row.image_id);
        assert_eq!((row.aupimo_low, row.aupimo_high), (ours, ours));
        compared += 1;
    }
    assert_eq!(compared, expected.len(), "{}", case.name);
}

#[test]
fn exact_scores_of_all_cases() {
    let Some(cases) = Case::all() else { return };
    for case in cases {
        let folder = TempDir::new().unwrap();
        let run = case.eval(&folder.path().join("run"), &[]);
        compare(&case, &run, &case.scores("exact"), 1e-10);
    }
}

/// The metrics of the category `toy` by name.
fn metrics(run: &RunReader) -> BTreeMap<String, CategoryRow> {
    let rows = run.categories().unwrap().into_iter().filter(|row| row.category == "toy");
    rows.map(|row| (row.metric.clone(), row)).collect()
}

#[test]
fn pixel_and_image_metrics_of_all_cases() {
    let Some(cases) = Case::all() else { return };
    let mut four_connected = 0;
    for case in cases {
        let folder = TempDir::new().unwrap();
        let (pixel, image) = (&case.expected["pixel"], &case.expected["image"]);
        let limits = |key: &str| -> Vec<String> {
            pixel[key].as_object().map_or_else(Vec::new, |limits| limits.keys().cloned().collect())
        };
        let check = |found: &BTreeMap<String, CategoryRow>, name: &str, expected: &Value| {
            let row = &found[name];
            let expected = expected.as_f64().unwrap();
            let value = row.value.unwrap_or(f64::NAN);
            assert!((value - expected).abs() <= 1e-9, "{} {name}: {value} for {expected}", case.name);
            assert!(row.exact, "{} {name}: {row:?}", case.name);
        };
        let options = ["--aupro-limits".to_owned(), limits("aupro").join(",")];
        let run = case.eval(&folder.path().join("eight"), &options);
        let found = metrics(&run);
        for (name, expected) in [
            ("pixel_auroc", &pixel["auroc"]),
            ("pixel_ap", &pixel["average_precision"]),
            ("pixel_f1max", &pixel["f1max"]),
            ("pixel_f1max_threshold", &pixel["f1max_threshold"]),
            ("image_auroc", &image["auroc"]),
            ("image_ap", &image["average_precision"]),
            ("image_f1max", &image["f1max"]),
            ("image_f1max_threshold", &image["f1max_threshold"]),
        ] {
            check(&found, name, expected);
        }
        let named = |limit: &str| format!("aupro_{:?}", limit.parse::<f64>().unwrap());
        for limit in limits("aupro") {
            check(&found, &named(&limit), &pixel["aupro"][&limit]);
        }
        assert_eq!(
            Some(run.regions().unwrap().unwrap().count() as u64),
            pixel["num_regions"].as_u64(),
            "{}",
            case.name
        );
        if !limits("aupro_4connected").is_empty() {
            let options = [
                "--connectivity".to_owned(),
                "4".to_owned(),
                "--aupro-limits".to_owned(),
                limits("aupro_4connected").join(","),
            ];
            let run = case.eval(&folder.path().join("four"), &options);
            let found = metrics(&run);
            for limit in limits("aupro_4connected") {
                check(&found, &named(&limit), &pixel["aupro_4connected"][&limit]);
            }
            assert_eq!(Some(run.regions().unwrap().unwrap().count() as u64), pixel["num_regions_4connected"].as_u64());
            four_connected += 1;
        }
    }
    assert!(four_connected > 0);
}

#[test]
fn published_scores_thresholds_and_rates() {
    let Some(cases) = Case::all() else { return };
    let mut compared = 0;
    for case in cases.into_iter().filter(|case| case.expected.get("linspace").is_some()) {
        let folder = TempDir::new().unwrap();
        let count = case.expected["num_thresholds"].as_u64().unwrap() as usize;
        let options =
            ["--thresholds".to_owned(), format!("linspace:{count}"), "--curves".to_owned(), "full".to_owned()];
        let run = case.eval(&folder.path().join("run"), &options);
        compare(&case, &run, &case.scores("linspace"), 1e-12);
        compare_axis(&case, &run, count);
        compare_curves(&case, &run, count);
        compared += 1;
    }
    assert_eq!(compared, 7);
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// Rows are by falling threshold, the package's indices by rising ones.
fn sampled(case: &Case, count: usize) -> Vec<usize> {
    let index = case.expected["linspace"]["sample_index"].as_array().unwrap();
    assert_eq!(index.len(), 41);
    index.iter().map(|index| count - 1 - index.as_u64().unwrap() as usize).collect()
}

fn bits(values: impl IntoIterator<Item = f64>) -> Vec<u64> {
    values.into_iter().map(f64::to_bits).collect()
}

fn compare_axis(case: &Case, run: &RunReader, count: usize) {
    let expected = &case.expected["linspace"];
    let rows: Vec<_> = run.axis().unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), count, "{}", case.name);
    let rows_at = || sampled(case, count).into_iter().map(|row| &rows[row]);
    assert_eq!(bits(rows_at().map(|row| row.threshold)), bits(list(&expected["sample_threshold"])), "{}", case.name);
    assert_eq!(bits(rows_at().map(|row| row.shared_fpr)), bits(list(&expected["sample_shared_fpr"])), "{}", case.name);
    let summary = run.summary().unwrap();
    let thresholds = summary.models.values().next().unwrap().categories["toy"].thresholds.unwrap();
    for (point, bound) in [(thresholds.upper, "lower"), (thresholds.lower, "upper")] {
        let said = [point.threshold.unwrap(), point.shared_fpr.unwrap()];
        let wanted = [&expected[format!("threshold_at_{bound}_fpr")], &expected[format!("shared_fpr_at_{bound}")]];
        assert_eq!(bits(said), bits(wanted.map(|value| value.as_f64().unwrap())), "{}", case.name);
    }
}

fn compare_curves(case: &Case, run: &RunReader, count: usize) {
    for (path, recalls) in case.expected["linspace"]["sample_tpr"].as_object().unwrap() {
        let id = image_id(path);
        let curves = run.curves(&[&id]).unwrap();
        let curve = &curves[0];
        assert_eq!((curves.len(), curve.tpr.len()), (1, count), "{}, {id}", case.name);
        let found = sampled(case, count).into_iter().map(|row| curve.tpr[row]);
        assert_eq!(bits(found), bits(list(recalls)), "{}, {id}", case.name);
    }
}
