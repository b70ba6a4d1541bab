//! Uncompressed BMP images.

use super::{SourceImage, room};
use crate::bmp_file::{FORMAT, Header, packed_row, unpack};
use crate::error::Result;
use crate::input::Input;

pub(super) fn read(input: &Input, max_bytes: u64) -> Result<SourceImage> {
    let header = Header::read(input)?;
    let (size, bits) = (header.size, header.bits);
    let stored_row = packed_row(size.width, bits);
    let row_bytes = stored_row.next_multiple_of(4);
    input.check_range(header.pixels, (row_bytes as u64).saturating_mul(u64::from(size.height)), "the image")?;
    let mut rgb = room(input, size, (row_bytes as u64).saturating_add(u64::from(size.width)), max_bytes)?;
    let mut row = vec![0; row_bytes];
    let mut indices = vec![0; if bits <= 8 { size.width as usize } else { 0 }];
    for y in 0..u64::from(size.height) {
        let stored = if header.top_down { y } else { u64::from(size.height) - 1 - y };
        input.read_at(header.pixels + stored * row_bytes as u64, &mut row, "the image")?;
        if bits > 8 {
            rgb.extend(row[..stored_row].chunks_exact(bits / 8).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]));
            continue;
        }
        unpack(&row[..stored_row], bits, &mut indices);
        for &index in &indices {
            let colour = header.palette.chunks_exact(header.stride).nth(usize::from(index)).ok_or_else(|| {
                input.malformed(FORMAT, format!("a pixel of row {y} has colour {index}, which the palette lacks"))
            })?;
            rgb.extend([colour[2], colour[1], colour[0]]);
        }
    }
    Ok(SourceImage { size, rgb })
}
