//! `pimo report`.

mod pictures;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use pimo_report::assemble::{AssembleError, Settings, add_curves, report_of};
use pimo_report::page::{PageError, Report};
use serde_json::json;

use crate::args::{MatchingArgs, Memory, MessageArgs, MovedArgs, SourceArgs, StatisticsArgs, number};
use crate::exit::{Code, Failure};
use crate::progress::Reporter;
use crate::{interrupt, process, shell, standard_output, units, whole_file};
use pictures::Illustrator;

/// What it does, in a line.
pub(crate) const ABOUT: &str = "Write a report of runs or published scores: one HTML file that needs nothing else";
/// What it does, in full.
pub(crate) const LONG_ABOUT: &str = "Write a report of runs or published scores: one HTML file that needs nothing else.\n\n\
        It compares the detectors image by image and says who beats whom and how sure that is: means with bootstrap \
        intervals, average ranks, Wilcoxon tests. It sets AUPIMO against AUROC and AUPRO where the results have them, \
        and shows the images that stand for each detector's quartiles, with their PIMO curves and heat maps, normal \
        images with false positives, and the images that no detector gets right. Tables can be sorted and searched, \
        plots show their values, and every single score is there.\n\n\
        The file has all styles, scripts and pictures inside and asks no network for anything: send it by mail.\n\n\
        Heat maps are drawn from the maps, masks and images that were evaluated. Where they are gone the report does \
        without, and says so; published scores have none.";

const EXAMPLES: &str = "\
Examples:
  A run of several detectors:
    pimo report results -o report.html
  Two runs, one of them with images that the other lacks:
    pimo report results-padim results-patchcore --intersect -o report.html
  A detector of yours among published ones, on one category:
    pimo report results --published data/experiments --category mvtec/screw -o report.html";

/// Arguments of `pimo report`.
#[derive(Args, Clone, Debug)]
#[command(args_override_self = true, after_help = EXAMPLES)]
pub struct ReportArgs {
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    matching: MatchingArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    statistics: StatisticsArgs,
    #[command(flatten)]
    images: ImageArgs,
    #[command(flatten)]
    moved: MovedArgs,
    /// Options about messages.
    #[command(flatten)]
    pub messages: MessageArgs,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// The file to write; a report that is there already is replaced
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,

    /// Replace the file even if it is no report
    #[arg(long)]
    force: bool,

    /// Heading of the page
    #[arg(long, value_name = "TEXT", default_value = "AUPIMO report")]
    title: String,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Images")]
struct ImageArgs {
    /// Whose images are shown in each category, with their curves and heat maps
    #[arg(long, value_name = "WHOSE", default_value = "auto")]
    images_of: ImagesOf,

    /// Normal images with most false positives, for each of these detectors
    #[arg(long, value_name = "K", default_value_t = 2, value_parser = number::count::<usize>)]
    normal: usize,

    /// Images in the list of the worst
    #[arg(long, value_name = "K", default_value_t = 40, value_parser = number::count::<usize>)]
    worst: usize,

    /// Draw no heat maps
    #[arg(long)]
    no_heatmaps: bool,

    /// Memory that each file of an image may take
    #[arg(long, value_name = "SIZE", default_value = "256MiB", allow_hyphen_values = true)]
    memory: Memory,
}

/// The detectors whose images are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ImagesOf {
    /// Every detector's with up to three categories, the best one's with more
    Auto,
    /// Those of the detector of best rank
    Best,
    /// Every detector's
    All,
}

impl ReportArgs {
    fn settings(&self) -> Settings {
        let default = Settings::default();
        Settings {
            title: self.output.title.clone(),
            score: self.sources.score.clone(),
            compare: self.statistics.to_settings(),
            confidence_level: self.statistics.confidence,
            matching: self.matching.to_matching(),
            few_categories: match self.images.images_of {
                ImagesOf::Auto => default.few_categories,
                ImagesOf::Best => 0,
                ImagesOf::All => usize::MAX,
            },
            worst_images: self.images.worst,
        }
    }
}

