//! The maps of one detector, by category and defect.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pimo_reader::Entry;

use crate::class::GOOD;
use crate::discover::Search;
use crate::error::counted;
use crate::extension::{MAPS, listed, stem_of};
use crate::ground::is_file;
use crate::item::{StoredMap, below, joined, shared};
use crate::listing::Listing;
use crate::stacked::{PathParts, named_maps};
use crate::{DatasetError, Layout, MapsSource, Note, Problem, ProblemKind};

/// Where one detector's maps lie.
#[derive(Debug)]
pub(crate) struct MapTree {
    root: Arc<Path>,
    categories: BTreeMap<String, CategoryMaps>,
}

/// Where the maps of one category lie.
#[derive(Debug)]
enum CategoryMaps {
    /// In the folders of their defects below `folder`.
    Folders { folder: String, defects: Vec<Box<str>> },
    /// In `file`, sorted by defect and stem.
    Stacked { file: PathBuf, maps: BTreeMap<Box<str>, Vec<FoundMap>> },
}

/// A map and the stem of its image.
pub(crate) type FoundMap = (Box<str>, StoredMap);

/// The maps of one defect, sorted by stem.
#[derive(Debug)]
pub(crate) struct FoundMaps {
    /// The folder or stacked file that was looked at.
    pub(crate) place: PathBuf,
    /// Whether it is a stacked file.
    pub(crate) stacked: bool,
    /// Whether there is a folder or file at all.
    pub(crate) exists: bool,
    pub(crate) maps: Vec<FoundMap>,
}

impl FoundMaps {
    /// All maps of the image with this stem.
    pub(crate) fn of(&self, stem: &str) -> &[FoundMap] {
        let start = self.maps.partition_point(|(found, _)| **found < *stem);
        let length = self.maps[start..].partition_point(|(found, _)| **found == *stem);
        &self.maps[start..start + length]
    }
}

/// The published name of a file that holds all maps of a category.
const ASMAPS: &str = "asmaps.pt";
const EXPECTED: &str = "a folder of anomaly maps, or a file of many (asmaps.pt, .npy with --paths, .npz)";

impl MapTree {
    /// Looks at a detector's folder or stacked file.
    pub(crate) fn open(source: &MapsSource, search: &mut Search<'_>) -> Result<Self, DatasetError> {
        let path = &source.path;
        if is_file("--maps", path, EXPECTED)? {
            if stem_of(&path.to_string_lossy(), &["pt", "npy", "npz"]).is_none() {
                let found = "a file that can't hold many maps".to_owned();
                return Err(DatasetError::WrongKind {
                    option: "--maps",
                    path: path.clone(),
                    found,
                    expected: EXPECTED,
                });
            }
            let root = shared(path.parent().unwrap_or(Path::new("")));
            let mut tree = Self { root, categories: BTreeMap::new() };
            tree.add_stacked(source, path, None, search)?;
            return Ok(tree);
        }
        if source.paths.is_some() {
            let message = format!("{}: --paths goes with a stacked file of maps, but this is a folder", path.display());
            return Err(DatasetError::Usage(message));
        }
        let mut tree = Self { root: shared(path), categories: BTreeMap::new() };
        let listing = Listing::read(path)?.unwrap_or_default();
        if search.ground.layout == Layout::Flat {
            let name = search.ground.selected[0].clone();
            tree.categories.insert(name, CategoryMaps::Folders { folder: String::new(), defects: Vec::new() });
        } else {
            tree.add_folders(source, &listing, search)?;
        }
        Ok(tree)
    }

    /// Finds the categories below a folder, or the one category whose folder this is.
    fn add_folders(
        &mut self,
        source: &MapsSource,
        listing: &Listing,
        search: &mut Search<'_>,
    ) -> Result<(), DatasetError> {
        let path = &source.path;
        if let Some(test) = test_folder(listing, search) {
            let name = only_category(path, search)?;
            return self.add_category(source, name, "", Some(test), search);
        }
        let known: BTreeSet<&str> = search.ground.all.iter().map(String::as_str).collect();
        let (ours, others): (Vec<&Box<str>>, _) = listing.folders.iter().partition(|name| known.contains(&***name));
        if !ours.is_empty() {
            let ours = search.ground.selected.iter().filter(|name| ours.iter().any(|found| ***found == ***name));
            let ours: Vec<String> = ours.cloned().collect();
            for name in ours {
                let inside = Listing::read(&path.join(&name))?.unwrap_or_default();
                let test = test_folder(&inside, search);
                self.add_category(source, name.clone(), &name, test, search)?;
            }
            let mut unknown = BTreeSet::new();
            for name in others.into_iter().filter(|_| search.sources.categories.is_empty()) {
                if holds_maps(&path.join(&**name), search)? {
                    unknown.insert(String::from(&**name));
                }
            }
            note_unknown(path, &unknown, search);
            search.problems.extend(listing.problems.iter().cloned().map(|problem| problem.model(&source.model)));
            return Ok(());
        }
        for folder in &listing.folders {
            if search.ground.knows_defect(folder)? {
                let name = only_category(path, search)?;
                return self.add_category(source, name, "", None, search);
            }
        }
        if listing.has_file(ASMAPS) {
            return self.add_stacked(source, &path.join(ASMAPS), None, search);
        }
        let expected = format!(
            "<category>/test/<defect>/<stem>.npy for the categories {} (or another of {}; or asmaps.pt)",
            crate::error::listing(&search.ground.selected),
            listed(MAPS)
        );
        Err(DatasetError::UnknownMaps { path: path.clone(), found: listing.described(), expected })
    }

