//! Options that say what is measured, and what is done about bad input.

use clap::Args;
use pimo_accumulator::ImageScore;
use pimo_finaliser::{CurvePoints, FprBounds, SharedFpr};
use pimo_pipeline::{Settings, Thresholds};
use pimo_reader::MaskRule;

use crate::args::bounds;
use crate::args::metrics::MetricsArgs;

/// Options about measuring.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Measuring")]
pub struct MeasureArgs {
    /// exact, or the published procedure: linspace or linspace:K
    ///
    /// `exact` takes every score of the normal images: no parameter, no rounding.
    /// `linspace` is the published procedure, bit for bit, with K evenly spaced thresholds (300000 if not given); it
    /// reads normal images twice. Use it to compare with numbers that were published.
    #[arg(long, value_name = "HOW", default_value = "exact", value_parser = thresholds)]
    pub thresholds: Thresholds,

    /// The range of shared false-positive rates that AUPIMO averages over
    ///
    /// 0 < L < U <= 1. Stricter bounds need more normal pixels: the shared FPR moves in steps of one pixel.
    #[arg(long, value_name = "L,U", default_value = "1e-5,1e-4", value_parser = bounds::parse, allow_hyphen_values = true)]
    pub fpr_bounds: FprBounds,

    /// How the normal images' rates become one: mean, max, or quantile:Q
    ///
    /// `mean` is the published definition; `max` looks at the worst image, `quantile:0.95` at the worst but for 5 % of them.
    #[arg(long, value_name = "HOW", default_value = "mean")]
    pub shared_fpr: SharedFpr,

    /// Points of each image's curve that are kept: a number, full, or none
    ///
    /// They go to curves.parquet: N points, evenly spaced in the logarithm of the shared FPR; every point (`full`); or
    /// `none`. Scores do not depend on it.
    #[arg(long, value_name = "N", default_value = "200", value_parser = curves)]
    pub curves: CurvePoints,

    /// How pixels become the score of the image: max, mean, or mean-top:K
    #[arg(long, value_name = "HOW", default_value = "max", value_parser = image_score)]
    pub image_score: ImageScore,

    /// A mask's pixel is anomalous above this value [default: everything but 0]
    #[arg(long, value_name = "VALUE", value_parser = finite, allow_hyphen_values = true)]
    pub mask_threshold: Option<f64>,

    /// Whether maps may be stretched to the size of their masks
    ///
    /// Maps of another size than their masks are resampled (bilinear, as torch does). `same-aspect` refuses maps whose
    /// aspect ratio differs by more than 1 %, which are usually crops of the image; `any` stretches those too.
    #[arg(long, value_name = "WHICH", default_value = "same-aspect")]
    pub resample: Resample,

    /// Leave out images whose files are damaged or whose scores are no numbers
    ///
    /// That is, those whose map is missing or damaged or holds NaN or infinity. They are listed in run.json. Without
    /// this option such an image makes its category fail.
    #[arg(long)]
    pub skip_bad: bool,

    /// Accept linspace scores that rest on few thresholds
    ///
    /// The published procedure refuses 30 thresholds or fewer between the bounds; this is its `force`.
    #[arg(long)]
    pub allow_few_points: bool,

    #[command(flatten)]
    metrics: MetricsArgs,
}

/// Which maps may be resampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Resample {
    /// Those with the aspect ratio of their masks.
    SameAspect,
    /// All.
    Any,
}

fn thresholds(text: &str) -> Result<Thresholds, String> {
    match text.split_once(':') {
        None if text == "exact" => Ok(Thresholds::Exact),
        None if text == "linspace" => Ok(Thresholds::Linspace(Thresholds::PUBLISHED)),
        Some(("linspace", count)) => match count.parse() {
            Ok(count) if count >= 2 => Ok(Thresholds::Linspace(count)),
            _ => Err("K has to be a whole number of at least 2, for example linspace:300000".into()),
        },
        _ => Err("expected exact, linspace or linspace:K".into()),
    }
}

fn curves(text: &str) -> Result<CurvePoints, String> {
    match text {
        "full" => Ok(CurvePoints::Full),
        "none" => Ok(CurvePoints::None),
        _ => match text.parse() {
            Ok(levels) if levels <= 1_000_000 => Ok(CurvePoints::Levels(levels)),
            _ => Err("expected a number of points up to 1000000, full or none".into()),
        },
    }
}

fn image_score(text: &str) -> Result<ImageScore, String> {
    match text.split_once(':') {
        None if text == "max" => Ok(ImageScore::Max),
        None if text == "mean" => Ok(ImageScore::Mean),
        Some(("mean-top", count)) => match count.parse() {
            Ok(count) if count > 0 => Ok(ImageScore::MeanTop(count)),
            _ => Err("K has to be a whole number of at least 1, for example mean-top:100".into()),
        },
        _ => Err("expected max, mean or mean-top:K".into()),
    }
}

pub(super) fn finite(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(|| "expected a number".to_owned())
}

impl MeasureArgs {
    /// What the libraries take, with the machine's share left at its defaults.
    pub fn to_settings(&self) -> Settings {
        let mut settings = Settings {
            thresholds: self.thresholds,
            bounds: self.fpr_bounds,
            shared_fpr: self.shared_fpr,
            curves: self.curves,
            image_score: self.image_score,
            mask_rule: self.mask_threshold.map_or(MaskRule::Nonzero, MaskRule::Above),
            resample_any: self.resample == Resample::Any,
            skip_bad: self.skip_bad,
            allow_few_points: self.allow_few_points,
            ..Settings::default()
        };
        self.metrics.apply(&mut settings);
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_with_numbers() {
        assert_eq!(thresholds("linspace"), Ok(Thresholds::Linspace(300_000)));
        assert_eq!(thresholds("linspace:10"), Ok(Thresholds::Linspace(10)));
        assert_eq!(curves("0"), Ok(CurvePoints::Levels(0)));
        assert_eq!(image_score("mean-top:5"), Ok(ImageScore::MeanTop(5)));
        for bad in ["", "Exact", "exact:3", "linspace:", "linspace:1", "linspace:-3"] {
            assert!(thresholds(bad).is_err(), "{bad}");
        }
        for bad in ["", "-1", "all", "1000001"] {
            assert!(curves(bad).is_err(), "{bad}");
        }
        for bad in ["", "mean-top", "mean-top:0", "min"] {
            assert!(image_score(bad).is_err(), "{bad}");
        }
        assert!(finite("nan").is_err() && finite("1e999").is_err() && finite("0.5") == Ok(0.5));
    }
}
