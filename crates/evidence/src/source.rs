//! Where results come from.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use pimo_store::{PublishedTree, RunReader};

use crate::other_scores::OtherScores;
use crate::run_facts::Parameters;
use crate::{Evidence, EvidenceError, published, run_facts, runs};

/// A place that results are read from, and what it is called.
#[derive(Debug, Clone)]
pub enum Source {
    /// A folder that `pimo eval` wrote.
    Run {
        /// Name for the reader; it tells detectors of the same name apart.
        label: String,
        /// The run.
        reader: Box<RunReader>,
    },
    /// A tree of published scores.
    Published {
        /// Name for the reader.
        label: String,
        /// The tree.
        tree: PublishedTree,
    },
}

impl Source {
    /// Opens run folders and trees of published scores. Each is called by the name of its folder, or by its whole path
    /// where several have the same name.
    ///
    /// # Errors
    /// A folder that is not what it should be, or is given twice.
    pub fn open_all(runs: &[PathBuf], published: &[PathBuf]) -> Result<Vec<Self>, EvidenceError> {
        let mut sources = Vec::with_capacity(runs.len() + published.len());
        let paths: Vec<&PathBuf> = runs.iter().chain(published).collect();
        for (position, &path) in paths.iter().enumerate() {
            let others = || paths.iter().enumerate().filter(|&(other, _)| other != position).map(|(_, path)| *path);
            let same_name = others().any(|other| name(other) == name(path));
            let label = if same_name { path.display().to_string() } else { name(path) };
            sources.push(if position < runs.len() {
                Self::Run { label, reader: Box::new(RunReader::open(path)?) }
            } else {
                Self::Published { label, tree: PublishedTree::open(path)? }
            });
        }
        Ok(sources)
    }

    /// What it is called.
    pub fn label(&self) -> &str {
        match self {
            Self::Run { label, .. } | Self::Published { label, .. } => label,
        }
    }

    /// The run, if it is one.
    pub fn run(&self) -> Option<&RunReader> {
        match self {
            Self::Run { reader, .. } => Some(reader),
            Self::Published { .. } => None,
        }
    }

    /// What a category of the evidence is called in this source: beside published scores a run's `screw` counts as
    /// `mvtec/screw`, and its own tables know `screw` alone.
    pub fn own_category<'a>(&self, category: &'a str) -> &'a str {
        let last = category.rsplit('/').next().unwrap_or(category);
        match self.run() {
            Some(run) if !run.record().categories.iter().any(|own| own == category) => last,
            _ => category,
        }
    }

    /// Names of the detectors.
    fn models(&self) -> BTreeSet<&str> {
        match self {
            Self::Run { reader, .. } => reader.record().models.iter().map(String::as_str).collect(),
            Self::Published { tree, .. } => tree.models(),
        }
    }
}

/// The name of a folder, `.` and the like resolved.
fn name(path: &Path) -> String {
    let named = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let resolved = || path.canonicalize().ok().as_deref().and_then(named);
    named(path).or_else(resolved).unwrap_or_else(|| path.display().to_string())
}

impl Evidence {
    /// What the runs warned of when they were made, in one line: the first warning, and how many there are.
    pub fn own_warnings(&self) -> Option<String> {
        let first = self.warnings.first()?;
        let count = self.warnings.len();
        let plural = if count == 1 { "" } else { "s" };
        Some(format!("the runs gave {count} warning{plural} when they were made, see their summary.json: {first}"))
    }

    /// Reads one score per image, the metrics of the categories, and how the runs were made. `score` is a column of
    /// `images.parquet`; published files have `aupimo` alone. Beside published scores, a run's category `screw` counts
    /// as `mvtec/screw` where that is the only published one of this name.
    ///
    /// # Errors
    /// A source cannot be read, has no such score, or was made with other parameters than the first run.
    pub fn of(sources: &[Source], score: &str) -> Result<Self, EvidenceError> {
        let names = Names::of(sources);
        let mut evidence = Self { score: score.to_owned(), ..Self::default() };
        let mut others = OtherScores::default();
        let mut first: Option<(&str, Parameters)> = None;
        for (position, source) in sources.iter().enumerate() {
            match source {
                Source::Run { label, reader } => {
                    let summary = reader.summary()?;
                    match &first {
                        Some((first_label, first)) => {
                            run_facts::check_parameters(first_label, first, label, &summary.parameters, score)?;
                        }
                        None => first = Some((label, summary.parameters.clone())),
                    }
                    evidence.runs.push(run_facts::description(label, reader.record()));
                    evidence.warnings.extend(run_facts::warnings(label, reader.record(), &summary));
                    evidence.results.extend(runs::results(reader, position, score, &summary, &names, &mut others)?);
                }
                Source::Published { label, tree } => {
                    others.none();
                    let (description, results) = published::results(label, tree, position, score, &names)?;
                    evidence.runs.push(description);
                    evidence.results.extend(results);
                }
            }
        }
        evidence.other_scores = others.beside(score);
        let mixed = sources.iter().any(|source| source.run().is_none());
        if mixed && first.is_some() {
            published::add_collections(&mut evidence.results, |result| sources[result.run].run().is_none());
        }
        Ok(evidence)
    }

    /// What the detector `model` of the source at `position` is called in results of these sources: its name, with the
    /// label of the source where several have a detector of this name.
    pub fn model_name(sources: &[Source], position: usize, model: &str) -> String {
        Names::of(sources).shown(position, model)
    }
}

/// What detectors are called where several sources have one of the same name.
pub(crate) struct Names {
    labels: Vec<String>,
    /// Names that more than one source has.
    ambiguous: HashSet<String>,
}

impl Names {
    fn of(sources: &[Source]) -> Self {
        let mut seen = HashSet::new();
        let mut ambiguous = HashSet::new();
        for model in sources.iter().flat_map(Source::models) {
            if !seen.insert(model) {
                ambiguous.insert(model.to_owned());
            }
        }
        Self { labels: sources.iter().map(|source| source.label().to_owned()).collect(), ambiguous }
    }

    pub(crate) fn shown(&self, source: usize, model: &str) -> String {
        if self.ambiguous.contains(model) { format!("{model} ({})", self.labels[source]) } else { model.to_owned() }
    }
}
