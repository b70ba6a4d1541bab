//! Evaluates one detector with default settings: `evaluate MAPS DATASET OUT`.

use pimo_dataset::{MapsSource, Sources};
use pimo_pipeline::{Cancel, Input, Output, Settings, evaluate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or(format!("{what} is missing: evaluate MAPS DATASET OUT"));
    let maps = MapsSource { model: "detector".to_owned(), path: next("MAPS")?.into(), paths: None };
    let sources = Sources { maps: vec![maps], dataset: next("DATASET")?.into(), ..Sources::default() };
    let output = Output { folder: next("OUT")?.into(), force: true, published: false };
    let outcome = evaluate(&Input::Folders(sources), &Settings::default(), &output, &Cancel::new(), &())?;
    #[allow(clippy::print_stdout)]
    for (model, results) in &outcome.summary.models {
        println!("{model}: mean AUPIMO {:?}", results.macro_average.aupimo.mean);
    }
    Ok(())
}
