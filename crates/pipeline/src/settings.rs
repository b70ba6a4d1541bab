//! What a run is asked to do.

use std::path::{Path, PathBuf};

use pimo_accumulator::{Connectivity, ImageScore, Regions};
use pimo_dataset::{ManifestOptions, Sources};
use pimo_finaliser::{CurvePoints, FprBounds, Profile, SharedFpr};
use pimo_frame::Mask;
use pimo_reader::{IoChoice, MaskRule};

use crate::{Metrics, PipelineError};

/// Where the images come from.
#[derive(Clone, Debug)]
pub enum Input {
    /// Folders in one of the known layouts.
    Folders(Sources),
    /// A table that names every file.
    Manifest(ManifestOptions),
}

/// How thresholds are chosen on the normal images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thresholds {
    /// Every score of the normal images: the exact definition.
    #[default]
    Exact,
    /// This number of evenly spaced ones: the published procedure.
    Linspace(usize),
}

impl Thresholds {
    /// Number of thresholds in the published package.
    pub const PUBLISHED: usize = 300_000;

    /// Whether the normal images are swept twice: the published procedure needs the range of their scores first.
    pub const fn reads_normal_twice(self) -> bool {
        matches!(self, Self::Linspace(_))
    }

    /// Bytes of maps that an evaluation reads, where all maps together have `all` and those of normal images `normal`.
    pub const fn bytes_to_read(self, all: u64, normal: u64) -> u64 {
        if self.reads_normal_twice() { all + normal } else { all }
    }
}

/// How images are read and measured.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Settings {
    /// How thresholds are chosen.
    pub thresholds: Thresholds,
    /// The range of shared FPR.
    pub bounds: FprBounds,
    /// How the normal images' rates become one.
    pub shared_fpr: SharedFpr,
    /// The points of curves that are kept.
    pub curves: CurvePoints,
    /// What is computed beside AUPIMO.
    pub metrics: Metrics,
    /// Which anomalous pixels make one region.
    pub connectivity: Connectivity,
    /// Limits of the false-positive rate for AUPRO and partial AUROC, each above 0 and at most 1.
    pub aupro_limits: Vec<f64>,
    /// Another tool whose values are wanted in place of pimo's own, over all pixels and over images.
    pub profile: Option<Profile>,
    /// Thresholds at which precision, recall, F1 and intersection over union are wanted.
    pub at: Vec<f64>,
    /// Half-width of a metric's interval that is not worth a warning.
    pub tolerance: f64,
    /// Read maps again where a metric's interval is wider than that.
    pub refine: bool,
    /// How an image's pixels become its score.
    pub image_score: ImageScore,
    /// Which samples of a mask are anomalous.
    pub mask_rule: MaskRule,
    /// Resample maps whose aspect ratio differs from that of the mask.
    pub resample_any: bool,
    /// Leave out images whose files can't be read or whose scores are no numbers.
    pub skip_bad: bool,
    /// Accept scores of the published procedure that rest on 30 thresholds or fewer.
    pub allow_few_points: bool,
    /// Threads that count; as many read.
    pub threads: usize,
    /// Bytes of memory that may be used.
    pub memory: u64,
    /// How files are read.
    pub io: IoChoice,
    /// Called with a map's file once it is mapped: a hook for tests.
    #[doc(hidden)]
    pub after_map_hook: Option<fn(&Path)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            thresholds: Thresholds::Exact,
            bounds: FprBounds::default(),
            shared_fpr: SharedFpr::Mean,
            curves: CurvePoints::default(),
            metrics: Metrics::ALL,
            connectivity: Connectivity::Eight,
            aupro_limits: vec![0.01, 0.05, 0.3, 1.0],
            profile: None,
            at: Vec::new(),
            tolerance: 1e-6,
            refine: false,
            image_score: ImageScore::Max,
            mask_rule: MaskRule::Nonzero,
            resample_any: false,
            skip_bad: false,
            allow_few_points: false,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory: 256 << 20,
            io: IoChoice::Auto,
            after_map_hook: None,
        }
    }
}

impl Settings {
    /// The anomalous pixels of a mask: its connected regions, or all as one where nobody asks for these.
    pub(crate) fn regions_of(&self, mask: &Mask) -> Regions {
        if self.metrics.joins_regions() { Regions::of(mask, self.connectivity) } else { Regions::as_one(mask) }
    }

    /// Refuses what does not go together.
    pub(crate) fn check(&self) -> Result<(), PipelineError> {
        if self.thresholds != Thresholds::Exact && self.shared_fpr != SharedFpr::Mean {
            return Err(PipelineError::Usage(
                "the published procedure knows the mean of the normal images' rates only: use --shared-fpr mean, or \
                 --thresholds exact",
            ));
        }
        Ok(())
    }

    /// Whether scores are rounded to half precision before anything else.
    pub(crate) fn rounds_to_half(&self) -> bool {
        self.profile.is_some_and(Profile::rounds_to_half)
    }

    /// What results depend on, by name, in a fixed order. Goes into every output; nothing of the machine is in it.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let thresholds = match self.thresholds {
            Thresholds::Exact => "exact".to_owned(),
            Thresholds::Linspace(count) => format!("linspace:{count}"),
        };
        let curves = match self.curves {
            CurvePoints::Levels(levels) => levels.to_string(),
            CurvePoints::Full => "full".to_owned(),
            CurvePoints::None => "none".to_owned(),
        };
        let image_score = match self.image_score {
            ImageScore::Max => "max".to_owned(),
            ImageScore::Mean => "mean".to_owned(),
            ImageScore::MeanTop(k) => format!("mean-top:{k}"),
        };
        let mask_rule = match self.mask_rule {
            MaskRule::Nonzero => "nonzero".to_owned(),
            MaskRule::Above(bound) => format!("above:{bound}"),
        };
        let connectivity = match self.connectivity {
            Connectivity::Four => "4",
            Connectivity::Eight => "8",
        };
        let numbers =
            |numbers: &[f64]| numbers.iter().map(|number| format!("{number:?}")).collect::<Vec<_>>().join(",");
        [
            ("thresholds", thresholds),
            ("fpr_lower_bound", self.bounds.lower().to_string()),
            ("fpr_upper_bound", self.bounds.upper().to_string()),
            ("shared_fpr", self.shared_fpr.to_string()),
            ("curves", curves),
            ("metrics", self.metrics.to_string()),
            ("connectivity", connectivity.to_owned()),
            ("aupro_limits", numbers(&self.aupro_limits)),
            ("profile", self.profile.map_or_else(|| "none".to_owned(), |profile| profile.to_string())),
            ("at", numbers(&self.at)),
            ("tolerance", format!("{:?}", self.tolerance)),
            ("refine", self.refine.to_string()),
            // How fine the histogram is, and so how wide intervals are.
            ("memory", self.memory.to_string()),
            ("image_score", image_score),
            ("mask", mask_rule),
            ("resample_any", self.resample_any.to_string()),
            ("skip_bad", self.skip_bad.to_string()),
            ("allow_few_points", self.allow_few_points.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// Where results go.
#[derive(Clone, Debug)]
pub struct Output {
    /// The run's folder.
    pub folder: PathBuf,
    /// Replace a run that is there.
    pub force: bool,
    /// Write the scores in the published format too.
    pub published: bool,
}
