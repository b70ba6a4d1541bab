//! The first sweep: normal images fix the shared axis.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};
use pimo_accumulator::linspace::{Extent, Grid, GridCounter};
use pimo_accumulator::{BadScore, Depth, NormalCounter, Run, SettledTail, UpperTail, key_of_score};
use pimo_dataset::Class;
use pimo_finaliser::linspace::{GridRates, LinspaceAxis};
use pimo_finaliser::{AxisError, BinnedAxis, CurvePoints, Interval, NAMED_LEVELS, RatePoint, SharedAxis, SharedFpr};
use pimo_frame::{Frame, SampleType};

use crate::axis::ThresholdAxis;
use crate::grid::{ScoreGrid, overlap_rates, overlap_thresholds};
use crate::levels::Level;
use crate::pixels::{PixelCounts, PixelFeed};
use crate::plan::PlannedImage;
use crate::problem::Bad;
use crate::sweep::{Count, Counted, Outcome, Sweep};
use crate::{PipelineError, Settings, Thresholds};

/// An image was good at the first reading and is not any more.
const CHANGED: &str = "an anomaly map of a normal image changed between two readings: evaluate when nothing is written to \
                       the maps any more";

/// How deep the tail of the normal images' scores has to be kept; where the histogram of all pixels stands in for it
/// (`binned`), nothing of it is.
pub(crate) fn depth(settings: &Settings, images: u64, binned: bool) -> Depth {
    if binned {
        return Depth::Mean { bound: 0.0, images };
    }
    let bound = settings.bounds.upper().value();
    match (settings.thresholds, settings.shared_fpr) {
        (Thresholds::Exact, SharedFpr::Mean | SharedFpr::Max) => Depth::Mean { bound, images },
        (Thresholds::Exact, SharedFpr::Quantile(_)) => Depth::EachImage { bound },
        // Only for the normal images' own rates at the two thresholds, of which the lower may miss the bound a little.
        (Thresholds::Linspace(_), _) => Depth::Mean { bound: (bound * 1.05).min(1.0), images },
    }
}

/// What the normal images of one detector say.
pub(crate) struct NormalSide {
    pub(crate) axis: ThresholdAxis,
    /// By position among the normal images: the image's score, `None` where it is left out.
    pub(crate) scores: Vec<Option<f64>>,
    /// By the same position: pixels at or above the lower and the upper threshold, where that is known.
    pub(crate) predicted: Vec<[Option<u64>; 2]>,
    /// Thresholds that are counted beside those of the axis.
    pub(crate) grid: ScoreGrid,
    /// Levels of the shared FPR at which rates of all pixels are wanted.
    pub(crate) levels: Vec<Level>,
}

/// The normal sweep of a category, for all its sound detectors.
pub(crate) struct NormalSweep<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) sweep: Sweep<'a>,
    /// Where all pixels are counted, by index of the detector.
    pub(crate) pixels: &'a [Option<PixelCounts>],
    /// Problems are noted here.
    pub(crate) found: &'a mut Bad,
}

/// State of one detector while its normal images are read.
struct Gathering {
    extent: Extent,
    scores: Vec<Option<f64>>,
}

/// The tail of one detector, shared by the counters: what an image hands over is added at once and not kept waiting,
/// and the floor, which rises with it, spares the next images most of their scores. The order does not matter to it.
struct SharedTail {
    tail: Mutex<UpperTail>,
    floor: AtomicU64,
}

impl SharedTail {
    fn add(&self, group: u32, pixels: u64, largest: &[Run]) {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.add(group, pixels, largest);
        self.floor.store(tail.floor(), Ordering::Relaxed);
    }
}

