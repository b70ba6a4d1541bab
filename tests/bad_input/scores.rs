//! Scores and samples that can't be used.

use std::path::Path;

use crate::support::arrays::{npy, npy_with, scores_of};
use crate::support::{Toy, refused, scores, succeeded};

/// A map with one score replaced.
fn spoil(path: &Path, at: usize, score: f32) {
    let mut scores = scores_of(path);
    scores[at] = score;
    npy(path, 64, 48, &scores);
}

#[test]
fn scores_that_are_no_numbers() {
    let cases = [
        ("nan_normal", "good/002", f32::NAN),
        ("nan_anomalous", "stain/001", f32::NAN),
        ("infinity", "good/002", f32::INFINITY),
        ("minus_infinity", "stain/001", f32::NEG_INFINITY),
    ];
    for (name, image, score) in cases {
        for procedure in [&[][..], &["--thresholds", "linspace:1000"]] {
            let toy = Toy::new();
            // Row 3, column 7.
            spoil(&toy.map(image), 3 * 48 + 7, score);
            let ended = toy.eval(procedure);
            assert!(ended.stderr.contains("row 3, column 7"), "{}", ended.stderr);
            if procedure.is_empty() {
                refused(name, toy.folder(), &ended, 3);
                assert!(!toy.path("out").exists());
            }
            assert_eq!(ended.code, Some(3));
        }
    }
}

#[test]
fn bad_scores_may_be_left_out() {
    let toy = Toy::new();
    spoil(&toy.map("good/002"), 0, f32::NAN);
    spoil(&toy.map("stain/001"), 5, f32::INFINITY);
    let ended = succeeded(toy.eval(&["--skip-bad"]));
    assert!(ended.stderr.contains("2 bad"), "{}", ended.stderr);
    let record = crate::support::record(&toy.path("out"));
    let skipped: Vec<&str> = record.skipped.iter().map(|image| image.image_id.as_str()).collect();
    assert_eq!(skipped, ["toy/good/002", "toy/stain/001"]);

    // The outcome is that of a dataset without them.
    let without = Toy::new();
    for image in ["good/002", "stain/001"] {
        std::fs::remove_file(without.map(image)).unwrap();
    }
    std::fs::remove_file(without.mask("stain/001")).unwrap();
    succeeded(without.eval(&["--skip-bad"]));
    assert_eq!(scores(&without.path("out")), scores(&toy.path("out")));
    assert_eq!(crate::support::record(&without.path("out")).inputs, record.inputs);
}

#[test]
fn samples_of_the_wrong_type() {
    let pixels = 64 * 48;
    let cases = [
        ("complex_samples", "'<c8'", 8),
        ("object_samples", "'|O'", 8),
        ("string_samples", "'<U4'", 16),
        ("long_double_samples", "'<f16'", 16),
    ];
    for (name, descr, bytes) in cases {
        let toy = Toy::new();
        npy_with(&toy.map("good/001"), descr, false, "(64, 48)", &vec![0; pixels * bytes]);
        refused(name, toy.folder(), &toy.eval(&[]), 3);
    }
}

#[test]
fn shapes_and_orders_that_are_no_map() {
    let cases = [
        ("fortran_order", true, "(64, 48)"),
        ("zero_size", false, "(0, 48)"),
        ("one_dimension", false, "(3072,)"),
        ("three_dimensions", false, "(3, 32, 32)"),
    ];
    for (name, fortran, shape) in cases {
        let toy = Toy::new();
        let bytes = if name == "zero_size" { 0 } else { 64 * 48 * 4 };
        npy_with(&toy.map("good/001"), "'<f4'", fortran, shape, &vec![0; bytes]);
        refused(name, toy.folder(), &toy.eval(&[]), 3);
    }
}

#[test]
fn equal_scores_have_a_defined_result() {
    let toy = Toy::new();
    for image in 0..4 {
        npy(&toy.map(&format!("good/{image:03}")), 64, 48, &[0.5; 64 * 48]);
    }
    let ended = succeeded(toy.eval(&[]));
    crate::support::snapshot("equal_scores_exact", toy.folder(), &ended.stderr);
    assert!(scores(&toy.path("out")).values().all(Option::is_none));
    let linspace = toy.eval(&["--thresholds", "linspace:1000", "--force"]);
    refused("equal_scores_linspace", toy.folder(), &linspace, 3);
    // A bound of 1 is all that one distinct score can reach.
    assert!(ended.stdout.contains(" -  "), "{}", ended.stdout);
}

#[test]
fn bounds_below_a_single_pixel_leave_aupimo_null() {
    let toy = Toy::new();
    let ended = succeeded(toy.eval(&["--fpr-bounds", "1e-5,1e-4"]));
    crate::support::snapshot("unreachable_bounds", toy.folder(), &ended.stderr);
    assert!(scores(&toy.path("out")).values().all(Option::is_none));
}
