//! Rows of a category on their way to the store, and what becomes of each detector meanwhile.

use pimo_dataset::{Class, Item};
use pimo_finaliser::{BestIouMean, SharedIouSearch};
use pimo_store::CategoryPart;
use pimo_store::rows::{CurveSlice, ImageRow, RegionRow};

use super::CategoryRun;
use super::overlap_rates::OverlapRates;
use crate::PipelineError;
use crate::anomalous::{AnomalousSeen, RegionSeen};
use crate::digest::Digest;
use crate::levels::{self, Level};
use crate::metrics::Metric;
use crate::normal::NormalSide;
use crate::pixels::PixelCounts;
use crate::plan::PlannedImage;
use crate::scores::Scores;
use crate::sweep::{Counted, Outcome};

/// Rows of a category on their way to the store, in order of images and detectors.
pub(super) struct Rows<'a> {
    pub(super) run: &'a CategoryRun<'a>,
    pub(super) models: &'a [usize],
    pub(super) sides: &'a [Option<NormalSide>],
    pub(super) part: CategoryPart,
    /// Position among all images, and among the normal ones, of what is written next.
    pub(super) next: usize,
    pub(super) next_normal: usize,
    /// By index of the detector.
    pub(super) results: Vec<ModelResults>,
    pub(super) masks: Digest,
}

/// What is gathered of one detector while its images come.
#[derive(Default)]
pub(super) struct ModelResults {
    pub(super) scores: Scores,
    pub(super) normal: u64,
    /// Path key and score of every image, for the published format.
    pub(super) published: Vec<(String, f64)>,
    /// Scores of anomalous images, by position among them; NaN for those that were left out.
    pub(super) image_scores: Vec<f64>,
    pub(super) best_iou: BestIouMean,
    pub(super) shared_iou: Option<SharedIouSearch>,
    pub(super) pixels: Option<PixelCounts>,
    /// Levels of the shared FPR with the pixels that reach them.
    pub(super) levels: Vec<Level>,
    /// The metrics of all pixels, where they were refined.
    pub(super) refined: Option<Vec<Metric>>,
}

impl ModelResults {
    fn new(side: &NormalSide, anomalous: usize) -> Self {
        Self {
            scores: Scores::for_images(anomalous),
            image_scores: vec![f64::NAN; anomalous],
            levels: side.levels.clone(),
            ..Self::default()
        }
    }
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        run: &'a CategoryRun<'a>,
        models: &'a [usize],
        sides: &'a [Option<NormalSide>],
    ) -> Result<Self, PipelineError> {
        let part = run.writer.category(&run.planned.category.name)?;
        let images = run.planned.of_class(Class::Anomalous).count();
        let of_side = |side: &Option<NormalSide>| side.as_ref().map(|side| ModelResults::new(side, images));
        let results = sides.iter().map(|side| of_side(side).unwrap_or_default()).collect();
        Ok(Self { run, models, sides, part, next: 0, next_normal: 0, results, masks: Digest::default() })
    }

    pub(super) fn side(&self, model: usize) -> &'a NormalSide {
        self.sides[model].as_ref().expect("a detector without an axis has no rows")
    }

    /// Takes an anomalous image, in order; gives back what became of it.
    pub(super) fn anomalous(&mut self, counted: Counted<AnomalousSeen>) -> Result<Outcome<()>, PipelineError> {
        self.normal_before(counted.image.item)?;
        if let Some(mask) = counted.mask_digest {
            let item = self.run.planned.item(counted.image);
            self.masks.text(item.image_id());
            self.masks.number(mask);
        }
        match counted.outcome {
            Outcome::Seen(seen) => {
                let results = &mut self.results[counted.model];
                results.image_scores[counted.position] = seen.image_score;
                levels::add(&mut results.levels, &seen.reaching);
                self.write_anomalous(counted.image, counted.model, &seen).map(Outcome::Seen)
            }
            Outcome::Bad(problem) => Ok(Outcome::Bad(problem)),
            Outcome::Spoiled(problem) => Ok(Outcome::Spoiled(problem)),
            Outcome::LeftOut => Ok(Outcome::LeftOut),
        }
    }

    /// Writes the normal images that come before an item.
    pub(super) fn normal_before(&mut self, item: u32) -> Result<(), PipelineError> {
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
            [0, 1].map(|i| OverlapRates::new(seen.measured.found[i], seen.predicted[i], seen.anomalous_pixels));
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

    /// Every image that was evaluated with its score and whether it is anomalous.
    pub(super) fn image_scores<'r>(
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
}
