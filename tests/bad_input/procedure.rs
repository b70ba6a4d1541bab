//! Errors and warnings of the published procedure.

use crate::support::{Toy, refused, succeeded};

#[test]
fn too_few_points_are_refused_unless_allowed() {
    let toy = Toy::new();
    refused("linspace_too_few_points", toy.folder(), &toy.eval(&["--thresholds", "linspace:50"]), 3);
    let ended = succeeded(toy.eval(&["--thresholds", "linspace:50", "--allow-few-points"]));
    crate::support::snapshot("linspace_forced", toy.folder(), &ended.stderr);
}

#[test]
fn few_points_are_a_warning() {
    let toy = Toy::new();
    let ended = succeeded(toy.eval(&["--thresholds", "linspace:400"]));
    assert!(ended.stderr.contains("warning: "), "{}", ended.stderr);
    crate::support::snapshot("linspace_few_points", toy.folder(), &ended.stderr);
}

#[test]
fn the_same_threshold() {
    let toy = Toy::new();
    let ended = toy.eval(&["--thresholds", "linspace:1000", "--fpr-bounds", "0.01,0.0100001"]);
    refused("linspace_same_threshold", toy.folder(), &ended, 3);
}

#[test]
fn bounds_outside_of_what_is_reached() {
    let toy = Toy::new();
    let ended = toy.eval(&["--thresholds", "linspace:1000", "--fpr-bounds", "1e-7,1e-2"]);
    refused("linspace_out_of_range", toy.folder(), &ended, 3);
}

#[test]
fn bounds_that_are_missed_by_more_than_one_per_cent() {
    let toy = Toy::new();
    // Four images of 3072 pixels: the smallest steps of the shared FPR are 8.1e-5.
    let ended = succeeded(toy.eval(&["--thresholds", "linspace:20000", "--fpr-bounds", "1.2e-4,1e-1"]));
    assert!(ended.stderr.contains("not exactly achieved"), "{}", ended.stderr);
    crate::support::snapshot("linspace_bound_missed", toy.folder(), &ended.stderr);
}

#[test]
fn integer_maps_have_no_grid() {
    let toy = Toy::of(&pimo_synth::Plan { sample_type: pimo_frame::SampleType::U8, ..crate::support::plan() });
    refused("linspace_integers", toy.folder(), &toy.eval(&["--thresholds", "linspace:200"]), 3);
    succeeded(toy.eval(&[]));
}
