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
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pimo_evidence::{Evidence, Source};
use pimo_report::assemble::{Settings, report_of};

#[path = "../tests/support/mod.rs"]
mod support;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or("give the file to write, and optionally the folder of published scores")?;
    let ((evidence, settings), read) = timed(|| evidence(arguments.next()));
    let evidence = evidence?;
    let (report, compared) = timed(|| report_of(&evidence, &settings));
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
        return (published(folder), titled("AUPIMO benchmark as published"));
    }
    let evidence = support::evidence(support::MODELS, support::CATEGORIES, support::IMAGES);
    (Ok(evidence), titled(SYNTHETIC))
}

fn published(folder: PathBuf) -> Result<Evidence, Box<dyn Error>> {
    Ok(Evidence::of(&Source::open_all(&[], &[folder])?, "aupimo")?)
}
