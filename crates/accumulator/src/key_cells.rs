//! The hot loop of the key histogram: small cells that pixels are counted in.
//!
//! A cell stands for one bin. A byte tells whether it is empty, has seen one key, or is mixed, and counts up to 127
//! pixels; what goes beyond is carried to a second array, and the key that a cell has seen is in a third. Nearly all
//! pixels of maps of real numbers fall into mixed cells, for which the byte is all that is touched: few enough bytes
//! to stay in the processor's cache.
//!
//! Pages that the histogram divides evenly have a cell for each bin. A page that is a list there must not mix keys, so
//! its cells are a *strict* cache of single keys: a key that finds its cell taken by another *overflows*. Pages without
//! cells share cell 0, from which everything overflows.

use multiversion::multiversion;
use pimo_frame::Sample;

use crate::OrderedKey;
use crate::key_bin::Tally;
use crate::ordered_key::CELL_BITS;

/// Pixels counted together.
const BLOCK: usize = 256;
/// Pixels of a block that fall into cells with one key, from which on there seem to be few values.
const MANY: usize = BLOCK / 4;
/// Slow pixels of a block that are guessed right often enough.
const FEW: usize = BLOCK / 64;
/// Blocks to wait after the scores turned out to have many values before it is tried again.
const PATIENCE: u32 = 64;
/// The bit of a cell that has seen two keys; those below count.
const MIXED: u8 = 0x80;
/// Most pixels that a cell counts, and how many a carry stands for.
const FULL: u8 = 0x7f;

/// Cells of some pages, and where those of each page are.
#[derive(Clone, Debug)]
pub(crate) struct Cells<K: OrderedKey> {
    /// For every prefix what [`OrderedKey::cell`] needs.
    table: Vec<u32>,
    /// For every prefix whether its cells must not mix keys.
    strict: Vec<bool>,
    /// State and count. Cell 0 belongs to pages without cells and stays empty.
    counts: Vec<u8>,
    /// The low bits of the key that a cell with one key has seen.
    keys: Vec<K::Low>,
    /// Carries, [`FULL`] pixels each.
    carries: Vec<u32>,
    /// Whether the scores seem to have few values, so that cells with one key are worth a faster loop.
    few_values: bool,
    /// Whether few pixels of the last block were slow.
    seldom: bool,
    /// Blocks for which they are not taken to have few values.
    patience: u32,
}

/// How a page is divided into cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Division {
    /// The page has 2^bits cells.
    pub(crate) bits: u32,
    /// Whether its cells must not mix keys.
    pub(crate) strict: bool,
}

/// What [`OrderedKey::cell`] needs to find the cells of a page that begin at `base`.
fn entry<K: OrderedKey>(prefix: usize, base: usize, bits: u32) -> u32 {
    let first = (prefix as u64) << bits;
    (base as u32).wrapping_sub(first as u32) << 5 | (K::PAGE_BITS - bits)
}

/// The entry of a page without cells: all its keys have cell 0.
fn no_entry<K: OrderedKey>(prefix: usize) -> u32 {
    entry::<K>(prefix, 0, 0)
}

impl<K: OrderedKey> Cells<K> {
    pub(crate) fn new() -> Self {
        Self {
            table: (0..1 << K::PREFIX_BITS).map(no_entry::<K>).collect(),
            strict: vec![true; 1 << K::PREFIX_BITS],
            counts: vec![0],
            keys: vec![K::Low::default()],
            carries: vec![0],
            few_values: false,
            patience: 0,
            seldom: true,
        }
    }

    /// Bytes of this many cells, tables included.
    pub(crate) const fn bytes(cells: u64) -> u64 {
        cells * (1 + size_of::<K::Low>() as u64 + 4) + (1 << K::PREFIX_BITS) * 5
    }

    /// Makes room for this many cells at once, and for no more.
    pub(crate) fn reserve(&mut self, cells: usize) {
        self.counts.reserve_exact(cells.saturating_sub(self.counts.len()));
        self.keys.reserve_exact(cells.saturating_sub(self.keys.len()));
        self.carries.reserve_exact(cells.saturating_sub(self.carries.len()));
    }

