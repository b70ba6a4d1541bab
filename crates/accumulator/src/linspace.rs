//! Counting against evenly spaced thresholds, as the published package does.
//!
//! The thresholds are `numpy.linspace(lowest, highest, count)` over the normal images' scores: formed in double
//! precision as `k * step + lowest`, the last one set to the highest score, then rounded to the type of the maps.

use pimo_frame::{Frame, Mask, RowScratch, RowVisitor, Sample, SampleType, half_precision};

use crate::image_score::ImageScoreSum;
use crate::{BadScore, ImageScore};

/// Evenly spaced thresholds, ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    lowest: f64,
    highest: f64,
    step: f64,
    count: usize,
    rounding: Rounding,
}

/// The type that thresholds are rounded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounding {
    F16,
    F32,
    F64,
}

/// Why there is no grid.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GridError {
    /// Fewer than two thresholds.
    #[error("{0} thresholds are too few: at least 2 are needed")]
    TooFew(usize),
    /// Normal scores are all equal.
    #[error(
        "all scores of the normal images are equal ({0}), so no range of thresholds can be formed: \
         expected the highest score to be greater than the lowest"
    )]
    NoRange(f64),
    /// Rounded to the type of the maps, neighbouring thresholds coincide.
    #[error(
        "expected thresholds to be strictly increasing, but {count} of them between {lowest} and {highest} are not \
         once rounded to {sample_type}: choose fewer thresholds, or `--thresholds exact`"
    )]
    NotIncreasing {
        /// Number of thresholds asked for.
        count: usize,
        /// Lowest score.
        lowest: f64,
        /// Highest score.
        highest: f64,
        /// Type of the maps.
        sample_type: SampleType,
    },
    /// Maps of integers, which the published package refuses.
    #[error(
        "the maps hold {0} samples, and evenly spaced thresholds are defined for floating-point maps: \
         use `--thresholds exact`, or store the maps as float32"
    )]
    Integers(SampleType),
}

impl Grid {
    /// `count` thresholds from the lowest to the highest score of maps of a type.
    ///
    /// # Errors
    /// Where the published package refuses: fewer than two thresholds, a range that is empty, thresholds that coincide
    /// in the type of the maps, maps of integers.
    pub fn new(lowest: f64, highest: f64, count: usize, sample_type: SampleType) -> Result<Self, GridError> {
        let rounding = match sample_type {
            SampleType::F16 => Rounding::F16,
            SampleType::F32 => Rounding::F32,
            SampleType::F64 => Rounding::F64,
            integer => return Err(GridError::Integers(integer)),
        };
        if count < 2 {
            return Err(GridError::TooFew(count));
        }
        if highest <= lowest {
            return Err(GridError::NoRange(lowest));
        }
        let step = (highest - lowest) / (count - 1) as f64;
        let grid = Self { lowest, highest, step, count, rounding };
        let increasing = (1..count).all(|k| grid.threshold(k) > grid.threshold(k - 1));
        if increasing { Ok(grid) } else { Err(GridError::NotIncreasing { count, lowest, highest, sample_type }) }
    }

    /// Number of thresholds.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Never: a grid has two thresholds or more.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Threshold `k`, from 0.
    #[inline]
    pub fn threshold(&self, k: usize) -> f64 {
        let exact = if k + 1 == self.count { self.highest } else { k as f64 * self.step + self.lowest };
        match self.rounding {
            Rounding::F16 => half_precision(exact),
            Rounding::F32 => f64::from(exact as f32),
            Rounding::F64 => exact,
        }
    }

    /// How many thresholds a score reaches.
    #[inline]
    pub fn reached(&self, score: f64) -> usize {
        let guess = ((score - self.lowest) / self.step) as usize;
        let mut reached = guess.min(self.count);
        while reached < self.count && self.threshold(reached) <= score {
            reached += 1;
        }
        while reached > 0 && self.threshold(reached - 1) > score {
            reached -= 1;
        }
        reached
    }
}

/// Lowest and highest score of the images seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Lowest score.
    pub lowest: f64,
    /// Highest score.
    pub highest: f64,
}

impl Extent {
    /// Of no image at all.
    pub const EMPTY: Self = Self { lowest: f64::INFINITY, highest: f64::NEG_INFINITY };

    /// Of the images of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self { lowest: self.lowest.min(other.lowest), highest: self.highest.max(other.highest) }
    }

    /// Of one frame.
    ///
    /// # Errors
    /// The first score that is NaN or infinite.
    pub fn of(frame: &Frame, scratch: &mut RowScratch) -> Result<Self, BadScore> {
        let mut seen = ExtentSeen { extent: Self::EMPTY, finite: true };
        frame.visit_rows(scratch, &mut seen);
        match (seen.finite, BadScore::first_in) {
            (true, _) => Ok(seen.extent),
            (false, first_in) => first_in(frame, scratch).map_or(Ok(seen.extent), Err),
        }
    }
}

