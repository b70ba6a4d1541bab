//! Finding the slot of a key among cuts.
//!
//! A page is divided into buckets of equal width, 64 of which are a *word*: a bit for each says whether a cut lies in it,
//! so that counting bits gives the last cut at or below a bucket. Where a bucket is a single key, that is all; elsewhere
//! keys in a bucket with a cut have to be compared with it. Nothing branches, so that many keys are looked up together.

use multiversion::multiversion;

/// Buckets of a word, as a power of two.
pub(crate) const WORD_BITS: u32 = u64::BITS.ilog2();

/// The words of all pages, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// A bit for each bucket with a cut, the lowest bucket first.
    occupied: Vec<u64>,
    /// Cuts below all buckets of the word, and which keys have to be compared with the cuts of their word: those of
    /// [occupied buckets](COMPARE_OCCUPIED), [all](COMPARE_ALL), or none, where every bucket is one key.
    below: Vec<u32>,
}

/// All keys of a word have to be compared: there are buckets with several cuts, or cuts that stand for more than a key.
pub(crate) const COMPARE_ALL: u32 = 1 << 31;
/// The keys of buckets with a cut have to be compared.
pub(crate) const COMPARE_OCCUPIED: u32 = 1 << 30;
/// The number of cuts below a word.
const BELOW: u32 = COMPARE_OCCUPIED - 1;

impl Words {
    pub(crate) fn push(&mut self, occupied: u64, below: u32, compare: u32) {
        self.occupied.push(occupied);
        self.below.push(below | compare);
    }

    pub(crate) fn reserve(&mut self, words: usize) {
        self.occupied.reserve_exact(words);
        self.below.reserve_exact(words);
    }

    pub(crate) const fn len(&self) -> usize {
        self.occupied.len()
    }

    /// Cuts below a word.
    pub(crate) fn below(&self, word: usize) -> Option<usize> {
        self.below.get(word).map(|below| (below & BELOW) as usize)
    }
}

/// Finds slots from buckets: that above the last cut at or below a bucket, or, `at_cuts` further, that at it. Keys that
/// have to be compared get none, which is said.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx512vpopcntdq+avx2+fma+popcnt+bmi1+bmi2",
    "x86_64+popcnt+bmi1+bmi2",
))]
pub(crate) fn slots(words: &Words, at_cuts: u32, buckets: &mut [u32]) -> bool {
    let Some(last) = words.occupied.len().checked_sub(1) else { return true };
    let (occupied, below) = (&words.occupied[..=last], &words.below[..=last]);
    let mut unknown = 0;
    for bucket in buckets {
        // None lies above the last word; but so the compiler sees it, and looks many up together.
        let word = (*bucket as usize / 64).min(last);
        let (occupied, below, bit) = (occupied[word], below[word], *bucket % 64);
        let is_occupied = (occupied >> bit) as u32 & 1;
        let up_to_here = occupied & (u64::MAX >> (63 - bit));
        let cut = (below & BELOW) + up_to_here.count_ones() - 1;
        let compare = below >> 31 | (below >> 30 & is_occupied);
        unknown |= compare;
        *bucket = if compare == 1 { u32::MAX } else { cut + is_occupied * at_cuts };
    }
    unknown == 0
}
