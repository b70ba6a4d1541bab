//! What is asked for: where maps and ground truth lie, and which of it is wanted.

use std::path::PathBuf;

use pimo_reader::{Entry, ReadError, Reader};

use crate::{Dataset, Layout, Note, Problem};

/// The maps of one detector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapsSource {
    /// The detector's name.
    pub model: String,
    /// A folder of maps, or a file that holds many: `asmaps.pt`, a stacked `.npy`, an `.npz`.
    pub path: PathBuf,
    /// The images' paths, for a stacked file that does not name its maps: one a line, or a JSON list.
    pub paths: Option<PathBuf>,
}

/// What to do about an image without a mask where nothing else tells its class (layout flat, manifests).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingMask {
    /// It is a problem: a lost file would turn an anomalous image into a normal one.
    #[default]
    Refuse,
    /// The image is normal.
    Normal,
}

/// Where maps and ground truth lie in folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The detectors, each with its maps.
    pub maps: Vec<MapsSource>,
    /// The folder of the dataset, of one of its categories, or (flat) of the masks.
    pub dataset: PathBuf,
    /// The layout; recognised by the names in the dataset folder if not given.
    pub layout: Option<Layout>,
    /// The categories to look at; all for which there are maps if empty. With layout flat the category's name.
    pub categories: Vec<String>,
    /// What to do about an image without a mask in layout flat.
    pub missing_mask: MissingMask,
    /// Leave the class of every image that has a mask to the mask.
    pub class_from_mask: bool,
}

/// What was found: the dataset, and everything that is wrong with it.
#[derive(Debug)]
pub struct Discovery {
    /// Everything that fits together. An image whose ground truth is in doubt, or that no detector has a map of, is
    /// left out; one that some detectors lack a map of is there.
    pub dataset: Dataset,
    /// Everything that does not, in order of category, detector and image.
    pub problems: Vec<Problem>,
    /// What was left aside or chosen.
    pub notes: Vec<Note>,
}

/// Something that knows the directories of files that hold many maps.
pub trait Containers {
    /// The maps in `file`, each with the path that the file (if it does) calls it by; none if it holds just one map.
    ///
    /// # Errors
    /// The file can't be read or is malformed.
    fn maps_in(&self, file: &std::path::Path) -> Result<Option<Vec<NamedEntry>>, ReadError>;
}

/// One map of a stacked file, and the path of its image.
pub type NamedEntry = (Entry, Option<Box<str>>);

impl Containers for Reader {
    fn maps_in(&self, file: &std::path::Path) -> Result<Option<Vec<NamedEntry>>, ReadError> {
        let entries = self.entries(file)?;
        Ok(entries.map(|entries| entries.into_iter().map(|found| (found.entry, found.path)).collect()))
    }
}
