//! `pimo threshold`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pimo_finaliser::Decimal;
use pimo_store::{AxisRow, CategorySummary, Parameters, RunReader, Summary};
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
        A run keeps about 200 points of the axis, and exactly those of its two bounds and of the rates 1e-5, 1e-4, 1e-3 \
        and 1e-2. For other rates the nearest kept threshold that reaches the rate is printed, with `exact` false: \
        there may be a higher one. Evaluate with --curves full to keep every threshold down to the upper bound.";

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
    /// The rate there; not known where the run keeps the threshold but no point of the axis at it.
    shared_fpr: Option<f64>,
    /// FPR of the worst normal image, if known.
    max_fpr: Option<f64>,
    /// Whether no higher threshold reaches the rate asked for.
    exact: bool,
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
        let kept = Kept::new(&summary, &model, &category, &axis);
        let Some(operating) = kept.operating(args.fpr, model.clone(), category.clone()) else {
            return Err(beyond(args, &category, &model, &axis));
        };
        found.push(operating);
    }
    warn(args, &found, &summary.parameters);
    standard_output::print(&match args.format {
        Format::Text => text(&found),
        Format::Json => json_list(&found, args.fpr),
        Format::Csv => csv_list(&found),
    })?;
    Ok(Code::Done)
}

/// What a run keeps of one detector's thresholds in one category.
struct Kept<'a> {
    axis: &'a [AxisRow],
    results: Option<&'a CategorySummary>,
    parameters: &'a Parameters,
}

impl<'a> Kept<'a> {
    fn new(summary: &'a Summary, model: &str, category: &str, axis: &'a [AxisRow]) -> Self {
        let results = summary.models.get(model).and_then(|model| model.categories.get(category));
        Self { axis, results, parameters: &summary.parameters }
    }

    /// The highest threshold that reaches a rate, or the nearest that is kept.
    fn operating(&self, fpr: Decimal, model: String, category: String) -> Option<Operating> {
        if let Some(threshold) = self.named(fpr) {
            let row = self.axis.iter().find(|row| row.threshold == threshold);
            let (shared_fpr, max_fpr) = (row.map(|row| row.shared_fpr), row.and_then(|row| row.max_fpr));
            return Some(Operating { model, category, threshold, shared_fpr, max_fpr, exact: true });
        }
        // Rates are stored as the nearest doubles, so one that reaches the rate asked for is not below its double.
        let reaching = self.axis.iter().enumerate().filter(|(_, row)| row.shared_fpr >= fpr.value());
        let (index, row) = reaching.max_by(|a, b| a.1.threshold.total_cmp(&b.1.threshold))?;
        let (threshold, max_fpr) = (row.threshold, row.max_fpr);
        let exact = self.is_highest(index, row, fpr);
        Some(Operating { model, category, threshold, shared_fpr: Some(row.shared_fpr), max_fpr, exact })
    }

    /// The threshold that the run itself states for a rate, if it is exact.
    fn named(&self, fpr: Decimal) -> Option<f64> {
        let results = self.results?;
        let metric = results.metrics.get(&format!("threshold_at_shared_fpr_{:e}", fpr.value()));
        metric.filter(|metric| metric.exact).and_then(|metric| metric.value).or_else(|| {
            let points = results.thresholds.map(|points| [points.lower, points.upper])?;
            let point = points.into_iter().find(|point| point.fpr_bound == Some(fpr.value()))?;
            let row = self.axis.iter().find(|row| Some(row.threshold) == point.threshold)?;
            self.keeps_scores_near(row).then_some(row.threshold)
        })
    }

    /// Whether no threshold between this row and the one before reaches the rate.
    fn is_highest(&self, index: usize, row: &AxisRow, fpr: Decimal) -> bool {
        // The first row is the highest normal score; at a rate that is met exactly no other score can be.
        let every = parameter(self.parameters, "curves") == "full";
        self.keeps_scores_near(row)
            && (every || index == 0 && parameter(self.parameters, "curves") != "0" || row.shared_fpr == fpr.value())
    }

    /// Whether the axis was made of single scores there: where it was not, a row is the edge of a bin, or a point of a
    /// grid.
    fn keeps_scores_near(&self, row: &AxisRow) -> bool {
        let lower = self.results.and_then(|results| results.thresholds).and_then(|points| points.lower.threshold);
        let single = row.max_fpr.is_some() || parameter(self.parameters, "shared_fpr").starts_with("quantile");
        parameter(self.parameters, "thresholds") == "exact"
            && single
            && lower.is_some_and(|lower| row.threshold >= lower)
    }
}

fn parameter<'p>(parameters: &'p Parameters, name: &str) -> &'p str {
    parameters.get(name).and_then(|value| value.as_str()).unwrap_or_default()
}

/// How to evaluate so that every threshold that reaches a rate is kept.
fn cure(fpr: Decimal, parameters: &Parameters) -> String {
    let within = parameter(parameters, "fpr_upper_bound").parse().is_ok_and(|upper: f64| upper >= fpr.value());
    match (parameter(parameters, "thresholds"), within, parameter(parameters, "curves")) {
        ("exact", true, "full") => "evaluate with more --memory, so that each score is kept by itself".to_owned(),
        ("exact", true, _) => "evaluate with --curves full, which keeps every threshold down to the upper one of \
                               --fpr-bounds"
            .to_owned(),
        ("exact", false, _) => {
            format!("evaluate with --curves full --fpr-bounds L,{fpr}, which keeps every threshold down to that rate")
        }
        _ => "evaluate with --thresholds exact".to_owned(),
    }
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

/// Says where a threshold is only the nearest that is kept, and where the rate was too low to be had.
fn warn(args: &ThresholdArgs, found: &[Operating], parameters: &Parameters) {
    let reporter = Reporter::quiet(LogFormat::Text);
    let largest =
        |inexact: &[&Operating]| inexact.iter().filter_map(|operating| operating.shared_fpr).fold(0.0, f64::max);
    let inexact: Vec<&Operating> = found.iter().filter(|operating| !operating.exact).collect();
    if !inexact.is_empty() {
        reporter.warning(&format!(
            "{} of {} thresholds are the nearest kept ones that reach {}, at a shared FPR of up to {:.4e}; there may be \
             higher ones: {}",
            inexact.len(),
            found.len(),
            args.fpr,
            largest(&inexact),
            cure(args.fpr, parameters),
        ));
    }
    let far = |rate: f64| rate > 2.0 * args.fpr.value();
    for operating in found.iter().filter(|operating| operating.exact && operating.shared_fpr.is_some_and(far)) {
        reporter.warning(&format!(
            "category {}, detector {}: no threshold comes nearer to {} than a shared FPR of {:.3e}; more normal images \
             reach lower rates",
            operating.category,
            operating.model,
            args.fpr,
            operating.shared_fpr.unwrap_or_default()
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
        ("exact", Align::Left),
    ]);
    for operating in found {
        table.row(vec![
            operating.category.clone(),
            operating.model.clone(),
            operating.threshold.to_string(),
            rate(operating.shared_fpr),
            rate(operating.max_fpr),
            if operating.exact { "yes" } else { "no" }.to_owned(),
        ]);
    }
    table.render()
}

fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.4e}"))
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
                "exact": operating.exact,
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
            operating.shared_fpr.map(|rate| rate.to_string()).unwrap_or_default(),
            operating.max_fpr.map(|rate| rate.to_string()).unwrap_or_default(),
            operating.exact.to_string(),
        ])
    };
    "category,model,threshold,shared_fpr,max_fpr,exact\n".to_owned() + &found.iter().map(row).collect::<String>()
}
