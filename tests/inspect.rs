//! `pimo inspect`.

use std::ffi::OsString;
use std::fs;

use pimo_synth::Plan;

use crate::support::arrays::{npy, scores_of};
use crate::support::{Ended, Toy, pimo, plan, snapshot, succeeded};

fn inspect(toy: &Toy, further: &[&str]) -> Ended {
    let mut arguments: Vec<OsString> = vec!["inspect".into()];
    arguments.extend(toy.inputs());
    arguments.extend(further.iter().map(OsString::from));
    pimo(arguments)
}

#[test]
fn a_sound_dataset() {
    let toy = Toy::of(&Plan { categories: ["a", "b"].map(String::from).into(), mixed_sizes: true, ..plan() });
    snapshot("inspect", toy.folder(), &succeeded(inspect(&toy, &[])).stdout);
    let deep = succeeded(inspect(&toy, &["--deep"])).stdout;
    assert!(deep.contains("every file was decoded"), "{deep}");
    let report: serde_json::Value =
        serde_json::from_str(&succeeded(inspect(&toy, &["--format", "json"])).stdout).unwrap();
    assert_eq!(report["layout"], "mvtec-ad");
    assert_eq!(report["categories"][1]["category"], "b");
    assert_eq!(report["categories"][1]["anomalous"], 3);
    assert_eq!(report["problems"], serde_json::json!([]));
    assert!(report["estimated_seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn every_problem_is_listed() {
    let toy = Toy::of(&Plan { normal: 30, anomalous: 30, ..plan() });
    for image in 0..25 {
        fs::remove_file(toy.map(&format!("stain/{image:03}"))).unwrap();
    }
    Toy::truncate(&toy.map("good/003"), 0.3);
    let ended = inspect(&toy, &[]);
    assert_eq!(ended.code, Some(3));
    let listed = |what: &str| ended.stdout.lines().filter(|line| line.contains(what)).count();
    assert_eq!((listed("no anomaly map for image"), listed("good/003.npy: ")), (25, 1), "{}", ended.stdout);
    assert!(ended.stdout.contains("26 problems"), "{}", ended.stdout);
}

#[test]
fn deep_looks_into_files() {
    let toy = Toy::of(&Plan { normal: 30, anomalous: 30, ..plan() });
    let map = toy.map("good/013");
    let mut scores = scores_of(&map);
    scores[48 * 2 + 5] = f32::NAN;
    npy(&map, 64, 48, &scores);
    assert_eq!(inspect(&toy, &[]).code, Some(0));
    let deep = inspect(&toy, &["--deep"]);
    assert_eq!(deep.code, Some(3));
    assert!(deep.stdout.contains("row 2, column 5") && deep.stdout.contains("1 problem:"), "{}", deep.stdout);
}

#[test]
fn bounds_and_memory_that_do_not_suffice() {
    let toy = Toy::new();
    let report = succeeded(inspect(&toy, &["--fpr-bounds", "1e-5,1e-4"])).stdout;
    assert!(report.contains("less than one normal pixel"), "{report}");
    let small = inspect(&toy, &["--memory", "1MiB"]);
    assert_eq!(small.code, Some(3));
    assert!(small.stdout.contains("use --memory"), "{}", small.stdout);
}
