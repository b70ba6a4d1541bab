//! Deterministic synthetic anomaly-detection datasets: masks, anomaly maps of several detectors, source images and
//! manifests, written to disk as they are made, in any size, sample type and file format that pimo reads.
//!
//! The scores behave as those of real detectors do. A background of smooth noise is partly shared by all images of a
//! category and partly by all detectors of an image; defects of all sizes raise it, from not at all to far above;
//! false alarms occur on normal images. So detectors of different quality rank differently, images spread over the
//! whole range of per-image scores, both ends included, and ties are as rare as the sample type allows.
//!
//! The same [`Plan`] gives the same bytes on every machine and for any number of threads: each image has random
//! numbers of its own (`ChaCha` keyed by seed, category and image), and only correctly rounded arithmetic is used.
//! (Compressed files are as reproducible as the compression libraries: an update of those may change their bytes,
//! never what is in them.)
//!
//! ```
//! use pimo_synth::{Detector, Plan, write};
//! use pimo_frame::Size;
//!
//! let plan = Plan {
//!     normal: 3,
//!     anomalous: 5,
//!     size: Size::new(64, 96),
//!     detectors: vec!["strong=0.9".parse()?, Detector { name: "weak".into(), quality: 0.4 }],
//!     ..Plan::default()
//! };
//! let folder = tempfile::tempdir()?;
//! let summary = write(&plan, &folder.path().join("toy"), |done, total| assert!(done <= total))?;
//! assert_eq!((summary.maps, summary.map_pixels), (16, 16 * 64 * 96));
//! assert!(folder.path().join("toy/maps/weak/category_0/test/stain/000.npy").is_file());
//! assert!(folder.path().join("toy/dataset/category_0/ground_truth/stain/000_mask.png").is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod container;
mod defect;
mod error;
mod naming;
mod noise;
mod npy;
mod plan;
mod png;
mod random;
mod samples;
mod scene;
mod tiff;
mod torch;
mod turnstile;
mod write;

#[cfg(test)]
mod tests;

pub use defect::Defect;
pub use error::SynthError;
pub use plan::{Detector, Layout, MapFormat, MaskFormat, Plan, TiffCompression};
pub use write::{Summary, write, write_while};
