//! `pimo synth`.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use pimo_frame::{SampleType, Size};
use pimo_synth::{Defect, Detector, Layout, MapFormat, MaskFormat, Plan, Summary, write_while};
use serde_json::json;

use crate::args::{MessageArgs, number, parse_size};
use crate::exit::{Code, Failure};
use crate::progress::Reporter;
use crate::{interrupt, process, shell, standard_output, units};

/// What it does, in a line.
pub(crate) const ABOUT: &str = "Make a synthetic dataset, for trying things out";
/// What it does, in full.
pub(crate) const LONG_ABOUT: &str = "Make a synthetic dataset: masks, and the anomaly maps of one or more detectors.\n\n\
        Scores behave as those of real detectors do: smooth, with defects that are found well, badly or not at all and \
        false alarms on normal images. The same options give the same files on every machine. Files are written one \
        after the other, so the dataset may be larger than memory.";

/// Arguments of `pimo synth`.
#[derive(Args, Clone, Debug)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  pimo synth --out demo\n  \
        pimo synth --out big --normal 5000 --anomalous 5000 --size 1024x1024 --sample-type float16\n  \
        pimo synth --out two --detector strong=0.9 --detector weak=0.4 --map-format pt"
)]
pub struct SynthArgs {
    #[command(flatten)]
    output: SynthOutput,
    #[command(flatten)]
    content: SynthContent,
    #[command(flatten)]
    files: SynthFiles,
    /// Options about messages.
    #[command(flatten)]
    pub messages: MessageArgs,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
struct SynthOutput {
    /// The folder to make, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Threads [default: one for each processor]; files do not depend on it
    #[arg(long, value_name = "N", value_parser = number::at_least_one)]
    threads: Option<NonZero<u16>>,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Content")]
struct SynthContent {
    /// Seed of the random numbers
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = number::count::<u64>)]
    seed: u64,

    /// A category's name; repeat for several
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,

    /// Number of categories; their names are `category_` and a number
    #[arg(
        long, value_name = "N", conflicts_with = "category", default_value_t = NonZero::<u16>::MIN,
        value_parser = number::at_least_one
    )]
    categories: NonZero<u16>,

    /// Normal images in each category
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = number::count::<u64>)]
    normal: u64,

    /// Anomalous images in each category
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = number::count::<u64>)]
    anomalous: u64,

    /// A kind of defect; repeat for several [default: all]
    #[arg(long, value_name = "KIND", value_parser = defects())]
    defect: Vec<Defect>,

    /// Size of images and masks
    #[arg(long, value_name = "HxW", default_value = "256x256", value_parser = parse_size)]
    size: Size,

    /// Let sizes differ, from 0.7 to 1.3 of --size on each side
    #[arg(long)]
    mixed_sizes: bool,

    /// Size of the maps, if they are of lower resolution than the masks
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    map_size: Option<Size>,

    /// A detector and its quality from 0 to 1; repeat for several [default: detector=0.8]
    #[arg(long, value_name = "NAME=QUALITY", value_parser = detector)]
    detector: Vec<Detector>,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Files")]
struct SynthFiles {
    /// Type of the scores
    #[arg(long, value_name = "TYPE", default_value = "float32", value_parser = sample_types())]
    sample_type: SampleType,

    /// Format of the maps
    #[arg(long, value_name = "FORMAT", default_value = "npy", value_parser = map_formats())]
    map_format: MapFormat,

    /// Format of the masks
    #[arg(long, value_name = "FORMAT", default_value = "png", value_parser = mask_formats())]
    mask_format: MaskFormat,

    /// How folders are arranged
    #[arg(long, value_name = "LAYOUT", default_value = "mvtec-ad", value_parser = layouts())]
    layout: Layout,

    /// Write no manifests
    #[arg(long)]
    no_manifest: bool,

    /// Write source images too
    #[arg(long)]
    source_images: bool,
}

