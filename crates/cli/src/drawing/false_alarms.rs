//! Which normal images have most false positives.

use std::cmp::Ordering;

/// How much of a normal image is wrongly called anomalous, to order images by.
///
/// The FPR at the lower threshold decides; where it is not known or equal, the score of the whole image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FalseAlarms([f64; 2]);

impl FalseAlarms {
    pub(crate) fn new(fpr_at_lower_threshold: Option<f64>, image_score: Option<f64>) -> Self {
        Self([fpr_at_lower_threshold, image_score].map(|value| value.unwrap_or(f64::NEG_INFINITY)))
    }
}

impl Ord for FalseAlarms {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0[0].total_cmp(&other.0[0]).then(self.0[1].total_cmp(&other.0[1]))
    }
}

impl PartialOrd for FalseAlarms {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for FalseAlarms {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for FalseAlarms {}
