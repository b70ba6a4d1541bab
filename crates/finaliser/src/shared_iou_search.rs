//! The largest mean intersection over union that one threshold for all images reaches.

use pimo_accumulator::{IOU_BITS, SharedIou, key_of_score};

use crate::best_threshold::BestThreshold;
use crate::interval::Interval;

/// Looks for the threshold that reaches most for all anomalous images together, on one grid of thresholds after the
/// other.
///
/// Reached on a grid is the lower end of what can be reached; between two of its thresholds, the sums bound what can. On
/// the steps whose bound is not below what was reached a [finer grid](Self::narrow) says more.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedIouSearch {
    /// The last grid that was tried.
    grid: SharedIou,
    /// The largest sum of all images' overlaps that a threshold was seen to reach, with [`IOU_BITS`] fractional bits.
    reached: u128,
    /// The highest threshold that was seen to reach it.
    at: f64,
    /// From the highest thresholds down.
    steps: Vec<Step>,
}

/// Thresholds that may be best: from `low` up to below `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    low: f64,
    high: f64,
    /// No threshold of the step reaches more; each image was rounded up by less than one unit.
    within: u128,
}

impl SharedIouSearch {
    /// What a grid says; `None` without an anomalous image or with an empty grid.
    pub fn new(grid: SharedIou) -> Option<Self> {
        let (reached, at) = reached(&grid).filter(|_| grid.images() > 0)?;
        let steps = steps(&grid).filter(|step| step.within >= reached).collect();
        Some(Self { grid, reached, at, steps })
    }

    /// The value and its threshold. The threshold's interval spans all steps that may hold it, and is unbounded where it
    /// may lie above or below the first grid. Where no step can reach more than was seen, it is the highest threshold
    /// seen to reach it.
    pub fn best(&self) -> BestThreshold {
        let all = u128::from(self.grid.images()) << IOU_BITS;
        let most = self.steps.iter().map(|step| step.within).fold(self.reached, u128::max);
        let low = self.steps.iter().map(|step| step.low).fold(f64::INFINITY, f64::min);
        let high = self.steps.iter().map(|step| step.high).fold(f64::NEG_INFINITY, f64::max);
        let value = Interval::ratios((self.reached, all), (most, all)).in_unit();
        // Each image was rounded by less than one unit.
        let is_seen = most - self.reached <= u128::from(self.grid.images());
        let threshold = if is_seen { Interval::new(self.at, self.at) } else { Interval::new(low, high) };
        BestThreshold { value, threshold }
    }

    /// Stretches of thresholds that may be best, from `low` up to below `high`, from the highest down; the first may have
    /// no upper and the last no lower end.
    pub fn stretches(&self) -> Vec<(f64, f64)> {
        let mut stretches: Vec<(f64, f64)> = Vec::new();
        for step in &self.steps {
            match stretches.last_mut().filter(|last| last.0 == step.high) {
                Some(last) => last.0 = step.low,
                None => stretches.push((step.low, step.high)),
            }
        }
        stretches
    }

    /// Takes into account what another grid says of the same images, best one that has the ends of all
    /// [stretches](Self::stretches) among its thresholds. False, with nothing changed, if it does not agree with the last
    /// one: then it was not the same images.
    #[must_use]
    pub fn narrow(&mut self, grid: SharedIou) -> bool {
        if !grid.agrees_with(&self.grid) {
            return false;
        }
        if let Some((more, at)) = reached(&grid).filter(|&seen| seen > (self.reached, self.at)) {
            (self.reached, self.at) = (more, at);
        }
        let finer = self.steps.iter().flat_map(|step| {
            let inside = steps(&grid).filter(|finer| finer.low < step.high && step.low < finer.high);
            let cut = inside.map(|finer| Step {
                low: finer.low.max(step.low),
                high: finer.high.min(step.high),
                within: finer.within.min(step.within),
            });
            cut.filter(|cut| cut.within >= self.reached)
        });
        self.steps = finer.collect();
        self.grid = grid;
        true
    }
}

/// The largest sum that a threshold of the grid reaches, and the highest that does.
fn reached(grid: &SharedIou) -> Option<(u128, f64)> {
    let seen = grid.steps().filter_map(|step| Some((step.at, step.threshold?)));
    seen.reduce(|best, next| if next.0 > best.0 { next } else { best })
}

