//! Times the comparison of 13 detectors on 27 categories of 91 images: the size of the published benchmark.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use pimo_analysis::compare::{Category, Settings, compare};

const MODELS: u32 = 13;
const CATEGORIES: u32 = 27;
const IMAGES: u32 = 91;

fn scores(category: u32) -> Vec<Vec<f64>> {
    let score = |model: u32, image: u32| {
        let phase = f64::from(category * 7919 + model * 104_729 + image * 1_299_709);
        (phase.sin() * 1.5).clamp(0.0, 1.0)
    };
    (0..MODELS).map(|model| (0..IMAGES).map(|image| score(model, image)).collect()).collect()
}

fn fastest(settings: &Settings, runs: usize) -> Duration {
    let names: Vec<String> = (0..MODELS).map(|model| format!("model {model}")).collect();
    let scores: Vec<_> = (0..CATEGORIES).map(scores).collect();
    let categories: Vec<_> = scores.iter().map(|scores| Category { name: "category", scores }).collect();
    let run = || {
        let start = Instant::now();
        let comparison = compare(&names, &categories, settings).expect("the scores are usable");
        assert_eq!(std::hint::black_box(comparison).categories.len(), CATEGORIES as usize);
        start.elapsed()
    };
    (0..runs).map(|_| run()).min().unwrap_or_default()
}

fn main() {
    let with = Settings::default();
    let mut without = with;
    without.bootstrap.resamples = 0;
    println!("compare, no bootstrap:       {:>10.1?}", fastest(&without, 5));
    println!("compare, 10 000 resamples:   {:>10.1?}", fastest(&with, 5));
}
