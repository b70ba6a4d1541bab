//! All pixels of a category by score, as one detector gave them: what every metric but AUPIMO is taken from.
//!
//! Counting threads fill one histogram a detector, in both sweeps. When the normal images are through, it also says
//! how the shared FPR goes on above its upper bound.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use pimo_accumulator::{
    BinWalk, CutCounter, Region, Regions, Resolution, ScoreBin, ScoreCounter, ScoreCuts, ScoreHistogram,
};
use pimo_dataset::Class;
use pimo_finaliser::{
    BinUncertainty, BinnedAxis, CurveError, CurveValues, CurveWalk, FprBounds, NormalPixels, Profile, RatePoint,
    RateWalk, ScoreCurve, SharedFpr, UncertaintyWalk,
};
use pimo_frame::{Comparison, Frame, RowScratch, RowVisitor};

use crate::Settings;
use crate::budget::Fidelity;
use crate::levels::Level;
use crate::metrics::{self, Metric};
use crate::plan::PlannedCategory;

/// Stack of a thread that does no more than take metrics from bins, in bytes.
const STACK: usize = 1 << 18;

/// The pixels of one detector in one category, shared by counting threads.
pub(crate) struct PixelCounts {
    comparison: Comparison,
    histogram: Mutex<ScoreHistogram>,
    /// Normal images alone, each pixel with 1 / (pixels of its image) as weight; only where their sizes differ.
    weighted: Option<Mutex<ScoreHistogram>>,
    totals: CountedTotals,
}

/// What was handed over to be counted.
#[derive(Default)]
struct CountedTotals {
    pixels: AtomicU64,
    positives: AtomicU64,
    regions: AtomicU64,
}

impl CountedTotals {
    fn add(&self, pixels: u64, regions: &[Region]) {
        let positives: u64 = regions.iter().map(|region| region.area).sum();
        self.pixels.fetch_add(pixels, Ordering::Relaxed);
        self.positives.fetch_add(positives, Ordering::Relaxed);
        self.regions.fetch_add(regions.len() as u64, Ordering::Relaxed);
    }

    /// Anomalous and normal pixels.
    fn pixels(&self) -> (u64, u64) {
        let positives = self.positives.load(Ordering::Relaxed);
        (positives, self.pixels.load(Ordering::Relaxed) - positives)
    }

    /// Connected regions of anomalous pixels.
    fn regions(&self) -> u64 {
        self.regions.load(Ordering::Relaxed)
    }
}

/// What a category's images ask of the histograms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PixelPlan {
    pub(crate) comparison: Comparison,
    pub(crate) resolution: Resolution,
    /// Whether normal images differ in their numbers of pixels.
    mixed: bool,
    /// How many cuts pages may have when they are counted again.
    again: Option<u64>,
    /// Whether all bins are in memory together in the end.
    holds_bins: bool,
}

impl PixelPlan {
    /// The plan for a detector; `None` where not all pixels are counted.
    pub(crate) fn new(
        settings: &Settings,
        category: &PlannedCategory<'_>,
        model: usize,
        fidelity: Fidelity,
    ) -> Option<Self> {
        if !settings.metrics.counts_all_pixels() {
            return None;
        }
        let types = &category.models[model].sample_types;
        let single = types.iter().all(|sample_type| sample_type.comparison() == Comparison::F32);
        let comparison = if single { Comparison::F32 } else { Comparison::F64 };
        let mut sizes = category.normal_pixels();
        let first = sizes.next();
        let mixed = sizes.any(|pixels| Some(pixels) != first) && settings.shared_fpr == SharedFpr::Mean;
        let holds_bins = settings.profile.is_some();
        // Where every score is kept by itself nothing is counted again.
        let may_share = category.pixels() > fidelity.resolution.keys.into();
        let may_gain = !matches!(settings.profile, Some(Profile::Adeval(_)));
        let again = (settings.refine && may_share && may_gain).then_some(fidelity.cuts);
        Some(Self { comparison, resolution: fidelity.resolution, mixed, again, holds_bins })
    }

    /// Bytes that the histograms take at most.
    pub(crate) fn state_bytes(self) -> u64 {
        self.histograms() * ScoreHistogram::bytes(self.comparison, self.resolution)
    }

    /// Bytes that pages take at most which are counted again.
    pub(crate) fn again_bytes(self) -> u64 {
        self.again.map_or(0, |cuts| ScoreCuts::bytes(self.comparison, cuts))
    }

