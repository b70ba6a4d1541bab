//! Pictures as PNG.

use std::io::Write;

use png::{BitDepth, ColorType, Compression, Encoder, Filter};

use super::HeatMapError;
use super::palette::Indexed;
use super::picture::Picture;

/// Writes a picture as RGB PNG of 8 bits. The same picture gives the same bytes.
///
/// # Errors
/// What the writer reports.
pub fn encode_png(picture: &Picture, out: impl Write) -> Result<(), HeatMapError> {
    let mut encoder = Encoder::new(out, picture.size().width, picture.size().height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture.rgb())?;
    writer.finish()?;
    Ok(())
}

/// A picture of few colours as PNG with a palette.
pub(super) fn encode_indexed(picture: &Indexed) -> Result<Vec<u8>, HeatMapError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, picture.size.width, picture.size.height);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(picture.palette.iter().flat_map(|colour| colour.0).collect::<Vec<u8>>());
    encoder.set_compression(Compression::High);
    // Neighbouring indices are no neighbouring colours: differences would only add noise.
    encoder.set_filter(Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.indices)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Cursor;

    use pimo_frame::Size;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let rgb: Vec<u8> = (0..3 * 7 * 5).map(|sample| (sample * 37 % 256) as u8).collect();
        let picture = Picture::from_rgb(Size::new(7, 5), rgb).unwrap();
        let mut bytes = Vec::new();
        encode_png(&picture, &mut bytes).unwrap();
        let mut reader = png::Decoder::new(Cursor::new(&bytes)).read_info().unwrap();
        let mut decoded = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut decoded).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (5, 7, ColorType::Rgb));
        assert_eq!(decoded, picture.rgb());
    }

    #[test]
    fn errors_of_the_writer_come_out() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let picture = Picture::from_grey(Size::new(1, 1), &[3]).unwrap();
        assert!(matches!(encode_png(&picture, Full), Err(HeatMapError::Png(png::EncodingError::IoError(_)))));
    }
}
