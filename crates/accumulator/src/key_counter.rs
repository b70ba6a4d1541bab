//! The hot loop of the key histogram: one thread's counts, packed, until they are added to the histogram.
//!
//! A counter has its own page table. Pages that the histogram divides evenly get one word a bin, in which a count and
//! the ones and zeros of the keys are packed, so that a normal pixel costs two loads and a store. A page that is a
//! list there must not mix keys here: its words are a cache of single keys, and a key that finds its word taken by
//! another goes to an overflow list that is sorted into the histogram when it is full. Few-valued maps never overflow,
//! others do so until the histogram divides their pages. Anomalous pixels, being few, are collected with their region
//! weights and added one by one.

use pimo_frame::Sample;

use crate::key_bin::Tally;
use crate::{KeyHistogram, OrderedKey, RegionRun, Resolution};

/// Pixels waiting, of either kind, that make a counter [full](KeyCounter::is_full).
const WAITING: usize = 1 << 17;
/// Words that caches of single keys may take.
const CACHE_WORDS: usize = 1 << 19;
/// Keys of a list from which on a page gets words as fine as can be.
const LONG_LIST: usize = 256;
/// Pixels whose keys are computed together.
const BLOCK: usize = 64;

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
    /// For every prefix an [`Entry`], packed.
    table: Vec<u64>,
    /// Bins of all pages, one page after the other. Word 0 belongs to pages not seen yet and is mixed.
    words: Vec<K::Word>,
    /// Prefixes that have words.
    pages: Vec<usize>,
    cache_words: usize,
    overflow: Vec<K>,
    positives: Vec<(K, u128)>,
    /// Pixels counted in words since the last flush.
    counted: u64,
}

/// Where a page's words are: `base` in the low 32 bits, the width of a bin in key bits in the 6 above, then how many
/// keys found their word taken, and the top bit set where keys must not be mixed.
#[derive(Clone, Copy)]
struct Entry(u64);

impl Entry {
    const STRICT: u64 = 1 << 63;

    fn new(base: usize, shift: u32, strict: bool) -> Self {
        Self(base as u64 | u64::from(shift) << 32 | if strict { Self::STRICT } else { 0 })
    }

    /// The entry of a page without words: its one bin is word 0, where every key is one too many.
    fn none<K: OrderedKey>() -> u64 {
        Self::new(0, K::LOW_BITS, true).0
    }

    #[inline]
    fn index(self, low: u64) -> usize {
        (self.0 as u32 as u64 + (low >> (self.0 >> 32 & 63))) as usize
    }

    #[inline]
    fn is_strict(self) -> bool {
        self.0 & Self::STRICT != 0
    }

    /// Whether both divide a page the same way.
    fn divides_as(self, other: Self) -> bool {
        self.base() != 0 && self.shift() == other.shift() && self.is_strict() == other.is_strict()
    }

    fn shift(self) -> u32 {
        (self.0 >> 32 & 63) as u32
    }

    fn base(self) -> usize {
        self.0 as u32 as usize
    }

    fn taken(self) -> u64 {
        (self.0 & !Self::STRICT) >> 38
    }

