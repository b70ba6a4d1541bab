//! Memory does not grow with the number of images, counted by the allocator itself.
//!
//! One test alone in its binary: the allocator counts for the whole process.

#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use pimo_accumulator::TailEntry;
use pimo_dataset::{MapsSource, Sources};
use pimo_frame::Size;
use pimo_pipeline::{Cancel, Input, Metrics, Output, Settings, evaluate};
use pimo_reader::IoChoice;
use pimo_synth::{MaskFormat, Plan};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed to the system's allocator unchanged; only sizes are noted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above; the pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SIZE: Size = Size::new(256, 256);

/// Half of the images are normal; maps are small so that the files are too.
fn write(folder: &Path, images: u64) {
    let plan = Plan {
        normal: images / 2,
        anomalous: images / 2,
        size: SIZE,
        map_size: Some(Size::new(32, 32)),
        mask_format: MaskFormat::Png1,
        ..Plan::default()
    };
    pimo_synth::write(&plan, folder, |_, _| {}).unwrap();
}

/// Peak of live bytes while a dataset is evaluated.
fn peak(folder: &Path, out: &Path) -> usize {
    let detectors = std::fs::read_dir(folder.join("maps")).unwrap();
    let maps = detectors.map(|entry| entry.unwrap().path()).next().unwrap();
    let sources = Sources {
        maps: vec![MapsSource { model: "synthetic".into(), path: maps, paths: None }],
        dataset: folder.join("dataset"),
        ..Sources::default()
    };
    // What an image costs does not depend on threads, and with one lane less is left to chance.
    let settings = Settings { threads: 1, io: IoChoice::Read, metrics: Metrics::AUPIMO, ..Settings::default() };
    let output = Output { folder: out.to_owned(), force: false, published: false };
    PEAK.store(LIVE.load(Relaxed), Relaxed);
    let before = LIVE.load(Relaxed);
    evaluate(&Input::Folders(sources), &settings, &output, &Cancel::new(), &()).unwrap();
    PEAK.load(Relaxed) - before
}

#[test]
fn an_added_image_costs_at_most_512_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let [few, many] = [500_u64, 2000].map(|images| {
        let data = folder.path().join(format!("{images}"));
        write(&data, images);
        // Which frames and rows are in memory together is still left to chance: the worst of several runs is compared.
        (0..6).map(|run| peak(&data, &folder.path().join(format!("run-{images}-{run}")))).max().unwrap()
    });
    let added = 1500;
    // Of every score in the upper tail its key, which image it is of, and how many pixels have it: the spread of the
    // images' own rates, their maximum and their quantiles need all three. Settled, the axis takes as much for key,
    // rate and logarithm, and the tail is gone.
    let tail = (added / 2 * SIZE.pixels() as usize) / 10_000 * size_of::<TailEntry>();
    let allowed = few + added * 512 + tail;
    assert!(many <= allowed, "500 images took {few} bytes, 2000 took {many}, allowed were {allowed}");
}
