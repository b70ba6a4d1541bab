//! Datasets that are larger than the memory that may be used.

use std::collections::BTreeSet;
use std::process::Command;

use pimo_frame::{SampleType, Size};
use pimo_store::RunReader;
use pimo_synth::{Detector, Plan};

use crate::support::{Ended, Toy, parquet_bytes, plan, refused, scores, succeeded};

#[test]
fn a_dataset_larger_than_the_limit() {
    // 120 MB of maps under a limit of 80 MB, most of which is what a program takes anyway.
    let toy = Toy::of(&Plan { normal: 60, anomalous: 60, size: Size::new(512, 512), ..plan() });
    let limited = |out: &str, io: &str| {
        let mut command = Command::new("prlimit");
        command.arg("--data=83886080").arg(env!("CARGO_BIN_EXE_pimo")).arg("eval");
        command.args(toy.inputs().into_iter().take(4)).args(["--fpr-bounds", "1e-5,1e-4", "--metrics", "aupimo"]);
        command.args(["--memory", "64MiB"]);
        command.args(["--threads", "2", "--io", io, "--out"]).arg(toy.path(out));
        succeeded(Ended::of(&mut command));
        parquet_bytes(&toy.path(out))
    };
    assert_eq!(limited("mmap", "mmap"), limited("pread", "pread"));
}

#[test]
fn a_budget_that_is_too_small_is_refused_with_one_that_is_not() {
    let toy = Toy::of(&Plan { normal: 3, anomalous: 2, size: Size::new(512, 512), ..plan() });
    let ended = toy.eval(&["--metrics", "aupimo", "--memory", "20MiB"]);
    refused("memory_too_small", toy.folder(), &ended, 3);
    let needed = ended.stderr.rsplit_once("use --memory ").unwrap().1.split_whitespace().next().unwrap();
    succeeded(toy.eval(&["--metrics", "aupimo", "--memory", needed]));
}

#[test]
fn memory_that_does_not_suffice_for_a_mask_is_no_damage() {
    let toy = Toy::new();
    let ended = toy.eval(&["--memory", "1"]);
    refused("memory_of_a_byte", toy.folder(), &ended, 3);
    assert!(!ended.stderr.contains("not a valid") && ended.stderr.contains("--memory"), "{}", ended.stderr);
}

#[test]
fn all_metrics_of_a_dataset_larger_than_the_limit() {
    // 210 MB of maps; 96 MiB for pimo, and 16 for what the system and the allocator need beside.
    let toy = Toy::of(&Plan { normal: 100, anomalous: 100, size: Size::new(512, 512), ..plan() });
    let limited = |out: &str, io: &str, threads: &str, detectors: &[&str]| {
        let mut command = Command::new("prlimit");
        command.arg(format!("--data={}", (96 + 16) << 20)).arg(env!("CARGO_BIN_EXE_pimo")).arg("eval");
        for name in detectors {
            command.arg("--maps").arg(format!("{name}={}", toy.path("data/maps/d").display()));
        }
        command.arg("--dataset").arg(toy.path("data/dataset"));
        command.args(["--fpr-bounds", "1e-5,1e-4", "--memory", "96MiB"]);
        command.args(["--threads", threads, "--io", io, "--out"]).arg(toy.path(out));
        succeeded(Ended::of(&mut command));
        parquet_bytes(&toy.path(out))
    };
    // The pixels do not fit one by one: what is written depends on the bins, and not on which thread counted which image.
    let alone = limited("mmap", "mmap", "2", &["d"]);
    assert_eq!(limited("pread", "pread", "1", &["d"]), alone);
    // Several detectors take no more memory than one.
    limited("several", "mmap", "2", &["d", "e", "f"]);
    let [one, several] = ["mmap", "several"].map(|out| scores(&toy.path(out)));
    assert_eq!(several.len(), 3 * one.len());
    for ((model, image), score) in several {
        assert_eq!(score, one[&("d".to_owned(), image)], "{model}");
    }
}

#[test]
fn how_fine_bins_are_does_not_hang_on_how_files_are_read() {
    let size = Size::new(768, 768);
    let toy = Toy::of(&Plan { normal: 2, anomalous: 1, size, sample_type: SampleType::F64, ..plan() });
    let mut different = BTreeSet::new();
    // Budgets at which bins become coarser lie among these.
    for memory in (148..240).step_by(8).map(|mebibytes| format!("{mebibytes}MiB")) {
        let bytes = |io: &str| {
            succeeded(toy.eval(&["--memory", &memory, "--io", io, "--force"]));
            parquet_bytes(&toy.path("out"))
        };
        let mapped = bytes("mmap");
        assert!(mapped == bytes("pread"), "{memory}");
        let metrics = RunReader::open(&toy.path("out")).unwrap().categories().unwrap();
        different.insert(format!("{metrics:?}"));
    }
    assert!(different.len() > 1, "no budget made bins coarser");
}

#[test]
fn scores_do_not_hang_on_how_long_curves_are() {
    let detectors = vec![Detector { name: "d".into(), quality: 0.3 }];
    let toy = Toy::of(&Plan { normal: 2, anomalous: 1, size: Size::new(768, 768), detectors, ..plan() });
    let eval = |memory: &str, curves: &str| {
        let inputs = toy.inputs().into_iter().take(4).collect();
        let options = ["--fpr-bounds", "1e-2,3e-1", "--memory", memory, "--curves", curves, "--force"];
        toy.eval_to("out", inputs, &options)
    };
    let mut refused = Vec::new();
    // The tail does not fit the first, whole curves fit the last alone.
    for memory in ["148MiB", "164MiB", "180MiB", "320MiB"] {
        succeeded(eval(memory, "200"));
        let expected = scores(&toy.path("out"));
        let whole = eval(memory, "full");
        if whole.code == Some(0) {
            assert_eq!(scores(&toy.path("out")), expected, "{memory}");
            continue;
        }
        refused.push(memory);
        assert!(whole.stderr.contains("each curve as --curves asks for takes"), "{}", whole.stderr);
        let needed = whole.stderr.rsplit_once("use --memory ").unwrap().1.split_whitespace().next().unwrap();
        succeeded(eval(needed, "full"));
        assert_eq!(scores(&toy.path("out")), expected, "{needed}");
    }
    assert!(!refused.is_empty() && !refused.contains(&"320MiB"), "{refused:?}");
}
