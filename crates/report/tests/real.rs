//! Real detectors on real images: a heat map, and a report in which metrics disagree.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use pimo_evidence::{EvaluatedImage, Evidence, ModelScores};
use pimo_frame::{Frame, RowScratch, RowVisitor, Sample, Size};
use pimo_reader::{MapLocation, MaskRule, Reader, ReaderOptions};
use pimo_report::assemble::{Settings, report_of};
use pimo_report::heatmap::{
    HeatMapStyle, OperatingScores, Picture, Scale, ThumbnailLimits, anomaly_heat_map, thumbnail,
};
use pimo_test_data::shared;

/// Thresholds of the detector at shared FPRs of 1e-4 and 1e-5.
const THRESHOLDS: OperatingScores = OperatingScores { lower: 14.688_308_715_820_312, upper: 16.379_386_901_855_47 };

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
    let Some(folder) = shared("real") else {
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

/// What published code returns for a detector, as evidence.
fn expected(folder: &Path, detector: &str) -> ModelScores {
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_reader(File::open(folder.join("expected").join(name)).unwrap()).unwrap()
    };
    let (official, exact) = (json(&format!("{detector}_screw.json")), json(&format!("{detector}_screw_exact.json")));
    let images = exact["exact_aupimo"].as_object().unwrap();
    ModelScores {
        model: detector.to_owned(),
        category: "screw".to_owned(),
        images: images
            .iter()
            .filter_map(|(id, score)| {
                Some(EvaluatedImage { id: id.clone(), score: Some(score.as_f64()?), ..Default::default() })
            })
            .collect(),
        metrics: vec![
            ("pixel_auroc".to_owned(), official["pixel_auroc"].as_f64().unwrap()),
            ("aupro_0.3".to_owned(), official["aupro_mvtec_official"]["0.3"].as_f64().unwrap()),
        ],
        ..Default::default()
    }
}

#[test]
fn aupimo_and_the_other_metrics_disagree_and_the_report_shows_it() {
    let Some(folder) = shared("real") else {
        return;
    };
    let (r18, mnv2q) = ("patchcore_r18", "patchcore_mnv2q");
    let results = vec![expected(&folder, mnv2q), expected(&folder, r18)];
    assert_eq!(results[0].images.len(), 119);
    let report = report_of(&Evidence { results, ..Default::default() }, &Settings::default()).unwrap();
    let screw = &report.categories[0];
    assert_eq!(report.models[screw.order[0]].name, r18);
    assert!(screw.confidences[1][0].unwrap() > 0.999_999);
    let disagreeing: Vec<(&str, usize, usize)> = report
        .disagreements
        .iter()
        .map(|one| (report.metrics[one.metric].as_str(), one.by_score, one.by_metric))
        .collect();
    assert_eq!(disagreeing, [("pixel_auroc", 1, 0), ("aupro_0.3", 1, 0)]);
    let page = report.to_html().unwrap();
    assert!(page.contains(
        "pixel AUROC prefers another detector than AUPIMO in 1 of 1; AUPRO 0.3 prefers another detector than AUPIMO \
         in 1 of 1 category."
    ));
    // The row that says it: which detector AUPIMO prefers, which one AUROC does, and how sure it is.
    let row = page.split("<tr>").find(|row| row.contains("<td>pixel AUROC</td>")).unwrap();
    let order = ["patchcore_r18", "0.4158", "0.9929", "patchcore_mnv2q", "0.1748", "0.9951", "&gt; 99.9"];
    let places: Vec<Option<usize>> = order.iter().map(|text| row.find(text)).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{row}");
}
