//! A benchmark made up by a generator of fixed seed: as many scores as 13 published detectors have on 27 data sets.
// Each of the files that include this one uses a part of it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::sync::OnceLock;

use pimo_analysis::bootstrap::BootstrapSettings;
use pimo_evidence::{EvaluatedImage, Evidence, ModelScores};
use pimo_frame::{Frame, Mask, Scores, Size};
use pimo_report::assemble::Settings;
use pimo_report::heatmap::{
    FPR_LEVELS, HeatMapStyle, OperatingScores, Picture, Scale, ThumbnailLimits, anomaly_heat_map,
    false_positive_levels, own_levels, thumbnail,
};
use pimo_report::page::{FalsePositiveExample, Report, RunDescription};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const MODELS: usize = 13;
pub const CATEGORIES: usize = 27;
pub const IMAGES: usize = 91;
const DEFECTS: [&str; 4] = ["broken_large", "contamination", "scratch", "thread_side"];
const SIDE: u32 = 256;

/// Made-up results: better and worse detectors on easy and hard categories, many zeros and ones.
pub fn evidence(models: usize, categories: usize, images: usize) -> Evidence {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut results = Vec::new();
    for category in 0..categories {
        let ease: f64 = random.random_range(0.1..0.9);
        let hardness: Vec<f64> = (0..images).map(|_| random.random_range(-0.5..0.5)).collect();
        for model in 0..models {
            let quality = 0.45 - 0.06 * model as f64 + random.random_range(-0.1..0.1);
            let score = |noise: f64, hardness: f64| (ease + quality + hardness + noise).clamp(0.0, 1.0);
            let scores: Vec<f64> =
                hardness.iter().map(|&hardness| score(random.random_range(-0.3..0.3), hardness)).collect();
            let mean = scores.iter().sum::<f64>() / images as f64;
            let metrics = [("auroc", 0.9 + 0.1 * mean), ("aupr", 0.2 + 0.6 * mean), ("aupro_0.3", 0.8 + 0.19 * mean)];
            results.push(ModelScores {
                model: format!("detector_{model:02}_wr50"),
                category: category_name(category),
                images: scores
                    .into_iter()
                    .enumerate()
                    .map(|(image, score)| evaluated(category, image, score))
                    .collect(),
                metrics: metrics
                    .map(|(name, value)| (name.to_owned(), value + random.random_range(-0.01..0.01)))
                    .into(),
                bounds: Some((1e-5, 1e-4)),
                ..Default::default()
            });
        }
    }
    let facts = [("detectors", models.to_string()), ("categories", categories.to_string())];
    let facts = facts.map(|(name, value)| (name.to_owned(), value)).into();
    let warnings = vec!["these scores are made up".to_owned()];
    Evidence {
        runs: vec![RunDescription { name: "synthetic".to_owned(), facts }],
        warnings,
        results,
        ..Default::default()
    }
}

pub fn category_name(category: usize) -> String {
    format!("{}/dataset_{category:02}", if category < 15 { "mvtec" } else { "visa" })
}

fn evaluated(category: usize, image: usize, score: f64) -> EvaluatedImage {
    let defect = DEFECTS[image * DEFECTS.len() / IMAGES % DEFECTS.len()];
    let id = format!("{}/{defect}/{image:03}", category_name(category));
    EvaluatedImage { id, defect: Some(defect.to_owned()), score: Some(score), ..Default::default() }
}

/// Settings with few resamples: tests are about the page, not about the intervals.
pub fn quick_settings() -> Settings {
    let mut settings = Settings { title: "Synthetic benchmark".to_owned(), ..Default::default() };
    settings.compare.bootstrap = BootstrapSettings { resamples: 50, ..Default::default() };
    settings
}

/// Adds made-up curves and heat maps of the chosen images.
pub fn illustrate(report: &mut Report) {
    let heat_maps = heat_maps();
    for (at, (_, _, example)) in report.examples_mut().enumerate() {
        example.curve = curve(example.score);
        example.thumbnail = Some(heat_maps[at % heat_maps.len()].clone());
    }
    for category in report.categories.iter_mut().take(2) {
        category.false_positives = (0..2)
            .map(|at| FalsePositiveExample {
                model: category.order[0],
                image_id: format!("{}/good/{at:03}", category.name),
                caption: "highest FPR".to_owned(),
                thumbnail: false_positives(at),
            })
            .collect();
    }
}

/// Drawing is slow without optimisation: a few pictures, drawn once, serve for all.
fn heat_maps() -> &'static [Vec<u8>] {
    static HEAT_MAPS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    HEAT_MAPS.get_or_init(|| (0..6).map(|at| heat_map(at, 0.2 * at as f64)).collect())
}

/// A curve that rises in the range of AUPIMO about where the score says.
fn curve(score: f64) -> Vec<(f64, f64)> {
    let middle = -4.0 - score;
    (0..200)
        .map(|step| {
            let rate = -6.5 + 6.5 * f64::from(step) / 199.0;
            (10_f64.powf(rate), 1.0 / (1.0 + (-6.0 * (rate - middle + 0.2)).exp()))
        })
        .collect()
}

/// A frame with a bump beside its mask, and a background with some structure.
pub fn scene(seed: u64) -> (Frame, Picture) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (native, evaluated) = (Size::new(64, 64), Size::new(SIDE, SIDE));
    let (row, column) = (random.random_range(16..48), random.random_range(16..48));
    let distance = |y: i32, x: i32| f64::from((y - row).pow(2) + (x - column).pow(2)).sqrt();
    let scores = (0..64 * 64).map(|at| {
        let bump = 5.0 * (-(distance(at / 64, at % 64) / 6.0).powi(2)).exp();
        (bump + random.random_range(0.0..1.2)) as f32
    });
    let scores = Scores::from_f32(scores.collect());
    let mask = Mask::from_fn(evaluated, |y, x| distance((y as i32 - 12) / 4, (x as i32 + 8) / 4) < 7.0);
    let frame = Frame::new(native, evaluated, scores, Some(mask.into())).unwrap();
    let grey: Vec<u8> = (0..SIDE * SIDE)
        .map(|at| {
            let (y, x) = (f64::from(at / SIDE), f64::from(at % SIDE));
            let wave = 40.0 * ((x + 2.0 * y) / 17.0).sin() + 30.0 * (y / 23.0).cos();
            (150.0 + wave + random.random_range(-6.0..6.0)) as u8
        })
        .collect();
    (frame, Picture::from_grey(evaluated, &grey).unwrap())
}

pub fn heat_map(seed: u64, score: f64) -> Vec<u8> {
    let (frame, background) = scene(seed);
    let thresholds = OperatingScores { lower: 1.0 + score, upper: 2.0 + score };
    let style = HeatMapStyle { colour_bar: false, scale: Scale { at_least: 1, at_most: 224 }, ..Default::default() };
    let picture = anomaly_heat_map(&frame, Some(&background), thresholds, &style).unwrap();
    thumbnail(&picture, ThumbnailLimits::default()).unwrap()
}

fn false_positives(seed: u64) -> Vec<u8> {
    let (frame, background) = scene(1000 + seed);
    let style = HeatMapStyle { colour_bar: false, scale: Scale { at_least: 1, at_most: 224 }, ..Default::default() };
    let levels = own_levels(&frame, &FPR_LEVELS);
    let picture = false_positive_levels(&frame, Some(&background), &levels, &style).unwrap();
    thumbnail(&picture, ThumbnailLimits::default()).unwrap()
}
