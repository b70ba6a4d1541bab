//! Options that say which metrics are computed beside AUPIMO.

use clap::Args;
use pimo_accumulator::Connectivity;
use pimo_finaliser::Profile;
use pimo_pipeline::{Metrics, Settings};

/// Options about metrics.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Metrics")]
pub(super) struct MetricsArgs {
    /// What is computed: all, or some of aupimo, pixel, aupro, iou, regions and image
    ///
    /// `aupimo` is always computed. `pixel`: over all pixels, AUROC, average precision, the largest F1 and intersection
    /// over union, FPR95, and rates at thresholds. `aupro`: the mean overlap with connected regions, up to limits of the false-positive rate.
    /// `iou`: the best intersection over union of each image, and of one threshold for all. `regions`: a row for every
    /// connected region. `image`: AUROC, average precision and F1max over images (and over groups of them).
    /// All come from the same read; `aupimo` alone takes a third of the time and less memory.
    #[arg(long, value_name = "NAMES", default_value = "all")]
    pub metrics: Metrics,

    /// Pixels that make one region: 8 neighbours, or the 4 that share an edge
    #[arg(long, value_name = "N", default_value = "8", value_parser = connectivity)]
    pub connectivity: Connectivity,

    /// Limits of the false-positive rate for AUPRO and partial AUROC
    #[arg(
        long, value_name = "LIMITS", value_delimiter = ',', default_value = "0.01,0.05,0.3,1.0", value_parser = limit,
        allow_hyphen_values = true
    )]
    pub aupro_limits: Vec<f64>,

    /// Give another tool's values: mvtec-ad, mvtec-ad2, anomalib, or adeval:K
    ///
    /// In place of pimo's own, under the same names: `mvtec-ad` and `mvtec-ad2` as the official evaluation of these
    /// datasets (the latter rounds scores to half precision first), `anomalib`, or `adeval:K` with K strips between the
    /// lowest and the highest score. What each computes is in docs/compatibility.md; metrics over all pixels and images
    /// that the tool does not have are left out, and the other options about metrics do not go with it.
    #[arg(long, value_name = "TOOL", conflicts_with_all = ["metrics", "connectivity", "aupro_limits", "at"])]
    pub profile: Option<Profile>,

    /// Thresholds at which precision, recall, F1 and overlap of all pixels are wanted
    #[arg(
        long, value_name = "SCORES", value_delimiter = ',', value_parser = super::measure::finite,
        allow_hyphen_values = true
    )]
    pub at: Vec<f64>,

    /// Half-width of a metric's interval above which the run warns
    ///
    /// Metrics are exact, or intervals that certainly hold the exact value; how wide depends on --memory and the data. It
    /// does not concern AUPIMO and `iou_shared_max`, which have warnings of their own, nor thresholds, nor rates at those
    /// of --at.
    #[arg(long, value_name = "WIDTH", default_value = "1e-6", value_parser = tolerance, allow_hyphen_values = true)]
    pub tolerance: f64,

    /// Read maps again where a metric's interval is wider than the tolerance
    ///
    /// Normal pixels are counted between the scores of anomalous ones, which leaves nothing open: one more read of the
    /// anomalous images and one of all images, or a few where --memory can't hold all these scores. Rates at the
    /// thresholds of --at are known then too. Where `iou` is asked for, the anomalous images are read again for
    /// `iou_shared_max` and its threshold. AUPIMO and other thresholds remain as they are.
    #[arg(long)]
    pub refine: bool,
}

impl MetricsArgs {
    /// Writes the options into the settings.
    pub(super) fn apply(&self, settings: &mut Settings) {
        settings.metrics = self.metrics;
        settings.connectivity = self.connectivity;
        settings.aupro_limits = distinct(&self.aupro_limits);
        settings.at = distinct(&self.at);
        settings.tolerance = self.tolerance;
        settings.refine = self.refine;
        settings.profile = self.profile;
        if self.profile.is_some() {
            settings.metrics = Metrics { iou: false, ..Metrics::ALL };
        }
    }
}

/// Ascending, and each number once: it names a metric.
fn distinct(numbers: &[f64]) -> Vec<f64> {
    // Adding zero makes -0.0 the same number as 0.0.
    let mut numbers: Vec<f64> = numbers.iter().map(|number| number + 0.0).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    numbers
}

fn connectivity(text: &str) -> Result<Connectivity, String> {
    match text {
        "4" => Ok(Connectivity::Four),
        "8" => Ok(Connectivity::Eight),
        _ => Err("expected 4 or 8".into()),
    }
}

/// Below this a limit is less than a pixel of any dataset, and areas up to it are lost in rounding.
const LOWEST_LIMIT: f64 = 1e-12;

fn limit(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(limit) if (LOWEST_LIMIT..=1.0).contains(&limit) => Ok(limit),
        Ok(limit) if limit > 0.0 && limit < LOWEST_LIMIT => {
            Err("no dataset has so many pixels that a rate so low could be reached; a limit is at least 1e-12"
                .to_owned())
        }
        _ => Err("a limit is a number above 0 and at most 1".to_owned()),
    }
}

fn tolerance(text: &str) -> Result<f64, String> {
    let tolerance = text.parse().ok().filter(|&tolerance: &f64| (0.0..1.0).contains(&tolerance));
    tolerance.ok_or_else(|| "expected a number from 0 to below 1, such as 1e-6".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        for bad in ["0", "1.1", "-0.1", "nan", ""] {
            assert!(limit(bad).is_err(), "{bad}");
        }
        assert_eq!((limit("0.3"), limit("1e-12")), (Ok(0.3), Ok(1e-12)));
        assert!(limit("1e-13").is_err_and(|error| error.contains("at least 1e-12")));
        for bad in ["1", "-1e-6", "nan"] {
            assert!(tolerance(bad).is_err(), "{bad}");
        }
        assert_eq!(tolerance("0"), Ok(0.0));
        assert_eq!(distinct(&[0.3, -0.0, 0.3, 0.0]), [0.0, 0.3]);
    }
}
