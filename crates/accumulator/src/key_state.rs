//! Key histograms as bytes, to be kept in a file or sent to another machine.
//!
//! Little endian throughout: the header `pimokeys`, a version, the width of a key in bits, the resolution, whether the
//! keys no longer fit one by one, the number of pages; then for every page its prefix, its bits (255 for a list), the
//! numbers of keys or bins with normal and with anomalous pixels, and these: the count, the low bits of the key or of the
//! lowest key of the bin, and for anomalous pixels the weight. Equal histograms have equal bytes.

use crate::key_page::Page;
use crate::key_tally::{Tally, Weighted};
use crate::{KeyHistogram, OrderedKey, Resolution};

const MAGIC: &[u8; 8] = b"pimokeys";
const VERSION: u32 = 7;
const LIST: u8 = u8::MAX;
/// More pixels than any run can read, few enough that no sum or product of counts overflows.
const MOST_PIXELS: u64 = 1 << 62;

/// Why bytes are not the state of a histogram.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The bytes do not begin as a state does.
    #[error("this is not the state of a score histogram")]
    NotAState,
    /// A state of another version of the program.
    #[error(
        "the state has format version {found}, but this program reads version {VERSION}; count again with this version"
    )]
    Version {
        /// The version found.
        found: u32,
    },
    /// Scores of the other type.
    #[error("the state counts {found}-bit scores where {expected}-bit scores were expected")]
    ScoreType {
        /// Bits of a key in the state.
        found: u32,
        /// Bits of a key expected.
        expected: u32,
    },
    /// A state of another resolution.
    #[error(
        "the state has resolution {found:?} where {expected:?} was expected; use the same settings for all parts of a run"
    )]
    Resolution {
        /// The resolution found.
        found: Resolution,
        /// The resolution expected.
        expected: Resolution,
    },
    /// The bytes end early.
    #[error("the state is cut off after {0} bytes")]
    Truncated(usize),
    /// There are bytes after the end.
    #[error("the state is followed by {0} bytes that do not belong to it")]
    TrailingBytes(usize),
    /// Something in it cannot be.
    #[error("the state is damaged: {0}")]
    Damaged(&'static str),
}

impl<K: OrderedKey> KeyHistogram<K> {
    /// The state as bytes; the same for equal histograms.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.assert_settled();
        let mut out = MAGIC.to_vec();
        let Resolution { bins, keys, few_anomalous } = self.resolution;
        for number in [VERSION, K::BITS, bins, keys, few_anomalous, u32::from(self.over)] {
            out.extend(number.to_le_bytes());
        }
        out.extend((self.pages.len() as u32).to_le_bytes());
        self.pages.iter().for_each(|page| put_page(page, &mut out));
        out
    }

    /// The histogram that [`Self::to_bytes`] wrote. It must have this resolution, so that damaged bytes cannot ask for
    /// more memory than a histogram of this run may take.
    ///
    /// # Errors
    /// The bytes are not such a state, or it is damaged, or it has another resolution or type of scores.
    pub fn from_bytes(bytes: &[u8], resolution: Resolution) -> Result<Self, StateError> {
        let mut input = Input { bytes, at: 0 };
        if input.take::<8>().ok().as_ref() != Some(MAGIC) {
            return Err(StateError::NotAState);
        }
        let found = input.u32()?;
        if found != VERSION {
            return Err(StateError::Version { found });
        }
        let found = input.u32()?;
        if found != K::BITS {
            return Err(StateError::ScoreType { found, expected: K::BITS });
        }
        let found = Resolution { bins: input.u32()?, keys: input.u32()?, few_anomalous: input.u32()? };
        let expected = resolution.normalised();
        if found != expected {
            return Err(StateError::Resolution { found, expected });
        }
        let mut histogram = Self::new(resolution);
        histogram.over = match input.u32()? {
            0 => false,
            1 => true,
            _ => return Err(StateError::Damaged("a flag is neither 0 nor 1")),
        };
        read_pages(&mut input, &mut histogram)?;
        match bytes.len() - input.at {
            0 => Ok(histogram),
            more => Err(StateError::TrailingBytes(more)),
        }
    }
}

