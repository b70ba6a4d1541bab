//! Folders of published scores: `<model>/<collection>/<dataset>/aupimo/aupimos.json` and what lies beside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Result, StoreError};
use crate::published::{PublishedScores, read_scalar};

/// The file of scores, below the folder of a dataset.
const SCORES: [&str; 2] = ["aupimo", "aupimos.json"];
/// Scalars of a dataset, beside the folder of its scores.
const SCALARS: [&str; 4] = ["auroc", "aupr", "aupro", "aupro_05"];
/// The published tree lies in a folder of this name, which says nothing.
const WRAPPER: &str = "benchmark";
/// Folders below each other that are looked into.
const MAX_DEPTH: usize = 8;

/// A tree of published scores, of which only the names are known so far.
///
/// ```
/// use pimo_store::PublishedTree;
///
/// # let folder = tempfile::tempdir()?;
/// # let dataset = folder.path().join("padim/mvtec/screw");
/// # std::fs::create_dir_all(dataset.join("aupimo"))?;
/// # let scores = r#"{"fpr_lower_bound": 1e-5, "fpr_upper_bound": 1e-4, "num_thresholds": 300,
/// #     "aupimos": [0.5, NaN], "paths": ["MVTec/screw/test/thread_top/000.png", "MVTec/screw/test/good/000.png"]}"#;
/// # std::fs::write(dataset.join("aupimo/aupimos.json"), scores)?;
/// let tree = PublishedTree::open(folder.path())?;
/// let dataset = &tree.datasets()[0];
/// assert_eq!((dataset.model(), dataset.category()), ("padim", "mvtec/screw"));
/// let images = dataset.scores()?.images(dataset.category());
/// assert_eq!(images[0].image_id, "screw/thread_top/000");
/// assert_eq!((images[0].score, images[1].score), (Some(0.5), None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedTree {
    folder: PathBuf,
    datasets: Vec<PublishedDataset>,
}

/// The scores of one model on one dataset: a folder of a [`PublishedTree`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedDataset {
    model: String,
    category: String,
    folder: PathBuf,
}

/// An image of a published file.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedImage {
    /// `<dataset>/<defect>/<stem>`; `<dataset>/#<position>` in a file without paths.
    pub image_id: String,
    /// The folder that the image lies in, a kind of defect or `good`; none in a file without paths.
    pub defect: Option<String>,
    /// AUPIMO; none for a normal image, whose score is published as NaN.
    pub score: Option<f64>,
    /// The path as it was published.
    pub path: Option<String>,
}

impl PublishedTree {
    /// Looks for files of scores below a folder that holds one folder for each model (or `benchmark` with them in it).
    ///
    /// # Errors
    /// There is no such folder, it cannot be read, or there is no file of scores in it.
    pub fn open(folder: &Path) -> Result<Self> {
        let refused = |reason: &str| StoreError::NotPublished { path: folder.to_path_buf(), reason: reason.to_owned() };
        if !folder.is_dir() {
            return Err(refused("there is no such folder"));
        }
        let mut datasets = Vec::new();
        walk(folder, &mut Vec::new(), &mut datasets)?;
        datasets.sort();
        if datasets.is_empty() {
            return Err(refused("there is no <model>/<collection>/<dataset>/aupimo/aupimos.json in it"));
        }
        Ok(Self { folder: folder.to_path_buf(), datasets })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Everything found, by model and category.
    pub fn datasets(&self) -> &[PublishedDataset] {
        &self.datasets
    }

    /// Names of the models, in order.
    pub fn models(&self) -> BTreeSet<&str> {
        self.datasets.iter().map(|dataset| dataset.model.as_str()).collect()
    }
}

impl PublishedDataset {
    /// Name of the model: the outermost folder.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// `<collection>/<dataset>`: the folders between the model and the scores.
    pub fn category(&self) -> &str {
        &self.category
    }

    /// The file of scores.
    pub fn scores_path(&self) -> PathBuf {
        self.folder.join(SCORES[0]).join(SCORES[1])
    }

    /// Reads the scores.
    ///
    /// # Errors
    /// See [`PublishedScores::read`].
    pub fn scores(&self) -> Result<PublishedScores> {
        PublishedScores::read(&self.scores_path())
    }

    /// The values of `auroc.json`, `aupr.json`, `aupro.json` and `aupro_05.json` as far as they are there, by the name
    /// of the file. NaN where NaN was published.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn metrics(&self) -> Result<Vec<(&'static str, f64)>> {
        let files = SCALARS.into_iter().map(|name| (name, self.folder.join(format!("{name}.json"))));
        let there = files.filter(|(_, path)| path.is_file());
        there.map(|(name, path)| Ok((name, read_scalar(&path)?))).collect()
    }

    /// The published file of scores at `path`, named after its folders `<model>/<category>/aupimo/`; the category is
    /// of two folders, `<collection>/<dataset>`.
    pub fn of_file(path: &Path) -> Option<Self> {
        let folder = path.parent()?.parent()?;
        let mut names = folder.iter().rev().map(|name| name.to_str());
        let (dataset, collection, model) = (names.next()??, names.next()??, names.next()??);
        Some(Self {
            model: model.to_owned(),
            category: format!("{collection}/{dataset}"),
            folder: folder.to_path_buf(),
        })
    }
}

