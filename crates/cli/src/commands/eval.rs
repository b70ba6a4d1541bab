//! `pimo eval`.

use std::path::PathBuf;
use std::time::Instant;

use clap::{ArgMatches, Args, ValueEnum};
use pimo_dataset::Problem;
use pimo_pipeline::{Output, PipelineError, RunOutcome, Settings, evaluate, fault_of};
use serde_json::json;

use crate::args::{InputArgs, MeasureArgs, MessageArgs, ResourceArgs};
use crate::exit::{Code, Failure};
use crate::progress::Reporter;
use crate::{hint, interrupt, process, results, standard_output};

/// What it does, in a line.
pub(crate) const ABOUT: &str = "Evaluate anomaly maps against masks: AUPIMO per image, as Parquet";
/// What it does, in full.
pub(crate) const LONG_ABOUT: &str = "Evaluate anomaly maps against masks.\n\n\
        The scores of the normal images fix the thresholds: those at which a fraction L to U of their pixels (1e-5 to \
        1e-4 by default) is wrongly called anomalous. AUPIMO of an image with a defect is the recall of its defect \
        averaged over those thresholds. Results go to a folder, as Parquet and JSON, one row for each image, and a \
        summary is printed. All headers are looked at first, so that bad input is told before work starts.";

/// Arguments of `pimo eval`.
#[derive(Args, Clone, Debug)]
#[command(args_override_self = true, after_help = EXAMPLES)]
pub struct EvalArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    measure: MeasureArgs,
    #[command(flatten)]
    resources: ResourceArgs,
    /// Options about messages.
    #[command(flatten)]
    pub messages: MessageArgs,
}

/// Options about output.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// The folder for the results, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Replace the results that are in the folder, when the new ones are whole
    #[arg(long)]
    force: bool,

    /// Also write the scores in another format
    ///
    /// The scores of the AUPIMO paper were `published` so.
    #[arg(long, value_name = "FORMAT")]
    export: Option<Export>,

    /// Add rows to the printed table
    #[arg(long, value_name = "WHAT")]
    by: Option<By>,
}

/// Other formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Export {
    /// aupimos.json for each category
    Published,
}

/// What the printed table is split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// One row for each kind of defect
    Defect,
}

const EXAMPLES: &str = "\
Examples:
  One detector, MVTec AD layout (maps/screw/test/scratch_head/000.npy and so on):
    pimo eval --maps maps --dataset mvtec --out results --model patchcore
  Two detectors in one run, one category:
    pimo eval --maps padim=out/padim --maps rd=out/rd --dataset mvtec --category screw --out results
  From a table that names every file:
    pimo eval --manifest files.csv --out results
  Numbers that compare with published ones:
    pimo eval --maps maps --dataset mvtec --out results --thresholds linspace --export published";

/// Evaluates, writes and prints.
///
/// # Errors
/// Everything that leaves no result.
pub fn run(args: &EvalArgs, matches: &ArgMatches) -> Result<Code, Failure> {
    let began = Instant::now();
    let input = args.input.to_input()?;
    let mut settings = args.measure.to_settings();
    args.resources.apply(&mut settings);
    let output = Output {
        folder: args.output.out.clone(),
        force: args.output.force,
        published: args.output.export == Some(Export::Published),
    };
    process::prepare(settings.io)?;
    let reporter = Reporter::new(&args.messages);
    reporter.start(start_facts(&settings, &output));
    let outcome = evaluate(&input, &settings, &output, &interrupt::CANCEL, &reporter);
    reporter.clear();
    let outcome = outcome.map_err(|error| failure(error, &reporter, matches))?;
    if !args.messages.quiet {
        reporter.notes(&outcome.notes);
    }
    for warning in &outcome.record.warnings {
        reporter.warning(warning);
    }
    reporter.problems(&outcome.problems);
    if !args.messages.quiet {
        let by_defect = args.output.by == Some(By::Defect);
        let text = results::render(&outcome.summary, &outcome.record, &outcome.paths, by_defect);
        standard_output::print(&text)?;
    }
    let code = if outcome.problems.is_empty() { Code::Done } else { fault_of(&outcome.problems).into() };
    reporter.finished(finished_facts(&outcome, code, began));
    if code != Code::Done {
        let message = listing(&outcome.problems, matches, "what they concern was left out, the rest written");
        return Err(Failure { code, message });
    }
    Ok(code)
}

fn failure(error: PipelineError, reporter: &Reporter, matches: &ArgMatches) -> Failure {
    match error {
        PipelineError::Bad(problems) => {
            reporter.problems(&problems);
            let message = listing(&problems, matches, "nothing was written");
            Failure { code: fault_of(&problems).into(), message }
        }
        error => error.into(),
    }
}

/// The first problems, how many there are, and where to find the others.
fn listing(problems: &[Problem], matches: &ArgMatches, consequence: &str) -> String {
    let count = problems.len();
    let plural = if count == 1 { "" } else { "s" };
    let mut lines = vec![format!("{count} problem{plural} in the input; {consequence}")];
    // A damaged file of many maps is a problem of every one of them.
    for same in problems[..count.min(pimo_pipeline::PROBLEMS_SHOWN)]
        .chunk_by(|a, b| (&a.file, &a.message) == (&b.file, &b.message))
    {
        let times = if same.len() > 1 { format!(" ({} images)", same.len()) } else { String::new() };
        lines.push(format!("  {}{times}", same[0]));
    }
    if count > pimo_pipeline::PROBLEMS_SHOWN {
        lines.push(format!("  and {} more", count - pimo_pipeline::PROBLEMS_SHOWN));
    }
    lines.push(format!("All problems (with --deep those inside of files too): {}", hint::inspect_command(matches)));
    lines.join("\n")
}

fn start_facts(settings: &Settings, output: &Output) -> serde_json::Value {
    let parameters: serde_json::Map<String, serde_json::Value> =
        settings.parameters().into_iter().map(|(name, value)| (name, value.into())).collect();
    json!({
        "command": "eval",
        "pimo_version": env!("CARGO_PKG_VERSION"),
        "parameters": parameters,
        "threads": settings.threads,
        "memory": settings.memory,
        "out": output.folder.to_string_lossy(),
    })
}

fn finished_facts(outcome: &RunOutcome, code: Code, began: Instant) -> serde_json::Value {
    json!({
        "seconds": began.elapsed().as_secs_f64(),
        "exit_code": code as u8,
        "problems": outcome.problems.len(),
        "warnings": outcome.record.warnings.len(),
        "folder": outcome.paths.folder.to_string_lossy(),
        "files": outcome.paths.files.keys().collect::<Vec<_>>(),
    })
}
