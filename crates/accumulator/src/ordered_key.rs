//! Scores as integers in the same order.
//!
//! The bits of an IEEE number, with the sign bit flipped for positive numbers and all bits flipped for negative ones,
//! grow with the number. A histogram on such keys needs no range of scores: an outlier at 1e30 costs one page, and
//! scores that share one octave still differ in their low bits. +0.0 and -0.0 are one score and get one key.

use std::fmt::Debug;
use std::hash::Hash;

use pimo_frame::Sample;

/// A score type with an order-preserving integer key.
///
/// ```
/// use pimo_accumulator::Keyed;
/// assert!((-1.5_f32).key() < 0.0_f32.key() && 0.0_f32.key() < 1e-45_f32.key());
/// assert_eq!((-0.0_f32).key(), 0.0_f32.key());
/// assert_eq!(f32::from_key(27.25_f32.key()), 27.25);
/// ```
pub trait Keyed: Sample {
    /// Unsigned integer of the same width.
    type Key: OrderedKey;

    /// The key: `a < b` exactly when `a.key() < b.key()`, for numbers that are not NaN.
    fn key(self) -> Self::Key;

    /// The score with this key (+0.0 for zero); NaN for keys of NaN.
    fn from_key(key: Self::Key) -> Self;
}

impl Keyed for f32 {
    type Key = u32;

    #[inline]
    fn key(self) -> u32 {
        // Adding +0.0 turns -0.0 into +0.0 and changes nothing else.
        let bits = (self + 0.0).to_bits();
        bits ^ (((bits as i32 >> 31) as u32) | 1 << 31)
    }

    fn from_key(key: u32) -> Self {
        Self::from_bits(if key >> 31 == 1 { key ^ 1 << 31 } else { !key })
    }
}

impl Keyed for f64 {
    type Key = u64;

    #[inline]
    fn key(self) -> u64 {
        let bits = (self + 0.0).to_bits();
        bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
    }

    fn from_key(key: u64) -> Self {
        Self::from_bits(if key >> 63 == 1 { key ^ 1 << 63 } else { !key })
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u32 {}
    impl Sealed for u64 {}
}

/// Indices of cells have this many bits.
pub(crate) const CELL_BITS: u32 = 27;
const CELL_MASK: u32 = (1 << CELL_BITS) - 1;

/// The low bits of a key: those that say where in its page a key lies.
pub trait LowBits: Copy + Debug + Default + Eq + Ord + Hash + Send + Sync + Into<u64> + 'static {}
impl LowBits for u16 {}
impl LowBits for u64 {}

/// An order-preserving key, split into the *prefix* that names its page and the *low bits* inside the page.
///
/// Pages are equally fine for both key types: sign, exponent and the first seven bits of the mantissa, which makes
/// 128 pages an octave of scores.
pub trait OrderedKey:
    Copy + Debug + Default + Eq + Ord + Hash + Into<u64> + Send + Sync + sealed::Sealed + 'static
{
    /// The score type of this key.
    type Score: Keyed<Key = Self>;
    /// An integer for the low bits.
    type Low: LowBits;

    /// Bits of the whole key.
    const BITS: u32;
    /// Bits that name the page.
    const PREFIX_BITS: u32;
    /// Bits inside the page.
    const LOW_BITS: u32 = Self::BITS - Self::PREFIX_BITS;
    /// Most bits by which a page may be cut into bins: 2^`PAGE_BITS` bins.
    const PAGE_BITS: u32;

    /// The key of a score of this type, given in double precision. Scores in single precision have a key of either
    /// type; those in double precision would be rounded by [`u32`].
    fn of(score: f64) -> Self;
    /// The index of the key's cell: the key without its lowest `width` bits, plus an offset, both from an entry for its
    /// page. The offset is in all but the lowest five bits, which have `width - (LOW_BITS - PAGE_BITS)`.
    fn cell(self, entry: u32) -> u32;
    /// The score that has this key, in double precision.
    fn score(self) -> f64;
    /// The page of the key.
    fn prefix(self) -> usize;
    /// The key's place in its page.
    fn low(self) -> u64;
    /// The key with its lowest `width` bits cleared.
    #[must_use]
    fn without(self, width: u32) -> Self;
    /// The key with this prefix and these low bits.
    fn join(prefix: usize, low: u64) -> Self;
    /// Low bits from an integer; higher bits are dropped.
    fn pack_low(low: u64) -> Self::Low;
}

impl OrderedKey for u32 {
    type Score = f32;
    type Low = u16;

