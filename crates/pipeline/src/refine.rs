//! Counting again, more finely, the scores that make a metric's interval wider than it may be.
//!
//! Of the histogram of all pixels some pages are chosen, the maps are read again, and only pixels of these pages are
//! counted, as finely as there is memory for. First come the pages on which a maximum may lie; they stay. Then those
//! that add most to the areas, a group at a time: areas are sums over pages, and what a page adds depends on the counts
//! above it, which are known; so the difference that a group makes is noted for each area, and the group forgotten. If
//! more pages together can be expected to do when they are counted somewhat more finely, that is tried first: it takes fewer
//! readings. It ends when the tolerance holds, or when nothing is left to be counted more finely.

use std::sync::Mutex;

use pimo_accumulator::{BadScore, ChosenPages, ImageScore, Resolution, ScoreCounter, ScoreHistogram};
use pimo_finaliser::{CurveValues, Interval};
use pimo_frame::{Frame, RowScratch};

use crate::category::CategoryRun;
use crate::metrics::{self, Metric, MetricKind};
use crate::pixels::{PageUncertainty, PixelCounts};
use crate::plan::PlannedImage;
use crate::problem::Bad;
use crate::sweep::{Count, Outcome};
use crate::{PipelineError, Settings};

/// Times that the maps are read again at most, to count as finely as possible.
const MOST_READINGS: usize = 256;
/// Numbers of readings that are considered for pages that are counted less finely.
const WIDE_READINGS: [usize; 16] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];

/// What is refined: one detector's pixels in one category.
pub(crate) struct Refinement<'a> {
    pub(crate) run: &'a CategoryRun<'a>,
    pub(crate) model: usize,
    pub(crate) counts: &'a mut PixelCounts,
    /// Images that were evaluated, with their scores.
    pub(crate) images: Vec<(PlannedImage, f64)>,
}

