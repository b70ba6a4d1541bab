//! A key histogram of either width, and the counters that several threads fill it with.

use std::sync::{Mutex, PoisonError};

use pimo_frame::{Comparison, Frame, RowScratch, RowVisitor, Sample};

use crate::{KeyCounter, KeyHistogram, OrderedKey, RegionRun, Regions, Resolution, ScoreBin};

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

    /// Whether every pixel is known by its exact score.
    pub fn is_exact(&self) -> bool {
        match self {
            Self::Single(histogram) => histogram.is_exact(),
            Self::Double(histogram) => histogram.is_exact(),
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
        match self {
            Self::Single(counter) => {
                let flush = |counter: &mut KeyCounter<u32>| match &mut *lock(histogram) {
                    ScoreHistogram::Single(histogram) => counter.flush(histogram),
                    ScoreHistogram::Double(_) => unreachable!("{MISMATCH}"),
                };
                frame.visit_rows(scratch, &mut Rows { counter, regions, flush });
            }
            Self::Double(counter) => {
                let flush = |counter: &mut KeyCounter<u64>| match &mut *lock(histogram) {
                    ScoreHistogram::Double(histogram) => counter.flush(histogram),
                    ScoreHistogram::Single(_) => unreachable!("{MISMATCH}"),
                };
                frame.visit_rows(scratch, &mut Rows { counter, regions, flush });
            }
        }
    }

    /// Adds everything counted to the histogram.
    ///
    /// # Panics
    /// If the histogram is of the other type.
    pub fn finish(&mut self, histogram: &Mutex<ScoreHistogram>) {
        match (self, &mut *lock(histogram)) {
            (Self::Single(counter), ScoreHistogram::Single(histogram)) => counter.finish(histogram),
            (Self::Double(counter), ScoreHistogram::Double(histogram)) => counter.finish(histogram),
            _ => unreachable!("{MISMATCH}"),
        }
    }
}

const MISMATCH: &str = "a counter was given a histogram of the other type";

fn lock(histogram: &Mutex<ScoreHistogram>) -> std::sync::MutexGuard<'_, ScoreHistogram> {
    histogram.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Rows<'a, K: OrderedKey, F> {
    counter: &'a mut KeyCounter<K>,
    regions: Option<&'a Regions>,
    flush: F,
}

impl<K: OrderedKey, F: FnMut(&mut KeyCounter<K>)> RowVisitor for Rows<'_, K, F> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        let (runs, weights): (&[RegionRun], &[u128]) =
            self.regions.map_or((&[], &[]), |regions| (regions.row(y), regions.weights()));
        self.counter.count_row(row, runs, weights);
        if self.counter.is_full() {
            (self.flush)(self.counter);
        }
    }
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
