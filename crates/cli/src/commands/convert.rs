//! `pimo convert`.

use std::path::{Path, PathBuf};

use clap::Args;
use pimo_store::{PublishedDataset, PublishedTree, RUN_FILE};
use serde_json::json;

use crate::args::MessageArgs;
use crate::conversion::{self, CurveNames, Published, Selected};
use crate::exit::{Code, Failure};
use crate::progress::Reporter;
use crate::{process, shell, standard_output, units};

/// What it does, in a line.
pub(crate) const ABOUT: &str = "Convert published scores, curves and maps to Parquet and .npy, and scores back";
/// What it does, in full.
pub(crate) const LONG_ABOUT: &str = "Convert published scores, curves and maps.\n\n\
        What INPUT is decides what becomes of it:\n\
        aupimos.json     images.parquet, null where the source says nothing; also a folder of them\n\
        images.parquet   aupimos.json, or a folder of them; also the folder of a run\n\
        curves.pt        curves.parquet\n\
        asmaps.pt, .npz  a folder of .npy maps for `pimo eval --maps`, or one .npy of N x H x W\n\n\
        Maps and curves are read one at a time: the file may be larger than memory.";

/// Arguments of `pimo convert`.
#[derive(Args, Clone, Debug)]
#[command(args_override_self = true, after_help = EXAMPLES)]
pub struct ConvertArgs {
    /// The file or folder to convert
    #[arg(value_name = "INPUT")]
    input: PathBuf,

    /// The file or folder to write
    #[arg(value_name = "OUTPUT")]
    output: PathBuf,

    /// The detector: its name for a file without one, or the only one to convert; repeat for several
    ///
    /// Published files are named after their folders, `<model>/<collection>/<dataset>/aupimo/aupimos.json`.
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,

    /// The category: its name for a file without one, or the only one to convert; repeat for several
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,

    /// Keep only N points of each curve, evenly spaced in the logarithm of the shared FPR [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    points: Option<u32>,

    /// Replace what is there
    #[arg(long)]
    force: bool,

    /// Options about messages.
    #[command(flatten)]
    pub messages: MessageArgs,
}

const EXAMPLES: &str = "\
Examples:
  All published scores as one table for DuckDB or Polars:
    pimo convert benchmark images.parquet
  One file, and back:
    pimo convert padim/mvtec/screw/aupimo/aupimos.json images.parquet
    pimo convert images.parquet aupimos.json
  Curves of a detector, thinned as `pimo eval` does:
    pimo convert padim/mvtec/screw/aupimo/curves.pt curves.parquet --points 200
  Maps that can be looked at with numpy one by one:
    pimo convert padim/mvtec/screw/asmaps.pt maps";

/// What there is to do.
enum Task {
    /// Published scores to a table.
    Import(Vec<Published>),
    /// Scores of a table to published files.
    Export,
    Curves,
    Maps,
}

/// Converts and says what came out.
///
/// # Errors
/// Input that cannot be converted, and output that cannot be written.
pub fn run(args: &ConvertArgs) -> Result<Code, Failure> {
    let task = args.task()?;
    args.check_output(&task)?;
    process::listen()?;
    let reporter = Reporter::new(&args.messages);
    reporter.start(
        json!({ "command": "convert", "input": args.input.to_string_lossy(), "out": args.output.to_string_lossy() }),
    );
    let done = args.convert(task, &reporter);
    reporter.clear();
    let done = done?;
    if !args.messages.quiet {
        standard_output::print(&format!("{done} in {}\n", shell::quoted(args.output.as_os_str())))?;
    }
    reporter.finished(json!({ "out": args.output.to_string_lossy() }));
    Ok(Code::Done)
}

impl ConvertArgs {
    fn task(&self) -> Result<Task, Failure> {
        let input = &self.input;
        if input.is_dir() {
            if input.join(RUN_FILE).is_file() {
                return Ok(Task::Export);
            }
            let tree = PublishedTree::open(input)?;
            return Ok(Task::Import(tree.datasets().iter().map(Published::from).collect()));
        }
        if !input.is_file() {
            return Err(Failure::usage(format!("{}: there is no such file or folder", input.display())));
        }
        match ending(input).as_str() {
            "json" => {
                let names = self.names(input)?;
                let (model, category) = (names.0, names.1);
                Ok(Task::Import(vec![Published { model, category, file: input.clone() }]))
            }
            "parquet" => Ok(Task::Export),
            "pt" | "pth" if conversion::is_curves(input) => Ok(Task::Curves),
            "pt" | "pth" | "npz" => Ok(Task::Maps),
            _ => Err(Failure::usage(format!(
                "{}: expected an aupimos.json, an images.parquet, a curves.pt, an asmaps.pt, or a folder of a run or \
                 of published scores",
                input.display()
            ))),
        }
    }

