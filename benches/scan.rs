//! The bare scan that pimo is measured against: the largest score of every map, with pimo's own reader.
//!
//! `scan FOLDER [--threads N] [--io auto|mmap|pread] [--fused]` looks at every `.npy` below the folder. Readers and
//! counters are joined by a bounded channel as in a run; with `--fused` every thread reads and looks by itself.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crossbeam_channel::bounded;
use pimo_frame::{Sample, Scores};
use pimo_reader::{AnomalyMap, IoChoice, MapLocation, Reader, ReaderOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut arguments = std::env::args().skip(1);
    let (mut folder, mut threads, mut io, mut fused) =
        (None, std::thread::available_parallelism()?.get(), IoChoice::Auto, false);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or("a value is missing");
        match argument.as_str() {
            "--threads" => threads = value()?.parse()?,
            "--io" => {
                io = match value()?.as_str() {
                    "mmap" => IoChoice::Mmap,
                    "pread" => IoChoice::Read,
                    _ => IoChoice::Auto,
                }
            }
            "--fused" => fused = true,
            _ => folder = Some(PathBuf::from(argument)),
        }
    }
    let mut files = Vec::new();
    gather(&folder.ok_or("scan FOLDER")?, &mut files)?;
    files.sort();
    let reader = Reader::new(ReaderOptions { io, buffers: 3 * threads + 2, ..ReaderOptions::default() });
    let (largest, pixels) = if fused { scan_fused(&reader, &files, threads) } else { scan(&reader, &files, threads) };
    let seconds = start.elapsed().as_secs_f64();
    println!("{} maps, {pixels} pixels, largest {largest}, {:.3} Gpixel/s", files.len(), pixels as f64 / seconds / 1e9);
    Ok(())
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "npy") {
            files.push(path);
        }
    }
    Ok(())
}

fn largest(map: &AnomalyMap) -> (f64, u64) {
    let largest = match &map.scores {
        Scores::F32(scores) => f32::summary(scores.as_ref().as_ref()).largest.into(),
        Scores::F64(scores) => f64::summary(scores.as_ref().as_ref()).largest,
    };
    (largest, map.size.pixels())
}

fn read(reader: &Reader, file: &Path) -> AnomalyMap {
    reader.read_map(&MapLocation::whole(file)).expect("a map that can be read")
}

fn both((a, m): (f64, u64), (b, n): (f64, u64)) -> (f64, u64) {
    (a.max(b), m + n)
}

const NOTHING: (f64, u64) = (f64::NEG_INFINITY, 0);

fn scan(reader: &Reader, files: &[PathBuf], threads: usize) -> (f64, u64) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (maps_in, maps) = bounded::<AnomalyMap>(threads);
        for _ in 0..threads {
            let (maps_in, next) = (maps_in.clone(), &next);
            scope.spawn(move || {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if maps_in.send(read(reader, file)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(maps_in);
        let counters: Vec<_> = (0..threads)
            .map(|_| {
                let maps = maps.clone();
                scope.spawn(move || maps.iter().map(|map| largest(&map)).fold(NOTHING, both))
            })
            .collect();
        counters.into_iter().map(|counter| counter.join().expect("no panic")).fold(NOTHING, both)
    })
}

fn scan_fused(reader: &Reader, files: &[PathBuf], threads: usize) -> (f64, u64) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let scan = || {
            let files = std::iter::from_fn(|| files.get(next.fetch_add(1, Ordering::Relaxed)));
            files.map(|file| largest(&read(reader, file))).fold(NOTHING, both)
        };
        let counters: Vec<_> = (0..threads).map(|_| scope.spawn(scan)).collect();
        counters.into_iter().map(|counter| counter.join().expect("no panic")).fold(NOTHING, both)
    })
}
