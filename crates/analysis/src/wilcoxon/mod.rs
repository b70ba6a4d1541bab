//! The Wilcoxon signed-rank test.
//!
//! Follows the conventions of scipy 1.17: average ranks of ties, three treatments of zero
//! differences, no continuity correction, and an exact null distribution for small samples.

mod null_distribution;

use crate::alternative::Alternative;
use crate::error::{AnalysisError, check_scores, check_tolerance};
use crate::normal;
use crate::ranks::{rank_ascending, tie_term};
use crate::test_result::TestResult;
use null_distribution::NullDistribution;

/// Difference up to which two scores count as equal, as published with AUPIMO.
pub const DEFAULT_TOLERANCE: f64 = 1e-3;

/// Largest number of differences for which the exact distribution is used when none is zero or tied.
const LARGEST_EXACT: usize = 50;

/// The same when some are: there scipy enumerates all signs, which it does up to 2^13 of them.
const LARGEST_EXACT_WITH_TIES: usize = 13;

/// Treatment of differences that are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ZeroMethod {
    /// Zeros are left out before ranking.
    #[default]
    Wilcox,
    /// Zeros are ranked with the others, then their ranks are left out.
    Pratt,
    /// Zeros are ranked with the others, and their ranks are split evenly between the signs.
    ZSplit,
}

impl ZeroMethod {
    /// All methods.
    pub const ALL: [Self; 3] = [Self::Wilcox, Self::Pratt, Self::ZSplit];

    /// Name as on the command line: `wilcox`, `pratt`, `zsplit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wilcox => "wilcox",
            Self::Pratt => "pratt",
            Self::ZSplit => "zsplit",
        }
    }
}

/// Signed ranks of paired differences, ready to be tested in any direction.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedRankTest {
    /// Number of differences that are not zero.
    pub nonzero: usize,
    /// Sum of the ranks of positive differences (with half of the zeros' ranks for `ZSplit`).
    pub rank_sum_positive: f64,
    /// The same for negative differences.
    pub rank_sum_negative: f64,
    null: Null,
}

/// Probabilities, under the null hypothesis, of a positive rank sum beyond the observed one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Null {
    /// There is nothing to tell the detectors apart.
    AllZero,
    /// Exact probabilities.
    Exact { upper: f64, lower: f64 },
    /// Standardised rank sum.
    Normal { z: f64 },
}

impl SignedRankTest {
    /// Ranks the magnitudes of `differences`, of which those up to `tolerance` (inclusive) count as zero.
    ///
    /// The null distribution is exact for up to 50 differences without zeros or ties and for up to 13
    /// with them, zeros counted; otherwise normal, with the variance corrected for ties.
    ///
    /// # Errors
    /// When there are no differences, when one is not finite, or when the tolerance is negative or NaN.
    pub fn of(differences: &[f64], zero_method: ZeroMethod, tolerance: f64) -> Result<Self, AnalysisError> {
        check_scores(differences)?;
        check_tolerance(tolerance)?;
        let snapped = differences.iter().map(|&d| if d.abs() <= tolerance { 0.0 } else { d });
        let ranked: Vec<f64> = match zero_method {
            ZeroMethod::Wilcox => snapped.filter(|&d| d != 0.0).collect(),
            ZeroMethod::Pratt | ZeroMethod::ZSplit => snapped.collect(),
        };
        let mut test = Ranked::new(&ranked).test(zero_method, differences.len());
        if test.nonzero == 0 {
            test.null = Null::AllZero;
        }
        Ok(test)
    }

    /// Statistic and p-value for one direction.
    ///
    /// The statistic is the positive rank sum, or the smaller of both when two-sided. Where all
    /// differences are zero, p is 1 in every direction.
    pub fn test(&self, alternative: Alternative) -> TestResult {
        let statistic = match alternative {
            Alternative::TwoSided => self.rank_sum_positive.min(self.rank_sum_negative),
            Alternative::Greater | Alternative::Less => self.rank_sum_positive,
        };
        let p = match self.null {
            Null::AllZero => 1.0,
            Null::Exact { upper, lower } => alternative.p_value(upper, lower),
            Null::Normal { z } => alternative.p_value(normal::upper_tail(z), normal::cdf(z)),
        };
        TestResult { statistic, p }
    }

    /// The same test with the two detectors exchanged.
    #[must_use]
    pub fn swapped(&self) -> Self {
        Self {
            nonzero: self.nonzero,
            rank_sum_positive: self.rank_sum_negative,
            rank_sum_negative: self.rank_sum_positive,
            null: match self.null {
                Null::AllZero => Null::AllZero,
                Null::Exact { upper, lower } => Null::Exact { upper: lower, lower: upper },
                Null::Normal { z } => Null::Normal { z: -z },
            },
        }
    }
}

/// Differences with the ranks of their magnitudes.
struct Ranked<'a> {
    differences: &'a [f64],
    ranks: Vec<f64>,
    /// Sizes of the groups of equal magnitude, smallest magnitude first.
    groups: Vec<usize>,
    zeros: usize,
}

