//! Files that are missing, doubled, or contradict each other.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::support::{Toy, arrays, masks, pimo, refused, succeeded};

#[test]
fn a_missing_mask() {
    let toy = Toy::new();
    fs::remove_file(toy.mask("stain/001")).unwrap();
    refused("missing_mask", toy.folder(), &toy.eval(&[]), 3);
    assert!(!toy.path("out").exists());
}

#[test]
fn a_missing_map() {
    let toy = Toy::new();
    fs::remove_file(toy.map("stain/001")).unwrap();
    refused("missing_map", toy.folder(), &toy.eval(&[]), 3);
    let ended = succeeded(toy.eval(&["--skip-bad"]));
    assert!(ended.stderr.contains("warning: 1 bad"), "{}", ended.stderr);
}

#[test]
fn two_candidates_for_a_mask() {
    let toy = Toy::new();
    let mask = toy.mask("stain/001");
    fs::copy(&mask, mask.with_extension("bmp")).unwrap();
    refused("two_masks", toy.folder(), &toy.eval(&[]), 3);
}

#[test]
fn two_candidates_for_a_map() {
    let toy = Toy::new();
    let map = toy.map("good/001");
    fs::copy(&map, map.with_extension("tiff")).unwrap();
    refused("two_maps", toy.folder(), &toy.eval(&[]), 3);
}

#[test]
fn a_mask_that_contradicts_its_class() {
    let toy = Toy::new();
    masks::png(&toy.mask("stain/001"), 64, 48, &[0; 64 * 48]);
    masks::png(&toy.mask("stain/002"), 64, 48, &[0; 64 * 48]);
    refused("contradiction_anomalous", toy.folder(), &toy.eval(&[]), 3);

    let rows = fs::read_to_string(toy.path("data/manifest.csv")).unwrap();
    let mask = toy.path("data/marked.png");
    masks::png(&mask, 64, 48, &[255; 64 * 48]);
    let rows: Vec<String> = rows
        .lines()
        .map(|row| row.replace("toy/test/good/001.npy,,", "toy/test/good/001.npy,marked.png,"))
        .filter(|row| !row.contains("stain/001") && !row.contains("stain/002"))
        .collect();
    assert!(rows.iter().any(|row| row.contains("marked.png")), "{rows:?}");
    let inputs = toy.manifest(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    refused("contradiction_normal", toy.folder(), &toy.eval_to("out", inputs.clone(), &[]), 3);
    // The mask decides: the image becomes an anomalous one.
    let ended = succeeded(toy.eval_to("out", inputs, &["--class-from-mask"]));
    let counts = |line: &str| line.split_whitespace().take(4).eq(["toy", "list", "3", "2"]);
    assert!(ended.stdout.lines().any(counts), "{}", ended.stdout);
}

#[test]
fn an_aspect_ratio_that_differs() {
    let toy = Toy::new();
    arrays::npy(&toy.map("stain/001"), 32, 48, &[0.5; 32 * 48]);
    refused("aspect_ratio", toy.folder(), &toy.eval(&[]), 3);
    succeeded(toy.eval(&["--resample", "any"]));
}

#[test]
fn no_image_of_a_class() {
    for (name, folder) in [("no_normal_image", "good"), ("no_anomalous_image", "stain")] {
        let toy = Toy::new();
        fs::remove_dir_all(toy.path(&format!("data/maps/d/toy/test/{folder}"))).unwrap();
        if folder == "stain" {
            fs::remove_dir_all(toy.path("data/dataset/toy/ground_truth/stain")).unwrap();
        }
        refused(name, toy.folder(), &toy.eval(&[]), 3);
    }
}

#[test]
fn an_image_id_that_occurs_twice() {
    let toy = Toy::new();
    let rows = fs::read_to_string(toy.path("data/manifest.csv")).unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.push(rows[1]);
    refused("duplicate_ids", toy.folder(), &toy.eval_to("out", toy.manifest(&rows), &[]), 3);
}

#[test]
fn names_that_are_not_utf8() {
    let toy = Toy::new();
    let name = OsStr::from_bytes(b"00\xff.npy");
    fs::copy(toy.map("good/000"), toy.map("good/000").with_file_name(name)).unwrap();
    refused("not_utf8", toy.folder(), &toy.eval(&[]), 3);
}

#[test]
fn paths_that_do_not_exist() {
    let toy = Toy::new();
    let (maps, dataset, out) = (toy.path("data/maps/d"), toy.path("data/dataset"), toy.path("out"));
    let absent = toy.path("absent");
    let eval = |maps: &Path, dataset: &Path| {
        let words: [&OsStr; 7] = [
            "eval".as_ref(),
            "--maps".as_ref(),
            maps.as_ref(),
            "--dataset".as_ref(),
            dataset.as_ref(),
            "--out".as_ref(),
            out.as_ref(),
        ];
        pimo(words)
    };
    refused("absent_maps", toy.folder(), &eval(&absent, &dataset), 4);
    refused("absent_dataset", toy.folder(), &eval(&maps, &absent), 4);
    fs::create_dir(&absent).unwrap();
    refused("empty_maps", toy.folder(), &eval(&absent, &dataset), 3);
    refused("empty_dataset", toy.folder(), &eval(&maps, &absent), 3);
    refused("unknown_category", toy.folder(), &toy.eval(&["--category", "tyo"]), 2);
}

#[test]
fn many_problems_are_counted_and_the_first_ones_listed() {
    let plan = pimo_synth::Plan { anomalous: 30, ..crate::support::plan() };
    let toy = Toy::of(&plan);
    for image in 0..25 {
        fs::remove_file(toy.mask(&format!("stain/{image:03}"))).unwrap();
    }
    let ended = toy.eval(&[]);
    refused("many_problems", toy.folder(), &ended, 3);
    assert!(ended.stderr.contains("25 problems") && ended.stderr.contains("and 5 more"), "{}", ended.stderr);
}

#[test]
fn one_bad_category_does_not_take_the_others_along() {
    let plan = pimo_synth::Plan { categories: ["a", "b", "c"].map(String::from).into(), ..crate::support::plan() };
    let toy = Toy::of(&plan);
    let map = toy.path("data/maps/d/b/test/stain/001.npy");
    let mut scores = arrays::scores_of(&map);
    scores[50] = f32::NAN;
    arrays::npy(&map, 64, 48, &scores);
    let ended = toy.eval(&[]);
    refused("one_bad_category", toy.folder(), &ended, 3);
    assert!(ended.stdout.contains("mean of 2"), "{}", ended.stdout);
    let record = crate::support::record(&toy.path("out"));
    assert_eq!(record.categories, ["a", "c"]);
    assert_eq!(record.failed.len(), 1);
    assert_eq!(record.failed[0].category, "b");
    // The others are what they are alone.
    let alone = Toy::of(&plan);
    fs::remove_dir_all(alone.path("data/maps/d/b")).unwrap();
    succeeded(alone.eval(&[]));
    assert_eq!(crate::support::parquet_bytes(&alone.path("out")), crate::support::parquet_bytes(&toy.path("out")));
}
