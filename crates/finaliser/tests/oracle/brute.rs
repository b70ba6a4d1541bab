//! The exact procedure, straight from its definition: every distinct score of the normal images is a threshold, every
//! rate a fraction, and the area a sum over all pieces of the curve.

use num_bigint::BigUint;

use crate::fraction::Fraction;
use crate::input::Plain;

/// How the normal images' rates become one; the quantile as it was written.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Mean,
    Max,
    Quantile(String),
}

/// The normal images of a category.
pub(crate) struct Normals {
    /// Scores of each image, descending.
    images: Vec<Vec<f64>>,
    /// Distinct scores of all of them, descending.
    scores: Vec<f64>,
}

impl Normals {
    pub(crate) fn new(images: &[Plain]) -> Self {
        let images: Vec<Vec<f64>> = images.iter().map(|image| descending(image.scores.clone())).collect();
        let mut scores = descending(images.concat());
        scores.dedup();
        Self { images, scores }
    }

    /// Pixels of each image at or above a threshold.
    pub(crate) fn counts(&self, threshold: f64) -> Vec<u64> {
        self.images.iter().map(|scores| at_least(scores, threshold)).collect()
    }

    /// The `rank`-th smallest (from 1) of the images' rates at a threshold.
    pub(crate) fn ranked(&self, threshold: f64, rank: u64) -> Fraction {
        let counts = self.counts(threshold).into_iter().zip(&self.images);
        let mut rates: Vec<(u64, u64)> = counts.map(|(count, scores)| (count, scores.len() as u64)).collect();
        rates.sort_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1)));
        let (count, pixels) = rates[rank as usize - 1];
        Fraction::new(count, pixels)
    }

    /// The rank of the `ceil(q n)`-th smallest.
    pub(crate) fn rank(&self, quantile: &str) -> u64 {
        Fraction::of_text(quantile).ceil_of(self.images.len() as u64)
    }

    pub(crate) fn max(&self, threshold: f64) -> Fraction {
        self.ranked(threshold, self.images.len() as u64)
    }

    fn mean(&self, threshold: f64, common: &BigUint) -> Fraction {
        let shares = self.counts(threshold).into_iter().zip(&self.images);
        let sum: BigUint = shares.map(|(count, scores)| common / scores.len() as u64 * count).sum();
        Fraction::new(sum, common * self.images.len() as u64)
    }

    /// All thresholds at which the shared FPR is positive, with the rate, by descending threshold.
    pub(crate) fn shared(&self, kind: &Kind) -> Vec<(f64, Fraction)> {
        let mut sizes: Vec<u64> = self.images.iter().map(|scores| scores.len() as u64).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let common: BigUint = sizes.into_iter().product();
        let rate = |threshold: f64| match kind {
            Kind::Mean => self.mean(threshold, &common),
            Kind::Max => self.max(threshold),
            Kind::Quantile(quantile) => self.ranked(threshold, self.rank(quantile)),
        };
        let all = self.scores.iter().map(|&score| (score, rate(score)));
        all.filter(|(_, rate)| !rate.is_zero()).collect()
    }
}

/// The axis of a category with its bounds.
pub(crate) struct Axis {
    pub(crate) points: Vec<(f64, Fraction)>,
    pub(crate) lower_bound: Fraction,
    /// `ln F - ln L` at each threshold, and of the upper bound.
    places: Vec<f64>,
    pub(crate) length: f64,
}

impl Axis {
    pub(crate) fn new(points: Vec<(f64, Fraction)>, bounds: &[String; 2]) -> Self {
        let [lower, upper] = [0, 1].map(|i| Fraction::of_text(&bounds[i]));
        let mut places = Vec::new();
        // One threshold at or above the upper bound ends the axis.
        for (_, rate) in &points {
            places.push(rate.ln_over(&lower));
            if *rate >= upper {
                break;
            }
        }
        let length = upper.ln_over(&lower);
        Self { points, lower_bound: lower, places, length }
    }

    /// Whether the smallest rate lies at or below the lower bound; `None` where it lies above by less than doubles
    /// tell apart, because such a bound is a rate that was written down in decimals.
    pub(crate) fn covers(&self) -> Option<bool> {
        let covers = self.points[0].1 <= self.lower_bound;
        (covers || self.places[0] > 1e-14).then_some(covers)
    }

    /// Index of the highest threshold at which the upper bound is reached.
    pub(crate) fn lower_threshold(&self) -> usize {
        self.places.len() - 1
    }

    /// Index of the highest threshold at which the lower bound is reached.
    pub(crate) fn upper_threshold(&self) -> usize {
        self.points.iter().position(|(_, rate)| *rate >= self.lower_bound).unwrap()
    }

    /// The area under the curve of an image, over the length of the range.
    pub(crate) fn aupimo(&self, image: &Plain) -> f64 {
        let anomalous = descending(anomalous(image));
        let recall = |count: u64| count as f64 / anomalous.len() as f64;
        let mut area = 0.0;
        for piece in 1..self.places.len() {
            let (start, end) = (self.places[piece - 1], self.places[piece]);
            let (from, to) = (start.max(0.0), end.min(self.length));
            if self.points[piece - 1].1 == self.points[piece].1 || from >= to {
                continue;
            }
            let threshold = self.points[piece].0;
            let (before, after) = (recall(above(&anomalous, threshold)), recall(at_least(&anomalous, threshold)));
            let at = |place: f64| before + (after - before) * ((place - start) / (end - start));
            area += (to - from) * (at(from) + at(to)) / 2.0;
        }
        area / self.length
    }

    /// 0 or 1 where the score has to be that without rounding.
    pub(crate) fn certain(&self, image: &Plain) -> Option<f64> {
        let anomalous = anomalous(image);
        let [lower, upper] = [self.lower_threshold(), self.upper_threshold()].map(|index| self.points[index].0);
        if anomalous.iter().all(|&score| score < lower) {
            Some(0.0)
        } else {
            anomalous.iter().all(|&score| score > upper).then_some(1.0)
        }
    }
}

/// Scores of the anomalous pixels.
pub(crate) fn anomalous(image: &Plain) -> Vec<f64> {
    image.scores.iter().zip(&image.mask).filter_map(|(&score, &anomalous)| anomalous.then_some(score)).collect()
}

pub(crate) fn descending(mut scores: Vec<f64>) -> Vec<f64> {
    scores.sort_by(|a, b| b.partial_cmp(a).unwrap());
    scores
}

/// How many of descending scores are at or above a threshold.
pub(crate) fn at_least(descending: &[f64], threshold: f64) -> u64 {
    descending.partition_point(|&score| score >= threshold) as u64
}

/// How many of descending scores are above a threshold.
fn above(descending: &[f64], threshold: f64) -> u64 {
    descending.partition_point(|&score| score > threshold) as u64
}