impl<'a> Ranked<'a> {
    fn new(differences: &'a [f64]) -> Self {
        let magnitudes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
        let mut ranks = vec![0.0; differences.len()];
        let mut groups = Vec::new();
        rank_ascending(&magnitudes, &mut Vec::new(), &mut ranks, |size| {
            groups.push(size);
        });
        let zeros = differences.iter().filter(|d| **d == 0.0).count();
        Self { differences, ranks, groups, zeros }
    }

    /// `given` is the number of differences before any were left out: it decides on the distribution.
    fn test(&self, zero_method: ZeroMethod, given: usize) -> SignedRankTest {
        let positive = self.rank_sum(|d| d > 0.0);
        let negative = self.rank_sum(|d| d < 0.0);
        let null = if self.is_exact(given) {
            let (upper, lower) = NullDistribution::new(self.nonzero_ranks()).tails(positive);
            Null::Exact { upper, lower }
        } else {
            Null::Normal { z: self.standardised(positive, negative, zero_method) }
        };
        let half_of_zeros = match zero_method {
            ZeroMethod::ZSplit => self.rank_sum(|d| d == 0.0) / 2.0,
            ZeroMethod::Wilcox | ZeroMethod::Pratt => 0.0,
        };
        SignedRankTest {
            nonzero: self.differences.len() - self.zeros,
            rank_sum_positive: positive + half_of_zeros,
            rank_sum_negative: negative + half_of_zeros,
            null,
        }
    }

    fn rank_sum(&self, sign: impl Fn(f64) -> bool) -> f64 {
        self.differences.iter().zip(&self.ranks).filter(|(d, _)| sign(**d)).map(|(_, rank)| rank).sum()
    }

    fn nonzero_ranks(&self) -> impl Iterator<Item = f64> {
        self.differences.iter().zip(&self.ranks).filter(|(d, _)| **d != 0.0).map(|(_, rank)| *rank)
    }

    fn is_exact(&self, given: usize) -> bool {
        let had_zeros = self.zeros > 0 || self.differences.len() < given;
        let has_ties = self.groups.iter().any(|&size| size > 1);
        given <= if had_zeros || has_ties { LARGEST_EXACT_WITH_TIES } else { LARGEST_EXACT }
    }

    /// Positive rank sum minus its mean, over its standard deviation, under the null hypothesis.
    fn standardised(&self, positive: f64, negative: f64, zero_method: ZeroMethod) -> f64 {
        let squares = |n: f64| n * (n + 1.0) * (2.0 * n + 1.0);
        let n = self.differences.len() as f64;
        let zeros = self.zeros as f64;
        let tied_zeros = usize::from(self.zeros > 0 && zero_method == ZeroMethod::Pratt);
        let ties: f64 = self.groups[tied_zeros..].iter().copied().map(tie_term).sum();
        let zero_squares = if zero_method == ZeroMethod::Pratt { squares(zeros) } else { 0.0 };
        let deviation = ((squares(n) - zero_squares - ties / 2.0) / 24.0).sqrt();
        // The mean is half the sum of the ranks that carry a sign, whatever happens to the zeros'.
        (positive - f64::midpoint(positive, negative)) / deviation
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_zero_differences_tell_nothing() {
        for zero_method in ZeroMethod::ALL {
            for n in [1, 2, 13, 14, 51] {
                let test = SignedRankTest::of(&vec![1e-3; n], zero_method, DEFAULT_TOLERANCE).unwrap();
                for alternative in Alternative::ALL {
                    assert_eq!(test.test(alternative).p, 1.0, "{zero_method:?} {n} {alternative}");
                    assert_eq!(test.test(alternative).confidence(), 0.0);
                }
            }
        }
    }

    #[test]
    fn tolerance_is_inclusive() {
        let nonzero =
            |tolerance| SignedRankTest::of(&[0.5, -0.25, 0.0], ZeroMethod::Wilcox, tolerance).unwrap().nonzero;
        assert_eq!([nonzero(0.0), nonzero(0.25), nonzero(0.5)], [2, 1, 0]);
    }

    #[test]
    fn refuses_bad_input() {
        assert_eq!(SignedRankTest::of(&[], ZeroMethod::Wilcox, 0.0), Err(AnalysisError::NoScores));
        let error = SignedRankTest::of(&[1.0], ZeroMethod::Wilcox, f64::NAN).unwrap_err();
        assert!(matches!(error, AnalysisError::Tolerance { .. }));
    }

    proptest! {
        #[test]
        fn swapping_equals_negating(steps in prop::collection::vec(-5_i8..=5, 1..80)) {
            let differences: Vec<f64> = steps.iter().map(|&step| f64::from(step) / 8.0).collect();
            let negated: Vec<f64> = differences.iter().map(|d| -d).collect();
            for zero_method in ZeroMethod::ALL {
                let forward = SignedRankTest::of(&differences, zero_method, 0.0).unwrap();
                let backward = SignedRankTest::of(&negated, zero_method, 0.0).unwrap();
                prop_assert_eq!(&forward.swapped(), &backward);
                for alternative in Alternative::ALL {
                    let p = forward.test(alternative).p;
                    prop_assert!((0.0..=1.0).contains(&p));
                    prop_assert_eq!(p, backward.test(alternative.swapped()).p);
                }
            }
        }
    }
}
