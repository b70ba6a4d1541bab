//! Differences of two detectors on the same images.

use crate::error::{AnalysisError, check_scores};

/// Per-image differences `x[i] - y[i]`.
///
/// # Errors
/// When there are no scores, when the lengths differ, or when a score is not finite.
pub fn differences(x: &[f64], y: &[f64]) -> Result<Vec<f64>, AnalysisError> {
    check_scores(x)?;
    if x.len() != y.len() {
        return Err(AnalysisError::UnequalLengths { expected: x.len(), found: y.len() });
    }
    check_scores(y)?;
    Ok(x.iter().zip(y).map(|(x, y)| x - y).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_paired() {
        assert_eq!(differences(&[], &[]), Err(AnalysisError::NoScores));
        assert_eq!(differences(&[1.0], &[1.0, 2.0]), Err(AnalysisError::UnequalLengths { expected: 1, found: 2 }));
        let unusable = differences(&[1.0, 2.0], &[1.0, f64::INFINITY]);
        assert_eq!(unusable, Err(AnalysisError::UnusableScore { index: 1, value: f64::INFINITY }));
        assert_eq!(differences(&[1.0, 0.25], &[0.5, 0.5]), Ok(vec![0.5, -0.25]));
    }
}
