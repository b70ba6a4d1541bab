//! Times the reading of maps and masks: `time_reads MASK.png MAP...`.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use pimo_frame::Scores;
use pimo_reader::{IoChoice, MapLocation, MaskRule, Reader, ReaderOptions};

const ROUNDS: usize = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = std::env::args().skip(1);
    let mask = files.next().ok_or("usage: time_reads MASK MAP...")?;
    let maps: Vec<_> = files.map(MapLocation::whole).collect();
    let reader = Reader::new(ReaderOptions::default());
    let pixels = reader.read_mask(Path::new(&mask), MaskRule::Nonzero)?.anomalous_pixels();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        reader.read_mask(Path::new(&mask), MaskRule::Nonzero)?;
    }
    let each = start.elapsed() / ROUNDS as u32;
    println!("mask with {pixels} anomalous pixels: {each:?} each");
    for io in [IoChoice::Read, IoChoice::Mmap, IoChoice::Read, IoChoice::Mmap] {
        let reader = Reader::new(ReaderOptions { io, ..ReaderOptions::default() });
        let start = Instant::now();
        let mut largest = 0.0_f64;
        for at in maps.iter().cycle().take(ROUNDS * maps.len()) {
            largest = largest.max(maximum(&reader.read_map(at)?.scores));
        }
        let each = start.elapsed() / (ROUNDS * maps.len()) as u32;
        println!("map by {io:?}, read and scanned for its maximum {largest}: {each:?} each");
    }
    Ok(())
}

/// The largest score, in a loop that the compiler can vectorise.
fn maximum(scores: &Scores) -> f64 {
    match scores {
        Scores::F32(scores) => {
            f64::from(blocks(scores.as_ref().as_ref(), f32::NEG_INFINITY, |a, b| if b > a { b } else { a }))
        }
        Scores::F64(scores) => blocks(scores.as_ref().as_ref(), f64::NEG_INFINITY, |a, b| if b > a { b } else { a }),
    }
}

fn blocks<S: Copy>(scores: &[S], start: S, larger: impl Fn(S, S) -> S) -> S {
    let mut lanes = [start; 32];
    for block in scores.chunks_exact(32) {
        for (lane, &score) in lanes.iter_mut().zip(block) {
            *lane = larger(*lane, score);
        }
    }
    let lanes = lanes.into_iter().fold(start, &larger);
    scores.chunks_exact(32).remainder().iter().fold(lanes, |largest, &score| larger(largest, score))
}
