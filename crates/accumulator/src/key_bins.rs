//! Normal pixels of a page that is divided evenly: bins of equal width, of which only the counts are known.

use crate::key_tally::Tally;

/// The counts of 2^bits bins, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bins {
    bits: u32,
    /// Nothing at all while nothing was counted.
    counts: Vec<u64>,
}

impl Bins {
    pub(crate) const fn new(bits: u32) -> Self {
        Self { bits, counts: Vec::new() }
    }

    /// How many bins there are, as a power of two.
    pub(crate) const fn bits(&self) -> u32 {
        self.bits
    }

    /// The counts, to be added to, and how many bins there are as a power of two.
    #[inline]
    pub(crate) fn counts_mut(&mut self) -> (&mut [u64], u32) {
        if self.counts.is_empty() {
            self.counts = vec![0; 1 << self.bits];
        }
        (&mut self.counts, self.bits)
    }

    /// The counts; none where nothing was counted.
    pub(crate) const fn counts(&self) -> &[u64] {
        self.counts.as_slice()
    }

    /// Adds a pixel of a key whose `low_bits` low bits are `low`.
    #[inline]
    pub(crate) fn add(&mut self, low_bits: u32, low: u64) {
        let (counts, bits) = self.counts_mut();
        counts[(low >> (low_bits - bits)) as usize] += 1;
    }

    /// Adds pixels of keys with `low_bits` low bits each.
    pub(crate) fn extend<L: Into<u64>>(&mut self, low_bits: u32, more: impl IntoIterator<Item = Tally<L>>) {
        for pixels in more {
            let (counts, bits) = self.counts_mut();
            counts[(pixels.low.into() >> (low_bits - bits)) as usize] += pixels.count;
        }
    }

    /// Adds the counts of cells of the same keys, none of which is wider than a bin.
    pub(crate) fn add_cells(&mut self, cells: &[u8]) {
        if cells.iter().fold(0, |all, cell| all | cell) > 0 {
            self.add_up(cells);
        }
    }

    /// Adds the counts of bins of the same keys, none of which is wider.
    pub(crate) fn merge(&mut self, other: &Self) {
        if !other.counts.is_empty() {
            self.add_up(&other.counts);
        }
    }

    /// Adds counts, of which there are as many for each bin.
    fn add_up<C: Copy + Into<u64>>(&mut self, more: &[C]) {
        let (counts, bits) = self.counts_mut();
        match more.len() >> bits {
            1 => counts.iter_mut().zip(more).for_each(|(count, &more)| *count += more.into()),
            together => {
                let sums = more.chunks_exact(together).map(|more| more.iter().map(|&more| more.into()).sum::<u64>());
                counts.iter_mut().zip(sums).for_each(|(count, sum)| *count += sum);
            }
        }
    }

    /// Makes 2^bits bins of them where there were more; where they are, because new memory is dear. Says whether.
    pub(crate) fn coarsen(&mut self, bits: u32) -> bool {
        let together = 1 << self.bits.saturating_sub(bits);
        if together == 1 {
            return false;
        }
        self.bits = bits;
        let left = self.counts.len() / together;
        for to in 0..left {
            self.counts[to] = self.counts[to * together..(to + 1) * together].iter().sum();
        }
        self.counts.truncate(left);
        self.counts.shrink_to_fit();
        true
    }
}
