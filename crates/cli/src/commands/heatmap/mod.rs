//! `pimo heatmap`.

mod choice;
mod place;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use pimo_report::heatmap::{
    FPR_LEVELS, HeatMapError, HeatMapStyle, OperatingScores, Picture, Scale, anomaly_heat_map, encode_png,
    false_positive_levels, own_levels,
};
use pimo_store::{RunReader, Summary};
use serde_json::json;

use crate::args::{Memory, MessageArgs, MovedArgs};
use crate::drawing::{DrawingProblem, Looked, RunFiles, Wanted};
use crate::exit::{Code, Failure};
use crate::progress::Reporter;
use crate::table::{Align, Table};
use crate::{csv, interrupt, process, shell, standard_output, units, whole_file};
use choice::{ChoiceArgs, Chosen};
use place::Places;

/// What it does, in a line.
pub(crate) const ABOUT: &str = "Draw the anomaly maps of chosen images, in colours that mean false-positive rates";
/// What it does, in full.
pub(crate) const LONG_ABOUT: &str = "Draw the anomaly maps of chosen images over the images, as PNG.\n\n\
        Colours do not follow the range of the scores, which every detector has of its own, but the two thresholds \
        between which AUPIMO is measured. Where the map is transparent, the score is below the threshold at the upper \
        bound U of the shared FPR: nothing is called anomalous. Blue, from light to dark: called anomalous somewhere \
        between U and L. Red: called anomalous even at the lower bound L, by default where 1 normal pixel in 100 000 is wrong. \
        The white line is the outline of the ground truth.\n\n\
        A normal image (--normal, or --image with the id of one) shows its false positives instead, in bands between \
        the thresholds at which 1e-2, 1e-3, 1e-4 and 1e-5 of its own pixels are called anomalous: dark blue, light \
        blue, white, black.\n\n\
        The maps, masks and images are read again from where they were evaluated; run.json says where. One image is in \
        memory at a time. An image whose source image is not known or not there is drawn over grey.";

const EXAMPLES: &str = "\
Examples:
  The images nearest to the boxplot statistics of every detector and category:
    pimo heatmap results --out pictures
  The five worst images of one detector, and the five normal images with most false alarms:
    pimo heatmap results --out pictures --model padim --worst 5 --normal 5
  Two images, whose source images have been moved:
    pimo heatmap results --out pictures --image screw/thread_top/003 --image screw/good/001 --images photos";

/// Arguments of `pimo heatmap`.
#[derive(Args, Clone, Debug)]
#[command(args_override_self = true, after_help = EXAMPLES)]
pub struct HeatmapArgs {
    /// The folder of a run, as `pimo eval --out` wrote it
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    choice: ChoiceArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    moved: MovedArgs,
    /// Options about messages.
    #[command(flatten)]
    pub messages: MessageArgs,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// The folder for the pictures, new or empty
    ///
    /// A picture is `DIR/<model>/<image_id>.png`; heatmaps.csv says what each of them shows.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Write into a folder that is not empty; files of the same names are replaced
    #[arg(long)]
    force: bool,

    /// Memory that each file of an image may take
    #[arg(long, value_name = "SIZE", default_value = "256MiB", allow_hyphen_values = true)]
    memory: Memory,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Look")]
struct LookArgs {
    /// How much of the image the colours hide, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.4, value_parser = share, allow_hyphen_values = true)]
    opacity: f64,

    /// Length of a picture's longest side at most, in pixels; larger images are averaged down
    #[arg(long, value_name = "PIXELS", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..=16384))]
    size: u32,

    /// Draw no outlines
    #[arg(long)]
    no_outline: bool,