    /// Detector and category of a file that does not name them: as given, else after its folders.
    fn names(&self, file: &Path) -> Result<(String, String), Failure> {
        let whole = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
        let place = whole.parent().filter(|folder| folder.file_name() == Some("aupimo".as_ref()));
        let of_folders = place.and_then(|_| PublishedDataset::of_file(&whole));
        let one = |given: &[String], option: &str, named: Option<&str>| match (given, named) {
            ([given], _) => Ok(given.clone()),
            ([], Some(named)) => Ok(named.to_owned()),
            ([], None) => Err(Failure::usage(format!(
                "{}: the folders do not tell whose file it is (expected <model>/<collection>/<dataset>/aupimo/): \
                 give {option} NAME",
                file.display()
            ))),
            _ => Err(Failure::usage(format!("{}: one file holds one result: give one {option}", file.display()))),
        };
        let of_folders = of_folders.as_ref();
        Ok((
            one(&self.model, "--model", of_folders.map(PublishedDataset::model))?,
            one(&self.category, "--category", of_folders.map(PublishedDataset::category))?,
        ))
    }

    /// Refuses an output of the wrong sort, and one that is there already.
    fn check_output(&self, task: &Task) -> Result<(), Failure> {
        let out = &self.output;
        let (expected, fits) = match task {
            Task::Import(_) => ("a file such as images.parquet", ending(out) == "parquet"),
            Task::Curves => ("a file such as curves.parquet", ending(out) == "parquet"),
            Task::Export => ("a folder, or a file such as aupimos.json", ending(out) != "parquet"),
            Task::Maps => ("a folder, or a file such as maps.npy", !matches!(&*ending(out), "parquet" | "json")),
        };
        if !fits {
            return Err(Failure::usage(format!("{}: expected {expected} as output", out.display())));
        }
        let filled = |folder: &Path| folder.read_dir().is_ok_and(|mut entries| entries.next().is_some());
        if !self.force && out.exists() && (!out.is_dir() || filled(out)) {
            let message =
                format!("{} exists: choose another place, or ask for its replacement (--force)", out.display());
            return Err(Failure::usage(message));
        }
        Ok(())
    }

    /// Says in words what came out.
    fn convert(&self, task: Task, reporter: &Reporter) -> Result<String, Failure> {
        let selected = Selected { models: &self.model, categories: &self.category };
        let scores = |converted: conversion::Converted| {
            format!("{}, {},", units::counted(converted.images, "image"), units::counted(converted.results, "result"))
        };
        match task {
            Task::Import(files) => Ok(scores(conversion::import(files, selected, &self.output)?)),
            Task::Export => {
                let converted = conversion::export(&self.input, selected, &self.output)?;
                for (model, category) in &converted.undefined {
                    reporter.warning(&format!(
                        "category {category}, detector {model}: no aupimos.json is written, because AUPIMO is null"
                    ));
                }
                Ok(scores(converted))
            }
            Task::Curves => {
                let (model, category) = self.names(&self.input)?;
                let names = CurveNames { model: &model, category: &category };
                let points = self.points.map(|points| points as usize);
                let progress = |done, total| reporter.step(done, total, "curves");
                let curves = conversion::curves(&self.input, names, points, &self.output, &progress)?;
                Ok(units::counted(curves, "curve"))
            }
            Task::Maps => {
                let progress = |done, total| reporter.step(done, total, "maps");
                let maps = if ending(&self.output) == "npy" {
                    conversion::maps_into_stack(&self.input, &self.output, &progress)?
                } else {
                    conversion::maps_into_folder(&self.input, &self.output, &progress)?
                };
                Ok(units::counted(maps, "map"))
            }
        }
    }
}

fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default()
}
