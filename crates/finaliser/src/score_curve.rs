//! Anomalous and normal counts from the highest score down: what all dataset-level metrics are taken from.

use std::collections::BTreeMap;

use pimo_accumulator::ScoreBin;

use crate::step::{Above, Step, Totals};

/// Pixels, images or samples by score, from the highest score to the lowest.
///
/// The metrics are methods in the modules that define them. Each is `None` where it has no meaning: there is no
/// positive, no negative, or no region.
///
/// ```
/// use pimo_finaliser::ScoreCurve;
/// let curve = ScoreCurve::of_labelled([(0.9, true), (0.8, false), (0.8, true), (0.1, false)]);
/// assert_eq!(curve.auroc().unwrap().value(), 0.875);
/// assert_eq!(curve.f1_max().unwrap().threshold.value(), 0.8);
/// assert_eq!(ScoreCurve::of_labelled([(0.9, true)]).auroc(), None);
/// ```
#[derive(Clone, Debug)]
pub struct ScoreCurve {
    pub(crate) bins: Vec<ScoreBin>,
    pub(crate) totals: Totals,
}

/// Counts that cannot be those of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurveError {
    /// Sums of products would overflow.
    #[error("there are 2^61 pixels or more; split the category")]
    TooManyPixels,
    /// The bins are not disjoint or not in descending order.
    #[error("the bins of scores are not in descending order")]
    NotDescending,
    /// The bins do not hold as many pixels as were counted.
    #[error("the bins of scores do not hold as many pixels as were counted")]
    OtherTotals,
}

impl ScoreCurve {
    /// From the bins of a histogram and the number of connected regions that its anomalous pixels belong to.
    ///
    /// # Errors
    /// More pixels than can be, or bins that are not in descending order.
    pub fn new(bins: Vec<ScoreBin>, regions: u64) -> Result<Self, CurveError> {
        let (mut positives, mut negatives) = (0_u64, 0_u64);
        for bin in &bins {
            positives = positives.checked_add(bin.positives).ok_or(CurveError::TooManyPixels)?;
            negatives = negatives.checked_add(bin.negatives).ok_or(CurveError::TooManyPixels)?;
        }
        let totals = Totals::new(positives, negatives, regions)?;
        let ordered = bins.iter().all(|bin| bin.low <= bin.high) && bins.is_sorted_by(|a, b| a.low > b.high);
        if ordered { Ok(Self { bins, totals }) } else { Err(CurveError::NotDescending) }
    }

    /// From scores and whether each belongs to a positive; exact. Scores that are NaN are left out.
    pub fn of_labelled(scores: impl IntoIterator<Item = (f64, bool)>) -> Self {
        // Adding zero makes -0.0 the same score as +0.0.
        let mut scores: Vec<(f64, bool)> =
            scores.into_iter().filter(|item| !item.0.is_nan()).map(|(score, label)| (score + 0.0, label)).collect();
        scores.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let bins: Vec<ScoreBin> = scores
            .chunk_by(|a, b| a.0 == b.0)
            .map(|tied| {
                let positives = tied.iter().filter(|item| item.1).count() as u64;
                let negatives = tied.len() as u64 - positives;
                ScoreBin { positives, negatives, weight: 0, low: tied[0].0, high: tied[0].0 }
            })
            .collect();
        let positives = scores.iter().filter(|item| item.1).count() as u64;
        let totals = Totals { positives, negatives: scores.len() as u64 - positives, regions: 0 };
        Self { bins, totals }
    }

    /// From images with a group each: a sample's score is the largest of its images', and it is positive if any is.
    pub fn of_samples<G: Ord>(images: impl IntoIterator<Item = (G, f64, bool)>) -> Self {
        let mut samples: BTreeMap<G, (f64, bool)> = BTreeMap::new();
        for (group, score, label) in images {
            let sample = samples.entry(group).or_insert((score, label));
            *sample = (sample.0.max(score), sample.1 || label);
        }
        Self::of_labelled(samples.into_values())
    }

    /// Positives and negatives in all.
    pub const fn totals(&self) -> (u64, u64) {
        (self.totals.positives, self.totals.negatives)
    }

    /// The bins with the counts above each.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        self.bins.iter().scan(Above::default(), |above, bin| {
            let step = above.step(bin);
            above.pass(bin);
            Some(step)
        })
    }

    /// The bins with positives, with the counts above each.
    pub(crate) fn rises(&self) -> impl Iterator<Item = Step<'_>> {
        self.steps().filter(|step| step.bin.positives > 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn bin(low: f64, high: f64, positives: u64) -> ScoreBin {
        ScoreBin { positives, negatives: 1, weight: 0, low, high }
    }

    #[test]
    fn bins_have_to_be_in_order() {
        assert!(ScoreCurve::new(vec![bin(2.0, 3.0, 1), bin(1.0, 1.5, 1)], 0).is_ok());
        let overlapping = ScoreCurve::new(vec![bin(2.0, 3.0, 1), bin(1.0, 2.0, 1)], 0);
        assert_eq!(overlapping.unwrap_err(), CurveError::NotDescending);
        let many = ScoreCurve::new(vec![bin(2.0, 2.0, u64::MAX), bin(1.0, 1.0, 1)], 0);
        assert_eq!(many.unwrap_err(), CurveError::TooManyPixels);
    }

    #[test]
    fn a_sample_has_the_largest_score_of_its_images() {
        let images = [("b", 0.2, false), ("a", 0.9, false), ("a", 0.1, true), ("b", 0.3, false), ("c", -0.0, false)];
        let curve = ScoreCurve::of_samples(images);
        assert_eq!(curve.totals(), (1, 2));
        assert_eq!(curve.auroc().unwrap().value(), 1.0);
        assert_eq!(curve.f1_max().unwrap().threshold.value(), 0.9);
    }

    #[test]
    fn counts_beyond_32_bits_and_products_beyond_64() {
        let n = 1_u64 << 60;
        let bins = [2.0, 1.0].map(|score| ScoreBin { negatives: n / 2, ..bin(score, score, n / 2) });
        let curve = ScoreCurve::new(bins.to_vec(), 0).unwrap();
        assert_eq!(curve.auroc().unwrap(), crate::Interval::point(0.5));
        assert_eq!(curve.average_precision().unwrap(), crate::Interval::point(0.5));
        assert_eq!(curve.f1_max().unwrap().value, crate::Interval::ratio(2, 3));
    }

    #[test]
    fn one_class_alone_has_no_curve() {
        let negatives = ScoreCurve::of_labelled([(1.0, false)]);
        assert!(negatives.auroc().is_none() && negatives.average_precision().is_none() && negatives.f1_max().is_none());
        assert!(negatives.aupro(0.3).is_none() && negatives.fpr95().is_none() && negatives.iou_max().is_none());
        let positives = ScoreCurve::of_labelled([(1.0, true)]);
        assert!(positives.auroc().is_none() && positives.fpr95().is_none());
        assert_eq!(positives.average_precision().unwrap().value(), 1.0);
        let rates = negatives.at(2.0);
        assert!(rates.precision.is_none() && rates.recall.is_none());
        assert_eq!(rates.fpr.unwrap().value(), 0.0);
    }
}
