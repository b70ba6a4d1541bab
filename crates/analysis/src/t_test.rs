//! The paired t-test.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::alternative::Alternative;
use crate::error::{AnalysisError, check_scores};
use crate::mean::{mean, sum};
use crate::test_result::TestResult;

/// Paired t-test of per-image differences against a mean of zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedTTest {
    /// Statistic and degrees of freedom; `None` where the statistic is undefined.
    statistic: Option<(f64, f64)>,
}

impl PairedTTest {
    /// Computes `t = mean(d) / (sd(d) / sqrt(n))` with `n - 1` degrees of freedom.
    ///
    /// The statistic is undefined with fewer than two images and for identical detectors (all
    /// differences zero); it is infinite when all differences are equal but not zero.
    ///
    /// # Errors
    /// When there are no differences, or when one is not finite.
    pub fn of(differences: &[f64]) -> Result<Self, AnalysisError> {
        check_scores(differences)?;
        let largest = differences.iter().fold(0.0_f64, |largest, d| largest.max(d.abs()));
        if differences.len() < 2 || largest == 0.0 {
            return Ok(Self { statistic: None });
        }
        let n = differences.len() as f64;
        let t = if differences.iter().all(|d| *d == differences[0]) {
            f64::INFINITY.copysign(differences[0])
        } else {
            // t does not depend on the scale: dividing first keeps the squares from under- or overflowing.
            let scaled: Vec<f64> = differences.iter().map(|d| d / largest).collect();
            let centre = mean(&scaled);
            let variance = sum(scaled.iter().map(|d| (d - centre) * (d - centre))) / (n - 1.0);
            centre / (variance / n).sqrt()
        };
        Ok(Self { statistic: Some((t, n - 1.0)) })
    }

    /// Statistic and p-value for one direction; `None` where the statistic is undefined.
    pub fn test(&self, alternative: Alternative) -> Option<TestResult> {
        let (t, freedom) = self.statistic?;
        let distribution = StudentsT::new(0.0, 1.0, freedom).ok()?;
        let tail = if t.is_infinite() { 0.0 } else { distribution.sf(t.abs()) };
        let (upper, lower) = if t >= 0.0 { (tail, 1.0 - tail) } else { (1.0 - tail, tail) };
        Some(TestResult { statistic: t, p: alternative.p_value(upper, lower) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn undefined_without_spread_or_pairs() {
        for differences in [&[0.0, 0.0, -0.0][..], &[0.5], &[0.0]] {
            for alternative in Alternative::ALL {
                assert_eq!(PairedTTest::of(differences).unwrap().test(alternative), None, "{differences:?}");
            }
        }
        assert_eq!(PairedTTest::of(&[]), Err(AnalysisError::NoScores));
    }

    #[test]
    fn constant_difference_is_certain() {
        let test = PairedTTest::of(&[-0.1; 5]).unwrap();
        let p: Vec<f64> = Alternative::ALL.iter().map(|&a| test.test(a).unwrap().p).collect();
        assert_eq!(p, [0.0, 1.0, 0.0]);
        assert_eq!(test.test(Alternative::Less).unwrap().statistic, f64::NEG_INFINITY);
    }

    #[test]
    fn does_not_depend_on_the_scale() {
        let differences = [0.5, -0.25, 1.0, 0.75];
        let p = |scale: f64| {
            let scaled: Vec<f64> = differences.iter().map(|d| d * scale).collect();
            PairedTTest::of(&scaled).unwrap().test(Alternative::TwoSided).unwrap().p
        };
        assert_eq!(p(1.0), p(f64::powi(2.0, -700)));
        assert_eq!(p(1.0), p(f64::powi(2.0, 900)));
    }
}
