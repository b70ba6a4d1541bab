//! What one threshold for all images reaches in mean intersection over union.
//!
//! The mean over the anomalous images is a sum of ratios with different denominators, which no histogram over all
//! images holds. So it is added up on a grid of thresholds that is fixed before the images are read. Between two of
//! them, an image has at most the true positives of the lower and at least the false positives of the upper, so its
//! overlap is bounded there too: the sums say how large the mean can be anywhere, not on the grid alone.

/// Fractional bits of the sums.
pub const IOU_BITS: u32 = 62;

/// Sums of the anomalous images' overlap at every threshold of a grid, and bounds between them.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedIou {
    /// From the highest to the lowest, without repetition.
    thresholds: Vec<f64>,
    /// At each threshold, each image rounded down.
    at: Vec<u128>,
    /// From the threshold before (none: above all) down to this one, each image rounded up; one more entry for all
    /// scores below the grid.
    within: Vec<u128>,
    images: u64,
}

/// Two sums over different grids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("overlaps on different grids of thresholds cannot be merged; use the same grid for all parts of a run")]
pub struct GridMismatch;

/// One step of the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SharedIouStep {
    /// The threshold; `None` for the last step, which stands for all scores below the grid.
    pub threshold: Option<f64>,
    /// Sum over the images of the overlap at the threshold, with [`IOU_BITS`] fractional bits, each image rounded down.
    pub at: u128,
    /// Sum of the largest overlap that thresholds from the one before down to this one may have, rounded up.
    pub within: u128,
}

impl SharedIou {
    /// Starts with a grid of descending thresholds without repetition.
    pub fn new(thresholds: &[f64]) -> Self {
        let steps = thresholds.len();
        Self { thresholds: thresholds.to_vec(), at: vec![0; steps], within: vec![0; steps + 1], images: 0 }
    }

    /// Adds an image with `anomalous` anomalous pixels. `cells` are the normal and anomalous pixels in each
    /// [cell](crate::GridCells::count) of the grid. An image without anomalous pixels is not counted.
    ///
    /// # Panics
    /// If there are fewer cells than thresholds.
    pub fn add(&mut self, cells: &[[u64; 2]], anomalous: u64) {
        if anomalous == 0 {
            return;
        }
        let (mut tp, mut fp) = (0, 0);
        for (step, [normal, positive]) in cells[..self.thresholds.len()].iter().enumerate() {
            let most = tp + positive;
            self.within[step] += ratio(most, anomalous + fp).1;
            (tp, fp) = (most, fp + normal);
            self.at[step] += ratio(tp, anomalous + fp).0;
        }
        self.within[self.thresholds.len()] += ratio(anomalous, anomalous + fp).1;
        self.images += 1;
    }

    /// Adds the sums of other images over the same grid.
    ///
    /// # Errors
    /// The grids differ; nothing is changed.
    pub fn merge(&mut self, other: &Self) -> Result<(), GridMismatch> {
        if self.thresholds != other.thresholds {
            return Err(GridMismatch);
        }
        self.at.iter_mut().zip(&other.at).for_each(|(ours, theirs)| *ours += theirs);
        self.within.iter_mut().zip(&other.within).for_each(|(ours, theirs)| *ours += theirs);
        self.images += other.images;
        Ok(())
    }

    /// Whether another grid's sums can be those of the same images: at thresholds of both they have to be equal.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let mut others = other.thresholds.iter().zip(&other.at).peekable();
        let agrees = |(threshold, sum): (&f64, &u128)| {
            while others.next_if(|(higher, _)| *higher > threshold).is_some() {}
            others.peek().is_none_or(|&(same, other)| same != threshold || other == sum)
        };
        self.images == other.images && self.thresholds.iter().zip(&self.at).all(agrees)
    }

    /// Images counted.
    pub const fn images(&self) -> u64 {
        self.images
    }

    /// The steps from the highest threshold down, and the one below the grid.
    pub fn steps(&self) -> impl Iterator<Item = SharedIouStep> {
        self.within.iter().enumerate().map(|(step, &within)| SharedIouStep {
            threshold: self.thresholds.get(step).copied(),
            at: self.at.get(step).copied().unwrap_or(0),
            within,
        })
    }
}