    /// How a page is divided, if it has cells.
    pub(crate) fn division(&self, prefix: usize) -> Option<Division> {
        let bits = K::PAGE_BITS - (self.table[prefix] & 31);
        (self.base(prefix) != 0).then(|| Division { bits, strict: self.strict[prefix] })
    }

    /// The first cell of a page.
    fn base(&self, prefix: usize) -> usize {
        K::join(prefix, 0).cell(self.table[prefix]) as usize
    }

    /// Gives a page new, empty cells. `mixed` has the cells that are known to have seen two keys before.
    pub(crate) fn place(&mut self, prefix: usize, division: Division, mixed: impl Iterator<Item = usize>) {
        let base = self.counts.len();
        let len = base + (1 << division.bits);
        debug_assert!(len <= 1 << CELL_BITS, "an index has no more bits");
        self.counts.resize(len, 0);
        self.keys.resize(len, K::Low::default());
        self.carries.resize(len, 0);
        for at in mixed {
            self.counts[base + at] = MIXED;
        }
        self.table[prefix] = entry::<K>(prefix, base, division.bits);
        self.strict[prefix] = division.strict;
    }

    /// What the cells of a page have counted, in ascending order. The page is left without cells.
    pub(crate) fn take(&mut self, prefix: usize) -> impl Iterator<Item = Tally<K::Low>> {
        let (base, bits) = (self.base(prefix), self.division(prefix).map(|division| division.bits));
        self.table[prefix] = no_entry::<K>(prefix);
        self.strict[prefix] = true;
        let cells = base..base + bits.map_or(0, |bits| 1 << bits);
        let width = K::LOW_BITS - bits.unwrap_or(0);
        let (keys, carries) = (&self.keys[cells.clone()], &self.carries[cells.clone()]);
        self.counts[cells]
            .iter()
            .zip(keys)
            .zip(carries)
            .enumerate()
            .filter(|(_, ((cell, _), _))| **cell & FULL != 0)
            .map(move |(at, ((&cell, &key), &carries))| {
                let count = u64::from(carries) * u64::from(FULL) + u64::from(cell & FULL);
                let mixed = cell & MIXED != 0;
                Tally { count, low: if mixed { K::pack_low((at as u64) << width) } else { key }, mixed }
            })
    }

    /// Makes room by dividing pages into 2^bits cells where `bits` has fewer than they have now. `pages` are those that
    /// have cells, in the order in which they got them.
    pub(crate) fn compact(&mut self, pages: &[usize], bits: impl Fn(usize) -> Option<u32>) {
        let mut end = 1;
        for &prefix in pages {
            let Some(division) = self.division(prefix) else { continue };
            let (from, base) = (self.base(prefix), end);
            let to_bits = bits(prefix).map_or(division.bits, |bits| bits.min(division.bits));
            let together = 1 << (division.bits - to_bits);
            for at in 0..1 << to_bits {
                self.fold(from + at * together, together, base + at);
            }
            end += 1 << to_bits;
            self.table[prefix] = entry::<K>(prefix, base, to_bits);
        }
        self.truncate(end);
    }

    /// Makes one cell of `together` cells beside each other, none of which is before it.
    fn fold(&mut self, from: usize, together: usize, to: usize) {
        let (mut state, mut count, mut carries, mut key) = (0, 0, 0, K::Low::default());
        for at in from..from + together {
            let cell = self.counts[at];
            if cell != 0 {
                // Cells apart have seen keys apart.
                state = if state == 0 { cell & MIXED | 1 } else { MIXED | 1 };
                count += u64::from(cell & FULL);
                carries += self.carries[at];
                key = self.keys[at];
            }
        }
        let more = count.saturating_sub(1) / u64::from(FULL);
        self.counts[to] = state & MIXED | (count - more * u64::from(FULL)) as u8;
        self.carries[to] = carries + more as u32;
        self.keys[to] = key;
    }

    fn truncate(&mut self, cells: usize) {
        self.counts.truncate(cells);
        self.keys.truncate(cells);
        self.carries.truncate(cells);
    }

    /// Forgets all cells. Their counts must have been taken.
    pub(crate) fn clear(&mut self) {
        self.truncate(1);
    }

