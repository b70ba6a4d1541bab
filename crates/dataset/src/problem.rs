//! What is wrong with a dataset, and what is merely worth knowing.

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong with the files of a dataset. All of them are collected, not only the first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The category it belongs to; none when it belongs to no category in particular.
    pub category: Option<String>,
    /// The detector whose maps are concerned; none when the ground truth is.
    pub model: Option<String>,
    /// The image it belongs to; none when it is not about one image.
    pub image_id: Option<String>,
    /// The file or folder that was looked at.
    pub file: PathBuf,
    /// What sort of problem this is.
    pub kind: ProblemKind,
    /// What was found, what was expected and what to do.
    pub message: String,
}

/// Sorts of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// An image or a mask without an anomaly map.
    MissingMap,
    /// A map of an anomalous image without a mask.
    MissingMask,
    /// A map for which the dataset has no image.
    MissingImage,
    /// A normal or anomalous image is expected, and the category has none.
    MissingClass,
    /// Several maps for one image.
    SeveralMaps,
    /// One map for several images.
    SharedMap,
    /// Several masks for one image.
    SeveralMasks,
    /// Several images with one id.
    DuplicateImage,
    /// A folder in which files were expected has none.
    EmptyFolder,
    /// A symbolic link that leads nowhere.
    BrokenLink,
    /// A name that is not UTF-8.
    NotUtf8,
    /// The path of a map inside a stacked file that says nothing of category and defect.
    StrangePath,
    /// A row of a manifest that can't be used.
    Row,
    /// A file that is damaged, or holds something else than expected.
    Unreadable,
    /// A file that the operating system does not let be read.
    System,
    /// A score that is NaN or infinite.
    BadScore,
    /// A map whose aspect ratio differs from that of its image.
    AspectRatio,
    /// A mask that contradicts the class of its image.
    Contradiction,
    /// A mask that falls into more pieces than there is memory for.
    ManyRegions,
    /// Normal images on which no thresholds can be chosen.
    NoAxis,
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { category: None, model: None, image_id: None, file: file.into(), kind, message: message.into() }
    }

    pub(crate) fn category(mut self, category: &str) -> Self {
        self.category = Some(category.to_owned());
        self
    }

    pub(crate) fn model(mut self, model: &str) -> Self {
        self.model = Some(model.to_owned());
        self
    }

    pub(crate) fn image(mut self, image_id: &str) -> Self {
        self.image_id = Some(image_id.to_owned());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.message)
    }
}

/// Something about a dataset that is no problem but worth knowing, such as files that were left aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The file or folder that was looked at.
    pub file: PathBuf,
    /// What was found, and what was made of it.
    pub message: String,
}

impl Note {
    pub(crate) fn new(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { file: file.into(), message: message.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.message)
    }
}
