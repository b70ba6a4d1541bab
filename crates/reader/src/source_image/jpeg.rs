//! JPEG images, baseline and progressive, grey and in colour.

use pimo_frame::Size;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZByteIoError;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{SourceImage, room};
use crate::ReadError;
use crate::error::Result;
use crate::input::Input;
use crate::plane::DECODER_BYTES;

const FORMAT: &str = "JPEG";
/// The largest side that the format knows.
const LARGEST_SIDE: usize = 65_535;
/// Memory per pixel while decoding: coefficients of two bytes for up to four components, and the components.
const DECODER_BYTES_PER_PIXEL: u64 = 12;

pub(super) fn read(input: &Input, max_bytes: u64) -> Result<SourceImage> {
    let options = DecoderOptions::default()
        .set_max_width(LARGEST_SIDE)
        .set_max_height(LARGEST_SIDE)
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(input.range(0, input.len()), options);
    decoder.decode_headers().map_err(|error| jpeg_error(input, error))?;
    let (width, height) = decoder.info().map_or((0, 0), |info| (info.width, info.height));
    let size = input.check_size(Size::new(u32::from(height), u32::from(width)))?;
    let more = size.pixels().saturating_mul(DECODER_BYTES_PER_PIXEL).saturating_add(DECODER_BYTES);
    let mut rgb = room(input, size, more, max_bytes)?;
    rgb.resize(3 * size.pixels() as usize, 0);
    decoder.decode_into(&mut rgb).map_err(|error| jpeg_error(input, error))?;
    Ok(SourceImage { size, rgb })
}

fn jpeg_error(input: &Input, error: DecodeErrors) -> ReadError {
    match error {
        DecodeErrors::IoErrors(ZByteIoError::StdIoError(source)) => input.decoder_io(FORMAT, source),
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => input.malformed(FORMAT, "it ends too early"),
        DecodeErrors::Unsupported(_) => input.unsupported(
            "This sort of JPEG file (lossless, hierarchical or arithmetic) is not read",
            "Save the image as a baseline JPEG or as PNG",
        ),
        other => input.malformed(FORMAT, other.to_string()),
    }
}
