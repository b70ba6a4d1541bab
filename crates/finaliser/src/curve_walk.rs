//! All dataset-level metrics from one walk over the bins, without a list of them.

use std::ops::ControlFlow;

use pimo_accumulator::{BinWalk, ScoreBin};

use crate::Interval;
use crate::area_below::{ProAreas, RocAreas};
use crate::best_threshold::{Best, BestThreshold, F1, Iou};
use crate::precision_recall::PrecisionRecall;
use crate::score_curve::{CurveError, ScoreCurve};
use crate::step::{Above, Step, Totals};
use crate::threshold_rates::{Fpr95, RatesAt, ThresholdRates};

/// A walk from the highest scores down to the lowest, on which all metrics of a [`ScoreCurve`](crate::ScoreCurve) are
/// taken at once: the same values, without a list of bins in memory.
///
/// ```
/// use pimo_accumulator::ScoreBin;
/// use pimo_finaliser::CurveWalk;
///
/// let bin = |score, positives, negatives| ScoreBin { positives, negatives, weight: 0, low: score, high: score };
/// let bins = [bin(0.9, 1, 0), bin(0.8, 1, 1), bin(0.1, 0, 1)];
/// let values = CurveWalk::new((2, 2), 0, &[0.3], &[0.8])?.down(bins)?;
/// assert_eq!(values.auroc.unwrap().value(), 0.875);
/// assert_eq!(values.at[0].recall.unwrap().value(), 1.0);
/// # Ok::<(), pimo_finaliser::CurveError>(())
/// ```
pub struct CurveWalk {
    totals: Totals,
    above: Above,
    /// The lowest score so far; no number before the first.
    lowest: f64,
    fault: Option<CurveError>,
    rates: RatesAt,
    pro: Option<ProAreas>,
    pixels: Option<OfPixels>,
    precision: Option<PrecisionRecall>,
}

/// What is taken from pixels alone, but for precision over recall, which is as much work as all else.
struct OfPixels {
    roc: RocAreas,
    f1: Best<F1>,
    iou: Best<Iou>,
    fpr95: Fpr95,
}

impl OfPixels {
    fn rise(&mut self, step: &Step<'_>) {
        self.roc.add(step);
        self.f1.add(step);
        self.iou.add(step);
        self.fpr95.add(step);
    }

    fn finish(self) -> CurveValues {
        let mut partial_auroc = self.roc.finish();
        CurveValues {
            auroc: partial_auroc.pop().flatten(),
            partial_auroc,
            f1_max: self.f1.finish(),
            iou_max: self.iou.finish(),
            fpr95: self.fpr95.finish(),
            ..CurveValues::default()
        }
    }
}

/// What a [`CurveWalk`] finds. Each value is `None` where it has no meaning: there is no positive, no negative, or no
/// region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CurveValues {
    /// Area below the ROC curve.
    pub auroc: Option<Interval>,
    /// The same up to each limit, divided by it.
    pub partial_auroc: Vec<Option<Interval>>,
    /// Area below the mean covered fraction of the regions up to each limit, divided by it.
    pub aupro: Vec<Option<Interval>>,
    /// Step-wise average precision.
    pub average_precision: Option<Interval>,
    /// Trapezoidal area below the precision-recall curve.
    pub aupr_trapezoid: Option<Interval>,
    /// The largest F1.
    pub f1_max: Option<BestThreshold>,
    /// The largest intersection over union.
    pub iou_max: Option<BestThreshold>,
    /// The false-positive rate at a true-positive rate of 0.95.
    pub fpr95: Option<Interval>,
    /// Rates at each threshold.
    pub at: Vec<ThresholdRates>,
}

impl CurveValues {
    /// These values and those of the other half of a walk that was [split](CurveWalk::split).
    #[must_use]
    pub fn and_precision_of(self, other: &Self) -> Self {
        Self { average_precision: other.average_precision, aupr_trapezoid: other.aupr_trapezoid, ..self }
    }
}

