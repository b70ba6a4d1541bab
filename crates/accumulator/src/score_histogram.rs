//! A key histogram of either width, and the counters that several threads fill it with.

use std::sync::{Mutex, PoisonError};

use pimo_frame::{Comparison, Frame, RowScratch, RowVisitor};

use crate::chosen_pages::{AnomalousRows, ChosenPages};
use crate::key_cuts::KeyCuts;
use crate::score_cuts::{Keys, ScoreCuts};
use crate::score_rows::{Rows, RowsAhead, RowsBack};
use crate::{BinWalk, KeyCounter, KeyHistogram, OrderedKey, Regions, Resolution, ScoreBin, resolution};

/// The histogram of all pixels of a category, in the type in which its scores are compared.
#[derive(Clone, Debug)]
pub enum ScoreHistogram {
    /// All scores are single-precision numbers.
    Single(KeyHistogram<u32>),
    /// Some scores need double precision.
    Double(KeyHistogram<u64>),
}

/// One thread's counts on their way to a [`ScoreHistogram`] of the same type.
#[derive(Clone, Debug)]
pub enum ScoreCounter {
    /// Of single-precision scores.
    Single(KeyCounter<u32>),
    /// Of scores of any type.
    Double(KeyCounter<u64>),
}

impl ScoreHistogram {
    /// An empty histogram for scores that are compared in this type.
    pub fn new(comparison: Comparison, resolution: Resolution) -> Self {
        match comparison {
            Comparison::F32 => Self::Single(KeyHistogram::new(resolution)),
            Comparison::F64 => Self::Double(KeyHistogram::new(resolution)),
        }
    }

    /// Bytes that a histogram takes at most.
    pub const fn bytes(comparison: Comparison, resolution: Resolution) -> u64 {
        match comparison {
            Comparison::F32 => resolution.bytes::<u32>(),
            Comparison::F64 => resolution.bytes::<u64>(),
        }
    }

    /// The occupied bins from the highest scores to the lowest.
    pub fn bins(&self) -> Vec<ScoreBin> {
        match self {
            Self::Single(histogram) => histogram.bins(),
            Self::Double(histogram) => histogram.bins(),
        }
    }

    /// The same, with only a part of them in memory at a time.
    pub fn descending(&self) -> Box<dyn Iterator<Item = ScoreBin> + '_> {
        match self {
            Self::Single(histogram) => Box::new(histogram.descending()),
            Self::Double(histogram) => Box::new(histogram.descending()),
        }
    }

    /// As [`KeyHistogram::walk_down`].
    #[inline]
    pub fn walk_down(&self, walk: &mut impl BinWalk) {
        match self {
            Self::Single(histogram) => histogram.walk_down(walk),
            Self::Double(histogram) => histogram.walk_down(walk),
        }
    }

    /// The page in which a score is counted: pages are numbered in the order of scores.
    pub fn page_of(&self, score: f64) -> usize {
        match self {
            Self::Single(_) => <u32 as OrderedKey>::of(score).prefix(),
            Self::Double(_) => <u64 as OrderedKey>::of(score).prefix(),
        }
    }

    /// Most different scores of one page in single precision.
    pub const SCORES_OF_PAGE: u64 = 1 << u32::LOW_BITS;

    /// Most bins of one page that is divided.
    pub fn most_of_page() -> u64 {
        1 << resolution::MOST_BITS
    }

    /// As [`Self::walk_down`], with the bins of cuts in place of those of the pages that they have.
    ///
    /// # Panics
    /// If the cuts are of the other type.
    #[inline]
    pub fn walk_down_cut(&self, cuts: &[ScoreCuts], walk: &mut impl BinWalk) {
        match self {
            Self::Single(histogram) => histogram.walk_down_cut(&keys_of(cuts, Keys::single), walk),
            Self::Double(histogram) => histogram.walk_down_cut(&keys_of(cuts, Keys::double), walk),
        }
    }

    /// The histogram of single-precision keys, for a counter of these.
    fn single(&mut self) -> &mut KeyHistogram<u32> {
        match self {
            Self::Single(histogram) => histogram,
            Self::Double(_) => unreachable!("{MISMATCH}"),
        }
    }

    /// The histogram of double-precision keys, for a counter of these.
    fn double(&mut self) -> &mut KeyHistogram<u64> {
        match self {
            Self::Double(histogram) => histogram,
            Self::Single(_) => unreachable!("{MISMATCH}"),
        }
    }
}

