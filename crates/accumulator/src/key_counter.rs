//! One thread's counts, until they are added to the key histogram.
//!
//! Normal pixels are counted in [cells](crate::key_cells) where the histogram divides their pages into bins. Keys of
//! pages that are lists are counted one by one in a [cache](crate::key_cache), as long as that finds any again; what it
//! drives out, or does not see, is gathered, and handed to the histogram when it is much. So are all pixels of maps of
//! real numbers until the histogram divides their pages, which takes an image or two. Anomalous pixels, being few, are
//! collected with their region weights.

use pimo_frame::Sample;

use crate::by_page::ByPage;
use crate::cell_table::{MOST_RUNS, runs_of};
use crate::key_ahead::Ahead;
use crate::key_cache::KeyCache;
use crate::key_cells::Cells;
use crate::region::normal_stretches;
use crate::{KeyHistogram, OrderedKey, RegionRun, Resolution};

/// Keys that wait that make a counter [full](KeyCounter::is_full).
const WAITING: usize = 1 << 19;
/// More waiting keys for whose sake it is worth asking whether their pages have been divided meanwhile.
const WORTH_ASKING: usize = WAITING / 16;
/// Keys with counts, or anomalous pixels, that make a counter full.
pub(crate) const OTHERS_WAITING: usize = 1 << 17;
/// Weights of anomalous pixels that do; neighbours mostly share one.
const WEIGHTS_WAITING: usize = 1 << 15;

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
    pub(crate) cells: Cells<K>,
    pub(crate) cache: KeyCache<K>,
    pub(crate) waiting: Waiting<K>,
    /// Anomalous pixels, each with the index of its weight.
    pub(crate) positives: Vec<(K, u32)>,
    pub(crate) weights: Vec<u128>,
    /// Waiting keys at which to ask next.
    ask_at: usize,
    /// The image that is being counted before it is known to be good.
    pub(crate) ahead: Option<Ahead>,
}

/// Keys that the cache drove out, or did not see.
#[derive(Clone, Debug)]
pub(crate) struct Waiting<K> {
    /// Keys, one for each time that they came.
    pub(crate) single: Vec<K>,
    /// Keys with how often they came.
    pub(crate) counted: Vec<(K, u64)>,
}

/// What waited, in the order in which a histogram needs it.
#[derive(Clone, Debug)]
pub(crate) struct Arranged<K: OrderedKey> {
    lows: ByPage<K::Low>,
    counted: Vec<(K, u64)>,
    positives: ByPage<(K::Low, u32)>,
    weights: Vec<u128>,
}

impl<K: OrderedKey> Arranged<K> {
    fn add_to(&self, histogram: &mut KeyHistogram<K>) {
        histogram.absorb_negatives(&self.lows);
        histogram.absorb_counts(&self.counted);
        histogram.absorb_positives(&self.positives, &self.weights);
    }
}

impl<K> Waiting<K> {
    /// How many there are, of both kinds.
    const fn len(&self) -> usize {
        self.single.len() + self.counted.len()
    }

    #[inline]
    fn push(&mut self, key: K, count: u32) {
        if count == 1 {
            self.single.push(key);
        } else {
            self.counted.push((key, count.into()));
        }
    }
}

impl<K: OrderedKey> Default for KeyCounter<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: OrderedKey> KeyCounter<K> {
    /// A counter that has counted nothing.
    pub fn new() -> Self {
        Self {
            cells: Cells::new(),
            cache: KeyCache::new(),
            waiting: Waiting { single: Vec::new(), counted: Vec::new() },
            positives: Vec::new(),
            weights: Vec::new(),
            ask_at: 0,
            ahead: None,
        }
    }

    /// Bytes that a counter takes at most beside a histogram of this resolution.
    pub const fn bytes(resolution: Resolution) -> u64 {
        // Twice what waits, since a row may come on top and vectors double.
        let (key, counted) = (size_of::<K>() as u64, size_of::<(K, u64)>() as u64);
        let waiting = 2 * WAITING as u64 * key + 2 * OTHERS_WAITING as u64 * counted;
        // Keys are put together by page before the histogram takes them.
        let grouped = WAITING as u64 * size_of::<K::Low>() as u64;
        let cells = Cells::<K>::bytes(most_cells(resolution) as u64);
        cells + waiting + grouped + Self::bytes_of_anomalous()
    }

