//! Pairs the maps, masks and source images of one defect by their stems.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::discover::Search;
use crate::error::counted;
use crate::extension::{IMAGES, MAPS, MASK_MARK, MASKS, listed, rank};
use crate::item::{Item, StoredMap, below, joined, shared};
use crate::listing::{Listing, Named};
use crate::maps::{FoundMaps, MapTree};
use crate::place::StoredPath;
use crate::{Class, DatasetError, Layout, MissingMask, Note, Problem, ProblemKind};

/// A folder of masks or source images, relative to the dataset's root.
#[derive(Default)]
struct Shelf {
    folder: String,
    names: Named,
}

/// Everything found of one defect.
struct Defect<'a> {
    category: &'a str,
    /// The folder's name; empty in layout flat.
    name: &'a str,
    root: Arc<Path>,
    layout: Layout,
    masks: Shelf,
    images: Shelf,
    maps: Vec<FoundMaps>,
    models: Vec<&'a str>,
}

/// Adds the images of one defect (`""` in layout flat) to `items`, and what is wrong with them to the problems.
pub(crate) fn join_defect(
    search: &mut Search<'_>,
    category: &str,
    defect: &str,
    trees: &mut [MapTree],
    items: &mut Vec<Item>,
) -> Result<(), DatasetError> {
    let sources = search.sources;
    let mut maps = Vec::with_capacity(trees.len());
    for (tree, source) in trees.iter_mut().zip(&sources.maps) {
        maps.push(tree.take(category, defect, &source.model, search)?);
    }
    let layout = search.ground.layout;
    let folder = search.ground.category_folder(category).to_owned();
    let mask_folders = layout.mask_folders(&folder, defect);
    let masks = read_shelf(search, category, mask_folders, MASKS)?;
    let images = match layout {
        Layout::Flat => Shelf::default(),
        _ => read_shelf(search, category, vec![layout.image_folder(&folder, defect)], IMAGES)?,
    };
    let models = sources.maps.iter().map(|source| source.model.as_str()).collect();
    let root = shared(&search.ground.root);
    let group = Defect { category, name: defect, root, layout, masks, images, maps, models };
    group.join(search, items);
    Ok(())
}

/// Reads the first of `folders` that exists.
fn read_shelf(
    search: &mut Search<'_>,
    category: &str,
    folders: Vec<String>,
    known: &'static [&'static str],
) -> Result<Shelf, DatasetError> {
    let usual = folders.last().cloned().unwrap_or_default();
    for folder in folders {
        let path = below(&search.ground.root, &folder);
        let Some(mut listing) = Listing::read(&path)? else {
            continue;
        };
        let problems = std::mem::take(&mut listing.problems);
        search.problems.extend(problems.into_iter().map(|problem| problem.category(category)));
        let (names, others) = listing.named(known);
        if others > 0 {
            let message =
                format!("left aside {} without one of the endings {}", counted(others, "file"), listed(known));
            search.notes.push(Note::new(path, message));
        }
        return Ok(Shelf { folder, names });
    }
    Ok(Shelf { folder: usual, names: Named::default() })
}