    const BITS: u32 = 32;
    const PREFIX_BITS: u32 = 16;
    const PAGE_BITS: u32 = 16;

    #[inline]
    fn of(score: f64) -> Self {
        (score as f32).key()
    }

    #[inline]
    fn cell(self, entry: u32) -> u32 {
        (self >> (entry & 31)).wrapping_add(entry >> 5) & CELL_MASK
    }

    fn score(self) -> f64 {
        f64::from(f32::from_key(self))
    }

    #[inline]
    fn prefix(self) -> usize {
        (self >> 16) as usize
    }

    #[inline]
    fn low(self) -> u64 {
        u64::from(self & 0xffff)
    }

    #[inline]
    fn without(self, width: u32) -> Self {
        self & (u32::MAX << width)
    }

    fn join(prefix: usize, low: u64) -> Self {
        (prefix as u32) << 16 | low as u32 & 0xffff
    }

    #[inline]
    fn pack_low(low: u64) -> u16 {
        low as u16
    }
}

const LOW_45: u64 = (1 << 45) - 1;

impl OrderedKey for u64 {
    type Score = f64;
    type Low = u64;

    const BITS: u32 = 64;
    const PREFIX_BITS: u32 = 19;
    const PAGE_BITS: u32 = 20;

    #[inline]
    fn of(score: f64) -> Self {
        score.key()
    }

    #[inline]
    fn cell(self, entry: u32) -> u32 {
        let width = Self::LOW_BITS - Self::PAGE_BITS + (entry & 31);
        ((self >> width) as u32).wrapping_add(entry >> 5) & CELL_MASK
    }

    fn score(self) -> f64 {
        f64::from_key(self)
    }

    #[inline]
    fn prefix(self) -> usize {
        (self >> 45) as usize
    }

    #[inline]
    fn low(self) -> u64 {
        self & LOW_45
    }

    #[inline]
    fn without(self, width: u32) -> Self {
        self & (u64::MAX << width)
    }

    fn join(prefix: usize, low: u64) -> Self {
        (prefix as u64) << 45 | low & LOW_45
    }

    #[inline]
    fn pack_low(low: u64) -> u64 {
        low & LOW_45
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_keep_the_order_of_single_precision(a in any::<u32>(), b in any::<u32>()) {
            let (a, b) = (f32::from_bits(a), f32::from_bits(b));
            if !a.is_nan() && !b.is_nan() {
                prop_assert_eq!(a.partial_cmp(&b), Some(a.key().cmp(&b.key())));
                prop_assert_eq!(f32::from_key(a.key()), a);
                prop_assert_eq!(u32::join(a.key().prefix(), a.key().low()), a.key());
            }
        }

        #[test]
        fn keys_keep_the_order_of_double_precision(a in any::<u64>(), b in any::<u64>()) {
            let (a, b) = (f64::from_bits(a), f64::from_bits(b));
            if !a.is_nan() && !b.is_nan() {
                prop_assert_eq!(a.partial_cmp(&b), Some(a.key().cmp(&b.key())));
                prop_assert_eq!(f64::from_key(a.key()), a);
                prop_assert_eq!(u64::join(a.key().prefix(), a.key().low()), a.key());
            }
        }
    }

    #[test]
    fn zeros_are_one_score() {
        assert_eq!((-0.0_f32).key(), 0.0_f32.key());
        assert_eq!((-0.0_f64).key(), 0.0_f64.key());
        assert!((-f32::from_bits(1)).key() < 0.0_f32.key());
        assert_eq!(f32::from_key((-0.0_f32).key()).to_bits(), 0);
    }
}
