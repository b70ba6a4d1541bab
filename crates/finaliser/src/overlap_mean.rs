//! Means over images of intersection over union.

use pimo_accumulator::{BestIou, IOU_BITS, SharedIou};

use crate::best_threshold::BestThreshold;
use crate::interval::Interval;

/// Mean over the anomalous images of the best intersection over union of each, summed up image after image.
///
/// Sums are integers, so the order of the images does not matter.
///
/// ```
/// use pimo_accumulator::BestIou;
/// use pimo_finaliser::BestIouMean;
///
/// let mut mean = BestIouMean::default();
/// mean.add(&BestIou { intersection: 1, union: 2, threshold: 0.5 });
/// mean.add(&BestIou { intersection: 1, union: 1, threshold: 0.5 });
/// assert_eq!(mean.value().unwrap().value(), 0.75);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BestIouMean {
    /// Sums with [`IOU_BITS`] fractional bits, each image rounded down and up.
    low: u128,
    high: u128,
    images: u64,
}

impl BestIouMean {
    /// Adds an image.
    pub fn add(&mut self, image: &BestIou) {
        let scaled = u128::from(image.intersection) << IOU_BITS;
        self.low += scaled / u128::from(image.union);
        self.high += scaled.div_ceil(u128::from(image.union));
        self.images += 1;
    }

    /// The mean; `None` without an image.
    pub fn value(&self) -> Option<Interval> {
        let all = u128::from(self.images) << IOU_BITS;
        (self.images > 0).then(|| Interval::ratios((self.low, all), (self.high, all)).in_unit())
    }
}

/// The largest mean intersection over union that one threshold for all anomalous images reaches. `None` without such
/// an image or with an empty grid.
///
/// Reached on the grid is the lower end; no threshold whatever exceeds the upper end. The threshold's interval spans
/// the steps of the grid that may hold the maximum, and is unbounded where that may lie above or below the grid.
pub fn iou_shared_max(shared: &SharedIou) -> Option<BestThreshold> {
    let images = u128::from(shared.images());
    let best = shared.steps().filter(|step| step.threshold.is_some()).map(|step| step.at).max()?;
    if images == 0 {
        return None;
    }
    let (mut low, mut high, mut most) = (f64::INFINITY, f64::NEG_INFINITY, best);
    let mut above = f64::INFINITY;
    for step in shared.steps() {
        let below = step.threshold.unwrap_or(f64::NEG_INFINITY);
        if step.within >= best {
            // Each image was rounded up by less than one unit.
            most = most.max(step.within);
            low = low.min(below);
            high = high.max(above);
        }
        above = below;
    }
    let all = images << IOU_BITS;
    let value = Interval::ratios((best, all), (most, all)).in_unit();
    Some(BestThreshold { value, threshold: Interval::new(low, high) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use pimo_accumulator::{Connectivity, GridCells, HighPixels, Regions};
    use pimo_frame::{Frame, Mask, RowScratch, Scores, Size};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_threshold_reaches_more_than_the_upper_end(
            images in proptest::collection::vec(proptest::collection::vec((0_u8..30, any::<bool>()), 12), 1..5),
            grid in proptest::collection::btree_set(0_u8..30, 1..10),
        ) {
            let size = Size::new(4, 3);
            let grid: Vec<f64> = grid.into_iter().rev().map(f64::from).collect();
            let mut shared = SharedIou::new(&grid);
            let (mut cells, mut high) = (GridCells::new(&grid, grid.len()), HighPixels::default());
            for image in &images {
                let mask = Arc::new(Mask::from_fn(size, |y, x| image[y * 3 + x].1));
                let regions = Regions::of(&mask, Connectivity::Eight);
                let anomalous = mask.anomalous_pixels();
                let scores = image.iter().map(|pixel| f32::from(pixel.0)).collect();
                let frame = Frame::new(size, size, Scores::from_f32(scores), Some(mask)).unwrap();
                let counts = cells.count(&frame, &regions, &mut high, &mut RowScratch::default());
                shared.add(counts, anomalous);
            }
            let anomalous: Vec<_> = images.iter().filter(|image| image.iter().any(|pixel| pixel.1)).collect();
            let mean = |threshold: u8| {
                let iou = |image: &&Vec<(u8, bool)>| {
                    let union = image.iter().filter(|pixel| pixel.0 >= threshold || pixel.1).count();
                    image.iter().filter(|pixel| pixel.0 >= threshold && pixel.1).count() as f64 / union as f64
                };
                anomalous.iter().map(iou).sum::<f64>() / anomalous.len() as f64
            };
            let found = iou_shared_max(&shared);
            prop_assert_eq!(found.is_some(), !anomalous.is_empty());
            if let Some(found) = found {
                let best = (0..31).rev().max_by(|&a, &b| mean(a).total_cmp(&mean(b))).unwrap();
                prop_assert!(found.value.low() <= mean(best) + 1e-12 && mean(best) - 1e-12 <= found.value.high());
                prop_assert!(grid.iter().all(|&at| mean(at as u8) <= found.value.low() + 1e-12));
                if mean(best) > found.value.low() + 1e-9 {
                    let at = f64::from(best);
                    prop_assert!(found.threshold.low() <= at && at <= found.threshold.high());
                }
            }
        }
    }

    #[test]
    fn the_mean_of_exact_ratios_is_exact() {
        let best = |intersection, union| BestIou { intersection, union, threshold: 0.0 };
        let mut sum = BestIouMean::default();
        for image in [best(1, 3), best(1, 2), best(2, 3)] {
            sum.add(&image);
        }
        let mean = sum.value().unwrap();
        assert!(mean.is_exact() && mean.low() <= 0.5 && 0.5 <= mean.high());
        assert_eq!(BestIouMean::default().value(), None);
        assert_eq!(iou_shared_max(&SharedIou::new(&[1.0])), None);
    }
}
