//! Counting again the scores that make a metric's interval wider than it may be.
//!
//! Of the histogram of all pixels some pages are chosen. The anomalous images are read again for the scores of their
//! anomalous pixels in these pages, and then all images for the number of pixels at and between these scores: no metric
//! asks for more, so nothing of these pages remains unknown. Mostly all pages that matter can be counted at once. If
//! memory does not suffice for that, those on which a maximum may lie and those that add most to the areas come first,
//! and stay. Then others follow, a group at a time: areas are sums over pages, and what a page adds depends on the counts
//! above it, which are known; so the difference that a group makes is noted for each area, and the group forgotten. It
//! ends when the tolerance holds, or when nothing is left to be counted again.

use std::sync::{Mutex, PoisonError};

use pimo_accumulator::{BadScore, ChosenPages, CutCounter, ImageScore, ScoreCounter, ScoreCuts, ScoreHistogram};
use pimo_dataset::Class;
use pimo_finaliser::{CurveValues, Interval};
use pimo_frame::{Frame, RowScratch};

use crate::category::CategoryRun;
use crate::levels::Level;
use crate::metrics::{self, Metric, MetricKind};
use crate::pixels::{PageUncertainty, PixelCounts};
use crate::plan::PlannedImage;
use crate::problem::Bad;
use crate::sweep::{Count, Sweep};
use crate::{PipelineError, Settings};

/// Groups of pages that are counted again at most.
const MOST_GROUPS: usize = 256;

/// What is refined: one detector's pixels in one category.
pub(crate) struct Refinement<'a> {
    pub(crate) run: &'a CategoryRun<'a>,
    pub(crate) model: usize,
    pub(crate) counts: &'a PixelCounts,
    /// Levels of the shared FPR with the pixels that reach them.
    pub(crate) levels: &'a [Level],
    /// Images that were evaluated, with their scores.
    pub(crate) images: Vec<(PlannedImage, f64)>,
}

