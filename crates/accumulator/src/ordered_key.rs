//! Scores as integers in the same order.
//!
//! The bits of an IEEE number, with the sign bit flipped for positive numbers and all bits flipped for negative ones,
//! grow with the number. A histogram on such keys needs no range of scores: an outlier at 1e30 costs one page, and
//! scores that share one octave still differ in their low bits. +0.0 and -0.0 are one score and get one key.

use std::fmt::Debug;
use std::hash::Hash;
use std::ops::{BitAnd, BitOr, Not};

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

/// The low bits of a key: those that say where in its page a key lies.
pub trait LowBits:
    Copy
    + Debug
    + Default
    + Eq
    + Ord
    + Hash
    + Send
    + Sync
    + Into<u64>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + Not<Output = Self>
    + 'static
{
}
impl LowBits for u16 {}
impl LowBits for u64 {}

/// An order-preserving key, split into the *prefix* that names its page and the *low bits* inside the page.
///
/// Pages are equally fine for both key types: sign, exponent and the first seven bits of the mantissa, which makes
/// 128 pages an octave of scores.
pub trait OrderedKey: Copy + Debug + Default + Eq + Ord + Hash + Send + Sync + sealed::Sealed + 'static {
    /// The score type of this key.
    type Score: Keyed<Key = Self>;
    /// An integer for the low bits.
    type Low: LowBits;
    /// Count, ones and zeros of one bin packed into an integer, for the hot loop of a counter.
    type Word: Copy + Default + Debug + Send + Sync;

    /// Bits of the whole key.
    const BITS: u32;
    /// Bits that name the page.
    const PREFIX_BITS: u32;
    /// Bits inside the page.
    const LOW_BITS: u32 = Self::BITS - Self::PREFIX_BITS;
    /// Most bits by which a page may be cut into bins: 2^`PAGE_BITS` bins.
    const PAGE_BITS: u32;
    /// How many pixels a word can count at least.
    const WORD_LIMIT: u64;

    /// The key of a score of this type, given in double precision. Scores in single precision have a key of either
    /// type; those in double precision would be rounded by [`u32`].
    fn of(score: f64) -> Self;
    /// The score that has this key, in double precision.
    fn score(self) -> f64;
    /// The page of the key.
    fn prefix(self) -> usize;
    /// The key's place in its page.
    fn low(self) -> u64;
    /// The key with this prefix and these low bits.
    fn join(prefix: usize, low: u64) -> Self;
    /// Low bits from an integer; higher bits are dropped.
    fn pack_low(low: u64) -> Self::Low;

    /// The word after one more key with these low bits.
    fn count(word: Self::Word, low: u64) -> Self::Word;
    /// Whether the word has counted two different keys.
    fn is_mixed(word: Self::Word) -> bool;
    /// Count, ones and zeros.
    fn unpack(word: Self::Word) -> (u64, Self::Low, Self::Low);
    /// A word that is mixed from the start.
    fn mixed_word() -> Self::Word;
}

impl OrderedKey for u32 {
    type Score = f32;
    type Low = u16;
    /// 32 bits of count, 16 of ones, 16 of zeros.
    type Word = u64;

    const BITS: u32 = 32;
    const PREFIX_BITS: u32 = 16;
    const PAGE_BITS: u32 = 16;
    const WORD_LIMIT: u64 = u32::MAX as u64;

    #[inline]
    fn of(score: f64) -> Self {
        (score as f32).key()
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

    fn join(prefix: usize, low: u64) -> Self {
        (prefix as u32) << 16 | low as u32 & 0xffff
    }

    fn pack_low(low: u64) -> u16 {
        low as u16
    }

    #[inline]
    fn count(word: u64, low: u64) -> u64 {
        // low << 32 | (!low & 0xffff) << 48, in fewer steps.
        (word + 1) | ((low << 48 | low << 32) ^ 0xffff << 48)
    }

    #[inline]
    fn is_mixed(word: u64) -> bool {
        word >> 48 & word >> 32 != 0
    }

    fn unpack(word: u64) -> (u64, u16, u16) {
        (word & 0xffff_ffff, (word >> 32) as u16, (word >> 48) as u16)
    }

    fn mixed_word() -> u64 {
        u64::MAX << 32
    }
}

const LOW_45: u64 = (1 << 45) - 1;

impl OrderedKey for u64 {
    type Score = f64;
    type Low = u64;
    /// 38 bits of count, 45 of ones, 45 of zeros.
    type Word = u128;

    const BITS: u32 = 64;
    const PREFIX_BITS: u32 = 19;
    const PAGE_BITS: u32 = 20;
    const WORD_LIMIT: u64 = (1 << 38) - 1;

    #[inline]
    fn of(score: f64) -> Self {
        score.key()
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

    fn join(prefix: usize, low: u64) -> Self {
        (prefix as u64) << 45 | low & LOW_45
    }

    fn pack_low(low: u64) -> u64 {
        low & LOW_45
    }

    #[inline]
    fn count(word: u128, low: u64) -> u128 {
        (word + 1) | u128::from(low) << 38 | u128::from(low ^ LOW_45) << 83
    }

    #[inline]
    fn is_mixed(word: u128) -> bool {
        (word >> 83) as u64 & (word >> 38) as u64 != 0
    }

    fn unpack(word: u128) -> (u64, u64, u64) {
        (word as u64 & ((1 << 38) - 1), (word >> 38) as u64 & LOW_45, (word >> 83) as u64)
    }

    fn mixed_word() -> u128 {
        u128::MAX << 38
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

        #[test]
        fn words_remember_one_key(low in any::<u64>(), other in any::<u64>()) {
            fn check<K: OrderedKey>(low: u64, other: u64) -> Result<(), TestCaseError> {
                let (low, other) = (low & ((1 << K::LOW_BITS) - 1), other & ((1 << K::LOW_BITS) - 1));
                let twice = K::count(K::count(K::Word::default(), low), low);
                prop_assert!(!K::is_mixed(twice));
                let (count, ones, zeros) = K::unpack(twice);
                prop_assert_eq!((count, ones, zeros), (2, K::pack_low(low), K::pack_low(!low)));
                prop_assert_eq!(K::is_mixed(K::count(twice, other)), low != other);
                prop_assert!(K::is_mixed(K::count(K::mixed_word(), low)));
                Ok(())
            }
            check::<u32>(low, other)?;
            check::<u64>(low, other)?;
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
