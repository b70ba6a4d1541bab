//! The tables of a comparison.

use std::path::{Path, PathBuf};

use pimo_analysis::compare::{CategoryComparison, Omnibus};
use pimo_store::{
    ComparedModelRow, MACRO_CATEGORY, NeighbourRow, OmnibusRow, PairRow, Row, StagedFile, StoreError, TableWriter,
};

use super::Compared;

/// The files, in order of their names.
pub(crate) const TABLES: [&str; 4] = ["models.parquet", "neighbours.parquet", "omnibus.parquet", "pairs.parquet"];

/// Writes the tables to a folder; all of them are whole before the first gets its name.
pub(crate) fn write(
    compared: &Compared<'_>,
    folder: &Path,
    parameters: &[(String, String)],
) -> Result<Vec<PathBuf>, StoreError> {
    let staged = [
        stage(folder, parameters, &models(compared))?,
        stage(folder, parameters, &neighbours(compared))?,
        stage(folder, parameters, &omnibus(compared))?,
        stage(folder, parameters, &pairs(compared))?,
    ];
    staged.into_iter().map(StagedFile::publish).collect()
}

fn stage<R: Row>(folder: &Path, parameters: &[(String, String)], rows: &[R]) -> Result<StagedFile, StoreError> {
    let mut table = TableWriter::create(&folder.join(R::file_name()), parameters)?;
    rows.iter().try_for_each(|row| table.push(row))?;
    table.finish()
}

fn models(compared: &Compared<'_>) -> Vec<ComparedModelRow> {
    let mut rows = Vec::new();
    for (name, category) in categories(compared) {
        rows.extend(category.models.iter().map(|summary| ComparedModelRow {
            category: name.to_owned(),
            model: compared.matched.models[summary.model].to_owned(),
            mean: summary.mean,
            median: Some(summary.median),
            average_rank: summary.average_rank,
            images: summary.images as u64,
            low: summary.interval.map(|interval| interval.low),
            high: summary.interval.map(|interval| interval.high),
        }));
    }
    let images = compared.comparison.categories.iter().map(|category| category.images as u64).sum();
    rows.extend(compared.matched.models.iter().enumerate().map(|(model, name)| ComparedModelRow {
        category: MACRO_CATEGORY.to_owned(),
        model: (*name).to_owned(),
        mean: compared.mean(model),
        average_rank: compared.comparison.overall.average_ranks[model],
        images,
        ..ComparedModelRow::default()
    }));
    rows.sort_by(|a, b| (&a.category, &a.model).cmp(&(&b.category, &b.model)));
    rows
}

fn neighbours(compared: &Compared<'_>) -> Vec<NeighbourRow> {
    let model = |index: usize| compared.matched.models[index].to_owned();
    let mut rows = Vec::new();
    for (name, category) in categories(compared) {
        rows.extend(category.neighbours.iter().map(|pair| NeighbourRow {
            category: name.to_owned(),
            better: model(pair.better),
            worse: model(pair.worse),
            mean_difference: pair.mean_difference,
            low: pair.interval.map(|interval| interval.low),
            high: pair.interval.map(|interval| interval.high),
        }));
    }
    rows
}

fn omnibus(compared: &Compared<'_>) -> Vec<OmnibusRow> {
    let row = |category: &str, omnibus: &Omnibus| OmnibusRow {
        category: category.to_owned(),
        test: "friedman".to_owned(),
        blocks: omnibus.blocks as u64,
        statistic: omnibus.friedman.map(|test| test.statistic),
        p: omnibus.friedman.map(|test| test.p),
        critical_difference: omnibus.critical_difference,
    };
    let mut rows: Vec<OmnibusRow> = categories(compared).map(|(name, category)| row(name, &category.omnibus)).collect();
    rows.push(row(MACRO_CATEGORY, &compared.comparison.overall));
    rows.sort_by(|a, b| a.category.cmp(&b.category));
    rows
}

fn pairs(compared: &Compared<'_>) -> Vec<PairRow> {
    let model = |index: usize| compared.matched.models[index].to_owned();
    let mut rows = Vec::new();
    for (name, category) in categories(compared) {
        let start = rows.len();
        rows.extend(category.pairs.iter().map(|pair| PairRow {
            category: name.to_owned(),
            model_1: model(pair.model_1),
            model_2: model(pair.model_2),
            test: pair.test.name().to_owned(),
            alternative: pair.alternative.name().to_owned(),
            statistic: pair.result.map(|test| test.statistic).filter(|statistic| statistic.is_finite()),
            p: pair.result.map(|test| test.p),
            p_holm: pair.p_holm,
            confidence: pair.confidence(),
            images: pair.images as u64,
        }));
        // Stable: tests and alternatives stay in the order in which they are listed.
        rows[start..].sort_by(|a, b| (&a.model_1, &a.model_2).cmp(&(&b.model_1, &b.model_2)));
    }
    rows
}

/// The categories with their names, in order of these.
fn categories<'a>(compared: &'a Compared<'_>) -> impl Iterator<Item = (&'a str, &'a CategoryComparison)> {
    compared.matched.categories.iter().map(|category| category.name).zip(&compared.comparison.categories)
}
