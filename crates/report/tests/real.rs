//! A heat map of a real detector over a real image.
// A skipped test says so.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pimo_frame::{Frame, RowScratch, RowVisitor, Sample, Size};
use pimo_reader::{MapLocation, MaskRule, Reader, ReaderOptions};
use pimo_report::heatmap::{
    HeatMapStyle, OperatingScores, Picture, Scale, ThumbnailLimits, anomaly_heat_map, thumbnail,
};

/// Thresholds of the detector at shared FPRs of 1e-4 and 1e-5.
const THRESHOLDS: OperatingScores = OperatingScores { lower: 14.688_308_715_820_312, upper: 16.379_386_901_855_47 };

/// The folder of real data; `None`, with a line on stderr, where it is absent.
fn real() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/real");
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var_os("CI").is_some() && std::env::var_os("PIMO_REQUIRE_SHARED").is_some();
    assert!(!required, "{} is required but absent", folder.display());
    eprintln!("skipped: {} is absent", folder.display());
    None
}

fn picture(path: &Path) -> Picture {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut samples = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut samples).unwrap();
    let size = Size::new(info.height, info.width);
    match info.color_type {
        png::ColorType::Grayscale => Picture::from_grey(size, &samples).unwrap(),
        _ => Picture::from_rgb(size, samples).unwrap(),
    }
}

/// How many pixels reach each threshold.
#[derive(Default)]
struct Reaching {
    lower: usize,
    upper: usize,
}

impl RowVisitor for Reaching {
    fn row<S: Sample>(&mut self, _y: usize, row: &[S], _mask: Option<&[u64]>) {
        self.lower += row.iter().filter(|score| score.to_f64() >= THRESHOLDS.lower).count();
        self.upper += row.iter().filter(|score| score.to_f64() >= THRESHOLDS.upper).count();
    }
}

#[test]
fn every_pixel_above_the_threshold_is_coloured() {
    let Some(folder) = real() else {
        return;
    };
    let reader = Reader::new(ReaderOptions::default());
    let map = folder.join("grids/patchcore_r18/screw/test/scratch_head/000.npy");
    let map = reader.read_map(&MapLocation::whole(&map)).unwrap();
    let mask = folder.join("screw/ground_truth/scratch_head/000_mask.png");
    let mask = reader.read_mask(&mask, MaskRule::default()).unwrap();
    let frame = Frame::new(map.size, mask.size(), map.scores, Some(Arc::new(mask))).unwrap();
    let image = picture(&folder.join("screw/test/scratch_head/000.png"));
    assert_eq!((frame.evaluated(), image.size()), (Size::new(1024, 1024), Size::new(1024, 1024)));

    let mut reaching = Reaching::default();
    frame.visit_rows(&mut RowScratch::default(), &mut reaching);
    assert!(reaching.upper > 0 && reaching.lower > reaching.upper, "the defect is found");
    let style = HeatMapStyle { outline: false, colour_bar: false, ..Default::default() };
    let drawn = anomaly_heat_map(&frame, Some(&image), THRESHOLDS, &style).unwrap();
    // The image is grey: what is coloured is blue or red.
    let colours = drawn.rgb().chunks_exact(3).map(|pixel| i32::from(pixel[0]) - i32::from(pixel[2]));
    let (red, blue) =
        colours.fold((0, 0), |(red, blue), hue| (red + usize::from(hue > 0), blue + usize::from(hue < 0)));
    assert_eq!((red, blue), (reaching.upper, reaching.lower - reaching.upper));

    let style = HeatMapStyle { colour_bar: false, scale: Scale { at_least: 1, at_most: 224 }, ..Default::default() };
    let small = anomaly_heat_map(&frame, Some(&image), THRESHOLDS, &style).unwrap();
    let limits = ThumbnailLimits::default();
    assert!(thumbnail(&small, limits).unwrap().len() <= limits.max_bytes);
}
