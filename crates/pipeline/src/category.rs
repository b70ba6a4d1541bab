//! Evaluating one category.

use std::sync::{Mutex, PoisonError};

use pimo_accumulator::SharedIou;
use pimo_dataset::{Class, Dataset, Item, Problem};
use pimo_finaliser::{BestIouMean, CurveError, Interval, OperatingPoint, ScoreCurve, SharedIouSearch};
use pimo_reader::Reader;
use pimo_store::rows::{AxisRow, CurveSlice, ImageRow, RegionRow};
use pimo_store::{CategoryPart, MetricValue, PublishedScores, RunWriter};
use pimo_store::{CategorySummary, OperatingPoint as StoredPoint, OperatingThresholds};

use crate::anomalous::{AnomalousCounter, AnomalousSeen, RegionSeen};
use crate::budget::{RegionLimit, Round, finest_resolution};
use crate::digest::{self, Digest};
use crate::metrics::{self, Metric};
use crate::normal::{NormalSide, NormalSweep};
use crate::pixels::{PixelCounts, PixelPlan};
use crate::plan::{PlannedCategory, PlannedImage};
use crate::problem::{self, Bad};
use crate::refine::Refinement;
use crate::refine_shared_iou::SharedIouRefinement;
use crate::scores::Scores;
use crate::sweep::{Counted, Outcome, Sweep};
use crate::{Cancel, Event, Observer, PipelineError, Settings};

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
                let plan = PixelPlan::new(self.settings, self.planned, model, self.round.lanes.resolution)
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
            let Some(counts) = &mut results.pixels else { continue };
            if let Some(search) = &mut results.shared_iou {
                let anomalous = images.iter().map(|(image, _)| *image).filter(|image| image.class == Class::Anomalous);
                let images = anomalous.collect();
                if !(SharedIouRefinement { run: self, model, counts, search, images }).run(found)? {
                    return Ok(false);
                }
            }
            let Some(metrics) = (Refinement { run: self, model, counts, images }).run(found)? else {
                return Ok(false);
            };
            results.refined = metrics;
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

/// Rows of a category on their way to the store, in order of images and detectors.
struct Rows<'a> {
    run: &'a CategoryRun<'a>,
    models: &'a [usize],
    sides: &'a [Option<NormalSide>],
    part: CategoryPart,
    /// Position among all images, and among the normal ones, of what is written next.
    next: usize,
    next_normal: usize,
    /// By index of the detector.
    results: Vec<ModelResults>,
    masks: Digest,
}

#[derive(Default)]
struct ModelResults {
    scores: Scores,
    normal: u64,
    /// Path key and score of every image, for the published format.
    published: Vec<(String, f64)>,
    /// Scores of anomalous images, by position among them; NaN for those that were left out.
    image_scores: Vec<f64>,
    best_iou: BestIouMean,
    shared_iou: Option<SharedIouSearch>,
    pixels: Option<PixelCounts>,
    /// The metrics of all pixels, where they were refined.
    refined: Vec<Metric>,
}

impl ModelResults {
    fn for_images(anomalous: usize) -> Self {
        Self { scores: Scores::for_images(anomalous), image_scores: vec![f64::NAN; anomalous], ..Self::default() }
    }
}

impl<'a> Rows<'a> {
    fn new(
        run: &'a CategoryRun<'a>,
        models: &'a [usize],
        sides: &'a [Option<NormalSide>],
    ) -> Result<Self, PipelineError> {
        let part = run.writer.category(&run.planned.category.name)?;
        let images = run.planned.of_class(Class::Anomalous).count();
        let of_model =
            |model| if models.contains(&model) { ModelResults::for_images(images) } else { ModelResults::default() };
        let results = (0..run.dataset.models.len()).map(of_model).collect();
        Ok(Self { run, models, sides, part, next: 0, next_normal: 0, results, masks: Digest::default() })
    }

