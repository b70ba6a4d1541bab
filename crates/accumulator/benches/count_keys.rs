//! How fast pixels are counted into a key histogram: warm, one thread, 160 maps' worth of scores in memory.

#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pimo_accumulator::{Connectivity, KeyCounter, KeyHistogram, Regions, Resolution};
use pimo_frame::{Mask, Size};

const SIDE: usize = 1024;
const MAPS: usize = 32;

/// Smooth maps with noise in the low bits: a blurred random field, as detectors write them.
fn maps(scale: impl Fn(f64) -> f64) -> Vec<Vec<f32>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..MAPS)
        .map(|_| {
            let coarse: Vec<f64> = (0..33 * 33).map(|_| random().powi(4)).collect();
            (0..SIDE * SIDE)
                .map(|at| {
                    let (y, x) = (at / SIDE, at % SIDE);
                    let (v, u) = ((y % 32) as f64 / 32.0, (x % 32) as f64 / 32.0);
                    let corner = |dy, dx| coarse[(y / 32 + dy) * 33 + x / 32 + dx];
                    let above = corner(0, 0) * (1.0 - u) + corner(0, 1) * u;
                    let below = corner(1, 0) * (1.0 - u) + corner(1, 1) * u;
                    scale(above * (1.0 - v) + below * v + 1e-3 * random()) as f32
                })
                .collect()
        })
        .collect()
}

fn count(counter: &mut KeyCounter<u32>, histogram: &mut KeyHistogram<u32>, maps: &[Vec<f32>], regions: &Regions) {
    for map in maps {
        for (y, row) in map.chunks_exact(SIDE).enumerate() {
            counter.count_row(row, regions.row(y), regions.weights());
            if counter.is_full() {
                counter.flush(histogram);
            }
        }
    }
}

fn bench(c: &mut Criterion) {
    let size = Size::new(SIDE as u32, SIDE as u32);
    let normal = Regions::of(&Mask::empty(size), Connectivity::Eight);
    let mask = Mask::from_fn(size, |y, x| (y as i64 - 500).pow(2) + (x as i64 - 400).pow(2) < 6000);
    let defect = Regions::of(&mask, Connectivity::Eight);
    let mut group = c.benchmark_group("count");
    group.sample_size(10).throughput(Throughput::Elements((SIDE * SIDE * MAPS) as u64));
    let spread = maps(|score| score);
    let octave = maps(|score| 27.0 + score);
    let half = maps(|score| f64::from(half::f16::from_f64(score)));
    let clipped = maps(|score| (score * 4.0 - 0.5).clamp(0.0, 1.0));
    for (name, maps) in [("spread", &spread), ("octave", &octave), ("half", &half), ("clipped", &clipped)] {
        for (kind, regions) in [("normal", &normal), ("2% anomalous", &defect)] {
            group.bench_function(format!("{name}, {kind}, from nothing"), |b| {
                b.iter(|| {
                    let mut histogram = KeyHistogram::new(Resolution::default());
                    let mut counter = KeyCounter::new();
                    count(&mut counter, &mut histogram, maps, regions);
                    counter.finish(&mut histogram);
                    histogram
                });
            });
            let mut histogram = KeyHistogram::new(Resolution::default());
            let mut counter = KeyCounter::new();
            count(&mut counter, &mut histogram, maps, regions);
            counter.flush(&mut histogram);
            group.bench_function(format!("{name}, {kind}, warm"), |b| {
                b.iter(|| count(&mut counter, &mut histogram, maps, regions));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