    /// Bytes that the counter of one thread takes at most when pages are counted again.
    pub(crate) fn again_counter_bytes(self) -> u64 {
        self.again.map_or(0, |cuts| CutCounter::bytes(self.comparison, cuts))
    }

    /// Bytes that the counters of one thread take at most.
    pub(crate) fn counter_bytes(self) -> u64 {
        self.histograms() * ScoreCounter::bytes(self.comparison, self.resolution)
    }

    /// Bytes that bins take beside the histogram when metrics are computed: most metrics need none, an axis of bins those
    /// of a page, all of whose keys may be listed, and some metrics need all of them.
    pub(crate) fn closing_bytes(self, binned: bool) -> u64 {
        // At and above each cut.
        let again = self.again.map_or(0, |cuts| 2 * cuts);
        let of_page = ScoreHistogram::most_of_page().max(self.resolution.keys.into());
        let held = match (self.holds_bins, binned) {
            (true, _) => self.resolution.most_occupied() + again,
            (false, true) => of_page,
            (false, false) => 0,
        };
        held * size_of::<ScoreBin>() as u64
    }

    fn histograms(self) -> u64 {
        if self.mixed { 2 } else { 1 }
    }
}

impl PixelCounts {
    pub(crate) fn new(plan: PixelPlan) -> Self {
        let histogram = || Mutex::new(ScoreHistogram::new(plan.comparison, plan.resolution));
        Self {
            comparison: plan.comparison,
            histogram: histogram(),
            weighted: plan.mixed.then(histogram),
            totals: CountedTotals::default(),
        }
    }

    /// How the shared FPR goes on: the highest edges of bins at which it reaches ascending levels, for several lists of
    /// these. Called when the normal images, and no others, have been counted.
    pub(crate) fn rate_points<const N: usize>(
        &self,
        category: &PlannedCategory<'_>,
        images: u64,
        levels: [&[f64]; N],
    ) -> [Vec<RatePoint>; N] {
        self.with_normal(category, images, |histogram, normal| {
            let mut walk = RateWalk::new(normal, levels);
            histogram.walk_down(&mut walk);
            walk.finish()
        })
    }

    /// The shared axis from the bins of the normal images; called when these, and no others, have been counted.
    pub(crate) fn binned_axis(
        &self,
        category: &PlannedCategory<'_>,
        images: u64,
        bounds: FprBounds,
    ) -> Option<BinnedAxis> {
        self.with_normal(category, images, |histogram, normal| BinnedAxis::new(histogram.descending(), normal, bounds))
    }

    /// Shows the histogram of the normal images, and how its bins become rates.
    fn with_normal<T>(
        &self,
        category: &PlannedCategory<'_>,
        images: u64,
        look: impl FnOnce(&ScoreHistogram, NormalPixels) -> T,
    ) -> T {
        if let Some(weighted) = &self.weighted {
            let histogram = weighted.lock().unwrap_or_else(PoisonError::into_inner);
            return look(&histogram, NormalPixels::Weighted { images });
        }
        let pixels = category.normal_pixels().next().unwrap_or(1);
        self.with_histogram(|histogram| look(histogram, NormalPixels::Equal { pixels, images }))
    }

    /// The largest score counted so far.
    pub(crate) fn largest(&self) -> Option<f64> {
        let mut largest = None;
        self.with_histogram(|histogram| {
            histogram.walk_down(&mut |bin: &ScoreBin| {
                largest = Some(bin.high);
                ControlFlow::Break(())
            });
        });
        largest
    }

    /// The type in which scores are compared.
    pub(crate) const fn comparison(&self) -> Comparison {
        self.comparison
    }

