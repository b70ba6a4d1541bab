//! The surface of the command: help, usage errors, pipes.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Ended, Toy, pimo, refused, snapshot, succeeded};

const COMMANDS: [&str; 10] =
    ["eval", "heatmap", "inspect", "report", "synth", "threshold", "stats", "compare", "convert", "completions"];

#[test]
fn help_of_every_command() {
    snapshot("help", Path::new(""), &succeeded(pimo(["--help"])).stdout);
    for command in COMMANDS {
        snapshot(&format!("help_{command}"), Path::new(""), &succeeded(pimo([command, "--help"])).stdout);
        let short = succeeded(pimo([command, "-h"])).stdout;
        assert!(short.contains("Usage: pimo"), "{short}");
    }
    snapshot("help_eval_short", Path::new(""), &succeeded(pimo(["eval", "-h"])).stdout);
}

#[test]
fn version() {
    assert_eq!(succeeded(pimo(["--version"])).stdout, format!("pimo {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_options_are_refused_with_what_is_expected() {
    let cases: [(&str, &[&str]); 14] = [
        ("usage_nothing", &[]),
        ("usage_unknown_command", &["evaluate"]),
        ("usage_no_input", &["eval", "--out", "o"]),
        ("usage_no_dataset", &["eval", "--maps", "m", "--out", "o"]),
        ("usage_both_inputs", &["eval", "--maps", "m", "--dataset", "d", "--manifest", "f", "--out", "o"]),
        ("usage_no_out", &["eval", "--maps", "m", "--dataset", "d"]),
        ("usage_bounds", &["eval", "--maps", "m", "--dataset", "d", "--out", "o", "--fpr-bounds", "1e-3,1e-4"]),
        ("usage_thresholds", &["eval", "--maps", "m", "--dataset", "d", "--out", "o", "--thresholds", "linspace:1"]),
        ("usage_shared_fpr", &["eval", "--maps", "m", "--dataset", "d", "--out", "o", "--shared-fpr", "median"]),
        ("usage_memory", &["eval", "--maps", "m", "--dataset", "d", "--out", "o", "--memory", "1.5GiB"]),
        ("usage_layout", &["eval", "--maps", "m", "--dataset", "d", "--out", "o", "--layout", "mvtec"]),
        ("usage_model", &["eval", "--maps", "a=m", "--model", "b", "--dataset", "d", "--out", "o"]),
        ("usage_synth_size", &["synth", "--out", "o", "--size", "256"]),
        ("usage_threshold_fpr", &["threshold", "run", "--fpr", "0"]),
    ];
    for (name, arguments) in cases {
        refused(name, Path::new(""), &pimo(arguments), 2);
    }
}

#[test]
fn what_the_libraries_refuse_as_usage() {
    let toy = Toy::new();
    let mut inputs = toy.inputs();
    inputs.extend(["--maps".into(), format!("d={}", toy.path("data/maps/d").display()).into()]);
    refused("usage_two_detectors_of_one_name", toy.folder(), &toy.eval_to("out", inputs, &[]), 2);
    let published = ["--thresholds", "linspace:100", "--shared-fpr", "max"];
    refused("usage_shared_fpr_of_linspace", toy.folder(), &toy.eval(&published), 2);
    refused("usage_memory_too_small", toy.folder(), &toy.eval(&["--memory", "1MiB"]), 3);
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = succeeded(pimo(["completions", shell])).stdout;
        assert!(script.contains("fpr-bounds"), "{shell}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    for arguments in [&["eval", "--help"][..], &["completions", "zsh"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pimo"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    let toy = Toy::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pimo"))
        .arg("eval")
        .args(toy.inputs())
        .arg("--out")
        .arg(toy.path("out"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(toy.path("out/run.json").is_file());
}

#[test]
fn names_of_detectors() {
    let toy = Toy::new();
    let model = |arguments: &[&str], out: &str| {
        let mut inputs = toy.inputs();
        inputs.remove(1);
        inputs.insert(1, arguments[0].replace("MAPS", toy.path("data/maps").to_str().unwrap()).into());
        succeeded(toy.eval_to(out, inputs, &arguments[1..]));
        crate::support::record(&toy.path(out)).models
    };
    assert_eq!(model(&["MAPS/d"], "a"), ["d"]);
    assert_eq!(model(&["MAPS/d/"], "b"), ["d"]);
    assert_eq!(model(&["padim=MAPS/d"], "c"), ["padim"]);
    assert_eq!(model(&["MAPS/d", "--model", "m"], "e"), ["m"]);
}

#[test]
fn progress_and_messages() {
    let toy = Toy::new();
    let lines = succeeded(toy.eval(&[]));
    snapshot("progress_lines", toy.folder(), &lines.stderr);
    let quiet = succeeded(toy.eval(&["--force", "--quiet"]));
    assert_eq!(quiet.stdout, "");
    assert!(quiet.stderr.lines().all(|line| line.starts_with("warning: ")), "{}", quiet.stderr);
    let never = succeeded(toy.eval(&["--force", "--progress", "never"]));
    assert!(never.stderr.lines().all(|line| line.starts_with("warning: ")), "{}", never.stderr);
    let bar = succeeded(toy.eval(&["--force", "--progress", "always"]));
    assert!(bar.stderr.contains('%') && bar.stderr.contains('\r'), "{}", bar.stderr);
    assert!(!lines.stdout.contains('\u{1b}') && !lines.stderr.contains('\u{1b}'));
}

#[test]
fn a_log_for_programs() {
    let toy = Toy::new();
    let events = |ended: &Ended| {
        let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        ended.stderr.lines().map(parse).collect::<Vec<_>>()
    };
    let names = |events: &[serde_json::Value]| {
        events.iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let done = succeeded(toy.eval(&["--log-format", "json"]));
    let log = events(&done);
    let mut kinds = names(&log);
    kinds.retain(|kind| kind != "warning");
    assert_eq!(kinds, ["start", "planned", "category", "done", "finished"]);
    assert_eq!(log[0]["parameters"]["thresholds"], "exact");
    assert_eq!(log[1]["maps"], 7);
    assert_eq!(log.last().unwrap()["exit_code"], 0);
    assert!(log.iter().all(|event| event["time"].as_str().unwrap().ends_with('Z')));

    std::fs::remove_file(toy.mask("stain/001")).unwrap();
    let failed = toy.eval(&["--log-format", "json", "--force"]);
    assert_eq!(failed.code, Some(3));
    let log = events(&failed);
    assert_eq!(names(&log), ["start", "problem", "error"]);
    assert_eq!(log[1]["kind"], "missing_mask");
    assert_eq!(log[1]["category"], "toy");
    assert_eq!(log[2]["exit_code"], 3);
    // The former results are still there.
    assert!(toy.path("out/run.json").is_file());
}

#[test]
fn negative_numbers_are_values() {
    let toy = Toy::new();
    succeeded(toy.eval(&["--at", "-0.5,-0.25", "--at", "-1e-3"]));
    let rows = pimo_store::RunReader::open(&toy.path("out")).unwrap().categories().unwrap();
    for threshold in ["-0.5", "-0.25", "-0.001"] {
        assert!(rows.iter().any(|row| row.metric == format!("pixel_recall_at_{threshold}")), "{threshold}");
    }
    // Grey samples above a negative number are all of them.
    let ended = toy.eval(&["--mask-threshold", "-1", "--force", "--metrics", "aupimo"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn numbers_out_of_range_are_told_the_range() {
    let toy = Toy::empty();
    let cases: [(&str, &[&str], &str); 21] = [
        ("eval", &["--aupro-limits", "1e-100"], "a limit is at least 1e-12"),
        ("eval", &["--aupro-limits", "-0.1"], "above 0 and at most 1"),
        ("eval", &["--aupro-limits", "0.3,-1e-3"], "above 0 and at most 1"),
        ("eval", &["--at", "-x"], "expected a number"),
        ("eval", &["--tolerance", "-1"], "from 0 to below 1"),
        ("eval", &["--threads", "-1"], "expected a whole number from 1 to 65535"),
        ("eval", &["--threads", "0"], "expected a whole number from 1 to 65535"),
        ("eval", &["--fpr-bounds", "-1e-5,1e-4"], "from 0 to 1"),
        ("eval", &["--curves", "-5"], "expected a number of points up to 1000000"),
        ("eval", &["--connectivity", "-4"], "expected 4 or 8"),
        ("inspect", &["--memory", "-1MiB"], "expected a whole number with a unit"),
        ("synth", &["--normal", "-3"], "expected a whole number, 0 or more"),
        ("synth", &["--categories", "0"], "expected a whole number from 1 to 65535"),
        ("threshold", &["--fpr", "-1"], "from 0 to 1"),
        ("compare", &["--atol", "-1e-3"], "at least 0"),
        ("compare", &["--confidence", "-.5"], "between 0 and 1"),
        ("compare", &["--bootstrap", "-1"], "whole number up to"),
        ("report", &["--worst", "-1"], "expected a whole number, 0 or more"),
        ("heatmap", &["--size", "-1"], "1..=16384"),
        ("heatmap", &["--opacity", "-0.5"], "from 0 to 1"),
        ("stats", &["--tolerance", "-1"], "at least 0"),
    ];
    for (command, options, expected) in cases {
        let ended = pimo([&[command], options].concat());
        assert_eq!(ended.code, Some(2), "{command} {options:?}");
        let value = format!("invalid value '{}'", options[1].rsplit(',').next().unwrap());
        let whole = format!("invalid value '{}'", options[1]);
        let named = ended.stderr.contains(&value) || ended.stderr.contains(&whole);
        assert!(named && ended.stderr.contains(expected), "{command} {options:?}: {}", ended.stderr);
    }
    assert_eq!(Toy::tree(toy.folder()), Vec::<String>::new());
}
