//! Grey TIFF files of any sample type, in strips.
//!
//! The strips are compressed here rather than by the encoder of the `tiff` crate, which knows neither half-precision
//! samples nor Zstandard.

use std::io::{self, Cursor};

use pimo_frame::{SampleType, Size};
use tiff::TiffError;
use tiff::encoder::TiffEncoder;
use tiff::encoder::compression::{CompressionAlgorithm, Deflate, Lzw, Uncompressed};
use tiff::tags::{CompressionMethod, PhotometricInterpretation, SampleFormat, Tag};

use crate::TiffCompression;

/// Bytes of a strip before compression, as far as whole rows allow.
const STRIP_BYTES: usize = 1 << 16;

impl TiffCompression {
    const fn method(self) -> CompressionMethod {
        match self {
            Self::None => CompressionMethod::None,
            Self::Deflate => CompressionMethod::Deflate,
            Self::Lzw => CompressionMethod::LZW,
            Self::Zstd => CompressionMethod::ZSTD,
        }
    }

    fn compress(self, strip: &[u8]) -> io::Result<Vec<u8>> {
        let mut compressed = Vec::new();
        match self {
            Self::None => Uncompressed.write_to(&mut compressed, strip)?,
            Self::Deflate => Deflate::default().write_to(&mut compressed, strip)?,
            Self::Lzw => Lzw.write_to(&mut compressed, strip)?,
            Self::Zstd => return zstd::bulk::compress(strip, 3),
        };
        Ok(compressed)
    }
}

/// Encodes little-endian samples of one image.
pub(crate) fn encode(
    size: Size,
    sample_type: SampleType,
    compression: TiffCompression,
    samples: &[u8],
) -> io::Result<Vec<u8>> {
    let mut file = Cursor::new(Vec::with_capacity(samples.len() / 2));
    write(&mut file, size, sample_type, compression, samples).map_err(|error| match error {
        TiffError::IoError(error) => error,
        other => io::Error::other(other),
    })?;
    Ok(file.into_inner())
}

fn write(
    file: &mut Cursor<Vec<u8>>,
    size: Size,
    sample_type: SampleType,
    compression: TiffCompression,
    samples: &[u8],
) -> Result<(), TiffError> {
    let format = match sample_type {
        SampleType::F16 | SampleType::F32 | SampleType::F64 => SampleFormat::IEEEFP,
        SampleType::U8 | SampleType::U16 | SampleType::U32 | SampleType::U64 => SampleFormat::Uint,
        SampleType::I8 | SampleType::I16 | SampleType::I32 | SampleType::I64 => SampleFormat::Int,
    };
    let row_bytes = size.width as usize * sample_type.bytes();
    let rows_per_strip = (STRIP_BYTES / row_bytes).clamp(1, size.height as usize);

    let mut encoder = TiffEncoder::new(file)?;
    let mut directory = encoder.image_directory()?;
    let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
    for strip in samples.chunks(rows_per_strip * row_bytes) {
        let compressed = compression.compress(&native(strip, sample_type))?;
        lengths.push(u32::try_from(compressed.len())?);
        offsets.push(u32::try_from(directory.write_data(&compressed[..])?)?);
    }
    directory.write_tag(Tag::ImageWidth, size.width)?;
    directory.write_tag(Tag::ImageLength, size.height)?;
    directory.write_tag(Tag::BitsPerSample, 8 * sample_type.bytes() as u16)?;
    directory.write_tag(Tag::Compression, compression.method().to_u16())?;
    directory.write_tag(Tag::PhotometricInterpretation, PhotometricInterpretation::BlackIsZero.to_u16())?;
    directory.write_tag(Tag::StripOffsets, &offsets[..])?;
    directory.write_tag(Tag::SamplesPerPixel, 1u16)?;
    directory.write_tag(Tag::RowsPerStrip, rows_per_strip as u32)?;
    directory.write_tag(Tag::StripByteCounts, &lengths[..])?;
    directory.write_tag(Tag::SampleFormat, format.to_u16())?;
    directory.finish()
}

/// The samples in the byte order of this machine, which is what the encoder's header announces.
fn native(strip: &[u8], sample_type: SampleType) -> Vec<u8> {
    let mut bytes = strip.to_vec();
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(sample_type.bytes()).for_each(<[u8]>::reverse);
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tiff::decoder::{Decoder, DecodingResult};

    #[test]
    fn every_compression_and_kind_of_sample_decodes() {
        // High enough for several strips.
        let size = Size::new(300, 90);
        let values: Vec<f32> = (0..size.pixels()).map(|i| (i % 977) as f32 * 0.25).collect();
        let single: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let half: Vec<u8> = values.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect();
        let integer: Vec<u8> = values.iter().flat_map(|&v| (-v as i16).to_le_bytes()).collect();
        for compression in
            [TiffCompression::None, TiffCompression::Deflate, TiffCompression::Lzw, TiffCompression::Zstd]
        {
            let decode = |sample_type, samples: &[u8]| {
                let file = encode(size, sample_type, compression, samples).unwrap();
                let mut decoder = Decoder::new(Cursor::new(file)).unwrap();
                assert_eq!(decoder.dimensions().unwrap(), (90, 300));
                decoder.read_image().unwrap()
            };
            let DecodingResult::F32(decoded) = decode(SampleType::F32, &single) else { panic!("not f32") };
            assert_eq!(decoded, values);
            let DecodingResult::F16(decoded) = decode(SampleType::F16, &half) else { panic!("not f16") };
            assert!(decoded.iter().zip(&values).all(|(&d, &v)| d == half::f16::from_f32(v)));
            let DecodingResult::I16(decoded) = decode(SampleType::I16, &integer) else { panic!("not i16") };
            assert!(decoded.iter().zip(&values).all(|(&d, &v)| d == -v as i16));
        }
    }
}
