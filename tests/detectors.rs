//! Several detectors in one run, and classes that masks decide.

use std::fs;
use std::path::Path;

use pimo_store::{AxisRow, CategoryRow, CurveRow, ImageRow, RegionRow, Row, TableRows};
use pimo_synth::{Detector, Plan};

use crate::support::{Ended, Toy, plan, scores, snapshot, succeeded};

fn two_detectors() -> Toy {
    let detector = |name: &str, quality| Detector { name: name.into(), quality };
    Toy::of(&Plan { detectors: vec![detector("d", 0.8), detector("e", 0.3)], ..plan() })
}

fn eval(toy: &Toy, out: &str, detectors: &[&str], further: &[&str]) -> Ended {
    let mut inputs = toy.inputs();
    inputs.drain(..2);
    for detector in detectors {
        inputs.extend(["--maps".into(), toy.path(&format!("data/maps/{detector}")).into()]);
    }
    toy.eval_to(out, inputs, further)
}

#[test]
fn together_as_alone() {
    let toy = two_detectors();
    succeeded(eval(&toy, "both", &["e", "d"], &[]));
    let mut alone = Vec::new();
    for detector in ["d", "e"] {
        succeeded(eval(&toy, detector, &[detector], &[]));
        alone.extend(scores(&toy.path(detector)));
    }
    assert_eq!(scores(&toy.path("both")).into_iter().collect::<Vec<_>>(), alone);
    assert_eq!(crate::support::record(&toy.path("both")).map_reads, 14);
}

/// Every row of every table.
fn rows(run: &Path) -> Vec<String> {
    fn of<R: Row>(run: &Path) -> impl Iterator<Item = String> {
        let file = run.join(R::file_name());
        let rows = file.is_file().then(|| TableRows::<R>::open(&file).unwrap());
        rows.into_iter().flatten().map(|row| format!("{:?}", row.unwrap()))
    }
    let tables = of::<ImageRow>(run).chain(of::<CurveRow>(run)).chain(of::<RegionRow>(run));
    tables.chain(of::<AxisRow>(run)).chain(of::<CategoryRow>(run)).collect()
}

/// Memory for one detector at a time, and for all.
const IN_ROUNDS: &str = "256MiB";
const TOGETHER: &str = "4GiB";

#[test]
fn in_one_round_or_in_several() {
    // So many that their rows are joined twice.
    let names = ["b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let detectors = names.map(|name| Detector { name: name.into(), quality: 0.6 }).into();
    let categories = ["toy", "top"].map(String::from).into();
    let toy = Toy::of(&Plan { detectors, categories, mixed_sizes: true, ..plan() });
    spoil(&toy.path("data/maps/c/toy/test/stain/001.npy"));
    spoil(&toy.path("data/maps/i/top/test/stain/002.npy"));
    let procedures: [&[&str]; 6] = [
        &[],
        &["--curves", "full"],
        &["--export", "published", "--curves", "none"],
        &["--refine", "--tolerance", "0"],
        &["--thresholds", "linspace:3000"],
        &["--profile", "mvtec-ad2"],
    ];
    for (number, options) in procedures.into_iter().enumerate() {
        let run = |way: &str, memory: &str| {
            let out = format!("{way}-{number}");
            succeeded(eval(&toy, &out, &names, &[options, &["--memory", memory, "--skip-bad"]].concat()));
            let record = crate::support::record(&toy.path(&out));
            assert_eq!(record.skipped.len(), 2);
            (rows(&toy.path(&out)), record.skipped, record.inputs, Toy::tree(&toy.path(&out)))
        };
        assert!(run("rounds", IN_ROUNDS) == run("together", TOGETHER), "{options:?}");
    }
}

#[test]
fn a_bad_mask_is_told_once_however_often_it_is_read() {
    let toy = two_detectors();
    Toy::truncate(&toy.mask("stain/001"), 0.5);
    for memory in [IN_ROUNDS, TOGETHER] {
        succeeded(eval(&toy, memory, &["d", "e"], &["--memory", memory, "--skip-bad"]));
        let skipped = crate::support::record(&toy.path(memory)).skipped;
        assert_eq!(skipped.iter().map(|image| image.image_id.as_str()).collect::<Vec<_>>(), ["toy/stain/001"]);
        let ended = eval(&toy, &format!("{memory}-refused"), &["d", "e"], &["--memory", memory]);
        assert_eq!(ended.code, Some(3));
        assert_eq!(ended.stderr.matches("001_mask.png").count(), 1, "{}", ended.stderr);
    }
}

/// Makes a map bad.
fn spoil(map: &Path) {
    let mut bytes = fs::read(map).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(map, bytes).unwrap();
}

#[test]
fn one_that_fails_does_not_take_the_other_along() {
    let toy = two_detectors();
    spoil(&toy.path("data/maps/e/toy/test/stain/002.npy"));
    let ended = eval(&toy, "both", &["d", "e"], &[]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    snapshot("one_bad_detector", toy.folder(), &ended.stderr);
    succeeded(eval(&toy, "alone", &["d"], &[]));
    assert_eq!(scores(&toy.path("both")), scores(&toy.path("alone")));
}

#[test]
fn masks_may_decide_the_classes() {
    // In the flat layout every image has a mask.
    let toy = Toy::of(&Plan { layout: pimo_synth::Layout::Flat, ..plan() });
    let mut inputs = vec!["--maps".into(), format!("d={}", toy.path("data/maps/d/toy").display()).into()];
    inputs.extend(["--dataset".into(), toy.path("data/dataset/toy").into()]);
    inputs.extend(["--layout", "flat", "--category", "toy", "--fpr-bounds", "1e-3,1e-1"].map(Into::into));
    succeeded(toy.eval_to("out", inputs.clone(), &[]));
    let classes = |out: &str| {
        let images = pimo_store::RunReader::open(&toy.path(out)).unwrap().images().unwrap();
        images.map(Result::unwrap).map(|row| (row.image_id, row.is_anomalous)).collect::<Vec<_>>()
    };
    let found = classes("out");
    assert_eq!(found.iter().filter(|(_, anomalous)| *anomalous).count(), 3);
    assert!(found.iter().all(|(id, anomalous)| id.contains("stain") == *anomalous));
    // A mask that is gone is not a normal image, unless that is said.
    fs::remove_file(toy.path("data/dataset/toy/good_000.png")).unwrap();
    let ended = toy.eval_to("gone", inputs.clone(), &[]);
    crate::support::refused("missing_mask_flat", toy.folder(), &ended, 3);
    succeeded(toy.eval_to("normal", inputs, &["--missing-mask", "normal"]));
    assert_eq!(classes("normal"), found);
}