    /// Draw no colour bar
    #[arg(long)]
    no_colour_bar: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a number from 0 to 1".into())
}

impl LookArgs {
    fn style(&self) -> HeatMapStyle {
        let at_most = self.size;
        let at_least = Scale::default().at_least.min(at_most);
        HeatMapStyle {
            alpha: self.opacity,
            outline: !self.no_outline,
            colour_bar: !self.no_colour_bar,
            scale: Scale { at_least, at_most },
        }
    }
}

/// Chooses, draws and writes.
///
/// # Errors
/// There is no such run, image, detector or category; maps that are not there; a folder that cannot be written.
pub fn run(args: &HeatmapArgs) -> Result<Code, Failure> {
    let began = Instant::now();
    let run = RunReader::open(&args.run)?;
    let chosen = choice::choose(&run, &args.choice)?;
    let files = RunFiles::of(run.record(), &args.moved, args.output.memory.0)?;
    for model in &chosen.models {
        files.check_maps(model)?;
    }
    prepare_folder(&args.output)?;
    process::listen()?;
    let reporter = Reporter::new(&args.messages);
    reporter.start(json!({ "command": "heatmap", "out": args.output.out.to_string_lossy() }));
    for warning in &chosen.warnings {
        reporter.warning(warning);
    }
    let artist = Artist { summary: run.summary()?, files, style: args.look.style() };
    let drawn = artist.draw_all(&chosen.images, &args.output.out, &reporter)?;
    reporter.clear();
    drawn.write_index(&args.output.out)?;
    if !args.messages.quiet {
        standard_output::print(&drawn.table(&args.output.out))?;
    }
    reporter.finished(json!({
        "seconds": began.elapsed().as_secs_f64(),
        "pictures": drawn.pictures.len(),
        "problems": drawn.problems.len(),
    }));
    drawn.ended()
}

fn prepare_folder(output: &OutputArgs) -> Result<(), Failure> {
    let folder = &output.out;
    let shown = folder.display();
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::usage(format!("{shown} is not a folder: choose another name for --out")));
    }
    fs::create_dir_all(folder).map_err(|error| whole_file::unwritable(folder, &error))?;
    let mut entries = fs::read_dir(folder).map_err(|error| whole_file::unwritable(folder, &error))?;
    if entries.next().is_some() && !output.force {
        return Err(Failure::usage(format!(
            "{shown} is not empty: choose another folder, or pass --force to write into it; files of the same names \
             are then replaced"
        )));
    }
    Ok(())
}

/// Draws the images of a run.
struct Artist {
    summary: Summary,
    files: RunFiles,
    style: HeatMapStyle,
}

/// A picture that was written.
struct Drawn<'a> {
    image: &'a Chosen,
    thresholds: Option<OperatingScores>,
    /// Below the folder of the pictures.
    file: PathBuf,
}

/// What came of the images.
#[derive(Default)]
struct Outcome<'a> {
    pictures: Vec<Drawn<'a>>,
    problems: Vec<DrawingProblem>,
}

impl Artist {
    fn draw_all<'a>(&self, images: &'a [Chosen], folder: &Path, reporter: &Reporter) -> Result<Outcome<'a>, Failure> {
        let mut outcome = Outcome::default();
        let mut places = Places::default();
        let mut without_background: BTreeMap<String, usize> = BTreeMap::new();
        for (done, image) in images.iter().enumerate() {
            reporter.step(done as u64, images.len() as u64, "images");
            if interrupt::CANCEL.is_cancelled() {
                let written = units::counted(outcome.pictures.len() as u64, "picture");
                return Err(Failure {
                    code: interrupt::code(),
                    message: format!("interrupted; {written} of {} were written, without heatmaps.csv", images.len()),
                });
            }
            match self.draw(image) {
                Ok((picture, thresholds, without)) => {
                    let file = places.of(&image.row.model, &image.row.category, &image.row.image_id);
                    write_picture(&folder.join(&file), &picture)?;
                    outcome.pictures.push(Drawn { image, thresholds, file });
                    if let Some(why) = without {
                        *without_background.entry(why).or_default() += 1;
                    }
                }
                Err(problem) => outcome.problems.push(problem),
            }
        }
        reporter.clear();
        if let Some((why, _)) = without_background.first_key_value() {
            let count: usize = without_background.values().sum();
            let pictures = units::counted(count as u64, "picture");
            reporter.warning(&format!("{pictures} drawn over grey, without the source image. The first: {why}"));
        }
        Ok(outcome)
    }

    fn draw(&self, image: &Chosen) -> Result<(Picture, Option<OperatingScores>, Option<String>), DrawingProblem> {
        let row = &image.row;
        let wanted = Wanted {
            model: &row.model,
            image_id: &row.image_id,
            is_anomalous: row.is_anomalous,
            size: row.height.zip(row.width),
            map_path: row.map_path.as_deref(),
            mask_path: row.mask_path.as_deref(),
            image_path: row.image_path.as_deref(),
        };
        let thresholds = self.thresholds(image)?;
        let Looked { frame, background, without_background } = self.files.look(&wanted)?;
        let background = background.as_ref();
        let undrawable = |error: HeatMapError| DrawingProblem::undrawable(&row.image_id, &error);
        let picture = match thresholds {
            Some(thresholds) => anomaly_heat_map(&frame, background, thresholds, &self.style),
            None => false_positive_levels(&frame, background, &own_levels(&frame, &FPR_LEVELS), &self.style),
        };
        Ok((picture.map_err(undrawable)?, thresholds, without_background))
    }

    /// The two thresholds of an anomalous image; none for a normal one, which has levels of its own.
    fn thresholds(&self, image: &Chosen) -> Result<Option<OperatingScores>, DrawingProblem> {
        let row = &image.row;
        if !row.is_anomalous {
            return Ok(None);
        }
        let category = self.summary.models.get(&row.model).and_then(|model| model.categories.get(&row.category));
        let points = category.and_then(|category| category.thresholds);
        let scores = points.and_then(|points| points.lower.threshold.zip(points.upper.threshold));
        let scores = scores.map(|(lower, upper)| OperatingScores { lower, upper });
        scores.map(Some).ok_or_else(|| DrawingProblem::without_thresholds(&row.image_id))
    }
}

