//! Evaluating one category.

use std::sync::{Mutex, PoisonError};

use pimo_accumulator::SharedIou;
use pimo_dataset::{Class, Dataset, Problem};
use pimo_finaliser::{CurveError, SharedIouSearch};
use pimo_reader::Reader;
use pimo_store::{CategoryPart, CategorySummary, MetricValue, RunWriter};

use crate::anomalous::AnomalousCounter;
use crate::budget::{RegionLimit, Round};
use crate::normal::{NormalSide, NormalSweep};
use crate::pixels::{PixelCounts, PixelPlan};
use crate::plan::{PlannedCategory, PlannedImage};
use crate::problem::{self, Bad};
use crate::refine::Refinement;
use crate::refine_shared_iou::SharedIouRefinement;
use crate::sweep::{Outcome, Sweep};
use crate::{Cancel, Event, Observer, PipelineError, Settings};

mod overlap_rates;
mod results;
mod rows;

use rows::Rows;

/// The results of one category.
#[derive(Clone, Debug)]
pub struct CategoryOutcome {
    /// Its name.
    pub category: String,
    /// Results by detector, in order of names.
    pub models: Vec<(String, CategorySummary)>,
    /// AUPIMO's metrics of the same detectors.
    pub(crate) aupimo: Vec<[(&'static str, MetricValue); 4]>,
    /// Names of the metrics beside AUPIMO, in the order of their rows; the same for all detectors.
    pub(crate) metrics: Vec<String>,
    /// Digest of the images' names, classes and sizes.
    pub items_digest: String,
    /// Digest of the masks.
    pub masks_digest: String,
}

impl CategoryOutcome {
    /// Adds the results of other detectors, whose names come later. False, with nothing added, if the masks were not the
    /// same.
    #[must_use]
    pub(crate) fn join(&mut self, other: Self) -> bool {
        let same = self.masks_digest == other.masks_digest;
        if same {
            self.models.extend(other.models);
            self.aupimo.extend(other.aupimo);
        }
        same
    }
}

/// Everything that evaluating some detectors of a category needs.
pub(crate) struct CategoryRun<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) reader: &'a Reader,
    pub(crate) dataset: &'a Dataset,
    pub(crate) planned: &'a PlannedCategory<'a>,
    pub(crate) round: &'a Round,
    pub(crate) writer: &'a RunWriter,
    pub(crate) published: bool,
    pub(crate) cancel: &'a Cancel,
    pub(crate) observer: &'a dyn Observer,
}