impl Defect<'_> {
    fn join(&self, search: &mut Search<'_>, items: &mut Vec<Item>) {
        let masks = self.masks_by_stem();
        let mut stems: Vec<&str> = masks.iter().map(|(stem, _)| *stem).collect();
        stems.extend(self.images.names.groups().map(|(stem, _)| stem));
        stems.extend(self.maps.iter().flat_map(|found| found.maps.iter().map(|(stem, _)| &**stem)));
        stems.sort_unstable();
        stems.dedup();
        if stems.is_empty() {
            return self.note_empty(search);
        }
        let absent = self.absent_maps(search, stems.len());
        let lacks_masks = self.lacks_masks(search, stems.len());
        items.reserve(stems.len());
        for stem in stems {
            let start = masks.partition_point(|(other, _)| *other < stem);
            let length = masks[start..].partition_point(|(other, _)| *other == stem);
            let masks: Vec<&str> = masks[start..start + length].iter().map(|(_, name)| *name).collect();
            let maps = self.maps_of(search, stem, &absent);
            let Some((class, mask)) = self.truth_of(search, stem, &masks, lacks_masks) else {
                continue;
            };
            if maps.iter().all(Option::is_none) {
                continue;
            }
            let image = self.image_of(search, stem);
            items.push(Item {
                image_id: self.image_id(stem).into(),
                class,
                defect: (!self.name.is_empty()).then(|| search.interner.word(self.name)),
                group: None,
                mask,
                image,
                maps,
            });
        }
    }

    fn image_id(&self, stem: &str) -> String {
        joined(&[self.category, self.name, stem])
    }

    /// The images' name for messages: `screw/good`.
    fn title(&self) -> String {
        joined(&[self.category, self.name])
    }

    fn problem(&self, kind: ProblemKind, file: impl Into<PathBuf>, message: String) -> Problem {
        Problem::new(kind, file, message).category(self.category)
    }

    /// Masks with the stems of their images: `000_mask.png` belongs to image `000`, unless there is an image (or a
    /// map) `000_mask`.
    fn masks_by_stem(&self) -> Vec<(&str, &str)> {
        let is_image = |stem: &str| {
            !self.images.names.of(stem).is_empty() || self.maps.iter().any(|maps| !maps.of(stem).is_empty())
        };
        let mut masks = Vec::with_capacity(self.masks.names.len());
        for (stem, names) in self.masks.names.groups() {
            let marked = stem.strip_suffix(MASK_MARK).filter(|image| !image.is_empty() && !is_image(stem));
            masks.extend(names.iter().map(|name| (marked.unwrap_or(stem), &**name)));
        }
        masks.sort_unstable();
        masks
    }

    fn note_empty(&self, search: &mut Search<'_>) {
        for found in self.maps.iter().filter(|found| found.exists && !found.stacked) {
            let message = "the folder has no anomaly maps, and the dataset has no images for it; left aside";
            search.notes.push(Note::new(&found.place, message));
        }
    }

    /// For each detector whether it has no map at all here, which is one problem and not one for each image.
    fn absent_maps(&self, search: &mut Search<'_>, images: usize) -> Vec<bool> {
        let absent: Vec<bool> = self.maps.iter().map(|found| found.maps.is_empty()).collect();
        for ((found, model), _) in self.maps.iter().zip(&self.models).zip(&absent).filter(|(_, absent)| **absent) {
            let (kind, what) = match (found.stacked, found.exists) {
                (true, _) => (ProblemKind::MissingMap, "the file has no anomaly map"),
                (false, true) => (ProblemKind::EmptyFolder, "the folder has no anomaly map"),
                (false, false) => (ProblemKind::MissingMap, "no such folder"),
            };
            let message = format!(
                "{what}, but {} has {}; expected a map for each ({}): run the detector on them, or take \
                 them out of the dataset",
                self.title(),
                counted(images, "image"),
                listed(MAPS)
            );
            search.problems.push(self.problem(kind, &found.place, message).model(model));
        }
        absent
    }

    /// Whether anomalous images are here without any mask, which is one problem and not one for each image.
    fn lacks_masks(&self, search: &mut Search<'_>, images: usize) -> bool {
        let lacks = self.layout != Layout::Flat
            && Class::of_defect(self.name) == Class::Anomalous
            && self.masks.names.is_empty();
        if lacks {
            let place = below(&self.root, &self.masks.folder);
            let message = format!(
                "no masks for the {} of {}; expected one for each, such as {}: add the masks, or remove \
                 the maps (other layouts: --layout)",
                counted(images, "image"),
                self.title(),
                self.layout.mask_name("000")
            );
            search.problems.push(self.problem(ProblemKind::MissingMask, place, message));
        }
        lacks
    }

    /// Every detector's map of an image.
    fn maps_of(&self, search: &mut Search<'_>, stem: &str, absent: &[bool]) -> Box<[Option<StoredMap>]> {
        let maps = self.maps.iter().zip(&self.models).zip(absent);
        maps.map(|((found, model), absent)| {
            let image_id = self.image_id(stem);
            let problem = |kind, message| self.problem(kind, &found.place, message).model(model).image(&image_id);
            match found.of(stem) {
                [(_, map)] => Some(map.clone()),
                [] if *absent => None,
                [] => {
                    let message = if found.stacked {
                        format!(
                            "no anomaly map for image {image_id}; expected one whose path ends in test/{}/{stem}: write \
                             it, or take the image out of the dataset",
                            self.name
                        )
                    } else {
                        format!(
                            "no anomaly map for image {image_id}; expected {stem}.npy here (or another of {}): run the \
                             detector on it, or take the image and its mask out of the dataset",
                            listed(MAPS)
                        )
                    };
                    search.problems.push(problem(ProblemKind::MissingMap, message));
                    None
                }
                several => {
                    let names: Vec<String> = several.iter().map(|(_, map)| name_of(map, stem)).collect();
                    let message = format!(
                        "{} anomaly maps for image {image_id}: {}; expected one: keep the right one and remove the others",
                        several.len(),
                        names.join(", ")
                    );
                    search.problems.push(problem(ProblemKind::SeveralMaps, message));
                    None
                }
            }
        })
        .collect()
    }

    /// Class and mask of an image; none if they are in doubt, which is a problem.
    fn truth_of(
        &self,
        search: &mut Search<'_>,
        stem: &str,
        masks: &[&str],
        lacks_masks: bool,
    ) -> Option<(Option<Class>, Option<StoredPath>)> {
        let flat = self.layout == Layout::Flat;
        let image_id = self.image_id(stem);
        let place = below(&self.root, &self.masks.folder);
        let problem = match masks {
            [mask] => {
                let mask = search.interner.path(&self.root, &self.masks.folder, mask, stem);
                let open = flat || search.sources.class_from_mask;
                return Some(((!open).then(|| Class::of_defect(self.name)), Some(mask)));
            }
            [] if flat && search.sources.missing_mask == MissingMask::Normal => {
                return Some((Some(Class::Normal), None));
            }
            [] if flat => {
                let message = format!(
                    "no mask for image {image_id}; expected {stem}.png (or another of {}): add the mask, or say with \
                     --missing-mask normal that images without one are normal",
                    listed(MASKS)
                );
                self.problem(ProblemKind::MissingMask, place, message)
            }
            [] if Class::of_defect(self.name) == Class::Normal => {
                if self.images.names.is_empty() || !self.images.names.of(stem).is_empty() {
                    return Some((Some(Class::Normal), None));
                }
                let message = format!(
                    "the dataset has no image {image_id}, but there is an anomaly map of it; expected the image {stem}.* \
                     here beside the others: restore the image, or remove the map"
                );
                self.problem(ProblemKind::MissingImage, below(&self.root, &self.images.folder), message)
            }
            [] if lacks_masks => return None,
            [] => {
                let message = format!(
                    "no mask for the anomalous image {image_id}; expected {} here (or another of {}): add the mask, or \
                     remove the image's map",
                    self.layout.mask_name(stem),
                    listed(MASKS)
                );
                self.problem(ProblemKind::MissingMask, place, message)
            }
            several => {
                let message = format!(
                    "{} masks for image {image_id}: {}; expected one: keep the right one and remove the others",
                    several.len(),
                    several.join(", ")
                );
                self.problem(ProblemKind::SeveralMasks, place, message)
            }
        };
        search.problems.push(problem.image(&image_id));
        None
    }

    fn image_of(&self, search: &mut Search<'_>, stem: &str) -> Option<StoredPath> {
        let names = self.images.names.of(stem);
        let name = names.iter().min_by_key(|name| rank(name, IMAGES))?;
        if names.len() > 1 {
            let message = format!("{} source images for {}; {name} is taken", names.len(), self.image_id(stem));
            search.notes.push(Note::new(below(&self.root, &self.images.folder), message));
        }
        Some(search.interner.path(&self.root, &self.images.folder, name, stem))
    }
}

/// The name of a map's file, and of the entry in it.
fn name_of(map: &StoredMap, stem: &str) -> String {
    let file = map.file.relative(stem);
    let name = file.rsplit('/').next().unwrap_or(&file);
    match &map.entry {
        pimo_reader::Entry::Whole => name.to_owned(),
        entry => format!("{name}#{entry}"),
    }
}
