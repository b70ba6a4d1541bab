//! Average ranks.

/// Ranks of `scores` from 1 (highest) downwards; equal scores share the average of their ranks.
///
/// Scores must not be NaN.
///
/// ```
/// use pimo_analysis::ranks::average_ranks;
/// assert_eq!(average_ranks(&[0.5, 0.9, 0.5, 0.1]), [2.5, 1.0, 2.5, 4.0]);
/// ```
pub fn average_ranks(scores: &[f64]) -> Vec<f64> {
    let negated: Vec<f64> = scores.iter().map(|score| -score).collect();
    let mut ranks = vec![0.0; scores.len()];
    rank_ascending(&negated, &mut Vec::new(), &mut ranks, |_| ());
    ranks
}

/// Writes the average ranks of `values`, 1 for the lowest, to `ranks`, and reports the size of every
/// group of equal values, lowest value first. `order` is scratch space.
pub(crate) fn rank_ascending(
    values: &[f64],
    order: &mut Vec<usize>,
    ranks: &mut [f64],
    mut on_group: impl FnMut(usize),
) {
    order.clear();
    order.extend(0..values.len());
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut before = 0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        // Ranks before + 1 ..= before + len: their average is exact in steps of one half.
        let rank = before as f64 + (group.len() + 1) as f64 / 2.0;
        for &index in group {
            ranks[index] = rank;
        }
        before += group.len();
        on_group(group.len());
    }
}

/// `t^3 - t` for a group of `t` equal values: its part of every tie correction.
pub(crate) fn tie_term(group: usize) -> f64 {
    let t = group as f64;
    t * (t * t - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn signed_zeros_are_equal() {
        assert_eq!(average_ranks(&[0.0, -0.0]), [1.5, 1.5]);
        assert_eq!(average_ranks(&[]), [0.0; 0]);
    }

    proptest! {
        #[test]
        fn rank_counts_the_better_and_half_the_equal(scores in prop::collection::vec(0_u8..6, 1..30)) {
            let scores: Vec<f64> = scores.into_iter().map(|score| f64::from(score) / 4.0).collect();
            for (rank, score) in average_ranks(&scores).into_iter().zip(&scores) {
                let better = scores.iter().filter(|other| *other > score).count() as f64;
                let equal = scores.iter().filter(|other| *other == score).count() as f64;
                prop_assert_eq!(rank, better + f64::midpoint(equal, 1.0));
            }
        }
    }
}
