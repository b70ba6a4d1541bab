//! What `pimo compare` prints and writes.

mod rows;
mod text;

use pimo_analysis::TestResult;
use pimo_analysis::alternative::Alternative;
use pimo_analysis::compare::{CategoryComparison, Comparison, PairTest};
use pimo_evidence::Matched;

pub(crate) use rows::{TABLES, write};
pub(crate) use text::{Layout, render};

/// Detectors, and what became of their comparison.
pub(crate) struct Compared<'a> {
    /// Name of the score.
    pub(crate) score: &'a str,
    pub(crate) matched: &'a Matched<'a>,
    pub(crate) comparison: &'a Comparison,
    /// Confidence of claims.
    pub(crate) confidence: f64,
}

impl Compared<'_> {
    /// Categories in which a detector beats another with the confidence asked for.
    fn wins(&self, better: usize, worse: usize) -> usize {
        let confident = |category: &&CategoryComparison| {
            wilcoxon(category, better, worse, Alternative::Greater)
                .is_some_and(|test| test.confidence() >= self.confidence)
        };
        self.comparison.categories.iter().filter(confident).count()
    }

    /// Mean over the categories of a detector's mean score.
    fn mean(&self, model: usize) -> f64 {
        let means: Vec<f64> = self.comparison.categories.iter().map(|category| category.models[model].mean).collect();
        pimo_analysis::mean(&means)
    }
}

/// The Wilcoxon test of an ordered pair.
fn wilcoxon(
    category: &CategoryComparison,
    model_1: usize,
    model_2: usize,
    alternative: Alternative,
) -> Option<TestResult> {
    let sought = (model_1, model_2, PairTest::Wilcoxon, alternative);
    let pair =
        category.pairs.iter().find(|pair| (pair.model_1, pair.model_2, pair.test, pair.alternative) == sought)?;
    pair.result
}
