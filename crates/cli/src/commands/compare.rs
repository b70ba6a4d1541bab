//! `pimo compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pimo_analysis::compare::{Category, Settings, compare};
use pimo_evidence::match_up;
use pimo_store::output_folder;

use crate::args::{LogFormat, MatchingArgs, SourceArgs, StatisticsArgs};
use crate::comparison::{self, Compared, Layout};
use crate::exit::{Code, Failure};
use crate::progress::Reporter;
use crate::{shell, standard_output};

/// What it does, in a line.
pub(crate) const ABOUT: &str = "Compare detectors image by image: ranks, tests, intervals";
/// What it does, in full.
pub(crate) const LONG_ABOUT: &str = "Compare detectors image by image.\n\n\
        Detectors are matched by image: each anomalous image ranks them (1 is best), and the ranks are averaged. \
        Wilcoxon's signed-rank test and the paired t-test say of every pair whether one is better than chance \
        explains; Friedman's test, whether they differ at all; Nemenyi's critical difference, how far average ranks \
        have to lie apart. Means and the differences of detectors next to each other have bootstrap intervals. Over \
        several categories, the categories are ranked instead of the images, and won categories are counted.\n\n\
        Runs that were made in different ways (bounds, thresholds, masks) are refused.";

/// Arguments of `pimo compare`.
#[derive(Args, Clone, Debug)]
#[command(args_override_self = true, after_help = EXAMPLES)]
pub struct CompareArgs {
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    matching: MatchingArgs,
    #[command(flatten)]
    statistics: StatisticsArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Options about output.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// A folder for models.parquet, pairs.parquet, neighbours.parquet and omnibus.parquet
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Replace these tables if they are in the folder
    #[arg(long, requires = "out")]
    force: bool,

    /// Print a table for each category, however many there are
    #[arg(long, value_name = "WHAT")]
    by: Option<By>,
}

/// What the printed tables are split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// One table for each category
    Category,
}

const EXAMPLES: &str = "\
What the printed tables say:
  over next   mean difference to the detector on the next line, with its interval
  p better    p-value of the Wilcoxon test that this difference is greater than zero
  p differs   p-value of the two-sided test
  wins over   categories in which the detector beats that of line #1, #2, ... (see --confidence)

Examples:
  Two runs, or all detectors of one run:
    pimo compare runs/padim runs/patchcore
  Tables for DuckDB or Polars, without intervals:
    pimo compare runs/* --bootstrap 0 --out comparison
  As in the AUPIMO paper:
    pimo compare --published benchmark --category visa/cashew
  A detector of your own beside published ones (evaluate it with --thresholds linspace):
    pimo compare results --published benchmark --intersect";

/// Compares, writes and prints.
///
/// # Errors
/// Results that cannot be read, matched or compared, and tables that cannot be written.
pub fn run(args: &CompareArgs) -> Result<Code, Failure> {
    if let Some(folder) = &args.output.out {
        output_folder(folder, &comparison::TABLES, args.output.force)?;
    }
    let evidence = args.sources.read(&args.sources.open()?)?;
    let matched = match_up(&evidence, args.matching.to_matching())?;
    let reporter = Reporter::quiet(LogFormat::Text);
    for warning in evidence.own_warnings().iter().chain(&matched.warnings) {
        reporter.warning(warning);
    }
    let settings = args.statistics.to_settings();
    let categories: Vec<Category<'_>> =
        matched.categories.iter().map(|category| Category { name: category.name, scores: &category.scores }).collect();
    let comparison = compare(&matched.models, &categories, &settings)?;
    let compared = Compared {
        score: &args.sources.score,
        matched: &matched,
        comparison: &comparison,
        confidence: args.statistics.confidence,
    };
    let layout = if args.output.by.is_some() { Layout::Categories } else { Layout::Auto };
    let mut text = comparison::render(&compared, layout);
    if let Some(folder) = &args.output.out {
        comparison::write(&compared, folder, &args.parameters(&settings))?;
        let tables = comparison::TABLES.join(", ");
        text = format!("{text}Tables are in {}: {tables}\n", shell::quoted(folder.as_os_str()));
    }
    standard_output::print(&text)?;
    Ok(Code::Done)
}

impl CompareArgs {
    /// What the tables depend on besides the scores.
    fn parameters(&self, settings: &Settings) -> Vec<(String, String)> {
        let matching = if self.matching.intersect { "intersect" } else { "strict" };
        [
            ("score", self.sources.score.clone()),
            ("matching", matching.to_owned()),
            ("zero_method", settings.zero_method.name().to_owned()),
            ("atol", settings.tolerance.to_string()),
            ("bootstrap", settings.bootstrap.resamples.to_string()),
            ("seed", settings.bootstrap.seed.to_string()),
            ("confidence", self.statistics.confidence.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
