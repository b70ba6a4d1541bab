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
use std::time::Instant;

use pimo_report::assemble::{EvaluatedImage, Evidence, ModelScores, Settings};
use pimo_report::page::RunDescription;
use pimo_store::{PublishedScores, read_scalar};

#[path = "../tests/support/mod.rs"]
mod support;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or("give the file to write, and optionally the folder of published scores")?;
    let start = Instant::now();
    let (evidence, settings) = match arguments.next() {
        Some(folder) => {
            let settings = Settings { title: "AUPIMO benchmark as published".to_owned(), ..Default::default() };
            (published(&folder)?, settings)
        }
        None => (
            support::evidence(support::MODELS, support::CATEGORIES, support::IMAGES),
            Settings { title: "Synthetic benchmark".to_owned(), ..Default::default() },
        ),
    };
    let read = start.elapsed();
    let mut report = evidence.report(&settings)?;
    let compared = start.elapsed();
    if report.title.starts_with("Synthetic") {
        support::illustrate(&mut report);
    }
    let illustrated = start.elapsed();
    let page = report.to_html()?;
    let laid_out = start.elapsed();
    fs::write(&out, &page)?;
    println!(
        "{} bytes; read {read:.2?}, compared {:.2?}, drew pictures {:.2?}, laid out {:.2?}",
        page.len(),
        compared - read,
        illustrated - compared,
        laid_out - illustrated
    );
    Ok(())
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
