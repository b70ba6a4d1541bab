//! Means of scores.

use pimo_frame::Sample;

use crate::two_sum::two_sum;

/// What terms are multiplied by where their sum would overflow: enough for 2^80 of them.
const SCALE: f64 = 1.0 / (1_u128 << 80) as f64;

/// A sum of scores in twice the precision of a double, over `LANES` independent sums that a processor takes together.
///
/// A plain sum depends on the order of its terms in the last digits. This one is off by far less than a double shows, so
/// that the mean of a map and that of the same map turned round are the same number. Terms of any size may be added: the
/// mean of finite numbers is finite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScoreSum<const LANES: usize> {
    /// The sums, and what they lack.
    high: [f64; LANES],
    low: [f64; LANES],
    /// Whether they are multiplied by [`SCALE`].
    is_scaled: bool,
}

impl<const LANES: usize> Default for ScoreSum<LANES> {
    fn default() -> Self {
        Self { high: [0.0; LANES], low: [0.0; LANES], is_scaled: false }
    }
}

impl<const LANES: usize> ScoreSum<LANES> {
    /// Adds scores. Which sum each goes to depends on its place among them alone.
    #[inline]
    pub(crate) fn add<S: Sample>(&mut self, scores: &[S]) {
        self.add_scaled(|sum, scale| {
            let (blocks, rest) = scores.as_chunks::<LANES>();
            for block in blocks {
                sum.add_terms(block, scale);
            }
            sum.add_terms(rest, scale);
        });
    }

    /// Adds a score that `count` pixels have.
    pub(crate) fn add_times(&mut self, score: f64, count: u64) {
        self.add_scaled(|sum, scale| {
            let (score, count) = (score * scale, count as f64);
            let product = score * count;
            sum.add_terms(&[product], 1.0);
            sum.low[0] += score.mul_add(count, -product);
        });
    }

    /// The sum divided by `count`, rounded once.
    pub(crate) fn mean(mut self, count: u64) -> f64 {
        let (mut high, mut low) = self.total();
        if !(self.is_scaled || high.is_finite()) {
            self.rescale();
            (high, low) = self.total();
        }
        let count = count as f64;
        let quotient = high / count;
        let rest = (-quotient).mul_add(count, high) + low;
        let mean = quotient + rest / count;
        // No mean of finite numbers lies beyond them.
        if self.is_scaled { (mean / SCALE).clamp(f64::MIN, f64::MAX) } else { mean }
    }

    /// Adds terms that are to be multiplied by what `add` is given; once more if that is too much.
    #[inline]
    fn add_scaled(&mut self, add: impl Fn(&mut Self, f64)) {
        if !self.is_scaled {
            let mut sum = *self;
            add(&mut sum, 1.0);
            if sum.high.iter().chain(&sum.low).all(|part| part.is_finite()) {
                *self = sum;
                return;
            }
            self.rescale();
        }
        add(self, SCALE);
    }

    #[inline]
    fn add_terms<S: Sample>(&mut self, terms: &[S], scale: f64) {
        for ((high, low), term) in self.high.iter_mut().zip(&mut self.low).zip(terms) {
            let (sum, lost) = two_sum(*high, term.to_f64() * scale);
            *high = sum;
            *low += lost;
        }
    }

    fn rescale(&mut self) {
        self.high.iter_mut().chain(&mut self.low).for_each(|part| *part *= SCALE);
        self.is_scaled = true;
    }

    /// All sums together, and what that lacks.
    fn total(&self) -> (f64, f64) {
        let (mut high, mut low) = (0.0, 0.0);
        for (&lane, &lacks) in self.high.iter().zip(&self.low) {
            let (sum, lost) = two_sum(high, lane);
            (high, low) = (sum, low + (lost + lacks));
        }
        two_sum(high, low)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn mean<const LANES: usize>(rows: &[&[f64]]) -> f64 {
        let mut sum = ScoreSum::<LANES>::default();
        for row in rows {
            sum.add(row);
        }
        sum.mean(rows.iter().map(|row| row.len() as u64).sum())
    }

    proptest! {
        #[test]
        fn no_order_changes_the_mean(
            mut scores in proptest::collection::vec(-1e3_f64..1e3, 1..400), large in 0_usize..3, width in 1_usize..50,
        ) {
            for score in scores.iter_mut().take(large) {
                *score *= 1e9;
            }
            let whole = mean::<8>(&[&scores]);
            prop_assert_eq!(mean::<1>(&[&scores]), whole);
            prop_assert_eq!(mean::<8>(&scores.chunks(width).collect::<Vec<_>>()), whole);
            scores.reverse();
            prop_assert_eq!(mean::<8>(&[&scores]), whole);
            scores.sort_by(f64::total_cmp);
            prop_assert_eq!(mean::<8>(&[&scores]), whole);
            let mut runs = ScoreSum::<1>::default();
            for run in scores.chunk_by(|a, b| a == b) {
                runs.add_times(run[0], run.len() as u64);
            }
            prop_assert_eq!(runs.mean(scores.len() as u64), whole);
        }

        #[test]
        fn the_mean_is_the_nearest_double(numbers in proptest::collection::vec(-1_i64 << 52..1 << 52, 1..200)) {
            let scores: Vec<f64> = numbers.iter().map(|&number| number as f64).collect();
            let sum: i128 = numbers.iter().map(|&number| i128::from(number)).sum();
            let (found, count) = (mean::<8>(&[&scores]), numbers.len() as i128);
            // Both in units of 2^-53, of which the double's last place has one or more; half of that to either side.
            let place = ((found.abs().next_up() - found.abs()) * 2.0_f64.powi(53)) as i128;
            let apart = ((found * 2.0_f64.powi(53)) as i128 * count - (sum << 53)).abs();
            prop_assume!(found.abs() >= 1.0);
            prop_assert!(2 * apart <= place * count, "{found} for {sum}/{count}");
        }
    }

    #[test]
    fn a_mean_of_finite_numbers_is_finite() {
        assert_eq!(mean::<8>(&[&[f64::MAX; 1000]]), f64::MAX);
        assert_eq!(mean::<1>(&[&[f64::MIN; 1000]]), f64::MIN);
        assert_eq!(mean::<8>(&[&[1e308; 7], &[1e308; 30]]), 1e308);
        assert_eq!(mean::<8>(&[&[f64::MAX, f64::MAX, f64::MIN, f64::MIN]]), 0.0);
        // One for each sum, which overflows only when these are added up.
        assert_eq!(mean::<8>(&[&[1e308; 8]]), 1e308);
        let mut runs = ScoreSum::<1>::default();
        runs.add_times(1.0, 5);
        runs.add_times(1.5e308, 7);
        runs.add_times(f64::MAX, 1 << 40);
        assert!(runs.mean((1 << 40) + 12) > 1.79e308);
    }

    #[test]
    fn small_numbers_are_not_lost() {
        assert_eq!(mean::<8>(&[&[5e-324; 100]]), 5e-324);
        assert_eq!(mean::<8>(&[&[1e16, 1.0, -1e16, 1.0]]), 0.5);
        assert_eq!(mean::<1>(&[&[f32::MAX.into(); 3]]), f64::from(f32::MAX));
    }
}
