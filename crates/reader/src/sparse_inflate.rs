//! Deflate for data that is nearly all zeros, as the masks of small defects are.
//!
//! The output begins as zeros, so that a match which repeats zeros has nothing to write: a black megapixel costs some
//! thousand steps and touches no memory. Everything that is not plain, well-formed deflate is declined, and another
//! decoder has the word.

/// Memory that is expanded into, and which of its rows are not zero.
pub(crate) struct Sparse<'a> {
    bytes: &'a mut [u8],
    /// Bytes of a row.
    stride: usize,
    /// Whether anything but zeros was written to a row.
    touched: &'a mut [bool],
    /// Where the next byte goes.
    at: usize,
    /// Behind the last byte that is not zero.
    zero_from: usize,
}

impl<'a> Sparse<'a> {
    /// Rows of `stride` bytes, all of which are zero.
    pub(crate) fn new(bytes: &'a mut [u8], stride: usize, touched: &'a mut [bool]) -> Self {
        Self { bytes, stride, touched, at: 0, zero_from: 0 }
    }

    fn literal(&mut self, byte: u8) -> Option<()> {
        let place = self.bytes.get_mut(self.at)?;
        if byte != 0 {
            *place = byte;
            self.touched[self.at / self.stride] = true;
            self.zero_from = self.at + 1;
        }
        self.at += 1;
        Some(())
    }

    fn stored(&mut self, bytes: &[u8]) -> Option<()> {
        bytes.iter().try_for_each(|&byte| self.literal(byte))
    }

    /// Repeats `length` bytes from `distance` bytes back.
    fn repeat(&mut self, distance: usize, length: usize) -> Option<()> {
        let from = self.at.checked_sub(distance)?;
        let end = self.at + length;
        if end > self.bytes.len() {
            return None;
        }
        if from < self.zero_from {
            if distance >= length {
                self.bytes.copy_within(from..from + length, self.at);
            } else {
                for to in self.at..end {
                    self.bytes[to] = self.bytes[to - distance];
                }
            }
            if let Some(last) = self.bytes[self.at..end].iter().rposition(|&byte| byte != 0) {
                self.zero_from = self.at + last + 1;
                self.touched[self.at / self.stride..=(self.at + last) / self.stride].fill(true);
            }
        }
        self.at = end;
        Some(())
    }
}

/// Expands deflated data into rows that it has to fill to the last byte; answers how many of its bytes that took.
///
/// `None` where the data is damaged, ends too early, or does not fit the rows. They are partly filled then.
pub(crate) fn inflate(data: &[u8], rows: &mut Sparse<'_>) -> Option<usize> {
    let mut bits = Bits { data, at: 0, next: 0, count: 0 };
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => {
                let start = bits.align();
                let [low, high, not_low, not_high] = *data.get(start..)?.first_chunk()?;
                if [low, high] != [!not_low, !not_high] {
                    return None;
                }
                let length = usize::from(u16::from_le_bytes([low, high]));
                rows.stored(data.get(start + 4..)?.get(..length)?)?;
                bits = Bits { data, at: start + 4 + length, next: 0, count: 0 };
            }
            1 => block(&mut bits, rows, &Codes::fixed()?)?,
            2 => {
                let codes = Codes::read(&mut bits)?;
                block(&mut bits, rows, &codes)?;
            }
            _ => return None,
        }
        if last {
            return (rows.at == rows.bytes.len()).then(|| bits.align());
        }
    }
}

const LENGTHS: [(u16, u8); 29] = base_and_extra(3, 4, 258);
const DISTANCES: [(u16, u8); 30] = base_and_extra(1, 2, 0);

/// Smallest value of each code and the bits added to it: the first `2 * group` codes have none, and each `group` of
/// codes one more than those before. A last value that is not zero breaks the rule.
const fn base_and_extra<const N: usize>(first: u16, group: usize, last: u16) -> [(u16, u8); N] {
    let mut table = [(0, 0); N];
    let (mut code, mut base) = (0, first);
    while code < N {
        let extra = if code < 2 * group { 0 } else { (code / group - 1) as u8 };
        table[code] = (base, extra);
        base = base.wrapping_add(1 << extra);
        code += 1;
    }
    if last > 0 {
        table[N - 1] = (last, 0);
    }
    table
}

