//! `pimo stats`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pimo_analysis::exemplar::RepeatPolicy;
use pimo_store::{StagedFile, output_folder};

use crate::args::{LogFormat, Outliers, SourceArgs};
use crate::exit::{Code, Failure};
use crate::progress::Reporter;
use crate::statistics::{self, Layout, Policies};
use crate::{shell, standard_output};

/// What it does, in a line.
pub(crate) const ABOUT: &str = "Describe the scores of a run's images, and choose images that show them";
/// What it does, in full.
pub(crate) const LONG_ABOUT: &str = "Describe the scores of a run's images.\n\n\
        For each detector and category, and for each kind of defect: mean, median, quartiles and whiskers of the \
        scores of the anomalous images, how many are exactly 0 and exactly 1, and for each statistic the image whose \
        score is nearest to it. These images are examples that nobody has picked by hand: `pimo heatmap` draws them.";

/// Files that are written.
const FILES: [&str; 2] = ["stats.parquet", "stats.json"];

/// Arguments of `pimo stats`.
#[derive(Args, Clone, Debug)]
#[command(args_override_self = true, after_help = EXAMPLES)]
pub struct StatsArgs {
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    choice: ChoiceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Options about the images that show a statistic.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Images")]
struct ChoiceArgs {
    /// Which outliers get an image of their own
    #[arg(long, value_name = "WHICH", default_value = "none")]
    outliers: Outliers,

    /// Whether an image may stand for several statistics
    #[arg(long, value_name = "WHETHER", default_value = "avoid")]
    repeats: Repeats,

    /// How far another image's score may lie from the statistic to avoid a repeat
    #[arg(long, value_name = "DIFFERENCE", default_value = "1e-2", value_parser = tolerance, allow_hyphen_values = true)]
    tolerance: f64,
}

/// Whether images are shown more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Repeats {
    /// Take the next one within the tolerance, if there is one
    Avoid,
    /// Take the nearest, whatever it stands for already
    Allow,
}

/// Options about output.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// A folder for stats.parquet and stats.json
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Replace these files if they are in the folder
    #[arg(long, requires = "out")]
    force: bool,

    /// Add rows to the printed tables
    #[arg(long, value_name = "WHAT")]
    by: Option<By>,

    /// Print the images nearest to the statistics, however many there are
    #[arg(long)]
    images: bool,

    /// How the statistics are printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// What the printed tables are split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// One row for each kind of defect
    Defect,
}

/// Formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Aligned tables
    Text,
    /// What stats.json holds
    Json,
}

const EXAMPLES: &str = "\
Names of statistics, as in the AUPIMO paper's code: mean; q1, med, q3 the quartiles;
whislo, whishi the ends of the whiskers; outlo_000000, outhi_000000 and so on the outliers.

Examples:
  A table, and files for programs:
    pimo stats results --out results-stats --by defect
  With the images that are unusually bad:
    pimo stats results --outliers low
  Published scores of one detector:
    pimo stats --published benchmark --model patchcore_wr50 --category mvtec/screw";

fn tolerance(text: &str) -> Result<f64, String> {
    let usable = |value: &f64| value.is_finite() && *value >= 0.0;
    text.parse().ok().filter(usable).ok_or_else(|| "expected a number of at least 0, such as 1e-2".to_owned())
}

/// Computes, writes and prints.
///
/// # Errors
/// Results that cannot be read, and files that cannot be written.
pub fn run(args: &StatsArgs) -> Result<Code, Failure> {
    if let Some(folder) = &args.output.out {
        output_folder(folder, &FILES, args.output.force)?;
    }
    let evidence = args.sources.read(&args.sources.open()?)?;
    let score = args.sources.score.as_str();
    let (described, without) = statistics::describe(&evidence, args.choice.policies())?;
    let undefined: Vec<String> = without
        .iter()
        .map(|result| format!("{} has no {score} on {}: it is undefined there", result.model, result.category))
        .collect();
    if described.is_empty() {
        return Err(evidence.undefined().into());
    }
    let reporter = Reporter::quiet(LogFormat::Text);
    for warning in evidence.own_warnings().iter().chain(&undefined) {
        reporter.warning(warning);
    }
    let parameters = args.parameters();
    let json = statistics::json(&described, &parameters);
    if let Some(folder) = &args.output.out {
        let table = statistics::write(&described, &folder.join(FILES[0]), &parameters)?;
        let staged = [table, StagedFile::with_json(&folder.join(FILES[1]), &json)?];
        staged.into_iter().try_for_each(|file| file.publish().map(drop))?;
    }
    let text = match args.output.format {
        Format::Json => format!("{json:#}\n"),
        Format::Text => {
            let layout = Layout { by_defect: args.output.by.is_some(), images: args.output.images };
            let text = statistics::render(&described, score, layout);
            match &args.output.out {
                Some(folder) => {
                    format!("{text}Files are in {}: {}\n", shell::quoted(folder.as_os_str()), FILES.join(", "))
                }
                None => text,
            }
        }
    };
    standard_output::print(&text)?;
    Ok(Code::Done)
}

impl ChoiceArgs {
    fn policies(&self) -> Policies {
        let repeats = match self.repeats {
            Repeats::Avoid => RepeatPolicy::Avoid { tolerance: self.tolerance },
            Repeats::Allow => RepeatPolicy::Allow,
        };
        Policies { outliers: self.outliers.into(), repeats }
    }
}

impl StatsArgs {
    /// What the files depend on besides the scores.
    fn parameters(&self) -> Vec<(String, String)> {
        let repeats = match self.choice.repeats {
            Repeats::Avoid => "avoid",
            Repeats::Allow => "allow",
        };
        [
            ("score", self.sources.score.clone()),
            ("outliers", self.choice.outliers.name().to_owned()),
            ("repeats", repeats.to_owned()),
            ("tolerance", self.choice.tolerance.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
