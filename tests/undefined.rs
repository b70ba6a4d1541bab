//! Runs whose scores are undefined, and what the commands say that read them.

use std::ffi::OsStr;

use crate::support::{Ended, Toy, pimo, refused, succeeded};

/// A run of so few normal pixels that the bounds of the shared FPR are never reached.
fn null_run(options: &[&str]) -> Toy {
    let toy = Toy::new();
    let bounds = ["--fpr-bounds", "1e-5,1e-4"];
    succeeded(toy.eval(&[&bounds, options].concat()));
    toy
}

fn run(toy: &Toy, command: &str, options: &[&str]) -> Ended {
    let out = toy.path("out");
    let arguments = [OsStr::new(command), out.as_os_str()];
    pimo(arguments.into_iter().chain(options.iter().map(OsStr::new)))
}

#[test]
fn it_is_said_why_and_what_else_there_is() {
    let toy = null_run(&[]);
    let page = toy.path("page.html");
    let commands: [(&str, &[&str]); 3] =
        [("compare", &[]), ("stats", &[]), ("report", &["--progress", "never", "--out", page.to_str().unwrap()])];
    for (command, options) in commands {
        refused("undefined_aupimo", toy.folder(), &run(&toy, command, options), 3);
        succeeded(run(&toy, command, &[options, &["--score", "best_iou"]].concat()));
    }
}

#[test]
fn what_was_not_computed_is_no_suggestion() {
    let toy = null_run(&["--metrics", "aupimo"]);
    let ended = run(&toy, "compare", &[]);
    assert!(ended.stderr.contains("--score recall_at_lower_threshold (or iou_at_lower_threshold, image_score)"));
    refused("undefined_best_iou", toy.folder(), &run(&toy, "compare", &["--score", "best_iou"]), 3);
}

#[test]
fn rates_of_normal_images_are_no_scores() {
    let toy = null_run(&["--metrics", "aupimo"]);
    for command in ["compare", "stats"] {
        refused("normal_score", toy.folder(), &run(&toy, command, &["--score", "fpr_at_lower_threshold"]), 3);
    }
}
