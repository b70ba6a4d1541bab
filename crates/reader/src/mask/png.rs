//! Masks in PNG images of every colour type and depth.

use bytemuck::Pod;
use pimo_frame::{Mask, Size};
use png::{BitDepth, ColorType};

use super::png_rows::SparseRows;
use super::samples::{Palette, packed_row, unpack};
use super::{MaskContext, MaskRule};
use crate::error::Result;
use crate::input::Input;
use crate::png_file::{FORMAT, decoder_bytes, open, png_error, size};

/// Reads the mask of a PNG image.
pub(super) fn read(input: &Input, context: &MaskContext<'_>) -> Result<Mask> {
    let mut decoder = open(input, context.max_bytes)?;
    let size = size(input, &decoder)?;
    let info = decoder.info();
    let (colour, depth) = (info.color_type, info.bit_depth);
    if matches!(colour, ColorType::Rgb | ColorType::Rgba | ColorType::Indexed) {
        context.rule.check_colour(input)?;
    }
    let palette = info.palette.as_ref().map(|colours| Palette::new(colours, 3));
    let pixels = Pixels { input, size, colour, depth, palette, rule: context.rule };
    let bits = colour.samples() * depth as usize;
    let row_bytes = packed_row(size.width, bits);
    let bytes = (row_bytes as u64).saturating_mul(u64::from(size.height));
    let needed = decoder_bytes(size.width);
    if !info.interlaced && pixels.zeros_are_normal() {
        context.check(input, size, bytes, needed)?;
        let shape = (size.height as usize, row_bytes, bits.div_ceil(8));
        if let Some(rows) = SparseRows::decode(input, context.zeros, shape) {
            return pixels.mask(rows.iter());
        }
    }
    let interlaced = info.interlaced;
    let mut image = context.samples(input, size, bytes, needed)?;
    if interlaced {
        // Pixels of less than a byte are added to what is there, and the memory may have been another mask's.
        image.fill(0);
    }
    decoder.next_frame(&mut image).map_err(|error| png_error(input, error))?;
    pixels.mask(image.chunks_exact(row_bytes).enumerate())
}

/// How samples become a mask.
struct Pixels<'a> {
    input: &'a Input,
    size: Size,
    colour: ColorType,
    depth: BitDepth,
    palette: Option<Palette>,
    rule: MaskRule,
}

impl Pixels<'_> {
    /// Whether a row of zeros is a row without anomalous pixels.
    fn zeros_are_normal(&self) -> bool {
        match (self.colour, &self.palette) {
            (ColorType::Indexed, palette) => palette.as_ref().is_some_and(Palette::begins_black),
            _ => self.rule.least() != Some(0),
        }
    }

    /// The mask of these rows, each with its number; the others have no anomalous pixel.
    fn mask<'r>(&self, rows: impl Iterator<Item = (usize, &'r [u8])>) -> Result<Mask> {
        let &Self { input, size, colour, depth, ref palette, rule } = self;
        let mut mask = Mask::empty(size);
        match (colour, depth) {
            (ColorType::Grayscale, BitDepth::Eight) => {
                for (y, row) in rows {
                    set_grey(&mut mask, y, row, rule);
                }
            }
            (
                ColorType::Grayscale | ColorType::Indexed,
                BitDepth::One | BitDepth::Two | BitDepth::Four | BitDepth::Eight,
            ) => {
                let mut samples = vec![0; size.width as usize];
                for (y, row) in rows {
                    unpack(row, depth as usize, &mut samples);
                    match palette {
                        Some(palette) if colour == ColorType::Indexed => {
                            palette.set_row(input, FORMAT, &mut mask, y, &samples)?;
                        }
                        _ => set_grey(&mut mask, y, &samples, rule),
                    }
                }
            }
            (ColorType::Grayscale, _) => rows.for_each(|(y, row)| set_grey16::<2>(&mut mask, y, row, rule)),
            (ColorType::GrayscaleAlpha, BitDepth::Sixteen) => {
                rows.for_each(|(y, row)| set_grey16::<4>(&mut mask, y, row, rule));
            }
            (ColorType::GrayscaleAlpha, _) => {
                let least = rule.least();
                rows.for_each(|(y, row)| {
                    set_pixels::<[u8; 2]>(&mut mask, y, row, |pixel| {
                        least.is_some_and(|least| u64::from(pixel[0]) >= least)
                    });
                });
            }
            (ColorType::Rgb, BitDepth::Sixteen) => {
                rows.for_each(|(y, row)| set_pixels::<[u8; 6]>(&mut mask, y, row, |pixel| *pixel != [0; 6]));
            }
            (ColorType::Rgb, _) => {
                rows.for_each(|(y, row)| set_pixels::<[u8; 3]>(&mut mask, y, row, |pixel| *pixel != [0; 3]));
            }
            (ColorType::Rgba, BitDepth::Sixteen) => {
                rows.for_each(|(y, row)| set_pixels::<[u8; 8]>(&mut mask, y, row, |pixel| pixel[..6] != [0; 6]));
            }
            (ColorType::Rgba, _) => {
                rows.for_each(|(y, row)| set_pixels::<[u8; 4]>(&mut mask, y, row, |pixel| pixel[..3] != [0; 3]));
            }
            (ColorType::Indexed, BitDepth::Sixteen) => {
                return Err(input.malformed(FORMAT, "it has a palette and 16 bits per pixel"));
            }
        }
        Ok(mask)
    }
}

/// A row of grey bytes.
fn set_grey(mask: &mut Mask, y: usize, row: &[u8], rule: MaskRule) {
    match rule.least().map(u8::try_from) {
        // Most rows of most masks are black, which is seen faster than it is packed.
        Some(Ok(1..)) if row.iter().fold(0, |seen, &sample| seen | sample) == 0 => {}
        Some(Ok(1)) => mask.set_row(y, row, |&sample| sample != 0),
        Some(Ok(least)) => mask.set_row(y, row, |&sample| sample >= least),
        // Above the largest byte: nothing is anomalous.
        Some(Err(_)) | None => {}
    }
}

/// A row of pixels of `N` bytes that begin with a big-endian grey sample.
fn set_grey16<const N: usize>(mask: &mut Mask, y: usize, row: &[u8], rule: MaskRule)
where
    [u8; N]: Pod,
{
    if let Some(least) = rule.least() {
        set_pixels::<[u8; N]>(mask, y, row, |pixel| u64::from(u16::from_be_bytes([pixel[0], pixel[1]])) >= least);
    }
}

fn set_pixels<P: Pod>(mask: &mut Mask, y: usize, row: &[u8], anomalous: impl Fn(&P) -> bool) {
    mask.set_row(y, bytemuck::cast_slice::<u8, P>(row), anomalous);
}
