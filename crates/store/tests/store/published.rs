//! The published JSON.

use std::fs;
use std::path::{Path, PathBuf};

use pimo_store::{PublishedScores, StoreError, read_scalar, write_scalar};
use proptest::prelude::*;

use pimo_test_data::shared;

fn data(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data")).join(name)
}

fn read_text(text: &str) -> Result<PublishedScores, StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aupimos.json");
    fs::write(&path, text).unwrap();
    PublishedScores::read(&path)
}

#[test]
fn what_python_wrote_is_read_and_written_alike() {
    let path = data("aupimos_python.json");
    let scores = PublishedScores::read(&path).unwrap();
    assert_eq!(scores.num_threshs, Some(300_000));
    assert_eq!(scores.aupimos[3], 0.1 + 0.2);
    assert!(scores.aupimos[2].is_nan());
    assert_eq!(scores.aupimos[8..10], [f64::INFINITY, f64::NEG_INFINITY]);
    assert_eq!(scores.to_json(), fs::read_to_string(&path).unwrap());
}

#[test]
fn other_keys_and_nulls_are_read() {
    let scores = PublishedScores::read(&data("aupimos_other_keys.json")).unwrap();
    assert_eq!(scores.shared_fpr_metric, None);
    assert_eq!(scores.num_threshs, None);
    assert_eq!(scores.thresh_lower_bound, Some(0.0));
    assert_eq!(scores.thresh_upper_bound, None);
    assert_eq!(scores.paths, None);
    let text = scores.to_json();
    assert!(text.contains("\"num_threshs\": null"));
    assert!(text.ends_with("\"aupimos\": []\n}"));

    let named_otherwise = r#"{"fpr_lower_bound": 1e-05, "fpr_upper_bound": 1, "num_thresholds": 7,
        "thresh_lower_bound": -Infinity, "thresh_upper_bound": NaN, "aupimos": [null, 1, 0.5]}"#;
    let scores = read_text(named_otherwise).unwrap();
    assert_eq!(scores.num_threshs, Some(7));
    assert_eq!(scores.fpr_upper_bound, 1.0);
    assert_eq!(scores.thresh_lower_bound, Some(f64::NEG_INFINITY));
    assert!(scores.thresh_upper_bound.unwrap().is_nan());
    assert!(scores.aupimos[0].is_nan());
}

#[test]
fn malformed_files_are_named() {
    let valid = fs::read_to_string(data("aupimos_python.json")).unwrap();
    for (text, expected) in [
        ("", "EOF"),
        ("[]", "invalid length"),
        (&valid[..valid.len() / 2], "EOF"),
        (r#"{"aupimos": []}"#, "missing field `fpr_lower_bound`"),
        (r#"{"fpr_lower_bound": 1, "fpr_upper_bound": 1, "aupimos": ["x"]}"#, "expected a number, NaN or Infinity"),
        (r#"{"fpr_lower_bound": 1, "fpr_upper_bound": 1, "aupimos": [1], "paths": []}"#, "1 scores and 0 paths"),
    ] {
        let error = read_text(text).unwrap_err();
        assert!(matches!(error, StoreError::Json { .. }), "{error}");
        assert!(!error.is_system());
        let message = error.to_string();
        assert!(message.contains("aupimos.json"), "{message}");
        assert!(message.contains(expected), "{message}");
    }
    let missing = PublishedScores::read(Path::new("nowhere/aupimos.json")).unwrap_err();
    assert!(missing.is_system(), "{missing}");
}

#[test]
fn scalars() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auroc.json");
    for (value, text) in [
        (0.694_009_244_441_986_1, "{\"value\": 0.6940092444419861}"),
        (f64::NAN, "{\"value\": NaN}"),
        (1.0, "{\"value\": 1.0}"),
    ] {
        write_scalar(&path, value).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(read_scalar(&path).unwrap().to_bits(), value.to_bits());
    }
    fs::write(&path, "{\"other\": 1}").unwrap();
    let message = read_scalar(&path).unwrap_err().to_string();
    assert!(message.contains("missing field `value`"), "{message}");
}

#[test]
fn all_published_files_are_read_and_written_byte_for_byte() {
    let Some(root) = shared("published/benchmark") else {
        return;
    };
    let mut files = 0;
    let mut scores = 0;
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("aupimos.json") {
                let published = PublishedScores::read(&path).unwrap();
                let text = fs::read_to_string(&path).unwrap();
                assert!(published.to_json() == text, "{}", path.display());
                files += 1;
                scores += published.aupimos.iter().filter(|it| !it.is_nan()).count();
            } else {
                let value = read_scalar(&path).unwrap();
                assert!((0.0..=1.0).contains(&value), "{}", path.display());
            }
        }
    }
    assert_eq!((files, scores), (351, 31_954));
}

proptest! {
    #[test]
    fn scores_come_back_to_the_last_bit(
        aupimos in prop::collection::vec(any::<f64>(), 0..20),
        bounds: (f64, f64),
        threshold in prop::option::of(any::<f64>()),
        name in prop::option::of(any::<String>()),
        number in prop::option::of(any::<u64>()),
    ) {
        let paths = name.clone().map(|name| vec![name; aupimos.len()]);
        let scores = PublishedScores {
            shared_fpr_metric: name,
            fpr_lower_bound: bounds.0,
            fpr_upper_bound: bounds.1,
            num_threshs: number,
            thresh_lower_bound: threshold,
            thresh_upper_bound: None,
            aupimos,
            paths,
        };
        let back = read_text(&scores.to_json()).unwrap();
        let same = |a: f64, b: f64| a == b && a.is_sign_negative() == b.is_sign_negative() || a.is_nan() && b.is_nan();
        prop_assert!(same(back.fpr_lower_bound, bounds.0) && same(back.fpr_upper_bound, bounds.1));
        prop_assert_eq!(back.thresh_lower_bound.is_some(), threshold.is_some());
        prop_assert_eq!(back.aupimos.len(), scores.aupimos.len());
        prop_assert!(back.aupimos.iter().zip(&scores.aupimos).all(|(&a, &b)| same(a, b)));
        prop_assert_eq!((back.num_threshs, &back.shared_fpr_metric, &back.paths),
            (scores.num_threshs, &scores.shared_fpr_metric, &scores.paths));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text: String) {
        let _ = read_text(&text);
    }
}