fn block(bits: &mut Bits<'_>, rows: &mut Sparse<'_>, codes: &Codes) -> Option<()> {
    loop {
        // Enough for the longest length and distance with their extra bits, if the data goes on for so long.
        bits.fill();
        match codes.literals.next(bits)? {
            byte @ 0..=255 => rows.literal(byte as u8)?,
            256 => return Some(()),
            symbol => {
                let (base, extra) = *LENGTHS.get(usize::from(symbol) - 257)?;
                let length = usize::from(base) + bits.filled(extra)?;
                let (base, extra) = *DISTANCES.get(usize::from(codes.distances.next(bits)?))?;
                let distance = usize::from(base) + bits.filled(extra)?;
                rows.repeat(distance, length)?;
            }
        }
    }
}

/// Bits of the data, the lowest of each byte first.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    next: u64,
    count: u32,
}

impl Bits<'_> {
    /// Fills up to at least 56 bits, or to the end of the data.
    #[inline]
    fn fill(&mut self) {
        if let Some(word) = self.data.get(self.at..).and_then(|data| data.first_chunk::<8>()) {
            self.next |= u64::from_le_bytes(*word) << self.count;
            self.at += ((63 - self.count) / 8) as usize;
            self.count |= 0b11_1000;
        } else {
            while self.count < 56
                && let Some(&byte) = self.data.get(self.at)
            {
                self.next |= u64::from(byte) << self.count;
                self.at += 1;
                self.count += 8;
            }
        }
    }

    /// The next bits, of those that are filled in.
    #[inline]
    fn filled(&mut self, count: u8) -> Option<usize> {
        let count = u32::from(count);
        let value = self.next & ((1 << count) - 1);
        self.count = self.count.checked_sub(count)?;
        self.next >>= count;
        Some(value as usize)
    }

    fn take(&mut self, count: u8) -> Option<usize> {
        self.fill();
        self.filled(count)
    }

    /// The first byte of which no bit was taken.
    const fn align(&self) -> usize {
        self.at - (self.count / 8) as usize
    }
}

/// The two codes of a block.
struct Codes {
    literals: Code,
    distances: Code,
}

impl Codes {
    fn fixed() -> Option<Self> {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        Some(Self { literals: Code::new(&lengths)?, distances: Code::new(&[5; 32])? })
    }

    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let literals = bits.take(5)? + 257;
        let distances = bits.take(5)? + 1;
        let given = bits.take(4)? + 4;
        let mut lengths = [0; 19];
        for &symbol in &ORDER[..given] {
            lengths[symbol] = bits.take(3)? as u8;
        }
        let code = Code::new(&lengths)?;
        let mut lengths = [0; 286 + 32];
        let (mut at, all) = (0, literals + distances);
        if literals > 286 {
            return None;
        }
        while at < all {
            bits.fill();
            let (length, times) = match code.next(bits)? {
                length @ 0..=15 => (length as u8, 1),
                16 => (*lengths.get(at.checked_sub(1)?)?, 3 + bits.filled(2)?),
                17 => (0, 3 + bits.filled(3)?),
                _ => (0, 11 + bits.filled(7)?),
            };
            lengths[..all].get_mut(at..at + times)?.fill(length);
            at += times;
        }
        let (literals, distances) = lengths[..all].split_at(literals);
        // A block has an end, or it has none.
        if literals[256] == 0 {
            return None;
        }
        Some(Self { literals: Code::new(literals)?, distances: Code::new(distances)? })
    }
}

/// Bits that are looked up at once; longer codes, which are rare, are searched.
const FAST: u32 = 9;

/// A canonical prefix code.
struct Code {
    /// By the next bits: the symbol times 16 and the length of its code; 0 where that is longer, or there is none.
    fast: [u16; 1 << FAST],
    /// How many symbols have a code of each length.
    counts: [u16; 16],
    /// Symbols by ascending code.
    symbols: [u16; 288],
}

impl Code {
    /// The code whose lengths are given by symbol; `None` if there is no such code, or one that leaves bits unused
    /// (but for a single symbol, which one bit stands for).
    fn new(lengths: &[u8]) -> Option<Self> {
        let mut code = Self { fast: [0; 1 << FAST], counts: [0; 16], symbols: [0; 288] };
        for &length in lengths {
            code.counts[usize::from(length)] += 1;
        }
        let used = lengths.len() - usize::from(code.counts[0]);
        code.counts[0] = 0;
        let (mut unused, mut next, mut first) = (1_i32, [0_u16; 16], [0_u16; 16]);
        for length in 1..16 {
            unused = 2 * unused - i32::from(code.counts[length]);
            if unused < 0 {
                return None;
            }
            next[length] = (next[length - 1] + code.counts[length - 1]) << 1;
            first[length] = first[length - 1] + code.counts[length - 1];
        }
        if unused > 0 && used > 1 {
            return None;
        }
        for (symbol, &length) in lengths.iter().enumerate().filter(|&(_, &length)| length > 0) {
            let (symbol, bits) = (symbol as u16, u32::from(length));
            let length = usize::from(length);
            code.symbols[usize::from(first[length])] = symbol;
            first[length] += 1;
            if bits <= FAST {
                let reversed = usize::from(next[length].reverse_bits() >> (16 - bits));
                let places = code.fast[reversed..].iter_mut().step_by(1 << bits);
                places.for_each(|place| *place = symbol << 4 | length as u16);
            }
            next[length] += 1;
        }
        Some(code)
    }

