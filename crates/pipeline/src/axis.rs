//! The shared axis of one detector in one category, exact or published.

use pimo_accumulator::{Run, SettledTail, key_of_score};
use pimo_finaliser::{AxisRow, CurvePoints, OperatingPoint, OverlapCurve, SharedAxis};

use crate::Settings;
use crate::normal::AxisKind;

/// Fewer normal pixels than these at the upper threshold draw a warning: the score hangs on single pixels.
const FEW_PIXELS: u64 = 100;

/// A shared axis and what is written down of it.
pub(crate) struct ThresholdAxis {
    kind: AxisKind,
    /// Points of the axis that are written down, by descending threshold.
    selected: Vec<usize>,
    /// The same as columns.
    pub(crate) thresholds: Vec<f64>,
    pub(crate) rates: Vec<f64>,
    /// Spread of the normal images' rates at these points, if known.
    pub(crate) spread: Option<Vec<AxisRow>>,
    /// Keys against which anomalous images are counted, descending.
    keys: Vec<u64>,
    curves: bool,
}

/// An image against an axis.
pub(crate) struct Measured {
    pub(crate) aupimo: Option<f64>,
    /// Recall at the points that are written down, if curves are.
    pub(crate) recalls: Vec<f64>,
    /// Anomalous pixels found at the lower and at the upper threshold.
    pub(crate) found: [u64; 2],
}

impl ThresholdAxis {
    pub(crate) fn new(kind: AxisKind, settings: &Settings, tail: &SettledTail) -> Self {
        let curves = settings.curves != CurvePoints::None;
        match kind {
            AxisKind::Exact(axis) => {
                let selected = axis.selected(settings.curves);
                let rows = axis.rows(tail, &selected);
                let thresholds = rows.iter().map(|row| row.threshold).collect();
                let rates = rows.iter().map(|row| row.shared_fpr).collect();
                let kind = AxisKind::Exact(axis);
                Self { kind, selected, thresholds, rates, spread: Some(rows), keys: Vec::new(), curves }
            }
            AxisKind::Published(axis) => {
                let selected = axis.selected(settings.curves);
                let thresholds = selected.iter().map(|&index| axis.grid().threshold(index)).collect();
                let rates = selected.iter().map(|&index| axis.rates()[index]).collect();
                let keys = axis.keys(if curves { &selected } else { &[] });
                let kind = AxisKind::Published(axis);
                Self { kind, selected, thresholds, rates, spread: None, keys, curves }
            }
        }
    }

    /// Keys against which anomalous images are counted, descending.
    pub(crate) fn keys(&self) -> &[u64] {
        match &self.kind {
            AxisKind::Exact(axis) => axis.keys(),
            AxisKind::Published(_) => &self.keys,
        }
    }

    /// The operating points at the upper and at the lower bound: the lower and the upper threshold.
    pub(crate) fn operating_points(&self) -> [OperatingPoint; 2] {
        match &self.kind {
            AxisKind::Exact(axis) => [axis.lower_threshold(), axis.upper_threshold()],
            AxisKind::Published(axis) => [axis.lower_threshold(), axis.upper_threshold()],
        }
    }

    /// Thresholds over which is integrated, in the published procedure.
    pub(crate) fn points(&self) -> Option<u64> {
        match &self.kind {
            AxisKind::Exact(_) => None,
            AxisKind::Published(axis) => Some(axis.points() as u64),
        }
    }

    /// An image with `anomalous_pixels`, of which those that reach the axis are `reached`.
    pub(crate) fn measure(&self, reached: &[Run], anomalous_pixels: u64) -> Measured {
        let selected: &[usize] = if self.curves { &self.selected } else { &[] };
        match &self.kind {
            AxisKind::Exact(axis) => {
                let curve = OverlapCurve::new(axis, reached, anomalous_pixels);
                Measured {
                    aupimo: curve.aupimo(),
                    recalls: curve.recalls(selected).collect(),
                    found: curve.found_at_thresholds(),
                }
            }
            AxisKind::Published(axis) => Measured {
                aupimo: Some(axis.aupimo(reached, anomalous_pixels)),
                recalls: axis.recalls(reached, anomalous_pixels, selected).collect(),
                found: axis.found_at_thresholds(reached),
            },
        }
    }

    /// By group: pixels at or above the lower and the upper threshold, where the tail reaches down to it.
    pub(crate) fn normal_counts(&self, tail: &SettledTail, groups: usize) -> Vec<[Option<u64>; 2]> {
        let thresholds = self.operating_points().map(|point| key_of_score(point.threshold));
        let kept = tail.entries().last().map_or(u64::MAX, |entry| entry.key);
        let everything: u64 = tail.groups().iter().map(|group| group.pixels * group.images).sum();
        let complete = tail.entries().iter().map(|entry| entry.count).sum::<u64>() == everything;
        let mut counts = vec![[0; 2]; groups];
        for entry in tail.entries() {
            for (count, threshold) in counts[entry.group as usize].iter_mut().zip(thresholds) {
                *count += if entry.key >= threshold { entry.count } else { 0 };
            }
        }
        let known = thresholds.map(|threshold| complete || kept <= threshold);
        let known_only = |counts: [u64; 2]| [0, 1].map(|i| known[i].then_some(counts[i]));
        counts.into_iter().map(known_only).collect()
    }

    /// What should be known about scores on this axis.
    pub(crate) fn warnings(&self, settings: &Settings) -> Vec<String> {
        match &self.kind {
            AxisKind::Exact(axis) if !axis.covers_bounds() => vec![uncovered(axis, settings)],
            AxisKind::Exact(axis) => few_pixels(axis.upper_threshold()).into_iter().collect(),
            AxisKind::Published(axis) => axis.warnings().iter().map(ToString::to_string).collect(),
        }
    }
}

/// Why AUPIMO is null, and what would help.
fn uncovered(axis: &SharedAxis, settings: &Settings) -> String {
    let smallest = axis.smallest_rate();
    let lower = round_up(smallest);
    let upper = (lower * 10.0).min(1.0);
    let works = if lower < upper {
        format!("--fpr-bounds {lower:e},{upper:e} would work, or evaluate more normal images")
    } else {
        "evaluate more normal images".to_owned()
    };
    format!(
        "AUPIMO is null: the {} pixels of the normal images reach no shared FPR below {smallest:.3e}, and the lower \
         bound is {}; {works}",
        axis.normal_pixels(),
        settings.bounds.lower(),
    )
}

/// The next number with one digit that is not below a rate.
fn round_up(rate: f64) -> f64 {
    let exponent = rate.log10().floor() as i32;
    let digit = (1..=10).find(|digit| format!("{digit}e{exponent}").parse::<f64>().is_ok_and(|value| value >= rate));
    digit.and_then(|digit| format!("{digit}e{exponent}").parse().ok()).unwrap_or(1.0)
}

fn few_pixels(upper: OperatingPoint) -> Option<String> {
    (upper.normal_pixels < FEW_PIXELS).then(|| {
        format!(
            "only {} normal pixels lie at or above the threshold of the lower bound, so AUPIMO hangs on single pixels: \
             evaluate more normal images, or raise --fpr-bounds",
            upper.normal_pixels
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggested_bounds_are_short_and_not_below_the_rate() {
        for (rate, rounded) in [(3.05e-5, 4e-5), (1e-5, 1e-5), (9.5e-3, 1e-2), (0.25, 0.3), (1.0, 1.0)] {
            assert_eq!(round_up(rate), rounded, "{rate}");
        }
    }
}
