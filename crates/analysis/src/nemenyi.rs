//! Nemenyi's critical difference between average ranks.

use std::f64::consts::SQRT_2;

use crate::error::AnalysisError;
use crate::studentised_range::quantile;

/// Difference of average ranks above which two of `models` detectors, ranked in `blocks` blocks,
/// differ at family-wise level `alpha`: `q / sqrt(2) * sqrt(k (k + 1) / (6 N))` with the studentised
/// range quantile `q` (Demsar 2006). Infinite without blocks, 0 for fewer than two detectors.
///
/// # Errors
/// When `alpha` is not strictly between 0 and 1.
///
/// ```
/// let difference = pimo_analysis::nemenyi::critical_difference(4, 14, 0.05)?;
/// assert!((difference - 1.2536).abs() < 1e-4);
/// # Ok::<(), pimo_analysis::AnalysisError>(())
/// ```
pub fn critical_difference(models: usize, blocks: usize, alpha: f64) -> Result<f64, AnalysisError> {
    let q = quantile(models, alpha)?;
    let k = models as f64;
    Ok(q / SQRT_2 * (k * (k + 1.0) / (6.0 * blocks as f64)).sqrt())
}