impl Refinement<'_> {
    /// Reads again what it needs, and gives the metrics of all pixels; `None`, and a problem noted, if the maps are not
    /// what they were.
    ///
    /// # Errors
    /// A request to stop, or more pixels than can be counted.
    pub(crate) fn run(mut self, found: &mut Bad) -> Result<Option<Vec<Metric>>, PipelineError> {
        let most = self.again().fine_pages();
        let (mut metrics, mut pages) = self.measure()?;
        if self.holds(&metrics) {
            return Ok(Some(metrics));
        }
        let mut done = Vec::new();
        if metrics.iter().any(|metric| metric.kind != MetricKind::Area && !self.is_precise(metric)) {
            pages.sort_by(|a, b| b.peak.total_cmp(&a.peak).then(b.area.total_cmp(&a.area)).then(a.page.cmp(&b.page)));
            let peaks = pages.iter().take_while(|page| page.peak > 0.0).count();
            let group = self.enough(&pages, most, peaks);
            if group.is_empty() {
                return Ok(Some(metrics));
            }
            if self.count_again(&group, found)?.is_none() {
                return Ok(None);
            }
            done = group;
            (metrics, pages) = self.measure()?;
        }
        pages.retain(|page| page.area > 0.0 && !done.contains(&page.page));
        pages.sort_by(|a, b| b.area.total_cmp(&a.area).then(a.page.cmp(&b.page)));
        let mut refined = metrics.clone();
        let wide = wide_groups(&pages, self.again(), self.half_tolerance());
        let finest = pages.chunks(most).map(ascending).collect::<Vec<_>>();
        for groups in [wide, finest].into_iter().filter(|groups| groups.len() <= MOST_READINGS) {
            let mut areas = Areas::of(&metrics);
            for group in groups {
                // Nothing else is changed by that.
                if refined.iter().all(|metric| metric.kind != MetricKind::Area || self.is_precise(metric)) {
                    break;
                }
                let Some(mut coarse) = self.count_again(&group, found)? else { return Ok(None) };
                areas.add(&self.metrics()?.0);
                refined.clone_from(&metrics);
                areas.apply(&mut refined);
                // The finer pages have served; the histogram becomes what it was.
                self.counts.with_histogram_mut(|histogram| histogram.swap_pages(&mut coarse));
            }
        }
        Ok(Some(refined))
    }

    /// How finely pages are counted again.
    fn again(&self) -> Resolution {
        self.run.round.lanes.fidelity.again
    }

    fn is_precise(&self, metric: &Metric) -> bool {
        metric.half_width().is_none_or(|half_width| half_width <= metrics::tolerance(self.run.settings))
    }

    fn holds(&self, metrics: &[Metric]) -> bool {
        metrics.iter().all(|metric| self.is_precise(metric))
    }

    /// The metrics of all pixels, and the pages that make them uncertain.
    fn measure(&self) -> Result<(Vec<Metric>, Vec<PageUncertainty>), PipelineError> {
        let (metrics, values) = self.metrics()?;
        let pages = self.counts.uncertainty(&self.run.settings.aupro_limits, &values);
        Ok((metrics, pages.map_err(|error| self.run.too_many_pixels(error))?))
    }

    /// The metrics of all pixels, and the values of pimo's own.
    fn metrics(&self) -> Result<(Vec<Metric>, CurveValues), PipelineError> {
        let settings = self.run.settings;
        let fault = |error| self.run.too_many_pixels(error);
        let values = self.counts.values(&settings.aupro_limits, &settings.at).map_err(fault)?;
        let metrics = match settings.profile {
            Some(profile) => metrics::of_pixels_by(profile, &self.counts.curve().map_err(fault)?),
            None => metrics::of_pixels(&values, settings),
        };
        Ok((metrics, values))
    }

    /// Of these pages the first ones, `least` to `most` of them, that leave less than half of the tolerance; ascending.
    fn enough(&self, pages: &[PageUncertainty], most: usize, least: usize) -> Vec<usize> {
        let mut rest: f64 = pages.iter().map(|page| page.area).sum();
        let needed = pages.iter().take_while(|page| {
            let goes_on = rest > self.half_tolerance();
            rest -= page.area;
            goes_on
        });
        let count = needed.count().max(least).clamp(1, most).min(pages.len());
        ascending(&pages[..count])
    }

    fn half_tolerance(&self) -> f64 {
        metrics::tolerance(self.run.settings) / 2.0
    }

    /// Counts the pixels of these pages, puts them in their places, and gives back what was there; `None` if the maps
    /// have changed.
    fn count_again(&mut self, pages: &[usize], found: &mut Bad) -> Result<Option<ScoreHistogram>, PipelineError> {
        let run = self.run;
        let images = self.images_reaching(pages);
        let chosen = &ChosenPages::new(pages);
        let finer = Mutex::new(ScoreHistogram::new(self.counts.comparison(), self.again()));
        let known = found.clone();
        let (models, comparison) = ([self.model], self.counts.comparison());
        let counter = || PageCounter {
            settings: run.settings,
            pages: chosen,
            counter: ScoreCounter::new(comparison),
            finer: &finer,
            scratch: RowScratch::default(),
        };
        let mut seen = 0;
        run.sweep(&images, &models, &known).run(counter, |counted| {
            seen += usize::from(matches!(counted.outcome, Outcome::Seen(())));
            Ok(())
        })?;
        let mut finer = finer.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if seen == images.len() && self.counts.with_histogram_mut(|histogram| histogram.swap_pages(&mut finer)) {
            return Ok(Some(finer));
        }
        found.add(run.changed(self.model), &run.dataset.models);
        Ok(None)
    }

    /// The images that may have pixels in these pages: an image whose largest score lies below all of them has none.
    fn images_reaching(&self, pages: &[usize]) -> Vec<PlannedImage> {
        let lowest = pages.first().copied().unwrap_or(0);
        let by_score = self.run.settings.image_score == ImageScore::Max;
        let reaches =
            |score: f64| !by_score || self.counts.with_histogram(|histogram| histogram.page_of(score)) >= lowest;
        self.images.iter().filter(|(_, score)| reaches(*score)).map(|(image, _)| *image).collect()
    }
}

/// The fewest groups of these pages, of which the first add most, that can be expected to leave no more than this when
/// they are counted again with this resolution; if no groups can, and the readings do not suffice to count all pages as
/// finely as possible, those that leave least. None if groups that are counted as finely as possible need no more
/// readings.
fn wide_groups(pages: &[PageUncertainty], resolution: Resolution, most_left: f64) -> Vec<Vec<usize>> {
    let most = resolution.fine_pages();
    let finest: Vec<(usize, u32)> =
        group_sizes(most, pages.len()).map(|size| (size, lowest_bits(resolution, size))).collect();
    let readings_of_all = pages.len().div_ceil(most);
    let considered = WIDE_READINGS.into_iter().take_while(|&readings| readings < readings_of_all);
    let mut good = considered.filter_map(|readings| {
        let left = finest.iter().map(|&(size, bits)| (size, left_by(pages, size.saturating_mul(readings), bits)));
        let (size, left) = left.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let is_last = readings == MOST_READINGS && readings_of_all > MOST_READINGS;
        (left <= most_left || is_last).then_some((size, readings))
    });
    good.next().map_or_else(Vec::new, |(size, readings)| pages.chunks(size).take(readings).map(ascending).collect())
}

