//! Counting again the scores that make a metric's interval wider than it may be.
//!
//! Of the histogram of all pixels some pages are chosen. The anomalous images are read again for the scores of their
//! anomalous pixels in these pages, and then all images for the number of pixels at and between these scores: no metric
//! asks for more, so nothing of these pages remains unknown. Mostly all pages that matter can be counted at once. If
//! memory does not suffice for that, those on which a maximum may lie and those that add most to the areas come first,
//! and stay. Then others follow, a group at a time: areas are sums over pages, and what a page adds depends on the counts
//! above it, which are known; so the difference that a group makes is noted for each area, and the group forgotten. What
//! is no sum lies in the interval that each group gives. It ends when the tolerance holds, or when nothing is left to be
//! counted again.

use std::sync::{Mutex, PoisonError};

use pimo_accumulator::{BadScore, ChosenPages, CutCounter, ImageScore, ScoreCounter, ScoreCuts, ScoreHistogram};
use pimo_dataset::Class;
use pimo_finaliser::Interval;
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
        sort(&mut pages);
        let needed = self.needed(&pages);
        if needed.is_empty() {
            return Ok(Some(metrics));
        }
        let most = self.run.round.lanes.fidelity.cuts;
        if self.thresholds().len() as u64 + self.cuts_of(needed) > most {
            return self.run_in_groups(needed, most / 2, found);
        }
        let Some(cuts) = self.count_again(needed, most, found)? else { return Ok(None) };
        Ok(Some(self.metrics(&[cuts])?))
    }

    /// Counts pages again in groups that have so many cuts at most.
    fn run_in_groups(
        &self,
        needed: &[PageUncertainty],
        most: u64,
        found: &mut Bad,
    ) -> Result<Option<Vec<Metric>>, PipelineError> {
        let group = self.fitting(needed, most);
        let Some(first) = self.count_again(group, most, found)? else { return Ok(None) };
        let mut cuts = vec![first];
        let (metrics, mut pages) = self.measure(&cuts)?;
        // A page whose anomalous scores are too many for memory has been counted as well as it can be.
        pages.retain(|page| group.iter().all(|counted| counted.page != page.page));
        sort(&mut pages);
        let mut sum = GroupSum::of(metrics);
        for _ in 1..MOST_GROUPS {
            let needed = self.needed(&pages);
            if needed.is_empty() || sum.refined.iter().all(|metric| self.is_precise(metric)) {
                break;
            }
            let group = self.fitting(needed, most);
            let Some(next) = self.count_again(group, most, found)? else { return Ok(None) };
            cuts.push(next);
            sum.add(&self.metrics(&cuts)?);
            cuts.pop();
            let counted = group.len();
            pages.drain(..counted);
        }
        Ok(Some(sum.refined))
    }

    fn is_precise(&self, metric: &Metric) -> bool {
        metric.refined_half_width().is_none_or(|half_width| half_width <= metrics::tolerance(self.run.settings))
    }

    /// The metrics of all pixels, and the pages that make some of them less precise than they are to be.
    fn measure(&self, cuts: &[ScoreCuts]) -> Result<(Vec<Metric>, Vec<PageUncertainty>), PipelineError> {
        let settings = self.run.settings;
        let fault = |error| self.run.too_many_pixels(error);
        let values = self.counts.values(cuts, settings, self.levels).map_err(fault)?;
        let metrics = match settings.profile {
            Some(_) => self.metrics(cuts)?,
            None => self.counts.metrics_of(&values, settings, self.levels).map_err(fault)?,
        };
        let mut pages = self.counts.uncertainty(cuts, &settings.aupro_limits, &values).map_err(fault)?;
        let is_wide = |kind| metrics.iter().any(|metric| metric.kind == kind && !self.is_precise(metric));
        let [areas, peaks, rates] = [MetricKind::Area, MetricKind::Rate, MetricKind::AtThreshold].map(is_wide);
        pages.retain_mut(|page| {
            *page = PageUncertainty {
                area: if areas { page.area } else { 0.0 },
                peak: if peaks { page.peak } else { 0.0 },
                splits: rates && page.splits,
                ..*page
            };
            page.adding().is_some()
        });
        Ok((metrics, pages))
    }

    /// The metrics of all pixels.
    fn metrics(&self, cuts: &[ScoreCuts]) -> Result<Vec<Metric>, PipelineError> {
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

    /// Of these pages as many of the first ones as have no more cuts than that, those at thresholds included; one at least.
    fn fitting<'p>(&self, pages: &'p [PageUncertainty], most: u64) -> &'p [PageUncertainty] {
        let mut sum = self.thresholds().len() as u64;
        let fitting = pages.iter().take_while(|page| {
            sum += page.cuts(self.counts.comparison());
            sum <= most
        });
        &pages[..fitting.count().max(1)]
    }

    /// Counts these pages again, with so many cuts at most; `None` if the maps have changed.
    fn count_again(
        &self,
        pages: &[PageUncertainty],
        most: u64,
        found: &mut Bad,
    ) -> Result<Option<ScoreCuts>, PipelineError> {
        let images = self.images_reaching(pages);
        let pages: Vec<usize> = pages.iter().map(|page| page.page).collect();
        let cuts = match self.anomalous_scores(&ChosenPages::new(&pages), most, &images, found)? {
            Some(cuts) => self.count_between(cuts, &images, found)?,
            None => None,
        };
        let agreeing = cuts.filter(|cuts| self.counts.with_histogram(|histogram| cuts.agrees_with(histogram)));
        if agreeing.is_none() {
            found.add(self.run.changed(self.model), &self.run.dataset.models);
        }
        Ok(agreeing)
    }

    /// The pages, cut at the scores that anomalous pixels of these images have in them, at `most` of them one by one.
    fn anomalous_scores(
        &self,
        pages: &ChosenPages,
        most: u64,
        images: &[PlannedImage],
        found: &Bad,
    ) -> Result<Option<ScoreCuts>, PipelineError> {
        let (models, comparison) = ([self.model], self.counts.comparison());
        let resolution = ScoreCuts::resolution(most);
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

/// The pages that may hold a maximum first, then those with thresholds, then those that add most to areas.
fn sort(pages: &mut [PageUncertainty]) {
    pages.sort_by(|a, b| {
        let by_kind = b.peak.total_cmp(&a.peak).then(b.splits.cmp(&a.splits));
        by_kind.then(b.area.total_cmp(&a.area)).then(a.page.cmp(&b.page))
    });
}

/// What groups of pages say together, each of which is forgotten before the next is counted.
struct GroupSum {
    /// The metrics before the first of these groups.
    before: Vec<Metric>,
    /// Sums of what groups changed of the ends of each area.
    changes: Vec<[f64; 2]>,
    groups: u32,
    /// The metrics with all groups.
    refined: Vec<Metric>,
}

impl GroupSum {
    fn of(metrics: Vec<Metric>) -> Self {
        Self { changes: vec![[0.0; 2]; metrics.len()], groups: 0, refined: metrics.clone(), before: metrics }
    }

    /// Adds the metrics as they are with one more group.
    fn add(&mut self, finer: &[Metric]) {
        self.groups += 1;
        // A difference and two sums for each group, of numbers of at most 1.
        let rounding = f64::from(3 * self.groups) * f64::EPSILON;
        let values = self.before.iter().zip(finer).zip(&mut self.changes).zip(&mut self.refined);
        for (((before, finer), change), refined) in values {
            let (Some(before), Some(finer), Some(known)) = (before.value, finer.value, refined.value) else { continue };
            match refined.kind {
                MetricKind::Area => {
                    *change = [change[0] + finer.low() - before.low(), change[1] + finer.high() - before.high()];
                    let end = |number: f64| number.clamp(0.0, 1.0);
                    let low = end(before.low() + change[0] - rounding);
                    refined.value = Some(Interval::new(low, end(before.high() + change[1] + rounding)));
                }
                // It lies in every interval that has been found.
                MetricKind::Rate | MetricKind::AtThreshold => {
                    let (low, high) = (known.low().max(finer.low()), known.high().min(finer.high()));
                    refined.value = Some(if low <= high { Interval::new(low, high) } else { finer });
                }
                MetricKind::Indication | MetricKind::Threshold => {}
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
