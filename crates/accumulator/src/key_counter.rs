//! One thread's counts, until they are added to the key histogram.
//!
//! Normal pixels are counted in [cells](crate::key_cells) or overflow; those that overflow are sorted into the
//! histogram when there are many. Maps of real numbers overflow until the histogram divides their pages, which takes
//! an image or two; few-valued maps until their values are known. Anomalous pixels, being few, are collected with their
//! region weights and added one by one.

use pimo_frame::Sample;

use crate::key_cells::{Cells, Division};
use crate::key_page::Page;
use crate::key_sort::sort_keys;
use crate::{KeyHistogram, OrderedKey, RegionRun, Resolution};

/// Normal pixels that overflowed that make a counter [full](KeyCounter::is_full).
const OVERFLOWING: usize = 1 << 19;
/// Anomalous pixels that do.
const WAITING: usize = 1 << 17;
/// Pixels in cells that do; cells hold more than two hundred times as many.
const MOST_COUNTED: u64 = 1 << 31;
/// Cells that pages may have that are lists in the histogram.
const STRICT_CELLS: usize = 1 << 18;

/// Counts rows of scores on behalf of a [`KeyHistogram`]. One for each thread.
///
/// Scores that are NaN or infinite are counted somewhere but harm nothing; check a map before it is counted.
///
/// ```
/// use pimo_accumulator::{Connectivity, KeyCounter, KeyHistogram, Regions, Resolution};
/// use pimo_frame::{Mask, Size};
///
/// let mut histogram = KeyHistogram::<u32>::new(Resolution::default());
/// let mut counter = KeyCounter::new();
/// let regions = Regions::of(&Mask::from_fn(Size::new(1, 4), |_, x| x == 2), Connectivity::Eight);
/// counter.count_row(&[0.5_f32, 0.25, 0.5, 0.25], regions.row(0), regions.weights());
/// counter.finish(&mut histogram);
/// let bins = histogram.bins();
/// assert_eq!((bins[0].low, bins[0].positives, bins[0].negatives), (0.5, 1, 1));
/// assert_eq!((bins[1].low, bins[1].positives, bins[1].negatives), (0.25, 0, 2));
/// ```
#[derive(Clone, Debug)]
pub struct KeyCounter<K: OrderedKey> {
    cells: Cells<K>,
    /// Prefixes that have cells.
    pages: Vec<usize>,
    overflow: Vec<K>,
    positives: Vec<(K, u128)>,
    /// Pixels counted in cells since the last finish.
    counted: u64,
}

impl<K: OrderedKey> Default for KeyCounter<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: OrderedKey> KeyCounter<K> {
    /// A counter that has counted nothing.
    pub fn new() -> Self {
        Self { cells: Cells::new(), pages: Vec::new(), overflow: Vec::new(), positives: Vec::new(), counted: 0 }
    }

    /// Bytes that a counter takes at most beside a histogram of this resolution.
    pub const fn bytes(resolution: Resolution) -> u64 {
        // Twice what waits, since a row may come on top and vectors double, and room to sort it.
        let waiting =
            3 * OVERFLOWING as u64 * size_of::<K>() as u64 + 2 * WAITING as u64 * size_of::<(K, u128)>() as u64;
        Cells::<K>::bytes(most_cells(resolution) as u64) + waiting
    }

    /// Counts one row; a counter of single-precision keys takes rows in single precision only. The pixels in `runs` are
    /// anomalous, and `weights` has the weight of each run's region.
    ///
    /// Rows may be counted without end; memory stays bounded if the counter is [flushed](Self::flush) whenever it
    /// [is full](Self::is_full), and the histogram is whole when every counter has [finished](Self::finish).
    ///
    /// # Panics
    /// If the runs are not in the row, from left to right, or name regions without a weight.
    pub fn count_row<S: Sample>(&mut self, row: &[S], runs: &[RegionRun], weights: &[u128]) {
        let mut at = 0;
        for run in runs {
            let (start, end) = (run.start as usize, run.end as usize);
            self.count_normal(&row[at..start]);
            let weight = weights[run.region as usize];
            self.positives.extend(row[start..end].iter().map(|&score| (K::of(score.to_f64()), weight)));
            at = end;
        }
        self.count_normal(&row[at..]);
    }

    fn count_normal<S: Sample>(&mut self, scores: &[S]) {
        self.counted += scores.len() as u64;
        self.cells.count(scores, &mut self.overflow);
    }

    /// Whether the counter should be flushed soon: a row later at best.
    pub fn is_full(&self) -> bool {
        self.overflow.len() >= OVERFLOWING || self.positives.len() >= WAITING || self.counted >= MOST_COUNTED
    }

    /// Adds what waits to the histogram, takes over its resolution, and is no longer full.
    ///
    /// Counts of pages whose resolution stays the same remain here until [`Self::finish`].
    pub fn flush(&mut self, histogram: &mut KeyHistogram<K>) {
        if self.counted >= MOST_COUNTED {
            self.drain_cells(histogram);
        }
        self.drain_waiting(histogram);
        self.adopt_divisions(histogram);
    }