fn put_page<K: OrderedKey>(page: &Page<K>, out: &mut Vec<u8>) {
    let (negatives, positives) = (page.negatives(), page.positives());
    out.extend((page.prefix as u32).to_le_bytes());
    out.push(page.bits().map_or(LIST, |bits| bits as u8));
    out.extend((negatives.len() as u32).to_le_bytes());
    out.extend((positives.len() as u32).to_le_bytes());
    for key in &negatives {
        put_key(key.count, key.low, out);
    }
    for key in positives {
        put_key(key.count, key.low, out);
        out.extend(key.weight.to_le_bytes());
    }
}

fn put_key<L: Into<u64>>(count: u64, low: L, out: &mut Vec<u8>) {
    out.extend(count.to_le_bytes());
    out.extend(low.into().to_le_bytes());
}

fn read_pages<K: OrderedKey>(input: &mut Input<'_>, histogram: &mut KeyHistogram<K>) -> Result<(), StateError> {
    let count = input.u32()? as usize;
    let mut pixels = 0_u64;
    let mut weight = 0_u128;
    let (mut bins, mut counted_positives) = (0, 0);
    let mut before = None;
    for _ in 0..count {
        let prefix = input.u32()? as usize;
        if prefix >> K::PREFIX_BITS != 0 || before.is_some_and(|before| before >= prefix) {
            return Err(StateError::Damaged("its pages are not in order"));
        }
        before = Some(prefix);
        // There may be fewer bins the more anomalous pixels there are.
        let bins_left = u64::from(histogram.resolution.bins_for(counted_positives)).saturating_sub(bins);
        let page = read_page::<K>(input, prefix, histogram.over, bins_left)?;
        bins += page.bits().map_or(0, |bits| 1_u64 << bits);
        let (negatives, positives) = (page.negatives(), page.positives());
        pixels = negatives
            .iter()
            .map(|key| key.count)
            .chain(positives.iter().map(|key| key.count))
            .try_fold(pixels, u64::checked_add)
            .filter(|&pixels| pixels < MOST_PIXELS)
            .ok_or(StateError::Damaged("it counts more pixels than there can be"))?;
        weight = positives
            .iter()
            .map(|key| key.weight)
            .try_fold(weight, u128::checked_add)
            .filter(|weight| weight >> 126 == 0)
            .ok_or(StateError::Damaged("its region weights are larger than they can be"))?;
        counted_positives += positives.iter().map(|key| key.count).sum::<u64>();
        histogram.add_page(page);
    }
    // A state that was settled before it was written does not change.
    let settled = histogram.clone_shape();
    let as_ruled = histogram.settle();
    if as_ruled && histogram.clone_shape() == settled {
        Ok(())
    } else {
        Err(StateError::Damaged("a page has the wrong resolution"))
    }
}

impl<K: OrderedKey> KeyHistogram<K> {
    fn clone_shape(&self) -> (bool, Vec<Option<u32>>) {
        (self.over, self.pages.iter().map(Page::bits).collect())
    }
}

fn read_page<K: OrderedKey>(
    input: &mut Input<'_>,
    prefix: usize,
    over: bool,
    bins_left: u64,
) -> Result<Page<K>, StateError> {
    let bits = match input.take::<1>()?[0] {
        LIST => None,
        bits if over && u32::from(bits) <= K::PAGE_BITS => Some(u32::from(bits)),
        _ => return Err(StateError::Damaged("a page has the wrong resolution")),
    };
    // Checked before anything is allocated: all evenly divided pages together have at most the bins of the resolution.
    if bits.is_some_and(|bits| 1 << bits > bins_left) {
        return Err(StateError::Damaged("it has more bins than its resolution allows"));
    }
    let (negatives, positives) = (input.u32()? as usize, input.u32()? as usize);
    if negatives + positives == 0 {
        return Err(StateError::Damaged("a page is empty"));
    }
    let width = K::LOW_BITS - bits.unwrap_or(K::LOW_BITS);
    let mut page = Page::new(prefix);
    if let Some(bits) = bits {
        page.divide(bits);
        page.settle();
    }
    input.expect(negatives, 16)?;
    let negatives = read_keys::<K>(input, negatives, width, |_| Ok(0))?;
    page.absorb_negatives(negatives.into_iter().map(|Weighted { count, low, .. }| Tally { low, count }));
    input.expect(positives, 32)?;
    let positives = read_keys::<K>(input, positives, width, |input| input.take().map(u128::from_le_bytes))?;
    page.absorb_positives(positives.into_iter());
    Ok(page)
}

