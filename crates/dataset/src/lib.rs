//! Dataset layouts and manifests: which map, mask and image belong together.
//!
//! A detector writes one anomaly map per image; a dataset brings one mask per anomalous image. This crate pairs them
//! by their names alone: [`discover`] walks the folders of a public dataset's [`Layout`], [`read_manifest`] follows a
//! CSV file, [`manifest_rows`] rows that were read from somewhere else. Out comes a [`Discovery`]: the [`Dataset`]
//! with its categories and items, and beside it *every* [`Problem`] that was met, so that all of them can be fixed
//! together. No map and no mask is opened here; only the directories of stacked files are looked at.
//!
//! ```
//! use pimo_dataset::{Class, MapsSource, Sources, discover};
//! use pimo_reader::{Reader, ReaderOptions};
//!
//! # let folder = tempfile::tempdir()?;
//! # let touch = |path: &str| {
//! #     let path = folder.path().join(path);
//! #     std::fs::create_dir_all(path.parent().expect("a folder"))?;
//! #     std::fs::write(path, "")
//! # };
//! # for file in ["maps/screw/test/good/000.npy", "maps/screw/test/bad/000.npy", "data/screw/ground_truth/bad/000_mask.png"] {
//! #     touch(file)?;
//! # }
//! # let (maps, dataset) = (folder.path().join("maps"), folder.path().join("data"));
//! let sources = Sources {
//!     maps: vec![MapsSource { model: "patchcore".into(), path: maps, paths: None }],
//!     dataset,
//!     ..Sources::default()
//! };
//! let found = discover(&sources, &Reader::new(ReaderOptions::default()))?;
//! assert!(found.problems.is_empty());
//! let screw = found.dataset.category("screw").expect("the folder's name");
//! assert_eq!(screw.items[0].image_id(), "screw/bad/000");
//! assert_eq!(screw.items[0].class(), Some(Class::Anomalous));
//! assert_eq!(screw.items[0].mask_path().as_deref(), Some("screw/ground_truth/bad/000_mask.png"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod class;
mod columns;
mod csv_rows;
mod discover;
mod error;
mod extension;
mod ground;
mod item;
mod join;
mod layout;
mod listing;
mod manifest;
mod maps;
mod nearest;
mod place;
mod problem;
mod source;
mod stacked;

pub use class::Class;
pub use discover::discover;
pub use error::{DatasetError, Fault};
pub use item::{Category, Dataset, Item, Roots};
pub use layout::{Layout, UnknownLayoutName};
pub use manifest::{ManifestOptions, ManifestRow, manifest_rows, read_manifest};
pub use nearest::nearest;
pub use problem::{Note, Problem, ProblemKind};
pub use source::{Containers, Discovery, MapsSource, MissingMask, NamedEntry, Sources};
