//! Options of statistical tests and intervals.

use clap::{Args, ValueEnum};
use pimo_analysis::bootstrap::{BootstrapSettings, MAX_RESAMPLES};
use pimo_analysis::compare::Settings;
use pimo_analysis::wilcoxon::ZeroMethod;

/// Options about statistics.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Statistics")]
pub struct StatisticsArgs {
    /// What the Wilcoxon test does with images on which two detectors are equal
    #[arg(long, value_name = "METHOD", default_value = "wilcox")]
    pub zero_method: ZeroMethodChoice,

    /// Differences up to this count as equal in the Wilcoxon test
    ///
    /// 1e-3 as published; 0 for none. Ranks, t-test and intervals take the scores as they are.
    #[arg(long, value_name = "DIFFERENCE", default_value = "1e-3", value_parser = tolerance, allow_hyphen_values = true)]
    pub atol: f64,

    /// Resamples of the images for the intervals of means; 0 for no intervals
    ///
    /// Bias-corrected and accelerated bootstrap (`BCa`) with a fixed seed: the same numbers every time.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = resamples)]
    pub bootstrap: usize,

    /// Confidence of claims and coverage of intervals
    ///
    /// A detector beats another in a category when the one-sided Wilcoxon test says so with at least this confidence
    /// (1 - p). One minus it is the level of the Nemenyi critical difference.
    #[arg(long, value_name = "SHARE", default_value = "0.95", value_parser = share, allow_hyphen_values = true)]
    pub confidence: f64,
}

/// Treatments of zero differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ZeroMethodChoice {
    /// Leave them out (as published)
    Wilcox,
    /// Rank them with the others, then leave out their ranks
    Pratt,
    /// Rank them with the others and give half of their ranks to each side
    Zsplit,
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

fn tolerance(text: &str) -> Result<f64, String> {
    number(text).filter(|&value| value >= 0.0).ok_or_else(|| "expected a number of at least 0, such as 1e-3".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let inside = |&value: &f64| value > 0.0 && value < 1.0;
    number(text).filter(inside).ok_or_else(|| "expected a number between 0 and 1, such as 0.95".to_owned())
}

fn resamples(text: &str) -> Result<usize, String> {
    let few = |&count: &usize| count <= MAX_RESAMPLES;
    text.parse().ok().filter(few).ok_or_else(|| format!("expected a whole number up to {MAX_RESAMPLES}"))
}

impl StatisticsArgs {
    /// What the libraries take.
    pub fn to_settings(&self) -> Settings {
        Settings {
            zero_method: match self.zero_method {
                ZeroMethodChoice::Wilcox => ZeroMethod::Wilcox,
                ZeroMethodChoice::Pratt => ZeroMethod::Pratt,
                ZeroMethodChoice::Zsplit => ZeroMethod::ZSplit,
            },
            tolerance: self.atol,
            // 1 - 0.95 is not quite 0.05, and tables of critical differences are for 0.05.
            alpha: ((1.0 - self.confidence) * 1e12).round().max(1.0) / 1e12,
            bootstrap: BootstrapSettings {
                resamples: self.bootstrap,
                confidence: self.confidence,
                ..BootstrapSettings::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_ranges() {
        assert_eq!((tolerance("0"), share("0.9"), resamples("0")), (Ok(0.0), Ok(0.9), Ok(0)));
        for bad in ["", "-1", "nan", "inf", "x"] {
            assert!(tolerance(bad).is_err() && share(bad).is_err() && resamples(bad).is_err(), "{bad}");
        }
        assert!(share("0").is_err() && share("1").is_err() && resamples("1000001").is_err());
    }
}
