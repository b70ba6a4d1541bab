//! How fast pixels are counted into a key histogram by one thread: a whole dataset in memory, flushes and the end
//! included, and the steady state that long runs spend their time in.
//!
//! The maps are bilinear enlargements of coarse grids, as detectors write them: neighbours have scores close to each
//! other, hardly any score comes twice, and the highest are rare.

#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pimo_accumulator::{Connectivity, KeyCounter, KeyHistogram, Regions, Resolution};
use pimo_frame::{Mask, Size};

const SIDE: usize = 1024;
const CELL: usize = 16;
const MAPS: usize = 64;

type Shape = fn(f64) -> f64;

/// Maps of smooth scores between 4 and 28, most of them near 7, after `shape`.
fn maps(shape: Shape) -> Vec<Vec<f32>> {
    const GRID: usize = SIDE / CELL + 1;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut map = || {
        let level = 6.0 + random();
        // Sums of uniform numbers, skewed: a long tail upwards.
        let mut score = || level + 0.05 * (0..6).map(|_| random() - 0.5).sum::<f64>().exp2().powi(4);
        let grid: Vec<f64> = (0..GRID * GRID).map(|_| score()).collect();
        let mut map = Vec::with_capacity(SIDE * SIDE);
        for y in 0..SIDE {
            let (above, v) = (&grid[y / CELL * GRID..], (y % CELL) as f64 / CELL as f64);
            for x in 0..SIDE {
                let (at, u) = (x / CELL, (x % CELL) as f64 / CELL as f64);
                let across = |row: &[f64]| row[at] * (1.0 - u) + row[at + 1] * u;
                map.push(shape(across(above) * (1.0 - v) + across(&above[GRID..]) * v) as f32);
            }
        }
        map
    };
    (0..MAPS).map(|_| map()).collect()
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
    let shapes: [(&str, Shape); 4] = [
        ("smooth", |score| score),
        ("one octave", |score| 27.0 + score / 20.0),
        ("half precision", |score| f64::from(half::f16::from_f64(score))),
        ("clipped", |score| ((score - 6.0) / 4.0).clamp(0.0, 1.0)),
    ];
    for (name, shape) in shapes {
        let maps = maps(shape);
        for (kind, regions) in [("normal", &normal), ("2% anomalous", &defect)] {
            group.bench_function(format!("{name}, {kind}, whole dataset"), |b| {
                b.iter(|| {
                    let mut histogram = KeyHistogram::new(Resolution::default());
                    let mut counter = KeyCounter::new();
                    count(&mut counter, &mut histogram, &maps, regions);
                    counter.finish(&mut histogram);
                    histogram
                });
            });
            let mut histogram = KeyHistogram::new(Resolution::default());
            let mut counter = KeyCounter::new();
            count(&mut counter, &mut histogram, &maps, regions);
            counter.flush(&mut histogram);
            group.bench_function(format!("{name}, {kind}, steady"), |b| {
                b.iter(|| count(&mut counter, &mut histogram, &maps, regions));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