/// A ratio of at most 1 with [`IOU_BITS`] fractional bits, rounded down and up.
fn ratio(part: u64, whole: u64) -> (u128, u128) {
    let scaled = u128::from(part) << IOU_BITS;
    (scaled / u128::from(whole), scaled.div_ceil(u128::from(whole)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use pimo_frame::{Frame, Mask, RowScratch, Scores, Size};
    use proptest::prelude::*;

    use super::*;
    use crate::{Connectivity, GridCells, HighPixels, Regions};

    proptest! {
        #[test]
        fn steps_bound_the_mean_at_every_threshold(
            images in proptest::collection::vec(proptest::collection::vec((0_u8..40, any::<bool>()), 12), 1..6),
            grid in proptest::collection::btree_set(0_u8..40, 0..8),
        ) {
            let size = Size::new(3, 4);
            let grid: Vec<f64> = grid.into_iter().rev().map(f64::from).collect();
            let (mut counter, mut high) = (GridCells::new(&grid, grid.len()), HighPixels::default());
            let mut whole = SharedIou::new(&grid);
            let mut parts = SharedIou::new(&grid);
            for image in &images {
                let mask = Arc::new(Mask::from_fn(size, |y, x| image[y * 4 + x].1));
                let regions = Regions::of(&mask, Connectivity::Eight);
                let mask_pixels = mask.anomalous_pixels();
                let scores = image.iter().map(|pixel| f32::from(pixel.0)).collect();
                let frame = Frame::new(size, size, Scores::from_f32(scores), Some(mask)).unwrap();
                let cells = counter.count(&frame, &regions, &mut high, &mut RowScratch::default());
                whole.add(cells, mask_pixels);
                let mut part = SharedIou::new(&grid);
                part.add(cells, mask_pixels);
                parts.merge(&part).unwrap();
            }
            prop_assert_eq!(&parts.at, &whole.at);
            prop_assert_eq!(&parts.within, &whole.within);
            let sum = |threshold: f64| -> f64 {
                images.iter().filter(|image| image.iter().any(|pixel| pixel.1)).map(|image| {
                    let tp = image.iter().filter(|p| f64::from(p.0) >= threshold && p.1).count();
                    let union = image.iter().filter(|p| f64::from(p.0) >= threshold || p.1).count();
                    tp as f64 / union as f64
                }).sum()
            };
            let unit = 2_f64.powi(IOU_BITS as i32);
            let mut before = f64::INFINITY;
            for step in whole.steps() {
                if let Some(threshold) = step.threshold {
                    prop_assert!((step.at as f64 / unit - sum(threshold)).abs() < 1e-12);
                }
                let end = step.threshold.unwrap_or(f64::NEG_INFINITY);
                for threshold in (0..40).map(f64::from).filter(|t| (end..before).contains(t)) {
                    prop_assert!(sum(threshold) <= step.within as f64 / unit + 1e-12);
                }
                before = end;
            }
        }
    }

    #[test]
    fn sums_of_other_images_do_not_agree() {
        let sums = |grid: &[f64], cells: &[[u64; 2]]| {
            let mut sums = SharedIou::new(grid);
            sums.add(cells, 10);
            sums
        };
        let first = sums(&[3.0, 2.0, 1.0], &[[0, 2], [1, 3], [5, 5]]);
        assert!(sums(&[2.5, 2.0, 1.0], &[[1, 3], [0, 2], [5, 5]]).agrees_with(&first));
        assert!(!sums(&[2.5, 2.0, 1.0], &[[1, 3], [1, 2], [5, 5]]).agrees_with(&first));
        assert!(sums(&[2.5, 0.5], &[[1, 3], [9, 0]]).agrees_with(&first));
        assert!(!SharedIou::new(&[9.0]).agrees_with(&first));
    }

    #[test]
    fn different_grids_do_not_merge() {
        assert_eq!(SharedIou::new(&[1.0]).merge(&SharedIou::new(&[2.0])), Err(GridMismatch));
    }
}