impl CategoryRun<'_> {
    /// Evaluates every detector of the round that nothing is in the way of; `None` when there is none. The rows are
    /// not part of the run yet.
    ///
    /// A detector that turns out to be bad on the way takes the others' rows along, which are then made again without
    /// it: rows stream to disk and can't be taken back one by one.
    ///
    /// # Errors
    /// A result that can't be written, a request to stop.
    pub(crate) fn evaluate(&self, found: &mut Bad) -> Result<Option<(CategoryOutcome, CategoryPart)>, PipelineError> {
        loop {
            let models = self.sound_models(found);
            if models.is_empty() {
                return Ok(None);
            }
            let before = self.reader.bytes_read();
            if let Some(outcome) = self.attempt(&models, found)? {
                return Ok(Some(outcome));
            }
            let planned = self.planned.bytes_to_read(&models, self.settings);
            let left = self.planned.bytes_to_read(&self.sound_models(found), self.settings);
            let bytes = (self.reader.bytes_read() - before + left).saturating_sub(planned);
            self.observer.event(Event::Again { bytes });
        }
    }

    /// Detectors of the round that nothing is in the way of.
    fn sound_models(&self, found: &Bad) -> Vec<usize> {
        let sound = found.sound_models();
        self.round.models.iter().copied().filter(|model| sound.contains(model)).collect()
    }

    fn attempt(
        &self,
        models: &[usize],
        found: &mut Bad,
    ) -> Result<Option<(CategoryOutcome, CategoryPart)>, PipelineError> {
        let normal = self.planned.list(Class::Normal);
        let pixels: Vec<Option<PixelCounts>> = (0..self.dataset.models.len())
            .map(|model| {
                let plan = PixelPlan::new(self.settings, self.planned, model, self.round.lanes.fidelity)
                    .filter(|_| models.contains(&model));
                plan.map(PixelCounts::new)
            })
            .collect();
        let mut sides: Vec<Option<NormalSide>> = self.dataset.models.iter().map(|_| None).collect();
        let known = found.clone();
        let sweep = self.sweep(&normal, models, &known);
        let swept = NormalSweep { settings: self.settings, sweep, pixels: &pixels, found }.run()?;
        for (&model, side) in models.iter().zip(swept) {
            sides[model] = side;
        }
        if found.take_spoiled() || models.iter().any(|&model| sides[model].is_none()) {
            return Ok(None);
        }
        drop(normal);
        let anomalous = self.planned.list(Class::Anomalous);
        let mut rows = Rows::new(self, models, &sides)?;
        let known = found.clone();
        let sweep = self.sweep(&anomalous, models, &known);
        let overlaps: Vec<Option<Mutex<SharedIou>>> =
            sides.iter().map(|side| self.shared_overlap(side.as_ref()?)).collect();
        let counter = || AnomalousCounter::new(self.settings, &sides, &pixels, &overlaps);
        sweep.run(counter, |counted| {
            match rows.anomalous(counted)? {
                Outcome::Bad(problem) => found.add(*problem, &self.dataset.models),
                Outcome::Spoiled(problem) => found.add_spoiled(*problem, &self.dataset.models),
                Outcome::Seen(()) | Outcome::LeftOut => {}
            }
            Ok(())
        })?;
        let sound = found.sound_models();
        if found.take_spoiled() || models.iter().any(|model| !sound.contains(model)) {
            return Ok(None);
        }
        for ((results, pixels), overlap) in rows.results.iter_mut().zip(pixels).zip(overlaps) {
            results.pixels = pixels;
            let sums = overlap.map(|sums| sums.into_inner().unwrap_or_else(PoisonError::into_inner));
            results.shared_iou = sums.and_then(SharedIouSearch::new);
        }
        if self.settings.refine && !self.refine(models, &mut rows, found)? {
            return Ok(None);
        }
        rows.finish().map(Some)
    }

    /// Counts again what is not known precisely enough; false if a detector turned out to be bad.
    fn refine(&self, models: &[usize], rows: &mut Rows<'_>, found: &mut Bad) -> Result<bool, PipelineError> {
        for &model in models {
            let images: Vec<(PlannedImage, f64)> =
                rows.image_scores(model, &rows.results[model]).map(|(image, (score, _))| (image, score)).collect();
            let results = &mut rows.results[model];
            let (Some(counts), levels) = (&results.pixels, &results.levels[..]) else { continue };
            if let Some(search) = &mut results.shared_iou {
                let anomalous = images.iter().map(|(image, _)| *image).filter(|image| image.class == Class::Anomalous);
                let images = anomalous.collect();
                if !(SharedIouRefinement { run: self, model, counts, search, images }).run(found)? {
                    return Ok(false);
                }
            }
            if !self.settings.metrics.ranks_all_pixels() {
                continue;
            }
            let Some(metrics) = (Refinement { run: self, model, counts, levels, images }).run(found)? else {
                return Ok(false);
            };
            results.refined = Some(metrics);
        }
        Ok(true)
    }

    /// What to say of maps that changed between two readings.
    pub(crate) fn changed(&self, model: usize) -> Problem {
        problem::changed(&self.planned.category.name, &self.dataset.models[model], &self.dataset.roots.maps[model])
    }

    /// What to say of more pixels than can be counted.
    pub(crate) fn too_many_pixels(&self, error: CurveError) -> PipelineError {
        PipelineError::Pixels { category: self.planned.category.name.clone(), message: error.to_string() }
    }

    fn shared_overlap(&self, side: &NormalSide) -> Option<Mutex<SharedIou>> {
        let thresholds = &side.grid.thresholds[..side.grid.overlap];
        self.settings.metrics.iou.then(|| Mutex::new(SharedIou::new(thresholds)))
    }

    pub(crate) fn sweep<'s>(&'s self, images: &'s [PlannedImage], models: &'s [usize], bad: &'s Bad) -> Sweep<'s> {
        Sweep {
            reader: self.reader,
            dataset: self.dataset,
            category: self.planned,
            mask_rule: self.settings.mask_rule,
            with_masks: true,
            region_limit: RegionLimit::new(self.settings, self.planned),
            half_precision: self.settings.rounds_to_half(),
            images,
            models,
            bad,
            lanes: self.round.lanes,
            cancel: self.cancel,
            observer: self.observer,
        }
    }
}
