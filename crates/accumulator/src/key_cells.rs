//! The hot loop of the key histogram: a small counter for each bin of the pages that the histogram divides evenly.
//!
//! Where the scores of an image lie is found for a block of them at once; then each adds one to its cell. Cells are
//! narrow, so that those that are often met stay in the processor's cache; one that is full starts again at zero, and is
//! written down.

use pimo_frame::Sample;

use crate::cell_table::CellTable;
use crate::{KeyHistogram, OrderedKey};

/// Pixels counted together: as many as are found while others are still being counted.
const BLOCK: usize = 128;
/// Pixels between those that are counted and those that are asked for.
const AHEAD: usize = 256;
/// Pixels that a cell had counted each time it is written down.
pub(crate) const FULL: u64 = 1 << u8::BITS;
/// Times that cells were full after which they have to be emptied.
const MOST_FULL: usize = 1 << 17;
/// Room for these, and for those of the row on the way.
const FULL_ROOM: usize = MOST_FULL / 4 * 5;

/// Cells of some pages, and where those of each page are.
#[derive(Clone, Debug)]
pub(crate) struct Cells<K> {
    table: CellTable<K>,
    /// Cell 0 belongs to all pages without cells; what it counts means nothing.
    counts: Vec<u8>,
    /// Cells that were full, once for each time.
    full: Vec<u32>,
    /// Pages that have cells, by where they begin.
    pages: Vec<CellPage>,
}

/// A page with 2^bits cells from `base` on.
#[derive(Clone, Copy, Debug)]
struct CellPage {
    prefix: usize,
    base: usize,
    bits: u32,
}

impl CellPage {
    const fn cells(&self) -> std::ops::Range<usize> {
        self.base..self.base + (1 << self.bits)
    }
}

impl<K: OrderedKey> Cells<K> {
    pub(crate) fn new() -> Self {
        Self { table: CellTable::new(), counts: vec![0], full: Vec::new(), pages: Vec::new() }
    }

    /// Bytes of this many cells at most, tables included; a row may come on top of what is full.
    pub(crate) const fn bytes(cells: u64) -> u64 {
        let full = if cells > 1 { FULL_ROOM * size_of::<u32>() } else { 0 };
        cells + full as u64 + CellTable::<K>::bytes()
    }

    /// How many cells there are.
    pub(crate) const fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether no page has cells.
    pub(crate) const fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Whether cells have been full so often that they have to be [drained](Self::drain).
    pub(crate) const fn are_full(&self) -> bool {
        self.full.len() >= MOST_FULL
    }

    /// The cells of a page, as a power of two, if it has some.
    pub(crate) fn bits(&self, prefix: usize) -> Option<u32> {
        self.table.bits(prefix)
    }

    /// Notes cell 0, which means nothing, as full as often as may be.
    #[cfg(test)]
    pub(crate) fn pretend_full(&mut self) {
        self.full.resize(MOST_FULL, 0);
    }

    /// How many [runs](crate::cell_table) of pages have to be told apart.
    pub(crate) const fn run_count(&self) -> usize {
        self.table.run_count()
    }

    /// Makes room for this many cells at once, and for no more.
    pub(crate) fn reserve(&mut self, cells: usize) {
        self.counts.reserve_exact(cells.saturating_sub(self.counts.len()));
        self.full.reserve_exact(FULL_ROOM.saturating_sub(self.full.len()));
    }

    /// Gives pages that have none cells: each of these prefixes, which ascend, 2^bits.
    pub(crate) fn place(&mut self, pages: &[(usize, u32)]) {
        let placed = self.pages.len();
        let mut end = self.counts.len();
        for &(prefix, bits) in pages {
            let page = CellPage { prefix, base: end, bits };
            end = page.cells().end;
            self.pages.push(page);
        }
        self.counts.resize(end, 0);
        self.table.place(self.pages[placed..].iter().map(|page| (page.prefix, page.base, page.bits)));
    }

    /// Adds what has been counted to the bins of the pages, none of which is finer than its cells; no page has cells
    /// after that.
    pub(crate) fn drain(&mut self, histogram: &mut KeyHistogram<K>) {
        if self.is_empty() {
            return;
        }
        histogram.settle_pages();
        self.full.sort_unstable();
        let mut full = self.full.iter().map(|&cell| cell as usize).skip_while(|&cell| cell == 0).peekable();
        for page in self.pages.drain(..) {
            let bins = histogram.page(page.prefix).bins_mut();
            let together = page.bits - bins.bits();
            while let Some(cell) = full.next_if(|cell| page.cells().contains(cell)) {
                bins.counts_mut().0[(cell - page.base) >> together] += FULL;
            }
            bins.add_cells(&self.counts[page.cells()]);
        }
        self.table.clear();
        self.counts.truncate(1);
        self.full.clear();
    }

    /// Counts the scores whose pages have cells, and shows the keys of the others. Gives the sum of the cells' indices,
    /// modulo 2^32.
    pub(crate) fn count<S: Sample>(&mut self, scores: &[S], mut other: impl FnMut(K)) -> u32 {
        let mut sum = 0_u32;
        let mut at = [0_u32; BLOCK];
        for (index, block) in scores.chunks(BLOCK).enumerate() {
            prefetch(scores, (index + 1) * BLOCK + AHEAD);
            let at = &mut at[..block.len()];
            let located = self.table.locate(block, at);
            sum = sum.wrapping_add(located.sum);
            let others = located.without as usize;
            if others < block.len() {
                add_one(&mut self.counts, &mut self.full, at);
            }
            if others > 0 {
                let without = block.iter().zip(&*at).filter(|(_, at)| **at == 0);
                without.for_each(|(score, _)| other(K::of(score.to_f64())));
            }
        }
        sum
    }

