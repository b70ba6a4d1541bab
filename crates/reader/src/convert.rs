//! Stored samples become scores of the type they are compared in.
//!
//! Every conversion is exact. Integers beyond 2^53 have no exact double and are refused.

use std::sync::Arc;

use bytemuck::Pod;
use half::f16;
use half::slice::HalfFloatSliceExt;
use pimo_frame::{SampleType, Scores, Storage};

use crate::ReadError;
use crate::error::Result;
use crate::input::Input;
use crate::pool::Pool;

/// Samples that are converted at a time: what fits the second-level cache together with its scores.
pub(crate) const CHUNK: usize = 1 << 15;

/// Largest magnitude up to which every integer is a double.
const EXACT: u64 = 1 << 53;

/// Bytes of scratch memory that converting samples of this type takes beside the scores.
pub(crate) const fn scratch_bytes(stored: SampleType) -> u64 {
    match stored {
        SampleType::F32 | SampleType::F64 | SampleType::I64 | SampleType::U64 => 0,
        other => (CHUNK * other.bytes()) as u64,
    }
}

/// How the samples of a map are stored.
pub(crate) struct Stored<'a> {
    /// The map, for errors.
    pub(crate) input: &'a Input,
    /// Columns of the map.
    pub(crate) width: u32,
    pub(crate) sample_type: SampleType,
    pub(crate) big_endian: bool,
    pub(crate) pool: &'a Arc<Pool>,
}

/// Gives the next bytes of a map until the slice is full.
pub(crate) type NextBytes<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<()>;

/// A type in which scores are compared.
pub(crate) trait Score: Pod + Send + Sync {
    /// Fills scores from the stored bytes, which arrive in order.
    fn fill(stored: &Stored<'_>, scores: &mut [Self], next: NextBytes<'_>) -> Result<()>;
    /// Scores in this memory.
    fn scores(storage: impl Storage<Self> + 'static) -> Scores;
}

impl Score for f32 {
    fn fill(stored: &Stored<'_>, scores: &mut [Self], next: NextBytes<'_>) -> Result<()> {
        stored.fill_f32(scores, next)
    }

    fn scores(storage: impl Storage<Self> + 'static) -> Scores {
        Scores::F32(Box::new(storage))
    }
}

impl Score for f64 {
    fn fill(stored: &Stored<'_>, scores: &mut [Self], next: NextBytes<'_>) -> Result<()> {
        stored.fill_f64(scores, next)
    }

    fn scores(storage: impl Storage<Self> + 'static) -> Scores {
        Scores::F64(Box::new(storage))
    }
}

impl Stored<'_> {
    /// Fills single-precision scores from bytes that arrive in order.
    fn fill_f32(&self, scores: &mut [f32], next: NextBytes<'_>) -> Result<()> {
        match self.sample_type {
            SampleType::F32 => {
                next(bytemuck::cast_slice_mut(scores))?;
                if self.swapped() {
                    for score in &mut *scores {
                        *score = f32::from_bits(score.to_bits().swap_bytes());
                    }
                }
                Ok(())
            }
            SampleType::F16 => self.chunks(scores, next, u16::swap_bytes, |stored, scores| {
                bytemuck::cast_slice::<u16, f16>(stored).convert_to_f32_slice(scores);
            }),
            SampleType::U8 => self.chunks(scores, next, u8::swap_bytes, each(f32::from)),
            SampleType::I8 => self.chunks(scores, next, i8::swap_bytes, each(f32::from)),
            SampleType::U16 => self.chunks(scores, next, u16::swap_bytes, each(f32::from)),
            SampleType::I16 => self.chunks(scores, next, i16::swap_bytes, each(f32::from)),
            other => unreachable!("{other} is compared in double precision"),
        }
    }

    /// Fills double-precision scores from bytes that arrive in order.
    fn fill_f64(&self, scores: &mut [f64], next: NextBytes<'_>) -> Result<()> {
        match self.sample_type {
            SampleType::U32 => self.chunks(scores, next, u32::swap_bytes, each(f64::from)),
            SampleType::I32 => self.chunks(scores, next, i32::swap_bytes, each(f64::from)),
            SampleType::F64 | SampleType::U64 | SampleType::I64 => {
                next(bytemuck::cast_slice_mut(scores))?;
                if self.swapped() {
                    for score in &mut *scores {
                        *score = f64::from_bits(score.to_bits().swap_bytes());
                    }
                }
                self.integers_in_place(scores)
            }
            other => unreachable!("{other} is compared in single precision"),
        }
    }

    fn swapped(&self) -> bool {
        self.big_endian != cfg!(target_endian = "big")
    }

    /// Turns the bits of 64-bit integers into doubles of their value.
    fn integers_in_place(&self, scores: &mut [f64]) -> Result<()> {
        let signed = match self.sample_type {
            SampleType::I64 => true,
            SampleType::U64 => false,
            _ => return Ok(()),
        };
        for (index, score) in scores.iter_mut().enumerate() {
            let bits = score.to_bits();
            let (value, magnitude) =
                if signed { (i128::from(bits as i64), (bits as i64).unsigned_abs()) } else { (i128::from(bits), bits) };
            if magnitude > EXACT {
                return Err(self.inexact(index, value));
            }
            *score = if signed { bits as i64 as f64 } else { bits as f64 };
        }
        Ok(())
    }

    fn inexact(&self, index: usize, value: i128) -> ReadError {
        let (index, width) = (index as u64, u64::from(self.width));
        ReadError::Inexact { at: self.input.location().clone(), value, row: index / width, column: index % width }
    }

    fn chunks<T: Pod, S>(
        &self,
        scores: &mut [S],
        next: NextBytes<'_>,
        swap: impl Fn(T) -> T,
        convert: impl Fn(&[T], &mut [S]),
    ) -> Result<()> {
        let mut scratch = self.pool.take::<T>(CHUNK).ok_or_else(|| self.no_memory::<T>())?;
        for scores in scores.chunks_mut(CHUNK) {
            let stored = &mut scratch[..scores.len()];
            next(bytemuck::cast_slice_mut(stored))?;
            if self.swapped() && size_of::<T>() > 1 {
                for sample in &mut *stored {
                    *sample = swap(*sample);
                }
            }
            convert(stored, scores);
        }
        Ok(())
    }

    fn no_memory<T>(&self) -> ReadError {
        self.input.too_large((CHUNK * size_of::<T>()) as u64, 0)
    }
}

/// Converts sample by sample.
fn each<T: Copy, S>(convert: impl Fn(T) -> S) -> impl Fn(&[T], &mut [S]) {
    move |stored, scores| {
        for (score, &sample) in scores.iter_mut().zip(stored) {
            *score = convert(sample);
        }
    }
}
