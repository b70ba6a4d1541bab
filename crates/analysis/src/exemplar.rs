//! Systematic choice of example images: the one nearest to each boxplot statistic.

use std::cmp::Ordering;
use std::fmt;

use crate::boxplot::BoxplotStatistics;
use crate::error::{AnalysisError, check_scores, check_tolerance};

/// Absolute tolerance within which another image may stand in for one that is already shown.
pub const DEFAULT_REPEAT_TOLERANCE: f64 = 1e-2;

/// Part of the statistic's magnitude that is added to the absolute tolerance, as in `numpy.isclose`.
const RELATIVE_TOLERANCE: f64 = 1e-5;

/// Which statistic an image stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Statistic {
    /// Arithmetic mean.
    Mean,
    /// Upper whisker.
    UpperWhisker,
    /// Lower whisker.
    LowerWhisker,
    /// First quartile.
    FirstQuartile,
    /// Median.
    Median,
    /// Third quartile.
    ThirdQuartile,
    /// The n-th score above the upper whisker, counted from 0 in image order.
    HighOutlier(usize),
    /// The n-th score below the lower whisker, counted from 0 in image order.
    LowOutlier(usize),
}

/// Names as published: `mean`, `whishi`, `whislo`, `q1`, `med`, `q3`, `outhi_000000`, `outlo_000000`.
impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.pad("mean"),
            Self::UpperWhisker => f.pad("whishi"),
            Self::LowerWhisker => f.pad("whislo"),
            Self::FirstQuartile => f.pad("q1"),
            Self::Median => f.pad("med"),
            Self::ThirdQuartile => f.pad("q3"),
            Self::HighOutlier(number) => write!(f, "outhi_{number:06}"),
            Self::LowOutlier(number) => write!(f, "outlo_{number:06}"),
        }
    }
}

/// Which outliers get an example of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutlierPolicy {
    /// None.
    #[default]
    None,
    /// Scores above the upper whisker.
    High,
    /// Scores below the lower whisker.
    Low,
    /// Both.
    Both,
}

impl OutlierPolicy {
    fn high(self) -> bool {
        matches!(self, Self::High | Self::Both)
    }

    fn low(self) -> bool {
        matches!(self, Self::Low | Self::Both)
    }
}

/// What to do when the nearest image was already chosen for another statistic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RepeatPolicy {
    /// Choose it again.
    Allow,
    /// Choose the nearest unused image whose score differs from the statistic by at most
    /// `tolerance + 1e-5 |statistic|`; repeat only if there is none.
    Avoid {
        /// Absolute tolerance, in score units.
        tolerance: f64,
    },
}

impl Default for RepeatPolicy {
    fn default() -> Self {
        Self::Avoid { tolerance: DEFAULT_REPEAT_TOLERANCE }
    }
}

/// An image chosen for a statistic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exemplar {
    /// The statistic it stands for.
    pub statistic: Statistic,
    /// Value of the statistic.
    pub value: f64,
    /// Index of the image among the scores.
    pub index: usize,
    /// Score of the image.
    pub score: f64,
}

/// Chooses the image nearest to each statistic of `scores`; ties go to the lowest index.
///
/// Statistics are served in ascending order of value (equal values: mean, upper whisker, lower
/// whisker, quartiles, high outliers, low outliers), which decides who gets an image first when
/// repeats are avoided. The result is sorted by the score of the chosen image.
///
/// # Errors
/// When there are no scores, when one is not finite, or when the tolerance is negative or NaN.
pub fn exemplars(
    scores: &[f64],
    outliers: OutlierPolicy,
    repeats: RepeatPolicy,
) -> Result<Vec<Exemplar>, AnalysisError> {
    check_scores(scores)?;
    if let RepeatPolicy::Avoid { tolerance } = repeats {
        check_tolerance(tolerance)?;
    }
    let statistics = statistics_to_show(scores, &BoxplotStatistics::of(scores)?, outliers);
    let mut used = vec![false; scores.len()];
    let mut chosen: Vec<Exemplar> = statistics
        .into_iter()
        .map(|(statistic, value)| {
            let index = choose(scores, value, &used, repeats);
            used[index] = true;
            Exemplar { statistic, value, index, score: scores[index] }
        })
        .collect();
    chosen.sort_by(|a, b| by_value(a.score, b.score));
    Ok(chosen)
}

