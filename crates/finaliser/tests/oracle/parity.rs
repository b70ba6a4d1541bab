//! The values of the published package and of the exact definition for stored categories.

use std::fs;
use std::path::Path;

use pimo_finaliser::FprBounds;
use pimo_finaliser::linspace::LinspaceAxis;
use pimo_frame::{Frame, SampleType, Size};
use serde_json::Value;

use crate::brute::Kind;
use crate::drive::{self, Sharing};
use crate::fixture::{self, mask, npy, parity_folder};
use crate::input::{Input, rows};

/// A stored category.
struct Stored {
    expected: Value,
    sample_type: SampleType,
    /// Images with their paths, normal ones first, as the expected values have them.
    images: Vec<(String, Frame)>,
}

impl Stored {
    /// `None` where maps are not `.npy` files.
    fn open(folder: &Path) -> Option<Self> {
        let expected: Value = serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let mut sample_type = SampleType::F32;
        let mut common = None;
        let mut images = Vec::new();
        for path in expected["paths"].as_array().unwrap() {
            let path = path.as_str().unwrap();
            let map = folder.join("maps").join(format!("{path}.npy"));
            if !map.is_file() {
                return None;
            }
            let fixture::Array { size, sample_type: kind, values } = npy(&map);
            sample_type = kind;
            let mask_path = path.replace("toy/test/", "dataset/toy/ground_truth/") + "_mask.png";
            let (evaluated, mask) =
                if path.contains("/bad/") { mask(&folder.join(mask_path)) } else { (size, Vec::new()) };
            if path.contains("/bad/") {
                common = match common {
                    None => Some(Ok(evaluated)),
                    Some(Ok(size)) if size == evaluated => Some(Ok(size)),
                    _ => Some(Err(())),
                };
            }
            let single = kind != SampleType::F64;
            images.push((path.to_owned(), Input { native: size, evaluated, single, scores: values, mask }));
        }
        // Normal images have no masks: they take the size of the others' masks where there is one only.
        let images = images.into_iter().map(|(path, mut image)| {
            if let (true, Some(Ok(size))) = (image.mask.is_empty(), common) {
                image.evaluated = size;
            }
            (path, image.frame())
        });
        Some(Self { sample_type, images: images.collect(), expected })
    }

    fn bounds(&self) -> FprBounds {
        let [lower, upper] = [0, 1].map(|i| number(&self.expected["fpr_bounds"][i]));
        FprBounds::new(lower, upper).unwrap()
    }

    /// Splits the images, moving them out.
    fn split(self) -> (Vec<Frame>, Vec<(String, Frame)>) {
        let (normal, anomalous): (Vec<_>, Vec<_>) =
            self.images.into_iter().partition(|(path, _)| path.contains("/good/"));
        (normal.into_iter().map(|(_, frame)| frame).collect(), anomalous)
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn compare_exact(name: &str, normal: &[Frame], anomalous: &[(String, Frame)], bounds: FprBounds, expected: &[Value]) {
    let tail = drive::tail(normal, &Kind::Mean, bounds, Sharing::plain(normal.len())).into_settled();
    let axis = drive::axis(normal, &tail, &Kind::Mean, bounds).unwrap();
    for ((path, frame), expected) in anomalous.iter().zip(expected) {
        let (ours, expected) = (drive::scored(&axis, frame).aupimo.unwrap(), number(expected));
        assert!((ours - expected).abs() <= 1e-10, "{name}, {path}: {ours} for {expected}");
        assert!(expected != 0.0 && expected != 1.0 || ours == expected, "{name}, {path}: {ours} for {expected}");
    }
}

fn compare_linspace(
    name: &str,
    axis: &LinspaceAxis,
    anomalous: &[(String, Frame)],
    expected: &Value,
    scores: &[Value],
) {
    let bits = |value: &Value| number(value).to_bits();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let index: Vec<usize> = list(&expected["sample_index"]).iter().map(|k| k.as_u64().unwrap() as usize).collect();
    let thresholds = list(&expected["sample_threshold"]);
    let rates = list(&expected["sample_shared_fpr"]);
    assert_eq!((index.len(), thresholds.len(), rates.len()), (41, 41, 41));
    for ((&k, threshold), rate) in index.iter().zip(&thresholds).zip(&rates) {
        assert_eq!(axis.grid().threshold(k).to_bits(), bits(threshold), "{name}, threshold {k}");
        assert_eq!(axis.rates()[k].to_bits(), bits(rate), "{name}, shared FPR at {k}");
    }
    assert_eq!(axis.points() as u64, expected["num_points"].as_u64().unwrap(), "{name}");
    let (lower, upper) = (axis.lower_threshold(), axis.upper_threshold());
    // The package calls thresholds after the FPR bound at which they lie, this crate after their own order.
    for (point, bound) in [(upper, "lower"), (lower, "upper")] {
        assert_eq!(point.threshold.to_bits(), bits(&expected[format!("threshold_at_{bound}_fpr")]), "{name}");
        assert_eq!(point.shared_fpr.to_bits(), bits(&expected[format!("shared_fpr_at_{bound}")]), "{name}");
    }
    let selected: Vec<usize> = index.into_iter().rev().collect();
    for ((path, frame), score) in anomalous.iter().zip(scores) {
        let (aupimo, recalls, _) = drive::on_grid(axis, frame, &selected);
        assert!((aupimo - number(score)).abs() <= 1e-12, "{name}, {path}: {aupimo} for {score}");
        let expected = list(&expected["sample_tpr"][path]);
        let recalls: Vec<u64> = recalls.into_iter().rev().map(f64::to_bits).collect();
        assert_eq!(recalls, expected.iter().map(bits).collect::<Vec<_>>(), "{name}, {path}");
    }
}

#[test]
fn stored_categories_have_the_expected_values() {
    let Some(folder) = parity_folder() else { return };
    let (mut exact, mut linspace) = (0, 0);
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    for case in cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let Some(stored) = Stored::open(&case) else { continue };
        let (expected, bounds, sample_type) = (stored.expected.clone(), stored.bounds(), stored.sample_type);
        let (normal, anomalous) = stored.split();
        assert!(!normal.is_empty() && !anomalous.is_empty(), "{name}");
        let scores = |of: &Value| of["aupimo"].as_array().unwrap()[normal.len()..].to_vec();
        assert_eq!(scores(&expected["exact"]).len(), anomalous.len(), "{name}");
        compare_exact(&name, &normal, &anomalous, bounds, &scores(&expected["exact"]));
        exact += 1;
        if let Some(values) = expected.get("linspace") {
            let count = expected["num_thresholds"].as_u64().unwrap() as usize;
            let axis = drive::grid_axis(&normal, count, sample_type, bounds, false).unwrap();
            compare_linspace(&name, &axis, &anomalous, values, &scores(values));
            linspace += 1;
        }
    }
    // Eleven cases, of which two have TIFF maps, of which one has values of both procedures.
    assert_eq!((exact, linspace), (9, 6));
}

#[test]
fn resampled_rows_have_the_bits_of_torch() {
    let Some(folder) = parity_folder() else { return };
    let stored = Stored::open(&folder.join("f32_upsample")).unwrap();
    let expected = npy(&folder.join("f32_upsample").join("upsampled.npy"));
    let size = Size::new(224, 200);
    assert_eq!(expected.size, size);
    let images = expected.values.chunks_exact(size.pixels() as usize);
    assert_eq!(images.len(), stored.images.len());
    for ((path, frame), expected) in stored.images.iter().zip(images) {
        let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
        assert!(bits(&rows(frame)) == bits(expected), "{path}");
    }
}
