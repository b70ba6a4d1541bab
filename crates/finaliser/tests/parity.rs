//! Pixel and image metrics of the parity fixtures, from maps to values, against scikit-learn and brute force.

#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pimo_accumulator::{
    BestIouFinder, Connectivity, GridCells, HighPixels, KeyCounter, KeyHistogram, OrderedKey, Regions, Resolution,
    SharedIou,
};
use pimo_finaliser::{BestIouMean, Interval, ScoreCurve, SharedIouSearch};
use pimo_frame::{Comparison, Frame, Mask, RowScratch, RowVisitor, Sample, Scores, Size};
use serde_json::Value;

/// An npy file of two or three axes.
fn read_npy(path: &Path) -> (Size, Scores) {
    let bytes = fs::read(path).unwrap();
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..end]).unwrap();
    assert!(header.contains("'fortran_order': False"));
    let shape = header.split_once('(').unwrap().1.split_once(')').unwrap().0;
    let axes: Vec<u32> = shape.split(',').filter_map(|axis| axis.trim().parse().ok()).collect();
    let size = Size::new(axes[axes.len() - 2], axes[axes.len() - 1]);
    let data = &bytes[end..];
    let scores = if header.contains("<f8") {
        Scores::from_f64(data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect())
    } else if header.contains("<f4") {
        Scores::from_f32(data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect())
    } else {
        assert!(header.contains("<f2"), "{header}");
        Scores::from_f32(data.chunks_exact(2).map(|b| half(u16::from_le_bytes([b[0], b[1]]))).collect())
    };
    (size, scores)
}

/// A half-precision number.
fn half(bits: u16) -> f32 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = if exponent == 0 { mantissa * 2_f32.powi(-24) } else { (mantissa + 1024.0) * 2_f32.powi(exponent - 25) };
    if bits >> 15 == 1 { -size } else { size }
}

fn read_tiff(path: &Path) -> (Size, Scores) {
    let mut decoder = tiff::decoder::Decoder::new(BufReader::new(File::open(path).unwrap())).unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    let scores = match decoder.read_image().unwrap() {
        tiff::decoder::DecodingResult::F32(scores) => scores,
        tiff::decoder::DecodingResult::I16(scores) => scores.into_iter().map(f32::from).collect(),
        _ => panic!("{}: not a type of the fixtures", path.display()),
    };
    (Size::new(height, width), Scores::from_f32(scores))
}

fn read_mask(path: &Path) -> Mask {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(path).unwrap()));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut buffer).unwrap();
    let samples = info.line_size / info.width as usize;
    let width = info.width as usize;
    Mask::from_fn(Size::new(info.height, info.width), |y, x| buffer[(y * width + x) * samples] != 0)
}

fn read_frames(case: &Path, expected: &Value) -> Vec<Frame> {
    let names: Vec<&str> = expected["paths"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    let mask_of = |name: &str| {
        let path = case.join("dataset").join(name.replace("/test/", "/ground_truth/") + "_mask.png");
        path.is_file().then(|| Arc::new(read_mask(&path)))
    };
    let sizes: Vec<Size> = names.iter().filter_map(|name| mask_of(name)).map(|mask| mask.size()).collect();
    let common = sizes.iter().all(|size| *size == sizes[0]).then(|| sizes[0]);
    let read = |name: &str| {
        let path = case.join("maps").join(name);
        let tiff = path.with_extension("tiff");
        let (native, scores) = if tiff.is_file() { read_tiff(&tiff) } else { read_npy(&path.with_extension("npy")) };
        let mask = mask_of(name);
        let evaluated = mask.as_ref().map(|mask| mask.size()).or(common).unwrap_or(native);
        Frame::new(native, evaluated, scores, mask).unwrap()
    };
    names.into_iter().map(read).collect()
}

/// Counts rows and remembers the largest score.
struct Rows<'a, K: OrderedKey> {
    counter: &'a mut KeyCounter<K>,
    histogram: &'a mut KeyHistogram<K>,
    regions: &'a Regions,
    largest: f64,
}

impl<K: OrderedKey> RowVisitor for Rows<'_, K> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        self.counter.count_row(row, self.regions.row(y), self.regions.weights());
        if self.counter.is_full() {
            self.counter.flush(self.histogram);
        }
        self.largest = row.iter().fold(self.largest, |largest, score| largest.max(score.to_f64()));
    }
}

struct Measured {
    pixels: ScoreCurve,
    images: ScoreCurve,
    best: Interval,
    shared: Interval,
}

