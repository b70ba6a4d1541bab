//! The hot loop of the key histogram: a small counter for each bin of the pages that the histogram divides evenly.
//!
//! Where the scores of an image lie is known for a block of them at once, with one look into a table; then each finds
//! its cell and adds one. Cells are narrow, so that those that are often met stay in the processor's cache; one that is
//! full starts again at zero, and is written down.

use multiversion::multiversion;
use pimo_frame::Sample;

use crate::ordered_key::CELL_BITS;
use crate::{KeyHistogram, OrderedKey};

/// Pixels counted together: few enough that finding the cells of some overlaps with counting those before.
const BLOCK: usize = 128;
/// Pixels between those that are counted and those that are asked for.
const AHEAD: usize = 256;
/// Pixels that a cell had counted each time it is written down.
pub(crate) const FULL: u64 = 1 << u16::BITS;

/// Cells of some pages, and where those of each page are.
#[derive(Clone, Debug)]
pub(crate) struct Cells<K> {
    /// For every prefix what [`OrderedKey::cell`] needs.
    table: Vec<u32>,
    /// Cell 0 belongs to all pages without cells; what it counts means nothing.
    counts: Vec<u16>,
    /// Cells that were full, once for each time.
    full: Vec<u32>,
    /// Pages that have cells, by where they begin.
    pages: Vec<CellPage>,
    key: std::marker::PhantomData<K>,
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

/// What [`OrderedKey::cell`] needs to find the cells of a page that begin at `base`.
pub(crate) fn entry<K: OrderedKey>(prefix: usize, base: usize, bits: u32) -> u32 {
    let first = (prefix as u64) << bits;
    (base as u32).wrapping_sub(first as u32) << 5 | (K::PAGE_BITS - bits)
}

impl<K: OrderedKey> Cells<K> {
    pub(crate) fn new() -> Self {
        Self {
            // One bin a page, and all these bins are cell 0.
            table: (0..1 << K::PREFIX_BITS).map(|prefix| entry::<K>(prefix, 0, 0)).collect(),
            counts: vec![0],
            full: Vec::new(),
            pages: Vec::new(),
            key: std::marker::PhantomData,
        }
    }

    /// Bytes of this many cells that count this many pixels, tables included.
    pub(crate) const fn bytes(cells: u64, pixels: u64) -> u64 {
        cells * size_of::<u16>() as u64 + pixels / FULL * size_of::<u32>() as u64 + (1 << K::PREFIX_BITS) * 4
    }

    /// How many cells there are.
    pub(crate) const fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether no page has cells.
    pub(crate) const fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The cells of a page, as a power of two, if it has some.
    pub(crate) fn bits(&self, prefix: usize) -> Option<u32> {
        let entry = self.table[prefix];
        (K::join(prefix, 0).cell(entry) != 0).then_some(K::PAGE_BITS - (entry & 31))
    }

    /// Makes room for this many cells at once, and for no more.
    pub(crate) fn reserve(&mut self, cells: usize) {
        self.counts.reserve_exact(cells.saturating_sub(self.counts.len()));
    }

    /// Gives a page that has none 2^bits cells.
    pub(crate) fn place(&mut self, prefix: usize, bits: u32) {
        let page = CellPage { prefix, base: self.counts.len(), bits };
        debug_assert!(page.cells().end <= 1 << CELL_BITS, "an index has no more bits");
        self.counts.resize(page.cells().end, 0);
        self.table[prefix] = entry::<K>(prefix, page.base, bits);
        self.pages.push(page);
    }

    /// Makes no page's cells finer than it has bins, of which there are 2^bits. Room is made among the cells themselves:
    /// to empty them into the bins would take longer.
    pub(crate) fn coarsen(&mut self, bits: impl Fn(usize) -> u32) {
        let mut full = std::mem::take(&mut self.full);
        full.sort_unstable();
        let mut full = full.into_iter().map(|cell| cell as usize).skip_while(|&cell| cell == 0).peekable();
        let mut end = 1;
        for page in &mut self.pages {
            let from = *page;
            *page = CellPage { base: end, bits: bits(page.prefix).min(from.bits), ..from };
            let together = from.bits - page.bits;
            while let Some(cell) = full.next_if(|cell| from.cells().contains(cell)) {
                self.full.push((page.base + ((cell - from.base) >> together)) as u32);
            }
            if together == 0 {
                self.counts.copy_within(from.cells(), page.base);
            } else {
                for (to, first) in page.cells().zip(from.cells().step_by(1 << together)) {
                    let sum: u64 = self.counts[first..][..1 << together].iter().map(|&count| u64::from(count)).sum();
                    self.counts[to] = sum as u16;
                    self.full.extend(std::iter::repeat_n(to as u32, (sum >> u16::BITS) as usize));
                }
            }
            self.table[page.prefix] = entry::<K>(page.prefix, page.base, page.bits);
            end = page.cells().end;
        }
        self.counts.truncate(end);
    }

