//! The rows of PNG images that are nearly all black.
//!
//! Decoding masks was most of what a run did beside looking at maps. Nearly all rows of nearly all masks are black,
//! and here those cost nothing: not expanded, not filtered, not looked at. What is not a plain, whole image is left to
//! the other decoder, which knows what is wrong with it.

use std::sync::Arc;

use flate2::Crc;

use crate::input::Input;
use crate::pool::{Buffer, Pool};
use crate::sparse_inflate::{Sparse, inflate};

/// Largest file that is taken into memory at once. Masks take some kilobytes.
const MOST_BYTES: u64 = 1 << 18;
const SIGNATURE: usize = 8;

/// The unfiltered rows of an image, of which only those that are not zero are kept track of.
pub(super) struct SparseRows {
    /// For each row the byte that names its filter, then its samples. Zero but for rows that were touched.
    bytes: Buffer<u8>,
    stride: usize,
    touched: Vec<bool>,
}

impl SparseRows {
    /// Decodes the samples of an image that is not interlaced, `height` rows of `row_bytes` bytes with `pixel_bytes`
    /// from one pixel to the next (1 where several share one).
    ///
    /// `zeros` has buffers of zeros and nothing else. `None` where another decoder has to look at the file.
    pub(super) fn decode(
        input: &Input,
        zeros: &Arc<Pool>,
        (height, row_bytes, pixel_bytes): (usize, usize, usize),
    ) -> Option<Self> {
        if input.len() > MOST_BYTES {
            return None;
        }
        let mut file = vec![0; input.len() as usize];
        input.read_at(0, &mut file, "the image").ok()?;
        let data = image_data(&file)?;
        let stride = row_bytes + 1;
        let mut rows = Self { bytes: zeros.take(stride.checked_mul(height)?)?, stride, touched: vec![false; height] };
        let sparse = &mut Sparse::new(&mut rows.bytes, stride, &mut rows.touched);
        // The sum behind the data is left out: every chunk has one of its own.
        inflate(zlib_body(&data)?, sparse)?;
        rows.unfilter(pixel_bytes)?;
        Some(rows)
    }

    /// The rows that are not zero, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let touched = self.touched.iter().enumerate().filter(|(_, touched)| **touched);
        touched.map(|(y, _)| (y, &self.bytes[y * self.stride..][1..self.stride]))
    }

    fn unfilter(&mut self, pixel_bytes: usize) -> Option<()> {
        let none = vec![0; self.stride];
        for (y, _) in self.touched.iter().enumerate().filter(|(_, touched)| **touched) {
            let (before, row) = self.bytes[..(y + 1) * self.stride].split_at_mut(y * self.stride);
            let above = if y == 0 { &none } else { &before[(y - 1) * self.stride..] };
            unfilter(row[0], &mut row[1..], &above[1..], pixel_bytes)?;
        }
        Some(())
    }
}

impl Drop for SparseRows {
    fn drop(&mut self) {
        let rows = self.bytes.chunks_exact_mut(self.stride).zip(&self.touched);
        rows.filter(|(_, touched)| **touched).for_each(|(row, _)| row.fill(0));
    }
}

/// The bytes of all `IDAT` chunks of a file that is whole to its last chunk.
fn image_data(file: &[u8]) -> Option<Vec<u8>> {
    let mut rest = file.get(SIGNATURE..)?;
    let mut data = Vec::new();
    loop {
        let (length, after) = rest.split_first_chunk()?;
        let length = u32::from_be_bytes(*length) as usize;
        let (named, after) = after.split_at_checked(length.checked_add(4)?)?;
        let (sum, after) = after.split_first_chunk()?;
        let mut crc = Crc::new();
        crc.update(named);
        if crc.sum() != u32::from_be_bytes(*sum) {
            return None;
        }
        match named.split_first_chunk()? {
            (b"IDAT", bytes) => data.extend_from_slice(bytes),
            (b"IEND", _) => return Some(data),
            _ => {}
        }
        rest = after;
    }
}

/// What lies behind the two bytes that zlib begins with, without the sum at the end.
fn zlib_body(data: &[u8]) -> Option<&[u8]> {
    let (&[method, flags], body) = data.split_first_chunk()?;
    let known = method & 0x0f == 8 && method >> 4 <= 7 && flags & 0x20 == 0;
    (known && u16::from_be_bytes([method, flags]).is_multiple_of(31)).then_some(body)
}

/// Undoes the filter of one row below another, of pixels of `pixel_bytes` bytes.
fn unfilter(filter: u8, row: &mut [u8], above: &[u8], pixel_bytes: usize) -> Option<()> {
    match pixel_bytes {
        1 => unfilter_pixels::<1>(filter, row, above),
        2 => unfilter_pixels::<2>(filter, row, above),
        3 => unfilter_pixels::<3>(filter, row, above),
        4 => unfilter_pixels::<4>(filter, row, above),
        6 => unfilter_pixels::<6>(filter, row, above),
        8 => unfilter_pixels::<8>(filter, row, above),
        _ => None,
    }
}

fn unfilter_pixels<const N: usize>(filter: u8, row: &mut [u8], above: &[u8]) -> Option<()> {
    let (pixels, _) = row.as_chunks_mut::<N>();
    let (above, _) = above.as_chunks::<N>();
    // Carried along in registers: read back from the row, each pixel would wait for the one before to be written.
    let (mut left, mut corner) = ([0; N], [0; N]);
    match filter {
        0 => {}
        1 => {
            for pixel in pixels {
                left = std::array::from_fn(|i| pixel[i].wrapping_add(left[i]));
                *pixel = left;
            }
        }
        2 => {
            for (sample, above) in pixels.as_flattened_mut().iter_mut().zip(above.as_flattened()) {
                *sample = sample.wrapping_add(*above);
            }
        }
        3 => {
            for (pixel, above) in pixels.iter_mut().zip(above) {
                left = std::array::from_fn(|i| pixel[i].wrapping_add(left[i].midpoint(above[i])));
                *pixel = left;
            }
        }
        4 => {
            for (pixel, above) in pixels.iter_mut().zip(above) {
                left = std::array::from_fn(|i| pixel[i].wrapping_add(paeth(left[i], above[i], corner[i])));
                *pixel = left;
                corner = *above;
            }
        }
        _ => return None,
    }
    Some(())
}

/// The neighbour that is nearest to `left + above - corner`.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let [by_left, by_above] = [above.abs_diff(corner), left.abs_diff(corner)];
    let by_corner = (i16::from(left) + i16::from(above) - 2 * i16::from(corner)).unsigned_abs();
    if by_left <= by_above && u16::from(by_left) <= by_corner {
        left
    } else if u16::from(by_above) <= by_corner {
        above
    } else {
        corner
    }
}