impl NormalSweep<'_> {
    /// Reads the normal images; `None` for detectors whose axis can't be had, with a problem noted.
    ///
    /// # Errors
    /// A request to stop.
    pub(crate) fn run(mut self) -> Result<Vec<Option<NormalSide>>, PipelineError> {
        let images = self.sweep.images;
        let depth = depth(self.settings, images.len() as u64, self.sweep.lanes.fidelity.binned);
        let (models, pixels) = (self.sweep.models, self.pixels);
        let mut gathering: Vec<Gathering> =
            models.iter().map(|_| Gathering { extent: Extent::EMPTY, scores: vec![None; images.len()] }).collect();
        let shared = || SharedTail { tail: Mutex::new(UpperTail::new(depth)), floor: AtomicU64::new(0) };
        let tails: Vec<SharedTail> = models.iter().map(|_| shared()).collect();
        let published = matches!(self.settings.thresholds, Thresholds::Linspace(_));
        let counter = || TailCounter {
            counter: if published {
                NormalCounter::new(self.settings.image_score).with_extent()
            } else {
                NormalCounter::new(self.settings.image_score)
            },
            empty: UpperTail::new(depth),
            largest: Vec::new(),
            tails: &tails,
            models,
            pixels: PixelFeed::new(pixels, Class::Normal),
        };
        let (names, found) = (&self.sweep.dataset.models, &mut *self.found);
        self.sweep.run(counter, |counted: Counted<TailSeen>| {
            let slot = models.iter().position(|&model| model == counted.model).unwrap_or(0);
            match counted.outcome {
                Outcome::Seen(seen) => {
                    let state = &mut gathering[slot];
                    state.extent = state.extent.union(seen.extent);
                    state.scores[counted.position] = Some(seen.image_score);
                }
                Outcome::Bad(problem) => found.add(*problem, names),
                Outcome::Spoiled(problem) => found.add_spoiled(*problem, names),
                Outcome::LeftOut => {}
            }
            Ok(())
        })?;
        let mut sides = Vec::with_capacity(gathering.len());
        for (slot, (state, tail)) in gathering.into_iter().zip(tails).enumerate() {
            let tail = tail.tail.into_inner().unwrap_or_else(PoisonError::into_inner);
            sides.push(self.finish(slot, state, tail)?);
        }
        Ok(sides)
    }

    fn finish(&mut self, slot: usize, state: Gathering, tail: UpperTail) -> Result<Option<NormalSide>, PipelineError> {
        let model = self.sweep.models[slot];
        if !self.found.sound_models().contains(&model) {
            return Ok(None);
        }
        if state.scores.iter().all(Option::is_none) {
            self.refuse(model, "no normal image is left to choose thresholds on: fix the images that were left out");
            return Ok(None);
        }
        let Gathering { extent, scores } = state;
        let tail = tail.into_settled();
        let axis = match self.settings.thresholds {
            Thresholds::Exact if self.sweep.lanes.fidelity.binned => self.binned_axis(model, &scores),
            Thresholds::Exact => self.exact_axis(model, &tail)?,
            Thresholds::Linspace(count) => self.published_axis(model, extent, count, &scores)?,
        };
        Ok(axis.map(|kind| {
            let images = scores.iter().flatten().count() as u64;
            let [above, overlap, reached] = self.rate_points(model, images, &kind);
            let axis = ThresholdAxis::new(kind, self.settings, &tail, &above);
            let predicted = axis.normal_counts(&tail, scores.len(), self.settings);
            let above = if self.settings.curves == CurvePoints::None { &[] } else { &above[..] };
            let levels = self.levels(&axis, &tail, &reached);
            let grid = ScoreGrid::new(above, &overlap_thresholds(&overlap, self.largest(model)), &levels);
            NormalSide { axis, scores, predicted, grid, levels }
        }))
    }

    /// Where the shared FPR reaches levels that the axis does not, rates for the mean overlap, and [`NAMED_LEVELS`]. Nothing
    /// where not all pixels are counted.
    fn rate_points(&self, model: usize, images: u64, kind: &AxisKind) -> [Vec<RatePoint>; 3] {
        let category = self.sweep.category;
        let Some(counts) = &self.pixels[model] else { return Default::default() };
        let is_mean = self.settings.shared_fpr == SharedFpr::Mean;
        let above = if is_mean { ThresholdAxis::levels_above(kind, self.settings) } else { Vec::new() };
        let overlap =
            if self.settings.metrics.iou { overlap_rates(category.normal_pixels().sum()) } else { Vec::new() };
        let levels = if is_mean { &NAMED_LEVELS[..] } else { &[] };
        counts.rate_points(category, images, [&above, &overlap, levels])
    }

    /// The largest score of the normal images, where all pixels are counted.
    fn largest(&self, model: usize) -> Option<f64> {
        self.pixels[model].as_ref().and_then(PixelCounts::largest)
    }

    /// The levels with the pixels of normal images that reach them: from the tail, as far as the axis goes, or from these
    /// points. None where rates of all pixels are not wanted.
    fn levels(&self, axis: &ThresholdAxis, tail: &SettledTail, points: &[RatePoint]) -> Vec<Level> {
        if !self.settings.metrics.pixel || self.settings.profile.is_some() {
            return Vec::new();
        }
        // Otherwise the tail need not have the pixels of all images.
        let is_mean = self.settings.shared_fpr == SharedFpr::Mean;
        let level = |shared_fpr| {
            if let Some(at) = axis.threshold_reaching(shared_fpr) {
                let reaching = is_mean.then(|| [tail.count_reaching(key_of_score(at)), 0]);
                return Level { shared_fpr, threshold: Some(Interval::point(at)), reaching };
            }
            let point = points.iter().find(|point| point.shared_fpr >= shared_fpr);
            let threshold = point.map(|point| Interval::new(point.threshold, point.highest));
            Level { shared_fpr, threshold, reaching: point.map(|point| [point.pixels, 0]) }
        };
        NAMED_LEVELS.map(level).into()
    }

    fn exact_axis(&mut self, model: usize, tail: &SettledTail) -> Result<Option<AxisKind>, PipelineError> {
        let mut recounted = Vec::new();
        loop {
            match SharedAxis::new(tail, self.settings.shared_fpr, self.settings.bounds, &recounted) {
                Ok(axis) => return Ok(Some(AxisKind::Exact(axis))),
                Err(AxisError::Undecided { key, groups }) => {
                    recounted = self.recount(model, key, &groups)?;
                    if recounted.len() < groups.len() {
                        self.refuse(model, CHANGED);
                        return Ok(None);
                    }
                }
                Err(error) => {
                    self.refuse(model, &error.to_string());
                    return Ok(None);
                }
            }
        }
    }

    fn binned_axis(&mut self, model: usize, scores: &[Option<f64>]) -> Option<AxisKind> {
        let images = scores.iter().flatten().count() as u64;
        let counts = self.pixels[model].as_ref()?;
        let axis = counts.binned_axis(self.sweep.category, images, self.settings.bounds);
        if axis.is_none() {
            self.refuse(model, CHANGED);
        }
        axis.map(AxisKind::Binned)
    }

    /// Reads a few images again for their pixels at or above a score.
    fn recount(&self, model: usize, key: u64, groups: &[u32]) -> Result<Vec<(u32, u64)>, PipelineError> {
        let images: Vec<PlannedImage> = groups.iter().map(|&group| self.sweep.images[group as usize]).collect();
        let sweep = Sweep { images: &images, models: &[model], ..self.sweep };
        let mut recounted = Vec::new();
        sweep.run(
            || AboveCounter { counter: NormalCounter::new(self.settings.image_score), key },
            |counted| {
                if let Outcome::Seen(count) = counted.outcome {
                    recounted.push((groups[counted.position], count));
                }
                Ok(())
            },
        )?;
        Ok(recounted)
    }

    fn published_axis(
        &mut self,
        model: usize,
        extent: Extent,
        count: usize,
        scores: &[Option<f64>],
    ) -> Result<Option<AxisKind>, PipelineError> {
        let sample_type = promoted(&self.sweep.category.models[model].sample_types);
        let grid = match Grid::new(extent.lowest, extent.highest, count, sample_type) {
            Ok(grid) => grid,
            Err(error) => {
                self.refuse(model, &error.to_string());
                return Ok(None);
            }
        };
        let Some(rates) = self.grid_rates(model, &grid, scores)? else {
            self.refuse(model, CHANGED);
            return Ok(None);
        };
        let axis = LinspaceAxis::new(grid, rates, self.settings.bounds, self.settings.allow_few_points);
        Ok(match axis {
            Ok(axis) => Some(AxisKind::Published(axis)),
            Err(error) => {
                self.refuse(model, &error.to_string());
                None
            }
        })
    }

    /// The second reading of the normal images: in order of their paths, because the published sums depend on it.
    /// Of those images that were good at the first reading; `None` if one is not good any more.
    fn grid_rates(
        &self,
        model: usize,
        grid: &Grid,
        scores: &[Option<f64>],
    ) -> Result<Option<GridRates>, PipelineError> {
        let good = self.sweep.images.iter().zip(scores).filter(|(_, score)| score.is_some());
        let mut images: Vec<PlannedImage> = good.map(|(&image, _)| image).collect();
        images.sort_by_cached_key(|&image| self.sweep.category.item(image).path_key());
        let sweep = Sweep { images: &images, models: &[model], ..self.sweep };
        let mut rates = GridRates::new(grid.len());
        let (spare_in, spare) = bounded(64);
        let counter = || RateCounter { counter: GridCounter::new(self.settings.image_score), grid, spare: &spare };
        let mut added = 0;
        sweep.run(counter, |counted| {
            if let Outcome::Seen(counts) = counted.outcome {
                rates.add(&counts, counted.image.evaluated.pixels());
                give_back(&spare_in, counts);
                added += 1;
            }
            Ok(())
        })?;
        Ok((added == images.len()).then_some(rates))
    }

    fn refuse(&mut self, model: usize, why: &str) {
        let dataset = self.sweep.dataset;
        let category = &self.sweep.category.category.name;
        let problem = crate::problem::no_axis(category, &dataset.models[model], &dataset.roots.maps[model], why);
        self.found.add(problem, &dataset.models);
    }
}

