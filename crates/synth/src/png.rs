//! Grey PNG files.

use std::io;

use pimo_frame::Size;
use png::{BitDepth, ColorType, Compression, Encoder};

fn encode(size: Size, depth: BitDepth, compression: Compression, data: &[u8]) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, size.width, size.height);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(depth);
    encoder.set_compression(compression);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(data)?;
    writer.finish()?;
    Ok(file)
}

/// Eight bits per pixel.
pub(crate) fn grey8(size: Size, pixels: &[u8]) -> io::Result<Vec<u8>> {
    encode(size, BitDepth::Eight, Compression::Fast, pixels)
}

/// Sixteen bits per pixel, from little-endian samples.
pub(crate) fn grey16(size: Size, samples: &[u8]) -> io::Result<Vec<u8>> {
    let swapped: Vec<u8> = samples.as_chunks::<2>().0.iter().flat_map(|&[low, high]| [high, low]).collect();
    encode(size, BitDepth::Sixteen, Compression::Fast, &swapped)
}

/// One bit per pixel, set where the pixel is nonzero. Compressed well: these masks are for small datasets.
pub(crate) fn bilevel(size: Size, pixels: &[u8]) -> io::Result<Vec<u8>> {
    let pack = |pixels: &[u8]| pixels.iter().enumerate().fold(0, |byte, (i, &p)| byte | u8::from(p != 0) << (7 - i));
    let packed: Vec<u8> = pixels.chunks(size.width as usize).flat_map(|row| row.chunks(8).map(pack)).collect();
    encode(size, BitDepth::One, Compression::High, &packed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decode(file: &[u8]) -> (png::OutputInfo, Vec<u8>) {
        let mut reader = png::Decoder::new(io::Cursor::new(file)).read_info().unwrap();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut data).unwrap();
        (info, data)
    }

    #[test]
    fn every_depth_decodes_to_its_pixels() {
        let size = Size::new(2, 9);
        let pixels: Vec<u8> = (0..18).map(|i| if i % 4 == 0 { 255 } else { 0 }).collect();

        let (info, data) = decode(&grey8(size, &pixels).unwrap());
        assert_eq!((info.height, info.width, info.bit_depth), (2, 9, BitDepth::Eight));
        assert_eq!(data, pixels);

        let (info, data) = decode(&bilevel(size, &pixels).unwrap());
        assert_eq!(info.bit_depth, BitDepth::One);
        assert_eq!(data, [0b1000_1000, 0b1000_0000, 0b0001_0001, 0]);

        let samples: Vec<u8> = (0..36).collect();
        let (info, data) = decode(&grey16(size, &samples).unwrap());
        assert_eq!(info.bit_depth, BitDepth::Sixteen);
        assert_eq!(data[..4], [1, 0, 3, 2]);
    }
}
