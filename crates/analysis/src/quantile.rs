//! Quantiles by linear interpolation.

/// The `level` quantile of values sorted in ascending order: the value at position
/// `level * (n - 1)`, interpolated linearly (numpy's default, definition 7 of Hyndman and Fan).
///
/// `level` is clamped to `[0, 1]`. `None` for an empty slice.
pub fn quantile_of_sorted(sorted: &[f64], level: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = level.clamp(0.0, 1.0) * last as f64;
    let below = (position.floor() as usize).min(last);
    let above = (below + 1).min(last);
    Some(interpolate(sorted[below], sorted[above], position - below as f64))
}

/// Median of `values` in any order. `None` for an empty slice.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile_of_sorted(&ascending(values), 0.5)
}

/// A sorted copy.
pub(crate) fn ascending(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// Interpolates from the nearer end, as numpy does, so that the result rounds alike.
fn interpolate(low: f64, high: f64, fraction: f64) -> f64 {
    let step = high - low;
    if fraction < 0.5 { low + step * fraction } else { high - step * (1.0 - fraction) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn interpolates_between_neighbours() {
        let sorted = [0.0, 1.0, 2.0, 10.0];
        assert_eq!(quantile_of_sorted(&sorted, 0.25), Some(0.75));
        assert_eq!(quantile_of_sorted(&sorted, 0.5), Some(1.5));
        assert_eq!(quantile_of_sorted(&sorted, 0.75), Some(4.0));
        assert_eq!(quantile_of_sorted(&sorted, 0.0), Some(0.0));
        assert_eq!(quantile_of_sorted(&sorted, 1.0), Some(10.0));
        assert_eq!(quantile_of_sorted(&[3.0], 0.3), Some(3.0));
        assert_eq!(quantile_of_sorted(&[], 0.3), None);
    }

    #[test]
    fn median_sorts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]).unwrap(), 2.5);
        assert_eq!(median(&[]), None);
    }
}
