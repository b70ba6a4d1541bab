//! The shared axis of one detector in one category, exact or published.

use pimo_accumulator::{Depth, Run, SettledTail, key_of_score};
use pimo_finaliser::{AxisRow, CurvePoints, Interval, OperatingPoint, OverlapCurve, RatePoint, SharedAxis, SharedFpr};

use crate::Settings;
use crate::normal::{self, AxisKind};

/// Where fewer normal pixels than these lie at or above the upper threshold, AUPIMO depends on single pixels, and a run
/// warns of it.
pub const FEW_PIXELS: u64 = 100;

/// A shared axis and what is written down of it.
pub(crate) struct ThresholdAxis {
    kind: AxisKind,
    /// Points of the axis that are written down, by descending threshold.
    selected: Vec<usize>,
    /// The same as columns.
    pub(crate) thresholds: Vec<f64>,
    pub(crate) rates: Vec<f64>,
    /// Spread of the normal images' rates at these points, as far as it is known.
    pub(crate) spread: Option<Vec<AxisRow>>,
    /// Keys against which anomalous images are counted, descending.
    keys: Vec<u64>,
    curves: bool,
}

/// An image against an axis.
pub(crate) struct Measured {
    pub(crate) aupimo: Option<Interval>,
    /// Recall at the points that are written down, if curves are.
    pub(crate) recalls: Vec<f64>,
    /// Anomalous pixels found at the lower and at the upper threshold.
    pub(crate) found: [u64; 2],
}

