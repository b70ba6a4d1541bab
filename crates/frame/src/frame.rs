//! One anomaly map with its mask.

use std::sync::Arc;

use crate::resample::{Real, ResampleScratch, RowScratch};
use crate::{Mask, Resampler, Sample, Scores, Size};

/// One anomaly map at its native size, its mask, and the size at which it is evaluated.
#[derive(Debug)]
pub struct Frame {
    native: Size,
    evaluated: Size,
    scores: Scores,
    mask: Option<Arc<Mask>>,
}

/// Why parts do not make a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A side of the map or of the evaluation size is zero.
    #[error("the anomaly map is {native} and its evaluation size {evaluated}; every side needs at least one pixel")]
    Empty {
        /// Size of the map.
        native: Size,
        /// Size at which it was to be evaluated.
        evaluated: Size,
    },
    /// The number of scores is not the number of pixels.
    #[error("an anomaly map of {native} has {scores} scores")]
    WrongLength {
        /// Size of the map.
        native: Size,
        /// Number of scores given.
        scores: usize,
    },
    /// The mask has another size than the evaluation size.
    #[error("the mask is {mask} but the evaluation size is {evaluated}")]
    WrongMask {
        /// Size of the mask.
        mask: Size,
        /// Size at which the map was to be evaluated.
        evaluated: Size,
    },
}

/// Something that looks at an anomaly map at its evaluation size, row after row.
pub trait RowVisitor {
    /// Row `y` (from 0, in order), and the mask's words of that row if the frame has a mask.
    fn row<S: Sample>(&mut self, y: usize, row: &[S], mask: Option<&[u64]>);

    /// Whole rows of `width` scores, one behind the other, from row `first` on; the mask is that of the whole image.
    ///
    /// Shows them one by one. A visitor that has nothing to say of most rows can look at all of these at once first:
    /// memory is read faster in longer stretches.
    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, mask: Option<&Mask>) {
        for (y, row) in (first..).zip(rows.chunks_exact(width)) {
            self.row(y, row, mask.map(|mask| mask.row(y)));
        }
    }
}

/// Ignores all rows.
impl RowVisitor for () {
    fn row<S: Sample>(&mut self, _y: usize, _row: &[S], _mask: Option<&[u64]>) {}

    fn rows<S: Sample>(&mut self, _first: usize, _rows: &[S], _width: usize, _mask: Option<&Mask>) {}
}

impl<V: RowVisitor> RowVisitor for &mut V {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], mask: Option<&[u64]>) {
        (**self).row(y, row, mask);
    }

    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, mask: Option<&Mask>) {
        (**self).rows(first, rows, width, mask);
    }
}

impl<V: RowVisitor> RowVisitor for Option<V> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], mask: Option<&[u64]>) {
        if let Some(visitor) = self {
            visitor.row(y, row, mask);
        }
    }

    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, mask: Option<&Mask>) {
        if let Some(visitor) = self {
            visitor.rows(first, rows, width, mask);
        }
    }
}

/// Shows rows to both visitors: the map is read from memory, and resampled, only once.
impl<A: RowVisitor, B: RowVisitor> RowVisitor for (A, B) {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], mask: Option<&[u64]>) {
        self.0.row(y, row, mask);
        self.1.row(y, row, mask);
    }

    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, mask: Option<&Mask>) {
        self.0.rows(first, rows, width, mask);
        self.1.rows(first, rows, width, mask);
    }
}

/// Scores shown together at most: they stay in the cache next to the processor while they are looked at again.
const TOGETHER: usize = 8192;

impl Frame {
    /// Joins a map of `native` size with its mask; it is evaluated at size `evaluated`.
    ///
    /// # Errors
    /// A side of length zero, a number of scores that is not the number of pixels, a mask that does not have the
    /// evaluation size.
    pub fn new(native: Size, evaluated: Size, scores: Scores, mask: Option<Arc<Mask>>) -> Result<Self, FrameError> {
        if native.pixels() == 0 || evaluated.pixels() == 0 {
            return Err(FrameError::Empty { native, evaluated });
        }
        if scores.len() as u64 != native.pixels() {
            return Err(FrameError::WrongLength { native, scores: scores.len() });
        }
        match &mask {
            Some(mask) if mask.size() != evaluated => Err(FrameError::WrongMask { mask: mask.size(), evaluated }),
            _ => Ok(Self { native, evaluated, scores, mask }),
        }
    }

    /// Size of the stored map.
    pub const fn native(&self) -> Size {
        self.native
    }

    /// Size at which the map is evaluated.
    pub const fn evaluated(&self) -> Size {
        self.evaluated
    }

    /// The scores at native size.
    pub const fn scores(&self) -> &Scores {
        &self.scores
    }

    /// The mask; `None` says that no pixel is anomalous.
    pub fn mask(&self) -> Option<&Mask> {
        self.mask.as_deref()
    }

    /// Shows every row at evaluation size to the visitor, resampling where the sizes differ.
    ///
    /// `scratch` keeps the memory for resampling between frames.
    pub fn visit_rows(&self, scratch: &mut RowScratch, visitor: &mut impl RowVisitor) {
        match &self.scores {
            Scores::F32(storage) => self.visit(storage.as_ref().as_ref(), &mut scratch.f32, visitor),
            Scores::F64(storage) => self.visit(storage.as_ref().as_ref(), &mut scratch.f64, visitor),
        }
    }

    fn visit<S: Real>(&self, native: &[S], scratch: &mut ResampleScratch<S>, visitor: &mut impl RowVisitor) {
        if self.native == self.evaluated {
            let width = self.native.width as usize;
            let together = (TOGETHER / width).max(1);
            for (strip, rows) in native.chunks(together * width).enumerate() {
                visitor.rows(strip * together, rows, width, self.mask());
            }
        } else {
            let mask_row = |y| self.mask.as_ref().map(|mask| mask.row(y));
            let mut resampler = Resampler::new(self.native, self.evaluated, scratch);
            for y in 0..self.evaluated.height as usize {
                visitor.row(y, resampler.row(native, y), mask_row(y));
            }
        }
    }
}
