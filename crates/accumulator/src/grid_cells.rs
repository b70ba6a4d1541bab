//! The pixels of one image between the thresholds of a grid.

use pimo_frame::{Frame, RowScratch, RowVisitor, Sample};

use crate::region::stretches;
use crate::{RegionRun, Regions};

/// Pixels asked together whether any of them reaches the grid.
const BLOCK: usize = 128;

/// Counts anomalous and normal pixels between neighbouring thresholds, image after image; one for each thread.
///
/// ```
/// use std::sync::Arc;
/// use pimo_accumulator::{Connectivity, GridCells, Regions};
/// use pimo_frame::{Frame, Mask, RowScratch, Scores, Size};
///
/// let size = Size::new(1, 4);
/// let mask = Arc::new(Mask::from_fn(size, |_, x| x == 0));
/// let regions = Regions::of(&mask, Connectivity::Eight);
/// let frame = Frame::new(size, size, Scores::from_f32(vec![0.8, 0.5, 0.9, 0.1]), Some(mask)).unwrap();
/// let mut cells = GridCells::new(&[0.8, 0.4], 2);
/// // Normal and anomalous pixels: from 0.8 up, and from 0.4 up to below 0.8.
/// assert_eq!(cells.count(&frame, &regions, &[], &mut RowScratch::default()), [[1, 1], [1, 0]]);
/// ```
#[derive(Clone, Debug)]
pub struct GridCells {
    /// Descending, without repetition.
    thresholds: Vec<f64>,
    /// For so many thresholds from the highest on normal pixels are counted too.
    normal_steps: usize,
    counts: Vec<[u64; 2]>,
}

impl GridCells {
    /// Cells of a grid of descending thresholds without repetition. Normal pixels, which are many, are counted down to
    /// threshold number `normal_steps` only.
    pub fn new(thresholds: &[f64], normal_steps: usize) -> Self {
        let normal_steps = normal_steps.min(thresholds.len());
        Self { thresholds: thresholds.to_vec(), normal_steps, counts: vec![[0; 2]; thresholds.len()] }
    }

    /// Counts the pixels of a frame whose mask has these regions: `[normal, anomalous]` at or above each threshold and
    /// below the one before. `row_largest` has for each row a score that none of it exceeds; a row without is looked at.
    pub fn count(
        &mut self,
        frame: &Frame,
        regions: &Regions,
        row_largest: &[f64],
        scratch: &mut RowScratch,
    ) -> &[[u64; 2]] {
        self.counts.fill([0; 2]);
        frame.visit_rows(scratch, &mut Rows { cells: self, regions, row_largest });
        &self.counts
    }

    /// The counts of the last frame.
    pub fn counts(&self) -> &[[u64; 2]] {
        &self.counts
    }

    fn add<S: Sample>(&mut self, scores: &[S], anomalous: bool) {
        let steps = if anomalous { self.thresholds.len() } else { self.normal_steps };
        let Some(last) = steps.checked_sub(1) else { return };
        let lowest = S::at_least(self.thresholds[last]);
        // Neighbours often lie in one cell.
        let (mut cell, mut low, mut high) = (0, f64::INFINITY, f64::INFINITY);
        for block in scores.chunks(BLOCK) {
            if S::count_at_least(block, lowest) == 0 {
                continue;
            }
            for score in block.iter().filter(|score| **score >= lowest) {
                let score = score.to_f64();
                if score < low || score >= high {
                    cell = self.thresholds[..steps].partition_point(|&threshold| threshold > score);
                    low = self.thresholds[cell];
                    high = if cell == 0 { f64::INFINITY } else { self.thresholds[cell - 1] };
                }
                self.counts[cell][usize::from(anomalous)] += 1;
            }
        }
    }
}

struct Rows<'a> {
    cells: &'a mut GridCells,
    regions: &'a Regions,
    row_largest: &'a [f64],
}

impl RowVisitor for Rows<'_> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        let runs: &[RegionRun] = self.regions.row(y);
        let lowest = self.cells.normal_steps.checked_sub(1).map(|last| self.cells.thresholds[last]);
        let reaches = |lowest: f64| self.row_largest.get(y).is_none_or(|&largest| largest >= lowest);
        if lowest.is_some_and(reaches) {
            stretches(row, runs, |scores, anomalous| self.cells.add(scores, anomalous));
        } else {
            // No normal pixel is counted in most rows.
            for run in runs {
                self.cells.add(&row[run.start as usize..run.end as usize], true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use pimo_frame::{Mask, Scores, Size};
    use proptest::prelude::*;

    use super::*;
    use crate::Connectivity;

    proptest! {
        #[test]
        fn cells_hold_what_lies_between_their_thresholds(
            pixels in proptest::collection::vec((0_u8..40, any::<bool>()), 1..400),
            grid in proptest::collection::btree_set(0_u8..40, 0..20), normal_steps in 0_usize..25,
        ) {
            let size = Size::new(1, pixels.len() as u32);
            let mask = Arc::new(Mask::from_fn(size, |_, x| pixels[x].1));
            let regions = Regions::of(&mask, Connectivity::Eight);
            let scores = pixels.iter().map(|pixel| f32::from(pixel.0)).collect();
            let frame = Frame::new(size, size, Scores::from_f32(scores), Some(mask)).unwrap();
            let grid: Vec<f64> = grid.into_iter().rev().map(f64::from).collect();
            let mut cells = GridCells::new(&grid, normal_steps);
            for _ in 0..2 {
                let found = cells.count(&frame, &regions, &[], &mut RowScratch::default());
                prop_assert_eq!(found.len(), grid.len());
                for (cell, counts) in found.iter().enumerate() {
                    let above = if cell == 0 { f64::INFINITY } else { grid[cell - 1] };
                    let inside = |wanted: bool| {
                        let inside = |p: &&(u8, bool)| p.1 == wanted && (grid[cell]..above).contains(&f64::from(p.0));
                        pixels.iter().filter(inside).count() as u64
                    };
                    let normal = if cell < normal_steps { inside(false) } else { 0 };
                    prop_assert_eq!(*counts, [normal, inside(true)]);
                }
            }
        }
    }
}
