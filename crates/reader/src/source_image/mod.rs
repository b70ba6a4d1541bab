//! The photographs that anomaly maps were computed of, for showing a map over its image.
//!
//! Only looks depend on these: samples of more than 8 bits lose the lower ones, alpha is ignored.

mod bmp;
mod jpeg;
mod png;
mod tiff;

use pimo_frame::Size;

use crate::MapLocation;
use crate::error::Result;
use crate::input::Input;

/// A source image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceImage {
    /// Height and width.
    pub size: Size,
    /// Interleaved samples of 8 bits: red, green, blue; row by row.
    pub rgb: Vec<u8>,
}

/// Reads an image, whose first bytes say what it is.
pub(crate) fn read(at: &MapLocation, max_bytes: u64) -> Result<SourceImage> {
    let input = Input::open(at)?;
    let mut head = [0; 4];
    input.read_at(0, &mut head, "the header")?;
    match head {
        [0x89, b'P', b'N', b'G'] => png::read(&input, max_bytes),
        [0xff, 0xd8, 0xff, _] => jpeg::read(&input, max_bytes),
        [b'I', b'I', 42 | 43, 0] | [b'M', b'M', 0, 42 | 43] => tiff::read(&input, max_bytes),
        [b'B', b'M', ..] => bmp::read(&input, max_bytes),
        _ => Err(input.unsupported(
            "This does not begin as an image of a known format does",
            "Source images are read from PNG, JPEG, TIFF and BMP",
        )),
    }
}

/// Room for the RGB samples of an image, after checking that they and `more` bytes may be taken together.
fn room(input: &Input, size: Size, more: u64, max_bytes: u64) -> Result<Vec<u8>> {
    let bytes = size.pixels().saturating_mul(3);
    let needed = bytes.saturating_add(more);
    input.check_memory(needed, max_bytes)?;
    let mut rgb = Vec::new();
    let reserved = usize::try_from(bytes).is_ok_and(|bytes| rgb.try_reserve_exact(bytes).is_ok());
    if reserved { Ok(rgb) } else { Err(input.too_large(needed, max_bytes)) }
}

/// Adds pixels of `channels` samples: grey, grey and alpha, RGB, or RGB and more.
fn push_pixels(rgb: &mut Vec<u8>, samples: &[u8], channels: usize) {
    for pixel in samples.chunks_exact(channels) {
        rgb.extend(if channels < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] });
    }
}
