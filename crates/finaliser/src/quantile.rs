//! The k-th smallest of rates that only rise.

/// Follows the `rank`-th smallest (from 1) of rates, all zero at first, while they rise one by one. Each rate counts as
/// often as its weight says.
///
/// Rates are multiples of one over an image's pixels, so the followed rate takes few values; only when it moves are
/// all rates looked through.
#[derive(Debug)]
pub(crate) struct RisingQuantile {
    rank: u64,
    value: f64,
    at_most_value: u64,
}

impl RisingQuantile {
    /// Follows the `rank`-th of rates whose weights add up to `count`.
    pub(crate) const fn new(rank: u64, count: u64) -> Self {
        Self { rank, value: 0.0, at_most_value: count }
    }

    /// A rate of some weight rose from `old` to `new`; `rates` yields all rates as they are now with their weights.
    pub(crate) fn rise<I>(&mut self, old: f64, new: f64, weight: u64, rates: impl Fn() -> I)
    where
        I: Iterator<Item = (f64, u64)>,
    {
        if old > self.value || new <= self.value {
            return;
        }
        self.at_most_value -= weight;
        while self.at_most_value < self.rank {
            let above = rates().map(|(rate, _)| rate).filter(|&rate| rate > self.value);
            self.value = above.fold(f64::INFINITY, f64::min);
            self.at_most_value = rates().filter(|(rate, _)| *rate <= self.value).map(|(_, weight)| weight).sum();
        }
    }

    /// The followed rate.
    pub(crate) const fn value(&self) -> f64 {
        self.value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn follows_the_sorted_rates(
            steps in proptest::collection::vec((0_usize..6, 1_u32..4), 0..80),
            rank in 1_u64..13,
        ) {
            let weights = [1, 2, 1, 3, 4, 1];
            let mut rates = [0.0; 6];
            let mut quantile = RisingQuantile::new(rank.min(12), 12);
            for (image, step) in steps {
                let old = rates[image];
                rates[image] += f64::from(step) / 16.0;
                let now = rates;
                quantile.rise(old, now[image], weights[image], || now.into_iter().zip(weights));
                let mut sorted: Vec<f64> =
                    (0..6).flat_map(|image| vec![rates[image]; weights[image] as usize]).collect();
                sorted.sort_by(f64::total_cmp);
                prop_assert_eq!(quantile.value(), sorted[rank.min(12) as usize - 1]);
            }
        }
    }
}
