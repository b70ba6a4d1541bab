//! Masks in uncompressed BMP images.

use pimo_frame::{Mask, Size};

use super::samples::{Palette, packed_row, unpack};
use super::{MaskContext, MaskRule};
use crate::bmp_file::{FORMAT, Header};
use crate::error::Result;
use crate::input::Input;

impl Header {
    /// The grey values of the palette; `None` if it has other colours.
    fn greys(&self) -> Option<Vec<u8>> {
        let grey = |colour: &[u8]| (colour[0] == colour[1] && colour[1] == colour[2]).then_some(colour[0]);
        self.palette.chunks_exact(self.stride).map(grey).collect()
    }
}

/// The size of the mask.
pub(super) fn size(input: &Input) -> Result<Size> {
    Header::read(input).map(|header| header.size)
}

/// Reads the mask of a BMP image.
pub(super) fn read(input: &Input, context: &MaskContext<'_>) -> Result<Mask> {
    let header = Header::read(input)?;
    let size = header.size;
    let row_bytes = packed_row(size.width, header.bits).next_multiple_of(4);
    let bytes = (row_bytes as u64).saturating_mul(u64::from(size.height));
    input.check_range(header.pixels, bytes, "the mask")?;
    let mut image = context.samples(input, size, bytes, u64::from(size.width))?;
    input.read_at(header.pixels, &mut image, "the mask")?;
    let rows = Rows { input, header: &header, rule: context.rule };
    rows.mask(&image, row_bytes)
}

struct Rows<'a> {
    input: &'a Input,
    header: &'a Header,
    rule: MaskRule,
}

/// Sets a row of the mask from the bytes of a row of the file.
type RowSetter<'a> = Box<dyn FnMut(&mut Mask, usize, &[u8]) -> Result<()> + 'a>;

impl Rows<'_> {
    fn mask(&self, image: &[u8], row_bytes: usize) -> Result<Mask> {
        let Size { height, width } = self.header.size;
        let (height, width) = (height as usize, width as usize);
        let mut mask = Mask::empty(self.header.size);
        let mut set = self.row_setter()?;
        for (index, row) in image.chunks_exact(row_bytes).enumerate() {
            let y = if self.header.top_down { index } else { height - 1 - index };
            set(&mut mask, y, &row[..packed_row(width as u32, self.header.bits)])?;
        }
        Ok(mask)
    }

    /// What sets a row of the mask from a row of the file.
    fn row_setter(&self) -> Result<RowSetter<'_>> {
        if self.header.bits > 8 {
            self.rule.check_colour(self.input)?;
            // Blue, green, red and, with 32 bits, a byte that has no meaning.
            return Ok(Box::new(if self.header.bits == 24 {
                |mask: &mut Mask, y, row: &[u8]| {
                    mask.set_row(y, bytemuck::cast_slice::<u8, [u8; 3]>(row), |pixel| *pixel != [0; 3]);
                    Ok(())
                }
            } else {
                |mask: &mut Mask, y, row: &[u8]| {
                    mask.set_row(y, bytemuck::cast_slice::<u8, [u8; 4]>(row), |pixel| pixel[..3] != [0; 3]);
                    Ok(())
                }
            }));
        }
        let colours = self.anomalous_colours()?;
        let mut samples = vec![0; self.header.size.width as usize];
        Ok(Box::new(move |mask, y, row| {
            unpack(row, self.header.bits, &mut samples);
            colours.set_row(self.input, FORMAT, mask, y, &samples)
        }))
    }

    /// The palette as colours that are black where they are normal.
    fn anomalous_colours(&self) -> Result<Palette> {
        let MaskRule::Above(_) = self.rule else {
            return Ok(Palette::new(&self.header.palette, self.header.stride));
        };
        // BMP knows no grey images, only palettes of greys.
        let Some(greys) = self.header.greys() else {
            self.rule.check_colour(self.input)?;
            return Ok(Palette::new(&[], 3));
        };
        let anomalous = |&grey: &u8| self.rule.least().is_some_and(|least| u64::from(grey) >= least);
        let colours: Vec<u8> = greys.iter().flat_map(|grey| [u8::from(anomalous(grey)); 3]).collect();
        Ok(Palette::new(&colours, 3))
    }
}
