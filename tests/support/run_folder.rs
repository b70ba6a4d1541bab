//! Reads results.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pimo_store::{RunReader, RunRecord};

/// AUPIMO by model and image.
pub(crate) fn scores(run: &Path) -> BTreeMap<(String, String), Option<f64>> {
    let images = RunReader::open(run).unwrap().images().unwrap();
    let score = |row: pimo_store::ImageRow| ((row.model, row.image_id), row.aupimo);
    images.map(|row| score(row.unwrap())).collect()
}

/// How the run was made.
pub(crate) fn record(run: &Path) -> RunRecord {
    RunReader::open(run).unwrap().record().clone()
}

/// The bytes of all Parquet files and of the summary, by name.
pub(crate) fn parquet_bytes(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = record(run).outputs.into_iter().filter(|name| name != "run.json");
    let content = |name: String| {
        let bytes = fs::read(run.join(&name)).unwrap();
        (name, bytes)
    };
    names.map(content).collect()
}
