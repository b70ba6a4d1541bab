//! The few pixels of an image that are worth a closer look.

use pimo_frame::{SCORE_BLOCK, Sample};

use crate::Regions;
use crate::region::normal_stretches;

/// Whole rows of an image, one behind the other, from row `first` on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strip<'a, S> {
    pub(crate) first: usize,
    pub(crate) rows: &'a [S],
    pub(crate) width: usize,
}

/// Leaves out blocks of normal pixels that are all low, which are most.
#[derive(Clone, Debug, Default)]
pub(crate) struct HighBlocks {
    largest: Vec<f64>,
}

impl HighBlocks {
    /// Shows pieces of rows that are all anomalous or all normal, and which: all anomalous pixels, and of normal ones,
    /// if there is a `bound`, those in blocks in which a pixel reaches it.
    pub(crate) fn show<S: Sample>(
        &mut self,
        strip: Strip<'_, S>,
        regions: &Regions,
        bound: Option<f64>,
        mut see: impl FnMut(&[S], bool),
    ) {
        let Strip { first, rows, width } = strip;
        self.largest.clear();
        let bound = bound.filter(|&bound| {
            let summary = S::summary_by_block(rows, width, &mut self.largest);
            summary.largest.to_f64() >= bound
        });
        let mut by_row = self.largest.chunks_exact(width.div_ceil(SCORE_BLOCK));
        for (y, row) in (first..).zip(rows.chunks_exact(width)) {
            let (runs, largest) = (regions.row(y), by_row.next());
            for run in runs {
                see(&row[run.start as usize..run.end as usize], true);
            }
            if let (Some(bound), Some(largest)) = (bound, largest) {
                for stretch in normal_stretches(runs, width) {
                    show_high(row, largest, stretch, bound, |scores| see(scores, false));
                }
            }
        }
    }
}

/// Shows those pieces of a row between two columns that lie in blocks which reach the bound.
fn show_high<S>(row: &[S], largest: &[f64], (mut start, end): (usize, usize), bound: f64, mut see: impl FnMut(&[S])) {
    while start < end {
        let block = start / SCORE_BLOCK;
        let next = ((block + 1) * SCORE_BLOCK).min(end);
        if largest[block] >= bound {
            see(&row[start..next]);
        }
        start = next;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pimo_frame::{Mask, Size};

    use super::*;
    use crate::Connectivity;

    #[test]
    fn blocks_that_stay_below_the_bound_are_left_out() {
        let (size, width) = (Size::new(3, 300), 300);
        // Row 0 is all 0; in row 1 the second block reaches 1, in row 2 the last one 2. Columns 100 to 139 of row 2
        // are anomalous.
        let score = |i: usize| match (i / width, i % width) {
            (1, 200) => 1.0,
            (2, 299) => 2.0_f32,
            _ => 0.0,
        };
        let rows: Vec<f32> = (0..900).map(score).collect();
        let mask = Mask::from_fn(size, |y, x| y == 2 && (100..140).contains(&x));
        let regions = Regions::of(&mask, Connectivity::Eight);
        let mut blocks = HighBlocks::default();
        let mut shown = |first: usize, bound: Option<f64>| {
            let mut shown = Vec::new();
            let strip = Strip { first, rows: &rows[first * width..], width };
            blocks.show(strip, &regions, bound, |scores, anomalous| {
                let at = (scores.as_ptr() as usize - rows.as_ptr() as usize) / size_of::<f32>();
                shown.push((at / width, at % width, scores.len(), anomalous));
            });
            shown
        };
        let run = (2, 100, 40, true);
        assert_eq!(shown(0, None), [run]);
        assert_eq!(shown(0, Some(2.5)), [run]);
        assert_eq!(shown(0, Some(1.5)), [run, (2, 256, 44, false)]);
        assert_eq!(shown(0, Some(1.0)), [(1, 128, 128, false), run, (2, 256, 44, false)]);
        assert_eq!(shown(2, Some(0.0)), [run, (2, 0, 100, false), (2, 140, 116, false), (2, 256, 44, false)]);
    }
}