fn measure<K: OrderedKey + Into<u64>>(frames: &[Frame], connectivity: Connectivity) -> Measured {
    let mut histogram = KeyHistogram::<K>::new(Resolution::default());
    let mut counter = KeyCounter::new();
    let (mut finder, mut scratch) = (BestIouFinder::default(), RowScratch::default());
    let (mut best, mut images, mut count) = (BestIouMean::default(), Vec::new(), 0);
    for frame in frames {
        let empty = Mask::empty(frame.evaluated());
        let regions = Regions::of(frame.mask().unwrap_or(&empty), connectivity);
        let largest = f64::NEG_INFINITY;
        let mut rows = Rows { counter: &mut counter, histogram: &mut histogram, regions: &regions, largest };
        frame.visit_rows(&mut scratch, &mut rows);
        images.push((rows.largest, !regions.regions().is_empty()));
        if let Some(found) = finder.find(frame, &regions, None, &mut scratch) {
            best.add(&found);
        }
        count += regions.regions().len() as u64;
    }
    counter.finish(&mut histogram);
    let bins = histogram.bins();
    // Every thousandth threshold: enough to see that one threshold for all is no better than one for each.
    let grid: Vec<f64> = bins.iter().step_by(bins.len() / 1000 + 1).map(|bin| bin.low).collect();
    let mut shared = SharedIou::new(&grid);
    let (mut cells, mut high) = (GridCells::new(&grid, grid.len()), HighPixels::default());
    for frame in frames {
        let empty = Mask::empty(frame.evaluated());
        let mask = frame.mask().unwrap_or(&empty);
        let counts = cells.count(frame, &Regions::of(mask, connectivity), &mut high, &mut scratch);
        shared.add(counts, mask.anomalous_pixels());
    }
    Measured {
        pixels: ScoreCurve::new(bins, count).unwrap(),
        images: ScoreCurve::of_labelled(images),
        best: best.value().unwrap(),
        shared: SharedIouSearch::new(shared).unwrap().best().value,
    }
}

fn measure_any(frames: &[Frame], connectivity: Connectivity) -> Measured {
    match frames[0].scores().comparison() {
        Comparison::F32 => measure::<u32>(frames, connectivity),
        Comparison::F64 => measure::<u64>(frames, connectivity),
    }
}

fn equal(found: Option<Interval>, expected: &Value, what: &str) {
    let (found, expected) = (found.unwrap(), expected.as_f64().unwrap());
    assert!((found.value() - expected).abs() < 1e-9, "{what}: {found:?} is not {expected}");
    assert!(found.is_exact(), "{what}: {found:?}");
}

fn check_case(case: &Path) {
    let expected: Value = serde_json::from_slice(&fs::read(case.join("expected.json")).unwrap()).unwrap();
    let frames = read_frames(case, &expected);
    let name = case.file_name().unwrap().to_string_lossy();
    let measured = measure_any(&frames, Connectivity::Eight);
    let (curve, pixel) = (&measured.pixels, &expected["pixel"]);
    equal(curve.auroc(), &pixel["auroc"], &format!("{name} auroc"));
    equal(curve.average_precision(), &pixel["average_precision"], &format!("{name} ap"));
    let best = curve.f1_max().unwrap();
    equal(Some(best.value), &pixel["f1max"], &format!("{name} f1max"));
    equal(Some(best.threshold), &pixel["f1max_threshold"], &format!("{name} f1max threshold"));
    for (limit, value) in pixel["aupro"].as_object().unwrap() {
        equal(curve.aupro(limit.parse().unwrap()), value, &format!("{name} aupro {limit}"));
    }
    let regions = |connectivity| {
        frames
            .iter()
            .filter_map(Frame::mask)
            .map(|mask| Regions::of(mask, connectivity).regions().len() as u64)
            .sum::<u64>()
    };
    assert_eq!(Some(regions(Connectivity::Eight)), pixel["num_regions"].as_u64());
    if let Some(four) = pixel["aupro_4connected"].as_object() {
        let measured = measure_any(&frames, Connectivity::Four);
        for (limit, value) in four {
            equal(measured.pixels.aupro(limit.parse().unwrap()), value, &format!("{name} 4-connected aupro {limit}"));
        }
        assert_eq!(Some(regions(Connectivity::Four)), pixel["num_regions_4connected"].as_u64());
    }

    let (curve, image) = (&measured.images, &expected["image"]);
    equal(curve.auroc(), &image["auroc"], &format!("{name} image auroc"));
    equal(curve.average_precision(), &image["average_precision"], &format!("{name} image ap"));
    let best = curve.f1_max().unwrap();
    equal(Some(best.value), &image["f1max"], &format!("{name} image f1max"));
    equal(Some(best.threshold), &image["f1max_threshold"], &format!("{name} image f1max threshold"));

    assert!(measured.best.is_exact());
    assert!(measured.shared.low() > 0.0 && measured.shared.low() <= measured.best.high(), "{name}");
}

#[test]
fn all_fixtures_are_exact() {
    let Some(folder) = pimo_test_data::shared("fixtures/parity") else { return };
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert_eq!(cases.len(), 11);
    for case in &cases {
        check_case(case);
    }
}