    /// Adds what has been counted to the bins of the pages, none of which is finer than its cells; no page has cells
    /// after that.
    pub(crate) fn drain(&mut self, histogram: &mut KeyHistogram<K>) {
        histogram.settle_pages();
        self.coarsen(|prefix| histogram.bits_of(prefix).unwrap_or(u32::MAX));
        self.full.sort_unstable();
        let mut full = self.full.iter().map(|&cell| cell as usize).peekable();
        for page in self.pages.drain(..) {
            let bins = histogram.page(page.prefix).bins_mut();
            while let Some(cell) = full.next_if(|cell| page.cells().contains(cell)) {
                bins.counts_mut().0[cell - page.base] += FULL;
            }
            bins.add_cells(&self.counts[page.cells()]);
            self.table[page.prefix] = entry::<K>(page.prefix, 0, 0);
        }
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
            let located = locate::<K, S>(block, &self.table, at);
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
            sum = sum.wrapping_add(locate::<K, S>(block, &self.table, at).sum);
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
pub(crate) fn add_one(counts: &mut [u16], full: &mut Vec<u32>, cells: &[u32]) {
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

/// What is known of the cells of some scores together.
pub(crate) struct Located {
    /// How many have none.
    pub(crate) without: u32,
    /// Sum of their indices, modulo 2^32.
    sum: u32,
}

/// The indices of the scores' cells. Written so that wide vector units look the entries up together.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma+bmi1+bmi2", "x86_64+avx2+fma+bmi1+bmi2"))]
pub(crate) fn locate<K: OrderedKey, S: Sample>(scores: &[S], table: &[u32], at: &mut [u32]) -> Located {
    let table = &table[..1 << K::PREFIX_BITS];
    let (mut without, mut sum) = (0, 0_u32);
    for (score, at) in scores.iter().zip(at) {
        let key = K::of(score.to_f64());
        *at = key.cell(table[key.prefix()]);
        without += u32::from(*at == 0);
        sum = sum.wrapping_add(*at);
    }
    Located { without, sum }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Pages, places in them, and how often a score comes.
    fn runs() -> impl Strategy<Value = Vec<(usize, u64, usize)>> {
        proptest::collection::vec((0_usize..6, 0_u64..5, 1_usize..60_000), 0..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Cells that are made coarser hold what was counted, however often they were full, and so do those that are
        /// placed afterwards.
        #[test]
        fn coarser_cells_hold_the_same(
            rounds in proptest::collection::vec((0_usize..6, 0_u32..5, runs()), 1..6), last in 0_u32..6,
        ) {
            let prefixes: [usize; 6] = std::array::from_fn(|i| 0xc000 + 3 * i);
            let mut cells = Cells::<u32>::new();
            let mut bits = [16_u32; 6];
            let mut expected: BTreeMap<(usize, u64), u64> = BTreeMap::new();
            for (placed, coarser, runs) in rounds {
                bits[placed] = bits[placed].saturating_sub(coarser * 3).max(2);
                cells.coarsen(|prefix| bits[(prefix - 0xc000) / 3]);
                if cells.bits(prefixes[placed]).is_none() {
                    cells.place(prefixes[placed], bits[placed]);
                }
                for (page, low, length) in runs {
                    // In neighbouring bins, and far from each other.
                    let low = [0, 1, 2, 0x8000, 0xffff][low as usize];
                    let score = u32::join(prefixes[page], low).score() as f32;
                    let mut others = 0;
                    cells.count(&vec![score; length], |_| others += 1);
                    let counted = cells.bits(prefixes[page]).is_some();
                    prop_assert_eq!(others, if counted { 0 } else { length });
                    if counted {
                        *expected.entry((page, low)).or_default() += length as u64;
                    }
                }
            }
            bits = bits.map(|bits| bits.saturating_sub(last).max(2));
            cells.coarsen(|prefix| bits[(prefix - 0xc000) / 3]);
            let mut found: BTreeMap<(usize, usize), u64> = BTreeMap::new();
            for page in &cells.pages {
                for cell in page.cells() {
                    let full = cells.full.iter().filter(|&&full| full as usize == cell).count() as u64;
                    let count = u64::from(cells.counts[cell]) + FULL * full;
                    if count > 0 {
                        found.insert(((page.prefix - 0xc000) / 3, cell - page.base), count);
                    }
                }
            }
            let mut binned: BTreeMap<(usize, usize), u64> = BTreeMap::new();
            for ((page, low), count) in expected {
                let own = cells.bits(prefixes[page]).unwrap_or(0);
                *binned.entry((page, (low >> (16 - own)) as usize)).or_default() += count;
            }
            prop_assert_eq!(found, binned);
        }
    }
}
