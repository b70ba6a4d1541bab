//! The pixels of one image between the thresholds of a grid.

use pimo_frame::{Frame, Mask, RowScratch, RowVisitor, SCORE_BLOCK, Sample, Size};

use crate::high_blocks::{HighBlocks, Strip};
use crate::key::{key_of_score, score_of_key};
use crate::key_lookup::KeyLookup;
use crate::{HighPixels, Regions};

/// Counts anomalous and normal pixels between neighbouring thresholds, image after image; one for each thread.
///
/// ```
/// use std::sync::Arc;
/// use pimo_accumulator::{Connectivity, GridCells, HighPixels, Regions};
/// use pimo_frame::{Frame, Mask, RowScratch, Scores, Size};
///
/// let size = Size::new(1, 4);
/// let mask = Arc::new(Mask::from_fn(size, |_, x| x == 0));
/// let regions = Regions::of(&mask, Connectivity::Eight);
/// let frame = Frame::new(size, size, Scores::from_f32(vec![0.8, 0.5, 0.9, 0.1]), Some(mask)).unwrap();
/// let mut cells = GridCells::new(&[0.8, 0.4], 2);
/// // Normal and anomalous pixels: from 0.8 up, and from 0.4 up to below 0.8.
/// let mut high = HighPixels::default();
/// assert_eq!(cells.count(&frame, &regions, &mut high, &mut RowScratch::default()), [[1, 1], [1, 0]]);
/// ```
#[derive(Clone, Debug)]
pub struct GridCells {
    thresholds: KeyLookup,
    /// Normal pixels are counted too for this number of thresholds, from the highest on.
    normal_steps: usize,
    counts: Vec<[u64; 2]>,
}

impl GridCells {
    /// Cells of a grid of descending thresholds without repetition. Normal pixels, which are many, are counted down to
    /// threshold number `normal_steps` only.
    pub fn new(thresholds: &[f64], normal_steps: usize) -> Self {
        let thresholds: Vec<u64> = thresholds.iter().map(|&threshold| key_of_score(threshold)).collect();
        let normal_steps = normal_steps.min(thresholds.len());
        Self { counts: vec![[0; 2]; thresholds.len()], thresholds: KeyLookup::new(thresholds), normal_steps }
    }

    /// Counts the pixels of a frame whose mask has these regions: `[normal, anomalous]` at or above each threshold and
    /// below the one before. What is counted is left in `high`.
    pub fn count(
        &mut self,
        frame: &Frame,
        regions: &Regions,
        high: &mut HighPixels,
        scratch: &mut RowScratch,
    ) -> &[[u64; 2]] {
        frame.visit_rows(scratch, &mut self.rows(frame.evaluated(), regions, high));
        self.finish(high)
    }

    /// Begins to count a frame of this size: the visitor is to be shown it, and then the cells are
    /// [finished](Self::finish).
    pub fn rows<'a>(&'a mut self, size: Size, regions: &'a Regions, high: &'a mut HighPixels) -> GridRows<'a> {
        self.counts.fill([0; 2]);
        high.begin(size);
        let lowest = self.thresholds.thresholds().last().map(|&key| score_of_key(key));
        let lowest_normal = self.normal_thresholds().last().map(|&key| score_of_key(key));
        GridRows { cells: self, high, regions, blocks: HighBlocks::default(), lowest, lowest_normal }
    }

    /// The counts, when the frame has been looked at.
    pub fn finish(&mut self, high: &HighPixels) -> &[[u64; 2]] {
        let [normal, anomalous] = high.keys();
        self.add(normal, false);
        self.add(anomalous, true);
        &self.counts
    }

    /// The counts of the last frame.
    pub fn counts(&self) -> &[[u64; 2]] {
        &self.counts
    }

    /// Keys of the thresholds down to which normal pixels are counted.
    pub(crate) fn normal_thresholds(&self) -> &[u64] {
        &self.thresholds.thresholds()[..self.normal_steps]
    }

    fn add(&mut self, keys: &[u64], anomalous: bool) {
        for &key in keys {
            self.counts[self.thresholds.place(key)][usize::from(anomalous)] += 1;
        }
    }
}

/// Looks at a frame for [`GridCells`].
#[derive(Debug)]
pub struct GridRows<'a> {
    cells: &'a mut GridCells,
    high: &'a mut HighPixels,
    regions: &'a Regions,
    blocks: HighBlocks,
    lowest: Option<f64>,
    lowest_normal: Option<f64>,
}

impl RowVisitor for GridRows<'_> {
    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, _: Option<&Mask>) {
        let Self { cells, high, regions, blocks, .. } = self;
        let Some(lowest) = self.lowest.map(S::at_least) else { return };
        let lowest_normal = self.lowest_normal.map_or(lowest, S::at_least);
        let mut room = [S::default(); SCORE_BLOCK];
        blocks.show(Strip { first, rows, width }, regions, self.lowest_normal, |scores, anomalous| {
            high.add(scores, if anomalous { lowest } else { lowest_normal }, anomalous, &mut room);
            high.make_room(|keys, anomalous| cells.add(keys, anomalous));
        });
    }

    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        self.rows(y, row, row.len(), None);
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
            let mut high = HighPixels::default();
            for _ in 0..2 {
                let found = cells.count(&frame, &regions, &mut high, &mut RowScratch::default());
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
