//! Which bins make intervals wide, so that they may be counted again more finely.

use pimo_accumulator::{ScoreBin, WEIGHT_BITS};

use crate::CurveValues;
use crate::score_curve::CurveError;
use crate::step::{Above, Step, Totals};

/// What a bin adds to the half-widths of the metrics, about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinUncertainty {
    /// To metrics that are sums over bins: areas and average precision.
    pub area: f64,
    /// To metrics that depend on single bins: the largest F1 and intersection over union, FPR95.
    pub peak: f64,
}

/// A walk from the highest scores down to the lowest that tells of every bin how much it adds to the half-widths; those of
/// one score or one pixel add nothing.
///
/// An estimate to choose by, not a bound.
pub struct UncertaintyWalk<'a> {
    totals: Totals,
    above: Above,
    /// Of AUPRO and partial AUROC.
    limits: &'a [f64],
    /// What the largest F1 and intersection over union are at least.
    best: [f64; 2],
}

impl<'a> UncertaintyWalk<'a> {
    /// A walk over bins that hold `(positives, negatives)` in all, the positives in `regions` connected regions, and
    /// make a curve with these values up to these limits.
    ///
    /// # Errors
    /// More pixels than can be.
    pub fn new(
        (positives, negatives): (u64, u64),
        regions: u64,
        limits: &'a [f64],
        values: &CurveValues,
    ) -> Result<Self, CurveError> {
        let totals = Totals::new(positives, negatives, regions)?;
        let best = [&values.f1_max, &values.iou_max].map(|best| best.as_ref().map_or(1.0, |best| best.value.low()));
        Ok(Self { totals, above: Above::default(), limits, best })
    }

    /// Goes down past the next bin.
    pub fn pass(&mut self, bin: &ScoreBin) -> BinUncertainty {
        let step = self.above.step(bin);
        // No metric asks for the order of normal pixels alone.
        let is_known = bin.positives == 0 || step.is_tie();
        let (area, peak) = if is_known { (0.0, 0.0) } else { (self.area_width(&step), self.peak_width(&step)) };
        self.above.pass(bin);
        BinUncertainty { area: area / 2.0, peak: peak / 2.0 }
    }

    fn area_width(&self, step: &Step<'_>) -> f64 {
        let (p, n) = (step.bin.positives as f64, step.bin.negatives as f64);
        let (tp, fp) = (step.tp as f64, step.fp as f64);
        let negatives = self.totals.negatives.max(1) as f64;
        let recall = p / self.totals.positives.max(1) as f64;
        let overlap = step.bin.weight as f64 / (1_u128 << WEIGHT_BITS) as f64 / self.totals.regions.max(1) as f64;
        // The smallest limit that the bin still lies below makes most of it.
        let limit = self.limits.iter().copied().filter(|limit| fp / negatives < *limit).fold(1.0, f64::min);
        let area = n / negatives * recall.max(overlap) / limit;
        let precision = recall * (ratio(tp + p, tp + p + fp) - ratio(tp, tp + fp + n)).max(0.0);
        area + precision
    }

    fn peak_width(&self, step: &Step<'_>) -> f64 {
        let (most, fp, positives) = (step.tp_end() as f64, step.fp as f64, self.totals.positives as f64);
        let [f1, iou] = [ratio(2.0 * most, positives + most + fp), ratio(most, positives + fp)];
        let peaks = (f1 - self.best[0]).max(iou - self.best[1]).max(0.0);
        let reaches = |tp: u64| 20 * u128::from(tp) >= 19 * u128::from(self.totals.positives);
        let crosses = !reaches(step.tp) && reaches(step.tp_end());
        peaks + if crosses { step.bin.negatives as f64 / self.totals.negatives.max(1) as f64 } else { 0.0 }
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 1.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::ScoreCurve;

    fn widths(bins: &[ScoreBin], regions: u64, limits: &[f64]) -> Vec<BinUncertainty> {
        let curve = ScoreCurve::new(bins.to_vec(), regions).unwrap();
        let values = curve.values(limits, &[]).unwrap();
        let totals = bins.iter().fold((0, 0), |sum, bin| (sum.0 + bin.positives, sum.1 + bin.negatives));
        let mut walk = UncertaintyWalk::new(totals, regions, limits, &values).unwrap();
        bins.iter().map(|bin| walk.pass(bin)).collect()
    }

    #[test]
    fn ties_add_nothing_and_full_bins_most() {
        let bin = |low: f64, high: f64, positives, negatives| ScoreBin {
            positives,
            negatives,
            weight: u128::from(positives) << 70,
            low,
            high,
        };
        let bins = vec![bin(8.0, 9.0, 5, 5), bin(7.0, 7.0, 50, 50), bin(5.0, 6.0, 1, 1), bin(3.0, 4.0, 0, 900)];
        let widths = widths(&bins, 2, &[0.1, 1.0]);
        assert_eq!((widths[1].area, widths[1].peak), (0.0, 0.0));
        assert!(widths[0].area > widths[2].area && widths[2].area > 0.0, "{widths:?}");
        assert!(widths[3].peak == 0.0, "{widths:?}");
    }

    #[test]
    fn no_half_width_exceeds_their_sum() {
        let bins: Vec<ScoreBin> = (0..40_u32)
            .rev()
            .map(|i| ScoreBin {
                positives: u64::from(i % 7),
                negatives: 1 + u64::from(i * i % 11),
                weight: u128::from(i % 7) << 71,
                low: f64::from(i),
                high: f64::from(i) + 0.5,
            })
            .collect();
        let sum: f64 = widths(&bins, 3, &[0.3, 1.0]).iter().map(|width| width.area + width.peak).sum();
        let curve = ScoreCurve::new(bins, 3).unwrap();
        for metric in [
            curve.auroc(),
            curve.partial_auroc(0.3),
            curve.average_precision(),
            curve.aupr_trapezoid(),
            curve.aupro(0.3),
            curve.fpr95(),
            curve.f1_max().map(|best| best.value),
            curve.iou_max().map(|best| best.value),
        ] {
            assert!(metric.unwrap().half_width() <= sum * 1.0001, "{metric:?} {sum}");
        }
    }
}
