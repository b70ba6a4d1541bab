//! In which cell of a row of cells each score is counted, where pages of keys have cells that follow one another.
//!
//! Finding a score's page in a table of all pages takes the processor longer than counting the score does. But pages
//! mostly come in a few *runs*: neighbours, of equally many cells, whose cells are neighbours too. Where there are few
//! enough of these, a score is compared with the beginning of each, which vector units do for many scores at once.

use std::marker::PhantomData;

use multiversion::multiversion;
use pimo_frame::Sample;

use crate::OrderedKey;
use crate::ordered_key::CELL_BITS;

/// The entry of pages without cells: no other has as many bits that are to be dropped.
const NONE: u32 = u32::MAX;
/// Runs that are compared with at once, where there are few, and at most.
const FEW_RUNS: usize = 4;
pub(crate) const MOST_RUNS: usize = 8;

/// Where the cells of each page are. Cell 0 is that of all pages without cells.
#[derive(Clone, Debug)]
pub(crate) struct CellTable<K> {
    /// For every prefix what [`OrderedKey::cell`] needs.
    entries: Vec<u32>,
    /// The first of the runs.
    runs: Runs<MOST_RUNS>,
    run_count: usize,
    key: PhantomData<K>,
}

/// Where runs of pages begin, in ascending order, and the entry of all pages of each; those that are missing begin where
/// no page is.
#[derive(Clone, Copy, Debug)]
struct Runs<const N: usize> {
    prefixes: [u32; N],
    entries: [u32; N],
}

impl<const N: usize> Runs<N> {
    const NO_RUN: Self = Self { prefixes: [u32::MAX; N], entries: [NONE; N] };

    fn first<const FEWER: usize>(&self) -> Runs<FEWER> {
        Runs {
            prefixes: std::array::from_fn(|run| self.prefixes[run]),
            entries: std::array::from_fn(|run| self.entries[run]),
        }
    }

    #[inline]
    fn entry(&self, prefix: usize) -> u32 {
        let mut entry = NONE;
        for run in 0..N {
            entry = if prefix as u32 >= self.prefixes[run] { self.entries[run] } else { entry };
        }
        entry
    }
}

/// What is known of the cells of some scores together.
pub(crate) struct Located {
    /// How many have none.
    pub(crate) without: u32,
    /// Sum of their indices, modulo 2^32.
    pub(crate) sum: u32,
}

impl<K: OrderedKey> CellTable<K> {
    /// A table of pages without cells.
    pub(crate) fn new() -> Self {
        let entries = vec![NONE; 1 << K::PREFIX_BITS];
        Self { entries, runs: Runs::NO_RUN, run_count: 0, key: PhantomData }
    }

    /// Bytes of a table.
    pub(crate) const fn bytes() -> u64 {
        (size_of::<u32>() as u64) << K::PREFIX_BITS
    }

    /// The cells of a page, as a power of two, if it has some.
    pub(crate) fn bits(&self, prefix: usize) -> Option<u32> {
        let entry = self.entries[prefix];
        (entry != NONE).then(|| K::PAGE_BITS - (entry & 31))
    }

    /// Gives pages cells: each of these prefixes 2^bits, from an index on that is not 0.
    pub(crate) fn place(&mut self, pages: impl IntoIterator<Item = (usize, usize, u32)>) {
        for (prefix, base, bits) in pages {
            debug_assert!(base > 0 && base + (1 << bits) <= 1 << CELL_BITS, "an index has no more bits");
            let first = (prefix as u64) << bits;
            self.entries[prefix] = (base as u32).wrapping_sub(first as u32) << 5 | (K::PAGE_BITS - bits);
        }
        self.find_runs();
    }

    /// Takes the cells of all pages away.
    pub(crate) fn clear(&mut self) {
        self.entries.fill(NONE);
        (self.runs, self.run_count) = (Runs::NO_RUN, 0);
    }

    /// How many runs of pages there are, counting those without cells above others.
    pub(crate) const fn run_count(&self) -> usize {
        self.run_count
    }

    fn find_runs(&mut self) {
        (self.runs, self.run_count) = (Runs::NO_RUN, 0);
        let mut before = NONE;
        for (prefix, &entry) in self.entries.iter().enumerate() {
            if entry != before {
                if self.run_count < MOST_RUNS {
                    self.runs.prefixes[self.run_count] = prefix as u32;
                    self.runs.entries[self.run_count] = entry;
                }
                self.run_count += 1;
                before = entry;
            }
        }
    }

    /// The cell of a key.
    #[inline]
    pub(crate) fn cell(&self, key: K) -> u32 {
        cell(key, self.entries[key.prefix()])
    }

    /// Writes down the indices of the scores' cells.
    #[inline]
    pub(crate) fn locate<S: Sample>(&self, scores: &[S], at: &mut [u32]) -> Located {
        let runs = self.run_count;
        if runs <= FEW_RUNS {
            locate_by_runs::<K, S, FEW_RUNS>(scores, &self.runs.first(), at)
        } else if runs <= MOST_RUNS {
            locate_by_runs::<K, S, MOST_RUNS>(scores, &self.runs, at)
        } else {
            locate_by_table::<K, S>(scores, &self.entries, at)
        }
    }
}

/// How many runs there are, counting those without cells above others, if the cells of all these pages are placed one
/// after the other: prefixes, which ascend, and cells as a power of two.
pub(crate) fn runs_of(pages: &[(usize, u32)]) -> usize {
    let is_gap = |pair: &&[(usize, u32)]| pair[0].0 + 1 < pair[1].0;
    let gaps = pages.windows(2).filter(is_gap).count();
    let begins = pages.windows(2).filter(|pair| is_gap(pair) || pair[0].1 != pair[1].1).count();
    // The first page begins one, too, and one is above the last.
    gaps + begins + 2 * usize::from(!pages.is_empty())
}

