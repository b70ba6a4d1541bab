//! All pairs of detectors, tested in all directions.

use super::Settings;
use crate::alternative::Alternative;
use crate::error::AnalysisError;
use crate::holm::holm;
use crate::paired::differences;
use crate::t_test::PairedTTest;
use crate::test_result::TestResult;
use crate::wilcoxon::SignedRankTest;

/// A test of paired scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PairTest {
    /// Wilcoxon signed-rank test.
    Wilcoxon,
    /// Paired t-test.
    T,
}

impl PairTest {
    /// Both tests, in the order in which results are listed.
    pub const ALL: [Self; 2] = [Self::Wilcoxon, Self::T];

    /// Name as in tables: `wilcoxon`, `t`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wilcoxon => "wilcoxon",
            Self::T => "t",
        }
    }
}

/// One test of one ordered pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairResult {
    /// Index of the detector the alternative speaks of ("greater": this one is better).
    pub model_1: usize,
    /// Index of the detector it is compared with.
    pub model_2: usize,
    /// The test.
    pub test: PairTest,
    /// The direction.
    pub alternative: Alternative,
    /// Statistic and p-value; `None` where the test is undefined (t-test of identical scores or of one image).
    pub result: Option<TestResult>,
    /// p-value adjusted for all hypotheses with the same category, test and alternative. Two-sided,
    /// both orders of a pair are one hypothesis.
    pub p_holm: Option<f64>,
    /// Number of images.
    pub images: usize,
}

impl PairResult {
    /// `1 - p`, unadjusted as in the AUPIMO paper.
    pub fn confidence(&self) -> Option<f64> {
        self.result.map(|result| result.confidence())
    }
}

/// A pair as it is computed, once for both orders.
struct TestedPair {
    wilcoxon: SignedRankTest,
    t: PairedTTest,
    t_swapped: PairedTTest,
}

impl TestedPair {
    fn of(x: &[f64], y: &[f64], settings: &Settings) -> Result<Self, AnalysisError> {
        let forward = differences(x, y)?;
        let backward: Vec<f64> = forward.iter().map(|d| -d).collect();
        Ok(Self {
            wilcoxon: SignedRankTest::of(&forward, settings.zero_method, settings.tolerance)?,
            t: PairedTTest::of(&forward)?,
            t_swapped: PairedTTest::of(&backward)?,
        })
    }

    fn result(&self, swapped: bool, test: PairTest, alternative: Alternative) -> Option<TestResult> {
        match (test, swapped) {
            (PairTest::Wilcoxon, false) => Some(self.wilcoxon.test(alternative)),
            (PairTest::Wilcoxon, true) => Some(self.wilcoxon.swapped().test(alternative)),
            (PairTest::T, false) => self.t.test(alternative),
            (PairTest::T, true) => self.t_swapped.test(alternative),
        }
    }
}

/// Tests both orders of all pairs of `scores[model][image]`.
pub(super) fn test_pairs(scores: &[Vec<f64>], settings: &Settings) -> Result<Vec<PairResult>, AnalysisError> {
    let images = scores.first().map_or(0, Vec::len);
    let ordered_pairs = scores.len() * scores.len().saturating_sub(1);
    let mut results = Vec::with_capacity(ordered_pairs * PairTest::ALL.len() * Alternative::ALL.len());
    for lower in 0..scores.len() {
        for upper in lower + 1..scores.len() {
            let pair = TestedPair::of(&scores[lower], &scores[upper], settings)?;
            for test in PairTest::ALL {
                for alternative in Alternative::ALL {
                    for (model_1, model_2) in [(lower, upper), (upper, lower)] {
                        let result = pair.result(model_1 > model_2, test, alternative);
                        results.push(PairResult { model_1, model_2, test, alternative, result, p_holm: None, images });
                    }
                }
            }
        }
    }
    for test in PairTest::ALL {
        for alternative in Alternative::ALL {
            adjust(&mut results, test, alternative);
        }
    }
    results.sort_unstable_by_key(|pair| (pair.model_1, pair.model_2, pair.test, pair.alternative));
    Ok(results)
}

/// Holm's adjustment within one test and alternative. Relies on both orders of a pair being adjacent there.
fn adjust(results: &mut [PairResult], test: PairTest, alternative: Alternative) {
    let mut family: Vec<&mut PairResult> =
        results.iter_mut().filter(|pair| pair.test == test && pair.alternative == alternative).collect();
    let orders_per_hypothesis = if alternative == Alternative::TwoSided { 2 } else { 1 };
    let p_values: Vec<Option<f64>> =
        family.iter().step_by(orders_per_hypothesis).map(|pair| pair.result.map(|result| result.p)).collect();
    for (orders, adjusted) in family.chunks_mut(orders_per_hypothesis).zip(holm(&p_values)) {
        for pair in orders {
            pair.p_holm = adjusted;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::bootstrap::BootstrapSettings;

    fn settings() -> Settings {
        Settings { bootstrap: BootstrapSettings { resamples: 0, ..Default::default() }, ..Settings::default() }
    }

    fn three_models() -> Vec<Vec<f64>> {
        let wave = |phase: f64| (0..60).map(|image| (f64::from(image) + phase).sin().powi(2) + phase).collect();
        vec![wave(0.0), wave(0.1), wave(0.4)]
    }

    #[test]
    fn both_orders_mirror_each_other() {
        let results = test_pairs(&three_models(), &settings()).unwrap();
        assert_eq!(results.len(), 3 * 2 * 2 * 3);
        for pair in &results {
            let mirrored = results
                .iter()
                .find(|other| {
                    (other.model_1, other.model_2, other.test, other.alternative)
                        == (pair.model_2, pair.model_1, pair.test, pair.alternative.swapped())
                })
                .unwrap();
            assert_eq!(pair.result.unwrap().p, mirrored.result.unwrap().p);
            assert_eq!(pair.p_holm, mirrored.p_holm);
        }
    }

    #[test]
    fn families_count_each_hypothesis_once() {
        let results = test_pairs(&three_models(), &settings()).unwrap();
        for (alternative, hypotheses) in [(Alternative::TwoSided, 3.0), (Alternative::Greater, 6.0)] {
            let family = results.iter().filter(|pair| pair.test == PairTest::T && pair.alternative == alternative);
            let least = family.min_by(|a, b| a.result.unwrap().p.total_cmp(&b.result.unwrap().p)).unwrap();
            let p = least.result.unwrap().p;
            assert!(p > 0.0 && p < 0.01, "{p}");
            assert_eq!(least.p_holm.unwrap(), hypotheses * p);
        }
    }
}
