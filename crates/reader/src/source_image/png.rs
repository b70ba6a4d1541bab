//! PNG images of every colour type and depth.

use png::{Decoder, Limits, Transformations};

use super::{SourceImage, push_pixels, room};
use crate::error::Result;
use crate::input::Input;
use crate::png_file::{decoder_bytes, png_error, size};

/// Reads row by row, except where rows are interlaced.
pub(super) fn read(input: &Input, max_bytes: u64) -> Result<SourceImage> {
    let bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new_with_limits(input.range(0, input.len()), Limits { bytes });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| png_error(input, error))?;
    let size = size(input, &reader)?;
    let channels = reader.output_color_type().0.samples();
    let more = decoder_bytes(size.width);
    let mut rgb = room(input, size, more, max_bytes)?;
    if reader.info().interlaced {
        let bytes = size.pixels().saturating_mul(channels as u64);
        input.check_memory(bytes.saturating_add(rgb.capacity() as u64).saturating_add(more), max_bytes)?;
        let mut samples = vec![0; bytes as usize];
        reader.next_frame(&mut samples).map_err(|error| png_error(input, error))?;
        push_pixels(&mut rgb, &samples, channels);
    } else {
        for _ in 0..size.height {
            match reader.next_row().map_err(|error| png_error(input, error))? {
                Some(row) => push_pixels(&mut rgb, row.data(), channels),
                None => return Err(input.malformed(crate::png_file::FORMAT, "it ends too early")),
            }
        }
    }
    Ok(SourceImage { size, rgb })
}