impl ScoreCounter {
    /// A counter for a histogram of this type.
    pub fn new(comparison: Comparison) -> Self {
        match comparison {
            Comparison::F32 => Self::Single(KeyCounter::new()),
            Comparison::F64 => Self::Double(KeyCounter::new()),
        }
    }

    /// Bytes that a counter takes at most beside a histogram of this resolution.
    pub const fn bytes(comparison: Comparison, resolution: Resolution) -> u64 {
        match comparison {
            Comparison::F32 => KeyCounter::<u32>::bytes(resolution),
            Comparison::F64 => KeyCounter::<u64>::bytes(resolution),
        }
    }

    /// Counts every pixel of a frame, those in `regions` as anomalous with their regions' weights. What waits is added
    /// to the histogram whenever it is much.
    ///
    /// # Panics
    /// If the histogram is of the other type.
    pub fn count(
        &mut self,
        frame: &Frame,
        regions: Option<&Regions>,
        histogram: &Mutex<ScoreHistogram>,
        scratch: &mut RowScratch,
    ) {
        self.begin();
        self.keep(frame, regions, histogram, scratch);
    }

    /// Begins a frame, and forgets how far one was counted that was neither kept nor taken back.
    fn begin(&mut self) {
        match self {
            Self::Single(counter) => counter.begin_ahead(),
            Self::Double(counter) => counter.begin_ahead(),
        }
    }

    /// Begins to count a frame that others look at too, and of which nobody knows whether it is good: the visitor is to
    /// be shown it, and then the frame is to be [kept](Self::keep) or [taken back](Self::take_back), with the same
    /// regions. A counter of single-precision scores takes no others.
    pub fn ahead<'a>(&'a mut self, regions: Option<&'a Regions>) -> impl RowVisitor + 'a {
        self.begin();
        match self {
            Self::Single(counter) => (Some(RowsAhead { counter, regions }), None),
            Self::Double(counter) => (None, Some(RowsAhead { counter, regions })),
        }
    }

    /// Counts what is left of a frame that was counted [ahead](Self::ahead), which is good.
    ///
    /// # Panics
    /// If the histogram is of the other type.
    pub fn keep(
        &mut self,
        frame: &Frame,
        regions: Option<&Regions>,
        histogram: &Mutex<ScoreHistogram>,
        scratch: &mut RowScratch,
    ) {
        match self {
            Self::Single(counter) => keep(counter, frame, regions, histogram, ScoreHistogram::single, scratch),
            Self::Double(counter) => keep(counter, frame, regions, histogram, ScoreHistogram::double, scratch),
        }
    }

    /// Takes a frame back that was counted [ahead](Self::ahead), as if it had not been there. False if its scores are
    /// no longer those that were counted: then something of them is left, and the counts are worth nothing.
    #[must_use]
    pub fn take_back(&mut self, frame: &Frame, regions: Option<&Regions>, scratch: &mut RowScratch) -> bool {
        match self {
            Self::Single(counter) => take_back(counter, frame, regions, scratch),
            Self::Double(counter) => take_back(counter, frame, regions, scratch),
        }
    }

    /// Whether something of a frame has been counted [ahead](Self::ahead) that is neither kept nor taken back.
    pub fn is_ahead(&self) -> bool {
        match self {
            Self::Single(counter) => counter.rows_ahead() > 0,
            Self::Double(counter) => counter.rows_ahead() > 0,
        }
    }

    /// Counts those anomalous pixels of a frame, the ones in `regions`, that lie in these pages.
    ///
    /// # Panics
    /// If the histogram is of the other type.
    pub fn count_anomalous(
        &mut self,
        frame: &Frame,
        regions: &Regions,
        pages: &ChosenPages,
        histogram: &Mutex<ScoreHistogram>,
        scratch: &mut RowScratch,
    ) {
        let regions = Some(regions);
        match self {
            Self::Single(counter) => {
                let rows = Rows { counter, regions, from: 0, histogram, of_type: ScoreHistogram::single };
                frame.visit_rows(scratch, &mut AnomalousRows { rows, pages });
            }
            Self::Double(counter) => {
                let rows = Rows { counter, regions, from: 0, histogram, of_type: ScoreHistogram::double };
                frame.visit_rows(scratch, &mut AnomalousRows { rows, pages });
            }
        }
    }

