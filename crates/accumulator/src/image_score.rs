//! One score for a whole image.

use pimo_frame::Sample;

use crate::key::{key_of_score, score_of_key};
use crate::score_sum::ScoreSum;
use crate::top::TopRuns;

/// How the scores of an image's pixels, at evaluation size, become the score of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageScore {
    /// The largest.
    #[default]
    Max,
    /// The mean.
    Mean,
    /// The mean of the `k` largest (of all of them in an image with fewer pixels); `k` is at least 1.
    MeanTop(u64),
}

/// Sums of scores that go on side by side, to be neither waited for nor too many for a processor.
const LANES: usize = 8;

/// Forms the score of one image, row by row.
#[derive(Debug, Default)]
pub(crate) struct ImageScoreSum {
    kind: ImageScore,
    largest: f64,
    sum: ScoreSum<LANES>,
    pixels: u64,
    top: TopRuns,
}

impl ImageScoreSum {
    pub(crate) fn new(kind: ImageScore) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Begins a new image.
    pub(crate) fn reset(&mut self) {
        self.largest = f64::NEG_INFINITY;
        self.sum = ScoreSum::default();
        self.pixels = 0;
        if let ImageScore::MeanTop(k) = self.kind {
            self.top.reset(k, 0);
        }
    }

    /// Whether nothing but the largest score matters, so that rows may be added together.
    pub(crate) const fn is_largest(&self) -> bool {
        matches!(self.kind, ImageScore::Max)
    }

    /// Adds a row whose largest score is known.
    pub(crate) fn row<S: Sample>(&mut self, row: &[S], largest: S) {
        self.largest = self.largest.max(largest.to_f64());
        match self.kind {
            ImageScore::Max => {}
            ImageScore::Mean => {
                self.sum.add(row);
                self.pixels += row.len() as u64;
            }
            ImageScore::MeanTop(_) => {
                let floor = self.top.floor();
                if key_of_score(largest.to_f64()) >= floor {
                    let keys = row.iter().map(|score| key_of_score(score.to_f64()));
                    keys.filter(|&key| key >= floor).for_each(|key| self.top.push(key));
                    self.top.settle();
                }
            }
        }
    }

    /// The score of the image.
    pub(crate) fn finish(&mut self) -> f64 {
        match self.kind {
            // The key makes -0.0 the same score as +0.0 here too.
            ImageScore::Max => score_of_key(key_of_score(self.largest)),
            ImageScore::Mean => self.sum.mean(self.pixels),
            ImageScore::MeanTop(k) => {
                let (mut left, mut sum, mut pixels) = (k, ScoreSum::<1>::default(), 0);
                for run in self.top.runs() {
                    let taken = run.count.min(left);
                    sum.add_times(score_of_key(run.key), taken);
                    pixels += taken;
                    left -= taken;
                }
                sum.mean(pixels)
            }
        }
    }
}
