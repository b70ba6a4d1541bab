//! `pimo inspect`.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, ValueEnum};
use pimo_finaliser::SharedFpr;
use pimo_frame::SampleType;
use pimo_pipeline::{CategoryInspection, FEW_PIXELS, Inspection, Settings, fault_of, inspect};
use serde_json::json;

use crate::args::{InputArgs, MeasureArgs, MessageArgs, ResourceArgs};
use crate::exit::{Code, Failure};
use crate::progress::Reporter;
use crate::table::{Align, Table};
use crate::{interrupt, process, progress, standard_output, units};

/// What it does, in a line.
pub(crate) const ABOUT: &str = "Check a dataset: list every problem, what is there, the time and memory it takes";
/// What it does, in full.
pub(crate) const LONG_ABOUT: &str = "Check a dataset before it is evaluated.\n\n\
        Looks at the headers of all files (and into a few files of each category) and lists everything that is wrong, \
        not only the first problem, and what was found: images, sizes, types of scores, whether the bounds of the \
        shared FPR can be reached, the time and memory that `pimo eval` takes. Takes the options of `pimo eval`. The \
        exit code is 3 if anything is wrong.";

/// Arguments of `pimo inspect`.
#[derive(Args, Clone, Debug)]
#[command(args_override_self = true, after_help = "Example:\n  pimo inspect --maps maps --dataset mvtec --deep")]
pub struct InspectArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    measure: MeasureArgs,
    #[command(flatten)]
    resources: ResourceArgs,
    /// Options about messages.
    #[command(flatten)]
    pub messages: MessageArgs,
}

/// Options about the report.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Report")]
struct ReportArgs {
    /// Read and decode every file, as an evaluation would
    #[arg(long)]
    deep: bool,

    /// How the report is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Formats of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

/// Inspects and prints.
///
/// # Errors
/// Nothing can be inspected.
pub fn run(args: &InspectArgs) -> Result<Code, Failure> {
    let input = args.input.to_input()?;
    let mut settings = args.measure.to_settings();
    args.resources.apply(&mut settings);
    process::prepare(settings.io)?;
    let reporter = Reporter::new(&args.messages);
    reporter.start(json!({ "command": "inspect", "pimo_version": env!("CARGO_PKG_VERSION") }));
    let inspection = inspect(&input, &settings, args.report.deep, &interrupt::CANCEL, &reporter);
    reporter.clear();
    let inspection = inspection?;
    reporter.problems(&inspection.problems);
    let code = match (&inspection.memory, inspection.problems.as_slice()) {
        (None, []) => Code::Done,
        (Some(_), []) => Code::Data,
        (_, problems) => fault_of(problems).into(),
    };
    let text = match args.report.format {
        Format::Text => render(&inspection, &settings, args.report.deep),
        Format::Json => to_json(&inspection, &settings),
    };
    standard_output::print(&text)?;
    reporter.finished(json!({ "problems": inspection.problems.len(), "exit_code": code as u8 }));
    Ok(code)
}

fn render(inspection: &Inspection, settings: &Settings, deep: bool) -> String {
    let mut lines = vec![
        format!(
            "Layout {}; {}: {}",
            inspection.layout.unwrap_or("given by a manifest"),
            units::counted(inspection.models.len() as u64, "detector"),
            inspection.models.join(", ")
        ),
        String::new(),
        table(&inspection.categories).render(),
    ];
    lines.extend(bounds(&inspection.categories, settings));
    lines.extend(time(inspection, settings));
    lines.extend(memory(inspection, settings));
    lines.extend(inspection.notes.iter().map(|note| format!("note: {note}")));
    lines.push(String::new());
    lines.push(match inspection.problems.len() {
        0 if deep => "No problem was found: every file was decoded.".to_owned(),
        0 => "No problem was found in headers and samples; --deep decodes every file.".to_owned(),
        count => format!("{}:", units::counted(count as u64, "problem")),
    });
    lines.extend(inspection.problems.iter().map(|problem| format!("  {problem}")));
    lines.join("\n") + "\n"
}

fn table(categories: &[CategoryInspection]) -> Table {
    let mut table = Table::new(&[
        ("category", Align::Left),
        ("normal", Align::Right),
        ("anomalous", Align::Right),
        ("size", Align::Left),
        ("scores", Align::Left),
        ("maps", Align::Right),
        ("normal pixels", Align::Right),
    ]);
    for category in categories {
        table.row(vec![
            category.name.clone(),
            category.normal.to_string(),
            category.anomalous.to_string(),
            sizes(category),
            names(&category.sample_types).join(", "),
            units::bytes(category.bytes),
            category.normal_pixels.to_string(),
        ]);
    }
    table
}

fn sizes(category: &CategoryInspection) -> String {
    match category.sizes {
        None => "-".to_owned(),
        Some((smallest, largest)) if smallest == largest => smallest.to_string(),
        Some((smallest, largest)) => format!("{smallest} to {largest}"),
    }
}

fn names(types: &BTreeSet<SampleType>) -> Vec<&'static str> {
    types.iter().map(|sample_type| sample_type.name()).collect()
}

