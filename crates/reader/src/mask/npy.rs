//! Masks in `.npy` arrays: zero is normal.

use pimo_frame::{Mask, Size};

use super::MaskContext;
use super::samples::Samples;
use crate::error::Result;
use crate::input::Input;
use crate::npy::NpyHeader;

/// The size of the mask.
pub(super) fn size(input: &Input) -> Result<Size> {
    header(input).map(|(_, size)| size)
}

fn header(input: &Input) -> Result<(NpyHeader, Size)> {
    let header = NpyHeader::of_file(input)?;
    let stack = header.stack(input)?;
    match stack.maps {
        None => Ok((header, stack.size)),
        Some(_) => {
            Err(input
                .unsupported(format!("The mask has the shape {}", header.shape()), "Save one mask per file, as HxW"))
        }
    }
}

/// Reads the mask of an array.
pub(super) fn read(input: &Input, context: &MaskContext<'_>) -> Result<Mask> {
    let (header, size) = header(input)?;
    let mut bytes = context.samples(input, size, header.data_bytes(), 0)?;
    input.read_at(header.data_offset, &mut bytes, "the mask")?;
    if header.big_endian != cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(header.sample_type.bytes()).for_each(<[u8]>::reverse);
    }
    let samples = Samples { bytes: &bytes, sample_type: header.sample_type, size, per_pixel: 1, counted: 1 };
    samples.mask(input, context.rule)
}