impl Refinement<'_> {
    /// Reads again what it needs, and gives the metrics of all pixels; `None`, and a problem noted, if the maps are not
    /// what they were.
    ///
    /// # Errors
    /// A request to stop, or more pixels than can be counted.
    pub(crate) fn run(self, found: &mut Bad) -> Result<Option<Vec<Metric>>, PipelineError> {
        let (metrics, mut pages) = self.measure(&[])?;
        let by_peak =
            |a: &PageUncertainty, b: &PageUncertainty| b.splits.cmp(&a.splits).then(b.peak.total_cmp(&a.peak));
        pages.sort_by(|a, b| by_peak(a, b).then(b.area.total_cmp(&a.area)).then(a.page.cmp(&b.page)));
        let needed = self.needed(&pages);
        if needed.is_empty() {
            return Ok(Some(metrics));
        }
        let most = self.run.round.lanes.fidelity.cuts;
        if self.cuts_of(needed) + self.thresholds().len() as u64 > most {
            return self.run_in_groups(needed, most / 2, found);
        }
        let Some(cuts) = self.count_again(needed, found)? else { return Ok(None) };
        Ok(Some(self.metrics(&[cuts])?.0))
    }

    /// Counts pages again in groups that have so many cuts at most, if not a single page needs more.
    fn run_in_groups(
        &self,
        needed: &[PageUncertainty],
        most: u64,
        found: &mut Bad,
    ) -> Result<Option<Vec<Metric>>, PipelineError> {
        let Some(first) = self.count_again(self.fitting(needed, most), found)? else { return Ok(None) };
        let mut cuts = vec![first];
        let (metrics, mut pages) = self.measure(&cuts)?;
        pages.sort_by(|a, b| b.area.total_cmp(&a.area).then(a.page.cmp(&b.page)));
        let mut refined = metrics.clone();
        let mut areas = Areas::of(&metrics);
        for _ in 1..MOST_GROUPS {
            let needed = self.needed(&pages);
            // Nothing else is changed by further groups.
            if needed.is_empty()
                || refined.iter().all(|metric| metric.kind != MetricKind::Area || self.is_precise(metric))
            {
                break;
            }
            let group = self.fitting(needed, most);
            let Some(next) = self.count_again(group, found)? else { return Ok(None) };
            cuts.push(next);
            areas.add(&self.metrics(&cuts)?.0);
            cuts.pop();
            refined.clone_from(&metrics);
            areas.apply(&mut refined);
            let counted = group.len();
            pages.drain(..counted);
        }
        Ok(Some(refined))
    }

    fn is_precise(&self, metric: &Metric) -> bool {
        metric.refined_half_width().is_none_or(|half_width| half_width <= metrics::tolerance(self.run.settings))
    }

    /// The metrics of all pixels, and the pages that make some of them less precise than they are to be.
    fn measure(&self, cuts: &[ScoreCuts]) -> Result<(Vec<Metric>, Vec<PageUncertainty>), PipelineError> {
        let (metrics, values) = self.metrics(cuts)?;
        let pages = self.counts.uncertainty(cuts, &self.run.settings.aupro_limits, &values);
        let mut pages = pages.map_err(|error| self.run.too_many_pixels(error))?;
        let is_wide = |kind| metrics.iter().any(|metric| metric.kind == kind && !self.is_precise(metric));
        let [areas, peaks, rates] = [MetricKind::Area, MetricKind::Rate, MetricKind::AtThreshold].map(is_wide);
        pages.retain_mut(|page| {
            *page = PageUncertainty {
                area: if areas { page.area } else { 0.0 },
                peak: if peaks { page.peak } else { 0.0 },
                splits: rates && page.splits,
                ..*page
            };
            page.splits || page.area > 0.0 || page.peak > 0.0
        });
        Ok((metrics, pages))
    }

    /// The metrics of all pixels, and the values of pimo's own.
    fn metrics(&self, cuts: &[ScoreCuts]) -> Result<(Vec<Metric>, CurveValues), PipelineError> {
        let metrics = self.counts.metrics(cuts, self.run.settings, self.levels);
        metrics.map_err(|error| self.run.too_many_pixels(error))
    }

    /// Thresholds at which rates are wanted.
    fn thresholds(&self) -> Vec<f64> {
        metrics::thresholds(self.run.settings, self.levels)
    }

    /// Of these pages as many of the first ones as are needed for the others to leave less than half of the tolerance,
    /// no maximum, and no bin with a threshold.
    fn needed<'p>(&self, pages: &'p [PageUncertainty]) -> &'p [PageUncertainty] {
        let half = metrics::tolerance(self.run.settings) / 2.0;
        let mut rest: f64 = pages.iter().map(|page| page.area).sum();
        let needed = pages.iter().take_while(|page| {
            let is_needed = page.splits || page.peak > 0.0 || rest > half;
            rest -= page.area;
            is_needed
        });
        &pages[..needed.count()]
    }

    /// How many cuts these pages have at most.
    fn cuts_of(&self, pages: &[PageUncertainty]) -> u64 {
        pages.iter().map(|page| page.cuts(self.counts.comparison())).sum()
    }

    /// Of these pages as many of the first ones as have no more cuts than that; one at least.
    fn fitting<'p>(&self, pages: &'p [PageUncertainty], most: u64) -> &'p [PageUncertainty] {
        let mut sum = 0;
        let fitting = pages.iter().take_while(|page| {
            sum += page.cuts(self.counts.comparison());
            sum <= most
        });
        &pages[..fitting.count().max(1)]
    }

    /// Counts these pages again; `None` if the maps have changed.
    fn count_again(&self, pages: &[PageUncertainty], found: &mut Bad) -> Result<Option<ScoreCuts>, PipelineError> {
        let images = self.images_reaching(pages);
        let pages: Vec<usize> = pages.iter().map(|page| page.page).collect();
        let cuts = match self.anomalous_scores(&ChosenPages::new(&pages), &images, found)? {
            Some(cuts) => self.count_between(cuts, &images, found)?,
            None => None,
        };
        let agreeing = cuts.filter(|cuts| self.counts.with_histogram(|histogram| cuts.agrees_with(histogram)));
        if agreeing.is_none() {
            found.add(self.run.changed(self.model), &self.run.dataset.models);
        }
        Ok(agreeing)
    }

    /// The pages, cut at the scores that anomalous pixels of these images have in them.
    fn anomalous_scores(
        &self,
        pages: &ChosenPages,
        images: &[PlannedImage],
        found: &Bad,
    ) -> Result<Option<ScoreCuts>, PipelineError> {
        let (models, comparison) = ([self.model], self.counts.comparison());
        let resolution = ScoreCuts::resolution(self.run.round.lanes.fidelity.cuts);
        let anomalous: Vec<PlannedImage> =
            images.iter().filter(|image| image.class == Class::Anomalous).copied().collect();
        let scores = Mutex::new(ScoreHistogram::new(comparison, resolution));
        let counter = || AnomalousScoreCounter {
            settings: self.run.settings,
            pages,
            counter: ScoreCounter::new(comparison),
            scores: &scores,
            scratch: RowScratch::default(),
        };
        let sweep = self.run.sweep(&anomalous, &models, found);
        let all_seen = sweep.sees_all(counter)?;
        let scores = scores.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(all_seen.then(|| ScoreCuts::new(pages, &scores, &self.thresholds())))
    }

    /// The same with the pixels of these images.
    fn count_between(
        &self,
        cuts: ScoreCuts,
        images: &[PlannedImage],
        found: &Bad,
    ) -> Result<Option<ScoreCuts>, PipelineError> {
        let models = [self.model];
        let counter = || BetweenCounter { counter: CutCounter::new(&cuts), scratch: RowScratch::default() };
        let sweep = Sweep { with_masks: false, ..self.run.sweep(images, &models, found) };
        let all_seen = sweep.sees_all(counter)?;
        Ok(all_seen.then_some(cuts))
    }

    /// The images that may have pixels in these pages: an image whose largest score lies below all of them has none.
    fn images_reaching(&self, pages: &[PageUncertainty]) -> Vec<PlannedImage> {
        let lowest = pages.iter().map(|page| page.page).min().unwrap_or(0);
        let by_score = self.run.settings.image_score == ImageScore::Max;
        let reaches =
            |score: f64| !by_score || self.counts.with_histogram(|histogram| histogram.page_of(score)) >= lowest;
        self.images.iter().filter(|(_, score)| reaches(*score)).map(|(image, _)| *image).collect()
    }
}

