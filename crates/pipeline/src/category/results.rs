//! What all images of a category say together, when they are through: axis and metrics as rows, and the summary.

use pimo_accumulator::ScoreCuts;
use pimo_dataset::Class;
use pimo_finaliser::{OperatingPoint, ScoreCurve, SharedIouSearch};
use pimo_store::rows::AxisRow;
use pimo_store::{CategoryPart, CategorySummary, OperatingPoint as StoredPoint, OperatingThresholds, PublishedScores};

use super::CategoryOutcome;
use super::rows::{ModelResults, Rows};
use crate::budget::finest_resolution;
use crate::digest::{self, Digest};
use crate::metrics::{self, Metric};
use crate::{PipelineError, Settings};

impl Rows<'_> {
    pub(super) fn finish(mut self) -> Result<(CategoryOutcome, CategoryPart), PipelineError> {
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
        self.write_axis(model)?;
        let mut results = std::mem::take(&mut self.results[model]);
        let metrics = self.metrics(model, &mut results)?;
        self.write_metrics(model, &results, &metrics)?;
        let aupimo = results.scores.summary();
        let mut warnings = self.warnings(model, &results, &metrics);
        if self.run.published {
            warnings.extend(self.publish(model, aupimo.mean.is_some(), results.published)?);
        }
        let anomalous = results.scores.len() as u64;
        let summary = CategorySummary {
            images: results.normal + anomalous,
            normal: results.normal,
            anomalous,
            aupimo,
            thresholds: Some(self.thresholds(model)),
            defects: results.scores.by_defect(),
            metrics: metrics.iter().map(|metric| (metric.name.clone(), metric.stored())).collect(),
            warnings,
        };
        Ok((summary, metrics.into_iter().map(|metric| metric.name).collect()))
    }

    fn write_axis(&mut self, model: usize) -> Result<(), PipelineError> {
        let axis = &self.side(model).axis;
        let model = &self.run.dataset.models[model];
        let category = &self.run.planned.category.name;
        for (index, (&threshold, &shared_fpr)) in axis.thresholds.iter().zip(&axis.rates).enumerate() {
            let spread = axis.spread.as_ref().and_then(|rows| rows.get(index));
            let quantile = |i: usize| spread.map(|row| row.quantiles[i]);
            self.part.axis(&AxisRow {
                model: model.clone(),
                category: category.clone(),
                threshold,
                shared_fpr,
                max_fpr: spread.map(|row| row.max_fpr),
                q50: quantile(0),
                q90: quantile(1),
                q99: quantile(2),
            })?;
        }
        Ok(())
    }

    /// Writes AUPIMO's metrics and the others.
    fn write_metrics(&mut self, model: usize, results: &ModelResults, metrics: &[Metric]) -> Result<(), PipelineError> {
        let model = &self.run.dataset.models[model];
        let category = &self.run.planned.category.name;
        for (metric, value) in results.scores.metrics() {
            self.part.metric(metrics::row(model, category, metric, value))?;
        }
        for metric in metrics {
            self.part.metric(metric.row(model, category))?;
        }
        Ok(())
    }

    /// The thresholds at the bounds of the shared FPR; the lower one is that of the upper bound.
    fn thresholds(&self, model: usize) -> OperatingThresholds {
        let bounds = self.run.settings.bounds;
        let [lower, upper] = self.side(model).axis.operating_points();
        let stored = |point: OperatingPoint, bound: f64| StoredPoint {
            fpr_bound: Some(bound),
            threshold: Some(point.threshold),
            shared_fpr: Some(point.shared_fpr),
        };
        OperatingThresholds {
            lower: stored(lower, bounds.upper().value()),
            upper: stored(upper, bounds.lower().value()),
        }
    }

    fn warnings(&self, model: usize, results: &ModelResults, metrics: &[Metric]) -> Vec<String> {
        let settings = self.run.settings;
        let mut warnings = self.side(model).axis.warnings(settings);
        let fidelity = self.run.round.lanes.fidelity;
        let finest = if settings.refine {
            fidelity.cuts >= self.run.planned.pixels().min(ScoreCuts::MOST)
        } else {
            fidelity.resolution == finest_resolution(settings, self.run.planned)
        };
        warnings.extend(metrics::beyond_tolerance(metrics, settings, finest));
        warnings.extend(metrics::vague_shared_iou(metrics, settings));
        if results.scores.len() == 0 {
            let why = "no anomalous image is left to measure recall on: fix the images that were left out";
            warnings.push(why.to_owned());
        }
        warnings
    }

    /// Everything that is computed beside AUPIMO.
    fn metrics(&self, model: usize, results: &mut ModelResults) -> Result<Vec<Metric>, PipelineError> {
        let settings = self.run.settings;
        let mut found = Vec::new();
        if let Some(pixels) = results.pixels.take().filter(|_| settings.metrics.ranks_all_pixels()) {
            let coarse = || pixels.metrics(&[], settings, &results.levels);
            let of_pixels = results.refined.take().map_or_else(coarse, Ok);
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
