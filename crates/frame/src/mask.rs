//! Ground-truth masks, one bit a pixel.

use crate::Size;

/// Which pixels of an image are anomalous.
///
/// Every row starts at a new 64-bit word; bit `x % 64` of word `x / 64` is the pixel in column `x`, and the bits
/// behind the last column are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    size: Size,
    words_per_row: usize,
    words: Vec<u64>,
    anomalous_pixels: u64,
}

impl Mask {
    /// A mask without anomalous pixels.
    pub fn empty(size: Size) -> Self {
        let words_per_row = (size.width as usize).div_ceil(64);
        Self { size, words_per_row, words: vec![0; words_per_row * size.height as usize], anomalous_pixels: 0 }
    }

    /// The mask whose pixel at row `y`, column `x` is `anomalous(y, x)`.
    pub fn from_fn(size: Size, mut anomalous: impl FnMut(usize, usize) -> bool) -> Self {
        let mut mask = Self::empty(size);
        for y in 0..size.height as usize {
            for x in 0..size.width as usize {
                if anomalous(y, x) {
                    mask.row_mut(y)[x / 64] |= 1 << (x % 64);
                }
            }
        }
        mask.anomalous_pixels = ones(&mask.words);
        mask
    }

    /// Sets row `y` from samples: a pixel is anomalous where `anomalous` says so of its sample.
    ///
    /// # Panics
    /// If the row does not exist or `samples` is not as long as the mask is wide.
    pub fn set_row<T>(&mut self, y: usize, samples: &[T], anomalous: impl Fn(&T) -> bool) {
        assert_eq!(samples.len(), self.size.width as usize, "a mask row has as many samples as the mask is wide");
        let before = ones(self.row(y));
        for (word, chunk) in self.row_mut(y).iter_mut().zip(samples.chunks(64)) {
            let mut flags = [0_u8; 64];
            for (flag, sample) in flags.iter_mut().zip(chunk) {
                *flag = u8::from(anomalous(sample));
            }
            *word = packed(&flags);
        }
        self.anomalous_pixels = self.anomalous_pixels + ones(self.row(y)) - before;
    }

    /// Height and width.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Number of anomalous pixels.
    pub const fn anomalous_pixels(&self) -> u64 {
        self.anomalous_pixels
    }

    /// The words of row `y`.
    pub fn row(&self, y: usize) -> &[u64] {
        &self.words[y * self.words_per_row..][..self.words_per_row]
    }

    /// Whether the pixel at row `y`, column `x` is anomalous.
    pub fn get(&self, y: usize, x: usize) -> bool {
        self.row(y)[x / 64] >> (x % 64) & 1 == 1
    }

    /// All words, rows one after the other: what a digest is taken of.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Bytes that a mask of this size takes.
    pub const fn bytes(size: Size) -> u64 {
        (size.width as u64).div_ceil(64) * 8 * size.height as u64
    }

    fn row_mut(&mut self, y: usize) -> &mut [u64] {
        &mut self.words[y * self.words_per_row..][..self.words_per_row]
    }
}

/// Number of bits that are set, with the processor's own instruction for it where there is one.
#[multiversion::multiversion(targets("x86_64+avx2+popcnt"))]
fn ones(words: &[u64]) -> u64 {
    let mut ones = 0;
    for word in words {
        ones += u64::from(word.count_ones());
    }
    ones
}

/// Bit `i` is flag `i`, each of which is 0 or 1.
fn packed(flags: &[u8; 64]) -> u64 {
    // In eight bytes that are 0 or 1, this product gathers their lowest bits, in order, in the topmost byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (eights, _) = flags.as_chunks::<8>();
    let bytes = eights.iter().map(|&eight| u64::from_le_bytes(eight).wrapping_mul(GATHER) >> 56);
    bytes.enumerate().fold(0, |word, (i, byte)| word | byte << (8 * i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_start_at_a_word_and_end_in_zeros() {
        let size = Size::new(3, 70);
        let mask = Mask::from_fn(size, |y, x| y == 1 || x == 69);
        assert_eq!(mask.anomalous_pixels(), 72);
        assert_eq!(mask.row(0), [0, 1 << 5]);
        assert_eq!(mask.row(1), [u64::MAX, (1 << 6) - 1]);
        assert!(mask.get(2, 69) && !mask.get(2, 68));
        let mut same = Mask::empty(size);
        for y in 0..3 {
            let row: Vec<u8> = (0..70).map(|x| u8::from(y == 1 || x == 69)).collect();
            same.set_row(y, &row, |&sample| sample != 0);
        }
        assert_eq!(mask, same);
        assert_eq!(Mask::bytes(size), 48);
    }
}