    /// Counts scores; those that overflow are appended to `overflow`.
    pub(crate) fn count<S: Sample>(&mut self, scores: &[S], overflow: &mut Vec<K>) {
        let mut at = [0_u32; BLOCK];
        let mut slow = [0_u16; BLOCK];
        for block in scores.chunks(BLOCK) {
            let at = &mut at[..block.len()];
            locate::<K, S>(block, &self.table, at);
            let left = if self.few_values {
                let (left, known) = count_known::<K, S>(&mut self.counts, &self.keys, block, at, &mut slow);
                self.few_values = known > MANY;
                self.patience = if self.few_values { 0 } else { PATIENCE };
                left
            } else {
                let left = if self.seldom {
                    count_mixed::<true>(&mut self.counts, at, &mut slow)
                } else {
                    count_mixed::<false>(&mut self.counts, at, &mut slow)
                };
                self.seldom = left < FEW;
                self.few_values = left > MANY && self.patience == 0;
                self.patience = self.patience.saturating_sub(1);
                left
            };
            for &i in &slow[..left] {
                self.count_one(K::of(block[i as usize].to_f64()), at[i as usize] as usize, overflow);
            }
        }
    }

    /// Counts one pixel, whatever the state of its cell.
    #[inline]
    fn count_one(&mut self, key: K, at: usize, overflow: &mut Vec<K>) {
        let low = K::pack_low(key.low());
        if self.strict[key.prefix()] && (at == 0 || self.counts[at] != 0 && self.keys[at] != low) {
            overflow.push(key);
            return;
        }
        // No branches on what the cell holds from here on, save a rare one: cells that are not mixed are seldom in the
        // cache, and a wrong guess would wait for each of them.
        let (cell, known) = (&mut self.counts[at], &mut self.keys[at]);
        let first = *cell == 0;
        let mixed = u8::from(!first) & u8::from(*known != low) | *cell >> MIXED.trailing_zeros();
        *known = if first { low } else { *known };
        let count = *cell & FULL;
        let carry = count == FULL;
        *cell = mixed << MIXED.trailing_zeros() | if carry { 1 } else { count + 1 };
        if carry {
            self.carries[at] += 1;
        }
    }
}

/// The indices of the scores' cells. Written so that wide vector units look the entries up together.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma+bmi1+bmi2", "x86_64+avx2+fma+bmi1+bmi2"))]
fn locate<K: OrderedKey, S: Sample>(scores: &[S], table: &[u32], at: &mut [u32]) {
    let table = &table[..1 << K::PREFIX_BITS];
    for (score, at) in scores.iter().zip(at) {
        let key = K::of(score.to_f64());
        *at = key.cell(table[key.prefix()]);
    }
}

/// Counts the pixels whose cells are mixed and not full; gives the number of the others, which are put into `slow`.
///
/// `SELDOM` says that there will be few others. If not, branches are avoided, because most would be guessed wrong and
/// wait for memory.
#[inline]
fn count_mixed<const SELDOM: bool>(counts: &mut [u8], at: &[u32], slow: &mut [u16; BLOCK]) -> usize {
    let mut left = 0;
    for (i, &at) in at.iter().enumerate() {
        let cell = &mut counts[at as usize];
        // One comparison, on signed numbers: mixed is negative, and mixed and full is -1.
        let counts = (*cell as i8) < -1;
        if SELDOM {
            if counts {
                *cell += 1;
            } else {
                slow[left % BLOCK] = i as u16;
                left += 1;
            }
        } else {
            *cell += u8::from(counts);
            slow[left % BLOCK] = i as u16;
            left += usize::from(!counts);
        }
    }
    left
}

/// The same for cells that have seen the same key before, too; the second number is how many there were.
#[inline]
fn count_known<K: OrderedKey, S: Sample>(
    counts: &mut [u8],
    known: &[K::Low],
    scores: &[S],
    at: &[u32],
    slow: &mut [u16; BLOCK],
) -> (usize, usize) {
    let (mut left, mut same) = (0, 0);
    for (i, (&at, score)) in at.iter().zip(scores).enumerate() {
        let at = at as usize;
        let cell = &mut counts[at];
        let low = K::pack_low(K::of(score.to_f64()).low());
        let known = known[at] == low && cell.wrapping_sub(1) < FULL - 1;
        same += usize::from(known);
        if known || (*cell as i8) < -1 {
            *cell += 1;
        } else {
            slow[left % BLOCK] = i as u16;
            left += 1;
        }
    }
    (left, same)
}
