//! The second sweep: anomalous images are counted against the shared axis.

use pimo_accumulator::{BadScore, OverlapCounter, OverlapThresholds};
use pimo_frame::Frame;

use crate::Settings;
use crate::axis::Measured;
use crate::normal::NormalSide;
use crate::sweep::Count;

/// Measures anomalous images.
pub(crate) struct AnomalousCounter<'a> {
    counter: OverlapCounter,
    /// By index of the detector.
    sides: &'a [Option<NormalSide>],
}

/// What an anomalous image says.
pub(crate) struct AnomalousSeen {
    pub(crate) image_score: f64,
    pub(crate) anomalous_pixels: u64,
    pub(crate) measured: Measured,
    /// Pixels, anomalous or not, at or above the lower and the upper threshold.
    pub(crate) predicted: [u64; 2],
}

impl<'a> AnomalousCounter<'a> {
    /// `sides` by index of the detector.
    pub(crate) fn new(settings: &Settings, sides: &'a [Option<NormalSide>]) -> Self {
        Self { counter: OverlapCounter::new(settings.image_score), sides }
    }
}

impl Count for AnomalousCounter<'_> {
    type Seen = AnomalousSeen;

    fn count(&mut self, _position: usize, model: usize, frame: &Frame) -> Result<AnomalousSeen, BadScore> {
        let side = self.sides[model].as_ref().expect("a detector without an axis is not swept");
        let predicted = side.axis.operating_points().map(|point| Some(point.threshold));
        let counts = self.counter.count(frame, OverlapThresholds { axis: side.axis.keys(), predicted })?;
        Ok(AnomalousSeen {
            image_score: counts.image_score,
            anomalous_pixels: counts.anomalous_pixels,
            measured: side.axis.measure(counts.reached, counts.anomalous_pixels),
            predicted: counts.predicted,
        })
    }
}
