//! Published scores to `images.parquet`, and back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pimo_store::{
    ImageRow, PublishedDataset, PublishedFacts, PublishedScores, RUN_FILE, RunReader, StagedFile, StoreError,
    TableRows, TableWriter, table_parameters,
};

use super::unfit;
use crate::exit::Failure;

/// The detectors and categories to be converted; empty for all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selected<'a> {
    pub(crate) models: &'a [String],
    pub(crate) categories: &'a [String],
}

impl Selected<'_> {
    fn holds(&self, model: &str, category: &str) -> bool {
        let wanted = |names: &[String], name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        wanted(self.models, model) && wanted(self.categories, category)
    }
}

/// What was converted, in numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Converted {
    pub(crate) images: u64,
    pub(crate) results: u64,
    /// Detectors and categories whose AUPIMO is null, which the published format cannot say: no file is written for them.
    pub(crate) undefined: Vec<(String, String)>,
}

/// A published file, and whose scores it holds.
pub(crate) struct Published {
    pub(crate) model: String,
    pub(crate) category: String,
    pub(crate) file: PathBuf,
}

impl From<&PublishedDataset> for Published {
    fn from(dataset: &PublishedDataset) -> Self {
        let (model, category) = (dataset.model().to_owned(), dataset.category().to_owned());
        Self { model, category, file: dataset.scores_path() }
    }
}

/// Writes the scores of published files as one `images.parquet`. One category is in memory at a time.
///
/// # Errors
/// Files that cannot be read or whose images are not told apart, and a table that cannot be written.
pub(crate) fn import(
    files: impl IntoIterator<Item = Published>,
    selected: Selected<'_>,
    out: &Path,
) -> Result<Converted, Failure> {
    let mut categories: BTreeMap<String, Vec<Published>> = BTreeMap::new();
    for file in files.into_iter().filter(|file| selected.holds(&file.model, &file.category)) {
        categories.entry(file.category.clone()).or_default().push(file);
    }
    if categories.is_empty() {
        return Err(Failure::usage("there are no scores of the detectors and categories asked for"));
    }
    let mut facts = Vec::new();
    for file in categories.values().flatten() {
        facts.push(PublishedFacts::of(&file.model, &file.category, &PublishedScores::read(&file.file)?));
    }
    let mut table = TableWriter::create(out, &parameters(&facts)?)?;
    let mut converted = Converted::default();
    for (category, files) in &categories {
        let mut rows: Vec<ImageRow> = Vec::new();
        for file in files {
            let scores = PublishedScores::read(&file.file)?;
            rows.extend(scores.rows(&file.model, category).map_err(|error| unfit(&file.file, error))?);
        }
        rows.sort_by(|a, b| (&a.image_id, &a.model).cmp(&(&b.image_id, &b.model)));
        rows.iter().try_for_each(|row| table.push(row))?;
        converted.images += rows.len() as u64;
        converted.results += files.len() as u64;
    }
    table.finish()?.publish()?;
    Ok(converted)
}

/// What the table's metadata says: bounds, where they are the same for all, and everything that makes the files again.
fn parameters(facts: &[PublishedFacts]) -> Result<Vec<(String, String)>, StoreError> {
    let mut parameters = Vec::new();
    let bounds: BTreeSet<[String; 2]> = facts
        .iter()
        .map(|facts| [facts.fpr_lower_bound, facts.fpr_upper_bound].map(|bound| format!("{bound:e}")))
        .collect();
    if let (1, Some([lower, upper])) = (bounds.len(), bounds.into_iter().next()) {
        parameters.extend([("fpr_lower_bound".to_owned(), lower), ("fpr_upper_bound".to_owned(), upper)]);
    }
    parameters.push(PublishedFacts::parameter(facts)?);
    Ok(parameters)
}

