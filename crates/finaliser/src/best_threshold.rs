//! The largest F1 and intersection over union with the thresholds that reach them.

use std::marker::PhantomData;

use crate::interval::Interval;
use crate::score_curve::ScoreCurve;
use crate::step::Step;

/// The largest value that a threshold reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestThreshold {
    /// The value.
    pub value: Interval,
    /// The highest threshold that reaches it; where several bins may hold the maximum, from the lowest to the highest
    /// score of these.
    pub threshold: Interval,
}

/// A ratio of counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    part: u64,
    whole: u64,
}

impl Ratio {
    pub(crate) fn wide(self) -> (u128, u128) {
        (self.part.into(), self.whole.into())
    }

    fn is_above(self, other: Self) -> bool {
        u128::from(self.part) * u128::from(other.whole) > u128::from(other.part) * u128::from(self.whole)
    }
}

/// A measure of a threshold that rises with TP and falls with FP.
pub(crate) trait Measure {
    /// The measure of counts below 2^61.
    fn of(tp: u64, fp: u64, positives: u64) -> Ratio;
}

/// 2 TP / (positives + TP + FP).
pub(crate) struct F1;

impl Measure for F1 {
    #[inline]
    fn of(tp: u64, fp: u64, positives: u64) -> Ratio {
        Ratio { part: 2 * tp, whole: positives + tp + fp }
    }
}

/// TP / (positives + FP).
pub(crate) struct Iou;

impl Measure for Iou {
    #[inline]
    fn of(tp: u64, fp: u64, positives: u64) -> Ratio {
        Ratio { part: tp, whole: positives + fp }
    }
}

/// A bin of unknown order inside which the maximum may be reached.
#[derive(Clone, Copy)]
struct Candidate {
    most: Ratio,
    low: f64,
    high: f64,
}

/// The search for the largest value, while bins come from the highest scores to the lowest.
pub(crate) struct Best<M> {
    positives: u64,
    /// The largest value at the end of a bin, and the scores of the highest bin that has it.
    reached: Ratio,
    threshold: Interval,
    candidates: Vec<Candidate>,
    /// Candidates at which those that have fallen behind are dropped.
    limit: usize,
    measure: PhantomData<M>,
}

impl<M: Measure> Best<M> {
    pub(crate) fn new(positives: u64) -> Self {
        let (reached, threshold) = (Ratio { part: 0, whole: 1 }, Interval::point(f64::NAN));
        Self { positives, reached, threshold, candidates: Vec::new(), limit: 1024, measure: PhantomData }
    }

    /// Adds a bin with positives; those without may be left out.
    #[inline]
    pub(crate) fn add(&mut self, step: &Step<'_>) {
        let end = M::of(step.tp_end(), step.fp_end(), self.positives);
        if end.is_above(self.reached) {
            // The end of a bin is the lowest score in it, which may be any.
            self.reached = end;
            self.threshold = Interval::new(step.bin.low, step.bin.high);
        }
        if !step.is_tie() {
            let most = M::of(step.tp_end(), step.fp, self.positives);
            if !self.reached.is_above(most) {
                self.consider(Candidate { most, low: step.bin.low, high: step.bin.high });
            }
        }
    }

    fn consider(&mut self, candidate: Candidate) {
        if self.candidates.len() == self.limit {
            self.candidates.retain(|earlier| !self.reached.is_above(earlier.most));
            self.limit = self.limit.max(2 * self.candidates.len());
        }
        self.candidates.push(candidate);
    }

    /// The largest value. `None` without positives.
    pub(crate) fn finish(self) -> Option<BestThreshold> {
        let low = self.reached;
        let (mut high, mut threshold) = (low, self.threshold);
        for Candidate { most, low: lowest, high: highest } in self.candidates {
            // One that could only draw level matters if its scores are higher.
            if most.is_above(low) || !low.is_above(most) && lowest > threshold.high() {
                threshold = Interval::new(threshold.low().min(lowest), threshold.high().max(highest));
            }
            if most.is_above(high) {
                high = most;
            }
        }
        let value = || Interval::ratios(low.wide(), high.wide()).in_unit();
        (self.positives > 0).then(|| BestThreshold { value: value(), threshold })
    }
}

impl ScoreCurve {
    /// The largest F1. `None` without positives.
    pub fn f1_max(&self) -> Option<BestThreshold> {
        self.best::<F1>()
    }

    /// The largest intersection over union of all pixels together. `None` without positives.
    pub fn iou_max(&self) -> Option<BestThreshold> {
        self.best::<Iou>()
    }

    fn best<M: Measure>(&self) -> Option<BestThreshold> {
        let mut best = Best::<M>::new(self.totals.positives);
        self.rises().for_each(|step| best.add(&step));
        best.finish()
    }
}
