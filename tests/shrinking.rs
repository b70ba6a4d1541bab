//! Files that shrink while they are mapped.

use std::fs::OpenOptions;
use std::path::Path;

use pimo_dataset::{MapsSource, Sources};
use pimo_finaliser::FprBounds;
use pimo_pipeline::{Cancel, Input, Output, PipelineError, Settings, evaluate, inspect};
use pimo_reader::IoChoice;

use crate::support::{Toy, plan};

/// Cuts one file off behind its first page, once it is mapped.
fn shrink(path: &Path) {
    if path.ends_with("test/stain/001.npy") || path.ends_with("test/good/002.npy") {
        OpenOptions::new().write(true).open(path).unwrap().set_len(4096).unwrap();
    }
}

fn settings() -> Settings {
    Settings {
        io: IoChoice::Mmap,
        bounds: FprBounds::new(1e-3, 1e-1).unwrap(),
        threads: 2,
        after_map_hook: Some(shrink),
        ..Settings::default()
    }
}

fn input(toy: &Toy) -> Input {
    Input::Folders(Sources {
        maps: vec![MapsSource { model: "d".into(), path: toy.path("data/maps/d"), paths: None }],
        dataset: toy.path("data/dataset"),
        ..Sources::default()
    })
}

#[test]
fn end_in_an_error_that_names_them() {
    pimo::sigbus::guard().unwrap();
    // Maps of 48 pages, of which one is left.
    let large = pimo_synth::Plan { size: pimo_frame::Size::new(256, 192), ..plan() };
    for linspace in [false, true] {
        let toy = Toy::of(&large);
        let mut settings = settings();
        if linspace {
            settings.thresholds = pimo_pipeline::Thresholds::Linspace(1000);
        }
        let output = Output { folder: toy.path("out"), force: false, published: false };
        let error = evaluate(&input(&toy), &settings, &output, &Cancel::new(), &()).unwrap_err();
        let PipelineError::Bad(problems) = &error else { panic!("{error}") };
        let named = |file: &str| problems.iter().any(|problem| problem.file.ends_with(file));
        assert!(named("test/good/002.npy"), "{error}");
        assert_eq!(pimo::exit::Failure::from(error).code, pimo::exit::Code::Data);
        assert!(!toy.path("out").exists());
    }
    let toy = Toy::of(&large);
    let inspection = inspect(&input(&toy), &settings(), true, &Cancel::new(), &()).unwrap();
    assert_eq!(inspection.problems.len(), 2, "{:?}", inspection.problems);
}