    fn take(self) -> Self {
        // Far beyond any number of words; one more would only carry into the bit above.
        if self.taken() < 1 << 24 { Self(self.0 + (1 << 38)) } else { self }
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
            table: vec![Entry::none::<K>(); 1 << K::PREFIX_BITS],
            words: vec![K::mixed_word()],
            pages: Vec::new(),
            cache_words: 0,
            overflow: Vec::new(),
            positives: Vec::new(),
            counted: 0,
        }
    }

    /// Bytes that a counter takes at most beside a histogram of this resolution.
    pub const fn bytes(resolution: Resolution) -> u64 {
        let words = resolution.bins as u64 * 5 / 2 + CACHE_WORDS as u64;
        // Twice what waits: a row may come on top, and vectors double.
        let waiting = 2 * WAITING as u64 * (size_of::<K>() as u64 + 32);
        words * size_of::<K::Word>() as u64 + (1 << K::PREFIX_BITS) * 8 + waiting
    }

    /// Counts one row; a counter of single-precision keys takes rows in single precision only. The pixels in `runs` are anomalous, and `weights` has the weight of each run's region.
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

    /// Whether the counter should be flushed soon: a row later at best.
    pub fn is_full(&self) -> bool {
        self.overflow.len() >= WAITING || self.positives.len() >= WAITING || self.counted >= K::WORD_LIMIT / 2
    }

    /// Adds what waits to the histogram, takes over its resolution, and is no longer full.
    ///
    /// Counts of pages whose resolution stays the same remain here until [`Self::finish`].
    pub fn flush(&mut self, histogram: &mut KeyHistogram<K>) {
        if self.counted >= K::WORD_LIMIT / 2 || self.words.len() > most_words(histogram.resolution) {
            self.finish(histogram);
            return;
        }
        self.drain_overflow(histogram);
        histogram.absorb_positives(&mut self.positives);
        histogram.settle();
        self.adopt_resolution(histogram);
    }

    /// Adds everything counted to the histogram. The counter can go on counting, and has to be finished again then.
    pub fn finish(&mut self, histogram: &mut KeyHistogram<K>) {
        self.drain_overflow(histogram);
        for prefix in std::mem::take(&mut self.pages) {
            self.drain_page(prefix, histogram);
        }
        histogram.absorb_positives(&mut self.positives);
        histogram.settle();
        self.words.clear();
        self.words.push(K::mixed_word());
        self.cache_words = 0;
        self.counted = 0;
        self.adopt_resolution(histogram);
    }

    fn drain_overflow(&mut self, histogram: &mut KeyHistogram<K>) {
        self.overflow.sort_unstable();
        let overflow: Vec<(K, u64)> =
            self.overflow.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect();
        self.overflow.clear();
        histogram.absorb_negatives(&overflow);
    }

    /// Divides pages as the histogram does, after adding what they have counted to it.
    fn adopt_resolution(&mut self, histogram: &mut KeyHistogram<K>) {
        let mut left = histogram.resolution.bins as usize;
        let mut long = Vec::new();
        for at in 0..histogram.pages.len() {
            let page = &histogram.pages[at];
            let prefix = page.prefix;
            match page.bits {
                Some(bits) => {
                    left = left.saturating_sub(1 << bits);
                    let wanted = Entry::new(0, K::LOW_BITS - bits, false);
                    if !Entry(self.table[prefix]).divides_as(wanted) {
                        self.place(prefix, bits, false, histogram);
                    }
                }
                None if page.negatives.len() > LONG_LIST => long.push((page.negatives.len(), prefix)),
                None => {}
            }
        }
        // Long lists get words as fine as there can be, while there are any: none of their keys share one then.
        long.sort_unstable_by(|a, b| b.cmp(a));
        for (_, prefix) in long {
            let wanted = Entry::new(0, K::LOW_BITS - K::PAGE_BITS, true);
            if left < 1 << K::PAGE_BITS {
                break;
            }
            left -= 1 << K::PAGE_BITS;
            if !Entry(self.table[prefix]).divides_as(wanted) {
                self.place(prefix, K::PAGE_BITS, true, histogram);
            }
        }
    }

    /// Gives a page new words.
    fn place(&mut self, prefix: usize, bits: u32, strict: bool, histogram: &mut KeyHistogram<K>) {
        if Entry(self.table[prefix]).base() == 0 {
            self.pages.push(prefix);
        } else {
            self.drain_page(prefix, histogram);
        }
        let base = self.words.len();
        self.words.resize(base + (1 << bits), K::Word::default());
        self.table[prefix] = Entry::new(base, K::LOW_BITS - bits, strict).0;
    }

    /// Adds the words of a page to the histogram and leaves the page without any.
    fn drain_page(&mut self, prefix: usize, histogram: &mut KeyHistogram<K>) {
        let entry = Entry(self.table[prefix]);
        let words = &self.words[entry.base()..][..1 << (K::LOW_BITS - entry.shift())];
        let tallies: Vec<Tally<K::Low>> =
            words.iter().map(|&word| Tally::of_word::<K>(word)).filter(|tally| tally.count > 0).collect();
        if !tallies.is_empty() {
            histogram.page(prefix).absorb_negatives(&tallies);
        }
        self.table[prefix] = Entry::none::<K>();
    }

    fn count_normal<S: Sample>(&mut self, scores: &[S]) {
        self.counted += scores.len() as u64;
        let mut keys = [K::default(); BLOCK];
        for block in scores.chunks(BLOCK) {
            for (key, score) in keys.iter_mut().zip(block) {
                *key = K::of(score.to_f64());
            }
            let mut done = 0;
            while let Some(stop) = count_keys::<K>(&self.table, &mut self.words, &keys[done..block.len()]) {
                done += stop + 1;
                self.make_room(keys[done - 1]);
            }
        }
    }

    /// Counts a key whose page has no words or whose word is taken.
    #[cold]
    fn make_room(&mut self, key: K) {
        let prefix = key.prefix();
        let entry = Entry(self.table[prefix]);
        if entry.base() == 0 {
            if self.cache_words < CACHE_WORDS {
                let base = self.words.len();
                self.words.push(K::count(K::Word::default(), key.low()));
                self.table[prefix] = Entry::new(base, K::LOW_BITS, true).0;
                self.pages.push(prefix);
                self.cache_words += 1;
            } else {
                self.overflow.push(key);
            }
            return;
        }
        self.overflow.push(key);
        let bits = K::LOW_BITS - entry.shift();
        self.table[prefix] = entry.take().0;
        if entry.taken() >= 1 << bits && bits < K::PAGE_BITS && self.cache_words + (2 << bits) <= CACHE_WORDS {
            self.grow(prefix, entry, bits + 1);
        }
    }

    /// Moves a page of single keys to twice as many words; the old ones are left empty.
    fn grow(&mut self, prefix: usize, old: Entry, bits: u32) {
        let base = self.words.len();
        self.words.resize(base + (1 << bits), K::Word::default());
        self.cache_words += 1 << bits;
        let new = Entry::new(base, K::LOW_BITS - bits, true);
        for at in old.base()..old.base() + (1 << (bits - 1)) {
            let word = std::mem::take(&mut self.words[at]);
            let (count, ones, _) = K::unpack(word);
            if count > 0 {
                self.words[new.index(ones.into())] = word;
            }
        }
        self.table[prefix] = new.0;
    }
}

/// Words that may pile up, those left behind by pages that were moved included.
fn most_words(resolution: Resolution) -> usize {
    resolution.bins as usize * 3 / 2 + CACHE_WORDS
}

/// Counts keys until one must not be counted in its word; gives its position.
#[inline]
fn count_keys<K: OrderedKey>(table: &[u64], words: &mut [K::Word], keys: &[K]) -> Option<usize> {
    for (at, &key) in keys.iter().enumerate() {
        let entry = Entry(table[key.prefix()]);
        let low = key.low();
        let word = &mut words[entry.index(low)];
        let counted = K::count(*word, low);
        if entry.is_strict() && K::is_mixed(counted) {
            return Some(at);
        }
        *word = counted;
    }
    None
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
                None => negatives.push((score.key(), 1)),
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