/// How many normal pixels lie at or above the threshold of the lower bound; where they are few,
/// AUPIMO depends on single pixels.
fn pixels_at_lower_bound(category: &CategoryInspection, settings: &Settings) -> f64 {
    let pixels = match settings.shared_fpr {
        SharedFpr::Mean => category.normal_pixels as f64,
        // The rate of a single image counts.
        SharedFpr::Max | SharedFpr::Quantile(_) => category.normal_pixels as f64 / category.normal.max(1) as f64,
    };
    pixels * settings.bounds.lower().value()
}

/// Whether the lower bound of the shared FPR can be reached, and by how many pixels.
fn bounds(categories: &[CategoryInspection], settings: &Settings) -> Vec<String> {
    let lower = settings.bounds.lower();
    let of_pixels = |wanted: std::ops::Range<f64>| {
        let fits = |category: &&CategoryInspection| {
            category.normal > 0 && wanted.contains(&pixels_at_lower_bound(category, settings))
        };
        categories.iter().filter(fits).map(|category| category.name.as_str()).collect::<Vec<_>>()
    };
    let (unreachable, few) = (of_pixels(0.0..1.0), of_pixels(1.0..FEW_PIXELS as f64));
    let mut lines = Vec::new();
    if !unreachable.is_empty() {
        lines.push(format!(
            "A shared FPR of {lower} is less than one normal pixel, so AUPIMO would be null; raise --fpr-bounds: {}",
            unreachable.join(", ")
        ));
    }
    if !few.is_empty() {
        lines.push(format!(
            "A shared FPR of {lower} is less than {FEW_PIXELS} normal pixels, so AUPIMO would depend on single pixels: {}",
            few.join(", ")
        ));
    }
    if lines.is_empty() && categories.iter().any(|category| category.normal > 0) {
        lines.push(format!("A shared FPR of {lower} can be reached."));
    }
    lines
}

/// Bytes of samples that an evaluation reads.
fn bytes_to_read(categories: &[CategoryInspection], settings: &Settings) -> u64 {
    let bytes =
        |category: &CategoryInspection| settings.thresholds.bytes_to_read(category.bytes, category.normal_bytes);
    categories.iter().map(bytes).sum()
}

fn estimate(inspection: &Inspection, settings: &Settings) -> Option<Duration> {
    let speed = inspection.speed?;
    let share = bytes_to_read(&inspection.categories, settings) as f64 / speed.bytes as f64;
    Duration::try_from_secs_f64(speed.time.as_secs_f64() * share).ok()
}

fn time(inspection: &Inspection, settings: &Settings) -> Option<String> {
    let (time, speed) = (estimate(inspection, settings)?, inspection.speed?);
    Some(format!(
        "`pimo eval` reads {} and takes about {}, at the {} measured just now on {}.",
        units::bytes(bytes_to_read(&inspection.categories, settings)),
        units::seconds(time),
        units::rate(speed.bytes, speed.time),
        units::counted(speed.maps, "map"),
    ))
}

fn memory(inspection: &Inspection, settings: &Settings) -> Option<String> {
    match &inspection.memory {
        Some(error) => Some(error.to_string()),
        None if full_memory(inspection) == 0 => None,
        None => Some(format!(
            "With {} of memory results are as precise as they get; --memory allows {}.",
            pimo_pipeline::bytes(full_memory(inspection)),
            pimo_pipeline::bytes(settings.memory)
        )),
    }
}

fn full_memory(inspection: &Inspection) -> u64 {
    inspection.categories.iter().map(|category| category.full_memory).max().unwrap_or(0)
}

fn to_json(inspection: &Inspection, settings: &Settings) -> String {
    let categories: Vec<_> = inspection
        .categories
        .iter()
        .map(|category| {
            json!({
                "category": category.name,
                "normal": category.normal,
                "anomalous": category.anomalous,
                "smallest_size": category.sizes.map(|(smallest, _)| [smallest.height, smallest.width]),
                "largest_size": category.sizes.map(|(_, largest)| [largest.height, largest.width]),
                "sample_types": names(&category.sample_types),
                "bytes": category.bytes,
                "normal_pixels": category.normal_pixels,
                "normal_pixels_at_lower_bound": pixels_at_lower_bound(category, settings),
                "full_memory": category.full_memory,
            })
        })
        .collect();
    let speed = inspection
        .speed
        .map(|speed| json!({ "maps": speed.maps, "bytes": speed.bytes, "seconds": speed.time.as_secs_f64() }));
    let report = json!({
        "layout": inspection.layout,
        "models": inspection.models,
        "categories": categories,
        "bytes_to_read": bytes_to_read(&inspection.categories, settings),
        "estimated_seconds": estimate(inspection, settings).map(|time| time.as_secs_f64()),
        "measured": speed,
        "full_memory": full_memory(inspection),
        "memory_suffices": inspection.memory.is_none(),
        "notes": inspection.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "problems": inspection.problems.iter().map(progress::problem_facts).collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}
