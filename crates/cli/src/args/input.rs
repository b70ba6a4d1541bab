//! Options that say where maps and masks lie.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args};
use pimo_dataset::{Layout, ManifestOptions, MapsSource, MissingMask, Sources};
use pimo_pipeline::Input;

use crate::args::{NamedMaps, maps};
use crate::exit::Failure;

/// Options about input.
#[derive(Args, Clone, Debug)]
#[command(
    next_help_heading = "Input: folders, or a manifest",
    group = ArgGroup::new("source").required(true).args(["maps", "manifest"])
)]
pub struct InputArgs {
    /// Anomaly maps of a detector: a folder or a stacked file; repeat for several detectors
    ///
    /// A stacked file holds many maps: asmaps.pt, an .npy of N x H x W with --paths, an .npz whose keys are paths. NAME
    /// is what the detector is called in the results; without it --model counts, or the name of the folder or file.
    /// Several detectors in one run read each mask only once if --memory holds them together; if not, they are evaluated
    /// one after the other, with the same results.
    #[arg(
        long, value_name = "[NAME=]PATH", requires = "dataset",
        value_parser = OsStringValueParser::new().try_map(NamedMaps::parse)
    )]
    pub maps: Vec<NamedMaps>,

    /// The dataset's folder, with the masks
    ///
    /// The folder above the categories, the folder of one category, or (layout flat) the folder of masks.
    #[arg(long, value_name = "DIR", requires = "maps")]
    pub dataset: Option<PathBuf>,

    /// A table that names every file, instead of --maps and --dataset
    ///
    /// CSV or Parquet with the columns `image_id`, `category`, `map` (or `map:NAME` for each of several detectors), and
    /// optionally `mask`, `image`, `class`, `defect` and `group`. Entries of stacked files are written as file.pt#12.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dataset", "layout", "paths"])]
    pub manifest: Option<PathBuf>,

    /// What relative paths in the manifest start from [default: its folder]
    #[arg(long, value_name = "DIR", requires = "manifest")]
    pub root: Option<PathBuf>,

    /// The detector's name, if --maps does not give one
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,

    /// How the dataset is laid out [default: recognised by its folders]
    #[arg(long, value_name = "LAYOUT", value_parser = layout_parser(), long_help = LAYOUTS)]
    pub layout: Option<Layout>,

    /// Evaluate only this category; repeat for several
    #[arg(long, value_name = "NAME")]
    pub category: Vec<String>,

    /// The images' paths, for a stacked file of maps that does not hold them
    ///
    /// A text file with one path a line, or a JSON list, in the order of the maps; such as screw/test/good/000.png.
    #[arg(long, value_name = "FILE", requires = "maps")]
    pub paths: Option<PathBuf>,

    /// What an image without a mask is, where no folder tells (layout flat, manifests)
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    pub missing_mask: MissingMaskChoice,

    /// Let the masks decide which images are anomalous
    ///
    /// An image is anomalous if its mask marks a pixel, whatever the folder's name or the manifest says.
    #[arg(long)]
    pub class_from_mask: bool,
}

const LAYOUTS: &str = "\
How the dataset is laid out [default: recognised by its folders]. Where the masks are:
mvtec-ad   <category>/ground_truth/<defect>/<stem>_mask.png
visa       <category>/ground_truth/bad/<stem>.png
mvtec-3d   <category>/test/<defect>/gt/<stem>.png
mvtec-ad2  <category>/test_public/ground_truth/bad/<stem>_mask.png
flat       <stem>.png, in a folder whose files are named as the maps are
Images in a folder called `good` are normal.";

/// What an image without a mask is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MissingMaskChoice {
    /// Bad input: a lost file must not turn a defect into a normal image.
    Refuse,
    /// A normal image.
    Normal,
}

fn layout_parser() -> impl TypedValueParser<Value = Layout> {
    let known = |name: String| Layout::ALL.into_iter().find(|layout| layout.name() == name);
    PossibleValuesParser::new(Layout::ALL.map(Layout::name))
        .map(move |name| known(name).expect("only names of layouts are possible"))
}

impl InputArgs {
    /// What the libraries take.
    ///
    /// # Errors
    /// Names that are missing or given twice.
    pub fn to_input(&self) -> Result<Input, Failure> {
        let missing_mask = match self.missing_mask {
            MissingMaskChoice::Refuse => MissingMask::Refuse,
            MissingMaskChoice::Normal => MissingMask::Normal,
        };
        let Some(manifest) = &self.manifest else {
            return Ok(Input::Folders(Sources {
                maps: self.sources()?,
                dataset: self.dataset.clone().unwrap_or_default(),
                layout: self.layout,
                categories: self.category.clone(),
                missing_mask,
                class_from_mask: self.class_from_mask,
            }));
        };
        let model = self.model.clone().or_else(|| maps::stem(manifest));
        Ok(Input::Manifest(ManifestOptions {
            path: manifest.clone(),
            root: self.root.clone(),
            model: model.unwrap_or_else(|| "detector".to_owned()),
            categories: self.category.clone(),
            missing_mask,
            class_from_mask: self.class_from_mask,
        }))
    }

    fn sources(&self) -> Result<Vec<MapsSource>, Failure> {
        if self.model.is_some() && (self.maps.len() > 1 || self.maps[0].name.is_some()) {
            return Err(Failure::usage("--model names the detector of a single --maps PATH; write --maps NAME=PATH"));
        }
        let source = |maps: &NamedMaps| {
            let model = self.model.clone().or_else(|| maps.model()).ok_or_else(|| {
                Failure::usage(format!("{}: the path has no name; write --maps NAME=PATH", maps.path.display()))
            })?;
            Ok(MapsSource { model, path: maps.path.clone(), paths: self.paths.clone() })
        };
        self.maps.iter().map(source).collect()
    }
}
