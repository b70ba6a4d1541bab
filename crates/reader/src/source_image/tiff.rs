//! TIFF images of 8 and 16 bits, grey, RGB and RGBA.

use super::{SourceImage, push_pixels, room};
use crate::error::Result;
use crate::input::Input;
use crate::plane::DECODER_BYTES;
use crate::tiff_directory::TiffDirectory;
use crate::tiff_file;

const WHITE_IS_ZERO: u64 = 0;
const BLACK_IS_ZERO: u64 = 1;
const RGB: u64 = 2;

pub(super) fn read(input: &Input, max_bytes: u64) -> Result<SourceImage> {
    let directory = TiffDirectory::read(input, max_bytes)?;
    let channels = channels(input, &directory)?;
    let size = directory.size;
    let bytes = size.pixels().saturating_mul(channels as u64 * directory.bits / 8);
    let more = bytes.saturating_add(directory.decoder_bytes).saturating_add(DECODER_BYTES);
    let mut rgb = room(input, size, more, max_bytes)?;
    // Inside the limit, which has been checked.
    let mut samples = vec![0_u8; bytes as usize];
    // The decoder turns white as zero into black as zero.
    tiff_file::decode(input, &mut samples, max_bytes)?;
    if directory.bits == 16 {
        samples = samples.as_chunks().0.iter().map(|&sample| (u16::from_ne_bytes(sample) >> 8) as u8).collect();
    }
    push_pixels(&mut rgb, &samples, channels);
    Ok(SourceImage { size, rgb })
}

/// Samples per pixel.
fn channels(input: &Input, directory: &TiffDirectory) -> Result<usize> {
    let known = match (directory.photometric, directory.samples_per_pixel) {
        (WHITE_IS_ZERO, 1) => Some(1),
        (BLACK_IS_ZERO, per_pixel @ (1 | 2)) | (RGB, per_pixel @ (3 | 4)) => Some(per_pixel as usize),
        _ => None,
    };
    let integers = directory.sample_format == 1 && matches!(directory.bits, 8 | 16);
    let apart = directory.planar && directory.samples_per_pixel > 1;
    known.filter(|_| integers && !apart).ok_or_else(|| {
        input.unsupported(
            format!(
                "The image has {} samples of {} bits per pixel in the photometric interpretation {}",
                directory.samples_per_pixel, directory.bits, directory.photometric
            ),
            "Save it with interleaved grey or RGB samples of 8 or 16 bits, or as PNG",
        )
    })
}