struct ExtentSeen {
    extent: Extent,
    finite: bool,
}

impl RowVisitor for ExtentSeen {
    fn row<S: Sample>(&mut self, _y: usize, row: &[S], _mask: Option<&[u64]>) {
        let summary = S::summary(row);
        self.finite &= summary.finite;
        let row_extent = Extent { lowest: S::smallest(row).to_f64(), highest: summary.largest.to_f64() };
        self.extent = self.extent.union(row_extent);
    }
}

/// Counts the pixels of normal images that reach each threshold of a grid; one for each thread.
#[derive(Debug)]
pub struct GridCounter {
    scratch: RowScratch,
    score: ImageScoreSum,
}

impl GridCounter {
    /// A counter that also forms scores of images.
    pub fn new(image_score: ImageScore) -> Self {
        Self { scratch: RowScratch::default(), score: ImageScoreSum::new(image_score) }
    }

    /// Writes to `counts[k]` how many pixels of the frame have a score at or above threshold `k`, and returns the
    /// image's score.
    ///
    /// # Errors
    /// The first score that is NaN or infinite.
    ///
    /// # Panics
    /// If the frame has 2^32 pixels or more.
    pub fn count(&mut self, frame: &Frame, grid: &Grid, counts: &mut Vec<u32>) -> Result<f64, BadScore> {
        assert!(frame.evaluated().pixels() < 1 << 32, "the counts of one image are 32 bits wide");
        counts.clear();
        counts.resize(grid.len() + 1, 0);
        self.score.reset();
        let mut seen = GridSeen { grid, kernel: GridKernel::new(grid), counts, score: &mut self.score, finite: true };
        frame.visit_rows(&mut self.scratch, &mut seen);
        if !seen.finite
            && let Some(bad) = BadScore::first_in(frame, &mut self.scratch)
        {
            return Err(bad);
        }
        // What reaches k + 1 thresholds reaches threshold k; what reaches none is of no interest.
        let (mut above, mut reaches_next) = (0, counts.pop().unwrap_or(0));
        for count in counts.iter_mut().rev() {
            above += reaches_next;
            reaches_next = std::mem::replace(count, above);
        }
        Ok(self.score.finish())
    }
}

struct GridSeen<'a> {
    grid: &'a Grid,
    kernel: GridKernel,
    counts: &'a mut [u32],
    score: &'a mut ImageScoreSum,
    finite: bool,
}

impl RowVisitor for GridSeen<'_> {
    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, _mask: Option<&Mask>) {
        if self.score.is_largest() {
            // Neither the order of scores nor where a row ends matters.
            self.row(first, rows, None);
        } else {
            rows.chunks_exact(width).for_each(|row| self.row(first, row, None));
        }
    }

    fn row<S: Sample>(&mut self, _y: usize, row: &[S], _mask: Option<&[u64]>) {
        let summary = S::summary(row);
        self.finite &= summary.finite;
        if !summary.finite {
            return;
        }
        self.score.row(row, summary.largest);
        let mut reached = [0_u32; BLOCK];
        let mut scores = [0.0_f64; BLOCK];
        for block in row.chunks(BLOCK) {
            for (wide, score) in scores.iter_mut().zip(block) {
                *wide = score.to_f64();
            }
            if block.len() == BLOCK && self.kernel.applies && kernel_reached(&self.kernel, &scores, &mut reached) {
                for &reached in &reached {
                    self.counts[reached as usize] += 1;
                }
            } else {
                for &score in &scores[..block.len()] {
                    self.counts[self.grid.reached(score)] += 1;
                }
            }
        }
    }
}

/// Scores placed on the grid together.
const BLOCK: usize = 32;

/// The numbers that the vectorised placement needs.
///
/// With `step` added to the lowest score `k` times, threshold `k` lies where real numbers would put it, but for
/// rounding: of at most `error` in all. Let `g` be the largest whole number that is not above
/// `(score - lowest) / step + slack`. If `slack` steps are at least `error`, threshold `g + 1` lies above the score; if
/// they are at most a step less `error`, threshold `g - 1` does not. So only threshold `g` has to be asked.
#[derive(Clone, Copy, Debug)]
struct GridKernel {
    applies: bool,
    single: bool,
    lowest: f64,
    step: f64,
    per_step: f64,
    slack: f64,
    /// From this index on the last threshold, which is set and not computed, comes into play.
    end: f64,
}

impl GridKernel {
    fn new(grid: &Grid) -> Self {
        let largest = grid.lowest.abs().max(grid.highest.abs());
        // Half a unit in the last place of the rounded threshold, and generously what double precision adds.
        let rounding = if grid.rounding == Rounding::F32 { f64::from(f32::EPSILON) / 2.0 } else { 0.0 };
        let error = largest * (rounding + 8.0 * f64::EPSILON) + f64::from(f32::from_bits(1));
        // Twice as much covers the rounding of the guess as well.
        let slack = 2.0 * error / grid.step;
        Self {
            applies: grid.rounding != Rounding::F16
                && grid.count < 1 << 30
                && (1.0 / grid.step).is_finite()
                && slack + error / grid.step < 0.5,
            single: grid.rounding == Rounding::F32,
            lowest: grid.lowest,
            step: grid.step,
            per_step: 1.0 / grid.step,
            slack,
            end: grid.count as f64 - 2.0,
        }
    }
}

