//! Several detectors ranked within blocks, and Friedman's test of whether they differ.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::error::{AnalysisError, check_scores};
use crate::mean::sum;
use crate::nemenyi::critical_difference;
use crate::ranks::{rank_ascending, tie_term};
use crate::test_result::TestResult;

/// Ranks of detectors within blocks: the images of a category, or the categories themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockRanks {
    /// Number of blocks.
    pub blocks: usize,
    /// Average over the blocks of each detector's rank; 1 is best, ties share their average.
    pub average_ranks: Vec<f64>,
    /// Sum of `t^3 - t` over all groups of `t` detectors with equal scores in a block.
    ties: f64,
}

impl BlockRanks {
    /// Ranks `scores[model][block]` within each block; higher is better.
    ///
    /// # Errors
    /// When there are no detectors or blocks, when the lengths differ, or when a score is not finite.
    pub fn of<S: AsRef<[f64]>>(scores: &[S]) -> Result<Self, AnalysisError> {
        let first = scores.first().ok_or(AnalysisError::NoModels)?.as_ref();
        for model in scores {
            check_scores(model.as_ref())?;
            if model.as_ref().len() != first.len() {
                return Err(AnalysisError::UnequalLengths { expected: first.len(), found: model.as_ref().len() });
            }
        }
        let mut rank_sums = vec![0.0; scores.len()];
        let mut ties = 0.0;
        let mut block = vec![0.0; scores.len()];
        let mut ranks = vec![0.0; scores.len()];
        let mut order = Vec::with_capacity(scores.len());
        for index in 0..first.len() {
            for (negated, model) in block.iter_mut().zip(scores) {
                *negated = -model.as_ref()[index];
            }
            rank_ascending(&block, &mut order, &mut ranks, |size| {
                ties += tie_term(size);
            });
            for (total, rank) in rank_sums.iter_mut().zip(&ranks) {
                *total += rank;
            }
        }
        let blocks = first.len();
        let average_ranks = rank_sums.into_iter().map(|total| total / blocks as f64).collect();
        Ok(Self { blocks, average_ranks, ties })
    }

    /// Detectors from best to worst average rank; equal ranks stay in the order given.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.average_ranks.len()).collect();
        order.sort_by(|&a, &b| self.average_ranks[a].total_cmp(&self.average_ranks[b]));
        order
    }

    /// Friedman's chi-square, corrected for ties, with `k - 1` degrees of freedom.
    ///
    /// Defined from two detectors on (scipy asks for three). `None` for a single detector, or if all
    /// are equal in every block.
    pub fn friedman(&self) -> Option<TestResult> {
        let k = self.average_ranks.len() as f64;
        let n = self.blocks as f64;
        let untied = 1.0 - self.ties / (k * (k * k - 1.0) * n);
        if self.average_ranks.len() < 2 || untied <= 0.0 {
            return None;
        }
        let middle = f64::midpoint(k, 1.0);
        let spread = sum(self.average_ranks.iter().map(|rank| (rank - middle) * (rank - middle)));
        let statistic = 12.0 * n / (k * (k + 1.0)) * spread / untied;
        let p = ChiSquared::new(k - 1.0).ok()?.sf(statistic);
        Some(TestResult { statistic, p })
    }

    /// Nemenyi critical difference of average ranks at level `alpha`; `None` for a single detector.
    ///
    /// # Errors
    /// When `alpha` is not strictly between 0 and 1.
    pub fn critical_difference(&self, alpha: f64) -> Result<Option<f64>, AnalysisError> {
        if self.average_ranks.len() < 2 {
            return Ok(None);
        }
        critical_difference(self.average_ranks.len(), self.blocks, alpha).map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn undefined_for_one_detector_or_no_differences() {
        let single = BlockRanks::of(&[vec![0.1, 0.2]]).unwrap();
        assert_eq!(single.friedman(), None);
        assert_eq!(single.critical_difference(0.05), Ok(None));
        let equal = BlockRanks::of(&[vec![0.1, 0.2], vec![0.1, 0.2], vec![0.1, 0.2]]).unwrap();
        assert_eq!(equal.friedman(), None);
        assert_eq!(equal.average_ranks, [2.0, 2.0, 2.0]);
        assert_eq!(equal.order(), [0, 1, 2]);
    }

    #[test]
    fn two_detectors_give_a_sign_test() {
        // k = 2: chi-square = (wins - losses)^2 / n.
        let ranks = BlockRanks::of(&[vec![1.0, 1.0, 1.0, 0.0], vec![0.0, 0.0, 0.0, 1.0]]).unwrap();
        assert_eq!(ranks.friedman().unwrap().statistic, 1.0);
        assert_eq!(ranks.order(), [0, 1]);
    }

    #[test]
    fn refuses_ragged_scores() {
        let error = BlockRanks::of(&[vec![0.1, 0.2], vec![0.1]]).unwrap_err();
        assert_eq!(error, AnalysisError::UnequalLengths { expected: 2, found: 1 });
        assert_eq!(BlockRanks::of::<Vec<f64>>(&[]), Err(AnalysisError::NoModels));
        assert_eq!(BlockRanks::of(&[Vec::new()]), Err(AnalysisError::NoScores));
    }
}