    /// Adds the category whose maps lie in `folder`: below `test`, in folders of defects, or in an `asmaps.pt`.
    fn add_category(
        &mut self,
        source: &MapsSource,
        name: String,
        folder: &str,
        test: Option<&str>,
        search: &mut Search<'_>,
    ) -> Result<(), DatasetError> {
        let path = below(&self.root, folder);
        let stacked = path.join(ASMAPS);
        if test.is_none() && stacked.is_file() {
            return self.add_stacked(source, &stacked, Some(&name), search);
        }
        let folder = joined(&[folder, test.unwrap_or_default()]);
        let listing = Listing::read(&below(&self.root, &folder))?.unwrap_or_default();
        let tagged = |problem: Problem| problem.model(&source.model).category(&name);
        search.problems.extend(listing.problems.into_iter().map(tagged));
        let mut defects = listing.folders;
        defects.retain(|defect| **defect != *"ground_truth" && (test.is_some() || **defect != *"train"));
        self.categories.insert(name, CategoryMaps::Folders { folder, defects });
        Ok(())
    }

    /// Adds the maps of a stacked file, which all belong to category `owner` if it is given.
    fn add_stacked(
        &mut self,
        source: &MapsSource,
        file: &Path,
        owner: Option<&str>,
        search: &mut Search<'_>,
    ) -> Result<(), DatasetError> {
        let below = file.strip_prefix(&self.root).unwrap_or(file);
        let (folder, name) = (below.parent().unwrap_or(Path::new("")), file.file_name().unwrap_or_default());
        let (folder, name) = (folder.to_string_lossy(), name.to_string_lossy());
        let stored = search.interner.container(&self.root, &folder, &name);
        let flat = search.ground.layout == Layout::Flat;
        let only = match search.ground.selected.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        let mut unknown = BTreeSet::new();
        for (entry, path) in named_maps(file, source.paths.as_deref(), search.containers)? {
            let location = format!("{name}#{entry}");
            let strange = |expected: &str| {
                let message = format!("the map {location} belongs to the image `{path}`; expected {expected}");
                Problem::new(ProblemKind::StrangePath, file, message).model(&source.model)
            };
            let Some(parts) = PathParts::of(&path) else {
                search.problems.push(strange("a path such as <category>/test/<defect>/<stem>.png"));
                continue;
            };
            let category =
                match (parts.category, owner.or(only.as_deref().filter(|_| flat || parts.category.is_none()))) {
                    (Some(named), Some(owner)) if !flat && named != owner => {
                        let expected = format!("an image of category {owner}, in whose folder the file lies");
                        search.problems.push(strange(&expected).category(owner));
                        continue;
                    }
                    (_, Some(owner)) => owner,
                    (Some(named), None) => named,
                    (None, None) => {
                        search.problems.push(strange("a path that names the category, or a single --category"));
                        continue;
                    }
                };
            if !search.ground.selected.iter().any(|known| known == category) {
                let asked =
                    search.sources.categories.is_empty() && !search.ground.all.iter().any(|known| known == category);
                if asked {
                    unknown.insert(category.to_owned());
                }
                continue;
            }
            let defect = match parts.defect {
                _ if flat => "",
                Some(defect) => defect,
                None => {
                    search.problems.push(strange("a path that names the defect's folder").category(category));
                    continue;
                }
            };
            let maps = self.categories.entry(category.to_owned());
            let maps = maps.or_insert_with(|| CategoryMaps::Stacked { file: file.to_owned(), maps: BTreeMap::new() });
            if let CategoryMaps::Stacked { maps, .. } = maps {
                let found = (parts.stem.into(), StoredMap { file: stored.clone(), entry });
                maps.entry(defect.into()).or_default().push(found);
            }
        }
        note_unknown(file, &unknown, search);
        Ok(())
    }

