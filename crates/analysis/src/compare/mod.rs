//! Comparison of detectors on the same images, category by category and over all.

mod category;
mod pairs;

use crate::bootstrap::{BootstrapSettings, Interval};
use crate::error::{AnalysisError, check_probability, check_scores, check_tolerance};
use crate::friedman::BlockRanks;
use crate::mean::mean;
use crate::test_result::TestResult;
use crate::wilcoxon::{DEFAULT_TOLERANCE, ZeroMethod};
pub use pairs::{PairResult, PairTest};

/// The scores of all detectors in one category.
#[derive(Debug, Clone, Copy)]
pub struct Category<'a> {
    /// Name, for error messages.
    pub name: &'a str,
    /// `scores[model][image]`: one vector per detector, in the order of the detectors' names, all
    /// over the same images in the same order.
    pub scores: &'a [Vec<f64>],
}

/// What is computed, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Treatment of zero differences in the Wilcoxon test.
    pub zero_method: ZeroMethod,
    /// Differences of at most this magnitude count as zero in the Wilcoxon test. Ranks and t-test
    /// see the scores as they are.
    pub tolerance: f64,
    /// Family-wise level of the Nemenyi critical difference, in `(0, 1)`.
    pub alpha: f64,
    /// How intervals are computed.
    pub bootstrap: BootstrapSettings,
}

/// As published: zeros left out, tolerance 1e-3; level 0.05; 10 000 resamples.
impl Default for Settings {
    fn default() -> Self {
        Self {
            zero_method: ZeroMethod::default(),
            tolerance: DEFAULT_TOLERANCE,
            alpha: 0.05,
            bootstrap: BootstrapSettings::default(),
        }
    }
}

impl Settings {
    fn check(&self) -> Result<(), AnalysisError> {
        check_tolerance(self.tolerance)?;
        check_probability("alpha", self.alpha)?;
        self.bootstrap.check()
    }
}

/// Everything that is known of the detectors. Detectors and categories are indices into the input.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Results per category, in the order given.
    pub categories: Vec<CategoryComparison>,
    /// Over all categories: the blocks are the categories, the scores their means.
    pub overall: Omnibus,
}

/// The detectors on the images of one category.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryComparison {
    /// Index of the category.
    pub category: usize,
    /// Number of images.
    pub images: usize,
    /// Detectors from best to worst average rank; equal ranks stay in the order given.
    pub order: Vec<usize>,
    /// Each detector by itself, in the order given.
    pub models: Vec<ModelSummary>,
    /// Detectors next to each other in `order`, from the best on.
    pub neighbours: Vec<NeighbourDifference>,
    /// Both orders of each pair, each test and each alternative; sorted by first detector, second
    /// detector, test and alternative.
    pub pairs: Vec<PairResult>,
    /// All detectors at once: the blocks are the images.
    pub omnibus: Omnibus,
}

/// One detector in one category.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelSummary {
    /// Index of the detector.
    pub model: usize,
    /// Number of images.
    pub images: usize,
    /// Mean score.
    pub mean: f64,
    /// Median score.
    pub median: f64,
    /// Average over the images of its rank among the detectors; 1 is best.
    pub average_rank: f64,
    /// Bootstrap interval of the mean; `None` with a single image or without resamples.
    pub interval: Option<Interval>,
}

/// Two detectors with neighbouring average ranks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeighbourDifference {
    /// The detector with the better rank.
    pub better: usize,
    /// The next one.
    pub worse: usize,
    /// Mean of the per-image differences, better minus worse. May be negative: ranks are not means.
    pub mean_difference: f64,
    /// Bootstrap interval of that mean; `None` with a single image or without resamples.
    pub interval: Option<Interval>,
}

/// Friedman's test and what goes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Omnibus {
    /// Number of blocks: images within a category, categories over all.
    pub blocks: usize,
    /// Average rank of each detector; 1 is best.
    pub average_ranks: Vec<f64>,
    /// Detectors from best to worst average rank.
    pub order: Vec<usize>,
    /// Friedman's test; `None` for a single detector or if all are equal in every block.
    pub friedman: Option<TestResult>,
    /// Nemenyi critical difference of average ranks; `None` for a single detector.
    pub critical_difference: Option<f64>,
}

