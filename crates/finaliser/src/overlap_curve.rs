//! The PIMO curve of one anomalous image, and the area under it.

use pimo_accumulator::Run;

use crate::SharedAxis;

/// How much of an image's anomalous pixels is found at each threshold of a shared axis.
///
/// Between two thresholds recall is linear in the logarithm of the shared FPR. AUPIMO is the mean over the anomalous
/// pixels of a weight that depends on the axis alone: the part of the integration range on which the pixel is found.
#[derive(Clone, Copy, Debug)]
pub struct OverlapCurve<'a> {
    axis: &'a SharedAxis,
    reached: &'a [Run],
    anomalous_pixels: u64,
}

impl<'a> OverlapCurve<'a> {
    /// The curve of an image with `anomalous_pixels` (at least one), of which those at or above the axis' last
    /// threshold are `reached`, largest score first.
    pub const fn new(axis: &'a SharedAxis, reached: &'a [Run], anomalous_pixels: u64) -> Self {
        Self { axis, reached, anomalous_pixels }
    }

    /// AUPIMO, from 0 to 1; `None` where the axis does not cover the bounds.
    pub fn aupimo(&self) -> Option<f64> {
        if !self.axis.covers_bounds() {
            return None;
        }
        let weights = Weights::new(self.axis);
        let mut place = 0;
        let mut sum = 0.0;
        for run in self.reached {
            place += first_not_above(&self.axis.keys()[place..], run.key);
            let Some(&threshold) = self.axis.keys().get(place) else { break };
            let weight = if threshold == run.key { weights.at(place) } else { weights.above(place) };
            sum += weight * run.count as f64;
        }
        Some((sum / self.anomalous_pixels as f64).clamp(0.0, 1.0))
    }

    /// Recall at the thresholds with these indices, ascending.
    pub fn recalls(&self, selected: &[usize]) -> impl Iterator<Item = f64> {
        let keys = selected.iter().map(|&index| self.axis.keys()[index]);
        found_at(self.reached, keys).map(|found| found as f64 / self.anomalous_pixels as f64)
    }

    /// Anomalous pixels found at the lower and at the upper threshold.
    pub fn found_at_thresholds(&self) -> [u64; 2] {
        [self.axis.lower_threshold(), self.axis.upper_threshold()].map(|point| {
            let threshold = pimo_accumulator::key_of_score(point.threshold);
            found_at(self.reached, std::iter::once(threshold)).sum()
        })
    }
}

/// How many pixels reach each of descending thresholds.
pub(crate) fn found_at(reached: &[Run], thresholds: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    let mut runs = reached.iter().peekable();
    let mut found = 0;
    thresholds.map(move |threshold| {
        while let Some(run) = runs.next_if(|run| run.key >= threshold) {
            found += run.count;
        }
        found
    })
}

/// Index of the first of descending keys that is not above `key`, looked for from the front in growing steps, because
/// an image's scores often lie close together on the axis.
fn first_not_above(keys: &[u64], key: u64) -> usize {
    let mut step = 1;
    while step < keys.len() && keys[step] > key {
        step *= 2;
    }
    let from = step / 2;
    let to = (step + 1).min(keys.len());
    from + keys[from..to].partition_point(|&threshold| threshold > key)
}

/// What part of the integration range finds a pixel, by the pixel's score.
struct Weights<'a> {
    log_rates: &'a [f64],
    /// Thresholds before this one have rates below the lower bound, however rates and logarithms were rounded.
    upper_threshold: usize,
    log_lower: f64,
    log_upper: f64,
}

impl<'a> Weights<'a> {
    fn new(axis: &'a SharedAxis) -> Self {
        let bounds = axis.bounds();
        Self {
            log_rates: axis.log_rates(),
            upper_threshold: axis.upper_threshold_index(),
            log_lower: libm::log(bounds.lower().value()),
            log_upper: libm::log(bounds.upper().value()),
        }
    }

    /// Of a score between thresholds `place - 1` and `place`: found from the rate of the former on.
    fn above(&self, place: usize) -> f64 {
        if place <= self.upper_threshold {
            return 1.0;
        }
        let from = self.log_rates[place - 1];
        (self.log_upper - from.clamp(self.log_lower, self.log_upper)) / (self.log_upper - self.log_lower)
    }

    /// Of the score of threshold `place` itself: found along a ramp from the rate before to its own, then wholly.
    fn at(&self, place: usize) -> f64 {
        let end = self.log_rates[place];
        // The first rate does not lie above the lower bound: the axis covers the bounds.
        if place == 0 || place < self.upper_threshold || end <= self.log_lower {
            return 1.0;
        }
        ramp(self.log_rates[place - 1], end, [self.log_lower, self.log_upper])
    }
}

/// What part of the range between two logarithms finds a pixel that is found along a ramp from rate to rate: its ends,
/// as logarithms.
pub(crate) fn ramp(start: f64, end: f64, [log_lower, log_upper]: [f64; 2]) -> f64 {
    let (first, last) = (start.max(log_lower), end.min(log_upper));
    let ramp =
        if last > first { (last - first) * ((last - start) + (first - start)) / (2.0 * (end - start)) } else { 0.0 };
    (ramp + (log_upper - last.max(log_lower))) / (log_upper - log_lower)
}