/// The areas with what finer pages changed of them.
struct Areas {
    /// Ends of each area as they were, and the sums of the changes; `None` for other metrics.
    ends: Vec<Option<[f64; 2]>>,
    changes: Vec<[f64; 2]>,
    groups: u32,
}

impl Areas {
    fn of(metrics: &[Metric]) -> Self {
        let ends = |metric: &Metric| {
            let area = metric.value.filter(|_| metric.kind == MetricKind::Area);
            area.map(|area| [area.low(), area.high()])
        };
        Self { ends: metrics.iter().map(ends).collect(), changes: vec![[0.0; 2]; metrics.len()], groups: 0 }
    }

    /// Takes note of what a group of finer pages changed.
    fn add(&mut self, finer: &[Metric]) {
        for ((ends, change), metric) in self.ends.iter().zip(&mut self.changes).zip(finer) {
            if let (Some([low, high]), Some(area)) = (ends, metric.value) {
                change[0] += area.low() - low;
                change[1] += area.high() - high;
            }
        }
        self.groups += 1;
    }

    /// Writes the areas with all changes into the metrics.
    fn apply(&self, metrics: &mut [Metric]) {
        // A difference and two sums for each group, of numbers of at most 1.
        let rounding = f64::from(3 * self.groups) * f64::EPSILON;
        for ((ends, change), metric) in self.ends.iter().zip(&self.changes).zip(metrics) {
            if let Some([low, high]) = ends.filter(|_| self.groups > 0) {
                let end = |number: f64| number.clamp(0.0, 1.0);
                metric.value = Some(Interval::new(end(low + change[0] - rounding), end(high + change[1] + rounding)));
            }
        }
    }
}

/// Finds the scores of the anomalous pixels in some pages.
struct AnomalousScoreCounter<'a> {
    settings: &'a Settings,
    pages: &'a ChosenPages,
    counter: ScoreCounter,
    scores: &'a Mutex<ScoreHistogram>,
    scratch: RowScratch,
}

impl Count for AnomalousScoreCounter<'_> {
    type Seen = ();

    fn count(&mut self, _position: usize, _model: usize, _frame: &Frame) -> Result<(), BadScore> {
        Ok(())
    }

    fn keep(&mut self, _position: usize, _model: usize, frame: &Frame) {
        if let Some(mask) = frame.mask() {
            let regions = self.settings.regions_of(mask);
            self.counter.count_anomalous(frame, &regions, self.pages, self.scores, &mut self.scratch);
        }
    }

    fn finish(&mut self) {
        self.counter.finish(self.scores);
    }
}

/// Counts the pixels at and between cuts.
struct BetweenCounter<'a> {
    counter: CutCounter<'a>,
    scratch: RowScratch,
}

impl Count for BetweenCounter<'_> {
    type Seen = ();

    fn count(&mut self, _position: usize, _model: usize, _frame: &Frame) -> Result<(), BadScore> {
        Ok(())
    }

    fn keep(&mut self, _position: usize, _model: usize, frame: &Frame) {
        self.counter.count(frame, &mut self.scratch);
    }

    fn finish(&mut self) {
        self.counter.finish();
    }
}
