//! Mask pixels from decoded samples.

use half::f16;
use pimo_frame::{Mask, SampleType, Size};

use super::MaskRule;
use crate::ReadError;
use crate::error::Result;
use crate::input::Input;

/// Decoded samples of a mask, in the machine's byte order.
pub(super) struct Samples<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) sample_type: SampleType,
    pub(super) size: Size,
    /// Samples per pixel, colours first.
    pub(super) per_pixel: usize,
    /// How many of them count.
    pub(super) counted: usize,
}

impl Samples<'_> {
    /// The mask that the rule makes of the samples.
    pub(super) fn mask(&self, input: &Input, rule: MaskRule) -> Result<Mask> {
        match self.sample_type {
            SampleType::U8 => self.mask_of::<u8>(input, rule),
            SampleType::U16 => self.mask_of::<u16>(input, rule),
            SampleType::U32 => self.mask_of::<u32>(input, rule),
            SampleType::U64 => self.mask_of::<u64>(input, rule),
            SampleType::I8 => self.mask_of::<i8>(input, rule),
            SampleType::I16 => self.mask_of::<i16>(input, rule),
            SampleType::I32 => self.mask_of::<i32>(input, rule),
            SampleType::I64 => self.mask_of::<i64>(input, rule),
            SampleType::F16 => self.mask_of::<f16>(input, rule),
            SampleType::F32 => self.mask_of::<f32>(input, rule),
            SampleType::F64 => self.mask_of::<f64>(input, rule),
        }
    }

    fn mask_of<T: MaskSample>(&self, input: &Input, rule: MaskRule) -> Result<Mask> {
        let samples: &[T] = bytemuck::cast_slice(self.bytes);
        let row_len = self.size.width as usize * self.per_pixel;
        let mut mask = Mask::empty(self.size);
        for (y, row) in samples.chunks_exact(row_len).enumerate() {
            if let Some(at) = row.iter().position(|sample| sample.is_nan()) {
                return Err(ReadError::NanInMask {
                    at: input.location().clone(),
                    row: y as u64,
                    column: (at / self.per_pixel) as u64,
                });
            }
            match (rule, self.per_pixel) {
                (MaskRule::Nonzero, 1) => mask.set_row(y, row, |&sample| sample.is_nonzero()),
                (MaskRule::Above(bound), 1) => mask.set_row(y, row, |&sample| sample.is_above(bound)),
                (rule, per_pixel) => {
                    let pixels: Vec<&[T]> = row.chunks_exact(per_pixel).collect();
                    mask.set_row(y, &pixels, |pixel| {
                        pixel[..self.counted].iter().any(|&sample| match rule {
                            MaskRule::Nonzero => sample.is_nonzero(),
                            MaskRule::Above(bound) => sample.is_above(bound),
                        })
                    });
                }
            }
        }
        Ok(mask)
    }
}

/// A sample of a mask.
trait MaskSample: bytemuck::Pod {
    fn is_nan(self) -> bool;
    fn is_nonzero(self) -> bool;
    fn is_above(self, bound: f64) -> bool;
}

macro_rules! integer {
    ($($integer:ty)*) => {$(
        impl MaskSample for $integer {
            fn is_nan(self) -> bool {
                false
            }

            fn is_nonzero(self) -> bool {
                self != 0
            }

            fn is_above(self, bound: f64) -> bool {
                // An integer is above a bound if it is above the largest integer that is not: no rounding of `self`.
                !bound.is_nan() && i128::from(self) > bound.floor() as i128
            }
        }
    )*};
}

integer!(u8 u16 u32 u64 i8 i16 i32 i64);

macro_rules! float {
    ($($float:ty)*) => {$(
        impl MaskSample for $float {
            fn is_nan(self) -> bool {
                <$float>::is_nan(self)
            }

            fn is_nonzero(self) -> bool {
                f64::from(self) != 0.0
            }

            fn is_above(self, bound: f64) -> bool {
                f64::from(self) > bound
            }
        }
    )*};
}

float!(f16 f32 f64);

/// Spreads samples of 1, 2, 4 or 8 bits, the first in the highest bits, over one byte each.
pub(crate) fn unpack(packed: &[u8], bits: usize, samples: &mut [u8]) {
    let per_byte = 8 / bits;
    let largest = u8::MAX >> (8 - bits);
    for (samples, &byte) in samples.chunks_mut(per_byte).zip(packed) {
        for (index, sample) in samples.iter_mut().enumerate() {
            *sample = byte >> (8 - bits * (index + 1)) & largest;
        }
    }
}

/// The bytes that a row of `width` samples of `bits` bits takes, without padding beyond the last byte.
pub(crate) const fn packed_row(width: u32, bits: usize) -> usize {
    (width as usize * bits).div_ceil(8)
}

/// Which of a palette's colours are anomalous, by index.
pub(super) struct Palette {
    anomalous: [bool; 256],
    colours: usize,
}

impl Palette {
    /// Colours as groups of `stride` bytes of which the first three count.
    pub(super) fn new(colours: &[u8], stride: usize) -> Self {
        let mut palette = Self { anomalous: [false; 256], colours: (colours.len() / stride).min(256) };
        for (anomalous, colour) in palette.anomalous.iter_mut().zip(colours.chunks_exact(stride)) {
            *anomalous = colour[..3].iter().any(|&part| part != 0);
        }
        palette
    }

    /// Whether the first colour is there and black.
    pub(super) const fn begins_black(&self) -> bool {
        self.colours > 0 && !self.anomalous[0]
    }

    /// Sets a row from indices into the palette.
    pub(super) fn set_row(
        &self,
        input: &Input,
        format: &'static str,
        mask: &mut Mask,
        y: usize,
        row: &[u8],
    ) -> Result<()> {
        if let Some(x) = row.iter().position(|&index| usize::from(index) >= self.colours) {
            let (index, colours) = (row[x], self.colours);
            return Err(input.malformed(
                format,
                format!("the pixel at row {y}, column {x} has colour {index} of a palette of {colours}"),
            ));
        }
        mask.set_row(y, row, |&index| self.anomalous[usize::from(index)]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_unpacked_from_the_highest_bits() {
        let mut samples = [0; 10];
        unpack(&[0b1010_0001, 0b1100_0000], 1, &mut samples);
        assert_eq!(samples, [1, 0, 1, 0, 0, 0, 0, 1, 1, 1]);
        let mut samples = [0; 3];
        unpack(&[0b1101_1000], 2, &mut samples);
        assert_eq!(samples, [3, 1, 2]);
        unpack(&[0x4f, 0x20], 4, &mut samples);
        assert_eq!(samples, [4, 15, 2]);
        unpack(&[7, 8, 9], 8, &mut samples);
        assert_eq!(samples, [7, 8, 9]);
        assert_eq!(packed_row(9, 1), 2);
    }

    #[test]
    fn integers_are_compared_without_rounding() {
        let bound = 9_007_199_254_740_992.0;
        assert!(9_007_199_254_740_993_i64.is_above(bound));
        assert!(!9_007_199_254_740_992_u64.is_above(bound));
        assert!(u64::MAX.is_above(f64::NEG_INFINITY) && !u64::MAX.is_above(f64::INFINITY));
        assert!(!3_u8.is_above(f64::NAN) && (-1_i8).is_above(-1.5) && !(-2_i8).is_above(-1.5));
    }
}
