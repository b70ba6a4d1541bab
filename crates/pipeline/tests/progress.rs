//! What an observer is told adds up, whatever happens on the way.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pimo_dataset::{MapsSource, Sources};
use pimo_frame::{SampleType, Size};
use pimo_pipeline::{Cancel, Event, Input, Observer, Output, Settings, evaluate};
use pimo_synth::Plan;

/// Memory for one detector at a time, and for two.
const IN_ROUNDS: u64 = 100 << 20;
const TOGETHER: u64 = 1 << 30;

#[derive(Default)]
struct Totals {
    planned: AtomicU64,
    again: AtomicU64,
    read: AtomicU64,
}

impl Observer for Totals {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Planned { bytes, .. } => self.planned.store(bytes, Relaxed),
            Event::Again { bytes } => {
                self.again.fetch_add(bytes, Relaxed);
            }
            Event::Map { bytes } => {
                self.read.fetch_add(bytes, Relaxed);
            }
            _ => {}
        }
    }
}

/// Evaluates two detectors with the same maps in half precision, of which the second may have a bad one.
fn totals(spoilt: bool, memory: u64) -> Totals {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        normal: 10,
        anomalous: 4,
        size: Size::new(128, 128),
        sample_type: SampleType::F16,
        detectors: vec!["a=0.9".parse().unwrap(), "b=0.5".parse().unwrap()],
        ..Plan::default()
    };
    pimo_synth::write(&plan, folder.path(), |_, _| {}).unwrap();
    let maps = ["a", "b"].map(|model| folder.path().join("maps").join(model));
    if spoilt {
        spoil(&some_anomalous_map(&maps[1]));
    }
    let source = |path: &Path| MapsSource {
        model: path.file_name().unwrap().to_str().unwrap().into(),
        path: path.to_owned(),
        paths: None,
    };
    let sources = Sources {
        maps: maps.iter().map(|path| source(path)).collect(),
        dataset: folder.path().join("dataset"),
        ..Sources::default()
    };
    let settings = Settings { threads: 2, memory, ..Settings::default() };
    let output = Output { folder: folder.path().join("out"), force: false, published: false };
    let totals = Totals::default();
    let outcome = evaluate(&Input::Folders(sources), &settings, &output, &Cancel::new(), &totals).unwrap();
    assert_eq!(outcome.problems.len(), usize::from(spoilt));
    totals
}

fn some_anomalous_map(maps: &Path) -> std::path::PathBuf {
    let folders = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let test = folders(maps).next().unwrap().join("test");
    let defect = folders(&test).find(|path| !path.ends_with("good")).unwrap();
    folders(&defect).next().unwrap()
}

/// Puts NaN at the end of a map.
fn spoil(map: &Path) {
    let mut bytes = std::fs::read(map).unwrap();
    let end = bytes.len();
    bytes[end - 2..].copy_from_slice(&[0x00, 0x7e]);
    std::fs::write(map, bytes).unwrap();
}

#[test]
fn what_is_read_is_what_was_planned() {
    for memory in [IN_ROUNDS, TOGETHER] {
        let totals = totals(false, memory);
        assert_eq!(totals.again.into_inner(), 0);
        assert_eq!(totals.read.into_inner(), totals.planned.into_inner());
    }
}

#[test]
fn a_category_that_is_begun_again_is_announced() {
    let totals = totals(true, TOGETHER);
    let (planned, again, read) = (totals.planned.into_inner(), totals.again.into_inner(), totals.read.into_inner());
    assert!(again > 0);
    assert_eq!(read, planned + again);
}

#[test]
fn a_bad_detector_does_not_hold_up_one_of_another_round() {
    let totals = totals(true, IN_ROUNDS);
    assert_eq!(totals.again.into_inner(), 0);
    assert_eq!(totals.read.into_inner(), totals.planned.into_inner());
}