impl ThresholdAxis {
    /// `above` are points of the exact axis above the upper bound, by falling threshold.
    pub(crate) fn new(kind: AxisKind, settings: &Settings, tail: &SettledTail, above: &[RatePoint]) -> Self {
        let curves = settings.curves != CurvePoints::None;
        match kind {
            AxisKind::Exact(axis) => {
                let selected = axis.selected(settings.curves, last_rate(settings));
                let rows = axis.rows(tail, &selected);
                let mut thresholds: Vec<f64> = rows.iter().map(|row| row.threshold).collect();
                let mut rates: Vec<f64> = rows.iter().map(|row| row.shared_fpr).collect();
                thresholds.extend(above.iter().map(|point| point.threshold));
                rates.extend(above.iter().map(|point| point.shared_fpr));
                // A tail that ends in each image at its own depth does not know the worse images' rates.
                let spread = (!ends_in_each_image(settings)).then_some(rows);
                let kind = AxisKind::Exact(axis);
                Self { kind, selected, thresholds, rates, spread, keys: Vec::new(), curves }
            }
            AxisKind::Binned(axis) => {
                let levels = axis.levels(settings.curves, last_rate(settings));
                let (mut thresholds, mut rates): (Vec<f64>, Vec<f64>) = axis.points(&levels).into_iter().unzip();
                thresholds.extend(above.iter().map(|point| point.threshold));
                rates.extend(above.iter().map(|point| point.shared_fpr));
                let selected = (0..thresholds.len() - above.len()).collect();
                let kind = AxisKind::Binned(axis);
                Self { kind, selected, thresholds, rates, spread: None, keys: Vec::new(), curves }
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

    /// How the shared FPR goes on above the upper bound: one point for each level of it at which curves want one.
    /// Only an exact axis that is a mean ends there and can go on.
    pub(crate) fn levels_above(kind: &AxisKind, settings: &Settings) -> Vec<f64> {
        let last = last_rate(settings);
        let (mut levels, end) = match kind {
            AxisKind::Exact(axis) => (axis.levels(settings.curves, last), axis.rates().last().copied().unwrap_or(1.0)),
            AxisKind::Binned(axis) => (axis.levels(settings.curves, last), axis.largest_rate()),
            AxisKind::Published(_) => return Vec::new(),
        };
        levels.retain(|&level| level > end);
        levels
    }

    /// The highest threshold at which the shared FPR reaches a level, if the axis goes so far and knows.
    pub(crate) fn threshold_reaching(&self, level: f64) -> Option<f64> {
        match &self.kind {
            AxisKind::Exact(axis) => {
                let points = [axis.upper_threshold(), axis.lower_threshold()];
                let bounds = [axis.bounds().lower().value(), axis.bounds().upper().value()];
                let known = points.iter().zip(bounds).find(|(_, bound)| *bound == level);
                known.map(|(point, _)| point.threshold).or_else(|| axis.threshold_reaching(level))
            }
            // Its bins may be put together; those of the histogram tell more.
            AxisKind::Binned(_) | AxisKind::Published(_) => None,
        }
    }

    /// Keys against which anomalous images are counted, descending.
    pub(crate) fn keys(&self) -> &[u64] {
        match &self.kind {
            AxisKind::Exact(axis) => axis.keys(),
            AxisKind::Binned(axis) => axis.keys(),
            AxisKind::Published(_) => &self.keys,
        }
    }

    /// The operating points at the upper and at the lower bound: the lower and the upper threshold.
    pub(crate) fn operating_points(&self) -> [OperatingPoint; 2] {
        match &self.kind {
            AxisKind::Exact(axis) => [axis.lower_threshold(), axis.upper_threshold()],
            AxisKind::Binned(axis) => [axis.lower_threshold(), axis.upper_threshold()],
            AxisKind::Published(axis) => [axis.lower_threshold(), axis.upper_threshold()],
        }
    }

    /// Thresholds over which is integrated, in the published procedure.
    pub(crate) fn points(&self) -> Option<u64> {
        match &self.kind {
            AxisKind::Exact(_) | AxisKind::Binned(_) => None,
            AxisKind::Published(axis) => Some(axis.points() as u64),
        }
    }

    /// An image with `anomalous_pixels`, of which those that reach the axis are `reached`.
    pub(crate) fn measure(&self, reached: &[Run], anomalous_pixels: u64) -> Measured {
        let recalls = if self.curves { self.recalls(reached, anomalous_pixels) } else { Vec::new() };
        Measured { recalls, ..self.measure_region(reached, anomalous_pixels) }
    }

    /// A region of `area` pixels, of which those that reach the axis are `reached`; regions have no curves.
    pub(crate) fn measure_region(&self, reached: &[Run], area: u64) -> Measured {
        let recalls = Vec::new();
        match &self.kind {
            AxisKind::Exact(axis) => {
                let curve = OverlapCurve::new(axis, reached, area);
                let aupimo = curve.aupimo().map(Interval::point);
                Measured { aupimo, recalls, found: curve.found_at_thresholds() }
            }
            AxisKind::Binned(axis) => {
                let aupimo = axis.aupimo(reached, area);
                Measured { aupimo, recalls, found: axis.found_at_thresholds(reached) }
            }
            AxisKind::Published(axis) => {
                let aupimo = Some(Interval::point(axis.aupimo(reached, area)));
                Measured { aupimo, recalls, found: axis.found_at_thresholds(reached) }
            }
        }
    }

    /// Recall at the points that are written down, as far as the axis goes.
    fn recalls(&self, reached: &[Run], anomalous_pixels: u64) -> Vec<f64> {
        match &self.kind {
            AxisKind::Exact(axis) => {
                OverlapCurve::new(axis, reached, anomalous_pixels).recalls(&self.selected).collect()
            }
            AxisKind::Binned(axis) => axis.recalls(reached, anomalous_pixels, &self.thresholds[..self.selected.len()]),
            AxisKind::Published(axis) => axis.recalls(reached, anomalous_pixels, &self.selected).collect(),
        }
    }

    /// By group: pixels at or above the lower and the upper threshold, where what was kept reaches down to it.
    pub(crate) fn normal_counts(
        &self,
        tail: &SettledTail,
        groups: usize,
        settings: &Settings,
    ) -> Vec<[Option<u64>; 2]> {
        let thresholds = self.operating_points().map(|point| key_of_score(point.threshold));
        let kept = Kept::of(tail, groups, ends_in_each_image(settings));
        let mut counts = tail.counts_reaching(thresholds);
        // Images that were left out at the end have no group.
        counts.resize(groups, [0; 2]);
        let known = |(group, counts): (usize, [u64; 2])| {
            [0, 1].map(|i| kept.reaches(group, thresholds[i]).then_some(counts[i]))
        };
        counts.into_iter().enumerate().map(known).collect()
    }

    /// What should be known about scores on this axis.
    pub(crate) fn warnings(&self, settings: &Settings) -> Vec<String> {
        match &self.kind {
            AxisKind::Exact(axis) if !axis.covers_bounds() => vec![uncovered(axis, settings)],
            AxisKind::Exact(_) if ends_in_each_image(settings) => Vec::new(),
            AxisKind::Exact(axis) => few_pixels(axis.upper_threshold()).into_iter().collect(),
            AxisKind::Binned(axis) if !axis.covers_bounds() => vec![format!(
                "AUPIMO is null: of the normal images no shared FPR below {:.3e} is known, and the lower bound is {}; \
                 give more --memory, or use other --fpr-bounds",
                axis.smallest_rate(),
                settings.bounds.lower(),
            )],
            AxisKind::Binned(_) => vec![
                "AUPIMO is an interval, because the largest scores of the normal images do not fit the memory: \
                 `pimo inspect` tells the --memory that makes it exact"
                    .to_owned(),
            ],
            AxisKind::Published(axis) => axis.warnings().iter().map(ToString::to_string).collect(),
        }
    }
}

/// The largest shared FPR of curves.
fn last_rate(settings: &Settings) -> f64 {
    if settings.metrics.counts_all_pixels() && settings.shared_fpr == SharedFpr::Mean {
        1.0
    } else {
        settings.bounds.upper().value()
    }
}

/// Whether what is kept of the normal images ends in each of them at its own depth.
fn ends_in_each_image(settings: &Settings) -> bool {
    matches!(normal::depth(settings, 0, false), Depth::EachImage { .. })
}

/// How far down each group was kept.
enum Kept {
    /// All groups down to the same key.
    Together(u64),
    /// Each down to its own.
    Each(Vec<u64>),
}

impl Kept {
    fn of(tail: &SettledTail, groups: usize, each: bool) -> Self {
        let mut lowest = vec![u64::MAX; groups];
        let mut left: Vec<u64> = tail.groups().iter().map(|group| group.pixels * group.images).collect();
        for entry in tail.entries() {
            lowest[entry.group as usize] = entry.key;
            left[entry.group as usize] -= entry.count;
        }
        if each {
            for (lowest, _) in lowest.iter_mut().zip(left).filter(|(_, left)| *left == 0) {
                *lowest = 0;
            }
            return Self::Each(lowest);
        }
        let everything = left.iter().all(|&left| left == 0);
        Self::Together(if everything { 0 } else { tail.entries().last().map_or(u64::MAX, |entry| entry.key) })
    }

    fn reaches(&self, group: usize, key: u64) -> bool {
        match self {
            Self::Together(lowest) => *lowest <= key,
            Self::Each(lowest) => lowest[group] <= key,
        }
    }
}

/// Why AUPIMO is null, and what would help.
fn uncovered(axis: &SharedAxis, settings: &Settings) -> String {
    let smallest = axis.smallest_rate();
    let lower = round_up(smallest);
    let upper = (lower * 10.0).min(1.0);
    let works = if lower < upper {
        format!("--fpr-bounds {lower:.0e},{upper:.0e} would work, or evaluate more normal images")
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
            "only {} normal pixels lie at or above the threshold of the lower bound, so AUPIMO depends on single pixels: \
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