impl Omnibus {
    fn of(ranks: BlockRanks, alpha: f64) -> Result<Self, AnalysisError> {
        Ok(Self {
            blocks: ranks.blocks,
            order: ranks.order(),
            friedman: ranks.friedman(),
            critical_difference: ranks.critical_difference(alpha)?,
            average_ranks: ranks.average_ranks,
        })
    }
}

/// Compares `models` in every category and over all. Categories are taken one after the other, so that
/// only one holds bootstrap distributions; these are computed on the current rayon pool, whose size
/// does not change the result.
///
/// A single detector, a single image and equal scores are compared as well: what is then undefined is `None`.
///
/// # Errors
/// When there are no detectors, categories or images; when a category does not hold one vector per
/// detector, or vectors of different lengths; when a score is not finite; when a setting is out of range.
pub fn compare<M: AsRef<str>>(
    models: &[M],
    categories: &[Category<'_>],
    settings: &Settings,
) -> Result<Comparison, AnalysisError> {
    settings.check()?;
    if models.is_empty() {
        return Err(AnalysisError::NoModels);
    }
    if categories.is_empty() {
        return Err(AnalysisError::NoCategories);
    }
    for category in categories {
        check_category(models, category)?;
    }
    let compared = categories
        .iter()
        .enumerate()
        .map(|(index, category)| category::compare_category(index, category.scores, settings))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Comparison { overall: over_all(models.len(), categories, settings)?, categories: compared })
}

fn check_category<M: AsRef<str>>(models: &[M], category: &Category<'_>) -> Result<(), AnalysisError> {
    let found = category.scores.len();
    if found != models.len() {
        return Err(AnalysisError::ModelCount { category: category.name.to_owned(), expected: models.len(), found });
    }
    let images = category.scores[0].len();
    for (model, scores) in models.iter().zip(category.scores) {
        let problem = if scores.len() == images {
            check_scores(scores)
        } else {
            Err(AnalysisError::UnequalLengths { expected: images, found: scores.len() })
        };
        problem.map_err(|source| AnalysisError::InCategory {
            category: category.name.to_owned(),
            model: model.as_ref().to_owned(),
            source: Box::new(source),
        })?;
    }
    Ok(())
}