/// An axis of either kind.
pub(crate) enum AxisKind {
    Exact(SharedAxis),
    Binned(BinnedAxis),
    Published(LinspaceAxis),
}

/// The type that numpy gives to maps of several types together.
fn promoted(types: &std::collections::BTreeSet<SampleType>) -> SampleType {
    if let Some(&integer) = types.iter().find(|sample_type| sample_type.is_integer()) {
        return integer;
    }
    // The order of the types is that of their precision.
    types.last().copied().unwrap_or(SampleType::F32)
}

fn give_back(spare: &Sender<Vec<u32>>, counts: Vec<u32>) {
    // A full store of spare buffers is no reason to wait.
    let _ = spare.try_send(counts);
}

/// Largest scores, and what else the first reading gathers.
struct TailCounter<'a> {
    counter: NormalCounter,
    empty: UpperTail,
    /// Those of the frame just seen.
    largest: Vec<Run>,
    tails: &'a [SharedTail],
    models: &'a [usize],
    pixels: PixelFeed<'a>,
}

struct TailSeen {
    image_score: f64,
    extent: Extent,
}

impl TailCounter<'_> {
    fn shared(&self, model: usize) -> &SharedTail {
        let slot = self.models.iter().position(|&own| own == model).unwrap_or(0);
        &self.tails[slot]
    }
}