/// Compares, draws and writes.
///
/// # Errors
/// Results that cannot be read or do not belong together, or a file that cannot be written.
pub fn run(args: &ReportArgs) -> Result<Code, Failure> {
    let began = Instant::now();
    check_target(&args.output)?;
    let sources = args.sources.open()?;
    process::listen()?;
    let reporter = Reporter::new(&args.messages);
    reporter.start(json!({ "command": "report", "out": args.output.out.to_string_lossy() }));
    let evidence = args.sources.read(&sources)?;
    let mut report = report_of(&evidence, &args.settings())?;
    drop(evidence);
    stop_if_asked()?;
    add_curves(&mut report, &sources)?;
    stop_if_asked()?;
    for warning in &report.warnings {
        reporter.warning(warning);
    }
    if !args.images.no_heatmaps {
        let illustrator = Illustrator {
            sources: &sources,
            moved: &args.moved,
            memory: args.images.memory.0,
            normal: args.images.normal,
        };
        for warning in illustrator.illustrate(&mut report, &reporter)? {
            reporter.warning(&warning);
            report.warnings.push(warning);
        }
    }
    reporter.clear();
    let bytes = write(&report, &args.output.out)?;
    if !args.messages.quiet {
        standard_output::print(&summary(&report, bytes, &args.output.out))?;
    }
    reporter.finished(json!({ "seconds": began.elapsed().as_secs_f64(), "bytes": bytes }));
    Ok(Code::Done)
}

/// Ends the command if a signal asked for that.
fn stop_if_asked() -> Result<(), Failure> {
    if interrupt::CANCEL.is_cancelled() { Err(Failure::interrupted()) } else { Ok(()) }
}

/// Bytes within which a report names its maker.
const HEAD: u64 = 4096;

/// Refuses to replace what is no report.
fn check_target(output: &OutputArgs) -> Result<(), Failure> {
    let shown = output.out.display();
    if output.out.is_dir() {
        return Err(Failure::usage(format!("{shown} is a folder: give the name of a file, such as report.html")));
    }
    let folder = output.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let folder = folder.display();
        return Err(Failure::usage(format!("{shown} cannot be written: there is no folder {folder}; make it first")));
    }
    if output.force || !output.out.exists() || File::open(&output.out).is_ok_and(is_report) {
        return Ok(());
    }
    Err(Failure::usage(format!("{shown} is there already and is no report: choose another name, or pass --force")))
}

/// Whether a file begins as a report of pimo does. One that is empty does not.
fn is_report(file: File) -> bool {
    let lines = BufReader::new(file.take(HEAD)).split(b'\n').map_while(Result::ok);
    let maker = br#"<meta name="generator" content="pimo"#;
    lines.into_iter().any(|line| line.windows(maker.len()).any(|window| window == maker))
}

/// Writes the page; gives its size in bytes.
fn write(report: &Report, path: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    whole_file::write(path, |out| {
        let mut counted = Counted { out, bytes: 0 };
        report.write_html(&mut counted).map_err(|error| match error {
            PageError::Write(error) => whole_file::unwritable(path, &error),
            error => Failure { code: Code::Internal, message: error.to_string() },
        })?;
        bytes = counted.bytes;
        Ok(())
    })?;
    Ok(bytes)
}

/// Counts what is written.
struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: std::io::Write> std::io::Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

fn summary(report: &Report, bytes: u64, path: &Path) -> String {
    let counted = |count: usize, noun: &str| units::counted(count as u64, noun);
    let images = report.categories.iter().map(|category| category.images.len()).sum();
    format!(
        "{} on {} and {}: {} in {}\n",
        counted(report.models.len(), "detector"),
        counted(report.categories.len(), "category"),
        counted(images, "anomalous image"),
        units::bytes(bytes),
        shell::quoted(path.as_os_str()),
    )
}

impl From<AssembleError> for Failure {
    fn from(error: AssembleError) -> Self {
        match error {
            AssembleError::Evidence(error) => error.into(),
            AssembleError::Store(error) => error.into(),
            AssembleError::Analysis(error) => error.into(),
            error => Self { code: Code::Data, message: error.to_string() },
        }
    }
}
