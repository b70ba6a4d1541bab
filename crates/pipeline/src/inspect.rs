//! Checking a dataset without evaluating it.

use std::collections::BTreeSet;

use pimo_accumulator::{BadScore, ImageScore, NormalCounter};
use pimo_dataset::{Class, Note, Problem};
use pimo_frame::{Frame, SampleType, Size};

use crate::budget::Lanes;
use crate::evaluate::{look, new_reader, plan};
use crate::plan::{PlannedCategory, PlannedImage};
use crate::sweep::{Count, Outcome, Sweep};
use crate::{Cancel, Event, Input, Observer, PipelineError, Settings};

/// What a dataset is like, and everything that is wrong with it.
#[derive(Debug)]
pub struct Inspection {
    /// The layout's name; none for a manifest.
    pub layout: Option<&'static str>,
    /// Names of the detectors.
    pub models: Vec<String>,
    /// Its categories, in order of names.
    pub categories: Vec<CategoryInspection>,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
    /// What was left aside or chosen.
    pub notes: Vec<Note>,
    /// Why the memory budget does not suffice, if it does not.
    pub memory: Option<PipelineError>,
}

/// What a category is like.
#[derive(Debug)]
pub struct CategoryInspection {
    /// Its name.
    pub name: String,
    /// Normal images.
    pub normal: usize,
    /// Anomalous images.
    pub anomalous: usize,
    /// Smallest and largest size at which images are evaluated; none without images.
    pub sizes: Option<(Size, Size)>,
    /// Types of the samples of all maps.
    pub sample_types: BTreeSet<SampleType>,
    /// Bytes of samples in all maps.
    pub bytes: u64,
    /// Pixels of the normal images, one detector's.
    pub normal_pixels: u64,
}

/// Looks at the headers of all files; `deep` decodes everything as well.
///
/// # Errors
/// The dataset can't be looked at, or a request to stop.
pub fn inspect(
    input: &Input,
    settings: &Settings,
    deep: bool,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Inspection, PipelineError> {
    let reader = new_reader(settings);
    let discovery = look(input, &reader)?;
    let mut inspection = Inspection {
        layout: discovery.dataset.layout.map(pimo_dataset::Layout::name),
        models: discovery.dataset.models.clone(),
        categories: Vec::new(),
        problems: discovery.problems.iter().filter(|problem| problem.category.is_none()).cloned().collect(),
        notes: discovery.notes.clone(),
        memory: None,
    };
    let placed = pimo_dataset::Discovery {
        dataset: discovery.dataset,
        problems: discovery.problems.into_iter().filter(|problem| problem.category.is_some()).collect(),
        notes: Vec::new(),
    };
    let planned = plan(&placed, settings, &reader)?;
    let images = placed.dataset.images();
    if deep {
        let maps = planned.iter().map(|category| category.images.len() * placed.dataset.models.len()).sum::<usize>();
        let bytes = planned.iter().flat_map(|category| &category.models).map(|model| model.stored_bytes).sum();
        observer.event(Event::Planned { categories: planned.len(), maps: maps as u64, bytes });
    }
    for mut category in planned {
        if !category.images.is_empty() {
            match Lanes::for_category(settings, &category, images) {
                Ok(lanes) if deep => decode(settings, &reader, &placed.dataset, &mut category, lanes, cancel, observer)?,
                Ok(_) => {}
                Err(error) => inspection.memory = inspection.memory.or(Some(error)),
            }
        }
        inspection.problems.extend(category.bad.problems().cloned());
        inspection.categories.push(summary(&category));
    }
    Ok(inspection)
}

fn summary(category: &PlannedCategory<'_>) -> CategoryInspection {
    let sizes = || category.images.iter().map(|image| image.evaluated);
    let smallest = sizes().min_by_key(|size| (size.pixels(), *size));
    let largest = sizes().max_by_key(|size| (size.pixels(), *size));
    CategoryInspection {
        name: category.category.name.clone(),
        normal: category.of_class(Class::Normal).count(),
        anomalous: category.of_class(Class::Anomalous).count(),
        sizes: smallest.zip(largest),
        sample_types: category.models.iter().flat_map(|model| model.sample_types.iter().copied()).collect(),
        bytes: category.models.iter().map(|model| model.stored_bytes).sum(),
        normal_pixels: category.normal_pixels().sum(),
    }
}

/// Reads and decodes every map and mask of a category.
fn decode(
    settings: &Settings,
    reader: &pimo_reader::Reader,
    dataset: &pimo_dataset::Dataset,
    category: &mut PlannedCategory<'_>,
    lanes: Lanes,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<(), PipelineError> {
    observer.event(Event::Category { name: &category.category.name, images: category.images.len() });
    let images: Vec<PlannedImage> = category.images.clone();
    let models: Vec<usize> = (0..dataset.models.len()).collect();
    let mut found = Vec::new();
    let sweep = Sweep {
        reader,
        dataset,
        category,
        mask_rule: settings.mask_rule,
        images: &images,
        models: &models,
        bad: &category.bad,
        lanes,
        cancel,
        observer,
    };
    sweep.run(
        || Finite(NormalCounter::new(ImageScore::Max)),
        |counted| {
            if let Outcome::Bad(problem) = counted.outcome {
                found.push(*problem);
            }
            Ok(())
        },
    )?;
    // What the headers told already is not told twice.
    let known: Vec<Problem> = category.bad.problems().cloned().collect();
    for problem in found.into_iter().filter(|problem| !known.contains(problem)) {
        category.bad.add(problem, &dataset.models);
    }
    Ok(())
}

/// Looks whether scores are finite.
struct Finite(NormalCounter);

impl Count for Finite {
    type Seen = ();

    fn count(&mut self, _position: usize, _model: usize, frame: &Frame) -> Result<(), BadScore> {
        self.0.count(frame, 1, u64::MAX).map(|_| ())
    }
}
