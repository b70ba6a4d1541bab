//! Checking a dataset without evaluating it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pimo_accumulator::{BadScore, ImageScore, NormalCounter};
use pimo_dataset::{Class, Dataset, Note, Problem};
use pimo_frame::{Frame, SampleType, Size};
use pimo_reader::Reader;

use crate::budget::{self, Round};
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
    /// How fast maps were read; none if there was nothing to read.
    pub speed: Option<ReadingSpeed>,
}

/// How fast maps were read and looked through: all of them by a deep inspection, a few otherwise.
#[derive(Clone, Copy, Debug)]
pub struct ReadingSpeed {
    /// Maps that were read.
    pub maps: u64,
    /// Bytes of samples in them.
    pub bytes: u64,
    /// The time it took.
    pub time: Duration,
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
    /// Bytes of samples in the maps of normal images.
    pub normal_bytes: u64,
    /// Pixels of the normal images, one detector's.
    pub normal_pixels: u64,
    /// The memory in bytes with which AUPIMO is exact and other metrics are as precise as they get.
    pub full_memory: u64,
}

/// Looks at the headers of all files and into a few of them; `deep` decodes everything.
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
    settings.check()?;
    let reader = new_reader(settings);
    let discovery = look(input, &reader)?;
    let mut inspection = Inspection {
        layout: discovery.dataset.layout.map(pimo_dataset::Layout::name),
        models: discovery.dataset.models.clone(),
        categories: Vec::new(),
        problems: discovery.problems.iter().filter(|problem| problem.category.is_none()).cloned().collect(),
        notes: discovery.notes.clone(),
        memory: None,
        speed: None,
    };
    let placed = pimo_dataset::Discovery {
        dataset: discovery.dataset,
        problems: discovery.problems.into_iter().filter(|problem| problem.category.is_some()).collect(),
        notes: Vec::new(),
    };
    let planned = plan(&placed, settings, &reader, cancel)?;
    let images = placed.dataset.images();
    let models: Vec<usize> = (0..placed.dataset.models.len()).collect();
    if deep {
        let maps = planned.iter().map(|category| category.images.len() * placed.dataset.models.len()).sum::<usize>();
        let bytes = planned.iter().flat_map(|category| &category.models).map(|model| model.stored_bytes).sum();
        observer.event(Event::Planned { categories: planned.len(), maps: maps as u64, bytes });
    }
    let tally = Tally::new(deep.then_some(observer));
    let mut reading = Duration::ZERO;
    for mut category in planned {
        // Detectors whose headers are in the way are not evaluated, but their maps may have more problems to list.
        let sound = category.bad.sound_models();
        if !category.images.is_empty() {
            let wanted = if deep { category.images.clone() } else { sample(&category) };
            tally.event(Event::Category { name: &category.category.name, images: wanted.len() });
            let clock = Instant::now();
            for round in &budget::rounds(settings, &category, &models, images).0 {
                let sweep = Decoding { settings, reader: &reader, dataset: &placed.dataset, round, cancel };
                let found = sweep.run(&category, &wanted, &tally)?;
                add_new(&mut category, found, &placed.dataset.models);
            }
            reading += clock.elapsed();
        }
        if let (_, Some(error)) = budget::rounds(settings, &category, &sound, images) {
            inspection.memory = Some(PipelineError::larger(inspection.memory.take(), error));
        }
        category.bad.sort();
        inspection.problems.extend(category.bad.problems().cloned());
        inspection.categories.push(summary(&category, budget::full_bytes(settings, &category, &sound, images)));
    }
    inspection.speed = tally.speed(reading);
    Ok(inspection)
}

/// Images of each category that are read to find out how fast that is.
const SAMPLED_IMAGES: usize = 8;
/// Bytes of maps after which enough was read of a category.
const SAMPLED_BYTES: u64 = 64 << 20;

/// A few images, spread over a category.
fn sample(category: &PlannedCategory<'_>) -> Vec<PlannedImage> {
    let count = category.images.len();
    let stored: u64 = category.models.iter().map(|model| model.stored_bytes).sum();
    let affordable = SAMPLED_BYTES / (stored / count as u64).max(1);
    let wanted = (affordable.max(1) as usize).min(SAMPLED_IMAGES).min(count);
    (0..wanted).map(|index| category.images[index * count / wanted]).collect()
}

/// Counts what was read, and passes events on to an observer if there is one.
struct Tally<'a> {
    maps: AtomicU64,
    bytes: AtomicU64,
    observer: Option<&'a dyn Observer>,
}

impl<'a> Tally<'a> {
    fn new(observer: Option<&'a dyn Observer>) -> Self {
        Self { maps: AtomicU64::new(0), bytes: AtomicU64::new(0), observer }
    }

    fn speed(&self, time: Duration) -> Option<ReadingSpeed> {
        let (maps, bytes) = (self.maps.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        (bytes > 0).then_some(ReadingSpeed { maps, bytes, time })
    }
}

impl Observer for Tally<'_> {
    fn event(&self, event: Event<'_>) {
        if let Event::Map { bytes } = event {
            self.maps.fetch_add(u64::from(bytes > 0), Ordering::Relaxed);
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        if let Some(observer) = self.observer {
            observer.event(event);
        }
    }
}

fn summary(category: &PlannedCategory<'_>, full_memory: u64) -> CategoryInspection {
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
        normal_bytes: category.models.iter().map(|model| model.normal_bytes).sum(),
        normal_pixels: category.normal_pixels().sum(),
        full_memory,
    }
}

/// Reading maps and masks of a category, for what is wrong inside of them.
struct Decoding<'a> {
    settings: &'a Settings,
    reader: &'a Reader,
    dataset: &'a Dataset,
    round: &'a Round,
    cancel: &'a Cancel,
}

impl Decoding<'_> {
    fn run(
        &self,
        category: &PlannedCategory<'_>,
        images: &[PlannedImage],
        observer: &dyn Observer,
    ) -> Result<Vec<Problem>, PipelineError> {
        let mut found = Vec::new();
        let sweep = Sweep {
            reader: self.reader,
            dataset: self.dataset,
            category,
            mask_rule: self.settings.mask_rule,
            with_masks: true,
            region_limit: budget::RegionLimit::new(self.settings, category),
            half_precision: self.settings.rounds_to_half(),
            images,
            models: &self.round.models,
            bad: &category.bad,
            lanes: self.round.lanes,
            cancel: self.cancel,
            observer,
        };
        sweep.run(
            || Finite(NormalCounter::new(ImageScore::Max)),
            |counted| {
                if let Outcome::Bad(problem) | Outcome::Spoiled(problem) = counted.outcome {
                    found.push(*problem);
                }
                Ok(())
            },
        )?;
        Ok(found)
    }
}

/// Takes note of problems; what the headers told already is not told twice.
fn add_new(category: &mut PlannedCategory<'_>, found: Vec<Problem>, models: &[String]) {
    let known: Vec<Problem> = category.bad.problems().cloned().collect();
    for problem in found.into_iter().filter(|problem| !known.contains(problem)) {
        category.bad.add(problem, models);
    }
}

/// Looks whether scores are finite.
struct Finite(NormalCounter);

impl Count for Finite {
    type Seen = ();

    fn count(&mut self, _position: usize, _model: usize, frame: &Frame) -> Result<(), BadScore> {
        self.0.count(frame, 1, u64::MAX).map(|_| ())
    }
}