fn over_all(models: usize, categories: &[Category<'_>], settings: &Settings) -> Result<Omnibus, AnalysisError> {
    let means: Vec<Vec<f64>> =
        (0..models).map(|model| categories.iter().map(|category| mean(&category.scores[model])).collect()).collect();
    Omnibus::of(BlockRanks::of(&means)?, settings.alpha)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::alternative::Alternative;

    fn quick() -> Settings {
        let bootstrap = BootstrapSettings { resamples: 200, ..BootstrapSettings::default() };
        Settings { bootstrap, ..Settings::default() }
    }

    fn one(scores: &[Vec<f64>]) -> CategoryComparison {
        let names: Vec<String> = (0..scores.len()).map(|model| format!("m{model}")).collect();
        compare(&names, &[Category { name: "c", scores }], &quick()).unwrap().categories.remove(0)
    }

    #[test]
    fn single_detector_is_summarised() {
        let result = one(&[vec![0.2, 0.4, 0.9]]);
        assert_eq!(result.order, [0]);
        assert_eq!((result.models[0].mean, result.models[0].median), (0.5, 0.4));
        assert_eq!(result.models[0].average_rank, 1.0);
        assert!(result.pairs.is_empty() && result.neighbours.is_empty());
        assert_eq!((result.omnibus.friedman, result.omnibus.critical_difference), (None, None));
    }

    #[test]
    fn two_images_are_enough_for_tests() {
        let result = one(&[vec![0.5, 0.75], vec![0.25, 0.25]]);
        let of = |test, alternative| {
            let pair = |pair: &&PairResult| {
                pair.model_1 == 0 && pair.model_2 == 1 && pair.test == test && pair.alternative == alternative
            };
            result.pairs.iter().find(pair).unwrap().result.unwrap()
        };
        assert_eq!(of(PairTest::Wilcoxon, Alternative::Greater), TestResult { statistic: 3.0, p: 0.25 });
        assert!(of(PairTest::T, Alternative::Greater).p < 0.15);
        assert!(result.neighbours[0].interval.is_some());
    }

    #[test]
    fn a_single_image_has_no_interval_or_t() {
        let result = one(&[vec![0.5], vec![0.25]]);
        assert_eq!(result.models[0].interval, None);
        assert_eq!(result.neighbours[0].interval, None);
        for pair in &result.pairs {
            assert_eq!(pair.result.is_some(), pair.test == PairTest::Wilcoxon, "{pair:?}");
            assert_eq!(pair.result.is_some(), pair.p_holm.is_some());
        }
    }

    #[test]
    fn equal_scores_give_zero_confidence() {
        let result = one(&[vec![0.5; 20], vec![0.5; 20], vec![0.5; 20]]);
        assert_eq!(result.order, [0, 1, 2]);
        assert_eq!(result.omnibus.friedman, None);
        assert!(result.omnibus.critical_difference.unwrap() > 0.0);
        assert_eq!(result.models[2].average_rank, 2.0);
        assert_eq!(result.models[0].interval, Some(Interval { low: 0.5, high: 0.5 }));
        assert_eq!(result.neighbours[0].interval, Some(Interval { low: 0.0, high: 0.0 }));
        for pair in &result.pairs {
            match pair.test {
                PairTest::Wilcoxon => {
                    assert_eq!(pair.confidence(), Some(0.0));
                    assert_eq!(pair.p_holm, Some(1.0));
                }
                PairTest::T => assert_eq!((pair.result, pair.confidence()), (None, None)),
            }
        }
    }

    #[test]
    fn categories_are_the_blocks_over_all() {
        let a = [vec![0.9, 0.8], vec![0.1, 0.2]];
        let b = [vec![0.3, 0.3], vec![0.5, 0.6]];
        let c = [vec![0.7], vec![0.6]];
        let categories = [
            Category { name: "a", scores: &a },
            Category { name: "b", scores: &b },
            Category { name: "c", scores: &c },
        ];
        let overall = compare(&["x", "y"], &categories, &quick()).unwrap().overall;
        assert_eq!(overall.blocks, 3);
        assert_eq!(overall.average_ranks, [4.0 / 3.0, 5.0 / 3.0]);
        assert!((overall.friedman.unwrap().statistic - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn bad_input_names_category_and_detector() {
        let ragged = [vec![0.1, 0.2], vec![0.1]];
        let error = compare(&["x", "y"], &[Category { name: "screw", scores: &ragged }], &quick()).unwrap_err();
        assert!(
            error.to_string().starts_with("category \"screw\", detector \"y\": 1 scores do not match 2"),
            "{error}"
        );
        let missing = compare(&["x", "y"], &[Category { name: "screw", scores: &ragged[..1] }], &quick());
        assert!(matches!(missing, Err(AnalysisError::ModelCount { expected: 2, found: 1, .. })));
        let empty = [Vec::new()];
        let error = compare(&["x"], &[Category { name: "screw", scores: &empty }], &quick()).unwrap_err();
        assert!(error.to_string().contains("no scores"), "{error}");
        assert_eq!(compare(&["x"], &[], &quick()), Err(AnalysisError::NoCategories));
        assert_eq!(compare::<&str>(&[], &[], &quick()), Err(AnalysisError::NoModels));
        let scores = [vec![0.5]];
        let settings = Settings { tolerance: f64::NAN, ..quick() };
        let error = compare(&["x"], &[Category { name: "screw", scores: &scores }], &settings).unwrap_err();
        assert!(matches!(error, AnalysisError::Tolerance { .. }));
    }
}