    /// The symbol that the next bits stand for, of those that are filled in.
    #[inline]
    fn next(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let found = self.fast[(bits.next & ((1 << FAST) - 1)) as usize];
        if found > 0 {
            bits.filled((found & 15) as u8)?;
            return Some(found >> 4);
        }
        self.search(bits)
    }

    #[cold]
    fn search(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for length in 1..16 {
            code |= bits.filled(1)?;
            let count = usize::from(self.counts[length]);
            if code < first + count {
                return Some(self.symbols[index + code - first]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;

    use super::*;

    fn deflated(bytes: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn inflated(data: &[u8], length: usize, stride: usize) -> Option<(Vec<u8>, Vec<bool>, usize)> {
        let mut bytes = vec![0; length];
        let mut touched = vec![false; length.div_ceil(stride)];
        let used = inflate(data, &mut Sparse::new(&mut bytes, stride, &mut touched))?;
        Some((bytes, touched, used))
    }

    /// Runs of zeros and of other things, some of them random, so that all sorts of blocks appear.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let run = prop_oneof![
            (1_usize..3000).prop_map(|length| vec![0; length]),
            (any::<u8>(), 1_usize..400).prop_map(|(byte, length)| vec![byte; length]),
            proptest::collection::vec(any::<u8>(), 1..300),
            (proptest::collection::vec(0_u8..3, 1..40), 1_usize..30).prop_map(|(bytes, times)| bytes.repeat(times)),
        ];
        proptest::collection::vec(run, 0..30).prop_map(|runs| runs.concat())
    }

    proptest! {
        #[test]
        fn expands_what_was_deflated(bytes in bytes(), level in 0_u32..10, stride in 1_usize..2000, more in 0_usize..9) {
            let mut data = deflated(&bytes, level);
            let whole = data.len();
            data.extend(vec![0xA5; more]);
            let (found, touched, used) = inflated(&data, bytes.len(), stride).unwrap();
            prop_assert_eq!(&found, &bytes);
            prop_assert_eq!(used, whole);
            for (row, touched) in bytes.chunks(stride).zip(touched) {
                prop_assert!(touched || row.iter().all(|&byte| byte == 0));
            }
        }

        #[test]
        fn damage_is_declined_or_expands_as_elsewhere(
            bytes in bytes(),
            level in 0_u32..10,
            at in any::<prop::sample::Index>(),
            flip in 1_u8..=255,
            cut in any::<bool>(),
        ) {
            let mut data = deflated(&bytes, level);
            let at = at.index(data.len());
            if cut {
                data.truncate(at);
            } else {
                data[at] ^= flip;
            }
            if let Some((found, ..)) = inflated(&data, bytes.len(), 100) {
                let mut other = Vec::new();
                let mut decoder = flate2::read::DeflateDecoder::new(&data[..]);
                std::io::Read::read_to_end(&mut decoder, &mut other).unwrap();
                prop_assert_eq!(found, other);
            }
        }

        #[test]
        fn any_bytes_end_without_a_panic(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = inflated(&data, 5000, 64);
        }
    }

    #[test]
    fn lengths_and_distances_are_those_of_the_format() {
        assert_eq!(LENGTHS[..2], [(3, 0), (4, 0)]);
        assert_eq!(LENGTHS[7..9], [(10, 0), (11, 1)]);
        assert_eq!(LENGTHS[27..], [(227, 5), (258, 0)]);
        assert_eq!(DISTANCES[3..6], [(4, 0), (5, 1), (7, 1)]);
        assert_eq!(DISTANCES[29], (24577, 13));
    }

    #[test]
    fn a_length_that_does_not_fit_is_declined() {
        let data = deflated(&[0; 1000], 6);
        assert!(inflated(&data, 999, 10).is_none());
        assert!(inflated(&data, 1001, 10).is_none());
        assert!(inflated(&data, 1000, 10).is_some());
    }
}
