//! Files that shrink while they are mapped.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use pimo_dataset::{MapsSource, Sources};
use pimo_finaliser::FprBounds;
use pimo_pipeline::{Cancel, Event, Input, Observer, Output, PipelineError, Settings, evaluate, inspect};
use pimo_reader::IoChoice;

use crate::support::{Toy, plan};

/// Cuts one file off behind its first page, once it is mapped.
fn shrink(path: &Path) {
    if path.ends_with("test/stain/001.npy") || path.ends_with("test/good/002.npy") {
        OpenOptions::new().write(true).open(path).unwrap().set_len(4096).unwrap();
    }
}

/// The same with two late files, when the pages of the histogram have been divided.
fn shrink_late(path: &Path) {
    if path.ends_with("test/stain/006.npy") || path.ends_with("test/good/014.npy") {
        OpenOptions::new().write(true).open(path).unwrap().set_len(4096).unwrap();
    }
}

/// How often everything was read again.
#[derive(Default)]
struct Rounds(AtomicUsize);

impl Observer for Rounds {
    fn event(&self, event: Event<'_>) {
        if let Event::Again { .. } = event {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
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

#[test]
fn leave_no_trace_where_bad_images_are_skipped() {
    pimo::sigbus::guard().unwrap();
    let size = pimo_frame::Size::new(256, 192);
    let toy = Toy::of(&pimo_synth::Plan { normal: 16, anomalous: 8, size, ..plan() });
    // So little memory that real numbers don't fit one by one, and images are counted before they are known to be whole.
    let settings = Settings { skip_bad: true, threads: 1, memory: 90 << 20, ..settings() };
    let run = |name: &str, hook: Option<fn(&Path)>| {
        let output = Output { folder: toy.path(name), force: false, published: false };
        let settings = Settings { after_map_hook: hook, ..settings.clone() };
        let rounds = Rounds::default();
        evaluate(&input(&toy), &settings, &output, &Cancel::new(), &rounds).unwrap();
        rounds.0.into_inner()
    };
    // One round finds out about the normal image, the next about the anomalous one.
    assert_eq!(run("shrunk", Some(shrink_late)), 2);
    assert_eq!(run("short", None), 0);
    for table in ["axis", "categories", "curves", "images", "regions"] {
        let read = |run: &str| std::fs::read(toy.path(&format!("{run}/{table}.parquet"))).unwrap();
        assert!(read("shrunk") == read("short"), "{table}");
    }
}