    /// The same for one that counts anomalous pixels alone.
    pub const fn bytes_of_anomalous() -> u64 {
        let positives = OTHERS_WAITING as u64 * size_of::<(K, u32)>() as u64;
        let weights = WEIGHTS_WAITING as u64 * size_of::<u128>() as u64;
        // A row may come on top here too, but nothing doubles.
        let grouped = OTHERS_WAITING as u64 / 4 * 5 * size_of::<(K::Low, u32)>() as u64 + (4 << K::PREFIX_BITS);
        Cells::<K>::bytes(1) + KeyCache::<K>::bytes() + 2 * (positives + weights) + grouped
    }

    /// Counts one row, or several that follow one another in memory; a counter of single-precision keys takes scores in single
    /// precision only. The pixels in `runs` are anomalous, and `weights` has the weight of each run's region.
    ///
    /// Rows may be counted without end, if the counter is [flushed](Self::flush) whenever it [is full](Self::is_full):
    /// memory and counts are bounded. The histogram is whole when every counter has [finished](Self::finish).
    ///
    /// # Panics
    /// If the runs are not in the row, from left to right, or name regions without a weight.
    pub fn count_row<S: Sample>(&mut self, row: &[S], runs: &[RegionRun], weights: &[u128]) {
        normal_stretches(runs, row.len()).for_each(|(start, end)| self.count_normal(&row[start..end]));
        self.count_anomalous(row, runs, weights, |_| true);
    }

    /// Counts those pixels in the runs whose keys are wanted.
    pub(crate) fn count_anomalous<S: Sample>(
        &mut self,
        row: &[S],
        runs: &[RegionRun],
        weights: &[u128],
        is_wanted: impl Fn(&K) -> bool,
    ) {
        for run in runs {
            let weight = self.weight(weights[run.region as usize]);
            let keys = row[run.start as usize..run.end as usize].iter().map(|&score| K::of(score.to_f64()));
            self.positives.extend(keys.filter(&is_wanted).map(|key| (key, weight)));
        }
    }

    /// The index of a weight; neighbouring runs mostly have the same one.
    fn weight(&mut self, weight: u128) -> u32 {
        if self.weights.last() != Some(&weight) {
            self.weights.push(weight);
        }
        self.weights.len() as u32 - 1
    }

    fn count_normal<S: Sample>(&mut self, scores: &[S]) {
        let before = self.waiting.len();
        if self.cache.is_resting() {
            self.cells.count(scores, |key| self.waiting.single.push(key));
            self.cache.pass_by(self.waiting.len() - before);
            return;
        }
        let mut keys = 0;
        self.cells.count(scores, |key| {
            keys += 1;
            if let Some((key, count)) = self.cache.count(key) {
                self.waiting.push(key, count);
            }
        });
        self.cache.judge(keys, self.waiting.len() - before);
    }

    /// Whether the counter should be flushed soon: a row later at best.
    pub fn is_full(&self) -> bool {
        self.waiting.single.len() >= WAITING
            || self.waiting.counted.len() >= OTHERS_WAITING
            || self.positives.len() >= OTHERS_WAITING
            || self.weights.len() >= WEIGHTS_WAITING
            || self.cells.are_full()
    }

    /// Whether no more waits than may, when pixels have been counted in rows, or several of these at once, of this many.
    #[cfg(test)]
    pub(crate) const fn waits_within_bounds(&self, together: usize) -> bool {
        self.waiting.single.len() < WAITING + together
            && self.waiting.counted.len() <= OTHERS_WAITING + together
            && self.positives.len() < OTHERS_WAITING + together
            && self.weights.len() < WEIGHTS_WAITING + together
    }

    /// Adds what waits to the histogram, takes over its resolution, and is no longer full. The histogram may be read
    /// again when a counter has finished.
    ///
    /// Counts of pages that the histogram has divided mostly remain here until [`Self::finish`].
    pub fn flush(&mut self, histogram: &mut KeyHistogram<K>) {
        let arranged = self.arrange();
        self.flush_arranged(&arranged, histogram);
    }