    /// Adds everything counted to the histogram. The counter can go on counting, and has to be finished again then.
    pub fn finish(&mut self, histogram: &mut KeyHistogram<K>) {
        self.drain_cells(histogram);
        self.drain_waiting(histogram);
    }

    fn drain_waiting(&mut self, histogram: &mut KeyHistogram<K>) {
        sort_keys(&mut self.overflow);
        histogram.absorb_negatives(&self.overflow);
        self.overflow.clear();
        histogram.absorb_positives(&mut self.positives);
        histogram.settle();
    }

    fn drain_cells(&mut self, histogram: &mut KeyHistogram<K>) {
        for prefix in std::mem::take(&mut self.pages) {
            self.drain_page(prefix, histogram);
        }
        self.cells.clear();
        self.counted = 0;
    }

    fn drain_page(&mut self, prefix: usize, histogram: &mut KeyHistogram<K>) {
        let mut tallies = self.cells.take(prefix).peekable();
        if tallies.peek().is_some() {
            histogram.page(prefix).absorb_negatives(tallies);
        }
    }

    /// Gives cells to pages that have none, or not enough, after adding what they have counted to the histogram, and
    /// takes over its bins for the others. Pages that are divided more finely here stay so until then.
    fn adopt_divisions(&mut self, histogram: &mut KeyHistogram<K>) {
        let wanted = self.wanted_divisions(histogram);
        if wanted.is_empty() {
            return;
        }
        // Cells of pages that get others are given up before the others are made.
        for (prefix, _) in &wanted {
            self.drain_page(*prefix, histogram);
        }
        self.pages.retain(|&prefix| self.cells.division(prefix).is_some());
        // The fewer cells, the sooner they are mixed, and the more of them are in the cache.
        self.cells.compact(&self.pages, |prefix| histogram.page_bits(prefix));
        if histogram.over {
            self.cells.reserve(most_cells(histogram.resolution));
        }
        for (prefix, division) in wanted {
            self.pages.push(prefix);
            // What is mixed there will be mixed in the end, whatever is counted here.
            let width = K::LOW_BITS - division.bits;
            let bins = histogram.page(prefix).negatives.iter();
            let mixed = bins.filter(|bin| bin.mixed).map(|bin| (bin.low.into() >> width) as usize);
            self.cells.place(prefix, division, mixed);
        }
        histogram.settle();
    }

    /// Pages that should be divided otherwise than they are here.
    fn wanted_divisions(&self, histogram: &KeyHistogram<K>) -> Vec<(usize, Division)> {
        let mut wanted = Vec::new();
        let mut strict = Vec::new();
        for page in &histogram.pages {
            let now = self.cells.division(page.prefix);
            if let Some(bits) = page.bits {
                if now.is_none_or(|now| now.strict) {
                    wanted.push((page.prefix, Division { bits, strict: false }));
                }
                continue;
            }
            let now = now.map_or(0, |division| division.bits + 1);
            let bits = strict_bits(page).map_or(0, |bits| bits + 1).max(now);
            if bits > 0 {
                strict.push((bits, now, page.prefix));
            }
        }
        // Short lists first: they have the most to gain from a cell.
        strict.sort_unstable();
        let cells = |bits: u32| (1_usize << bits) / 2;
        let mut left = STRICT_CELLS - strict.iter().map(|&(_, now, _)| cells(now)).sum::<usize>().min(STRICT_CELLS);
        for (bits, now, prefix) in strict {
            let Some(rest) = left.checked_sub(cells(bits) - cells(now)) else { break };
            left = rest;
            if bits != now {
                wanted.push((prefix, Division { bits: bits - 1, strict: true }));
            }
        }
        wanted
    }
}

/// Cells that there may be at once, cell 0 included.
const fn most_cells(resolution: Resolution) -> usize {
    resolution.bins as usize + STRICT_CELLS + 1
}

