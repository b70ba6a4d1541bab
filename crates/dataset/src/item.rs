//! Images with their files, in categories.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pimo_reader::{Entry, MapLocation};

use crate::place::StoredPath;
use crate::{Class, Layout};

/// Which files belong together, for every category of a dataset and every detector.
#[derive(Debug)]
pub struct Dataset {
    /// Names of the detectors. A detector's position here is the `model` of [`Item::map`].
    pub models: Vec<String>,
    /// The categories in order of their names. One whose files are all missing has no items, but problems.
    pub categories: Vec<Category>,
    /// What the relative paths of items are relative to.
    pub roots: Roots,
    /// How the files are laid out; none for a manifest.
    pub layout: Option<Layout>,
}

/// The folders (or files) that relative paths start from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// For each detector the folder that its maps lie in, or that its stacked file lies in.
    pub maps: Vec<PathBuf>,
    /// The folder that masks and source images lie in.
    pub dataset: PathBuf,
    /// The manifest file, if there is one.
    pub manifest: Option<PathBuf>,
}

/// The images of one category. Every category is evaluated on its own.
#[derive(Debug)]
pub struct Category {
    /// Its name, such as `screw`.
    pub name: String,
    /// Its images in order of [`Item::image_id`], each of them once.
    pub items: Vec<Item>,
}

/// One image: its name, its class, and where its maps, its mask and the image itself lie.
///
/// Kept small, because there may be millions: about 230 bytes with one detector and usual names.
#[derive(Debug)]
pub struct Item {
    pub(crate) image_id: Box<str>,
    pub(crate) class: Option<Class>,
    pub(crate) defect: Option<Arc<str>>,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) mask: Option<StoredPath>,
    pub(crate) image: Option<StoredPath>,
    pub(crate) maps: Box<[Option<StoredMap>]>,
}

/// Where one map lies: a file, and which of its entries.
#[derive(Clone, Debug)]
pub(crate) struct StoredMap {
    pub(crate) file: StoredPath,
    pub(crate) entry: Entry,
}

impl Item {
    /// Name of the image: `<category>/<defect>/<stem>`, `<category>/<stem>` in the flat layout, whatever a manifest
    /// says otherwise. Unique inside its category.
    pub fn image_id(&self) -> &str {
        &self.image_id
    }

    /// The class that the layout or the manifest gives the image; none when its mask decides (then it has one).
    pub fn class(&self) -> Option<Class> {
        self.class
    }

    /// The kind of defect, such as `scratch_head` (or `good`); none if the layout does not say.
    pub fn defect(&self) -> Option<&str> {
        self.defect.as_deref()
    }

    /// The sample that this image is one view of.
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// Where detector `model`'s map of this image lies; none if it has none (a problem says so).
    pub fn map(&self, model: usize) -> Option<MapLocation> {
        let map = self.maps.get(model)?.as_ref()?;
        Some(MapLocation { file: map.file.absolute(self.stem()), entry: map.entry.clone() })
    }

    /// The path of detector `model`'s map below [`Roots::maps`], for display: `asmaps.pt#12` inside a stacked file.
    pub fn map_path(&self, model: usize) -> Option<String> {
        let map = self.maps.get(model)?.as_ref()?;
        let file = map.file.relative(self.stem());
        Some(match &map.entry {
            Entry::Whole => file,
            Entry::Index(index) => format!("{file}#{index}"),
            Entry::Key(key) => format!("{file}#{key}"),
        })
    }

    /// The mask's file; none for a normal image that has none.
    pub fn mask(&self) -> Option<PathBuf> {
        Some(self.mask.as_ref()?.absolute(self.stem()))
    }

    /// The mask's path below [`Roots::dataset`], for display.
    pub fn mask_path(&self) -> Option<String> {
        Some(self.mask.as_ref()?.relative(self.stem()))
    }

    /// The file of the source image, if known.
    pub fn image(&self) -> Option<PathBuf> {
        Some(self.image.as_ref()?.absolute(self.stem()))
    }

    /// The source image's path below [`Roots::dataset`], for display.
    pub fn image_path(&self) -> Option<String> {
        Some(self.image.as_ref()?.relative(self.stem()))
    }

    /// What published results are sorted by: the path of the source image, else that of the first detector's map,
    /// both below their root.
    ///
    /// The map number of a stacked file says nothing of a path; there the image id stands in.
    pub fn path_key(&self) -> String {
        if let Some(image) = self.image_path() {
            return image;
        }
        let map = self.maps.iter().flatten().next();
        match map.map(|map| &map.entry) {
            Some(Entry::Whole) => map.map_or_else(String::new, |map| map.file.relative(self.stem())),
            Some(Entry::Key(key)) => key.to_string(),
            Some(Entry::Index(_)) | None => self.image_id.to_string(),
        }
    }

    fn stem(&self) -> &str {
        stem_of_id(&self.image_id)
    }
}

/// The last part of an image id, which the names of the image's files usually start with.
pub(crate) fn stem_of_id(image_id: &str) -> &str {
    image_id.rsplit('/').next().unwrap_or(image_id)
}

impl Category {
    /// The number of images that the layout or the manifest calls `class`; images whose mask decides are not counted.
    pub fn count(&self, class: Class) -> usize {
        self.items.iter().filter(|item| item.class == Some(class)).count()
    }
}

impl Dataset {
    /// The category of this name.
    pub fn category(&self, name: &str) -> Option<&Category> {
        self.categories.iter().find(|category| category.name == name)
    }

    /// The number of images in all categories.
    pub fn images(&self) -> usize {
        self.categories.iter().map(|category| category.items.len()).sum()
    }
}

/// The `/`-separated path of `parts` that are not empty.
pub(crate) fn joined(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join("/")
}

/// The root as items share it.
pub(crate) fn shared(root: &Path) -> Arc<Path> {
    root.into()
}

/// The folder below `root`; the root itself, without a slash behind it, if `folder` is empty.
pub(crate) fn below(root: &Path, folder: &str) -> PathBuf {
    if folder.is_empty() { root.to_owned() } else { root.join(folder) }
}
