//! Folders of empty files, and what is found in them.

use std::fs;
use std::path::{Path, PathBuf};

use pimo_dataset::{Containers, Dataset, Discovery, MapsSource, NamedEntry, Problem, Sources, discover};
use pimo_reader::ReadError;

/// A temporary folder with a dataset below `data` and maps below `maps`.
pub(crate) struct Tree {
    folder: tempfile::TempDir,
}

/// Stands in for a reader: a container's maps are given, nothing is opened.
#[derive(Default)]
pub(crate) struct Fake(pub(crate) Option<Vec<NamedEntry>>);

impl Containers for Fake {
    fn maps_in(&self, _file: &Path) -> Result<Option<Vec<NamedEntry>>, ReadError> {
        Ok(self.0.clone())
    }
}

impl Tree {
    pub(crate) fn new(files: &[&str]) -> Self {
        let tree = Self { folder: tempfile::tempdir().unwrap() };
        for file in files {
            tree.file(file, "");
        }
        tree
    }

    pub(crate) fn file(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The maps in `maps` and the dataset in `data`.
    pub(crate) fn sources(&self) -> Sources {
        self.sources_at("maps", "data")
    }

    pub(crate) fn sources_at(&self, maps: &str, dataset: &str) -> Sources {
        let maps = MapsSource { model: "m".into(), path: self.path(maps), paths: None };
        Sources { maps: vec![maps], dataset: self.path(dataset), ..Sources::default() }
    }

    pub(crate) fn discover(&self) -> Discovery {
        discover(&self.sources(), &Fake::default()).unwrap()
    }

    /// Everything wrong, as `file: message` with the temporary folder taken out.
    pub(crate) fn shown(&self, problems: &[Problem]) -> Vec<String> {
        problems.iter().map(|problem| self.hide(&problem.to_string())).collect()
    }

    pub(crate) fn hide(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }

    /// The error of a search that finds nothing.
    pub(crate) fn error(&self, sources: &Sources) -> String {
        self.hide(&discover(sources, &Fake::default()).unwrap_err().to_string())
    }
}

/// Every item in a line: `id class mask image map`.
pub(crate) fn lines(dataset: &Dataset) -> Vec<String> {
    let items = dataset.categories.iter().flat_map(|category| &category.items);
    let shown = |path: Option<String>| path.unwrap_or_else(|| "-".into());
    items
        .map(|item| {
            let class = item.class().map_or("?".into(), |class| class.to_string());
            let maps: Vec<String> = (0..dataset.models.len()).map(|model| shown(item.map_path(model))).collect();
            let (mask, image) = (shown(item.mask_path()), shown(item.image_path()));
            format!("{} {class} {mask} {image} {}", item.image_id(), maps.join(" "))
        })
        .collect()
}