impl CurveWalk {
    /// A walk over bins that hold `(positives, negatives)` in all, the positives in `regions` connected regions.
    /// `limits` are those of AUPRO and partial AUROC, false-positive rates in [1e-15, 1]; `at` are thresholds.
    ///
    /// # Errors
    /// More pixels than can be.
    pub fn new(
        (positives, negatives): (u64, u64),
        regions: u64,
        limits: &[f64],
        at: &[f64],
    ) -> Result<Self, CurveError> {
        let totals = Totals::new(positives, negatives, regions)?;
        let and_all: Vec<f64> = limits.iter().copied().chain([1.0]).collect();
        Ok(Self {
            totals,
            above: Above::default(),
            lowest: f64::NAN,
            fault: None,
            rates: RatesAt::new(totals, at),
            pro: Some(ProAreas::new(&totals, limits)),
            pixels: Some(OfPixels {
                roc: RocAreas::new(&totals, &and_all),
                f1: Best::new(positives),
                iou: Best::new(positives),
                fpr95: Fpr95::new(&totals),
            }),
            precision: Some(PrecisionRecall::default()),
        })
    }

    /// A walk that finds AUPRO and the rates at thresholds only; all else will be `None`.
    #[must_use]
    pub fn of_regions(self) -> Self {
        Self { pixels: None, precision: None, ..self }
    }

    /// A walk that has not begun as two, for two threads, which find half of the values each: the first all but average
    /// precision and the area below precision over recall, the second these. See [`CurveValues::and_precision_of`].
    #[must_use]
    pub fn split(self) -> (Self, Self) {
        let precision = Self {
            totals: self.totals,
            above: self.above,
            lowest: self.lowest,
            fault: self.fault,
            rates: RatesAt::new(self.totals, &[]),
            pro: None,
            pixels: None,
            precision: self.precision,
        };
        (Self { precision: None, ..self }, precision)
    }

    /// The values of the curve that these bins make.
    ///
    /// # Errors
    /// Bins that are not in descending order, or do not hold as much as was said.
    pub fn down(mut self, bins: impl IntoIterator<Item = ScoreBin>) -> Result<CurveValues, CurveError> {
        // A break means a fault, which is kept.
        let _ = bins.into_iter().try_for_each(|bin| self.pass(&bin));
        self.finish()
    }

    #[inline]
    fn check(&self, bin: &ScoreBin) -> Result<(), CurveError> {
        let ordered = bin.low <= bin.high;
        if !ordered || bin.high >= self.lowest {
            return Err(CurveError::NotDescending);
        }
        let left = (self.totals.positives - self.above.positives, self.totals.negatives - self.above.negatives);
        if bin.positives > left.0 || bin.negatives > left.1 {
            return Err(CurveError::OtherTotals);
        }
        Ok(())
    }

    fn rise(&mut self, step: &Step<'_>) {
        if let Some(pro) = &mut self.pro {
            pro.add(step);
        }
        if let Some(pixels) = &mut self.pixels {
            pixels.rise(step);
        }
        if let Some(precision) = &mut self.precision {
            precision.add(step);
        }
    }

    /// The values of the curve that the bins made which were passed.
    ///
    /// # Errors
    /// Bins that were not in descending order, or did not hold as much as was said.
    pub fn finish(self) -> Result<CurveValues, CurveError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if (self.above.positives, self.above.negatives) != (self.totals.positives, self.totals.negatives) {
            return Err(CurveError::OtherTotals);
        }
        let precision = self.precision;
        let mut values = self.pixels.map(OfPixels::finish).unwrap_or_default();
        values.aupro = self.pro.map(ProAreas::finish).unwrap_or_default();
        values.average_precision = precision.and_then(|precision| precision.average());
        values.aupr_trapezoid = precision.and_then(|precision| precision.trapezoid());
        values.at = self.rates.finish();
        Ok(values)
    }
}

impl BinWalk for CurveWalk {
    #[inline]
    fn pass(&mut self, bin: &ScoreBin) -> ControlFlow<()> {
        if let Err(fault) = self.check(bin) {
            self.fault.get_or_insert(fault);
            return ControlFlow::Break(());
        }
        self.lowest = bin.low;
        let step = self.above.step(bin);
        self.rates.add(&step);
        if bin.positives > 0 {
            self.rise(&step);
        }
        self.above.pass(bin);
        ControlFlow::Continue(())
    }

    #[inline]
    fn pass_together(&mut self, bins: &ScoreBin) -> bool {
        // All else needs only the sum of what is between bins with positives.
        self.rates.passes(bins) && self.pass(bins).is_continue()
    }
}