    /// Takes what waits and puts it in the order in which the histogram needs it: for those who lock the histogram only
    /// then.
    pub(crate) fn arrange(&mut self) -> Arranged<K> {
        let lows = ByPage::of(&self.waiting.single, |&key| key, |key| K::pack_low(key.low()));
        self.waiting.single.clear();
        let mut counted = std::mem::take(&mut self.waiting.counted);
        counted.sort_unstable_by_key(|counted| counted.0);
        let mut positives =
            ByPage::of(&self.positives, |pixel| pixel.0, |&(key, weight)| (K::pack_low(key.low()), weight));
        self.positives.clear();
        positives.sort_by_key(|pixel| pixel.0);
        Arranged { lows, counted, positives, weights: std::mem::take(&mut self.weights) }
    }

    /// As [`Self::flush`], of what has been arranged.
    pub(crate) fn flush_arranged(&mut self, arranged: &Arranged<K>, histogram: &mut KeyHistogram<K>) {
        if self.cells.are_full() {
            self.cells.drain(histogram);
        }
        arranged.add_to(histogram);
        histogram.adjust();
        self.take_over(histogram);
    }

    /// Adds everything counted to the histogram. The counter can go on counting, and has to be finished again then.
    pub fn finish(&mut self, histogram: &mut KeyHistogram<K>) {
        let arranged = self.arrange();
        self.finish_arranged(&arranged, histogram);
    }

    /// As [`Self::finish`], when all that waited has been arranged.
    pub(crate) fn finish_arranged(&mut self, arranged: &Arranged<K>, histogram: &mut KeyHistogram<K>) {
        self.drain_counts(histogram);
        arranged.add_to(histogram);
        self.ask_at = 0;
        let as_ruled = histogram.settle();
        debug_assert!(as_ruled, "a page was coarser than the rule");
    }

    /// Whether it is worth [taking over](Self::take_over) what the histogram has divided meanwhile.
    pub(crate) fn is_curious(&self) -> bool {
        self.waiting.single.len() >= self.ask_at
    }

    /// Gives cells to all pages that the histogram divides. Where these do not go together with those that there are, all
    /// are emptied first.
    pub(crate) fn take_over(&mut self, histogram: &mut KeyHistogram<K>) {
        self.ask_at = self.waiting.single.len() + WORTH_ASKING;
        let mut pages: Vec<(usize, u32)> = histogram.pages_with_bits().collect();
        pages.sort_unstable();
        let own = |page: &&(usize, u32)| self.cells.bits(page.0);
        let missing: Vec<(usize, u32)> = pages.iter().filter(|page| own(page).is_none()).copied().collect();
        let finer = pages.iter().filter(|page| own(page).is_some_and(|own| own > page.1)).count();
        let most = most_cells(histogram.resolution);
        let more: usize = missing.iter().map(|&(_, bits)| 1 << bits).sum();
        // Cells that are finer than the histogram's bins are too many to stay in the processor's cache.
        let mut again = self.cells.len() + more > most || 2 * finer > pages.len();
        if missing.is_empty() && !again {
            return;
        }
        self.cells.reserve(most);
        if !again {
            self.cells.place(&missing);
            again = self.cells.run_count() > MOST_RUNS && runs_of(&pages) <= MOST_RUNS;
        }
        if again {
            // Divided pages are never undivided.
            self.cells.drain(histogram);
            self.cells.place(&pages);
        }
    }

    fn drain_counts(&mut self, histogram: &mut KeyHistogram<K>) {
        self.cells.drain(histogram);
        let mut counts: Vec<(K, u64)> = self.cache.drain().collect();
        counts.sort_unstable_by_key(|counted| counted.0);
        histogram.absorb_counts(&counts);
    }
}

