//! Looking at all headers before any work starts.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pimo_dataset::{Category, Class, Dataset, Item, Problem, ProblemKind};
use pimo_frame::{Mask, SampleType, Size};
use pimo_reader::{MapHeader, MaskRule, ReadError, Reader};
use rayon::prelude::*;

use crate::problem::{self, Bad};
use crate::{Cancel, Settings};

/// A category whose images are known to fit together as far as headers tell.
pub(crate) struct PlannedCategory<'a> {
    pub(crate) category: &'a Category,
    /// Images in order of their ids.
    pub(crate) images: Vec<PlannedImage>,
    /// What is known of each detector's maps.
    pub(crate) models: Vec<PlannedModel>,
    /// What is in the way.
    pub(crate) bad: Bad,
    /// What was chosen, worth knowing.
    pub(crate) notes: Vec<String>,
}

/// An image, kept small: there may be millions.
#[derive(Clone, Copy)]
pub(crate) struct PlannedImage {
    /// Index among the category's items.
    pub(crate) item: u32,
    pub(crate) class: Class,
    /// Height and width at which its maps are evaluated.
    pub(crate) evaluated: Size,
}

/// What all maps of one detector in one category have in common.
#[derive(Clone, Default)]
pub(crate) struct PlannedModel {
    pub(crate) sample_types: BTreeSet<SampleType>,
    /// Largest memory that a single map takes while it is read.
    pub(crate) map_bytes: u64,
    /// The same if none is mapped.
    pub(crate) most_map_bytes: u64,
    /// Bytes of samples in all maps, and in those of normal images.
    pub(crate) stored_bytes: u64,
    pub(crate) normal_bytes: u64,
}

impl PlannedCategory<'_> {
    pub(crate) fn item(&self, image: PlannedImage) -> &Item {
        &self.category.items[image.item as usize]
    }

    /// Bytes of maps that evaluating these detectors reads.
    pub(crate) fn bytes_to_read(&self, models: &[usize], settings: &Settings) -> u64 {
        let known = models.iter().map(|&model| &self.models[model]);
        known.map(|model| settings.thresholds.bytes_to_read(model.stored_bytes, model.normal_bytes)).sum()
    }

    pub(crate) fn of_class(&self, class: Class) -> impl Iterator<Item = PlannedImage> + '_ {
        self.images.iter().copied().filter(move |image| image.class == class)
    }

    /// The same as a list that takes no more memory than it needs.
    pub(crate) fn list(&self, class: Class) -> Vec<PlannedImage> {
        let mut list = Vec::with_capacity(self.of_class(class).count());
        list.extend(self.of_class(class));
        list
    }

    /// Pixels of the normal images.
    pub(crate) fn normal_pixels(&self) -> impl Iterator<Item = u64> + '_ {
        self.of_class(Class::Normal).map(|image| image.evaluated.pixels())
    }

    /// Pixels of all images.
    pub(crate) fn pixels(&self) -> u64 {
        self.images.iter().map(|image| image.evaluated.pixels()).sum()
    }

    /// Size of the largest image.
    pub(crate) fn largest_image(&self) -> Size {
        let sizes = self.images.iter().map(|image| image.evaluated);
        sizes.max_by_key(|size| size.pixels()).unwrap_or(Size::new(0, 0))
    }
}

/// What the headers of one image's files say.
struct Headers {
    class: Option<Class>,
    mask: Option<Size>,
    maps: Vec<Option<MapHeader>>,
    problems: Vec<Problem>,
}

/// How headers are looked at.
pub(crate) struct Planner<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) dataset: &'a Dataset,
    pub(crate) mask_rule: MaskRule,
    pub(crate) resample_any: bool,
    pub(crate) skip_bad: bool,
    pub(crate) cancel: &'a Cancel,
}

