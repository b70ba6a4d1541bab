//! `pimo threshold`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pimo_finaliser::Decimal;
use pimo_store::{AxisRow, RunReader};
use pimo_store::{OperatingPoint, Summary};
use serde_json::json;

use crate::args::LogFormat;
use crate::csv;
use crate::exit::{Code, Failure};
use crate::progress::Reporter;
use crate::standard_output;
use crate::table::{Align, Table};

/// What it does, in a line.
pub(crate) const ABOUT: &str = "Print the operating threshold of each category of a finished run";
/// What it does, in full.
pub(crate) const LONG_ABOUT: &str = "Print the operating threshold of each category of a finished run.\n\n\
        For each detector and category: the highest threshold at which the shared false-positive rate of the normal \
        images is at least the rate asked for, the shared FPR that it reaches, and the FPR of the worst normal image \
        there. A pixel is called anomalous when its score is at or above the threshold.\n\n\
        A run keeps about 200 points of the axis below its upper bound, and the two bounds exactly; between points the \
        next one that reaches the rate is taken. Evaluate with --curves full to keep every threshold.";

/// Arguments of `pimo threshold`.
#[derive(Args, Clone, Debug)]
#[command(args_override_self = true, after_help = "Example:\n  pimo threshold results --fpr 1e-4 --format csv")]
pub struct ThresholdArgs {
    /// The folder of a run, as `pimo eval --out` wrote it
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// The shared false-positive rate to operate at
    #[arg(long, value_name = "RATE")]
    fpr: Decimal,

    /// How thresholds are printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// An aligned table
    Text,
    /// A JSON list
    Json,
    /// Comma-separated values
    Csv,
}

/// The threshold of one detector in one category.
struct Operating {
    model: String,
    category: String,
    threshold: f64,
    shared_fpr: f64,
    /// FPR of the worst normal image, if known.
    max_fpr: Option<f64>,
}

/// Looks up and prints.
///
/// # Errors
/// The folder holds no run, or the run does not reach up to the rate.
pub fn run(args: &ThresholdArgs) -> Result<Code, Failure> {
    if args.fpr.value() <= 0.0 {
        return Err(Failure::usage("--fpr has to be greater than 0, for example 1e-4"));
    }
    let run = RunReader::open(&args.run)?;
    let summary = run.summary()?;
    let mut axes: BTreeMap<(String, String), Vec<AxisRow>> = BTreeMap::new();
    for row in run.axis()? {
        let row = row?;
        axes.entry((row.category.clone(), row.model.clone())).or_default().push(row);
    }
    let mut found = Vec::with_capacity(axes.len());
    for ((category, model), axis) in axes {
        let stored = stored_point(&summary, &model, &category, args.fpr);
        let operating = operating(&axis, stored, args.fpr.value());
        let Some((threshold, shared_fpr, max_fpr)) = operating else {
            return Err(beyond(args, &category, &model, &axis));
        };
        found.push(Operating { model, category, threshold, shared_fpr, max_fpr });
    }
    warn(args, &found);
    standard_output::print(&match args.format {
        Format::Text => text(&found),
        Format::Json => json_list(&found, args.fpr),
        Format::Csv => csv_list(&found),
    })?;
    Ok(Code::Done)
}

/// One of the run's own operating points, if it is for this rate: decided on integers, not on rounded rates.
fn stored_point(summary: &Summary, model: &str, category: &str, fpr: Decimal) -> Option<OperatingPoint> {
    let thresholds = summary.models.get(model)?.categories.get(category)?.thresholds?;
    let exact = summary.parameters.get("thresholds").and_then(|value| value.as_str()) == Some("exact");
    let points = [thresholds.lower, thresholds.upper];
    points.into_iter().find(|point| exact && point.fpr_bound == Some(fpr.value()))
}

/// Threshold, shared FPR and the worst image's FPR at the highest threshold that reaches a rate.
fn operating(axis: &[AxisRow], stored: Option<OperatingPoint>, fpr: f64) -> Option<(f64, f64, Option<f64>)> {
    let threshold = match stored.and_then(|point| point.threshold) {
        Some(threshold) => threshold,
        None => axis.iter().filter(|row| row.shared_fpr >= fpr).map(|row| row.threshold).max_by(f64::total_cmp)?,
    };
    let row = axis.iter().find(|row| row.threshold == threshold)?;
    Some((threshold, row.shared_fpr, row.max_fpr))
}

fn beyond(args: &ThresholdArgs, category: &str, model: &str, axis: &[AxisRow]) -> Failure {
    let largest = axis.iter().map(|row| row.shared_fpr).fold(0.0, f64::max);
    Failure::usage(format!(
        "{}: category {category}, detector {model}: the run keeps thresholds up to a shared FPR of {largest:.3e} only, \
         and {} was asked for; evaluate again with --metrics all, or with --fpr-bounds L,{} (or a larger upper bound)",
        args.run.display(),
        args.fpr,
        args.fpr
    ))
}

/// Rates that even the highest threshold exceeds by far were not what was asked for.
fn warn(args: &ThresholdArgs, found: &[Operating]) {
    let reporter = Reporter::quiet(LogFormat::Text);
    for operating in found.iter().filter(|operating| operating.shared_fpr > 2.0 * args.fpr.value()) {
        reporter.warning(&format!(
            "category {}, detector {}: no kept threshold comes nearer to {} than a shared FPR of {:.3e}; more normal \
             images reach lower rates, and --curves full keeps every threshold",
            operating.category, operating.model, args.fpr, operating.shared_fpr
        ));
    }
}

fn text(found: &[Operating]) -> String {
    let mut table = Table::new(&[
        ("category", Align::Left),
        ("model", Align::Left),
        ("threshold", Align::Right),
        ("shared FPR", Align::Right),
        ("worst image's FPR", Align::Right),
    ]);
    for operating in found {
        table.row(vec![
            operating.category.clone(),
            operating.model.clone(),
            operating.threshold.to_string(),
            format!("{:.4e}", operating.shared_fpr),
            operating.max_fpr.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.4e}")),
        ]);
    }
    table.render()
}

fn json_list(found: &[Operating], fpr: Decimal) -> String {
    let rows: Vec<_> = found
        .iter()
        .map(|operating| {
            json!({
                "category": operating.category,
                "model": operating.model,
                "fpr": fpr.value(),
                "threshold": operating.threshold,
                "shared_fpr": operating.shared_fpr,
                "max_fpr": operating.max_fpr,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::from(rows))
}

fn csv_list(found: &[Operating]) -> String {
    let row = |operating: &Operating| {
        csv::line([
            operating.category.clone(),
            operating.model.clone(),
            operating.threshold.to_string(),
            operating.shared_fpr.to_string(),
            operating.max_fpr.map(|rate| rate.to_string()).unwrap_or_default(),
        ])
    };
    "category,model,threshold,shared_fpr,max_fpr\n".to_owned() + &found.iter().map(row).collect::<String>()
}
