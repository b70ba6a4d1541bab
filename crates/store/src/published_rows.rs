//! Published scores as rows of `images.parquet`, and back.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::published::PublishedScores;
use crate::rows::ImageRow;
use crate::table_reader::ParquetFile;

/// Name of the parameter that holds [`PublishedFacts`] in the metadata of a converted table.
const PARAMETER: &str = "published";

/// What a published file says besides scores and paths.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PublishedFacts {
    /// Name of the model.
    pub model: String,
    /// Name of the category.
    pub category: String,
    /// See [`PublishedScores::shared_fpr_metric`].
    pub shared_fpr_metric: Option<String>,
    /// See [`PublishedScores::fpr_lower_bound`].
    pub fpr_lower_bound: f64,
    /// See [`PublishedScores::fpr_upper_bound`].
    pub fpr_upper_bound: f64,
    /// See [`PublishedScores::num_threshs`].
    pub num_threshs: Option<u64>,
    /// See [`PublishedScores::thresh_lower_bound`].
    pub thresh_lower_bound: Option<f64>,
    /// See [`PublishedScores::thresh_upper_bound`].
    pub thresh_upper_bound: Option<f64>,
    /// Whether the file had paths.
    pub has_paths: bool,
}

impl PublishedFacts {
    /// What `scores` says.
    pub fn of(model: &str, category: &str, scores: &PublishedScores) -> Self {
        Self {
            model: model.to_owned(),
            category: category.to_owned(),
            shared_fpr_metric: scores.shared_fpr_metric.clone(),
            fpr_lower_bound: scores.fpr_lower_bound,
            fpr_upper_bound: scores.fpr_upper_bound,
            num_threshs: scores.num_threshs,
            thresh_lower_bound: scores.thresh_lower_bound,
            thresh_upper_bound: scores.thresh_upper_bound,
            has_paths: scores.paths.is_some(),
        }
    }

    /// Facts as a parameter of a table, from which [`read`](Self::read) gets them back.
    ///
    /// # Errors
    /// A number that JSON has nothing for.
    pub fn parameter(facts: &[Self]) -> Result<(String, String)> {
        let finite = |facts: &&Self| {
            let optional = [facts.thresh_lower_bound, facts.thresh_upper_bound].into_iter().flatten();
            optional.chain([facts.fpr_lower_bound, facts.fpr_upper_bound]).all(f64::is_finite)
        };
        let text = serde_json::to_string(facts).ok().filter(|_| facts.iter().all(|it| finite(&it)));
        let text = text.ok_or_else(|| StoreError::Rows {
            table: "images",
            message: "a bound or threshold of the published scores is not finite".to_owned(),
        })?;
        Ok((PARAMETER.to_owned(), text))
    }

    /// The facts in the metadata of a table that was converted; none in other tables.
    ///
    /// # Errors
    /// The file is no Parquet file, or the facts are not what pimo writes.
    pub fn read(path: &Path) -> Result<Vec<Self>> {
        let Some(text) = table_parameters(path)?.remove(PARAMETER) else { return Ok(Vec::new()) };
        serde_json::from_str(&text).map_err(|error| StoreError::Parquet {
            path: path.to_path_buf(),
            message: format!("the metadata pimo.parameter.{PARAMETER} is not what pimo writes there: {error}"),
        })
    }

    /// Puts the scores of rows back into the published format, in order of path.
    ///
    /// # Errors
    /// An anomalous image has no AUPIMO.
    pub fn scores(&self, rows: &[ImageRow]) -> Result<PublishedScores> {
        if let Some(row) = rows.iter().find(|row| row.is_anomalous && row.aupimo.is_none()) {
            return Err(StoreError::Rows {
                table: "images",
                message: format!(
                    "the AUPIMO of {} ({}) is null, and the published format has no word for that",
                    row.image_id, row.model
                ),
            });
        }
        let mut images: Vec<(&str, f64)> =
            rows.iter().map(|row| (path_of(row), row.aupimo.unwrap_or(f64::NAN))).collect();
        images.sort_by(|a, b| a.0.cmp(b.0));
        Ok(PublishedScores {
            shared_fpr_metric: self.shared_fpr_metric.clone(),
            fpr_lower_bound: self.fpr_lower_bound,
            fpr_upper_bound: self.fpr_upper_bound,
            num_threshs: self.num_threshs,
            thresh_lower_bound: self.thresh_lower_bound,
            thresh_upper_bound: self.thresh_upper_bound,
            aupimos: images.iter().map(|(_, score)| *score).collect(),
            paths: self.has_paths.then(|| images.iter().map(|(path, _)| (*path).to_owned()).collect()),
        })
    }
}

/// The path that stands for an image: its own, else that of its map, else its id.
fn path_of(row: &ImageRow) -> &str {
    let map = row.map_path.as_deref().filter(|path| !path.contains('#'));
    row.image_path.as_deref().or(map).unwrap_or(&row.image_id)
}

