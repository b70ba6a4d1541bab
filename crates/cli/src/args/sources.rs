//! Options that say which results are looked at.

use std::path::PathBuf;

use clap::Args;
use pimo_evidence::{Evidence, Matching, Selection, Source};

use crate::exit::Failure;

/// Options about results that are there already.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Results to read")]
pub struct SourceArgs {
    /// Folders of runs, as `pimo eval --out` wrote them
    ///
    /// A run may hold several detectors. Where two runs have a detector of the same name, the name of the run is added.
    #[arg(value_name = "RUN", required_unless_present = "published", help_heading = None)]
    pub runs: Vec<PathBuf>,

    /// A folder of published scores; repeat for several
    ///
    /// As the AUPIMO paper's: `<model>/<collection>/<dataset>/aupimo/aupimos.json`, and auroc.json, aupr.json and
    /// aupro.json beside aupimo. The category is `<collection>/<dataset>`. Also what `pimo eval --export published`
    /// wrote.
    #[arg(long, value_name = "DIR")]
    pub published: Vec<PathBuf>,

    /// Only this detector; repeat for several [default: all]
    #[arg(long, value_name = "NAME")]
    pub model: Vec<String>,

    /// Only this category; repeat for several [default: all]
    #[arg(long, value_name = "NAME")]
    pub category: Vec<String>,

    /// The score of each image: a column of images.parquet
    ///
    /// Such as `aupimo`, `best_iou` or `recall_at_upper_threshold`. `recall`, `precision` and `iou` stand for those at the
    /// lower threshold, where the shared FPR reaches its upper bound. Published scores have `aupimo` alone.
    #[arg(long, value_name = "COLUMN", default_value = "aupimo", value_parser = score_column)]
    pub score: String,
}

/// What happens to images that some detectors lack.
#[derive(Args, Clone, Debug)]
pub struct MatchingArgs {
    /// Go on with the images and categories that all detectors have
    ///
    /// Detectors are matched by category and image id. Without this option, an image or a category that some detector
    /// has no score of is an error, and listed.
    #[arg(long)]
    pub intersect: bool,
}

/// The column that a short name stands for.
pub(crate) fn score_column(text: &str) -> Result<String, String> {
    match text {
        "" => Err("expected the name of a column, for example aupimo".to_owned()),
        "recall" | "precision" | "iou" => Ok(format!("{text}_at_lower_threshold")),
        column => Ok(column.to_owned()),
    }
}

impl SourceArgs {
    /// Opens the runs and trees.
    ///
    /// # Errors
    /// A folder that is not what it should be.
    pub fn open(&self) -> Result<Vec<Source>, Failure> {
        Ok(Source::open_all(&self.runs, &self.published)?)
    }

    /// Reads the scores that were asked for.
    ///
    /// # Errors
    /// Results that cannot be read or compared, or names that they do not have.
    pub fn read(&self, sources: &[Source]) -> Result<Evidence, Failure> {
        let mut evidence = Evidence::of(sources, &self.score)?;
        evidence.select(&Selection { models: self.model.clone(), categories: self.category.clone() })?;
        Ok(evidence)
    }
}

impl MatchingArgs {
    /// What the libraries take.
    pub fn to_matching(&self) -> Matching {
        if self.intersect { Matching::Intersect } else { Matching::Strict }
    }
}