    pub(crate) fn with_histogram<T>(&self, look: impl FnOnce(&ScoreHistogram) -> T) -> T {
        look(&self.histogram.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The metrics of all pixels; pages that were cut are taken so.
    ///
    /// # Errors
    /// More pixels than can be counted.
    pub(crate) fn metrics(
        &self,
        cuts: &[ScoreCuts],
        settings: &Settings,
        levels: &[Level],
    ) -> Result<Vec<Metric>, CurveError> {
        match settings.profile {
            Some(profile) => Ok(metrics::of_pixels_by(profile, &self.curve(cuts)?)),
            None => self.metrics_of(&self.values(cuts, settings, levels)?, settings, levels),
        }
    }

    /// The same from [`Self::values`], where no other tool's metrics are wanted.
    ///
    /// # Errors
    /// More pixels than can be counted.
    pub(crate) fn metrics_of(
        &self,
        values: &CurveValues,
        settings: &Settings,
        levels: &[Level],
    ) -> Result<Vec<Metric>, CurveError> {
        let mut metrics = metrics::of_pixels(values, settings);
        metrics.extend(metrics::at_levels(values, settings, levels, self.totals.pixels())?);
        Ok(metrics)
    }

    /// What all pixels say up to the limits and at the thresholds that are wanted.
    ///
    /// # Errors
    /// More pixels than can be counted.
    pub(crate) fn values(
        &self,
        cuts: &[ScoreCuts],
        settings: &Settings,
        levels: &[Level],
    ) -> Result<CurveValues, CurveError> {
        let (limits, at) = (&settings.aupro_limits, metrics::thresholds(settings, levels));
        let walk = CurveWalk::new(self.totals.pixels(), self.totals.regions(), limits, &at)?;
        let whole = settings.metrics.pixel || settings.profile.is_some();
        if whole && settings.threads > 1 {
            return self.values_of_halves(walk, cuts);
        }
        let mut walk = if whole { walk } else { walk.of_regions() };
        self.walk_down(cuts, &mut walk);
        walk.finish()
    }

    /// The values of a walk that two threads share.
    fn values_of_halves(&self, walk: CurveWalk, cuts: &[ScoreCuts]) -> Result<CurveValues, CurveError> {
        let (mut first, mut precision) = walk.split();
        self.with_histogram(|histogram| {
            let beside = thread::scope(|scope| {
                let other = || walk_down(histogram, cuts, &mut precision);
                let beside = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, other).is_ok();
                walk_down(histogram, cuts, &mut first);
                beside
            });
            if !beside {
                walk_down(histogram, cuts, &mut precision);
            }
        });
        Ok(first.finish()?.and_precision_of(&precision.finish()?))
    }

    /// All pixels of the category as a curve, with its bins in memory.
    fn curve(&self, cuts: &[ScoreCuts]) -> Result<ScoreCurve, CurveError> {
        if cuts.is_empty() {
            return ScoreCurve::new(self.with_histogram(ScoreHistogram::bins), self.totals.regions());
        }
        let mut count = 0;
        self.walk_down(cuts, &mut |_: &ScoreBin| {
            count += 1;
            ControlFlow::Continue(())
        });
        let mut bins = Vec::with_capacity(count);
        self.walk_down(cuts, &mut |bin: &ScoreBin| {
            bins.push(*bin);
            ControlFlow::Continue(())
        });
        ScoreCurve::new(bins, self.totals.regions())
    }

    fn walk_down(&self, cuts: &[ScoreCuts], walk: &mut impl BinWalk) {
        self.with_histogram(|histogram| walk_down(histogram, cuts, walk));
    }

    /// The pages of the histogram that add to the half-widths of these values, at those thresholds or elsewhere. Pages
    /// that were cut add nothing, if each of their cuts is a key.
    ///
    /// # Errors
    /// More pixels than can be counted.
    pub(crate) fn uncertainty(
        &self,
        cuts: &[ScoreCuts],
        limits: &[f64],
        values: &CurveValues,
    ) -> Result<Vec<PageUncertainty>, CurveError> {
        let mut thresholds: Vec<f64> = values.at.iter().map(|rates| rates.threshold).collect();
        thresholds.sort_by(f64::total_cmp);
        let mut walk = UncertaintyWalk::new(self.totals.pixels(), self.totals.regions(), limits, values)?;
        let (mut pages, mut current) = (Vec::new(), PageUncertainty::default());
        self.with_histogram(|histogram| {
            histogram.walk_down_cut(cuts, &mut |bin: &ScoreBin| {
                let BinUncertainty { area, peak } = walk.pass(bin);
                let page = histogram.page_of(bin.low);
                if current.page != page {
                    pages.extend(std::mem::take(&mut current).adding());
                    current.page = page;
                }
                current.area += area;
                current.peak += peak;
                current.positives += bin.positives;
                while let Some(threshold) = thresholds.pop_if(|threshold| *threshold > bin.low) {
                    current.splits |= threshold <= bin.high;
                }
                ControlFlow::Continue(())
            });
        });
        pages.extend(current.adding());
        Ok(pages)
    }
}

/// Goes down all bins; pages that were cut are taken so.
fn walk_down(histogram: &ScoreHistogram, cuts: &[ScoreCuts], walk: &mut impl BinWalk) {
    match cuts {
        [] => histogram.walk_down(walk),
        cuts => histogram.walk_down_cut(cuts, walk),
    }
}

/// What the bins of a page add to the half-widths.
#[derive(Clone, Copy, Default)]
pub(crate) struct PageUncertainty {
    pub(crate) page: usize,
    /// Whether a threshold splits one of its bins.
    pub(crate) splits: bool,
    pub(crate) area: f64,
    pub(crate) peak: f64,
    /// Anomalous pixels.
    pub(crate) positives: u64,
}

impl PageUncertainty {
    /// The page, if it adds something.
    pub(crate) fn adding(self) -> Option<Self> {
        (self.splits || self.area > 0.0 || self.peak > 0.0).then_some(self)
    }

