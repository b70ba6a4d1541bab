//! Average precision and the area below the precision-recall curve.
//!
//! Precisions become integers of 62 fractional bits, rounded down for the lower and up for the upper end, and are summed
//! as integers weighted by positives: the whole rounding error is below 2^-61 whatever the number of bins.

use crate::interval::Interval;
use crate::score_curve::ScoreCurve;
use crate::step::Step;

const BITS: u32 = 62;
const ONE: u64 = 1 << BITS;
/// Chords along which the precisions of a bin's positives are summed, or positives that are summed one by one.
const CHORDS: u64 = 64;
/// Where this many times as many pixels as a bin's positives lie above it one chord will do: no term is more than 2^-28
/// above it, because those of p positives below T pixels curve by at most 2/T^2, and so rise by p^2 / 4T^2.
const FAR: u64 = 1 << 13;

/// tp / (tp + fp), rounded down and up.
#[inline]
fn precision(tp: u64, fp: u64) -> (u64, u64) {
    let (part, whole) = (u128::from(tp) << BITS, u128::from(tp + fp));
    let down = (part / whole) as u64;
    (down, down + u64::from(u128::from(down) * whole != part))
}

/// tp / (tp + fp), rounded down.
fn precision_down(tp: u64, fp: u64) -> u128 {
    precision(tp, fp).0.into()
}

/// A lower bound of the sum over j = 1..=p of (tp + j) / (tp + j + fp).
///
/// The terms are a concave function of j, so they lie above every chord: a stretch of terms sums to no less than its
/// length times the mean of its two ends.
fn sum_of_precisions(tp: u64, p: u64, fp: u64) -> u128 {
    let chords = if p.saturating_mul(FAR) <= tp + fp { 1 } else { CHORDS };
    if p <= chords {
        return (1..=p).map(|j| precision_down(tp + j, fp)).sum();
    }
    let length = p.div_ceil(chords);
    let mut sum = 0;
    let mut first = 1;
    while first <= p {
        let last = (first + length - 1).min(p);
        let ends = precision_down(tp + first, fp) + precision_down(tp + last, fp);
        sum += u128::from(last - first + 1) * ends / 2;
        first = last + 1;
    }
    sum
}

/// The two areas below precision over recall, while bins come from the highest scores to the lowest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PrecisionRecall {
    /// Sums over the positives of lower and upper bounds of precision.
    average: (u128, u128),
    /// The same of twice the mean precision on the way to a positive.
    trapezoid: (u128, u128),
    positives: u64,
}

impl PrecisionRecall {
    /// Adds a bin with positives; those without may be left out.
    #[inline]
    pub(crate) fn add(&mut self, step: &Step<'_>) {
        let (average, trapezoid) = if step.is_tie() { of_tie(step) } else { of_unknown_order(step) };
        self.average = (self.average.0 + average.0, self.average.1 + average.1);
        self.trapezoid = (self.trapezoid.0 + trapezoid.0, self.trapezoid.1 + trapezoid.1);
        self.positives += step.bin.positives;
    }

    /// Step-wise average precision. `None` without positives.
    pub(crate) fn average(&self) -> Option<Interval> {
        self.ratio(self.average, 1)
    }

    /// Trapezoidal area. `None` without positives.
    pub(crate) fn trapezoid(&self) -> Option<Interval> {
        self.ratio(self.trapezoid, 2)
    }

    fn ratio(&self, (low, high): (u128, u128), heights: u128) -> Option<Interval> {
        let all = heights * u128::from(self.positives) * u128::from(ONE);
        (self.positives > 0).then(|| Interval::ratios((low, all), (high, all)).in_unit())
    }
}

/// Lower and upper bounds of what the positives of a bin add to both sums.
type Parts = ((u128, u128), (u128, u128));

fn of_tie(step: &Step<'_>) -> Parts {
    let p = u128::from(step.bin.positives);
    let before = if step.tp + step.fp == 0 { (ONE, ONE) } else { precision(step.tp, step.fp) };
    let after = precision(step.tp_end(), step.fp_end());
    let ends = (u128::from(before.0) + u128::from(after.0), u128::from(before.1) + u128::from(after.1));
    ((p * u128::from(after.0), p * u128::from(after.1)), (p * ends.0, p * ends.1))
}

fn of_unknown_order(step: &Step<'_>) -> Parts {
    let p = u128::from(step.bin.positives);
    let before = if step.tp + step.fp_end() == 0 { ONE } else { precision(step.tp, step.fp_end()).0 };
    let after = precision(step.tp_end(), step.fp_end()).0;
    let most = p * u128::from(precision(step.tp_end(), step.fp).1);
    // Precision where i positives of the bin are found lies between two functions of i, with all negatives of the bin
    // and with none. Both are concave: any chords of the lower one lie above the one from end to end, and any of the
    // upper one enclose less than its value in the middle times its length.
    let middle = precision(2 * step.tp + step.bin.positives, 2 * step.fp).1;
    let chords = (p * (u128::from(before) + u128::from(after)), 2 * p * u128::from(middle));
    ((sum_of_precisions(step.tp, step.bin.positives, step.fp_end()), most), chords)
}

impl ScoreCurve {
    /// Step-wise average precision. `None` without positives.
    pub fn average_precision(&self) -> Option<Interval> {
        self.precision_recall().average()
    }

    /// Trapezoidal area below the precision-recall curve, from recall 0 with precision 1. `None` without positives.
    pub fn aupr_trapezoid(&self) -> Option<Interval> {
        self.precision_recall().trapezoid()
    }

    fn precision_recall(&self) -> PrecisionRecall {
        let mut areas = PrecisionRecall::default();
        self.rises().for_each(|step| areas.add(&step));
        areas
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// The lower bound of a bin's sum, where few and where many pixels lie above.
        #[test]
        fn chords_lie_below_the_precisions_and_near_them(
            p in prop_oneof![1_u64..4, 1_u64..70, 1_u64..2000], above in 0.0..2.0, edge in 0_u64..3, share in 0.0..=1.0,
        ) {
            let above = match edge {
                0 => p * FAR,
                1 => p * FAR - 1,
                _ => (above * (p * FAR) as f64) as u64,
            };
            let tp = (share * above as f64) as u64;
            let fp = above - tp.min(above);
            let sum = sum_of_precisions(tp, p, fp);
            // Each term is rounded down.
            let least: u128 = (1..=p).map(|j| precision_down(tp + j, fp)).sum();
            prop_assert!(sum <= least + u128::from(p));
            // Many chords lie nearer than one has to where it will do.
            if p * FAR <= 8 * (tp + fp) {
                prop_assert!(least.saturating_sub(sum) <= u128::from(p) * u128::from((ONE >> 28) + 2));
            }
        }
    }
}
