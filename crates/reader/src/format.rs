//! File formats, told by the extension.

use std::path::Path;

/// A file format that maps or masks come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Npy,
    Npz,
    Torch,
    Tiff,
    Png,
    Bmp,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "npy" => Some(Self::Npy),
            "npz" => Some(Self::Npz),
            "pt" | "pth" => Some(Self::Torch),
            "tif" | "tiff" => Some(Self::Tiff),
            "png" => Some(Self::Png),
            "bmp" => Some(Self::Bmp),
            _ => None,
        }
    }

    /// The format of a file that holds anomaly maps.
    pub(crate) fn of_map(path: &Path) -> Option<Self> {
        Self::of(path).filter(|&format| format != Self::Bmp)
    }

    /// The format of a ground-truth mask.
    pub(crate) fn of_mask(path: &Path) -> Option<Self> {
        Self::of(path).filter(|format| !matches!(format, Self::Npz | Self::Torch))
    }

    /// Whether such a file can hold more than one map.
    pub(crate) const fn may_be_stacked(self) -> bool {
        matches!(self, Self::Npy | Self::Npz | Self::Torch)
    }
}
