//! The largest F1 and intersection over union with the thresholds that reach them, FPR95, and rates at given thresholds.

use crate::interval::Interval;
use crate::score_curve::{ScoreCurve, Step};

/// The largest value that a threshold reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestThreshold {
    /// The value.
    pub value: Interval,
    /// The highest threshold that reaches it; where several bins may hold the maximum, from the lowest to the highest
    /// score of these.
    pub threshold: Interval,
}

/// Rates of the pixels at or above a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThresholdRates {
    /// The threshold.
    pub threshold: f64,
    /// TP / (TP + FP); `None` if nothing is at or above the threshold.
    pub precision: Option<Interval>,
    /// TP / positives; `None` without positives.
    pub recall: Option<Interval>,
    /// FP / negatives; `None` without negatives.
    pub fpr: Option<Interval>,
    /// 2 TP / (positives + TP + FP); `None` without positives.
    pub f1: Option<Interval>,
    /// TP / (positives + FP); `None` without positives.
    pub iou: Option<Interval>,
}

/// A ratio of counts: F1 or intersection over union.
type Measure = fn(tp: u64, fp: u64, positives: u64) -> (u128, u128);

fn f1(tp: u64, fp: u64, positives: u64) -> (u128, u128) {
    (2 * u128::from(tp), u128::from(positives) + u128::from(tp) + u128::from(fp))
}

fn iou(tp: u64, fp: u64, positives: u64) -> (u128, u128) {
    (u128::from(tp), u128::from(positives) + u128::from(fp))
}

/// Whether a ratio is larger than another; all four are below 2^64.
fn is_above(a: (u128, u128), b: (u128, u128)) -> bool {
    a.0 * b.1 > b.0 * a.1
}

impl ScoreCurve {
    /// The largest F1. `None` without positives.
    pub fn f1_max(&self) -> Option<BestThreshold> {
        self.best(f1)
    }

    /// The largest intersection over union of all pixels together. `None` without positives.
    pub fn iou_max(&self) -> Option<BestThreshold> {
        self.best(iou)
    }

    fn best(&self, measure: Measure) -> Option<BestThreshold> {
        if self.positives == 0 {
            return None;
        }
        let edge = |step: &Step<'_>| measure(step.tp_end(), step.fp_end(), self.positives);
        let mut reached = ((0, 1), Interval::point(f64::NAN));
        for step in self.steps() {
            if is_above(edge(&step), reached.0) {
                // The edge of a bin is the lowest score in it, which may be any.
                reached = (edge(&step), Interval::new(step.bin.low, step.bin.high));
            }
        }
        let (low, mut threshold) = reached;
        let mut high = low;
        for step in self.steps().filter(|step| !step.is_tie() && step.bin.positives > 0) {
            let most = measure(step.tp_end(), step.fp, self.positives);
            // One that could only draw level matters if its scores are higher.
            if is_above(most, low) || !is_above(low, most) && step.bin.low > threshold.high() {
                threshold = Interval::new(threshold.low().min(step.bin.low), threshold.high().max(step.bin.high));
            }
            if is_above(most, high) {
                high = most;
            }
        }
        Some(BestThreshold { value: Interval::ratios(low, high).in_unit(), threshold })
    }

    /// The false-positive rate at the highest threshold with a true-positive rate of at least 0.95. `None` without
    /// positives or without negatives.
    pub fn fpr95(&self) -> Option<Interval> {
        if self.positives == 0 || self.negatives == 0 {
            return None;
        }
        let reaches = |tp: u64| 20 * u128::from(tp) >= 19 * u128::from(self.positives);
        let step = self.steps().find(|step| reaches(step.tp_end()))?;
        let least = if step.is_tie() { step.fp_end() } else { step.fp };
        let all = u128::from(self.negatives);
        Some(Interval::ratios((least.into(), all), (step.fp_end().into(), all)))
    }

    /// Rates of the pixels with scores of at least `threshold`.
    pub fn at(&self, threshold: f64) -> ThresholdRates {
        // The bin in which the threshold lies, if one does, and the counts above it.
        let mut least = (0, 0);
        let mut most = (0, 0);
        for step in self.steps() {
            if step.bin.high < threshold {
                break;
            }
            most = (step.tp_end(), step.fp_end());
            least = if step.bin.low >= threshold { most } else { (step.tp, step.fp) };
        }
        let ((tp_low, fp_low), (tp_high, fp_high)) = (least, most);
        let positives = u128::from(self.positives);
        let rate =
            |low: u64, high: u64, all: u128| (all > 0).then(|| Interval::ratios((low.into(), all), (high.into(), all)));
        let hull = |measure: Measure| {
            let low = measure(tp_low, fp_high, self.positives);
            let high = measure(tp_high, fp_low, self.positives);
            (positives > 0).then(|| Interval::ratios(low, high).in_unit())
        };
        let found = |tp: u64, fp: u64| (u128::from(tp), (u128::from(tp) + u128::from(fp)).max(1));
        let precision =
            (tp_high + fp_high > 0).then(|| Interval::ratios(found(tp_low, fp_high), found(tp_high, fp_low)));
        ThresholdRates {
            threshold,
            precision,
            recall: rate(tp_low, tp_high, positives),
            fpr: rate(fp_low, fp_high, self.negatives.into()),
            f1: hull(f1),
            iou: hull(iou),
        }
    }
}
