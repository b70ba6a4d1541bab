//! Ground-truth masks from image files and arrays.

mod bmp;
mod npy;
mod png;
mod png_rows;
mod samples;
mod tiff;

use std::sync::Arc;

use pimo_frame::{Mask, Size};

use crate::error::Result;
use crate::format::Format;
use crate::input::Input;
use crate::pool::{Buffer, Pool};
use crate::tiff_directory::TiffDirectory;
use crate::{MapLocation, png_file};

pub(crate) use samples::{packed_row, unpack};

/// Which samples of a mask are anomalous.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum MaskRule {
    /// Those that are not zero; in colour, those with any of red, green and blue not zero. Alpha does not count.
    #[default]
    Nonzero,
    /// Those above this value, in units of the stored grey samples.
    Above(f64),
}

impl MaskRule {
    /// The smallest unsigned sample that is anomalous; `None` if none is.
    fn least(self) -> Option<u64> {
        match self {
            Self::Nonzero => Some(1),
            Self::Above(bound) if bound < 0.0 => Some(0),
            // 2^64 and above: no sample is larger. NaN: no sample is larger either.
            Self::Above(bound) if bound < 18_446_744_073_709_551_616.0 => (bound.floor() as u64).checked_add(1),
            Self::Above(_) => None,
        }
    }

    /// Fails where the rule is not one for colours.
    fn check_colour(self, input: &Input) -> Result<()> {
        match self {
            Self::Nonzero => Ok(()),
            Self::Above(_) => Err(input.unsupported(
                "The mask is in colour, to which a threshold does not apply",
                "Save it as a grey image, or leave the mask threshold out",
            )),
        }
    }
}

/// What reading a mask needs beside its file.
pub(crate) struct MaskContext<'a> {
    pub(crate) rule: MaskRule,
    pub(crate) pool: &'a Arc<Pool>,
    /// Buffers that hold zeros, and get them back.
    pub(crate) zeros: &'a Arc<Pool>,
    pub(crate) max_bytes: u64,
}

impl MaskContext<'_> {
    /// What the stored samples, the mask and `more` bytes take together, after checking that they may.
    fn check(&self, input: &Input, size: Size, bytes: u64, more: u64) -> Result<u64> {
        let needed = bytes.saturating_add(Mask::bytes(size)).saturating_add(more);
        input.check_memory(needed, self.max_bytes)?;
        Ok(needed)
    }

    /// Memory for the stored samples, after checking that they, the mask and `more` bytes may be taken together.
    fn samples(&self, input: &Input, size: Size, bytes: u64, more: u64) -> Result<Buffer<u8>> {
        let needed = self.check(input, size, bytes, more)?;
        let buffer = usize::try_from(bytes).ok().and_then(|bytes| self.pool.take(bytes));
        buffer.ok_or_else(|| input.too_large(needed, self.max_bytes))
    }
}

/// Reads the mask in a file.
pub(crate) fn read(at: &MapLocation, context: &MaskContext<'_>) -> Result<Mask> {
    let input = Input::open(at)?;
    match format(&input)? {
        Format::Png => png::read(&input, context),
        Format::Tiff => tiff::read(&input, context),
        Format::Bmp => bmp::read(&input, context),
        _ => npy::read(&input, context),
    }
}

/// The size of the mask in a file, from its header.
pub(crate) fn size(at: &MapLocation, max_bytes: u64) -> Result<Size> {
    let input = Input::open(at)?;
    match format(&input)? {
        Format::Png => png_file::size(&input, &png_file::open(&input, max_bytes)?),
        Format::Tiff => Ok(TiffDirectory::read(&input, max_bytes)?.size),
        Format::Bmp => bmp::size(&input),
        _ => npy::size(&input),
    }
}

fn format(input: &Input) -> Result<Format> {
    Format::of_mask(input.path()).ok_or_else(|| {
        input.unsupported(
            "The name does not end like that of a mask",
            "Masks are read from .png, .tif, .tiff, .bmp and .npy",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_become_the_least_anomalous_sample() {
        assert_eq!(MaskRule::Nonzero.least(), Some(1));
        assert_eq!(MaskRule::Above(0.0).least(), Some(1));
        assert_eq!(MaskRule::Above(127.5).least(), Some(128));
        assert_eq!(MaskRule::Above(127.0).least(), Some(128));
        assert_eq!(MaskRule::Above(-0.5).least(), Some(0));
        assert_eq!(MaskRule::Above(-0.0).least(), Some(1));
        assert_eq!(MaskRule::Above(f64::INFINITY).least(), None);
        assert_eq!(MaskRule::Above(f64::NAN).least(), None);
        assert_eq!(MaskRule::Above(18_446_744_073_709_549_568.0).least(), Some(18_446_744_073_709_549_569));
    }
}
