//! Average precision and the area below the precision-recall curve.
//!
//! Precisions become integers of 62 fractional bits, rounded down for the lower and up for the upper end, and are summed
//! as integers weighted by positives: the whole rounding error is below 2^-61 whatever the number of bins.

use crate::interval::Interval;
use crate::score_curve::{ScoreCurve, Step};

const BITS: u32 = 62;
const ONE: u128 = 1 << BITS;
/// Positives of a bin whose lower bound is summed one by one; more are summed along chords.
const ONE_BY_ONE: u64 = 64;

/// tp / (tp + fp), rounded down.
fn precision_down(tp: u64, fp: u64) -> u128 {
    (u128::from(tp) << BITS) / (u128::from(tp) + u128::from(fp))
}

/// tp / (tp + fp), rounded up.
fn precision_up(tp: u64, fp: u64) -> u128 {
    (u128::from(tp) << BITS).div_ceil(u128::from(tp) + u128::from(fp))
}

/// A lower bound of the sum over j = 1..=p of (tp + j) / (tp + j + fp).
///
/// The terms are a concave function of j, so they lie above every chord: a stretch of terms sums to no less than its
/// length times the mean of its two ends.
fn sum_of_precisions(tp: u64, p: u64, fp: u64) -> u128 {
    let length = p.div_ceil(ONE_BY_ONE).max(1);
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

impl ScoreCurve {
    /// Step-wise average precision. `None` without positives.
    pub fn average_precision(&self) -> Option<Interval> {
        let (mut low, mut high) = (0, 0);
        for step in self.steps().filter(|step| step.bin.positives > 0) {
            let p = u128::from(step.bin.positives);
            if step.is_tie() {
                low += p * precision_down(step.tp_end(), step.fp_end());
                high += p * precision_up(step.tp_end(), step.fp_end());
            } else {
                low += sum_of_precisions(step.tp, step.bin.positives, step.fp_end());
                high += p * precision_up(step.tp_end(), step.fp);
            }
        }
        let all = u128::from(self.positives) * ONE;
        (self.positives > 0).then(|| Interval::ratios((low, all), (high, all)).in_unit())
    }

    /// Trapezoidal area below the precision-recall curve, from recall 0 with precision 1. `None` without positives.
    pub fn aupr_trapezoid(&self) -> Option<Interval> {
        let (mut low, mut high) = (0, 0);
        for step in self.steps().filter(|step| step.bin.positives > 0) {
            let p = u128::from(step.bin.positives);
            let (least, most) = if step.is_tie() { ends_of_tie(&step) } else { range_inside(&step) };
            low += p * least;
            high += p * most;
        }
        let all = 2 * u128::from(self.positives) * ONE;
        (self.positives > 0).then(|| Interval::ratios((low, all), (high, all)).in_unit())
    }
}

/// The sum of the precisions before and after a tie, rounded down and up.
fn ends_of_tie(step: &Step<'_>) -> (u128, u128) {
    let after = (precision_down(step.tp_end(), step.fp_end()), precision_up(step.tp_end(), step.fp_end()));
    let before = if step.tp + step.fp == 0 {
        (ONE, ONE)
    } else {
        (precision_down(step.tp, step.fp), precision_up(step.tp, step.fp))
    };
    (before.0 + after.0, before.1 + after.1)
}

/// Twice the lowest and the highest precision inside a bin of unknown order.
fn range_inside(step: &Step<'_>) -> (u128, u128) {
    let least = if step.tp + step.fp_end() == 0 { ONE } else { precision_down(step.tp, step.fp_end()) };
    (2 * least, 2 * precision_up(step.tp_end(), step.fp))
}
