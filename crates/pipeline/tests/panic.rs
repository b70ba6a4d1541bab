//! A thread that panics ends the run instead of leaving the others to wait for it.

#![allow(clippy::unwrap_used)]

use std::panic::catch_unwind;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use pimo_dataset::{MapsSource, Sources};
use pimo_frame::Size;
use pimo_pipeline::{Cancel, Input, Output, Settings, evaluate};
use pimo_reader::IoChoice;
use pimo_synth::Plan;

fn panic_at_the_fourth(file: &Path) {
    assert!(!file.ends_with("good/003.npy"), "as the test wants it");
}

#[test]
fn a_panic_in_a_reader_reaches_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let plan = Plan { normal: 150, anomalous: 10, size: Size::new(32, 32), ..Plan::default() };
    pimo_synth::write(&plan, &data, |_, _| {}).unwrap();
    let detector = std::fs::read_dir(data.join("maps")).unwrap().next().unwrap().unwrap().path();
    let sources = Sources {
        maps: vec![MapsSource { model: "synthetic".into(), path: detector, paths: None }],
        dataset: data.join("dataset"),
        ..Sources::default()
    };
    let output = Output { folder: folder.path().join("run"), force: false, published: false };
    let (done_in, done) = mpsc::channel();
    std::thread::spawn(move || {
        let settings = Settings {
            threads: 3,
            io: IoChoice::Mmap,
            after_map_hook: Some(panic_at_the_fourth),
            ..Settings::default()
        };
        let run = || evaluate(&Input::Folders(sources), &settings, &output, &Cancel::new(), &()).map(drop);
        let ended = catch_unwind(std::panic::AssertUnwindSafe(run));
        done_in.send(ended.is_err()).unwrap();
    });
    let panicked = done.recv_timeout(Duration::from_mins(1)).expect("the run ends");
    assert!(panicked, "the panic is passed on");
    assert!(!folder.path().join("run").join("images.parquet").exists());
}
