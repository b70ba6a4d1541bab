//! Walks the folders of a dataset and of its maps.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::{counted, listing};
use crate::ground::{Ground, select};
use crate::item::{Category, Dataset, Roots, below};
use crate::join::join_defect;
use crate::maps::MapTree;
use crate::place::Interner;
use crate::{Class, Containers, DatasetError, Discovery, Layout, Note, Problem, ProblemKind, Sources};

/// What a search has gathered so far.
pub(crate) struct Search<'a> {
    pub(crate) sources: &'a Sources,
    pub(crate) ground: Ground,
    pub(crate) containers: &'a dyn Containers,
    pub(crate) interner: Interner,
    pub(crate) problems: Vec<Problem>,
    pub(crate) notes: Vec<Note>,
}

/// Finds out which map, mask and source image belong together, by the names in the folders.
///
/// A folder of maps may hold `<category>/test/<defect>/<stem>.EXT`, the same without `test`, one category's folder
/// alone (if it is clear which one), or `<category>/asmaps.pt`; a stacked file names its maps by their images' paths.
///
/// # Errors
/// What leaves nothing to evaluate: a path that does not exist or can't be read, a layout that is not recognised, a
/// category that does not exist, options that do not go together. All else is in [`Discovery::problems`].
pub fn discover(sources: &Sources, containers: &impl Containers) -> Result<Discovery, DatasetError> {
    if sources.maps.is_empty() {
        return Err(DatasetError::Usage(
            "no maps given; give --maps PATH, or --maps NAME=PATH for each detector".into(),
        ));
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = sources.maps.iter().find(|maps| !names.insert(maps.model.as_str())) {
        let message = format!("two detectors are called `{}`; give each --maps a NAME=PATH of its own", twice.model);
        return Err(DatasetError::Usage(message));
    }
    let ground = Ground::open(&sources.dataset, sources.layout, &sources.categories)?;
    let mut search =
        Search { sources, ground, containers, interner: Interner::default(), problems: Vec::new(), notes: Vec::new() };
    let mut trees = Vec::with_capacity(sources.maps.len());
    for maps in &sources.maps {
        trees.push(MapTree::open(maps, &mut search)?);
    }
    let names = search.categories(&trees)?;
    let mut categories = Vec::with_capacity(names.len());
    for name in names {
        categories.push(search.category(name, &mut trees)?);
    }
    search.problems.sort_unstable();
    let roots = Roots {
        maps: trees.iter().map(|tree| tree.root().to_owned()).collect(),
        dataset: sources.dataset.clone(),
        manifest: None,
    };
    let dataset = Dataset {
        models: sources.maps.iter().map(|maps| maps.model.clone()).collect(),
        categories,
        roots,
        layout: Some(search.ground.layout),
    };
    Ok(Discovery { dataset, problems: search.problems, notes: search.notes })
}

impl Search<'_> {
    /// The categories to evaluate: those that were asked for, else those that any detector has maps of, if only such
    /// that can't be used.
    fn categories(&mut self, trees: &[MapTree]) -> Result<Vec<String>, DatasetError> {
        if !self.sources.categories.is_empty() {
            return Ok(self.ground.selected.clone());
        }
        let wrong = self.problems.iter().filter_map(|problem| problem.category.as_deref());
        let mapped: BTreeSet<&str> = trees.iter().flat_map(MapTree::categories).chain(wrong).collect();
        let (with, without): (Vec<String>, Vec<String>) =
            self.ground.all.iter().cloned().partition(|name| mapped.contains(name.as_str()));
        if with.is_empty() {
            return Err(DatasetError::UnknownMaps {
                path: self.sources.maps[0].path.clone(),
                found: "no map belongs to a category of the dataset".into(),
                expected: format!("maps of {}", listing(&self.ground.all)),
            });
        }
        if !without.is_empty() {
            let message = format!(
                "no detector has maps of {} of the {} categories, which are left out: {}",
                without.len(),
                self.ground.all.len(),
                listing(&without)
            );
            self.notes.push(Note::new(&self.sources.dataset, message));
        }
        select(&self.sources.dataset, &self.ground.all, &with)
    }

    fn category(&mut self, name: String, trees: &mut [MapTree]) -> Result<Category, DatasetError> {
        let mut items = Vec::new();
        if self.ground.layout == Layout::Flat {
            join_defect(self, &name, "", trees, &mut items)?;
        } else {
            let mut defects = self.ground.defects(&name)?;
            defects.extend(trees.iter().flat_map(|tree| tree.defects(&name)));
            defects.sort_unstable();
            defects.dedup();
            for defect in defects {
                join_defect(self, &name, &defect, trees, &mut items)?;
            }
        }
        // Folders come in order, but `a/b` and `a-c/d` sort by more than their folders.
        items.sort_unstable_by(|a, b| a.image_id.cmp(&b.image_id));
        items.shrink_to_fit();
        let category = Category { name, items };
        let folder = below(&self.ground.root, self.ground.category_folder(&category.name));
        self.problems.extend(missing_classes(&category, &folder));
        Ok(category)
    }
}

/// A metric needs normal and anomalous images; images whose class is still open may be either.
pub(crate) fn missing_classes(category: &Category, file: &Path) -> Vec<Problem> {
    let open = category.items.iter().any(|item| item.class.is_none());
    let problem = |class: Class, cure: &str| {
        let message = format!(
            "category {} has no {class} image that can be used ({} in all); {cure}",
            category.name,
            counted(category.items.len(), "image")
        );
        Problem::new(ProblemKind::MissingClass, file, message).category(&category.name)
    };
    let mut problems = Vec::new();
    if !open && category.count(Class::Normal) == 0 {
        problems
            .push(problem(Class::Normal, "expected maps of normal images (folder `good`), which fix the shared FPR"));
    }
    if !open && category.count(Class::Anomalous) == 0 {
        problems
            .push(problem(Class::Anomalous, "expected maps of anomalous images with their masks, which are scored"));
    }
    problems
}
