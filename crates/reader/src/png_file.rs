//! PNG images.

use pimo_frame::{SampleType, Size};
use png::{BitDepth, ColorType, Decoder, DecodingError, Limits, Reader};

use crate::ReadError;
use crate::error::Result;
use crate::input::{Input, RangeReader};
use crate::plane::{DECODER_BYTES, Payload, Plane};

pub(crate) const FORMAT: &str = "PNG";

/// Memory that decoding takes beside the decoded image: some rows of at most eight bytes per pixel, and windows.
pub(crate) const fn decoder_bytes(width: u32) -> u64 {
    DECODER_BYTES + 4 * 8 * width as u64
}

/// What the header says of an anomaly map.
pub(crate) fn map_header(input: &Input, max_bytes: u64) -> Result<Plane> {
    let decoder = open(input, max_bytes)?;
    let info = decoder.info();
    let sample_type = match (info.color_type, info.bit_depth) {
        (ColorType::Grayscale, BitDepth::Eight) => SampleType::U8,
        (ColorType::Grayscale, BitDepth::Sixteen) => SampleType::U16,
        (ColorType::Grayscale, depth) => {
            return Err(input.unsupported(
                format!("The image has {} bits per pixel", depth as u8),
                "Save the anomaly map as grey image of 8 or 16 bits, or better as .npy",
            ));
        }
        (colour, _) => {
            return Err(input.unsupported(
                format!("The image is {}, not grey", name(colour)),
                "Save the scores themselves as grey image of 8 or 16 bits, or better as .npy",
            ));
        }
    };
    let size = size(input, &decoder)?;
    Ok(Plane { sample_type, big_endian: true, size, stored_bytes: input.len(), payload: Payload::Png })
}

const fn name(colour: ColorType) -> &'static str {
    match colour {
        ColorType::Grayscale => "grey",
        ColorType::Rgb => "RGB",
        ColorType::Indexed => "of palette colours",
        ColorType::GrayscaleAlpha => "grey with alpha",
        ColorType::Rgba => "RGBA",
    }
}

/// The image's size.
pub(crate) fn size(input: &Input, decoder: &Reader<RangeReader>) -> Result<Size> {
    let (width, height) = decoder.info().size();
    input.check_size(Size::new(height, width))
}

/// Decodes the samples as they are stored into `image`.
pub(crate) fn decode(input: &Input, image: &mut [u8], max_bytes: u64) -> Result<()> {
    let mut decoder = open(input, max_bytes)?;
    decoder.next_frame(image).map(drop).map_err(|error| png_error(input, error))
}

/// A decoder that has read everything before the samples.
pub(crate) fn open(input: &Input, max_bytes: u64) -> Result<Reader<RangeReader>> {
    let bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new_with_limits(input.range(0, input.len()), Limits { bytes });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.read_info().map_err(|error| png_error(input, error))
}

pub(crate) fn png_error(input: &Input, error: DecodingError) -> ReadError {
    match error {
        DecodingError::IoError(source) => input.decoder_io(FORMAT, source),
        DecodingError::LimitsExceeded => input.unsupported(
            "Reading this PNG takes more memory than is allowed",
            "Allow more memory (--memory), or save it without large chunks beside the pixels",
        ),
        other => input.malformed(FORMAT, other.to_string()),
    }
}
