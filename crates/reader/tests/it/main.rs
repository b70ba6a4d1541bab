//! Reading files: every format, every kind of damage, both I/O modes.

#![allow(clippy::unwrap_used)]

mod alloc;
mod damage;
mod formats;
mod hostile;
mod io;
mod shared;
mod source_images;

use std::path::{Path, PathBuf};

use pimo_frame::Scores;
use pimo_reader::{IoChoice, Reader, ReaderOptions};

/// A file of the committed samples.
fn data(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(relative)
}

/// The files in a folder of the committed samples, sorted.
fn files(folder: &str) -> Vec<PathBuf> {
    sorted(&data(folder))
}

/// The files in a folder, sorted.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of samples");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn reader(io: IoChoice) -> Reader {
    Reader::new(ReaderOptions { io, ..ReaderOptions::default() })
}

/// The scores in double precision.
fn values(scores: &Scores) -> Vec<f64> {
    match scores {
        Scores::F32(storage) => storage.as_ref().as_ref().iter().map(|&score| f64::from(score)).collect(),
        Scores::F64(storage) => storage.as_ref().as_ref().to_vec(),
    }
}