    /// What relative paths of maps are relative to.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The categories that there are maps of.
    pub(crate) fn categories(&self) -> impl Iterator<Item = &str> {
        self.categories.keys().map(String::as_str)
    }

    /// The defects of a category that there are maps of.
    pub(crate) fn defects(&self, category: &str) -> Vec<Box<str>> {
        match self.categories.get(category) {
            Some(CategoryMaps::Folders { defects, .. }) => defects.clone(),
            Some(CategoryMaps::Stacked { maps, .. }) => maps.keys().cloned().collect(),
            None => Vec::new(),
        }
    }

    /// Takes out the maps of one defect (`""` in layout flat).
    pub(crate) fn take(
        &mut self,
        category: &str,
        defect: &str,
        model: &str,
        search: &mut Search<'_>,
    ) -> Result<FoundMaps, DatasetError> {
        match self.categories.get_mut(category) {
            Some(CategoryMaps::Stacked { file, maps }) => {
                let mut maps = maps.remove(defect).unwrap_or_default();
                maps.sort_by(|(a, _), (b, _)| a.cmp(b));
                Ok(FoundMaps { place: file.clone(), stacked: true, exists: true, maps })
            }
            Some(CategoryMaps::Folders { folder, .. }) => {
                let folder = joined(&[folder, defect]);
                let place = below(&self.root, &folder);
                let (maps, exists) = self.read_folder(&folder, &place, category, model, search)?;
                Ok(FoundMaps { place, stacked: false, exists, maps })
            }
            None => {
                let place = self.root.join(category);
                Ok(FoundMaps { exists: place.exists(), stacked: false, place, maps: Vec::new() })
            }
        }
    }

    fn read_folder(
        &self,
        folder: &str,
        place: &Path,
        category: &str,
        model: &str,
        search: &mut Search<'_>,
    ) -> Result<(Vec<FoundMap>, bool), DatasetError> {
        let Some(mut listing) = Listing::read(place)? else {
            return Ok((Vec::new(), false));
        };
        let problems = std::mem::take(&mut listing.problems);
        search.problems.extend(problems.into_iter().map(|problem| problem.category(category).model(model)));
        let (named, others) = listing.named(MAPS);
        if others > 0 {
            let (files, endings) = (counted(others, "file"), listed(MAPS));
            let message = format!("left aside {files} without an ending of anomaly maps ({endings})");
            search.notes.push(Note::new(place, message));
        }
        let mut maps = Vec::with_capacity(named.len());
        for (stem, files) in named.groups() {
            for name in files {
                let file = search.interner.path(&self.root, folder, name, stem);
                maps.push((stem.into(), StoredMap { file, entry: Entry::Whole }));
            }
        }
        Ok((maps, true))
    }
}

/// The name of the folder of tests, if a category's folder of maps has one.
fn test_folder(listing: &Listing, search: &Search<'_>) -> Option<&'static str> {
    let usual = search.ground.layout.test_folder();
    [usual, "test", "test_public"].into_iter().find(|name| listing.has_folder(name))
}

/// The category whose maps a folder holds that does not say so itself.
fn only_category(path: &Path, search: &Search<'_>) -> Result<String, DatasetError> {
    let selected = &search.ground.selected;
    if let [only] = selected.as_slice() {
        return Ok(only.clone());
    }
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = whole.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if selected.iter().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    Err(DatasetError::Usage(format!(
        "{}: the folder holds the maps of one category, but the dataset has {}; say with --category whose they are",
        path.display(),
        crate::error::listing(selected)
    )))
}

/// Whether a folder looks like that of a category's maps.
fn holds_maps(path: &Path, search: &Search<'_>) -> Result<bool, DatasetError> {
    let listing = Listing::read(path)?.unwrap_or_default();
    Ok(test_folder(&listing, search).is_some() || listing.has_file(ASMAPS) || listing.has_folder(GOOD))
}

/// Maps that are left out because the dataset lacks their categories.
fn note_unknown(place: &Path, names: &BTreeSet<String>, search: &mut Search<'_>) {
    if names.is_empty() {
        return;
    }
    let names: Vec<String> = names.iter().cloned().collect();
    let message = format!(
        "there are maps of {} that the dataset {} does not have, which are left out: {} (it has {})",
        if names.len() == 1 { "a category".to_owned() } else { format!("{} categories", names.len()) },
        search.ground.root.display(),
        crate::error::listing(&names),
        crate::error::listing(&search.ground.all)
    );
    search.notes.push(Note::new(place, message));
}
