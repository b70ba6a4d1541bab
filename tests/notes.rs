//! What is told of things that were left out or chosen.

use std::fs;

use pimo_store::RunReader;
use pimo_synth::{Detector, Plan};

use crate::support::{Toy, masks, pimo, plan, record, succeeded};

/// Categories `nut` and `screw`, detectors `d` and `e`.
fn two_of_each() -> Toy {
    let detector = |name: &str, quality| Detector { name: name.into(), quality };
    Toy::of(&Plan {
        categories: ["nut", "screw"].map(String::from).into(),
        detectors: vec![detector("d", 0.8), detector("e", 0.3)],
        ..plan()
    })
}

#[test]
fn maps_of_a_category_that_the_dataset_lacks() {
    let toy = two_of_each();
    fs::remove_dir_all(toy.path("data/dataset/screw")).unwrap();
    let ended = succeeded(toy.eval(&[]));
    let expected = "does not have, which are left out: screw (it has nut)";
    assert!(ended.stderr.contains("note: ") && ended.stderr.contains(expected), "{}", ended.stderr);
    assert!(record(&toy.path("out")).notes.iter().any(|note| note.contains(expected)));
    let quiet = succeeded(toy.eval(&["--force", "--quiet"]));
    assert!(!quiet.stderr.contains("note: "), "{}", quiet.stderr);
    let json = succeeded(toy.eval(&["--force", "--log-format", "json"]));
    assert!(json.stderr.lines().any(|line| line.contains(r#""event":"note""#) && line.contains(expected)));
    let inspect = ["inspect".into()].into_iter().chain(toy.inputs());
    let ended = succeeded(pimo(inspect));
    assert!(ended.stdout.contains(expected), "{}", ended.stdout);
}

#[test]
fn many_notes_are_cut_short() {
    let toy = Toy::new();
    for defect in 0..7 {
        fs::create_dir(toy.map("good/000").with_file_name("").join(format!("../empty{defect}"))).unwrap();
    }
    let ended = succeeded(toy.eval(&[]));
    assert_eq!(ended.stderr.matches("note: ").count(), 6, "{}", ended.stderr);
    assert!(ended.stderr.contains("note: run.json has 2 more under `notes`"), "{}", ended.stderr);
}

#[test]
fn where_sizes_of_normal_images_come_from() {
    let toy = Toy::new();
    let note = |toy: &Toy, out: &str| {
        succeeded(toy.eval_to(out, toy.inputs(), &[]));
        record(&toy.path(out)).notes.join("\n")
    };
    assert!(
        note(&toy, "masks")
            .contains("category toy: normal images without a mask are evaluated at the size of the masks, 64x48")
    );

    // One mask is twice as large.
    let mut samples = vec![0; 128 * 96];
    samples[3000..3020].fill(255);
    masks::png(&toy.mask("stain/001"), 128, 96, &samples);
    let of_maps = note(&toy, "maps");
    assert!(of_maps.contains("at the size of their anomaly maps, because masks differ in size"), "{of_maps}");

    let images = toy.path("data/dataset/toy/test/good");
    fs::create_dir_all(&images).unwrap();
    for image in 0..4 {
        masks::png(&images.join(format!("{image:03}.png")), 32, 24, &[7; 32 * 24]);
    }
    let of_images = note(&toy, "images");
    assert!(of_images.contains("at the size of their source images, because masks differ in size"), "{of_images}");
    let sizes = RunReader::open(&toy.path("images")).unwrap().images().unwrap().map(Result::unwrap);
    let normal: Vec<_> = sizes.filter(|row| !row.is_anomalous).map(|row| (row.height, row.width)).collect();
    assert_eq!(normal, [(Some(32), Some(24)); 4]);
}

#[test]
fn means_over_fewer_categories() {
    let toy = two_of_each();
    let mut inputs = toy.inputs();
    inputs.extend(["--maps".into(), toy.path("data/maps/e").into()]);
    fs::remove_dir_all(toy.path("data/maps/d/screw")).unwrap();
    let ended = toy.eval_to("out", inputs.clone(), &[]);
    assert_eq!(ended.code, Some(3));
    let expected = "detector d: its means over categories leave out 1 of the 2 categories that were evaluated, so they do \
                    not compare with those of detectors that have them: screw";
    assert!(ended.stderr.contains(&format!("warning: {expected}")), "{}", ended.stderr);
    assert!(!ended.stderr.contains("detector e: its means"), "{}", ended.stderr);
    let run = RunReader::open(&toy.path("out")).unwrap();
    let summary = run.summary().unwrap();
    for warnings in [&summary.warnings, &run.record().warnings] {
        assert_eq!(warnings.iter().filter(|warning| *warning == expected).count(), 1, "{warnings:?}");
    }
    let (mean, nut) = (&summary.models["d"].macro_average, &summary.models["d"].categories["nut"]);
    assert_eq!((mean.categories, mean.aupimo.mean), (1, nut.aupimo.mean));

    // Where all have the same categories there is nothing to say.
    inputs.extend(["--category".into(), "nut".into(), "--force".into()]);
    let ended = succeeded(toy.eval_to("out", inputs, &[]));
    assert!(!ended.stderr.contains("its means"), "{}", ended.stderr);
}

#[test]
fn a_manifest_category_without_a_single_image_id() {
    let toy = Toy::new();
    let manifest = fs::read_to_string(toy.path("data/manifest.csv")).unwrap();
    let (header, rows) = manifest.split_once('\n').unwrap();
    let column = |name: &str| header.split(',').position(|column| column == name).unwrap();
    let (image, category) = (column("image_id"), column("category"));
    let blank = |row: &str| {
        let mut fields: Vec<&str> = row.split(',').collect();
        (fields[image], fields[category]) = ("", "other");
        fields.join(",")
    };
    let others: Vec<String> = rows.lines().map(blank).collect();
    let mut lines: Vec<&str> = manifest.lines().collect();
    lines.extend(others.iter().map(String::as_str));
    let ended = toy.eval_to("out", toy.manifest(&lines), &[]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("no image_id; expected a name").count(), 7, "{}", ended.stderr);
    let failed = record(&toy.path("out")).failed;
    assert!(failed.len() == 9 && failed.iter().all(|failed| failed.category == "other"), "{failed:?}");

    let mut only = vec![header];
    only.extend(others.iter().map(String::as_str));
    let inputs = toy.manifest(&only);
    let ended = toy.eval_to("none", inputs.clone(), &[]);
    assert!(ended.code == Some(3) && ended.stderr.contains("error: 9 problems in the input"), "{}", ended.stderr);
    for deep in [None, Some("--deep")] {
        let arguments = ["inspect".into()].into_iter().chain(inputs.clone()).chain(deep.map(Into::into));
        let ended = pimo(arguments);
        assert_eq!(ended.code, Some(3));
        assert!(ended.stdout.contains("9 problems:") && !ended.stdout.contains("0MiB"), "{}", ended.stdout);
    }
}

#[test]
fn means_have_their_metrics_in_the_order_of_the_categories() {
    let toy = two_of_each();
    succeeded(toy.eval(&["--at", "-0.5,0.25"]));
    let rows = RunReader::open(&toy.path("out")).unwrap().categories().unwrap();
    let of = |category: &str| -> Vec<String> {
        let names = rows.iter().filter(|row| row.category == category).map(|row| row.metric.clone());
        names.filter(|name| !name.ends_with("_threshold") && !name.starts_with("threshold_at")).collect()
    };
    assert!(of("nut").len() > 30, "{:?}", of("nut"));
    assert_eq!(of("*"), of("nut"));
}
