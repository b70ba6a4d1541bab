//! Holm's adjustment of p-values for multiple tests.

/// Step-down adjusted p-values (Holm 1979): the smallest of `m` is multiplied by `m`, the next by
/// `m - 1` and so on, kept monotone and at most 1. Rejecting where the adjusted value is at most
/// alpha keeps the chance of any false rejection at most alpha.
///
/// Undefined tests (`None`) stay undefined and are not counted in `m`.
///
/// ```
/// use pimo_analysis::holm::holm;
/// let adjusted = holm(&[Some(0.04), Some(0.01), None, Some(0.03)]);
/// assert_eq!(adjusted, [Some(0.06), Some(0.03), None, Some(0.06)]);
/// ```
pub fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut tested: Vec<(usize, f64)> =
        p_values.iter().enumerate().filter_map(|(index, p)| p.map(|p| (index, p))).collect();
    tested.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut adjusted = vec![None; p_values.len()];
    let mut largest = 0.0_f64;
    for (done, &(index, p)) in tested.iter().enumerate() {
        largest = largest.max((tested.len() - done) as f64 * p).min(1.0);
        adjusted[index] = Some(largest);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn single_and_empty_families_are_unchanged() {
        assert_eq!(holm(&[]), []);
        assert_eq!(holm(&[None]), [None]);
        assert_eq!(holm(&[Some(0.2)]), [Some(0.2)]);
    }

    proptest! {
        // Definition by closure: the adjusted p_i is the largest of (m - #{p_j < p_k}) p_k over p_k <= p_i.
        #[test]
        fn equals_the_definition(p_values in prop::collection::vec(0.0_f64..=1.0, 1..20)) {
            let adjusted = holm(&p_values.iter().copied().map(Some).collect::<Vec<_>>());
            for (p, adjusted) in p_values.iter().zip(adjusted) {
                let expected = p_values
                    .iter()
                    .filter(|other| *other <= p)
                    .map(|other| {
                        let smaller = p_values.iter().filter(|third| *third < other).count();
                        (p_values.len() - smaller) as f64 * other
                    })
                    .fold(0.0_f64, f64::max)
                    .min(1.0);
                prop_assert_eq!(adjusted, Some(expected));
            }
        }
    }
}