impl Count for TailCounter<'_> {
    type Seen = TailSeen;

    fn count(&mut self, _position: usize, model: usize, frame: &Frame) -> Result<TailSeen, BadScore> {
        let wanted = self.empty.wanted(frame.evaluated().pixels());
        let floor = self.shared(model).floor.load(Ordering::Relaxed);
        let counts = self.counter.count_beside(frame, wanted, floor, &mut self.pixels.ahead(model, None))?;
        self.largest.clear();
        self.largest.extend_from_slice(counts.largest);
        let (image_score, extent) = (counts.image_score, counts.extent.unwrap_or(Extent::EMPTY));
        Ok(TailSeen { image_score, extent })
    }

    fn keep(&mut self, position: usize, model: usize, frame: &Frame) {
        self.shared(model).add(position as u32, frame.evaluated().pixels(), &self.largest);
        self.pixels.keep(model, frame, None);
    }

    fn is_ahead(&self, model: usize) -> bool {
        self.pixels.is_ahead(model)
    }

    fn take_back(&mut self, model: usize, frame: &Frame) -> bool {
        self.pixels.take_back(model, frame, None)
    }

    fn finish(&mut self) {
        self.pixels.finish();
    }
}

/// Pixels at or above a score.
struct AboveCounter {
    counter: NormalCounter,
    key: u64,
}

impl Count for AboveCounter {
    type Seen = u64;

    fn count(&mut self, _position: usize, _model: usize, frame: &Frame) -> Result<u64, BadScore> {
        let counts = self.counter.count(frame, u64::MAX, self.key)?;
        Ok(counts.largest.iter().map(|run| run.count).sum())
    }
}

/// Pixels at or above each threshold of a grid.
struct RateCounter<'a> {
    counter: GridCounter,
    grid: &'a Grid,
    spare: &'a Receiver<Vec<u32>>,
}

impl Count for RateCounter<'_> {
    type Seen = Vec<u32>;

    fn count(&mut self, _position: usize, _model: usize, frame: &Frame) -> Result<Vec<u32>, BadScore> {
        let mut counts = self.spare.try_recv().unwrap_or_default();
        self.counter.count(frame, self.grid, &mut counts)?;
        Ok(counts)
    }
}
