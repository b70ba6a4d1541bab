//! One image, as a test makes it up.

use pimo_frame::{Frame, Mask, RowScratch, RowVisitor, Sample, Scores, Size};

/// A map with its mask. The mask has the evaluation size; an empty one belongs to a normal image.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) native: Size,
    pub(crate) evaluated: Size,
    pub(crate) single: bool,
    pub(crate) scores: Vec<f64>,
    pub(crate) mask: Vec<bool>,
}

/// What the oracles know of an image: its scores at evaluation size, as numbers, and which of them are anomalous.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    pub(crate) scores: Vec<f64>,
    pub(crate) mask: Vec<bool>,
}

impl Input {
    pub(crate) fn frame(&self) -> Frame {
        let scores = if self.single {
            Scores::from_f32(self.scores.iter().map(|&score| score as f32).collect())
        } else {
            Scores::from_f64(self.scores.clone())
        };
        let width = self.evaluated.width as usize;
        let mask = (!self.mask.is_empty()).then(|| Mask::from_fn(self.evaluated, |y, x| self.mask[y * width + x]));
        Frame::new(self.native, self.evaluated, scores, mask.map(Into::into)).unwrap()
    }

    /// The image as the oracles see it. Resampling is checked elsewhere, so its result is taken from the frame.
    pub(crate) fn plain(&self) -> Plain {
        let scores = if self.native == self.evaluated { self.scores.clone() } else { rows(&self.frame()) };
        Plain { scores, mask: self.mask.clone() }
    }

    /// The same map with another mask.
    pub(crate) fn with_mask(&self, mask: Vec<bool>) -> Self {
        Self { mask, ..self.clone() }
    }
}

/// All scores of a frame at evaluation size.
pub(crate) fn rows(frame: &Frame) -> Vec<f64> {
    struct Collect(Vec<f64>);
    impl RowVisitor for Collect {
        fn row<S: Sample>(&mut self, _y: usize, row: &[S], _mask: Option<&[u64]>) {
            self.0.extend(row.iter().map(|score| score.to_f64()));
        }
    }
    let mut rows = Collect(Vec::new());
    frame.visit_rows(&mut RowScratch::default(), &mut rows);
    rows.0
}

/// The 8-connected regions of a mask, each as a mask of its own.
pub(crate) fn regions(mask: &[bool], size: Size) -> Vec<Vec<bool>> {
    let (height, width) = (size.height as isize, size.width as isize);
    let mut left = mask.to_vec();
    let mut regions = Vec::new();
    while let Some(seed) = left.iter().position(|&anomalous| anomalous) {
        let mut region = vec![false; mask.len()];
        let mut open = vec![seed];
        left[seed] = false;
        while let Some(pixel) = open.pop() {
            region[pixel] = true;
            let (y, x) = (pixel as isize / width, pixel as isize % width);
            for (y, x) in (-1..2).flat_map(|dy| (-1..2).map(move |dx| (y + dy, x + dx))) {
                let inside = (0..height).contains(&y) && (0..width).contains(&x);
                if inside && std::mem::take(&mut left[(y * width + x) as usize]) {
                    open.push((y * width + x) as usize);
                }
            }
        }
        regions.push(region);
    }
    regions
}