/// Sizes of groups that are considered for `pages` pages, from the `fewest` that are counted as finely as possible.
fn group_sizes(fewest: usize, pages: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(fewest), move |&size| (size < pages).then_some(size + size / 2 + 1))
}

/// The bits that the lowest of `pages` pages gets, which has the widest bins.
fn lowest_bits(resolution: Resolution, pages: usize) -> u32 {
    resolution.bits_of_pages(pages).last().copied().unwrap_or(0)
}

/// What these pages can be expected to add to half-widths when the first `count` of them have 2^bits bins.
fn left_by(pages: &[PageUncertainty], count: usize, bits: u32) -> f64 {
    let (counted, others) = pages.split_at(count.min(pages.len()));
    // Where scores are spread evenly, half as wide bins add half as much.
    let halvings = |page: &PageUncertainty| bits as i32 - page.bits.unwrap_or(bits) as i32;
    let after = |page: &PageUncertainty| page.area * 0.5_f64.powi(halvings(page));
    counted.iter().map(after).sum::<f64>() + others.iter().map(|page| page.area).sum::<f64>()
}

/// The pages, the lowest first.
fn ascending(pages: &[PageUncertainty]) -> Vec<usize> {
    let mut pages: Vec<usize> = pages.iter().map(|page| page.page).collect();
    pages.sort_unstable();
    pages
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

/// Counts the pixels of some pages.
struct PageCounter<'a> {
    settings: &'a Settings,
    pages: &'a ChosenPages,
    counter: ScoreCounter,
    finer: &'a Mutex<ScoreHistogram>,
    scratch: RowScratch,
}

impl Count for PageCounter<'_> {
    type Seen = ();

    fn count(&mut self, _position: usize, _model: usize, frame: &Frame) -> Result<(), BadScore> {
        // Files that changed may hold anything.
        BadScore::first_in(frame, &mut self.scratch).map_or(Ok(()), Err)
    }

    fn keep(&mut self, _position: usize, _model: usize, frame: &Frame) {
        let regions = frame.mask().map(|mask| self.settings.regions_of(mask));
        self.counter.count_pages(frame, regions.as_ref(), self.pages, self.finer, &mut self.scratch);
    }

    fn finish(&mut self) {
        self.counter.finish(self.finer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(count: usize, bits: u32) -> Vec<PageUncertainty> {
        let page = |i: usize| PageUncertainty { page: 7 * i, bits: Some(bits), area: 1e-3 / (i + 1) as f64, peak: 0.0 };
        (0..count).map(page).collect()
    }

    #[test]
    fn pages_are_counted_as_coarsely_as_will_do() {
        let resolution = Resolution::default().of_pages();
        let most = resolution.fine_pages();
        // Few pages are counted as finely as possible.
        assert!(wide_groups(&pages(most, 8), resolution, 1e-9).is_empty());
        assert!(wide_groups(&[], resolution, 1e-9).is_empty());
        // Many are counted together as long as that can do.
        for (count, bits, most_left, expected, fewer) in
            [(200, 8, 1e-3, 3, 2), (200, 8, 1e-4, 10, 8), (100_000, 2, 4e-3, 12, 8)]
        {
            let pages = pages(count, bits);
            let groups = wide_groups(&pages, resolution, most_left);
            assert_eq!(groups.len(), expected, "{count} {most_left}");
            let left = |size, readings| left_by(&pages, size * readings, lowest_bits(resolution, size));
            assert!(groups.first().is_none_or(|group| left(group.len(), groups.len()) <= most_left));
            // The next smaller number of readings that is considered leaves too much.
            assert!(group_sizes(most, count).all(|size| left(size, fewer) > most_left), "{count} {most_left}");
            assert!(groups.len() < count.div_ceil(most));
            assert!(groups.iter().all(|group| group.is_sorted()));
            let mut chosen: Vec<usize> = groups.concat();
            chosen.sort_unstable();
            assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn where_nothing_will_do_the_least_is_left() {
        let resolution = Resolution::default().of_pages();
        let most = resolution.fine_pages();
        // All of these can be counted as finely as possible.
        assert!(wide_groups(&pages(most * MOST_READINGS, 2), resolution, 1e-30).is_empty());
        let pages = pages(100_000, 2);
        let groups = wide_groups(&pages, resolution, 1e-30);
        let left = |size| left_by(&pages, size * MOST_READINGS, lowest_bits(resolution, size));
        assert_eq!(groups.len(), MOST_READINGS);
        assert!(group_sizes(most, pages.len()).all(|size| left(groups[0].len()) <= left(size)));
        assert!(left(groups[0].len()) < left(most) / 2.0);
    }
}