impl PublishedScores {
    /// The images as rows, in order of their ids. What the file does not say is null.
    ///
    /// # Errors
    /// Two images have the same id, or a score is infinite.
    pub fn rows(&self, model: &str, category: &str) -> Result<Vec<ImageRow>> {
        let row = |image: crate::PublishedImage| ImageRow {
            model: model.to_owned(),
            category: category.to_owned(),
            defect: image.defect,
            is_anomalous: image.score.is_some(),
            aupimo: image.score,
            image_path: image.path,
            image_id: image.image_id,
            ..ImageRow::default()
        };
        if let Some(score) = self.aupimos.iter().find(|score| score.is_infinite()) {
            return Err(StoreError::Rows {
                table: "images",
                message: format!("a score is {score}, expected a number"),
            });
        }
        let mut rows: Vec<ImageRow> = self.images(category).into_iter().map(row).collect();
        rows.sort_by(|a, b| a.image_id.cmp(&b.image_id));
        match rows.windows(2).find(|pair| pair[0].image_id == pair[1].image_id) {
            None => Ok(rows),
            Some(pair) => Err(StoreError::Rows {
                table: "images",
                message: format!(
                    "two images of {category} are called {}: their paths differ in suffix only",
                    pair[0].image_id
                ),
            }),
        }
    }
}

/// The parameters in the metadata of a table that pimo wrote, by name.
///
/// # Errors
/// The file cannot be opened or is no Parquet file.
pub fn table_parameters(path: &Path) -> Result<BTreeMap<String, String>> {
    let file = ParquetFile::open(path)?;
    let parameters = file.key_values().filter_map(|(key, value)| {
        let name = key.strip_prefix("pimo.parameter.")?;
        Some((name.to_owned(), value.to_owned()))
    });
    Ok(parameters.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn published() -> PublishedScores {
        PublishedScores {
            shared_fpr_metric: Some("mean-per-image-fpr".to_owned()),
            fpr_lower_bound: 1e-5,
            fpr_upper_bound: 1e-4,
            num_threshs: None,
            thresh_lower_bound: Some(14.400_452_613_830_566),
            thresh_upper_bound: Some(-0.1),
            aupimos: vec![0.25, f64::NAN, 1.0],
            paths: Some(
                ["MVTec/nut/test/bent/001.png", "MVTec/nut/test/good/000.png", "MVTec/nut/test/scratch/000.png"]
                    .map(str::to_owned)
                    .into(),
            ),
        }
    }

    fn there_and_back(scores: &PublishedScores) -> PublishedScores {
        let facts = [PublishedFacts::of("padim", "mvtec/nut", scores)];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images.parquet");
        let rows = scores.rows("padim", "mvtec/nut").unwrap();
        let mut table = crate::TableWriter::create(&path, &[PublishedFacts::parameter(&facts).unwrap()]).unwrap();
        for row in &rows {
            table.push(row).unwrap();
        }
        table.finish().unwrap().publish().unwrap();
        let read: Vec<ImageRow> = crate::TableRows::open(&path).unwrap().map(Result::unwrap).collect();
        assert_eq!(read, rows);
        let facts = PublishedFacts::read(&path).unwrap();
        facts[0].scores(&read).unwrap()
    }

    #[test]
    fn rows_give_the_same_file_back() {
        let scores = published();
        assert_eq!(there_and_back(&scores).to_json(), scores.to_json());
        let without = PublishedScores { paths: None, num_threshs: Some(3), ..scores };
        assert_eq!(there_and_back(&without).to_json(), without.to_json());
    }

    #[test]
    fn what_cannot_be_converted_is_refused() {
        let mut scores = published();
        scores.paths.as_mut().unwrap()[1] = "MVTec/nut/test/bent/001.jpg".to_owned();
        let error = scores.rows("padim", "nut").unwrap_err().to_string();
        assert!(error.contains("nut/bent/001"), "{error}");
        let mut rows = published().rows("padim", "nut").unwrap();
        rows[0].aupimo = None;
        let error = PublishedFacts::default().scores(&rows).unwrap_err().to_string();
        assert!(error.contains("nut/bent/001") && error.contains("is null"), "{error}");
        scores.thresh_lower_bound = Some(f64::INFINITY);
        assert!(PublishedFacts::parameter(&[PublishedFacts::of("a", "b", &scores)]).is_err());
    }

    #[test]
    fn paths_of_runs_are_those_that_exports_use() {
        let row = |image: Option<&str>, map: Option<&str>| ImageRow {
            image_id: "nut/bent/000".into(),
            image_path: image.map(str::to_owned),
            map_path: map.map(str::to_owned),
            ..Default::default()
        };
        assert_eq!(path_of(&row(Some("a.png"), Some("b.npy"))), "a.png");
        assert_eq!(path_of(&row(None, Some("b.npy"))), "b.npy");
        assert_eq!(path_of(&row(None, Some("b.pt#7"))), "nut/bent/000");
    }
}
