//! Detectors that are evaluated one after the other for want of memory.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use pimo_dataset::{MapsSource, Sources};
use pimo_frame::Size;
use pimo_pipeline::{Cancel, Event, Input, Observer, Output, PipelineError, RunOutcome, Settings, evaluate};
use pimo_synth::Plan;

const IMAGES: usize = 6;

/// Puts one mask in the place of another when `maps_left` more maps have been read.
struct Exchange {
    masks: [PathBuf; 2],
    maps_left: AtomicUsize,
}

impl Observer for Exchange {
    fn event(&self, event: Event<'_>) {
        if matches!(event, Event::Map { .. }) && self.maps_left.fetch_sub(1, Relaxed) == 1 {
            std::fs::copy(&self.masks[0], &self.masks[1]).unwrap();
        }
    }
}

/// Evaluates three detectors, while one mask takes the place of another after some maps.
fn exchanged_after(folder: &Path, maps: usize, memory: u64) -> Result<RunOutcome, PipelineError> {
    let names = ["a", "b", "c"];
    let plan = Plan {
        categories: vec!["toy".into()],
        normal: 4,
        anomalous: 2,
        defects: vec![pimo_synth::Defect::Stain],
        size: Size::new(64, 64),
        detectors: names.map(|name| format!("{name}=0.7").parse().unwrap()).into(),
        ..Plan::default()
    };
    pimo_synth::write(&plan, folder, |_, _| {}).unwrap();
    let source = |name: &str| MapsSource { model: name.into(), path: folder.join("maps").join(name), paths: None };
    let sources = Sources { maps: names.map(source).into(), dataset: folder.join("dataset"), ..Sources::default() };
    let mask = |name: &str| folder.join("dataset/toy/ground_truth/stain").join(name);
    let observer = Exchange { masks: [mask("000_mask.png"), mask("001_mask.png")], maps_left: AtomicUsize::new(maps) };
    let settings = Settings { threads: 2, memory, ..Settings::default() };
    let output = Output { folder: folder.join("out"), force: false, published: false };
    evaluate(&Input::Folders(sources), &settings, &output, &Cancel::new(), &observer)
}

#[test]
fn masks_that_change_between_two_rounds_are_noticed() {
    let evaluated = |maps, memory| exchanged_after(tempfile::tempdir().unwrap().path(), maps, memory);
    // After everything, or when they are not read again.
    assert_eq!(evaluated(3 * IMAGES, 100 << 20).unwrap().summary.models.len(), 3);
    assert_eq!(evaluated(3 * IMAGES, 1 << 30).unwrap().summary.models.len(), 3);
    for maps in [IMAGES, 2 * IMAGES] {
        let PipelineError::Bad(problems) = evaluated(maps, 100 << 20).unwrap_err() else { panic!("another error") };
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().contains("masks of category `toy` changed between two readings"));
    }
}
