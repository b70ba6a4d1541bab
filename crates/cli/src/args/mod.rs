//! The command line as it is typed, and what the libraries make of it.

mod bounds;
mod input;
mod maps;
mod measure;
mod memory;
mod messages;
mod metrics;
mod moved;
pub(crate) mod number;
mod outliers;
mod resources;
mod size;
mod sources;
mod statistics;

pub use input::InputArgs;
pub use maps::NamedMaps;
pub use measure::MeasureArgs;
pub use memory::Memory;
pub use messages::{LogFormat, MessageArgs, ShowProgress};
pub use moved::MovedArgs;
pub use outliers::Outliers;
pub use resources::ResourceArgs;
pub use size::parse_size;
pub(crate) use sources::score_column;
pub use sources::{MatchingArgs, SourceArgs};
pub use statistics::{StatisticsArgs, ZeroMethodChoice};

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::compare::CompareArgs;
use crate::commands::completions::CompletionsArgs;
use crate::commands::convert::ConvertArgs;
use crate::commands::eval::EvalArgs;
use crate::commands::heatmap::HeatmapArgs;
use crate::commands::inspect::InspectArgs;
use crate::commands::report::ReportArgs;
use crate::commands::stats::StatsArgs;
use crate::commands::synth::SynthArgs;
use crate::commands::threshold::ThresholdArgs;
use crate::commands::{compare, convert, eval, heatmap, inspect, report, stats, synth, threshold};

/// Measures how well a visual anomaly detector localises defects.
///
/// You have a detector that writes one anomaly map per image (a score for every pixel) and a test set with masks that
/// mark the defects. pimo reads both and computes a score for every image with a defect: AUPIMO, the recall of the
/// image's defect averaged over strict limits of false positives on normal images. It reads one image at a time, so
/// the dataset may be far larger than memory.
#[derive(Debug, Parser)]
#[command(name = "pimo", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The command line, for clap: a negative number after an option is its value, to be accepted or refused as such,
    /// and not taken for an unknown option.
    pub fn parser() -> clap::Command {
        let negative = |argument: clap::Arg| {
            let takes_value = argument.get_action().takes_values() && !argument.is_positional();
            if takes_value { argument.allow_negative_numbers(true) } else { argument }
        };
        Self::command().mut_subcommands(|command| command.mut_args(negative))
    }
}

const EXAMPLES: &str = "\
Try it on made-up data:
  pimo synth --out demo
  pimo eval --maps demo/maps/detector --dataset demo/dataset --out results

`pimo COMMAND --help` explains every option. Exit codes: 0 done, 1 a mistake in pimo, 2 wrong usage,
3 bad input data, 4 an error of the operating system, 130 and 143 interrupted.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// `pimo eval`.
    #[command(about = eval::ABOUT, long_about = eval::LONG_ABOUT)]
    Eval(EvalArgs),
    /// `pimo inspect`.
    #[command(about = inspect::ABOUT, long_about = inspect::LONG_ABOUT)]
    Inspect(InspectArgs),
    /// `pimo synth`.
    #[command(about = synth::ABOUT, long_about = synth::LONG_ABOUT)]
    Synth(SynthArgs),
    /// `pimo heatmap`.
    #[command(about = heatmap::ABOUT, long_about = heatmap::LONG_ABOUT)]
    Heatmap(HeatmapArgs),
    /// `pimo report`.
    #[command(about = report::ABOUT, long_about = report::LONG_ABOUT)]
    Report(Box<ReportArgs>),
    /// `pimo threshold`.
    #[command(about = threshold::ABOUT, long_about = threshold::LONG_ABOUT)]
    Threshold(ThresholdArgs),
    /// `pimo stats`.
    #[command(about = stats::ABOUT, long_about = stats::LONG_ABOUT)]
    Stats(StatsArgs),
    /// `pimo compare`.
    #[command(about = compare::ABOUT, long_about = compare::LONG_ABOUT)]
    Compare(CompareArgs),
    /// `pimo convert`.
    #[command(about = convert::ABOUT, long_about = convert::LONG_ABOUT)]
    Convert(ConvertArgs),
    /// Print a script that completes pimo's options in your shell
    Completions(CompletionsArgs),
}

impl Command {
    /// How messages are written.
    pub fn log_format(&self) -> LogFormat {
        match self {
            Self::Eval(args) => args.messages.log_format,
            Self::Inspect(args) => args.messages.log_format,
            Self::Synth(args) => args.messages.log_format,
            Self::Heatmap(args) => args.messages.log_format,
            Self::Report(args) => args.messages.log_format,
            Self::Convert(args) => args.messages.log_format,
            Self::Threshold(_) | Self::Stats(_) | Self::Compare(_) | Self::Completions(_) => LogFormat::Text,
        }
    }
}
