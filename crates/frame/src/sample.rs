//! Sample types of stored maps and the two types in which scores are compared.

use std::fmt;

use crate::row::{self, RowSummary};

/// The type in which a map's samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SampleType {
    /// IEEE half precision.
    F16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Unsigned 8-bit integer.
    U8,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// Signed 8-bit integer.
    I8,
    /// Signed 16-bit integer.
    I16,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
}

/// The type in which the scores of a map are resampled and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// Single precision: float16, float32 and integers of up to 16 bits, all of which it holds exactly.
    F32,
    /// Double precision: everything else.
    F64,
}

impl SampleType {
    /// Bytes of one stored sample.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::F16 | Self::U16 | Self::I16 => 2,
            Self::F32 | Self::U32 | Self::I32 => 4,
            Self::F64 | Self::U64 | Self::I64 => 8,
        }
    }

    /// The type in which these samples are resampled and compared.
    pub const fn comparison(self) -> Comparison {
        match self {
            Self::F16 | Self::F32 | Self::U8 | Self::U16 | Self::I8 | Self::I16 => Comparison::F32,
            Self::F64 | Self::U32 | Self::U64 | Self::I32 | Self::I64 => Comparison::F64,
        }
    }

    /// Whether the samples are integers.
    pub const fn is_integer(self) -> bool {
        !matches!(self, Self::F16 | Self::F32 | Self::F64)
    }

    /// The name numpy gives the type, `float32` for example.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F16 => "float16",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
        }
    }
}

impl Comparison {
    /// Bytes of one score of this type.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

impl fmt::Display for SampleType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A score as it is compared: `f32` or `f64`.
pub trait Sample: Copy + PartialOrd + Send + Sync + Default + fmt::Debug + 'static {
    /// The value in double precision; exact.
    fn to_f64(self) -> f64;

    /// The smallest value of this type that is not below `bound`, so that `s >= bound` can be asked in this type.
    ///
    /// Positive infinity when there is none among the finite values.
    fn at_least(bound: f64) -> Self;

    /// Neither NaN nor infinite.
    fn is_finite(self) -> bool;

    /// The largest score of a row, and whether all of the row is finite.
    fn summary(row: &[Self]) -> RowSummary<Self>;

    /// The same of whole rows of `width` scores, one behind the other; appends the largest score of every
    /// [`SCORE_BLOCK`](crate::SCORE_BLOCK) scores of each row, the last of which may be fewer, in order.
    fn summary_by_block(rows: &[Self], width: usize, by_block: &mut Vec<f64>) -> RowSummary<Self>;

    /// The smallest score of a row of finite scores.
    fn smallest(row: &[Self]) -> Self;

    /// How many scores of a row are at or above `bound`.
    fn count_at_least(row: &[Self], bound: Self) -> usize;
}

impl Sample for f32 {
    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    fn at_least(bound: f64) -> Self {
        let nearest = bound as f32;
        if f64::from(nearest) >= bound { nearest } else { nearest.next_up() }
    }

    #[inline]
    fn is_finite(self) -> bool {
        f32::is_finite(self)
    }

    fn summary(row: &[Self]) -> RowSummary<Self> {
        row::summary_f32(row)
    }

    fn summary_by_block(rows: &[Self], width: usize, by_block: &mut Vec<f64>) -> RowSummary<Self> {
        row::summary_by_block_f32(rows, width, by_block)
    }

    fn smallest(row: &[Self]) -> Self {
        row::smallest_f32(row)
    }

    fn count_at_least(row: &[Self], bound: Self) -> usize {
        row::count_at_least_f32(row, bound)
    }
}

impl Sample for f64 {
    #[inline]
    fn to_f64(self) -> f64 {
        self
    }

    fn at_least(bound: f64) -> Self {
        bound
    }

    #[inline]
    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }

    fn summary(row: &[Self]) -> RowSummary<Self> {
        row::summary_f64(row)
    }

    fn summary_by_block(rows: &[Self], width: usize, by_block: &mut Vec<f64>) -> RowSummary<Self> {
        row::summary_by_block_f64(rows, width, by_block)
    }

    fn smallest(row: &[Self]) -> Self {
        row::smallest_f64(row)
    }

    fn count_at_least(row: &[Self], bound: Self) -> usize {
        row::count_at_least_f64(row, bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_between_two_f32_round_up() {
        let between = f64::from(1.0_f32) + 1e-12;
        assert_eq!(f32::at_least(between), 1.0_f32.next_up());
        assert_eq!(f32::at_least(1.0), 1.0);
        assert_eq!(f32::at_least(-between), -1.0);
        assert_eq!(f32::at_least(1e300), f32::INFINITY);
        assert_eq!(f32::at_least(-1e300), f32::MIN);
        assert_eq!(f32::at_least(f64::NEG_INFINITY), f32::NEG_INFINITY);
        assert_eq!(f32::at_least(1e-320), f32::from_bits(1));
    }
}