/// A parser of names of values.
fn one_of<T: Copy + Send + Sync + 'static>(
    values: &[T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> + use<T> {
    let values = values.to_vec();
    PossibleValuesParser::new(values.iter().map(|&value| name(value)).collect::<Vec<_>>()).map(move |text| {
        let value = values.iter().find(|&&value| name(value) == text);
        *value.expect("only these names are possible")
    })
}

fn defects() -> impl TypedValueParser<Value = Defect> {
    one_of(&Defect::ALL, Defect::name)
}

fn sample_types() -> impl TypedValueParser<Value = SampleType> {
    use SampleType::{F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    one_of(&[F16, F32, F64, U8, U16, U32, U64, I8, I16, I32, I64], SampleType::name)
}

fn map_formats() -> impl TypedValueParser<Value = MapFormat> {
    one_of(MapFormat::ALL, MapFormat::name)
}

fn mask_formats() -> impl TypedValueParser<Value = MaskFormat> {
    one_of(MaskFormat::ALL, MaskFormat::name)
}

fn layouts() -> impl TypedValueParser<Value = Layout> {
    one_of(Layout::ALL, Layout::name)
}

fn detector(text: &str) -> Result<Detector, String> {
    text.parse().map_err(|error: pimo_synth::SynthError| error.to_string())
}

/// Writes the dataset and says how to evaluate it.
///
/// # Errors
/// The plan can't be made, or a file can't be written.
pub fn run(args: &SynthArgs) -> Result<Code, Failure> {
    let plan = args.plan();
    process::listen()?;
    let reporter = Reporter::new(&args.messages);
    let out = &args.output.out;
    reporter.start(json!({ "command": "synth", "out": out.to_string_lossy() }));
    let written = write_while(&plan, out, |done, total| {
        reporter.step(done, total, "images");
        if interrupt::CANCEL.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    reporter.clear();
    let summary = written?;
    let commands = evaluation(&plan, out);
    if !args.messages.quiet {
        standard_output::print(&render(&summary, out, &commands))?;
    }
    reporter.finished(json!({ "images": summary.normal_images + summary.anomalous_images, "bytes": summary.bytes }));
    Ok(Code::Done)
}

impl SynthArgs {
    fn plan(&self) -> Plan {
        let (content, files, default) = (&self.content, &self.files, Plan::default());
        let given = |category: &Vec<String>| (!category.is_empty()).then(|| category.clone());
        Plan {
            seed: content.seed,
            categories: given(&content.category)
                .unwrap_or_else(|| Plan::numbered_categories(usize::from(content.categories.get()))),
            normal: content.normal,
            anomalous: content.anomalous,
            defects: if content.defect.is_empty() { default.defects } else { content.defect.clone() },
            size: content.size,
            mixed_sizes: content.mixed_sizes,
            map_size: content.map_size,
            detectors: if content.detector.is_empty() { default.detectors } else { content.detector.clone() },
            sample_type: files.sample_type,
            map_format: files.map_format,
            mask_format: files.mask_format,
            layout: files.layout,
            manifest: !files.no_manifest,
            source_images: files.source_images,
            threads: self.output.threads.map_or(0, |threads| usize::from(threads.get())),
        }
    }
}

fn render(summary: &Summary, out: &Path, commands: &[String]) -> String {
    format!(
        "{} and {} with {}: {} in {}, in {}\nEvaluate {}:\n  {}\n",
        units::counted(summary.normal_images, "normal image"),
        units::counted(summary.anomalous_images, "anomalous image"),
        units::counted(summary.maps, "map"),
        units::bytes(summary.bytes),
        units::counted(summary.files, "file"),
        shell::quoted(out.as_os_str()),
        if commands.len() == 1 { "it" } else { "them" },
        commands.join("\n  ")
    )
}

/// Commands that evaluate the dataset: one where one can do.
fn evaluation(plan: &Plan, out: &Path) -> Vec<String> {
    let results = |suffix: &str| {
        let mut name = out.file_name().unwrap_or_else(|| "synth".as_ref()).to_owned();
        name.push("-results");
        name.push(suffix);
        out.with_file_name(name)
    };
    let names_maps = !matches!(plan.map_format, MapFormat::Npz | MapFormat::NpzDeflate | MapFormat::Stack);
    if plan.layout == Layout::MvtecAd && names_maps {
        return vec![folders(plan, out, None, &results(""))];
    }
    match plan.categories.as_slice() {
        [category] => vec![folders(plan, out, Some(category), &results(""))],
        _ if plan.manifest => {
            let alone = plan.detectors.len() == 1;
            let command = |detector: &Detector| {
                let (file, suffix) = if alone {
                    ("manifest.csv".to_owned(), String::new())
                } else {
                    (format!("manifest-{}.csv", detector.name), format!("-{}", detector.name))
                };
                let (manifest, results) = (out.join(file), results(&suffix));
                let words: [&std::ffi::OsStr; 8] = [
                    "pimo".as_ref(),
                    "eval".as_ref(),
                    "--manifest".as_ref(),
                    manifest.as_ref(),
                    "--model".as_ref(),
                    detector.name.as_ref(),
                    "--out".as_ref(),
                    results.as_ref(),
                ];
                shell::command(words)
            };
            plan.detectors.iter().map(command).collect()
        }
        categories => {
            let command = |category: &String| folders(plan, out, Some(category), &results(&format!("-{category}")));
            categories.iter().map(command).collect()
        }
    }
}

/// The command that evaluates folders: all categories below them, or one category.
fn folders(plan: &Plan, out: &Path, category: Option<&String>, results: &Path) -> String {
    let mut words: Vec<std::ffi::OsString> = vec!["pimo".into(), "eval".into()];
    let flat = plan.layout == Layout::Flat;
    let file = match plan.map_format {
        MapFormat::Npz | MapFormat::NpzDeflate => Some("maps.npz"),
        MapFormat::Stack => Some("maps.npy"),
        MapFormat::Torch if flat => Some("asmaps.pt"),
        _ => None,
    };
    for detector in &plan.detectors {
        let mut path = out.join("maps").join(&detector.name);
        path.extend(category);
        path.extend(file);
        let mut maps = std::ffi::OsString::from(format!("{}=", detector.name));
        maps.push(path);
        words.extend(["--maps".into(), maps]);
    }
    if let (MapFormat::Stack, Some(category)) = (plan.map_format, category) {
        let paths = out.join("maps").join(&plan.detectors[0].name).join(category).join("paths.txt");
        words.extend(["--paths".into(), paths.into()]);
    }
    let mut dataset = out.join("dataset");
    if flat {
        dataset.extend(category);
        words.extend(["--layout", "flat"].map(Into::into));
    }
    words.extend(["--dataset".into(), dataset.into()]);
    if let Some(category) = category {
        words.extend(["--category".into(), category.into()]);
    }
    words.extend(["--out".into(), results.into()]);
    shell::command(words)
}
