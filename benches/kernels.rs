//! The loops that a run spends its time in, on one thread and on pixels in cache: `cargo bench -p pimo-pipeline`.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pimo_accumulator::linspace::{Grid, GridCounter};
use pimo_accumulator::{Depth, ImageScore, NormalCounter, OverlapCounter, OverlapThresholds, UpperTail, key_of_score};
use pimo_frame::{Frame, Mask, RowScratch, RowVisitor, Sample, SampleType, Scores, Size};

const SIZE: Size = Size::new(1024, 1024);

/// A smooth map: what detectors write, and what branch predictors and caches meet.
fn scores(size: Size) -> Vec<f32> {
    let wave = |y: u32, x: u32| {
        let (y, x) = (f64::from(y) / f64::from(size.height), f64::from(x) / f64::from(size.width));
        (y * 17.0).sin() * (x * 23.0).cos()
            + 0.3 * (y * 131.0 + x * 97.0).sin()
            + 1e-4 * (y * 7919.0 + x * 6007.0).sin()
    };
    (0..size.height).flat_map(|y| (0..size.width).map(move |x| wave(y, x) as f32)).collect()
}

fn frame(native: Size, mask: Option<Mask>) -> Frame {
    Frame::new(native, SIZE, Scores::from_f32(scores(native)), mask.map(Arc::new)).expect("sizes that fit")
}

fn defect() -> Mask {
    Mask::from_fn(SIZE, |y, x| (400..460).contains(&y) && (300..380).contains(&x))
}

struct Largest(f64);

impl RowVisitor for Largest {
    fn row<S: Sample>(&mut self, _y: usize, row: &[S], _mask: Option<&[u64]>) {
        self.0 = self.0.max(S::summary(row).largest.to_f64());
    }
}

fn kernels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1024x1024 f32");
    group.throughput(Throughput::Elements(SIZE.pixels()));
    let (plain, small) = (frame(SIZE, None), frame(Size::new(64, 64), None));
    let mut scratch = RowScratch::default();
    for (name, frame) in [("largest score", &plain), ("largest score, resampled from 64x64", &small)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut largest = Largest(f64::NEG_INFINITY);
                frame.visit_rows(&mut scratch, &mut largest);
                black_box(largest.0)
            });
        });
    }

    let mut tail = UpperTail::new(Depth::Mean { bound: 1e-4, images: 40 });
    let mut normal = NormalCounter::new(ImageScore::Max);
    let pixels = SIZE.pixels();
    for group_index in 0..40 {
        let counts = normal.count(&plain, tail.wanted(pixels), tail.floor()).expect("finite scores");
        tail.add(group_index, pixels, counts.largest);
    }
    let (wanted, floor) = (tail.wanted(pixels), tail.floor());
    group.bench_function("normal image, first", |bencher| {
        bencher.iter(|| black_box(normal.count(&plain, wanted, 0).expect("finite scores").largest.len()));
    });
    group.bench_function("normal image, later", |bencher| {
        bencher.iter(|| black_box(normal.count(&plain, wanted, floor).expect("finite scores").largest.len()));
    });

    let masked = frame(SIZE, Some(defect()));
    let mut overlap = OverlapCounter::new(ImageScore::Max);
    let axis: Vec<u64> = (0..4000).map(|i| key_of_score(1.2 - f64::from(i) * 1e-4)).collect();
    let thresholds = OverlapThresholds { axis: &axis, predicted: [Some(0.8), Some(1.1)] };
    group.bench_function("anomalous image", |bencher| {
        bencher.iter(|| black_box(overlap.count(&masked, thresholds).expect("finite scores").reached.len()));
    });

    let grid = Grid::new(-1.5, 1.5, 300_000, SampleType::F32).expect("a range");
    let mut counter = GridCounter::new(ImageScore::Max);
    let mut counts = Vec::new();
    group.bench_function("linspace:300000", |bencher| {
        bencher.iter(|| black_box(counter.count(&plain, &grid, &mut counts).expect("finite scores")));
    });
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