/// The statistics with their values, in the order in which they choose.
fn statistics_to_show(scores: &[f64], boxplot: &BoxplotStatistics, outliers: OutlierPolicy) -> Vec<(Statistic, f64)> {
    let mut statistics = vec![
        (Statistic::Mean, boxplot.mean),
        (Statistic::UpperWhisker, boxplot.upper_whisker),
        (Statistic::LowerWhisker, boxplot.lower_whisker),
        (Statistic::FirstQuartile, boxplot.first_quartile),
        (Statistic::Median, boxplot.median),
        (Statistic::ThirdQuartile, boxplot.third_quartile),
    ];
    if outliers.high() {
        let high = boxplot.high_outliers.iter().enumerate();
        statistics.extend(high.map(|(number, &index)| (Statistic::HighOutlier(number), scores[index])));
    }
    if outliers.low() {
        let low = boxplot.low_outliers.iter().enumerate();
        statistics.extend(low.map(|(number, &index)| (Statistic::LowOutlier(number), scores[index])));
    }
    statistics.sort_by(|a, b| by_value(a.1, b.1));
    statistics
}

/// Order of finite values. -0.0 and 0.0 are the same value: a total order would not keep what comes first.
fn by_value(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

fn choose(scores: &[f64], value: f64, used: &[bool], repeats: RepeatPolicy) -> usize {
    let nearest = nearest_where(scores, value, |_| true).unwrap_or(0);
    match repeats {
        RepeatPolicy::Avoid { tolerance } if used[nearest] => {
            let reach = tolerance + RELATIVE_TOLERANCE * value.abs();
            let unused = |index: usize| !used[index] && (scores[index] - value).abs() <= reach;
            nearest_where(scores, value, unused).unwrap_or(nearest)
        }
        RepeatPolicy::Allow | RepeatPolicy::Avoid { .. } => nearest,
    }
}

/// Lowest index among the eligible images that are nearest to `value`.
fn nearest_where(scores: &[f64], value: f64, eligible: impl Fn(usize) -> bool) -> Option<usize> {
    let mut best: Option<(f64, usize)> = None;
    for (index, score) in scores.iter().enumerate() {
        let distance = (score - value).abs();
        if best.is_none_or(|(least, _)| distance < least) && eligible(index) {
            best = Some((distance, index));
        }
    }
    best.map(|(_, index)| index)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn indices(scores: &[f64], repeats: RepeatPolicy) -> Vec<(String, usize)> {
        let chosen = exemplars(scores, OutlierPolicy::None, repeats).unwrap();
        chosen.iter().map(|chosen| (chosen.statistic.to_string(), chosen.index)).collect()
    }

    #[test]
    fn ties_go_to_the_lowest_index() {
        let chosen = indices(&[1.0, 0.0, 1.0, 0.0], RepeatPolicy::Allow);
        let of = |name: &str| chosen.iter().find(|(statistic, _)| statistic == name).unwrap().1;
        assert_eq!((of("whislo"), of("med"), of("whishi")), (1, 0, 0));
    }

    #[test]
    fn repeats_are_avoided_only_within_the_tolerance() {
        let scores = [0.5, 0.505, 0.9];
        let allowed = indices(&scores, RepeatPolicy::Allow);
        assert_eq!(allowed.iter().filter(|(_, index)| *index == 0).count(), 2, "{allowed:?}");
        let avoided = indices(&scores, RepeatPolicy::default());
        let of = |name: &str| avoided.iter().find(|(statistic, _)| statistic == name).unwrap().1;
        assert_eq!((of("whislo"), of("q1"), of("med")), (0, 1, 1));
    }

    #[test]
    fn equal_scores_show_different_images() {
        let mut shown: Vec<usize> = indices(&[0.25; 8], RepeatPolicy::default()).iter().map(|shown| shown.1).collect();
        assert_eq!(shown, [0, 1, 2, 3, 4, 5]);
        shown = indices(&[0.25; 2], RepeatPolicy::default()).iter().map(|shown| shown.1).collect();
        assert_eq!(shown, [0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn outliers_are_shown_when_asked_for() {
        let scores = [0.5, 0.4, 0.6, 0.5, 0.45, 0.55, 1.0, 0.0];
        let names = |policy| -> Vec<String> {
            let chosen = exemplars(&scores, policy, RepeatPolicy::Allow).unwrap();
            chosen.iter().map(|chosen| chosen.statistic.to_string()).filter(|name| name.starts_with("out")).collect()
        };
        assert!(names(OutlierPolicy::None).is_empty());
        assert_eq!(names(OutlierPolicy::High), ["outhi_000000"]);
        assert_eq!(names(OutlierPolicy::Low), ["outlo_000000"]);
        assert_eq!(names(OutlierPolicy::Both), ["outlo_000000", "outhi_000000"]);
    }

    #[test]
    fn refuses_a_negative_tolerance() {
        let repeats = RepeatPolicy::Avoid { tolerance: -1.0 };
        let error = exemplars(&[0.5], OutlierPolicy::None, repeats).unwrap_err();
        assert_eq!(error, AnalysisError::Tolerance { value: -1.0 });
    }
}
