//! `stats.parquet`.

use std::path::Path;

use pimo_store::{StagedFile, StatisticRow, StoreError, TableWriter};

use super::Described;

/// Writes the table without giving it its name.
pub(crate) fn write(
    described: &[Described<'_>],
    path: &Path,
    parameters: &[(String, String)],
) -> Result<StagedFile, StoreError> {
    let mut table = TableWriter::create(path, parameters)?;
    for group in described {
        for row in rows(group) {
            table.push(&row)?;
        }
    }
    table.finish()
}

fn rows(group: &Described<'_>) -> Vec<StatisticRow> {
    let row = |statistic: String, value: f64| StatisticRow {
        model: group.model.to_owned(),
        category: group.category.to_owned(),
        defect: group.defect.map(str::to_owned),
        statistic,
        value: Some(value),
        images: group.images.len() as u64,
        ..StatisticRow::default()
    };
    let shares = [("share_0", group.boxplot.share_of_zeros), ("share_1", group.boxplot.share_of_ones)];
    let nearest = group.exemplars.iter().map(|chosen| StatisticRow {
        image_id: Some(group.images[chosen.index].id.clone()),
        score: Some(chosen.score),
        ..row(chosen.statistic.to_string(), chosen.value)
    });
    nearest.chain(shares.map(|(name, share)| row(name.to_owned(), share))).collect()
}