    fn side(&self, model: usize) -> &'a NormalSide {
        self.sides[model].as_ref().expect("a detector without an axis has no rows")
    }

    /// Takes an anomalous image, in order; gives back what became of it.
    fn anomalous(&mut self, counted: Counted<AnomalousSeen>) -> Result<Outcome<()>, PipelineError> {
        self.normal_before(counted.image.item)?;
        if let Some(mask) = counted.mask_digest {
            let item = self.run.planned.item(counted.image);
            self.masks.text(item.image_id());
            self.masks.number(mask);
        }
        match counted.outcome {
            Outcome::Seen(seen) => {
                self.results[counted.model].image_scores[counted.position] = seen.image_score;
                self.write_anomalous(counted.image, counted.model, &seen).map(Outcome::Seen)
            }
            Outcome::Bad(problem) => Ok(Outcome::Bad(problem)),
            Outcome::Spoiled(problem) => Ok(Outcome::Spoiled(problem)),
            Outcome::LeftOut => Ok(Outcome::LeftOut),
        }
    }

    /// Writes the normal images that come before an item.
    fn normal_before(&mut self, item: u32) -> Result<(), PipelineError> {
        while let Some(&image) = self.run.planned.images.get(self.next)
            && image.item < item
        {
            self.next += 1;
            if image.class == Class::Normal {
                for &model in self.models {
                    self.write_normal(image, model)?;
                }
                self.next_normal += 1;
            }
        }
        Ok(())
    }

    fn write_normal(&mut self, image: PlannedImage, model: usize) -> Result<(), PipelineError> {
        let side = self.side(model);
        let Some(image_score) = side.scores[self.next_normal] else { return Ok(()) };
        let mut row = self.row(image, model);
        row.image_score = Some(image_score);
        row.anomalous_pixels = Some(0);
        let pixels = image.evaluated.pixels() as f64;
        let [lower, upper] = side.predicted[self.next_normal].map(|count| count.map(|count| count as f64 / pixels));
        row.fpr_at_lower_threshold = lower;
        row.fpr_at_upper_threshold = upper;
        self.part.image(&row)?;
        self.results[model].normal += 1;
        self.keep_published(image, model, f64::NAN);
        Ok(())
    }

    fn write_anomalous(
        &mut self,
        image: PlannedImage,
        model: usize,
        seen: &AnomalousSeen,
    ) -> Result<(), PipelineError> {
        let side = self.side(model);
        let mut row = self.row(image, model);
        row.image_score = Some(seen.image_score);
        row.anomalous_pixels = Some(seen.anomalous_pixels);
        let interval = seen.measured.aupimo;
        let aupimo = interval.map(|interval| interval.value());
        row.aupimo = aupimo;
        row.aupimo_low = interval.map(|interval| interval.low());
        row.aupimo_high = interval.map(|interval| interval.high());
        let [lower, upper] =
            [0, 1].map(|i| Overlap::new(seen.measured.found[i], seen.predicted[i], seen.anomalous_pixels));
        row.recall_at_lower_threshold = Some(lower.recall);
        row.precision_at_lower_threshold = lower.precision;
        row.iou_at_lower_threshold = Some(lower.iou);
        row.recall_at_upper_threshold = Some(upper.recall);
        row.precision_at_upper_threshold = upper.precision;
        row.iou_at_upper_threshold = Some(upper.iou);
        if let Some(best) = &seen.best_iou {
            row.best_iou = Some(best.iou());
            row.best_iou_threshold = Some(best.threshold);
            self.results[model].best_iou.add(best);
        }
        self.part.image(&row)?;
        self.write_regions(&row, &seen.regions)?;
        if !seen.measured.recalls.is_empty() {
            self.part.curve(&CurveSlice {
                model: &self.run.dataset.models[model],
                image_id: &row.image_id,
                threshold: &side.axis.thresholds,
                shared_fpr: &side.axis.rates,
                tpr: &seen.measured.recalls,
            })?;
        }
        self.results[model].scores.add(interval, row.defect.as_deref());
        self.keep_published(image, model, aupimo.unwrap_or(f64::NAN));
        Ok(())
    }

    fn write_regions(&mut self, image: &ImageRow, regions: &[RegionSeen]) -> Result<(), PipelineError> {
        for (number, seen) in regions.iter().enumerate() {
            let region = seen.region;
            let (centroid_row, centroid_col) = region.centroid();
            let [lower, upper] = seen.found.map(|found| found as f64 / region.area as f64);
            self.part.region(&RegionRow {
                model: image.model.clone(),
                category: image.category.clone(),
                image_id: image.image_id.clone(),
                region: number as u32,
                area: region.area,
                top: region.top,
                left: region.left,
                bottom: region.bottom - 1,
                right: region.right - 1,
                centroid_row,
                centroid_col,
                max_score: seen.largest,
                mean_score: seen.mean,
                covered_at_lower_threshold: Some(lower),
                covered_at_upper_threshold: Some(upper),
                aupimo: seen.aupimo.map(|interval| interval.value()),
            })?;
        }
        Ok(())
    }

    fn keep_published(&mut self, image: PlannedImage, model: usize, score: f64) {
        if self.run.published {
            let key = self.run.planned.item(image).path_key();
            self.results[model].published.push((key, score));
        }
    }

    /// What is known of an image before its map is looked at.
    fn row(&self, image: PlannedImage, model: usize) -> ImageRow {
        let item: &Item = self.run.planned.item(image);
        ImageRow {
            model: self.run.dataset.models[model].clone(),
            category: self.run.planned.category.name.clone(),
            defect: item.defect().map(str::to_owned),
            group: item.group().map(str::to_owned),
            image_id: item.image_id().to_owned(),
            is_anomalous: image.class == Class::Anomalous,
            height: Some(image.evaluated.height),
            width: Some(image.evaluated.width),
            map_path: item.map_path(model),
            mask_path: item.mask_path(),
            image_path: item.image_path(),
            ..ImageRow::default()
        }
    }

    fn finish(mut self) -> Result<(CategoryOutcome, CategoryPart), PipelineError> {
        self.normal_before(u32::MAX)?;
        let mut outcome = CategoryOutcome {
            category: self.run.planned.category.name.clone(),
            models: Vec::new(),
            aupimo: Vec::new(),
            metrics: Vec::new(),
            items_digest: self.items_digest(),
            masks_digest: self.masks.finish(),
        };
        for &model in self.models {
            outcome.aupimo.push(self.results[model].scores.metrics());
            let (summary, metrics) = self.summarise(model)?;
            outcome.metrics = metrics;
            outcome.models.push((self.run.dataset.models[model].clone(), summary));
        }
        Ok((outcome, self.part))
    }

    /// Writes a detector's axis and metrics; gives back its results, and the names of its metrics in their order.
    fn summarise(&mut self, model: usize) -> Result<(CategorySummary, Vec<String>), PipelineError> {
        let side = self.side(model);
        let name = &self.run.dataset.models[model];
        let category = &self.run.planned.category.name;
        for (index, (&threshold, &shared_fpr)) in side.axis.thresholds.iter().zip(&side.axis.rates).enumerate() {
            let spread = side.axis.spread.as_ref().and_then(|rows| rows.get(index));
            let quantile = |i: usize| spread.map(|row| row.quantiles[i]);
            self.part.axis(&AxisRow {
                model: name.clone(),
                category: category.clone(),
                threshold,
                shared_fpr,
                max_fpr: spread.map(|row| row.max_fpr),
                q50: quantile(0),
                q90: quantile(1),
                q99: quantile(2),
            })?;
        }
        let mut results = std::mem::take(&mut self.results[model]);
        let aupimo = results.scores.summary();
        for (metric, value) in results.scores.metrics() {
            self.part.metric(metrics::row(name, category, metric, value))?;
        }
        let metrics = self.metrics(model, &mut results)?;
        for metric in &metrics {
            self.part.metric(metric.row(name, category))?;
        }
        let bounds = self.run.settings.bounds;
        let [lower, upper] = side.axis.operating_points();
        let stored = |point: OperatingPoint, bound: f64| StoredPoint {
            fpr_bound: Some(bound),
            threshold: Some(point.threshold),
            shared_fpr: Some(point.shared_fpr),
        };
        let mut warnings = side.axis.warnings(self.run.settings);
        let finest = self.run.round.lanes.resolution == finest_resolution(self.run.planned);
        warnings.extend(metrics::beyond_tolerance(&metrics, self.run.settings, finest));
        warnings.extend(metrics::vague_shared_iou(&metrics, self.run.settings));
        let anomalous = results.scores.len() as u64;
        if anomalous == 0 {
            let why = "no anomalous image is left to measure recall on: fix the images that were left out";
            warnings.push(why.to_owned());
        }
        if self.run.published {
            warnings.extend(self.publish(model, aupimo.mean.is_some(), results.published)?);
        }
        let names = metrics.iter().map(|metric| metric.name.clone()).collect();
        let summary = CategorySummary {
            images: results.normal + anomalous,
            normal: results.normal,
            anomalous,
            aupimo,
            thresholds: Some(OperatingThresholds {
                lower: stored(lower, bounds.upper().value()),
                upper: stored(upper, bounds.lower().value()),
            }),
            defects: results.scores.by_defect(),
            metrics: metrics.iter().map(|metric| (metric.name.clone(), metric.stored())).collect(),
            warnings,
        };
        Ok((summary, names))
    }

    /// Everything that is computed beside AUPIMO.
    fn metrics(&self, model: usize, results: &mut ModelResults) -> Result<Vec<Metric>, PipelineError> {
        let (settings, side) = (self.run.settings, self.side(model));
        let mut found = Vec::new();
        if let Some(pixels) = results.pixels.take() {
            let refined = settings.refine.then(|| std::mem::take(&mut results.refined));
            let of_pixels = self.of_pixels(&pixels, refined, &side.levels);
            found.extend(of_pixels.map_err(|error| self.run.too_many_pixels(error))?);
        }
        if settings.metrics.iou {
            let shared = results.shared_iou.as_ref().map(SharedIouSearch::best);
            found.extend(metrics::of_overlaps(results.best_iou.value(), shared));
        }
        if settings.metrics.image {
            let labelled = self.image_scores(model, results).map(|(_, image)| image);
            found.extend(metrics::of_images(&ScoreCurve::of_labelled(labelled), settings));
            let mut groups = self.image_scores(model, results).map(|(image, _)| self.run.planned.item(image).group());
            if settings.profile.is_none() && groups.any(|group| group.is_some()) {
                found.extend(metrics::of_samples(&self.samples(model, results)));
            }
        }
        Ok(found)
    }

    /// Metrics over all pixels, those that were refined taken as they are.
    fn of_pixels(
        &self,
        pixels: &PixelCounts,
        refined: Option<Vec<Metric>>,
        levels: &[(f64, Option<Interval>)],
    ) -> Result<Vec<Metric>, CurveError> {
        let settings = self.run.settings;
        if !settings.metrics.pixel && !settings.metrics.aupro {
            return Ok(Vec::new());
        }
        if let Some(profile) = settings.profile {
            return refined.map_or_else(|| Ok(metrics::of_pixels_by(profile, &pixels.curve()?)), Ok);
        }
        let values = pixels.values(&settings.aupro_limits, &metrics::thresholds(settings, levels))?;
        let mut found = refined.unwrap_or_else(|| metrics::of_pixels(&values, settings));
        found.extend(metrics::at_levels(&values, settings, levels));
        Ok(found)
    }

    /// Every image that was evaluated with its score and whether it is anomalous.
    fn image_scores<'r>(
        &'r self,
        model: usize,
        results: &'r ModelResults,
    ) -> impl Iterator<Item = (PlannedImage, (f64, bool))> + 'r {
        let mut normal = self.side(model).scores.iter().map(|score| score.unwrap_or(f64::NAN));
        let mut anomalous = results.image_scores.iter().copied();
        self.run.planned.images.iter().filter_map(move |&image| {
            let is_anomalous = image.class == Class::Anomalous;
            let score = if is_anomalous { anomalous.next() } else { normal.next() };
            score.filter(|score| !score.is_nan()).map(|score| (image, (score, is_anomalous)))
        })
    }

    /// Images of one group are one sample; an image without a group is one of its own.
    fn samples(&self, model: usize, results: &ModelResults) -> ScoreCurve {
        ScoreCurve::of_samples(self.image_scores(model, results).map(|(image, (score, is_anomalous))| {
            let item = self.run.planned.item(image);
            let own = item.group().is_none().then_some(image.item);
            ((item.group(), own), score, is_anomalous)
        }))
    }

    /// Adds the scores in the published format; a warning where there are none.
    fn publish(
        &mut self,
        model: usize,
        defined: bool,
        mut scores: Vec<(String, f64)>,
    ) -> Result<Option<String>, PipelineError> {
        if !defined {
            return Ok(Some("no aupimos.json is written, because AUPIMO is null".to_owned()));
        }
        scores.sort_by(|a, b| a.0.cmp(&b.0));
        let axis = &self.side(model).axis;
        let [lower, upper] = axis.operating_points();
        let bounds = self.run.settings.bounds;
        let (paths, aupimos) = scores.into_iter().unzip();
        let published = PublishedScores {
            shared_fpr_metric: Some(shared_fpr_metric(self.run.settings)),
            fpr_lower_bound: bounds.lower().value(),
            fpr_upper_bound: bounds.upper().value(),
            num_threshs: axis.points(),
            thresh_lower_bound: Some(lower.threshold),
            thresh_upper_bound: Some(upper.threshold),
            aupimos,
            paths: Some(paths),
        };
        self.part.published(&self.run.dataset.models[model], &published)?;
        Ok(None)
    }

    fn items_digest(&self) -> String {
        let mut digest = Digest::default();
        for &image in &self.run.planned.images {
            let item = self.run.planned.item(image);
            digest.text(item.image_id());
            digest.number(u128::from(image.class == Class::Anomalous));
            digest.size(image.evaluated);
            digest.number(digest::of_text(item.group().unwrap_or("")));
        }
        digest.finish()
    }
}

/// The published name of the shared FPR.
fn shared_fpr_metric(settings: &Settings) -> String {
    match settings.shared_fpr {
        pimo_finaliser::SharedFpr::Mean => "mean-per-image-fpr".to_owned(),
        other => format!("{other}-per-image-fpr"),
    }
}

/// How a prediction overlaps the mask of an image.
struct Overlap {
    recall: f64,
    /// Undefined where nothing is predicted.
    precision: Option<f64>,
    iou: f64,
}

impl Overlap {
    fn new(found: u64, predicted: u64, anomalous: u64) -> Self {
        let union = anomalous + predicted - found;
        Self {
            recall: found as f64 / anomalous as f64,
            precision: (predicted > 0).then(|| found as f64 / predicted as f64),
            iou: found as f64 / union as f64,
        }
    }
}
