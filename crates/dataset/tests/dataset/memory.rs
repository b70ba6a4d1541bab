//! What an image costs in memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use pimo_dataset::{ManifestOptions, ManifestRow, NamedEntry, discover, manifest_rows};
use pimo_reader::Entry;

use crate::tree::{Fake, Tree};

/// Counts what the current thread holds, with the allocator's own cost: eight bytes, multiples of sixteen.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(size: usize, sign: isize) {
    let held = HELD.get() + sign * (size + 8).next_multiple_of(16).max(32) as isize;
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

// SAFETY: every call goes to the system's allocator unchanged; the counters take no memory themselves.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: the pointer came from `System.alloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Bytes held by what `build` returns, and the most that was held on the way, per image.
fn cost<T>(images: usize, build: impl FnOnce() -> T) -> (f64, f64) {
    let before = HELD.get();
    PEAK.set(before);
    let built = build();
    let (held, peak) = (HELD.get() - before, PEAK.get() - before);
    drop(built);
    (held as f64 / images as f64, peak as f64 / images as f64)
}

const IMAGES: usize = 2000;

#[test]
fn an_image_in_folders() {
    let tree = Tree::new(&[]);
    for i in 0..IMAGES / 2 {
        tree.file(&format!("maps/metal_nut/test/good/{i:04}.tiff"), "");
        tree.file(&format!("maps/metal_nut/test/manipulated_front/{i:04}.tiff"), "");
        tree.file(&format!("data/metal_nut/test/good/{i:04}.png"), "");
        tree.file(&format!("data/metal_nut/test/manipulated_front/{i:04}.png"), "");
        tree.file(&format!("data/metal_nut/ground_truth/manipulated_front/{i:04}_mask.png"), "");
    }
    let sources = tree.sources();
    let (held, peak) = cost(IMAGES, || {
        let found = discover(&sources, &Fake::default()).unwrap();
        assert!(found.problems.is_empty());
        assert_eq!(found.dataset.images(), IMAGES);
        found
    });
    assert!(held <= 280.0, "{held} bytes for each image");
    assert!(peak <= 512.0, "{peak} bytes for each image on the way");
}

#[test]
fn an_image_in_a_stacked_file() {
    let tree = Tree::new(&["maps.pt"]);
    let mut entries: Vec<NamedEntry> = Vec::new();
    for i in 0..IMAGES / 2 {
        tree.file(&format!("data/metal_nut/test/good/{i:04}.png"), "");
        tree.file(&format!("data/metal_nut/ground_truth/bad/{i:04}_mask.png"), "");
        entries.push((Entry::Index(2 * i as u64), Some(format!("MVTec/metal_nut/test/good/{i:04}.png").into())));
        entries.push((Entry::Index(2 * i as u64 + 1), Some(format!("MVTec/metal_nut/test/bad/{i:04}.png").into())));
    }
    let sources = tree.sources_at("maps.pt", "data");
    let container = Fake(Some(entries));
    let (held, _) = cost(IMAGES, || {
        let found = discover(&sources, &container).unwrap();
        assert!(found.problems.is_empty());
        found
    });
    assert!(held <= 280.0, "{held} bytes for each image");
}

#[test]
fn an_image_in_a_manifest() {
    let columns = ["image_id", "category", "map", "mask", "image"].map(String::from);
    let options = ManifestOptions { path: "manifest.csv".into(), model: "m".into(), ..ManifestOptions::default() };
    let costs = |folders: usize| {
        let row = |i: usize| {
            let folder = format!("sample{:05}", i % folders);
            let fields = vec![
                Some(format!("audiojack/{i:05}")),
                Some("audiojack".to_owned()),
                Some(format!("maps/audiojack/{folder}/{i:05}.tiff")),
                Some(format!("masks/audiojack/{folder}/{i:05}.png")),
                Some(format!("images/audiojack/{folder}/{i:05}.jpg")),
            ];
            Ok(ManifestRow { number: i as u64, fields })
        };
        cost(10 * IMAGES, || manifest_rows(&options, &columns, (0..10 * IMAGES).map(row)).unwrap()).0
    };
    let few = costs(10);
    assert!(few <= 280.0, "{few} bytes for each image");
    let own = costs(10 * IMAGES);
    assert!(own <= 440.0, "{own} bytes for each image with folders of its own");
}
