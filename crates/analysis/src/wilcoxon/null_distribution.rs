//! Exact null distribution of the positive rank sum.

/// How many of the `2^m` equally likely assignments of signs to the given ranks give each rank sum.
///
/// Average ranks are whole or half numbers, so sums are counted in halves. The ranks need not be
/// 1..=m: with ties or zeros this is the distribution that a full sign permutation gives.
pub(super) struct NullDistribution {
    /// `counts[s]`: assignments with rank sum `s / 2`.
    counts: Vec<u64>,
}

impl NullDistribution {
    /// At most 63 ranks, so that a `u64` can count all assignments.
    pub(super) fn new(ranks: impl Iterator<Item = f64>) -> Self {
        let mut counts = vec![1_u64];
        for rank in ranks {
            let doubled = (2.0 * rank) as usize;
            let before = counts.len();
            counts.resize(before + doubled, 0);
            // Downwards, so that every rank is added at most once.
            for sum in (0..before).rev() {
                counts[sum + doubled] += counts[sum];
            }
        }
        Self { counts }
    }

    /// Probabilities of a rank sum at least and at most `rank_sum`.
    pub(super) fn tails(&self, rank_sum: f64) -> (f64, f64) {
        let observed = (2.0 * rank_sum) as usize;
        let total: u64 = self.counts.iter().sum();
        let upper: u64 = self.counts[observed..].iter().sum();
        let lower: u64 = self.counts[..=observed].iter().sum();
        (upper as f64 / total as f64, lower as f64 / total as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fifty_ranks_are_counted_exactly() {
        let distribution = NullDistribution::new((1..=50).map(f64::from));
        assert_eq!(distribution.counts.iter().sum::<u64>(), 1 << 50);
        assert_eq!(distribution.tails(1275.0), (f64::powi(2.0, -50), 1.0));
    }

    proptest! {
        #[test]
        fn equals_enumeration(doubled in prop::collection::vec(1_u32..20, 0..9), pick in any::<u32>()) {
            let ranks: Vec<f64> = doubled.iter().map(|&rank| f64::from(rank) / 2.0).collect();
            let assignments = 1_u32 << ranks.len();
            let sum_of = |signs: u32| -> f64 {
                ranks.iter().enumerate().filter(|(bit, _)| signs >> bit & 1 == 1).map(|(_, rank)| rank).sum()
            };
            let observed = sum_of(pick % assignments);
            let share = |test: &dyn Fn(f64) -> bool| {
                (0..assignments).filter(|&signs| test(sum_of(signs))).count() as f64 / f64::from(assignments)
            };
            let expected = (share(&|sum| sum >= observed), share(&|sum| sum <= observed));
            prop_assert_eq!(NullDistribution::new(ranks.iter().copied()).tails(observed), expected);
        }
    }
}