    /// How often cells have been full.
    pub(crate) const fn full_len(&self) -> usize {
        self.full.len()
    }

    /// Takes scores back that were counted; what was noted since then of cells that were full is for
    /// [`Self::forget_full`]. Gives the sum that counting these scores gives.
    pub(crate) fn take_back<S: Sample>(&mut self, scores: &[S]) -> u32 {
        let mut sum = 0_u32;
        let mut at = [0_u32; BLOCK];
        for block in scores.chunks(BLOCK) {
            let at = &mut at[..block.len()];
            sum = sum.wrapping_add(self.table.locate(block, at).sum);
            for &cell in &*at {
                let count = &mut self.counts[cell as usize];
                *count = count.wrapping_sub(1);
            }
        }
        sum
    }

    /// Forgets all but the first `left` times that a cell was full: what filled them has been taken back.
    pub(crate) fn forget_full(&mut self, left: usize) {
        self.full.truncate(left);
    }
}

/// Adds one to each of these cells; those that are full then are written down.
#[inline]
pub(crate) fn add_one(counts: &mut [u8], full: &mut Vec<u32>, cells: &[u32]) {
    for &cell in cells {
        let count = &mut counts[cell as usize];
        *count = count.wrapping_add(1);
        if *count == 0 {
            full.push(cell);
        }
    }
}

/// Asks for a block of scores to be brought to the cache.
#[inline]
fn prefetch<S>(scores: &[S], from: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(block) = scores.get(from..from + BLOCK) {
        for line in block.chunks(64 / size_of::<S>()) {
            // SAFETY: a prefetch never faults and changes nothing that a program can see; the address is one of a slice.
            unsafe { core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(line.as_ptr().cast()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::KeyCounter;
    use crate::key_histogram::tests::SMALL;

    const PAGES: usize = 6;

    /// Pages that are neighbours, and one aside.
    fn prefix(page: usize) -> usize {
        [0xc000, 0xc001, 0xc002, 0xc003, 0xc004, 0xc010][page]
    }

    /// Pages, places in them, and how often a score comes.
    fn runs() -> impl Strategy<Value = Vec<(usize, u64, usize)>> {
        proptest::collection::vec((0..PAGES, 0_u64..5, 1_usize..60_000), 0..12)
    }

    /// One score in a map of nothing else fills its cell again and again: how often is bounded, and all are counted.
    #[test]
    fn what_is_full_is_counted_in_time() {
        let mut histogram = KeyHistogram::<u32>::new(SMALL);
        let mut counter = KeyCounter::<u32>::new();
        histogram.page(prefix(0)).divide(4);
        counter.take_over(&mut histogram);
        let scores = vec![u32::join(prefix(0), 7).score() as f32; 1 << 20];
        let (mut counted, mut flushed) = (0, 0);
        while flushed < 2 {
            counter.count_row(&scores, &[], &[]);
            counted += scores.len() as u64;
            assert!(counter.cells.full.capacity() == FULL_ROOM);
            if counter.is_full() {
                counter.flush(&mut histogram);
                assert_eq!((counter.is_full(), counter.cells.is_empty()), (false, false));
                flushed += 1;
            }
        }
        counter.finish(&mut histogram);
        assert_eq!((histogram.pixels(), counted), ((0, counted), 2 * FULL * MOST_FULL as u64));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// What was counted reaches the bins, however often cells were full, and whether the bins became wider meanwhile;
        /// and so does what is counted afterwards.
        #[test]
        fn what_was_counted_reaches_the_bins(
            rounds in proptest::collection::vec(
                (proptest::collection::vec((0..PAGES, 0_u32..5), 1..4), runs(), any::<bool>()), 1..6,
            ),
        ) {
            let mut histogram = KeyHistogram::<u32>::new(SMALL);
            let mut bits = [16_u32; PAGES];
            (0..PAGES).for_each(|page| histogram.page(prefix(page)).divide(16));
            let mut cells = Cells::<u32>::new();
            let mut expected: BTreeMap<(usize, u64), u64> = BTreeMap::new();
            for (placed, runs, drained) in rounds {
                let mut missing = Vec::new();
                for (page, coarser) in placed {
                    bits[page] = bits[page].saturating_sub(coarser * 3).max(2);
                    histogram.page(prefix(page)).divide(bits[page]);
                    missing.push((prefix(page), bits[page]));
                }
                missing.reverse();
                missing.sort_by_key(|page| page.0);
                missing.dedup_by_key(|page| page.0);
                missing.retain(|page| cells.bits(page.0).is_none());
                cells.place(&missing);
                for (page, low, length) in runs {
                    // In neighbouring bins, and far from each other.
                    let low = [0, 1, 2, 0x8000, 0xffff][low as usize];
                    let score = u32::join(prefix(page), low).score() as f32;
                    let mut others = 0;
                    cells.count(&vec![score; length], |_| others += 1);
                    let counted = cells.bits(prefix(page)).is_some();
                    prop_assert_eq!(others, if counted { 0 } else { length });
                    if counted {
                        *expected.entry((page, low)).or_default() += length as u64;
                    }
                }
                if drained {
                    cells.drain(&mut histogram);
                    prop_assert!(cells.is_empty() && cells.len() == 1 && cells.full_len() == 0);
                }
            }
            cells.drain(&mut histogram);
            for page in 0..PAGES {
                let mut binned = vec![0; 1 << bits[page]];
                for ((_, low), count) in expected.range((page, 0)..=(page, u64::MAX)) {
                    binned[(low >> (16 - bits[page])) as usize] += count;
                }
                prop_assert_eq!(&histogram.page(prefix(page)).bins_mut().counts_mut().0[..], &binned);
            }
        }
    }
}
