//! Reading again for the largest mean overlap that one threshold reaches, on finer and finer grids of thresholds.
//!
//! The first grid is chosen before any anomalous image is read. Where it leaves open what can be reached, thresholds are
//! put where pixels are, in those stretches that may hold the best one, and the anomalous images are counted again.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use pimo_accumulator::{
    BadScore, GridCells, HighPixels, ScoreBin, ScoreHistogram, SharedIou, key_of_score, score_of_key,
};
use pimo_finaliser::SharedIouSearch;
use pimo_frame::{Frame, RowScratch};

use crate::category::CategoryRun;
use crate::pixels::PixelCounts;
use crate::plan::PlannedImage;
use crate::problem::Bad;
use crate::sweep::Count;
use crate::{PipelineError, Settings, metrics};

/// Times that the anomalous images are read again at most.
const MOST_READINGS: usize = 6;
/// Thresholds of each grid, those at the ends of stretches not counted.
const THRESHOLDS: u64 = 1024;

/// What is refined: the shared threshold of one detector in one category.
pub(crate) struct SharedIouRefinement<'a> {
    pub(crate) run: &'a CategoryRun<'a>,
    pub(crate) model: usize,
    pub(crate) counts: &'a PixelCounts,
    /// What the first grid says.
    pub(crate) search: &'a mut SharedIouSearch,
    /// Anomalous images that were evaluated.
    pub(crate) images: Vec<PlannedImage>,
}

impl SharedIouRefinement<'_> {
    /// Reads again what it needs; false, and a problem noted, if the maps are not what they were.
    ///
    /// # Errors
    /// A request to stop.
    pub(crate) fn run(self, found: &mut Bad) -> Result<bool, PipelineError> {
        for _ in 0..MOST_READINGS {
            let before = self.search.best().value.half_width();
            if before <= metrics::tolerance(self.run.settings) {
                break;
            }
            let stretches = self.search.stretches();
            let grid = self.counts.with_histogram(|histogram| finer_grid(&stretches, histogram));
            let finer = self.count_again(&grid, found)?;
            if !finer.is_some_and(|finer| self.search.narrow(finer)) {
                found.add(self.run.changed(self.model), &self.run.dataset.models);
                return Ok(false);
            }
            if self.search.best().value.half_width() > before / 2.0 {
                // A reading that does not even halve what is unknown is not worth another one.
                break;
            }
        }
        Ok(true)
    }

    /// The sums on another grid; `None` if not all images could be counted.
    fn count_again(&self, grid: &[f64], found: &Bad) -> Result<Option<SharedIou>, PipelineError> {
        let sums = Mutex::new(SharedIou::new(grid));
        let models = [self.model];
        let counter = || SharedIouCounter {
            settings: self.run.settings,
            cells: GridCells::new(grid, grid.len()),
            high: HighPixels::default(),
            sums: &sums,
            scratch: RowScratch::default(),
        };
        let all_seen = self.run.sweep(&self.images, &models, found).sees_all(counter)?;
        let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(all_seen.then_some(sums))
    }
}

/// Descending thresholds with about equally many pixels between them, in these stretches alone, and the ends of these.
fn finer_grid(stretches: &[(f64, f64)], histogram: &ScoreHistogram) -> Vec<f64> {
    let mut all = 0.0;
    for_pieces(stretches, histogram, |piece| all += piece.pixels);
    let mut keys: Vec<u64> = Vec::new();
    let mut seen = 0.0;
    for_pieces(stretches, histogram, |Piece { low, high, pixels }| {
        let before = (seen / all * THRESHOLDS as f64) as u64;
        seen += pixels;
        // The lowest of these keys is that of the piece's lowest score, so that the last piece ends with a threshold.
        let count = (seen / all * THRESHOLDS as f64) as u64 - before;
        keys.extend((0..count).map(|i| low + ((u128::from(high - low) * u128::from(i)) / u128::from(count)) as u64));
        if count > 0 && low == high {
            // Between these two there is one score, and its ties, alone.
            keys.push(key_of_score(score_of_key(low).next_up()));
        }
    });
    let ends = stretches.iter().flat_map(|&(low, high)| [low, high]);
    keys.extend(ends.filter(|end| end.is_finite()).map(key_of_score));
    // Zero has one key; the one below belongs to no score.
    for key in &mut keys {
        *key = key_of_score(score_of_key(*key));
    }
    keys.sort_unstable_by(|a, b| b.cmp(a));
    keys.dedup();
    keys.into_iter().map(score_of_key).collect()
}

