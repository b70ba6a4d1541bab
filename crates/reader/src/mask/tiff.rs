//! Masks in TIFF images: grey of any sample type, RGB, RGBA.

use pimo_frame::{Mask, SampleType};

use super::samples::{Samples, packed_row, unpack};
use super::{MaskContext, MaskRule};
use crate::error::Result;
use crate::input::Input;
use crate::plane::DECODER_BYTES;
use crate::tiff_directory::TiffDirectory;
use crate::tiff_file;

/// Reads the mask of a TIFF image.
pub(super) fn read(input: &Input, context: &MaskContext<'_>) -> Result<Mask> {
    let directory = TiffDirectory::read(input, context.max_bytes)?;
    let (per_pixel, counted) = pixel(input, &directory, context.rule)?;
    let (size, bits) = (directory.size, directory.bits as usize);
    let packed = per_pixel == 1 && matches!(bits, 1 | 2 | 4);
    let sample_type = if packed { SampleType::U8 } else { tiff_file::sample_type(input, &directory)? };
    let row_bytes = if packed { packed_row(size.width, bits) } else { size.width as usize * per_pixel * bits / 8 };
    let bytes = (row_bytes as u64).saturating_mul(u64::from(size.height));
    let unpacked = if packed { size.pixels() } else { 0 };
    let more = directory.decoder_bytes.saturating_add(DECODER_BYTES).saturating_add(unpacked);
    let mut image = context.samples(input, size, bytes, more)?;
    tiff_file::decode(input, &mut image, context.max_bytes)?;
    if packed {
        let mut samples = context.samples(input, size, unpacked, more)?;
        for (packed, samples) in image.chunks_exact(row_bytes).zip(samples.chunks_exact_mut(size.width as usize)) {
            unpack(packed, bits, samples);
        }
        image = samples;
    }
    Samples { bytes: &image, sample_type, size, per_pixel, counted }.mask(input, context.rule)
}

/// Samples per pixel, and how many of them count.
fn pixel(input: &Input, directory: &TiffDirectory, rule: MaskRule) -> Result<(usize, usize)> {
    const BLACK_IS_ZERO: u64 = 1;
    const RGB: u64 = 2;
    if directory.planar && directory.samples_per_pixel > 1 {
        return Err(input.unsupported(
            "The mask stores its colours in separate planes",
            "Save it with interleaved samples, or as PNG",
        ));
    }
    match (directory.photometric, directory.samples_per_pixel) {
        (BLACK_IS_ZERO, 1) => Ok((1, 1)),
        (BLACK_IS_ZERO, 2) => Ok((2, 1)),
        (RGB, per_pixel @ (3 | 4)) => rule.check_colour(input).map(|()| (per_pixel as usize, 3)),
        (photometric, per_pixel) => Err(input.unsupported(
            format!("The mask has {per_pixel} samples per pixel in the photometric interpretation {photometric}"),
            "Save it as grey (black is zero), RGB or RGBA, or as PNG",
        )),
    }
}
