//! Small pictures for the report.

use super::palette::index;
use super::picture::Picture;
use super::png_file::encode_indexed;
use super::{HeatMapError, encode_png};

/// How large a thumbnail may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThumbnailLimits {
    /// Length of the longest side in pixels.
    pub longest_side: u32,
    /// Bytes of the PNG. Colours and pixels are given up for it, down to 16 colours and two fifths of the side.
    pub max_bytes: usize,
}

impl Default for ThumbnailLimits {
    fn default() -> Self {
        Self { longest_side: 224, max_bytes: 24 * 1024 }
    }
}

impl ThumbnailLimits {
    /// Limits for `pictures` pictures that may take `total` bytes together: larger pictures than usual where there is room
    /// for that, and less good ones where there are many.
    pub fn sharing(total: usize, pictures: usize) -> Self {
        let (usual, share) = (Self::default(), total / pictures.max(1));
        let large = Self { longest_side: 2 * usual.longest_side, max_bytes: 4 * usual.max_bytes };
        if share >= large.max_bytes { large } else { Self { max_bytes: usual.max_bytes.min(share), ..usual } }
    }
}

/// What is tried, from best to smallest: fifths of the longest side, colours.
const ATTEMPTS: [(u32, usize); 7] = [(5, 256), (5, 64), (4, 64), (4, 32), (3, 32), (2, 32), (2, 16)];

/// A reduced picture as PNG, as good as the limits allow. The same picture gives the same bytes.
///
/// # Errors
/// If the picture cannot be encoded.
pub fn thumbnail(picture: &Picture, limits: ThumbnailLimits) -> Result<Vec<u8>, HeatMapError> {
    let mut rgb = Vec::new();
    let full = picture.reduced(limits.longest_side);
    encode_png(&full, &mut rgb)?;
    let mut smallest = rgb;
    for (fifths, colours) in ATTEMPTS {
        if smallest.len() <= limits.max_bytes {
            break;
        }
        let reduced = full.reduced(limits.longest_side.saturating_mul(fifths) / 5);
        let bytes = encode_indexed(&index(&reduced, colours))?;
        if bytes.len() < smallest.len() {
            smallest = bytes;
        }
    }
    Ok(smallest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Cursor;

    use pimo_frame::Size;

    use super::*;

    /// Decodes to RGB whatever the PNG's colour type.
    fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgb).unwrap();
        (info.width, info.height, rgb)
    }

    fn noise(height: u32, width: u32) -> Picture {
        let rgb = (0..height * width * 3).map(|sample| (sample.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        Picture::from_rgb(Size::new(height, width), rgb).unwrap()
    }

    #[test]
    fn small_pictures_are_kept_exactly() {
        let picture = noise(10, 20);
        let bytes = thumbnail(&picture, ThumbnailLimits::default()).unwrap();
        assert_eq!(decode(&bytes), (20, 10, picture.rgb().to_vec()));
    }

    #[test]
    fn noise_is_brought_below_the_limit() {
        let picture = noise(600, 800);
        let limits = ThumbnailLimits { longest_side: 200, max_bytes: 12_000 };
        let bytes = thumbnail(&picture, limits).unwrap();
        assert!(bytes.len() <= 12_000, "{}", bytes.len());
        let (width, height, _) = decode(&bytes);
        assert!((80..=200).contains(&width) && height.abs_diff(width * 3 / 4) <= 1, "{width}x{height}");
        assert_eq!(bytes, thumbnail(&picture, limits).unwrap());
    }

    #[test]
    fn many_pictures_share_what_there_is() {
        let usual = ThumbnailLimits::default();
        let large = ThumbnailLimits { longest_side: 448, max_bytes: 96 << 10 };
        assert_eq!(ThumbnailLimits::sharing(1 << 20, 0), large);
        assert_eq!(ThumbnailLimits::sharing(1 << 20, 10), large);
        assert_eq!(ThumbnailLimits::sharing(1 << 20, 20), usual);
        assert_eq!(ThumbnailLimits::sharing(1 << 20, 1024).max_bytes, 1024);
    }

    #[test]
    fn unreachable_limits_give_the_smallest_there_is() {
        let bytes = thumbnail(&noise(100, 100), ThumbnailLimits { longest_side: 100, max_bytes: 0 }).unwrap();
        assert_eq!(decode(&bytes).0, 40);
    }
}
