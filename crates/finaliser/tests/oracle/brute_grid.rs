//! The published procedure in the operations of numpy, one after the other.

use pimo_frame::SampleType;

use crate::brute::{anomalous, at_least, descending};
use crate::fixture::half;
use crate::input::Plain;

/// Why the published package raises.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Raised {
    TooFewThresholds,
    EmptyRange,
    NotIncreasing,
    BoundOutOfRange(&'static str),
    SameThreshold,
    TooFewPoints(usize),
}

/// What the published package warns of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Warned {
    NotAchieved(&'static str, f64),
    FewPoints(usize),
    Forced(usize),
}

/// Thresholds and shared FPR of the normal images.
#[derive(Debug)]
pub(crate) struct GridCurve {
    pub(crate) thresholds: Vec<f64>,
    pub(crate) shared_fpr: Vec<f64>,
}

/// The part of the axis over which is integrated.
#[derive(Debug)]
pub(crate) struct Slice {
    /// Index of the threshold at the upper and at the lower bound.
    pub(crate) at_upper: usize,
    pub(crate) at_lower: usize,
    pub(crate) warned: Vec<Warned>,
    bounds: [f64; 2],
}

/// `numpy.linspace(low, high, count)` in double precision.
fn linspace(low: f64, high: f64, count: usize) -> Vec<f64> {
    let (delta, parts) = (high - low, (count - 1) as f64);
    let step = delta / parts;
    let along = |k: usize| if step == 0.0 { k as f64 / parts * delta } else { k as f64 * step };
    let mut points: Vec<f64> = (0..count).map(|k| along(k) + low).collect();
    points[count - 1] = high;
    points
}

/// The half-precision number nearest to a value, of two the one with an even fraction.
pub(crate) fn nearest_half(value: f64) -> f64 {
    // Ascending positive halves up to the largest finite one.
    let (mut low, mut high) = (0_u16, 0x7bff);
    let magnitude = value.abs();
    if magnitude >= half(high) {
        return half(high).copysign(value);
    }
    while high - low > 1 {
        let middle = low.midpoint(high);
        if half(middle) <= magnitude {
            low = middle;
        } else {
            high = middle;
        }
    }
    let (below, above) = (magnitude - half(low), half(high) - magnitude);
    let nearest = if below < above || (below == above && low % 2 == 0) { low } else { high };
    half(nearest).copysign(value)
}

/// A double as a value of the maps' type.
fn cast(value: f64, sample_type: SampleType) -> f64 {
    match sample_type {
        SampleType::F16 => nearest_half(value),
        SampleType::F32 => f64::from(value as f32),
        _ => value,
    }
}

impl GridCurve {
    pub(crate) fn new(normal: &[Plain], count: usize, sample_type: SampleType) -> Result<Self, Raised> {
        if count < 2 {
            return Err(Raised::TooFewThresholds);
        }
        let images: Vec<Vec<f64>> = normal.iter().map(|image| descending(image.scores.clone())).collect();
        let high = images.iter().map(|scores| scores[0]).fold(f64::NEG_INFINITY, f64::max);
        let low = images.iter().map(|scores| scores[scores.len() - 1]).fold(f64::INFINITY, f64::min);
        if low >= high {
            return Err(Raised::EmptyRange);
        }
        let thresholds: Vec<f64> =
            linspace(low, high, count).into_iter().map(|threshold| cast(threshold, sample_type)).collect();
        if !thresholds.is_sorted_by(|a, b| a < b) {
            return Err(Raised::NotIncreasing);
        }
        let rate = |threshold: f64| {
            let rates = images.iter().map(|scores| at_least(scores, threshold) as f64 / scores.len() as f64);
            rates.fold(0.0, |sum, rate| sum + rate) / images.len() as f64
        };
        let shared_fpr = thresholds.iter().map(|&threshold| rate(threshold)).collect();
        Ok(Self { thresholds, shared_fpr })
    }

    /// Finds the thresholds of the bounds.
    pub(crate) fn slice(&self, [lower, upper]: [f64; 2], force: bool) -> Result<Slice, Raised> {
        let at_lower = self.nearest(lower).ok_or(Raised::BoundOutOfRange("lower"))?;
        let at_upper = self.nearest(upper).ok_or(Raised::BoundOutOfRange("upper"))?;
        let mut warned = Vec::new();
        for (name, bound, at) in [("lower", lower, at_lower), ("upper", upper, at_upper)] {
            let reached = self.shared_fpr[at];
            // numpy.isclose with its own absolute tolerance.
            if (reached - bound).abs() > 1e-8 + 1e-2 * bound.abs() {
                warned.push(Warned::NotAchieved(name, reached));
            }
        }
        if at_upper >= at_lower {
            return Err(Raised::SameThreshold);
        }
        let points = at_lower - at_upper + 1;
        match points {
            ..=30 if !force => return Err(Raised::TooFewPoints(points)),
            ..=30 => warned.push(Warned::Forced(points)),
            31..300 => warned.push(Warned::FewPoints(points)),
            300.. => {}
        }
        Ok(Slice { at_upper, at_lower, warned, bounds: [lower, upper] })
    }

    /// `argmin |F - level|`, the first of several; at level 1 the last threshold that all pixels reach.
    fn nearest(&self, level: f64) -> Option<usize> {
        let (largest, smallest) = (self.shared_fpr[0], self.shared_fpr[self.shared_fpr.len() - 1]);
        if !(smallest..=largest).contains(&level) {
            return None;
        }
        if level == 1.0 {
            return self.shared_fpr.iter().rposition(|&rate| rate == 1.0);
        }
        let distances: Vec<f64> = self.shared_fpr.iter().map(|rate| (rate - level).abs()).collect();
        let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
        distances.iter().position(|&distance| distance == least)
    }

    /// Recall of an image at every threshold.
    pub(crate) fn recalls(&self, image: &Plain) -> Vec<f64> {
        let scores = descending(anomalous(image));
        self.thresholds.iter().map(|&threshold| at_least(&scores, threshold) as f64 / scores.len() as f64).collect()
    }

    /// The trapezoid over ln F, divided by the nominal range and clipped.
    pub(crate) fn aupimo(&self, slice: &Slice, image: &Plain) -> f64 {
        let recalls = self.recalls(image);
        let points: Vec<(f64, f64)> = (slice.at_upper..=slice.at_lower)
            .rev()
            .map(|k| (self.shared_fpr[k].ln(), recalls[k]))
            .filter(|(place, _)| place.is_finite())
            .collect();
        let area: f64 = points.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[1].1 + pair[0].1) / 2.0).sum();
        let [lower, upper] = slice.bounds;
        (area / (upper / lower).ln()).clamp(0.0, 1.0)
    }
}
