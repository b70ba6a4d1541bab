//! Means over images of intersection over union.

use pimo_accumulator::{BestIou, IOU_BITS, OrderedKey, SharedIou};

use crate::best_threshold::BestThreshold;
use crate::interval::Interval;

/// Mean over the anomalous images of the best intersection over union of each. `None` without such an image.
///
/// Summed as integers, so the order of the images does not matter.
pub fn iou_best_mean<'a>(images: impl IntoIterator<Item = &'a BestIou>) -> Option<Interval> {
    let (mut low, mut high, mut count) = (0_u128, 0_u128, 0_u128);
    for image in images {
        let scaled = u128::from(image.intersection) << IOU_BITS;
        low += scaled / u128::from(image.union);
        high += scaled.div_ceil(u128::from(image.union));
        count += 1;
    }
    let all = count << IOU_BITS;
    (count > 0).then(|| Interval::ratios((low, all), (high, all)).in_unit())
}

/// The largest mean intersection over union that one threshold for all anomalous images reaches. `None` without such
/// an image or with an empty grid.
///
/// Reached on the grid is the lower end; no threshold whatever exceeds the upper end. The threshold's interval spans
/// the steps of the grid that may hold the maximum, and is unbounded where that may lie above or below the grid.
pub fn iou_shared_max<K: OrderedKey + Into<u64>>(shared: &SharedIou<K>) -> Option<BestThreshold> {
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