fn steps(grid: &SharedIou) -> impl Iterator<Item = Step> {
    let mut above = f64::INFINITY;
    grid.steps().map(move |step| {
        let low = step.threshold.unwrap_or(f64::NEG_INFINITY);
        let high = std::mem::replace(&mut above, low);
        // Where no other number lies between, nothing but the threshold itself is in the step: what it reaches is known,
        // but for the rounding of each image.
        let is_one = key_of_score(low.next_up()) == key_of_score(high);
        let within = if is_one { step.within.min(step.at + u128::from(grid.images())) } else { step.within };
        Step { low, high, within }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use pimo_accumulator::{Connectivity, GridCells, HighPixels, Regions};
    use pimo_frame::{Frame, Mask, RowScratch, Scores, Size};
    use proptest::prelude::*;

    use super::*;

    type Pixels = Vec<(u8, bool)>;

    /// The sums of images of twelve pixels on a grid.
    fn counted(images: &[Pixels], grid: &[f64]) -> SharedIou {
        let size = Size::new(4, 3);
        let mut shared = SharedIou::new(grid);
        let (mut cells, mut high) = (GridCells::new(grid, grid.len()), HighPixels::default());
        for image in images {
            let mask = Arc::new(Mask::from_fn(size, |y, x| image[y * 3 + x].1));
            let regions = Regions::of(&mask, Connectivity::Eight);
            let anomalous = mask.anomalous_pixels();
            let scores = image.iter().map(|pixel| f32::from(pixel.0)).collect();
            let frame = Frame::new(size, size, Scores::from_f32(scores), Some(mask)).unwrap();
            let counts = cells.count(&frame, &regions, &mut high, &mut RowScratch::default());
            shared.add(counts, anomalous);
        }
        shared
    }

    fn mean(images: &[&Pixels], threshold: u8) -> f64 {
        let iou = |image: &&Pixels| {
            let union = image.iter().filter(|pixel| pixel.0 >= threshold || pixel.1).count();
            image.iter().filter(|pixel| pixel.0 >= threshold && pixel.1).count() as f64 / union as f64
        };
        images.iter().map(iou).sum::<f64>() / images.len() as f64
    }

    proptest! {
        #[test]
        fn no_threshold_reaches_more_than_the_upper_end(
            images in proptest::collection::vec(proptest::collection::vec((0_u8..30, any::<bool>()), 12), 1..5),
            grids in proptest::collection::vec(proptest::collection::btree_set(0_u8..30, 1..10), 1..4),
        ) {
            let anomalous: Vec<_> = images.iter().filter(|image| image.iter().any(|pixel| pixel.1)).collect();
            let mut search: Option<SharedIouSearch> = None;
            let mut tried = Vec::new();
            for grid in grids {
                // Thresholds between scores too, and grids that have nothing to do with the one before.
                let grid: Vec<f64> = grid.into_iter().rev().map(|at| f64::from(at) / 2.0 * 3.0).collect();
                let sums = counted(&images, &grid);
                match &mut search {
                    Some(search) => prop_assert!(search.narrow(sums)),
                    None => search = SharedIouSearch::new(sums),
                }
                tried.extend(grid);
                prop_assert_eq!(search.is_some(), !anomalous.is_empty());
                if let Some(search) = &search {
                    let found = search.best();
                    let best = (0..46).rev().max_by(|&a, &b| mean(&anomalous, a).total_cmp(&mean(&anomalous, b))).unwrap();
                    let most = mean(&anomalous, best);
                    prop_assert!(found.value.low() <= most + 1e-12 && most - 1e-12 <= found.value.high());
                    prop_assert!(tried.iter().all(|at| mean(&anomalous, at.ceil() as u8) <= found.value.low() + 1e-12));
                    let at = f64::from(best);
                    if most > found.value.low() + 1e-9 {
                        prop_assert!(search.stretches().iter().any(|&(low, high)| low < at + 1.0 && at <= high));
                    }
                }
            }
        }

        #[test]
        fn a_grid_of_all_scores_leaves_nothing_unknown(
            images in proptest::collection::vec(proptest::collection::vec((0_u8..30, any::<bool>()), 12), 1..5),
        ) {
            let Some(mut search) = SharedIouSearch::new(counted(&images, &[15.0])) else { return Ok(()) };
            // Each score, and the number after it.
            let grid: Vec<f64> = (0..30).rev().map(f64::from).flat_map(|score| [score.next_up(), score]).collect();
            prop_assert!(search.narrow(counted(&images, &grid)));
            prop_assert!(search.best().value.half_width() < 1e-12);
            let at = search.best().threshold;
            prop_assert!(at.low() == at.high(), "{at:?}");
            let anomalous: Vec<_> = images.iter().filter(|image| image.iter().any(|pixel| pixel.1)).collect();
            prop_assert!((mean(&anomalous, at.low().ceil() as u8) - search.best().value.low()).abs() < 1e-12);
            let anomalous: Vec<_> = images.iter().filter(|image| image.iter().any(|pixel| pixel.1)).collect();
            let most = (0..30).map(|at| mean(&anomalous, at)).fold(0.0, f64::max);
            prop_assert!((search.best().value.low() - most).abs() < 1e-12);
        }
    }

    #[test]
    fn other_images_change_nothing() {
        let image = |score: u8| [(score, true), (20, false), (3, false)].repeat(4);
        let mut search = SharedIouSearch::new(counted(&[image(9)], &[8.0, 4.0])).unwrap();
        let before = search.clone();
        assert!(!search.narrow(counted(&[image(5)], &[8.0, 6.0, 4.0])));
        assert_eq!(search, before);
        assert!(search.narrow(counted(&[image(9)], &[8.0, 6.0, 4.0])));
    }

    #[test]
    fn without_images_there_is_nothing_to_find() {
        assert_eq!(SharedIouSearch::new(SharedIou::new(&[1.0])), None);
    }
}