fn write_picture(path: &Path, picture: &Picture) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| whole_file::unwritable(folder, &error))?;
    }
    whole_file::write(path, |out| {
        encode_png(picture, out).map_err(|error| Failure {
            code: Code::System,
            message: format!("cannot write {}: {error}; choose another place, or make room", path.display()),
        })
    })
}

impl Outcome<'_> {
    fn write_index(&self, folder: &Path) -> Result<(), Failure> {
        let heading = [
            "model",
            "category",
            "image_id",
            "is_anomalous",
            "chosen_as",
            "score",
            "lower_threshold",
            "upper_threshold",
            "file",
        ];
        let mut text = csv::line(heading);
        for Drawn { image, thresholds, file } in &self.pictures {
            let row = &image.row;
            let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
            text += &csv::line([
                row.model.clone(),
                row.category.clone(),
                row.image_id.clone(),
                row.is_anomalous.to_string(),
                image.reasons(),
                number(image.score),
                number(thresholds.map(|at| at.lower)),
                number(thresholds.map(|at| at.upper)),
                file.to_string_lossy().into_owned(),
            ]);
        }
        let path = folder.join("heatmaps.csv");
        whole_file::write(&path, |out| {
            out.write_all(text.as_bytes()).map_err(|error| whole_file::unwritable(&path, &error))
        })
    }

    fn table(&self, folder: &Path) -> String {
        let mut table = Table::new(&[
            ("category", Align::Left),
            ("model", Align::Left),
            ("image", Align::Left),
            ("score", Align::Right),
            ("chosen as", Align::Left),
        ]);
        for Drawn { image, .. } in &self.pictures {
            table.row(vec![
                image.row.category.clone(),
                image.row.model.clone(),
                image.row.image_id.clone(),
                image.score.map_or_else(|| "-".to_owned(), |score| format!("{score:.4}")),
                image.reasons(),
            ]);
        }
        let pictures = units::counted(self.pictures.len() as u64, "picture");
        format!("{}\n{pictures} and heatmaps.csv are in {}\n", table.render(), shell::quoted(folder.as_os_str()))
    }

    /// What the images that were not drawn mean for the command.
    fn ended(&self) -> Result<Code, Failure> {
        if self.problems.is_empty() {
            return Ok(Code::Done);
        }
        let count = self.problems.len();
        let all = count + self.pictures.len();
        let mut lines = vec![format!("{count} of {} could not be drawn", units::counted(all as u64, "image"))];
        lines.extend(self.problems.iter().take(pimo_pipeline::PROBLEMS_SHOWN).map(|problem| format!("  {problem}")));
        if count > pimo_pipeline::PROBLEMS_SHOWN {
            lines.push(format!("  and {} more", count - pimo_pipeline::PROBLEMS_SHOWN));
        }
        Err(Failure { code: DrawingProblem::code(&self.problems), message: lines.join("\n") })
    }
}