/// Cells that there may be at once, cell 0 included: as many as the histogram has bins. Where pages have more, because
/// these have been found too fine since, all are brought to the histogram's resolution.
const fn most_cells(resolution: Resolution) -> usize {
    resolution.most_bins() as usize + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Keyed;
    use crate::key_histogram::tests::{SMALL, absorb, xorshift};

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
                Some(run) => positives.push((score.key(), run.region)),
                None => negatives.push(score.key()),
            }
        }
        absorb(&mut histogram, &negatives, &positives, weights);
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

    /// Cells that were full, several counters, pages that are divided while others count, counters that are finished
    /// again and again: all of it leaves the histogram that counting at once gives.
    #[test]
    fn how_it_was_counted_leaves_no_trace() {
        let mut state = 88_172_645_463_325_252_u64;
        let mut random = || xorshift(&mut state);
        for resolution in [SMALL, Resolution { keys: 40_000, ..Resolution::default() }] {
            let mut score = || {
                let uniform = random() as f64 / (1_u64 << 53) as f64;
                // One score comes often enough to fill its cell.
                if random() % 4 > 0 { 1.5 } else { (uniform.powi(3) * 30.0 + 1.0) as f32 }
            };
            let scores: Vec<f32> = (0..700_000).map(|_| score()).collect();
            let mut histograms = [KeyHistogram::new(resolution), KeyHistogram::new(resolution)];
            let mut counters: Vec<KeyCounter<u32>> = (0..4).map(|_| KeyCounter::new()).collect();
            for chunk in scores.chunks(5000) {
                let which = random() as usize % 4;
                let (counter, histogram) = (&mut counters[which], &mut histograms[usize::from(which == 3)]);
                counter.count_row(chunk, &[], &[]);
                match random() % 64 {
                    0..16 => counter.flush(histogram),
                    16..28 => counter.take_over(histogram),
                    28 => counter.finish(histogram),
                    29 => {
                        counter.cells.drain(histogram);
                        counter.take_over(histogram);
                    }
                    30 => {
                        counter.cells.pretend_full();
                        counter.flush(histogram);
                    }
                    _ => {}
                }
            }
            for (which, counter) in counters.iter_mut().enumerate() {
                counter.finish(&mut histograms[usize::from(which == 3)]);
            }
            let [mut all, others] = histograms;
            assert!(all.merge(&others).is_ok());
            let expected = plain(&scores, &[], &[], resolution);
            assert!(expected.pages_with_bits().count() > 20);
            assert!(all == expected && all.to_bytes() == expected.to_bytes());
        }
    }

    /// A page that comes to others is placed behind them, until there are too many runs of pages that do not follow one
    /// another, though there need not be.
    #[test]
    fn cells_are_placed_anew_where_that_leaves_fewer_runs() {
        let mut histogram = KeyHistogram::<u32>::new(SMALL);
        let mut counter = KeyCounter::new();
        let mut emptied = 0;
        for place in 0..40 {
            // Pages 0, 7, 14 and so on, modulo 40.
            histogram.page(0xc000 + place * 7 % 40).divide(6);
            counter.count_row(&[u32::join(0xc000, 9).score() as f32; 100], &[], &[]);
            let before = (counter.cells.len(), histogram.pixels().1);
            counter.take_over(&mut histogram);
            assert_eq!(counter.cells.len(), before.0 + 64);
            emptied += usize::from(histogram.pixels().1 > before.1);
        }
        assert!(counter.cells.run_count() <= MOST_RUNS && (1..8).contains(&emptied), "{emptied}");
        counter.finish(&mut histogram);
        assert_eq!(histogram.pixels(), (0, 4000));
    }

    #[test]
    fn cells_that_are_mostly_too_fine_are_placed_anew() {
        let mut histogram = KeyHistogram::<u32>::new(SMALL);
        let mut counter = KeyCounter::<u32>::new();
        let divide = |histogram: &mut KeyHistogram<u32>, pages: usize, bits: u32| {
            (0..pages).for_each(|page| histogram.page(0xc000 + page).divide(bits));
        };
        for (pages, bits, cells) in [(8, 6, 512), (4, 5, 512), (5, 5, 5 * 32 + 3 * 64)] {
            divide(&mut histogram, pages, bits);
            counter.take_over(&mut histogram);
            assert_eq!(counter.cells.len(), cells + 1);
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