/// Places 32 scores between computed thresholds. Answers false where one of them is near an end of the grid.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn kernel_reached(kernel: &GridKernel, scores: &[f64; BLOCK], reached: &mut [u32; BLOCK]) -> bool {
    let GridKernel { lowest, step, per_step, slack, end, single, .. } = *kernel;
    let mut outside = false;
    for i in 0..BLOCK {
        let score = scores[i];
        let guess = ((score - lowest) * per_step + slack).floor();
        let threshold = guess * step + lowest;
        let threshold = if single { f64::from(threshold as f32) } else { threshold };
        outside |= !(guess >= 0.0 && guess < end);
        reached[i] = guess as i32 as u32 + u32::from(threshold <= score);
    }
    !outside
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pimo_frame::{Scores, Size};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_score_is_placed_as_a_plain_search_does(
            raw in proptest::collection::vec(-1.0_f32..1.0, 40..200),
            quantised in any::<bool>(),
            double in any::<bool>(),
            count in 2_usize..400,
            // Far from zero, rounding to single precision moves thresholds by a good part of a step.
            offset in prop_oneof![Just(0.0_f32), Just(-100.0), Just(1000.0), Just(8000.0), Just(20000.0)],
        ) {
            let scores: Vec<f32> =
                raw.iter().map(|&s| offset + if quantised { (s * 16.0).round() / 16.0 } else { s }).collect();
            let wide: Vec<f64> = scores.iter().map(|&s| f64::from(s)).collect();
            let size = Size::new(1, scores.len() as u32);
            let (kind, map) = if double {
                (SampleType::F64, Scores::from_f64(wide.clone()))
            } else {
                (SampleType::F32, Scores::from_f32(scores))
            };
            let frame = Frame::new(size, size, map, None).unwrap();
            let extent = Extent::of(&frame, &mut RowScratch::default()).unwrap();
            prop_assert_eq!(extent.lowest, wide.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(extent.highest, wide.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            let grid = match Grid::new(extent.lowest, extent.highest, count, kind) {
                Ok(grid) => grid,
                Err(error) => {
                    let expected = match error {
                        GridError::NotIncreasing { .. } => offset != 0.0,
                        GridError::NoRange(_) => true,
                        _ => false,
                    };
                    prop_assert!(expected, "{}", error);
                    return Ok(());
                }
            };
            let mut counts = Vec::new();
            let score = GridCounter::new(ImageScore::Max).count(&frame, &grid, &mut counts).unwrap();
            prop_assert_eq!(score, extent.highest);
            let expected: Vec<u32> =
                (0..count).map(|k| wide.iter().filter(|&&s| s >= grid.threshold(k)).count() as u32).collect();
            prop_assert_eq!(counts, expected);
            for &score in &wide {
                prop_assert_eq!(grid.reached(score), (0..count).filter(|&k| grid.threshold(k) <= score).count());
            }
            prop_assert_eq!(grid.reached(f64::from(offset) - 2.0), 0);
            prop_assert_eq!(grid.reached(f64::from(offset) + 2.0), count);
        }
    }

    #[test]
    fn thresholds_are_rounded_to_half_precision_once() {
        // The middle threshold lies just above and below the middle of two halves, closer to it than single precision
        // can tell.
        let (low, high) = (1.0, 1.0 + 2.0_f64.powi(-10));
        let middle = 1.0 + 2.0_f64.powi(-11);
        for (value, expected) in [(middle.next_up(), high), (middle, low), (middle.next_down(), low)] {
            let grid = Grid::new(value - 0.5, value + 0.5, 3, SampleType::F16).unwrap();
            assert_eq!(grid.threshold(1), expected);
        }
    }

    #[test]
    fn grids_that_the_published_package_refuses() {
        assert_eq!(Grid::new(0.0, 1.0, 1, SampleType::F32), Err(GridError::TooFew(1)));
        assert_eq!(Grid::new(0.5, 0.5, 10, SampleType::F32), Err(GridError::NoRange(0.5)));
        assert!(matches!(Grid::new(100.0, 101.0, 300_000, SampleType::F32), Err(GridError::NotIncreasing { .. })));
        assert!(matches!(Grid::new(0.0, 1.0, 300_000, SampleType::F16), Err(GridError::NotIncreasing { .. })));
        assert!(Grid::new(100.0, 101.0, 300_000, SampleType::F64).is_ok());
        assert!(Grid::new(0.0, 1.0, 100, SampleType::F16).is_ok());
        assert_eq!(Grid::new(0.0, 9.0, 10, SampleType::U8), Err(GridError::Integers(SampleType::U8)));
    }
}
