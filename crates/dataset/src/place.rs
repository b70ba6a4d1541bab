//! Paths of many files, kept small.
//!
//! The files of a dataset lie in few folders and their names are an image's stem plus an ending. So an item keeps a
//! pointer to what is shared (root, folder, ending) and, only where the name does not start with its stem, the rest.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the paths of many files share: the folder they lie in and how their names end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    root: Arc<Path>,
    folder: Box<str>,
    ending: Box<str>,
}

/// The path of one file: `<root>/<folder>/<name><ending>`, where the name is the item's stem if not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredPath {
    place: Arc<Place>,
    name: Option<Box<str>>,
}

impl StoredPath {
    /// The path below its root, with `/` between its parts.
    pub(crate) fn relative(&self, stem: &str) -> String {
        let Place { folder, ending, .. } = &*self.place;
        let name = self.name.as_deref().unwrap_or(stem);
        let slash = if folder.is_empty() || folder.ends_with('/') { "" } else { "/" };
        format!("{folder}{slash}{name}{ending}")
    }

    /// The path that opens the file.
    pub(crate) fn absolute(&self, stem: &str) -> PathBuf {
        self.place.root.join(self.relative(stem))
    }
}

/// The most places that are shared; a dataset with a folder per image must not pay for each of them twice.
const MOST_PLACES: usize = 1024;

/// Makes [`StoredPath`]s that share their places.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    places: HashMap<Box<str>, Vec<Arc<Place>>>,
    count: usize,
    words: HashMap<Box<str>, Arc<str>>,
}

impl Interner {
    /// Stores the path of the file `name` in `folder` below `root`, which belongs to an item with this `stem`.
    pub(crate) fn path(&mut self, root: &Arc<Path>, folder: &str, name: &str, stem: &str) -> StoredPath {
        let rest = name.strip_prefix(stem).filter(|rest| is_ending(rest));
        if let Some(ending) = rest {
            return match self.place(root, folder, ending) {
                Some(place) => StoredPath { place, name: None },
                None => self.unshared(root, folder, name),
            };
        }
        let (name, ending) = match name.rfind('.') {
            Some(dot) if dot > 0 => name.split_at(dot),
            _ => (name, ""),
        };
        match self.place(root, folder, ending) {
            Some(place) => StoredPath { place, name: Some(name.into()) },
            None => self.unshared(root, folder, &format!("{name}{ending}")),
        }
    }

    /// Stores the path of a file that holds the maps of many items.
    pub(crate) fn container(&mut self, root: &Arc<Path>, folder: &str, name: &str) -> StoredPath {
        match self.place(root, folder, name) {
            Some(place) => StoredPath { place, name: Some(Box::default()) },
            None => self.unshared(root, folder, name),
        }
    }

    /// Stores a path as it is written: below `root` unless it is absolute.
    pub(crate) fn written(&mut self, root: &Arc<Path>, path: &str, stem: &str) -> StoredPath {
        match path.rsplit_once('/') {
            Some(("", name)) => self.path(root, "/", name, stem),
            Some((folder, name)) => self.path(root, folder, name, stem),
            None => self.path(root, "", path, stem),
        }
    }

    /// Stores the path of a file that holds the maps of many items as it is written.
    pub(crate) fn container_written(&mut self, root: &Arc<Path>, path: &str) -> StoredPath {
        match path.rsplit_once('/') {
            Some(("", name)) => self.container(root, "/", name),
            Some((folder, name)) => self.container(root, folder, name),
            None => self.container(root, "", path),
        }
    }

    /// One shared copy of a word that many items carry.
    pub(crate) fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = word.into();
        if self.words.len() < MOST_PLACES {
            self.words.insert(word.into(), Arc::clone(&shared));
        }
        shared
    }

    fn place(&mut self, root: &Arc<Path>, folder: &str, ending: &str) -> Option<Arc<Place>> {
        let known = self.places.get(folder).map_or(&[][..], Vec::as_slice);
        if let Some(place) = known.iter().find(|place| *place.ending == *ending && place.root == *root) {
            return Some(Arc::clone(place));
        }
        if self.count == MOST_PLACES {
            return None;
        }
        let place = Arc::new(Place { root: Arc::clone(root), folder: folder.into(), ending: ending.into() });
        self.count += 1;
        self.places.entry(folder.into()).or_default().push(Arc::clone(&place));
        Some(place)
    }

    /// A path whose place can't be shared any more: everything but the root goes into the name.
    fn unshared(&mut self, root: &Arc<Path>, folder: &str, name: &str) -> StoredPath {
        let slash = if folder.is_empty() || folder.ends_with('/') { "" } else { "/" };
        let known = self.places.get("").map_or(&[][..], Vec::as_slice);
        let place = known.iter().find(|place| place.ending.is_empty() && place.root == *root).cloned();
        let place = place.unwrap_or_else(|| {
            let place = Arc::new(Place { root: Arc::clone(root), folder: "".into(), ending: "".into() });
            self.places.entry("".into()).or_default().push(Arc::clone(&place));
            place
        });
        StoredPath { place, name: Some(format!("{folder}{slash}{name}").into()) }
    }
}

/// Whether the rest of a name after its stem is worth sharing: `.png`, `_mask.png`, but not `17.png`.
fn is_ending(rest: &str) -> bool {
    let ending = rest.strip_prefix(crate::extension::MASK_MARK).unwrap_or(rest);
    ending.starts_with('.') && !ending[1..].contains('.') && ending.len() <= 8
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn root() -> Arc<Path> {
        Path::new("/root").into()
    }

    #[test]
    fn names_that_start_with_their_stem_cost_nothing() {
        let mut interner = Interner::default();
        let mask = interner.path(&root(), "screw/ground_truth/bad", "000_mask.png", "000");
        let other = interner.path(&root(), "screw/ground_truth/bad", "001_mask.png", "001");
        assert!(mask.name.is_none() && other.name.is_none());
        assert!(Arc::ptr_eq(&mask.place, &other.place));
        assert_eq!(mask.absolute("000"), Path::new("/root/screw/ground_truth/bad/000_mask.png"));
        assert_eq!(other.relative("001"), "screw/ground_truth/bad/001_mask.png");
    }

    #[test]
    fn a_folder_per_image_is_not_kept_twice() {
        let mut interner = Interner::default();
        let last = MOST_PLACES * 2;
        for i in 0..=last {
            let path = interner.written(&root(), &format!("sample/{i}/view.png"), "s");
            assert_eq!(path.relative("s"), format!("sample/{i}/view.png"));
        }
        assert!(interner.places.len() <= MOST_PLACES + 1);
    }

    proptest! {
        #[test]
        fn a_path_comes_back_as_written(path in "(/|\\.\\./)?([a-c._]{1,6}/){0,3}[a-c._]{1,8}(_mask)?(\\.png)?", stem in "[a-c._]{0,4}") {
            let mut interner = Interner::default();
            let stored = interner.written(&root(), &path, &stem);
            prop_assert_eq!(stored.relative(&stem), path.clone());
            prop_assert_eq!(stored.absolute(&stem), Path::new("/root").join(&path));
            interner.count = MOST_PLACES;
            interner.places.clear();
            prop_assert_eq!(interner.written(&root(), &path, &stem).relative(&stem), path);
        }
    }
}