impl ScoreCurve {
    /// What a [`CurveWalk`] down the bins finds, which says what `limits` and `at` are.
    ///
    /// # Errors
    /// Those of [`CurveWalk::down`], which the bins of a curve do not meet with.
    pub fn values(&self, limits: &[f64], at: &[f64]) -> Result<CurveValues, CurveError> {
        CurveWalk::new(self.totals(), self.totals.regions, limits, at)?.down(self.bins.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pimo_accumulator::WEIGHT_BITS;
    use proptest::prelude::*;

    use super::*;

    const LIMITS: [f64; 5] = [0.3, 0.01, 2.0, 1.0, 1.0 / 3.0];

    fn bins() -> impl Strategy<Value = Vec<ScoreBin>> {
        let positives = prop_oneof![3 => Just(0), 2 => 1_u64..3, 1 => 60_u64..200];
        proptest::collection::vec((positives, 0_u64..50, proptest::bool::ANY), 0..60).prop_map(|counts| {
            let all: u64 = counts.iter().map(|count| count.0).sum();
            let bin = |(i, (positives, negatives, tie)): (usize, (u64, u64, bool))| {
                let low = 100.0 - i as f64;
                let weight = (3 << WEIGHT_BITS) / u128::from(all.max(1)) * u128::from(positives);
                ScoreBin { positives, negatives, weight, low, high: if tie { low } else { low + 0.5 } }
            };
            counts.into_iter().enumerate().map(bin).collect()
        })
    }

    proptest! {
        #[test]
        fn a_walk_finds_what_each_metric_finds_alone(bins in bins(), at in proptest::collection::vec(30.0..110.0, 0..8)) {
            let curve = ScoreCurve::new(bins, 3).unwrap();
            let values = curve.values(&LIMITS, &at).unwrap();
            let expected = CurveValues {
                auroc: curve.auroc(),
                partial_auroc: LIMITS.map(|limit| curve.partial_auroc(limit)).to_vec(),
                aupro: LIMITS.map(|limit| curve.aupro(limit)).to_vec(),
                average_precision: curve.average_precision(),
                aupr_trapezoid: curve.aupr_trapezoid(),
                f1_max: curve.f1_max(),
                iou_max: curve.iou_max(),
                fpr95: curve.fpr95(),
                at: at.iter().map(|&at| curve.at(at)).collect(),
            };
            prop_assert_eq!(&values, &expected);
            // The same of bins without positives that come together as far as may be.
            let mut walk = CurveWalk::new(curve.totals(), 3, &LIMITS, &at).unwrap();
            for bins in curve.bins.chunk_by(|a, b| a.positives + b.positives == 0) {
                let (first, last) = (bins[0], bins[bins.len() - 1]);
                let negatives = bins.iter().map(|bin| bin.negatives).sum();
                if first.positives > 0 || !walk.pass_together(&ScoreBin { low: last.low, negatives, ..first }) {
                    prop_assert!(bins.iter().all(|bin| walk.pass(bin).is_continue()));
                }
            }
            prop_assert_eq!(walk.finish().unwrap(), expected.clone());
            let (areas, precision) = CurveWalk::new(curve.totals(), 3, &LIMITS, &at).unwrap().split();
            let halves = [areas, precision].map(|half| half.down(curve.bins.iter().copied()).unwrap());
            let [areas, precision] = halves;
            prop_assert_eq!(areas.and_precision_of(&precision), expected.clone());
            let regions = CurveWalk::new(curve.totals(), 3, &LIMITS, &at).unwrap().of_regions();
            let (aupro, at) = (expected.aupro, expected.at);
            let expected = CurveValues { aupro, at, ..CurveValues::default() };
            prop_assert_eq!(regions.down(curve.bins.iter().copied()).unwrap(), expected);
        }
    }

    #[test]
    fn bins_have_to_be_in_order_and_to_hold_all() {
        let bin = |low: f64, high: f64, positives| ScoreBin { positives, negatives: 1, weight: 0, low, high };
        let walked =
            |bins: &[ScoreBin], totals| CurveWalk::new(totals, 0, &[], &[]).unwrap().down(bins.iter().copied()).err();
        assert_eq!(walked(&[bin(2.0, 3.0, 1), bin(1.0, 1.5, 1)], (2, 2)), None);
        assert_eq!(walked(&[bin(2.0, 3.0, 1), bin(1.0, 2.0, 1)], (2, 2)), Some(CurveError::NotDescending));
        for bins in [&[bin(2.0, 3.0, 1)][..], &[bin(2.0, 3.0, 1), bin(1.0, 1.5, u64::MAX)]] {
            assert_eq!(walked(bins, (2, 2)), Some(CurveError::OtherTotals));
        }
        assert_eq!(CurveWalk::new((1 << 61, 0), 0, &[], &[]).err(), Some(CurveError::TooManyPixels));
    }
}