    /// Adds everything counted to the histogram.
    ///
    /// # Panics
    /// If the histogram is of the other type.
    pub fn finish(&mut self, histogram: &Mutex<ScoreHistogram>) {
        match self {
            Self::Single(counter) => finish(counter, histogram, ScoreHistogram::single),
            Self::Double(counter) => finish(counter, histogram, ScoreHistogram::double),
        }
    }
}

const MISMATCH: &str = "a counter was given a histogram of the other type";

fn keys_of<K: OrderedKey>(cuts: &[ScoreCuts], of_type: fn(&Keys) -> &KeyCuts<K>) -> Vec<&KeyCuts<K>> {
    cuts.iter().map(|cuts| of_type(&cuts.keys)).collect()
}

fn lock(histogram: &Mutex<ScoreHistogram>) -> std::sync::MutexGuard<'_, ScoreHistogram> {
    histogram.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep<K: OrderedKey>(
    counter: &mut KeyCounter<K>,
    frame: &Frame,
    regions: Option<&Regions>,
    histogram: &Mutex<ScoreHistogram>,
    of_type: fn(&mut ScoreHistogram) -> &mut KeyHistogram<K>,
    scratch: &mut RowScratch,
) {
    let from = counter.rows_ahead();
    counter.keep_ahead();
    let mut rows = Rows { counter, regions, from, histogram, of_type };
    rows.hand_over();
    if from < frame.evaluated().height as usize {
        frame.visit_rows(scratch, &mut rows);
    }
}

fn finish<K: OrderedKey>(
    counter: &mut KeyCounter<K>,
    histogram: &Mutex<ScoreHistogram>,
    of_type: fn(&mut ScoreHistogram) -> &mut KeyHistogram<K>,
) {
    let arranged = counter.arrange();
    counter.finish_arranged(&arranged, of_type(&mut lock(histogram)));
}

fn take_back<K: OrderedKey>(
    counter: &mut KeyCounter<K>,
    frame: &Frame,
    regions: Option<&Regions>,
    scratch: &mut RowScratch,
) -> bool {
    if counter.rows_ahead() > 0 {
        frame.visit_rows(scratch, &mut RowsBack { counter, regions });
    }
    counter.forget_ahead()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use pimo_frame::{Mask, Scores, Size};

    use super::*;
    use crate::Connectivity;

    /// Both types, and one thread or three, see the same.
    #[test]
    fn threads_and_types_agree_on_the_counts() {
        let size = Size::new(40, 50);
        let frames: Vec<Vec<f32>> = (0..6)
            .map(|image| (0..size.pixels()).map(|i| ((i * 7919 + image * 104_729) % 1013) as f32 / 8.0).collect())
            .collect();
        let mask = Arc::new(Mask::from_fn(size, |y, x| (y / 7 + x / 9) % 3 == 0));
        let regions = Regions::of(&mask, Connectivity::Eight);
        let count = |comparison: Comparison, threads: usize| {
            let histogram = Mutex::new(ScoreHistogram::new(comparison, Resolution::default()));
            std::thread::scope(|scope| {
                for thread in 0..threads {
                    let (frames, regions, histogram, mask) = (&frames, &regions, &histogram, &mask);
                    scope.spawn(move || {
                        let mut counter = ScoreCounter::new(comparison);
                        for scores in frames.iter().skip(thread).step_by(threads) {
                            let scores = match comparison {
                                Comparison::F32 => Scores::from_f32(scores.clone()),
                                Comparison::F64 => Scores::from_f64(scores.iter().map(|&s| s.into()).collect()),
                            };
                            let frame = Frame::new(size, size, scores, Some(Arc::clone(mask))).unwrap();
                            counter.count(&frame, Some(regions), histogram, &mut RowScratch::default());
                        }
                        counter.finish(histogram);
                    });
                }
            });
            histogram.into_inner().unwrap().bins()
        };
        let single = count(Comparison::F32, 1);
        assert_eq!(single.len(), 1013);
        assert_eq!(single, count(Comparison::F32, 3));
        assert_eq!(single, count(Comparison::F64, 2));
    }
}
