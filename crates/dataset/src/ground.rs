//! The dataset folder: its layout and its categories.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::class::GOOD;
use crate::extension::{MASKS, stem_of};
use crate::item::joined;
use crate::listing::Listing;
use crate::nearest::nearest;
use crate::{DatasetError, Layout};

/// A dataset folder that has been recognised.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) root: PathBuf,
    pub(crate) layout: Layout,
    /// All categories, in order of their names.
    pub(crate) all: Vec<String>,
    /// The categories that were asked for: all, if none was named.
    pub(crate) selected: Vec<String>,
    /// Whether the folder is that of one category, not one above the categories.
    is_category: bool,
}

impl Ground {
    /// Looks at the names in a dataset folder; `wanted` restricts the categories.
    pub(crate) fn open(root: &Path, layout: Option<Layout>, wanted: &[String]) -> Result<Self, DatasetError> {
        check_folder("--dataset", root, "the folder of a dataset")?;
        let listing = Listing::read(root)?.unwrap_or_default();
        if layout == Some(Layout::Flat) {
            return Self::flat(root, wanted);
        }
        if is_category(&listing) {
            let name = folder_name(root);
            let layout = match layout {
                Some(layout) => Some(layout),
                None => Layout::of_category(root)?,
            };
            return Self::categories(root, layout.unwrap_or(Layout::MvtecAd), vec![name], wanted, true);
        }
        let mut categories = Vec::new();
        for folder in &listing.folders {
            let inside = Listing::read(&root.join(&**folder))?.unwrap_or_default();
            if is_category(&inside) {
                categories.push(String::from(&**folder));
            }
        }
        if categories.is_empty() {
            let has_masks = listing.files.iter().any(|name| stem_of(name, MASKS).is_some());
            if layout.is_none() && has_masks {
                return Self::flat(root, wanted);
            }
            return Err(DatasetError::UnknownLayout { path: root.to_owned(), found: listing.described() });
        }
        let ground = Self::categories(root, layout.unwrap_or(Layout::MvtecAd), categories, wanted, false)?;
        match layout {
            Some(_) => Ok(ground),
            None => ground.detected(),
        }
    }

    fn flat(root: &Path, wanted: &[String]) -> Result<Self, DatasetError> {
        let name = match wanted {
            [] => folder_name(root),
            [name] => name.clone(),
            _ => {
                let message = "layout flat holds one category; give --category once, as its name";
                return Err(DatasetError::Usage(message.to_owned()));
            }
        };
        let all = vec![name];
        Ok(Self { root: root.to_owned(), layout: Layout::Flat, selected: all.clone(), all, is_category: true })
    }

    fn categories(
        root: &Path,
        layout: Layout,
        all: Vec<String>,
        wanted: &[String],
        is_category: bool,
    ) -> Result<Self, DatasetError> {
        let selected = select(root, &all, wanted)?;
        Ok(Self { root: root.to_owned(), layout, all, selected, is_category })
    }

    /// Takes the layout that all selected categories have.
    fn detected(mut self) -> Result<Self, DatasetError> {
        let mut first: Option<(&str, Layout)> = None;
        for name in &self.selected {
            let Some(layout) = Layout::of_category(&self.root.join(name))? else {
                continue;
            };
            match first {
                None => first = Some((name, layout)),
                Some((_, known)) if known == layout => {}
                // The two differ in the usual name of a mask alone, and both names are accepted in both.
                Some((known_name, Layout::MvtecAd | Layout::Visa))
                    if matches!(layout, Layout::MvtecAd | Layout::Visa) =>
                {
                    first = Some((known_name, Layout::MvtecAd));
                }
                Some((known_name, known)) => {
                    return Err(DatasetError::MixedLayouts {
                        path: self.root.clone(),
                        first: known_name.to_owned(),
                        first_layout: known,
                        second: name.clone(),
                        second_layout: layout,
                    });
                }
            }
        }
        if let Some((_, layout)) = first {
            self.layout = layout;
        }
        Ok(self)
    }

    /// The folder of a category below the root.
    pub(crate) fn category_folder<'a>(&self, category: &'a str) -> &'a str {
        if self.is_category { "" } else { category }
    }

    /// The defects that a category has images or masks of.
    pub(crate) fn defects(&self, category: &str) -> Result<Vec<Box<str>>, DatasetError> {
        let folder = self.category_folder(category);
        let images = joined(&[folder, self.layout.test_folder()]);
        let mut defects = Vec::new();
        for parent in [images, self.layout.mask_root(folder)] {
            defects.extend(Listing::read(&self.root.join(parent))?.unwrap_or_default().folders);
        }
        defects.retain(|defect| **defect != *"ground_truth");
        defects.sort_unstable();
        defects.dedup();
        Ok(defects)
    }

    /// Whether this is the name of a defect's folder in one of the selected categories.
    pub(crate) fn knows_defect(&self, name: &str) -> Result<bool, DatasetError> {
        if name == GOOD {
            return Ok(true);
        }
        for category in &self.selected {
            if self.defects(category)?.iter().any(|defect| **defect == *name) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The categories of `all` that are `wanted`: all if nothing is.
pub(crate) fn select(path: &Path, all: &[String], wanted: &[String]) -> Result<Vec<String>, DatasetError> {
    if wanted.is_empty() {
        return Ok(all.to_vec());
    }
    for name in wanted {
        if !all.contains(name) {
            return Err(DatasetError::UnknownCategory {
                name: name.clone(),
                path: path.to_owned(),
                nearest: nearest(name, all.iter().map(String::as_str)).map(str::to_owned),
                known: all.to_vec(),
            });
        }
    }
    Ok(all.iter().filter(|name| wanted.contains(name)).cloned().collect())
}

fn is_category(listing: &Listing) -> bool {
    ["test", "ground_truth", "test_public"].iter().any(|name| listing.has_folder(name))
}

/// The folder's own name, also where the path ends in `.` or `..`.
fn folder_name(path: &Path) -> String {
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let named = path.file_name().or_else(|| whole.file_name());
    named.map_or_else(|| "dataset".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Whether `path` is a folder; the error says which option was wrong.
pub(crate) fn check_folder(option: &'static str, path: &Path, expected: &'static str) -> Result<(), DatasetError> {
    if is_file(option, path, expected)? {
        return Err(DatasetError::WrongKind { option, path: path.to_owned(), found: "a file".into(), expected });
    }
    Ok(())
}

/// Whether `path` is a file (true) or a folder (false).
pub(crate) fn is_file(option: &'static str, path: &Path, expected: &'static str) -> Result<bool, DatasetError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(false),
        Ok(found) if found.is_file() => Ok(true),
        Ok(_) => Err(DatasetError::WrongKind {
            option,
            path: path.to_owned(),
            found: "neither a file nor a folder".into(),
            expected,
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(DatasetError::NotFound { option, path: path.to_owned(), expected })
        }
        Err(source) => Err(DatasetError::Io { path: path.to_owned(), source }),
    }
}