/// The part of a bin that lies in a stretch.
struct Piece {
    /// Lowest and highest key.
    low: u64,
    high: u64,
    /// Pixels, if those of the bin are spread evenly.
    pixels: f64,
}

fn for_pieces(stretches: &[(f64, f64)], histogram: &ScoreHistogram, mut see: impl FnMut(Piece)) {
    let mut stretches = stretches.iter().map(|&(low, high)| (key_of_score(low), key_of_score(high))).peekable();
    histogram.walk_down(&mut |bin: &ScoreBin| {
        let (low, high) = (key_of_score(bin.low), key_of_score(bin.high));
        while let Some(&(from, to)) = stretches.peek() {
            if from <= high && low < to {
                see(piece(bin, low.max(from), high.min(to)));
            }
            if from <= low {
                return ControlFlow::Continue(());
            }
            stretches.next();
        }
        ControlFlow::Break(())
    });
}

fn piece(bin: &ScoreBin, low: u64, high: u64) -> Piece {
    let width = |low: u64, high: u64| (high - low) as f64 + 1.0;
    let part = width(low, high) / width(key_of_score(bin.low), key_of_score(bin.high));
    Piece { low, high, pixels: (bin.positives + bin.negatives) as f64 * part }
}

/// Counts anomalous images on a grid.
struct SharedIouCounter<'a> {
    settings: &'a Settings,
    cells: GridCells,
    high: HighPixels,
    sums: &'a Mutex<SharedIou>,
    scratch: RowScratch,
}

impl Count for SharedIouCounter<'_> {
    type Seen = ();

    fn count(&mut self, _position: usize, _model: usize, frame: &Frame) -> Result<(), BadScore> {
        // Files that changed may hold anything.
        BadScore::first_in(frame, &mut self.scratch).map_or(Ok(()), Err)
    }

    fn keep(&mut self, _position: usize, _model: usize, frame: &Frame) {
        let Some(mask) = frame.mask() else { return };
        let regions = self.settings.regions_of(mask);
        let cells = self.cells.count(frame, &regions, &mut self.high, &mut self.scratch);
        self.sums.lock().unwrap_or_else(PoisonError::into_inner).add(cells, mask.anomalous_pixels());
    }
}

#[cfg(test)]
mod tests {
    use pimo_accumulator::{Resolution, ScoreCounter};
    use pimo_frame::{Comparison, Scores, Size};

    use super::*;

    /// A thousand scores, 1.000 to 1.999, each its own key.
    fn histogram() -> ScoreHistogram {
        let size = Size::new(10, 100);
        let scores = (0..1000).map(|i| 1.0 + f64::from(i) / 1000.0).collect();
        let frame = Frame::new(size, size, Scores::from_f64(scores), None).expect("scores for every pixel");
        let histogram = Mutex::new(ScoreHistogram::new(Comparison::F64, Resolution::default()));
        let mut counter = ScoreCounter::new(Comparison::F64);
        counter.count(&frame, None, &histogram, &mut RowScratch::default());
        counter.finish(&histogram);
        histogram.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn thresholds_lie_where_pixels_are() {
        let histogram = histogram();
        let everything = finer_grid(&[(f64::NEG_INFINITY, f64::INFINITY)], &histogram);
        // As many as asked for, but no two the same: every score is among them, each with the number after it.
        let ends = [1.999_f64.next_up(), 1.999, 1.0_f64.next_up(), 1.0];
        assert_eq!(everything.len(), 2000);
        assert_eq!([everything[0], everything[1], everything[1998], everything[1999]], ends);
        let some = finer_grid(&[(1.75, 1.8), (1.25, 1.5)], &histogram);
        assert!(some.is_sorted_by(|a, b| a > b));
        assert_eq!((some.first(), some.last()), (Some(&1.8), Some(&1.25)));
        assert!(some.iter().all(|at| (1.75..=1.8).contains(at) || (1.25..=1.5).contains(at)), "{some:?}");
        // Without a score in it a stretch has its ends alone.
        assert_eq!(finer_grid(&[(3.0, 4.0)], &histogram), [4.0, 3.0]);
    }
}
