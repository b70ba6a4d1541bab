//! TIFF images: strips and tiles, classic and `BigTIFF`, with the compressions and predictors that detectors use.

use pimo_frame::SampleType;
use tiff::TiffError;
use tiff::decoder::{Decoder, Limits};

use crate::ReadError;
use crate::error::Result;
use crate::input::{Input, RangeReader};
use crate::plane::{DECODER_BYTES, Payload, Plane};
use crate::tiff_directory::{FORMAT, TiffDirectory};

/// What the directory says of an anomaly map.
pub(crate) fn map_header(input: &Input, max_bytes: u64) -> Result<Plane> {
    let directory = TiffDirectory::read(input, max_bytes)?;
    if directory.samples_per_pixel != 1 {
        return Err(input.unsupported(
            format!("The image has {} samples per pixel", directory.samples_per_pixel),
            "Save the anomaly map as an image with one sample per pixel",
        ));
    }
    if directory.photometric == 0 {
        return Err(input.unsupported(
            "The image stores white as zero, so that its scores may be inverted",
            "Save the anomaly map with the photometric interpretation `black is zero`",
        ));
    }
    let sample_type = sample_type(input, &directory)?;
    // A decoder gives the samples in the machine's byte order, the file does not.
    let (payload, big_endian) = if let Some(offset) = directory.contiguous {
        input.check_range(offset, directory.stored_bytes, "the anomaly map")?;
        (Payload::Raw { offset }, directory.big_endian)
    } else {
        let decoder_bytes = directory.decoder_bytes.saturating_add(DECODER_BYTES);
        (Payload::Tiff { decoder_bytes }, cfg!(target_endian = "big"))
    };
    Ok(Plane { sample_type, big_endian, size: directory.size, stored_bytes: directory.stored_bytes, payload })
}

/// The type of the samples.
pub(crate) fn sample_type(input: &Input, directory: &TiffDirectory) -> Result<SampleType> {
    Ok(match (directory.sample_format, directory.bits) {
        (1, 8) => SampleType::U8,
        (1, 16) => SampleType::U16,
        (1, 32) => SampleType::U32,
        (1, 64) => SampleType::U64,
        (2, 8) => SampleType::I8,
        (2, 16) => SampleType::I16,
        (2, 32) => SampleType::I32,
        (2, 64) => SampleType::I64,
        (3, 16) => SampleType::F16,
        (3, 32) => SampleType::F32,
        (3, 64) => SampleType::F64,
        (format, bits) => {
            let kind = match format {
                1 => "unsigned integers",
                2 => "signed integers",
                3 => "floats",
                5 | 6 => "complex numbers",
                _ => "values of unknown type",
            };
            return Err(input.unsupported(
                format!("The samples are {kind} of {bits} bits"),
                "Save them as float32, or as integers of 8, 16, 32 or 64 bits",
            ));
        }
    })
}

/// Decodes the image into `image`, samples in the machine's byte order.
pub(crate) fn decode(input: &Input, image: &mut [u8], max_bytes: u64) -> Result<()> {
    let failed = |error| tiff_error(input, error);
    let mut decoder = open(input, max_bytes).map_err(failed)?;
    let expected = decoder.image_buffer_layout().map_err(failed)?.complete_len;
    if expected != image.len() {
        return Err(input.malformed(
            FORMAT,
            format!("its image takes {expected} bytes where its directory promises {}", image.len()),
        ));
    }
    decoder.read_image_bytes(image).map_err(failed)
}

/// A decoder of the first image. The directory has been looked at before.
fn open(input: &Input, max_bytes: u64) -> std::result::Result<Decoder<RangeReader>, TiffError> {
    let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = limit;
    limits.intermediate_buffer_size = limit;
    limits.ifd_value_size = limit;
    Ok(Decoder::new(input.range(0, input.len()))?.with_limits(limits))
}

fn tiff_error(input: &Input, error: TiffError) -> ReadError {
    match error {
        TiffError::IoError(source) => input.decoder_io(FORMAT, source),
        TiffError::UnsupportedError(what) => input.unsupported(
            format!("The image cannot be decoded ({what})"),
            "Save it uncompressed, or with deflate, LZW or zstd",
        ),
        other => input.malformed(FORMAT, other.to_string()),
    }
}
