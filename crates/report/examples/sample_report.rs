//! Writes a sample report.
//!
//! ```sh
//! cargo run --example sample_report -- report.html            # made-up scores, curves and heat maps
//! cargo run --example sample_report -- report.html PUBLISHED  # scores published with the AUPIMO paper
//! ```
//!
//! PUBLISHED is the folder that holds `benchmark/<model>/<collection>/<dataset>/`.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pimo_report::assemble::{EvaluatedImage, Evidence, ModelScores, Settings};
use pimo_report::page::RunDescription;
use pimo_store::{PublishedScores, read_scalar};

#[path = "../tests/support/mod.rs"]
mod support;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or("give the file to write, and optionally the folder of published scores")?;
    let ((evidence, settings), read) = timed(|| evidence(arguments.next()));
    let evidence = evidence?;
    let (report, compared) = timed(|| evidence.report(&settings));
    let mut report = report?;
    let ((), drawn) = timed(|| {
        if report.title == SYNTHETIC {
            support::illustrate(&mut report);
        }
    });
    let (page, laid_out) = timed(|| report.to_html());
    let page = page?;
    fs::write(&out, &page)?;
    println!(
        "{} bytes; read {read:.2?}, compared {compared:.2?}, drew pictures {drawn:.2?}, laid out {laid_out:.2?}",
        page.len()
    );
    Ok(())
}

const SYNTHETIC: &str = "Synthetic benchmark";

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

/// Published scores, or made-up ones without a folder.
fn evidence(folder: Option<PathBuf>) -> (Result<Evidence, Box<dyn Error>>, Settings) {
    let titled = |title: &str| Settings { title: title.to_owned(), ..Default::default() };
    if let Some(folder) = folder {
        return (published(&folder), titled("AUPIMO benchmark as published"));
    }
    let evidence = support::evidence(support::MODELS, support::CATEGORIES, support::IMAGES);
    (Ok(evidence), titled(SYNTHETIC))
}

fn published(folder: &Path) -> Result<Evidence, Box<dyn Error>> {
    let benchmark = folder.join("benchmark");
    let mut evidence = Evidence::default();
    for model in entries(&benchmark)? {
        for collection in entries(&model)? {
            for dataset in entries(&collection)? {
                evidence.results.push(result(&model, &collection, &dataset)?);
            }
        }
    }
    let facts = vec![("results".to_owned(), evidence.results.len().to_string())];
    evidence.runs.push(RunDescription { name: "published scores".to_owned(), facts });
    Ok(evidence)
}

fn result(model: &Path, collection: &Path, dataset: &Path) -> Result<ModelScores, Box<dyn Error>> {
    let scores = PublishedScores::read(&dataset.join("aupimo/aupimos.json"))?;
    let paths = scores.paths.ok_or("scores without paths")?;
    let images = paths.iter().zip(&scores.aupimos).filter(|(_, score)| !score.is_nan()).map(|(path, &score)| {
        let parts: Vec<&str> = path.split('/').filter(|part| *part != "test").collect();
        let id = Path::new(&parts[1..].join("/")).with_extension("").to_string_lossy().into_owned();
        let defect = parts.iter().rev().nth(1).map(|defect| (*defect).to_owned());
        EvaluatedImage { id, defect, score: Some(score), ..Default::default() }
    });
    let metrics = ["auroc", "aupr", "aupro"].into_iter().map(|metric| {
        let value = read_scalar(&dataset.join(format!("{metric}.json")))?;
        Ok((metric.to_uppercase(), value))
    });
    Ok(ModelScores {
        model: name(model),
        category: format!("{}/{}", name(collection), name(dataset)),
        images: images.collect(),
        metrics: metrics.collect::<Result<_, pimo_store::StoreError>>()?,
        bounds: Some((scores.fpr_lower_bound, scores.fpr_upper_bound)),
        thresholds: scores.thresh_lower_bound.zip(scores.thresh_upper_bound),
        ..Default::default()
    })
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    let mut entries =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    entries.retain(|entry| entry.is_dir());
    entries.sort();
    Ok(entries)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
