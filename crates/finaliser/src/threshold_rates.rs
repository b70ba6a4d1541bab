//! FPR95, and rates at given thresholds.

use std::cmp::Ordering;

use pimo_accumulator::ScoreBin;

use crate::best_threshold::{F1, Iou, Measure};
use crate::interval::Interval;
use crate::score_curve::{CurveError, ScoreCurve};
use crate::step::{Step, Totals};

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

impl ThresholdRates {
    /// The rates where `(TP, FP)` pixels are at or above a threshold, of `(positives, negatives)` in all.
    ///
    /// # Errors
    /// More pixels than can be.
    pub fn of_counts(
        threshold: f64,
        found: (u64, u64),
        (positives, negatives): (u64, u64),
    ) -> Result<Self, CurveError> {
        Ok(Self::new(threshold, found, found, &Totals::new(positives, negatives, 0)?))
    }

    /// The rates where the counts `(TP, FP)` at or above a threshold lie between two others.
    fn new(threshold: f64, least: (u64, u64), most: (u64, u64), totals: &Totals) -> Self {
        let ((tp_low, fp_low), (tp_high, fp_high)) = (least, most);
        let positives = totals.positives;
        let rate = |low: u64, high: u64, all: u64| {
            let all = u128::from(all);
            (all > 0).then(|| Interval::ratios((low.into(), all), (high.into(), all)))
        };
        let found = |tp: u64, fp: u64| (u128::from(tp), (u128::from(tp) + u128::from(fp)).max(1));
        let precision =
            (tp_high + fp_high > 0).then(|| Interval::ratios(found(tp_low, fp_high), found(tp_high, fp_low)));
        Self {
            threshold,
            precision,
            recall: rate(tp_low, tp_high, positives),
            fpr: rate(fp_low, fp_high, totals.negatives),
            f1: hull::<F1>(least, most, positives),
            iou: hull::<Iou>(least, most, positives),
        }
    }
}

/// A measure where the counts `(TP, FP)` lie between two others. `None` without positives.
fn hull<M: Measure>(least: (u64, u64), most: (u64, u64), positives: u64) -> Option<Interval> {
    let ends = (M::of(least.0, most.1, positives), M::of(most.0, least.1, positives));
    (positives > 0).then(|| Interval::ratios(ends.0.wide(), ends.1.wide()).in_unit())
}

/// The rates at several thresholds, while bins come from the highest scores to the lowest.
pub(crate) struct RatesAt {
    /// Thresholds not reached yet with their places among those that were asked for, from the lowest to the highest.
    ahead: Vec<(f64, usize)>,
    /// The highest of these.
    next: f64,
    rates: Vec<Option<ThresholdRates>>,
    totals: Totals,
}

impl RatesAt {
    pub(crate) fn new(totals: Totals, thresholds: &[f64]) -> Self {
        let mut ahead: Vec<(f64, usize)> = thresholds.iter().copied().zip(0..).collect();
        ahead.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut rates = Self { ahead, next: f64::NEG_INFINITY, rates: vec![None; thresholds.len()], totals };
        rates.look_ahead();
        rates
    }

    fn look_ahead(&mut self) {
        self.next = self.ahead.last().map_or(f64::NEG_INFINITY, |ahead| ahead.0);
    }

    /// Adds a bin; bins of scores that are all above the next threshold, or not above any, may be left out.
    #[inline]
    pub(crate) fn add(&mut self, step: &Step<'_>) {
        while self.reaches(step.bin) {
            let above = (step.tp, step.fp);
            // It lies between this bin and the one above, or inside this one.
            let most = if step.bin.high < self.next { above } else { (step.tp_end(), step.fp_end()) };
            self.settle(above, most);
        }
    }

    /// Whether a bin, or several together, may be left out.
    #[inline]
    pub(crate) fn passes(&self, bin: &ScoreBin) -> bool {
        !self.reaches(bin)
    }

    /// Whether a bin has scores below the next threshold, or that is no number and gives way to others.
    #[inline]
    fn reaches(&self, bin: &ScoreBin) -> bool {
        bin.low.partial_cmp(&self.next).is_none_or(Ordering::is_lt)
    }

    #[cold]
    fn settle(&mut self, least: (u64, u64), most: (u64, u64)) {
        if let Some((threshold, place)) = self.ahead.pop() {
            self.rates[place] = Some(ThresholdRates::new(threshold, least, most, &self.totals));
        }
        self.look_ahead();
    }

    /// The rates, in the order in which the thresholds were given.
    pub(crate) fn finish(mut self) -> Vec<ThresholdRates> {
        let all = (self.totals.positives, self.totals.negatives);
        while !self.ahead.is_empty() {
            self.settle(all, all);
        }
        self.rates.into_iter().flatten().collect()
    }
}

/// The search for the false-positive rate at which 95 % of the positives are found.
pub(crate) struct Fpr95 {
    /// The fewest positives that are 95 % of all.
    enough: u64,
    found: Option<Interval>,
    negatives: u64,
}

impl Fpr95 {
    pub(crate) fn new(totals: &Totals) -> Self {
        let enough = (19 * u128::from(totals.positives)).div_ceil(20) as u64;
        Self { enough: if totals.has_both() { enough } else { u64::MAX }, found: None, negatives: totals.negatives }
    }

    /// Adds a bin with positives; those without may be left out.
    #[inline]
    pub(crate) fn add(&mut self, step: &Step<'_>) {
        if step.tp < self.enough && self.enough <= step.tp_end() {
            let least = if step.is_tie() { step.fp_end() } else { step.fp };
            let all = u128::from(self.negatives);
            self.found = Some(Interval::ratios((least.into(), all), (step.fp_end().into(), all)));
        }
    }

    /// The rate at the highest threshold with a true-positive rate of at least 0.95.
    pub(crate) fn finish(self) -> Option<Interval> {
        self.found
    }
}

impl ScoreCurve {
    /// The false-positive rate at the highest threshold with a true-positive rate of at least 0.95. `None` without
    /// positives or without negatives.
    pub fn fpr95(&self) -> Option<Interval> {
        let mut fpr95 = Fpr95::new(&self.totals);
        self.rises().for_each(|step| fpr95.add(&step));
        fpr95.finish()
    }

    /// Rates of the pixels with scores of at least `threshold`.
    pub fn at(&self, threshold: f64) -> ThresholdRates {
        let mut rates = RatesAt::new(self.totals, &[threshold]);
        self.steps().for_each(|step| rates.add(&step));
        rates.finish()[0]
    }
}