/// Reads keys, or bins of 2^width of them, and checks that they are in ascending order.
fn read_keys<K: OrderedKey>(
    input: &mut Input<'_>,
    count: usize,
    width: u32,
    weight: impl Fn(&mut Input<'_>) -> Result<u128, StateError>,
) -> Result<Vec<Weighted<K::Low>>, StateError> {
    let mut keys = Vec::with_capacity(count);
    let mut before = None;
    for _ in 0..count {
        let (count, low) = (input.u64()?, input.u64()?);
        let possible = count > 0 && low >> K::LOW_BITS == 0 && low & ((1 << width) - 1) == 0;
        if !possible || before.is_some_and(|before| before >= low) {
            return Err(StateError::Damaged("a bin cannot have these keys"));
        }
        before = Some(low);
        keys.push(Weighted { weight: weight(input)?, count, low: K::pack_low(low) });
    }
    Ok(keys)
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        let taken = self.bytes[self.at..].first_chunk().ok_or(StateError::Truncated(self.bytes.len()))?;
        self.at += N;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, StateError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, StateError> {
        self.take().map(u64::from_le_bytes)
    }

    /// That `count` entries of `bytes` bytes each can still come, so that room may be made for them.
    fn expect(&self, count: usize, bytes: usize) -> Result<(), StateError> {
        let left = self.bytes.len() - self.at;
        if count > left / bytes { Err(StateError::Truncated(self.bytes.len())) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::key_histogram::tests::{SMALL, count, pixels};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn a_state_comes_back_and_damage_is_seen(
            pixels in pixels(), flips in proptest::collection::vec((any::<prop::sample::Index>(), 1..=u8::MAX), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let histogram = count(SMALL, &pixels);
            let bytes = histogram.to_bytes();
            let back = KeyHistogram::<u32>::from_bytes(&bytes, SMALL).unwrap();
            prop_assert!(back == histogram);
            let cut = cut.index(bytes.len());
            prop_assert!(KeyHistogram::<u32>::from_bytes(&bytes[..cut], SMALL).is_err());
            let mut longer = bytes.clone();
            longer.push(0);
            prop_assert_eq!(KeyHistogram::<u32>::from_bytes(&longer, SMALL), Err(StateError::TrailingBytes(1)));
            let mut damaged = bytes.clone();
            for (at, flip) in flips {
                damaged[at.index(bytes.len())] ^= flip;
            }
            // Some damage gives another sound state; none may panic, and what is read is written back the same.
            if let Ok(read) = KeyHistogram::<u32>::from_bytes(&damaged, SMALL) {
                prop_assert_eq!(read.to_bytes(), damaged);
            }
        }
    }

    #[test]
    fn foreign_states_are_refused() {
        let bytes = count(SMALL, &[(5, None), (6, Some(1))]).to_bytes();
        assert_eq!(
            KeyHistogram::<u64>::from_bytes(&bytes, SMALL),
            Err(StateError::ScoreType { found: 32, expected: 64 })
        );
        let other = Resolution { keys: 5, ..SMALL };
        assert!(matches!(KeyHistogram::<u32>::from_bytes(&bytes, other), Err(StateError::Resolution { .. })));
        assert_eq!(KeyHistogram::<u32>::from_bytes(b"PAR1", SMALL), Err(StateError::NotAState));
    }

    #[test]
    fn a_page_that_claims_too_many_bins_is_refused_before_they_are_made() {
        let mut bytes = MAGIC.to_vec();
        for number in [VERSION, 32, SMALL.bins, SMALL.keys, SMALL.few_anomalous, 1, 60_000] {
            bytes.extend(number.to_le_bytes());
        }
        for prefix in 0..60_000_u32 {
            bytes.extend(prefix.to_le_bytes());
            bytes.push(16);
            bytes.extend([1, 0, 0, 0, 0, 0, 0, 0]);
            bytes.extend([1_u64, 0].into_iter().flat_map(u64::to_le_bytes));
        }
        let damaged = StateError::Damaged("it has more bins than its resolution allows");
        assert_eq!(KeyHistogram::<u32>::from_bytes(&bytes, SMALL), Err(damaged));
    }
}