impl<'a> Planner<'a> {
    /// Looks at the headers of a category's files, of as many at a time as the present thread pool has threads.
    ///
    /// `found` is what was wrong with the category already.
    pub(crate) fn plan(&self, category: &'a Category, found: &[Problem]) -> PlannedCategory<'a> {
        let mut planned = PlannedCategory {
            category,
            images: Vec::with_capacity(category.items.len()),
            models: vec![PlannedModel::default(); self.dataset.models.len()],
            bad: Bad::new(self.dataset.models.len(), self.skip_bad),
            notes: Vec::new(),
        };
        for problem in found {
            planned.bad.add(problem.clone(), &self.dataset.models);
        }
        let headers: Vec<Headers> = category.items.par_iter().map(|item| self.headers(category, item)).collect();
        let shared_mask = shared_size(&headers);
        for (index, (item, headers)) in category.items.iter().zip(headers).enumerate() {
            self.add(&mut planned, index as u32, item, headers, shared_mask);
        }
        self.check_classes(&mut planned);
        let notes = self.notes_of_sizes(&planned, shared_mask);
        planned.notes.extend(notes);
        planned
    }

    /// Where the sizes of normal images without a mask come from.
    fn notes_of_sizes(&self, planned: &PlannedCategory<'a>, shared_mask: Option<Size>) -> Vec<String> {
        let without_mask = planned.of_class(Class::Normal).map(|image| planned.item(image));
        let (with_image, others): (Vec<&Item>, Vec<&Item>) =
            without_mask.filter(|item| item.mask().is_none()).partition(|item| item.image().is_some());
        let note = |what: &str| format!("category {}: normal images without a mask {what}", planned.category.name);
        if let Some(size) = shared_mask {
            let any = !with_image.is_empty() || !others.is_empty();
            return any.then(|| note(&format!("are evaluated at the size of the masks, {size}"))).into_iter().collect();
        }
        let mut notes = Vec::new();
        if !with_image.is_empty() {
            notes.push(note("are evaluated at the size of their source images, because masks differ in size"));
        }
        if !others.is_empty() {
            let why = "because masks differ in size and no source images are there";
            let whose = if self.dataset.models.len() > 1 { " (those of the first detector that has one)" } else { "" };
            notes.push(note(&format!("are evaluated at the size of their anomaly maps{whose}, {why}")));
        }
        notes
    }

    fn headers(&self, category: &Category, item: &Item) -> Headers {
        let mut headers = Headers { class: item.class(), mask: None, maps: Vec::new(), problems: Vec::new() };
        if self.cancel.is_cancelled() {
            return headers;
        }
        let about = |model: Option<usize>| problem::About {
            category: &category.name,
            image_id: item.image_id(),
            model: model.map(|model| self.dataset.models[model].as_str()),
        };
        if let Some(path) = item.mask() {
            let size = match item.class() {
                Some(_) => self.reader.mask_size(&path),
                None => self.class_of_mask(&path).map(|(class, size)| {
                    headers.class = Some(class);
                    size
                }),
            };
            match size {
                Ok(size) => headers.mask = Some(size),
                Err(error) => headers.problems.push(about(None).unreadable(&error)),
            }
        }
        for model in 0..self.dataset.models.len() {
            let header = item.map(model).and_then(|at| match self.reader.map_header(&at) {
                Ok(header) => Some(header),
                Err(error) => {
                    headers.problems.push(about(Some(model)).unreadable(&error));
                    None
                }
            });
            headers.maps.push(header);
        }
        headers
    }

    fn class_of_mask(&self, path: &std::path::Path) -> Result<(Class, Size), ReadError> {
        let mask: Mask = self.reader.read_mask(path, self.mask_rule)?;
        let class = if mask.anomalous_pixels() > 0 { Class::Anomalous } else { Class::Normal };
        Ok((class, mask.size()))
    }

    fn add(
        &self,
        planned: &mut PlannedCategory<'a>,
        index: u32,
        item: &Item,
        headers: Headers,
        shared_mask: Option<Size>,
    ) {
        let mut mask_is_bad = false;
        for problem in headers.problems {
            mask_is_bad |= problem.model.is_none();
            planned.bad.add(problem, &self.dataset.models);
        }
        let Some(class) = headers.class else { return };
        if mask_is_bad {
            return;
        }
        let evaluated = match self.evaluated(item, class, headers.mask, shared_mask, &headers.maps) {
            Ok(Some(size)) => size,
            Ok(None) => return,
            Err(error) => {
                let about = problem::About { category: &planned.category.name, image_id: item.image_id(), model: None };
                planned.bad.add(about.unreadable(&error), &self.dataset.models);
                return;
            }
        };
        for (model, header) in headers.maps.iter().enumerate() {
            let Some(header) = header else { continue };
            if header.size.aspect_differs(evaluated) && !self.resample_any {
                let about = problem::About {
                    category: &planned.category.name,
                    image_id: item.image_id(),
                    model: Some(&self.dataset.models[model]),
                };
                let file = item.map(model).map_or_else(PathBuf::new, |at| at.file);
                let mask = headers.mask.and_then(|_| item.mask());
                let problem = about.aspect(file, header.size, evaluated, mask.as_deref());
                planned.bad.add(problem, &self.dataset.models);
                continue;
            }
            let known = &mut planned.models[model];
            known.sample_types.insert(header.sample_type);
            known.map_bytes = known.map_bytes.max(header.working_bytes);
            known.most_map_bytes = known.most_map_bytes.max(header.most_working_bytes);
            known.stored_bytes += header.stored_bytes;
            known.normal_bytes += if class == Class::Normal { header.stored_bytes } else { 0 };
        }
        planned.images.push(PlannedImage { item: index, class, evaluated });
    }

    /// The size at which an image is evaluated: its mask's, else that of the category's masks if they share one, else
    /// that of its source image, else of its map.
    fn evaluated(
        &self,
        item: &Item,
        class: Class,
        mask: Option<Size>,
        shared_mask: Option<Size>,
        maps: &[Option<MapHeader>],
    ) -> Result<Option<Size>, ReadError> {
        let known = mask.or(if class == Class::Normal { shared_mask } else { None });
        if known.is_some() {
            return Ok(known);
        }
        match item.image() {
            Some(image) => self.reader.image_size(&image).map(Some),
            None => Ok(maps.iter().flatten().next().map(|header| header.size)),
        }
    }

    /// Classes that were left to the masks may turn out to be of one kind only.
    fn check_classes(&self, planned: &mut PlannedCategory<'a>) {
        let already = |bad: &Bad| bad.problems().any(|problem| problem.kind == ProblemKind::MissingClass);
        if already(&planned.bad) || planned.images.is_empty() {
            return;
        }
        // Where masks can't be read, images that are known to be of a class are not missing: the masks have to be fixed.
        let masks_are_bad = planned.bad.fatal().iter().any(|problem| problem.model.is_none());
        for class in [Class::Normal, Class::Anomalous] {
            let known = masks_are_bad && planned.category.count(class) > 0;
            if !known && planned.of_class(class).next().is_none() {
                let problem = problem::missing_class(&planned.category.name, &self.dataset.roots.dataset, class);
                planned.bad.add(problem, &self.dataset.models);
            }
        }
    }
}

/// The size of all masks, if they share one.
fn shared_size(headers: &[Headers]) -> Option<Size> {
    let mut sizes = headers.iter().filter_map(|headers| headers.mask);
    let first = sizes.next()?;
    sizes.all(|size| size == first).then_some(first)
}