    /// How many cuts the page needs at most.
    pub(crate) fn cuts(&self, comparison: Comparison) -> u64 {
        1 + match comparison {
            Comparison::F32 => self.positives.min(ScoreHistogram::SCORES_OF_PAGE),
            Comparison::F64 => self.positives,
        }
    }
}

/// One thread's part in filling the counts of every detector.
pub(crate) struct PixelFeed<'a> {
    /// By index of the detector.
    counts: &'a [Option<PixelCounts>],
    counters: Vec<Option<Counters>>,
    scratch: RowScratch,
}

struct Counters {
    all: ScoreCounter,
    weighted: Option<ScoreCounter>,
}

impl<'a> PixelFeed<'a> {
    pub(crate) fn new(counts: &'a [Option<PixelCounts>], class: Class) -> Self {
        let counters = |counts: &PixelCounts| Counters {
            all: ScoreCounter::new(counts.comparison),
            weighted: (class == Class::Normal && counts.weighted.is_some())
                .then(|| ScoreCounter::new(counts.comparison)),
        };
        Self {
            counts,
            counters: counts.iter().map(|counts| counts.as_ref().map(counters)).collect(),
            scratch: RowScratch::default(),
        }
    }

    /// Counts a frame of which nobody knows whether it is good, of an anomalous one with the regions of its mask, in
    /// the same look as others. It is to be [kept](Self::keep) then, or [taken back](Self::take_back).
    pub(crate) fn ahead<'s>(&'s mut self, model: usize, regions: Option<&'s Regions>) -> Option<impl RowVisitor + 's> {
        self.counters[model].as_mut().map(|counters| counters.all.ahead(regions))
    }

    /// Whether something of a frame has been counted that is neither kept nor taken back.
    pub(crate) fn is_ahead(&self, model: usize) -> bool {
        self.counters[model].as_ref().is_some_and(|counters| counters.all.is_ahead())
    }

    /// Takes back what was counted of a frame that is bad; false if its scores have changed meanwhile.
    pub(crate) fn take_back(&mut self, model: usize, frame: &Frame, regions: Option<&Regions>) -> bool {
        let Some(counters) = &mut self.counters[model] else { return true };
        counters.all.take_back(frame, regions, &mut self.scratch)
    }

    /// Counts what is left of a frame that is good.
    pub(crate) fn keep(&mut self, model: usize, frame: &Frame, regions: Option<&Regions>) {
        let (Some(counts), Some(counters)) = (&self.counts[model], &mut self.counters[model]) else { return };
        counters.all.keep(frame, regions, &counts.histogram, &mut self.scratch);
        counts.totals.add(frame.evaluated().pixels(), regions.map_or(&[], Regions::regions));
        if let (Some(weighted), Some(histogram)) = (&mut counters.weighted, &counts.weighted) {
            let whole = Regions::whole(frame.evaluated());
            weighted.count(frame, Some(&whole), histogram, &mut self.scratch);
        }
    }

    /// Hands over what is still here.
    pub(crate) fn finish(&mut self) {
        for (counts, counters) in self.counts.iter().zip(&mut self.counters) {
            let (Some(counts), Some(counters)) = (counts, counters) else { continue };
            counters.all.finish(&counts.histogram);
            if let (Some(counter), Some(histogram)) = (&mut counters.weighted, &counts.weighted) {
                counter.finish(histogram);
            }
        }
    }
}
