//! The ways in which public datasets lay out their files.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::class::GOOD;
use crate::extension::{MASK_MARK, MASKS, stem_of};
use crate::item::joined;
use crate::listing::Listing;
use crate::nearest::nearest;
use crate::{DatasetError, ground};

/// How the files of a dataset are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// `<category>/ground_truth/<defect>/<stem>_mask.png`, images `<category>/test/<defect>/<stem>.png`.
    MvtecAd,
    /// The `visa_pytorch` conversion: `<category>/ground_truth/bad/<stem>.png`, images `<category>/test/bad/<stem>.JPG`.
    Visa,
    /// `<category>/test/<defect>/gt/<stem>.png`, else `<category>/ground_truth/<defect>/<stem>.png`; images
    /// `<category>/test/<defect>/rgb/<stem>.png`.
    Mvtec3d,
    /// `<category>/test_public/ground_truth/bad/<stem>_mask.png`, images `<category>/test_public/bad/<stem>.png`.
    MvtecAd2,
    /// Two folders with equal stems, one of maps and one of masks.
    Flat,
}

impl Layout {
    /// All layouts.
    pub const ALL: [Self; 5] = [Self::MvtecAd, Self::Visa, Self::Mvtec3d, Self::MvtecAd2, Self::Flat];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::MvtecAd => "mvtec-ad",
            Self::Visa => "visa",
            Self::Mvtec3d => "mvtec-3d",
            Self::MvtecAd2 => "mvtec-ad2",
            Self::Flat => "flat",
        }
    }

    /// Recognises the layout of a dataset folder (or of one category's folder) by the names in it.
    ///
    /// # Errors
    /// The folder can't be read, nothing in it is recognised, or its categories have different layouts.
    pub fn detect(dataset: &Path) -> Result<Self, DatasetError> {
        Ok(ground::Ground::open(dataset, None, &[])?.layout)
    }

    /// Every layout with its masks, a line each, for messages.
    pub(crate) fn table() -> String {
        let line = |layout: Self| {
            let masks = match layout {
                Self::MvtecAd => "<category>/ground_truth/<defect>/<stem>_mask.png",
                Self::Visa => "<category>/ground_truth/bad/<stem>.png",
                Self::Mvtec3d => "<category>/test/<defect>/gt/<stem>.png",
                Self::MvtecAd2 => "<category>/test_public/ground_truth/bad/<stem>_mask.png",
                Self::Flat => "<stem>.png",
            };
            format!("  {:<9} {masks}", layout.name())
        };
        Self::ALL.map(line).join("\n")
    }

    /// The folder of a category that holds the folders of defects.
    pub(crate) fn test_folder(self) -> &'static str {
        if self == Self::MvtecAd2 { "test_public" } else { "test" }
    }

    /// The folders that may hold the masks of a defect; the first that exists does.
    pub(crate) fn mask_folders(self, category: &str, defect: &str) -> Vec<String> {
        let ground_truth = joined(&[category, "ground_truth", defect]);
        match self {
            Self::MvtecAd | Self::Visa => vec![ground_truth],
            Self::Mvtec3d => vec![joined(&[category, "test", defect, "gt"]), ground_truth],
            Self::MvtecAd2 => vec![joined(&[category, "test_public", "ground_truth", defect])],
            Self::Flat => vec![String::new()],
        }
    }

    /// The folder that holds the folders of masks, where it is apart from the images.
    pub(crate) fn mask_root(self, category: &str) -> String {
        match self {
            Self::MvtecAd2 => joined(&[category, "test_public", "ground_truth"]),
            _ => joined(&[category, "ground_truth"]),
        }
    }

    /// The folder that holds the source images of a defect.
    pub(crate) fn image_folder(self, category: &str, defect: &str) -> String {
        match self {
            Self::Mvtec3d => joined(&[category, "test", defect, "rgb"]),
            _ => joined(&[category, self.test_folder(), defect]),
        }
    }

    /// The usual name of an image's mask.
    pub(crate) fn mask_name(self, stem: &str) -> String {
        match self {
            Self::MvtecAd | Self::MvtecAd2 => format!("{stem}{MASK_MARK}.png"),
            Self::Visa | Self::Mvtec3d | Self::Flat => format!("{stem}.png"),
        }
    }

    /// The layout of one category's folder, by the names in it; none if nothing points at a category.
    pub(crate) fn of_category(folder: &Path) -> Result<Option<Self>, DatasetError> {
        if folder.join("test_public").is_dir() {
            return Ok(Some(Self::MvtecAd2));
        }
        let test = folder.join("test");
        let tests = Listing::read(&test)?;
        for defect in tests.iter().flat_map(|listing| &listing.folders) {
            let defect = test.join(&**defect);
            if ["gt", "rgb", "xyz"].iter().any(|part| defect.join(part).is_dir()) {
                return Ok(Some(Self::Mvtec3d));
            }
        }
        let masks = folder.join("ground_truth");
        let Some(defects) = Listing::read(&masks)? else {
            return Ok(tests.map(|_| Self::MvtecAd));
        };
        for defect in defects.folders.iter().filter(|defect| ***defect != *GOOD) {
            let names = Listing::read(&masks.join(&**defect))?.unwrap_or_default().files;
            let mut stems = names.iter().filter_map(|name| stem_of(name, MASKS)).peekable();
            if stems.peek().is_some() {
                let marked = stems.any(|stem| stem.ends_with(MASK_MARK));
                return Ok(Some(if marked { Self::MvtecAd } else { Self::Visa }));
            }
        }
        Ok(Some(Self::MvtecAd))
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no layout's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no layout `{name}`{meant}; layouts are {known}", meant = nearest.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default(), known = Layout::ALL.map(Layout::name).join(", "))]
pub struct UnknownLayoutName {
    name: String,
    nearest: Option<&'static str>,
}

impl FromStr for Layout {
    type Err = UnknownLayoutName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let names = Self::ALL.map(Self::name);
        Self::ALL
            .into_iter()
            .find(|layout| layout.name() == name)
            .ok_or_else(|| UnknownLayoutName { name: name.to_owned(), nearest: nearest(name, names) })
    }
}
