//! How a prediction overlaps the mask of an image.

/// How a prediction overlaps the mask of an image.
pub(super) struct OverlapRates {
    pub(super) recall: f64,
    /// Undefined where nothing is predicted.
    pub(super) precision: Option<f64>,
    pub(super) iou: f64,
}

impl OverlapRates {
    pub(super) fn new(found: u64, predicted: u64, anomalous: u64) -> Self {
        let union = anomalous + predicted - found;
        Self {
            recall: found as f64 / anomalous as f64,
            precision: (predicted > 0).then(|| found as f64 / predicted as f64),
            iou: found as f64 / union as f64,
        }
    }
}
