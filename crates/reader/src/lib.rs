//! Anomaly maps and ground-truth masks from files.
//!
//! A detector writes one anomaly score per pixel; people mark the pixels that are anomalous. [`Reader`] brings both
//! into memory, one image at a time, whatever the file holds: `.npy`, `.npz`, TIFF, PNG and torch's `.pt` for
//! anomaly maps, PNG, TIFF, `.npy` and BMP for masks, PNG, JPEG, TIFF and BMP for source images. Of a file that holds thousands of maps only the directory and
//! the map asked for are read.
//!
//! Files are not trusted. Sizes are checked against the length of the file and against
//! [`ReaderOptions::max_bytes`] before memory is taken, a pickle may name nothing but tensors, and every
//! [`ReadError`] says which file is bad, why, and what to do.
//!
//! ```
//! use pimo_reader::{MapLocation, MaskRule, Reader, ReaderOptions};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("000.npy");
//! # let header = b"\x93NUMPY\x01\x00\x38\x00{'descr': '|u1', 'fortran_order': False, 'shape': (1,2)}";
//! # std::fs::write(&path, [&header[..], &[3, 4]].concat())?;
//! let reader = Reader::new(ReaderOptions::default());
//! let map = reader.read_map(&MapLocation::whole(&path))?;
//! assert_eq!(map.size.to_string(), "1x2");
//! let mask = reader.read_mask(&path, MaskRule::Above(3.0))?;
//! assert_eq!(mask.anomalous_pixels(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bmp_file;
mod container;
mod convert;
mod error;
pub mod fault;
mod format;
mod header;
mod input;
mod literal;
mod location;
mod mapping;
mod mask;
mod npy;
mod npz;
mod plane;
mod png_file;
mod pool;
mod reader;
mod source_image;
mod sparse_inflate;
mod tiff_directory;
mod tiff_file;
pub mod torch;
mod zip;

pub use error::ReadError;
pub use header::{AnomalyMap, ContainerEntry, MapHeader};
pub use location::{Entry, MapLocation};
pub use mask::MaskRule;
pub use reader::{AfterMapHook, IoChoice, Reader, ReaderOptions};
pub use source_image::SourceImage;