/// Bits that keep the keys of a list apart, if they come often enough to be worth cells of their own.
fn strict_bits<K: OrderedKey>(page: &Page<K>) -> Option<u32> {
    let pixels: u64 = page.negatives.iter().map(|bin| bin.count).sum();
    let keys = page.negatives.len() as u64;
    if keys == 0 || pixels < 4 * keys {
        return None;
    }
    // Keys share a cell unless they differ in a bit above its width.
    let differ = |pair: &[crate::key_bin::Tally<K::Low>]| (pair[0].low.into() ^ pair[1].low.into()).ilog2();
    let width = page.negatives.windows(2).map(differ).min().unwrap_or(K::LOW_BITS);
    Some((K::LOW_BITS - width).min(keys.ilog2() + 6).min(K::PAGE_BITS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Keyed;
    use crate::key_histogram::tests::SMALL;

    /// Scores of all kinds: ties, one octave, zeros of both signs, denormals, huge, negative.
    fn scores() -> impl Strategy<Value = Vec<f32>> {
        let octave = (0_u32..1 << 20).prop_map(|i| 27.0 + i as f32 * 1e-6);
        let grid = (0_u32..256).prop_map(|i| i as f32 / 255.0);
        let odd = prop_oneof![Just(0.0), Just(-0.0), Just(1e30), Just(f32::from_bits(3)), Just(-1e-30), Just(f32::MIN)];
        let score = prop_oneof![6 => octave, 3 => grid, 1 => odd, 1 => -1.0_f32..1.0];
        prop_oneof![
            proptest::collection::vec(score, 1..4000),
            proptest::collection::vec((0_u32..50).prop_map(|i| i as f32), 1..200),
        ]
    }

    fn counted<K: OrderedKey, S: Keyed<Key = K>>(
        scores: &[S],
        runs: &[RegionRun],
        weights: &[u128],
        resolution: Resolution,
        flush_every: usize,
    ) -> KeyHistogram<K> {
        let mut histogram = KeyHistogram::new(resolution);
        let mut counter = KeyCounter::new();
        let mut before = 0;
        for (i, chunk) in scores.chunks(flush_every.min(scores.len())).enumerate() {
            let end = before + chunk.len() as u32;
            let inside: Vec<RegionRun> = runs
                .iter()
                .map(|run| RegionRun { start: run.start.max(before), end: run.end.min(end), ..*run })
                .filter(|run| run.start < run.end)
                .map(|run| RegionRun { start: run.start - before, end: run.end - before, ..run })
                .collect();
            counter.count_row(chunk, &inside, weights);
            before = end;
            if i % 3 == 2 || counter.is_full() {
                counter.flush(&mut histogram);
            }
        }
        counter.finish(&mut histogram);
        histogram
    }

    /// The same with a histogram that is fed key by key.
    fn plain<K: OrderedKey, S: Keyed<Key = K>>(
        scores: &[S],
        runs: &[RegionRun],
        weights: &[u128],
        resolution: Resolution,
    ) -> KeyHistogram<K> {
        let mut histogram = KeyHistogram::new(resolution);
        let run_of = |x: usize| runs.iter().find(|run| (run.start as usize..run.end as usize).contains(&x));
        let (mut negatives, mut positives) = (Vec::new(), Vec::new());
        for (x, score) in scores.iter().enumerate() {
            match run_of(x) {
                Some(run) => positives.push((score.key(), weights[run.region as usize])),
                None => negatives.push(score.key()),
            }
        }
        negatives.sort_unstable();
        histogram.absorb_negatives(&negatives);
        histogram.absorb_positives(&mut positives);
        histogram.settle();
        histogram
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn agrees_with_counting_key_by_key(
            scores in scores(), start in 0.0..1.0, length in 0.0..1.0, flush_every in 1_usize..500,
        ) {
            let flush_every = flush_every.max(scores.len() / 40);
            let start = (start * scores.len() as f64) as u32;
            let end = start + (length * (scores.len() as f64 - f64::from(start))) as u32;
            let middle = u32::midpoint(start, end);
            let mut runs = vec![RegionRun { start, end: middle, region: 1 }, RegionRun { start: middle, end, region: 0 }];
            runs.retain(|run| run.start < run.end);
            let weights = [1 << 77, (1 << 80) / 3];
            let double: Vec<f64> = scores.iter().map(|&score| f64::from(score) / 3.0).collect();
            for resolution in [SMALL, Resolution::default()] {
                let expected = plain(&scores, &runs, &weights, resolution);
                let got = counted(&scores, &runs, &weights, resolution, flush_every);
                prop_assert!(got == expected);
                let expected = plain(&double, &runs, &weights, resolution);
                let got = counted(&double, &runs, &weights, resolution, flush_every);
                prop_assert!(got == expected);
            }
        }
    }

    #[test]
    fn scores_that_are_no_numbers_harm_nothing() {
        let mut histogram = KeyHistogram::<u32>::new(SMALL);
        let mut counter = KeyCounter::new();
        counter.count_row(&[f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::from_bits(!0)], &[], &[]);
        counter.finish(&mut histogram);
        assert_eq!(histogram.pixels(), (0, 5));
    }

    #[test]
    fn half_precision_is_exact() {
        let mut histogram = KeyHistogram::<u32>::new(Resolution::default());
        let mut counter = KeyCounter::new();
        let row: Vec<f32> =
            (0..=u16::MAX).map(|bits| half::f16::from_bits(bits).to_f32()).filter(|score| score.is_finite()).collect();
        for _ in 0..5 {
            counter.count_row(&row, &[], &[]);
            counter.flush(&mut histogram);
        }
        counter.finish(&mut histogram);
        assert!(histogram.is_exact());
        // Both zeros are one score.
        assert_eq!(histogram.bins().len(), row.len() - 1);
    }
}
