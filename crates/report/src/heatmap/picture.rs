//! Pictures in memory.

use pimo_frame::Size;

use super::HeatMapError;
use super::colours::Rgb;
use super::scale::Boxes;

/// A picture of 8-bit RGB pixels, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    size: Size,
    rgb: Vec<u8>,
}

impl Picture {
    /// A picture from interleaved RGB samples.
    ///
    /// # Errors
    /// The size has no pixels, or there are not three samples for each.
    pub fn from_rgb(size: Size, rgb: Vec<u8>) -> Result<Self, HeatMapError> {
        check(size, 3, rgb.len())?;
        Ok(Self { size, rgb })
    }

    /// A picture from grey samples.
    ///
    /// # Errors
    /// The size has no pixels, or there is not one sample for each.
    pub fn from_grey(size: Size, grey: &[u8]) -> Result<Self, HeatMapError> {
        check(size, 1, grey.len())?;
        Ok(Self { size, rgb: grey.iter().flat_map(|&grey| [grey; 3]).collect() })
    }

    /// A picture whose samples are known to fill its size.
    pub(super) fn whole(size: Size, rgb: Vec<u8>) -> Self {
        debug_assert_eq!(3 * size.pixels(), rgb.len() as u64);
        Self { size, rgb }
    }

    /// A picture of one colour; `size` has been checked.
    pub(super) fn plain(size: Size, colour: Rgb) -> Self {
        Self { size, rgb: colour.0.repeat(size.pixels() as usize) }
    }

    /// Height and width.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Interleaved RGB samples.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The pixel at row `y`, column `x`.
    ///
    /// # Panics
    /// If there is no such pixel.
    pub fn pixel(&self, y: usize, x: usize) -> Rgb {
        assert!(x < self.width(), "column {x} of a picture that is {} wide", self.size);
        let at = 3 * (y * self.width() + x);
        Rgb([self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]])
    }

    /// The picture with its longest side brought down to `longest_side` by averaging, or as it is if it is smaller.
    #[must_use]
    pub fn reduced(&self, longest_side: u32) -> Self {
        let boxes = Boxes::reducing(self.size, longest_side.max(1));
        let size = boxes.output();
        let mut rgb = Vec::with_capacity(3 * size.pixels() as usize);
        let mut averager = boxes.averager();
        for y in 0..self.size.height as usize {
            for (x, pixel) in self.row(y).chunks_exact(3).enumerate() {
                averager.add(x, Rgb([pixel[0], pixel[1], pixel[2]]));
            }
            averager.end_row(y, &mut rgb);
        }
        Self { size, rgb }
    }

    /// Every pixel repeated `factor` times in both directions.
    pub(super) fn magnified(&self, factor: usize) -> Self {
        if factor == 1 {
            return self.clone();
        }
        let mut rgb = Vec::with_capacity(self.rgb.len() * factor * factor);
        for y in 0..self.size.height as usize {
            let start = rgb.len();
            rgb.extend(self.row(y).chunks_exact(3).flat_map(|pixel| pixel.repeat(factor)));
            let end = rgb.len();
            for _ in 1..factor {
                rgb.extend_from_within(start..end);
            }
        }
        let factor = factor as u32;
        Self { size: Size::new(self.size.height * factor, self.size.width * factor), rgb }
    }

    pub(super) fn width(&self) -> usize {
        self.size.width as usize
    }

    pub(super) fn height(&self) -> usize {
        self.size.height as usize
    }

    pub(super) fn row(&self, y: usize) -> &[u8] {
        &self.rgb[3 * y * self.width()..][..3 * self.width()]
    }

    pub(super) fn set(&mut self, y: usize, x: usize, colour: Rgb) {
        let at = 3 * (y * self.width() + x);
        self.rgb[at..at + 3].copy_from_slice(&colour.0);
    }

    /// Fills a rectangle; what lies outside of the picture is left out.
    pub(super) fn fill(&mut self, top: usize, left: usize, height: usize, width: usize, colour: Rgb) {
        for y in top..(top + height).min(self.height()) {
            for x in left..(left + width).min(self.width()) {
                self.set(y, x, colour);
            }
        }
    }

    /// Copies `other` with its corner to row `top`, column `left`; it must fit.
    pub(super) fn place(&mut self, other: &Self, top: usize, left: usize) {
        for y in 0..other.height() {
            let at = 3 * ((top + y) * self.width() + left);
            self.rgb[at..at + 3 * other.width()].copy_from_slice(other.row(y));
        }
    }
}

fn check(size: Size, samples_per_pixel: u64, found: usize) -> Result<(), HeatMapError> {
    let expected = size.pixels().saturating_mul(samples_per_pixel);
    if expected == 0 || expected != found as u64 {
        return Err(HeatMapError::Samples { size, expected, found: found as u64 });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn samples_must_fill_the_size() {
        let size = Size::new(2, 3);
        assert!(Picture::from_rgb(size, vec![0; 18]).is_ok());
        assert!(matches!(
            Picture::from_rgb(size, vec![0; 6]),
            Err(HeatMapError::Samples { expected: 18, found: 6, .. })
        ));
        assert!(Picture::from_grey(size, &[0; 7]).is_err());
        assert!(Picture::from_grey(Size::new(0, 3), &[]).is_err());
        assert!(Picture::from_rgb(Size::new(u32::MAX, u32::MAX), Vec::new()).is_err());
    }

    #[test]
    fn reducing_averages_and_keeps_small_pictures() {
        let picture = Picture::from_grey(Size::new(2, 4), &[0, 10, 20, 31, 0, 10, 20, 30]).unwrap();
        let half = picture.reduced(2);
        assert_eq!(half.size(), Size::new(1, 2));
        assert_eq!((half.pixel(0, 0), half.pixel(0, 1)), (Rgb([5; 3]), Rgb([25; 3])));
        assert_eq!(picture.reduced(4), picture);
        assert_eq!(picture.reduced(400), picture);
        let line = Picture::from_grey(Size::new(1, 100), &[7; 100]).unwrap();
        assert_eq!(line.reduced(10).size(), Size::new(1, 10));
    }

    #[test]
    fn magnifying_repeats_pixels() {
        let picture = Picture::from_grey(Size::new(1, 2), &[1, 2]).unwrap();
        let large = picture.magnified(2);
        assert_eq!(large, Picture::from_grey(Size::new(2, 4), &[1, 1, 2, 2, 1, 1, 2, 2]).unwrap());
    }
}