impl PublishedScores {
    /// The images, in the order of the file. `category` is the one that its folders name.
    pub fn images(&self, category: &str) -> Vec<PublishedImage> {
        let dataset = category.rsplit('/').next().unwrap_or(category);
        let image = |(position, &score): (usize, &f64)| {
            let path = self.paths.as_ref().and_then(|paths| paths.get(position));
            let (image_id, defect) = published_id(path.map(String::as_str), dataset, position);
            PublishedImage { image_id, defect, score: (!score.is_nan()).then_some(score), path: path.cloned() }
        };
        self.aupimos.iter().enumerate().map(image).collect()
    }
}

/// Image id and defect of a published path, such as `VisA/visa_pytorch/candle/test/bad/000.JPG`: what follows the
/// folder `dataset`, or else the collection, without `test` and suffix. Without a path the position stands for it.
pub fn published_id(path: Option<&str>, dataset: &str, position: usize) -> (String, Option<String>) {
    let Some(path) = path else { return (format!("{dataset}/#{position:06}"), None) };
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != "test").collect();
    let Some((file, folders)) = parts.split_last() else { return (path.to_owned(), None) };
    let collection = usize::from(folders.len() > 1);
    let start = folders.iter().position(|folder| *folder == dataset).unwrap_or(collection);
    let stem = file.rsplit_once('.').map_or(*file, |(stem, _)| if stem.is_empty() { *file } else { stem });
    let id: Vec<&str> = folders[start..].iter().copied().chain([stem]).collect();
    (id.join("/"), folders.last().map(|defect| (*defect).to_owned()))
}

/// Collects the datasets below a folder whose path below the tree is `below`.
fn walk(folder: &Path, below: &mut Vec<String>, found: &mut Vec<PublishedDataset>) -> Result<()> {
    if let Some((model, category)) = below.split_first()
        && folder.join(SCORES[0]).join(SCORES[1]).is_file()
    {
        // Scores of a model on one dataset without a name of its own.
        let category = if category.is_empty() { model.clone() } else { category.join("/") };
        found.push(PublishedDataset { model: model.clone(), category, folder: folder.to_path_buf() });
        return Ok(());
    }
    if below.len() == MAX_DEPTH {
        return Ok(());
    }
    let error = || StoreError::io("read", folder);
    for entry in fs::read_dir(folder).map_err(error())? {
        let entry = entry.map_err(error())?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !path.is_dir() || name.starts_with('.') {
            continue;
        }
        if below.is_empty() && name == WRAPPER {
            walk(&path, below, found)?;
            continue;
        }
        below.push(name);
        walk(&path, below, found)?;
        below.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_those_of_an_evaluation() {
        let id = |path, dataset| published_id(Some(path), dataset, 0).0;
        assert_eq!(id("MVTec/bottle/test/broken_large/000.png", "bottle"), "bottle/broken_large/000");
        assert_eq!(id("VisA/visa_pytorch/candle/test/bad/000.JPG", "candle"), "candle/bad/000");
        assert_eq!(id("UCSDped/UCSDped2/Test/Test001/001.tif", "ucsdped2"), "UCSDped2/Test/Test001/001");
        assert_eq!(id("toy/stain/a.b.png", "other"), "stain/a.b");
        assert_eq!(id("000.png", "bottle"), "000");
        assert_eq!(id("", "bottle"), "");
        let defect = published_id(Some("MVTec/bottle/test/good/000.png"), "bottle", 0).1;
        assert_eq!(defect.as_deref(), Some("good"));
        assert_eq!(published_id(None, "bottle", 12), ("bottle/#000012".to_owned(), None));
    }

    #[test]
    fn trees_of_any_depth_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["benchmark/b/mvtec/nut", "benchmark/a/screw", "benchmark/a/visa/pcb/1", "benchmark/.git/x"] {
            fs::create_dir_all(folder.path().join(name).join("aupimo")).unwrap();
            fs::write(folder.path().join(name).join("aupimo/aupimos.json"), "{}").unwrap();
        }
        let tree = PublishedTree::open(folder.path()).unwrap();
        let found: Vec<_> = tree.datasets().iter().map(|it| (it.model(), it.category())).collect();
        assert_eq!(found, [("a", "screw"), ("a", "visa/pcb/1"), ("b", "mvtec/nut")]);
        assert_eq!(PublishedTree::open(&folder.path().join("benchmark")).unwrap().datasets(), tree.datasets());
    }

    #[test]
    fn a_file_is_named_after_its_folders() {
        let file = PublishedDataset::of_file(Path::new("data/padim/visa/candle/aupimo/aupimos.json")).unwrap();
        assert_eq!((file.model(), file.category()), ("padim", "visa/candle"));
        assert_eq!(PublishedDataset::of_file(Path::new("candle/aupimo/aupimos.json")), None);
    }

    #[test]
    fn a_folder_without_scores_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = PublishedTree::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("aupimos.json"), "{error}");
        assert!(PublishedTree::open(&folder.path().join("absent")).unwrap_err().to_string().contains("no such folder"));
    }
}