/// Writes the scores of an `images.parquet`, or of a run's folder, in the published format: to one file if `out` is
/// named `.json`, else as `<out>/<model>/<category>/aupimo/aupimos.json`.
///
/// # Errors
/// A table that cannot be read or lacks bounds, AUPIMO that is null everywhere or for some of the images of a category,
/// and files that cannot be written.
pub(crate) fn export(input: &Path, selected: Selected<'_>, out: &Path) -> Result<Converted, Failure> {
    let (table, run) = if input.is_dir() {
        (input.join("images.parquet"), Some(RunReader::open(input)?))
    } else {
        let folder = input.parent().map(Path::to_path_buf).unwrap_or_default();
        let beside = folder.join(RUN_FILE).is_file() && input.file_name() == Some("images.parquet".as_ref());
        (input.to_path_buf(), if beside { Some(RunReader::open(&folder)?) } else { None })
    };
    let sources = FactsOf::new(&table, run.as_ref())?;
    let mut groups: BTreeMap<(String, String), Vec<ImageRow>> = BTreeMap::new();
    for row in TableRows::<ImageRow>::open(&table)? {
        let row = row?;
        if selected.holds(&row.model, &row.category) {
            groups.entry((row.model.clone(), row.category.clone())).or_default().push(row);
        }
    }
    if groups.is_empty() {
        return Err(unfit(&table, "there are no scores of the detectors and categories asked for"));
    }
    let single = out.extension().is_some_and(|ending| ending == "json");
    if single && groups.len() > 1 {
        let message = format!(
            "{} holds {} results of detectors on categories, and one file holds one: choose with --model and \
             --category, or give a folder as output",
            table.display(),
            groups.len()
        );
        return Err(Failure::usage(message));
    }
    let mut converted = Converted::default();
    if !groups.values().all(|rows| is_undefined(rows)) {
        let undefined = groups.extract_if(.., |_, rows| is_undefined(rows));
        converted.undefined = undefined.map(|(names, _)| names).collect();
    }
    let mut staged = Vec::new();
    for ((model, category), rows) in &groups {
        let facts = sources.facts(model, category).ok_or_else(|| {
            let what = "its metadata does not say between which bounds of the shared FPR AUPIMO was computed: give the \
                        table as pimo wrote it, or the folder of the run";
            unfit(&table, what)
        })?;
        let text = facts.scores(rows)?.to_json();
        let path = if single { out.to_path_buf() } else { place(out, model, category)? };
        staged.push(StagedFile::with_text(&path, &text)?);
        converted.images += rows.len() as u64;
        converted.results += 1;
    }
    staged.into_iter().try_for_each(|file| file.publish().map(drop))?;
    Ok(converted)
}

/// Whether there are anomalous images, and none of them has an AUPIMO.
fn is_undefined(rows: &[ImageRow]) -> bool {
    let mut anomalous = rows.iter().filter(|row| row.is_anomalous).peekable();
    anomalous.peek().is_some() && anomalous.all(|row| row.aupimo.is_none())
}

/// The file of a detector and category, with its folders.
fn place(out: &Path, model: &str, category: &str) -> Result<PathBuf, Failure> {
    let plain = |name: &str| name.split('/').all(|part| !matches!(part, "" | "." | "..")) && !name.contains('\\');
    if let Some(name) = [model, category].into_iter().find(|name| !plain(name)) {
        let message = format!("{name:?} cannot be the name of a folder: give a .json file as output instead");
        return Err(Failure::usage(message));
    }
    let folder = out.join(model).join(category).join("aupimo");
    pimo_store::output_folder(&folder, &[], true)?;
    Ok(folder.join("aupimos.json"))
}

/// Where the facts beside the scores come from.
struct FactsOf {
    /// What a converted table says of its origin.
    converted: Vec<PublishedFacts>,
    /// What the table of a run says of it.
    parameters: BTreeMap<String, String>,
    summary: Option<pimo_store::Summary>,
}

impl FactsOf {
    fn new(table: &Path, run: Option<&RunReader>) -> Result<Self, StoreError> {
        Ok(Self {
            converted: PublishedFacts::read(table)?,
            parameters: table_parameters(table)?,
            summary: run.map(RunReader::summary).transpose()?,
        })
    }

    /// None where the bounds are unknown.
    fn facts(&self, model: &str, category: &str) -> Option<PublishedFacts> {
        let known = self.converted.iter().find(|facts| facts.model == model && facts.category == category);
        if let Some(facts) = known {
            return Some(facts.clone());
        }
        let number = |name: &str| self.parameters.get(name)?.parse::<f64>().ok();
        let summary = self.summary.as_ref();
        let thresholds = summary.and_then(|it| it.models.get(model)?.categories.get(category)?.thresholds);
        let shared_fpr = self.parameters.get("shared_fpr").map(|name| match name.as_str() {
            "mean" => "mean-per-image-fpr".to_owned(),
            other => format!("{other}-per-image-fpr"),
        });
        Some(PublishedFacts {
            model: model.to_owned(),
            category: category.to_owned(),
            shared_fpr_metric: shared_fpr,
            fpr_lower_bound: number("fpr_lower_bound")?,
            fpr_upper_bound: number("fpr_upper_bound")?,
            num_threshs: None,
            thresh_lower_bound: thresholds.and_then(|at| at.lower.threshold),
            thresh_upper_bound: thresholds.and_then(|at| at.upper.threshold),
            has_paths: true,
        })
    }
}
