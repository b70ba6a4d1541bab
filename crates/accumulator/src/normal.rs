//! Counting normal images.

use pimo_frame::{Frame, Mask, RowScratch, RowVisitor, Sample};

use crate::image_score::ImageScoreSum;
use crate::key::{key_of_score, score_of_key};
use crate::linspace::Extent;
use crate::top::TopRuns;
use crate::{BadScore, ImageScore, Run};

/// Looks at one normal image after the other; one for each thread.
#[derive(Debug)]
pub struct NormalCounter {
    scratch: RowScratch,
    seen: Seen,
}

/// What a normal image has to say.
#[derive(Debug)]
pub struct NormalCounts<'a> {
    /// The image's score.
    pub image_score: f64,
    /// The image's largest scores, largest first, complete down to the last one.
    pub largest: &'a [Run],
    /// Lowest and highest score, if they were asked for.
    pub extent: Option<Extent>,
}

#[derive(Debug)]
struct Seen {
    top: TopRuns,
    score: ImageScoreSum,
    finite: bool,
    extent: Option<Extent>,
}

impl NormalCounter {
    /// A counter that also forms scores of images.
    pub fn new(image_score: ImageScore) -> Self {
        let seen = Seen { top: TopRuns::default(), score: ImageScoreSum::new(image_score), finite: true, extent: None };
        Self { scratch: RowScratch::default(), seen }
    }

    /// The same, looking for lowest and highest scores too.
    #[must_use]
    pub fn with_extent(mut self) -> Self {
        self.seen.extent = Some(Extent::EMPTY);
        self
    }

    /// Looks at a frame of a normal image: its `wanted` largest scores among those whose key is at least `floor`.
    ///
    /// # Errors
    /// The first score that is NaN or infinite.
    pub fn count(&mut self, frame: &Frame, wanted: u64, floor: u64) -> Result<NormalCounts<'_>, BadScore> {
        self.count_beside(frame, wanted, floor, &mut ())
    }

    /// The same, and every row is shown to `others` first. What these saw is worth nothing if a score is bad.
    ///
    /// # Errors
    /// The first score that is NaN or infinite.
    pub fn count_beside(
        &mut self,
        frame: &Frame,
        wanted: u64,
        floor: u64,
        others: &mut impl RowVisitor,
    ) -> Result<NormalCounts<'_>, BadScore> {
        self.seen.top.reset(wanted, floor);
        self.seen.score.reset();
        self.seen.finite = true;
        self.seen.extent = self.seen.extent.map(|_| Extent::EMPTY);
        frame.visit_rows(&mut self.scratch, &mut (others, &mut self.seen));
        if !self.seen.finite
            && let Some(bad) = BadScore::first_in(frame, &mut self.scratch)
        {
            return Err(bad);
        }
        Ok(NormalCounts {
            image_score: self.seen.score.finish(),
            extent: self.seen.extent,
            largest: self.seen.top.runs(),
        })
    }
}

impl RowVisitor for Seen {
    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, mask: Option<&Mask>) {
        if self.score.is_largest() {
            // The order of scores does not matter, nor where a row ends.
            self.row(first, rows, None);
        } else {
            for (y, row) in (first..).zip(rows.chunks_exact(width)) {
                self.row(y, row, mask.map(|mask| mask.row(y)));
            }
        }
    }

    fn row<S: Sample>(&mut self, _y: usize, row: &[S], _mask: Option<&[u64]>) {
        let summary = S::summary(row);
        self.finite &= summary.finite;
        self.score.row(row, summary.largest);
        if let Some(extent) = &mut self.extent {
            *extent = extent.union(Extent { lowest: S::smallest(row).to_f64(), highest: summary.largest.to_f64() });
        }
        let floor = S::at_least(score_of_key(self.top.floor().max(LOWEST)));
        if summary.largest >= floor {
            let reached = row.iter().filter(|&&score| score >= floor);
            reached.for_each(|score| self.top.push(key_of_score(score.to_f64())));
            self.top.settle();
        }
    }
}

/// Key of negative infinity: no score lies below.
const LOWEST: u64 = !f64::NEG_INFINITY.to_bits();