/// The key's cell, or 0.
#[inline]
fn cell<K: OrderedKey>(key: K, entry: u32) -> u32 {
    if entry == NONE { 0 } else { key.cell(entry) }
}

#[inline]
fn locate<K: OrderedKey, S: Sample>(scores: &[S], at: &mut [u32], entry: impl Fn(usize) -> u32) -> Located {
    let (mut without, mut sum) = (0, 0_u32);
    for (score, at) in scores.iter().zip(at) {
        let key = K::of(score.to_f64());
        *at = cell(key, entry(key.prefix()));
        without += u32::from(*at == 0);
        sum = sum.wrapping_add(*at);
    }
    Located { without, sum }
}

/// Written so that wide vector units compare many scores at once.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma+bmi1+bmi2", "x86_64+avx2+fma+bmi1+bmi2"))]
fn locate_by_runs<K: OrderedKey, S: Sample, const N: usize>(scores: &[S], runs: &Runs<N>, at: &mut [u32]) -> Located {
    locate::<K, S>(scores, at, |prefix| runs.entry(prefix))
}

/// Written so that wide vector units look many entries up at once.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma+bmi1+bmi2", "x86_64+avx2+fma+bmi1+bmi2"))]
fn locate_by_table<K: OrderedKey, S: Sample>(scores: &[S], entries: &[u32], at: &mut [u32]) -> Located {
    let entries = &entries[..1 << K::PREFIX_BITS];
    locate::<K, S>(scores, at, |prefix| entries[prefix])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pages near the middle, where scores change their sign, around 1, and at both ends.
    fn prefixes<K: OrderedKey>(page: usize) -> usize {
        let all = 1 << K::PREFIX_BITS;
        match page {
            0..15 => all / 2 - 8 + page,
            15..40 => K::of(1.0).prefix() - 27 + page,
            40..50 => page - 40,
            _ => all - 60 + page,
        }
    }

    fn check<K: OrderedKey, S: Sample>(rounds: &[Vec<(usize, u32)>], scores: &[S]) -> Result<(), TestCaseError> {
        let mut table = CellTable::<K>::new();
        let mut placed = std::collections::BTreeMap::new();
        let mut end = 1;
        for (round, pages) in rounds.iter().enumerate() {
            let mut pages: Vec<(usize, u32)> =
                pages.iter().map(|&(page, bits)| (prefixes::<K>(page), bits.min(K::PAGE_BITS))).collect();
            pages.sort_unstable();
            pages.dedup_by_key(|page| page.0);
            pages.retain(|page| !placed.contains_key(&page.0));
            for &(prefix, bits) in &pages {
                table.place([(prefix, end, bits)]);
                placed.insert(prefix, (end, bits));
                end += 1 << bits;
            }
            if round == 0 {
                let above = usize::from(pages.last().is_some_and(|page| page.0 + 1 == 1 << K::PREFIX_BITS));
                prop_assert_eq!(table.run_count() + above, runs_of(&pages));
            }
            let cell = |key: K| {
                placed.get(&key.prefix()).map_or(0, |&(base, bits)| base + (key.low() >> (K::LOW_BITS - bits)) as usize)
            };
            let expected: Vec<usize> = scores.iter().map(|score| cell(K::of(score.to_f64()))).collect();
            let mut at = vec![u32::MAX; scores.len()];
            let located = table.locate(scores, &mut at);
            prop_assert!(at.iter().map(|&at| at as usize).eq(expected.iter().copied()), "{} runs", table.run_count());
            prop_assert_eq!(located.without as usize, expected.iter().filter(|&&cell| cell == 0).count());
            prop_assert_eq!(located.sum, at.iter().fold(0_u32, |sum, &at| sum.wrapping_add(at)));
            for score in scores {
                let key = K::of(score.to_f64());
                prop_assert_eq!(table.cell(key) as usize, cell(key));
                prop_assert_eq!(table.bits(key.prefix()), placed.get(&key.prefix()).map(|page| page.1));
            }
        }
        table.clear();
        prop_assert_eq!(table.run_count(), 0);
        prop_assert_eq!(table.locate(scores, &mut vec![0; scores.len()]).without as usize, scores.len());
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// With few runs, more, and too many to be compared with, every score finds its cell.
        #[test]
        fn every_score_finds_its_cell(
            rounds in proptest::collection::vec(proptest::collection::vec((0_usize..60, 3_u32..9), 0..25), 1..4),
            neighbours in 1_usize..40, bits in 3_u32..9,
            places in proptest::collection::vec((0_usize..70, any::<u64>()), 0..300),
        ) {
            let single: Vec<f32> =
                places.iter().map(|&(page, low)| u32::join(prefixes::<u32>(page.min(59)), low).score() as f32).collect();
            let double: Vec<f64> =
                places.iter().map(|&(page, low)| u64::join(prefixes::<u64>(page.min(59)), low).score()).collect();
            check::<u32, f32>(&rounds, &single)?;
            check::<u64, f64>(&rounds, &double)?;
            // In single precision there are few keys of each page.
            let both: Vec<f32> = double.iter().map(|&score| score as f32).collect();
            check::<u64, f32>(&rounds, &both)?;
            let neighbours = [(15..15 + neighbours.min(25)).map(|page| (page, bits)).collect(), rounds[0].clone()];
            check::<u32, f32>(&neighbours, &single)?;
            check::<u64, f64>(&neighbours, &double)?;
        }
    }
}
