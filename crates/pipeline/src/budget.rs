//! What a category takes of the memory budget, found out before work starts.

use pimo_accumulator::{
    BestIouFinder, Connectivity, HighPixels, ImageScore, Regions, Resolution, ScoreCuts, TailEntry, UpperTail,
};
use pimo_finaliser::{BinnedAxis, CurvePoints, SharedFpr};
use pimo_frame::Mask;

use crate::anomalous::RegionSeen;
use crate::error::bytes;
use crate::pixels::PixelPlan;
use crate::plan::{PlannedCategory, PlannedModel};
use crate::{PipelineError, Settings, Thresholds, normal};

/// Threads and places between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lanes {
    pub(crate) readers: usize,
    pub(crate) counters: usize,
    /// Batches that may wait between reading and counting.
    pub(crate) queue: usize,
    /// Images that a reader may take at a time.
    pub(crate) at_once: usize,
    pub(crate) fidelity: Fidelity,
}

/// How much is kept of the scores of each detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fidelity {
    /// Whether the upper tail does not fit, and the histogram of all pixels takes its place.
    pub(crate) binned: bool,
    /// What the histogram of all pixels may hold.
    pub(crate) resolution: Resolution,
    /// How many cuts pages may have when they are counted again.
    pub(crate) cuts: u64,
}

impl Fidelity {
    fn new(binned: bool, resolution: Resolution) -> Self {
        Self { binned, resolution, cuts: ScoreCuts::FEWEST }
    }
}

impl Default for Fidelity {
    fn default() -> Self {
        Self::new(false, Resolution::default())
    }
}

/// The program itself: code, tables being written, buffers of the allocator.
const PROGRAM_BYTES: u64 = 24 << 20;
/// Reading one round's rows, buffers of every column included.
const ASIDE_BYTES: u64 = 4 << 20;
/// Rounds whose rows wait at most: files are not to be too many either.
const MOST_ASIDE: u64 = 8;
/// Names, paths and results of one image.
const IMAGE_BYTES: u64 = 512;
/// What each further detector adds to that: what tables know of its rows.
const OTHERS_BYTES: u64 = 384;
/// Gathered keys of one counting thread, and what travels with a frame.
const COUNTER_BYTES: u64 = 4 << 20;
/// Images that a reader takes at a time at most, if their results are small.
const MOST_IMAGES_AT_ONCE: usize = 4;
/// Results of one image that are larger than this travel alone.
const LARGE_RESULT_BYTES: u64 = 64 << 10;
/// Key, rate and logarithm of a threshold of the axis; its spread where all of them are kept.
const AXIS_BYTES: u64 = 24;

/// Detectors that are evaluated together, and how.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    /// Their indices in the dataset.
    pub(crate) models: Vec<usize>,
    pub(crate) lanes: Lanes,
}

/// Shares detectors out among as few rounds as the budget allows, in their order. Together are only detectors that could
/// be evaluated alone with no more threads and no finer histogram: what becomes of one does not depend on the others.
///
/// `images` are those of the dataset in all. Detectors that do not fit even alone are in no round, and the refusal of the
/// one that asks for most comes with the rounds.
pub(crate) fn rounds(
    settings: &Settings,
    category: &PlannedCategory<'_>,
    models: &[usize],
    images: usize,
) -> (Vec<Round>, Option<PipelineError>) {
    let budget = Budget { settings, category, images };
    let mut rounds: Vec<Round> = Vec::new();
    let mut refused = None;
    for &model in models {
        let alone = match budget.lanes(&[model]) {
            Ok(alone) => alone,
            Err(error) => {
                refused = Some(PipelineError::larger(refused, error));
                continue;
            }
        };
        match rounds.last_mut().and_then(|round| budget.joined(round, model, alone).map(|joined| (round, joined))) {
            Some((round, joined)) => *round = joined,
            None => rounds.push(Round { models: vec![model], lanes: alone }),
        }
    }
    (rounds, refused)
}

/// The memory in bytes with which AUPIMO of these detectors is exact and other metrics are as precise as they get, in a
/// dataset of `images` in all.
pub(crate) fn full_bytes(settings: &Settings, category: &PlannedCategory<'_>, models: &[usize], images: usize) -> u64 {
    let budget = Budget { settings, category, images };
    let finest = Fidelity::new(false, finest_resolution(settings, category));
    let alone = |model| {
        let mapped = budget.shares(&[model], finest);
        [mapped, budget.shares_unmapped(&[model], settings.curves, finest)]
    };
    models.iter().flat_map(|&model| alone(model)).map(|shares| shares.least_bytes()).max().unwrap_or(0)
}

/// How many rounds' rows may wait in files to be joined, when nothing else takes memory any more.
pub(crate) fn most_aside(settings: &Settings) -> usize {
    (settings.memory.saturating_sub(PROGRAM_BYTES) / ASIDE_BYTES).clamp(2, MOST_ASIDE) as usize
}

/// What memory there is, and for what.
#[derive(Clone, Copy)]
struct Budget<'a> {
    settings: &'a Settings,
    category: &'a PlannedCategory<'a>,
    images: usize,
}

impl Budget<'_> {
    /// As many lanes as threads are asked for, if the budget holds the frames that are then in flight; else fewer.
    fn lanes(&self, models: &[usize]) -> Result<Lanes, PipelineError> {
        let allowed = self.settings.memory;
        let shares_in = |memory| self.shares(models, self.kept(models, memory));
        let shares = shares_in(allowed);
        let mut needed = shares.least_bytes();
        if needed <= allowed {
            return Ok(shares.lanes(self.settings));
        }
        // With more memory more may be kept.
        while shares_in(needed).least_bytes() > needed {
            needed = shares_in(needed).least_bytes();
        }
        let only_curves = self.shares_with(models, CurvePoints::default(), shares.kept).least_bytes() <= allowed;
        let what = if only_curves { self.long_curves() } else { self.refusal(&shares) };
        Err(PipelineError::Memory { what, needed, allowed })
    }

    /// What is kept in so much memory: what leaves room for one lane if no file is mapped; if nothing does, the least. So
    /// results depend neither on threads nor on how files are read. Whether the tail is kept, and AUPIMO exact, does not
    /// depend on how long curves are either.
    fn kept(&self, models: &[usize], memory: u64) -> Fidelity {
        let settings = self.settings;
        let needed = |curves: CurvePoints, kept: Fidelity| self.shares_unmapped(models, curves, kept).least_bytes();
        let resolutions = || resolutions(settings, self.category);
        let kept = |binned: bool| resolutions().map(move |resolution| Fidelity::new(binned, resolution));
        let usual = CurvePoints::default();
        let ways = || [false, true].into_iter().filter(|binned| !binned || may_bin(settings));
        let fitting = ways().find(|&binned| kept(binned).any(|kept| needed(usual, kept) <= memory));
        let least = ways().flat_map(kept).min_by_key(|&kept| needed(usual, kept)).unwrap_or_default();
        let kept = fitting.map_or(least, |binned| {
            let all = || kept(binned);
            let fits = all().find(|&kept| needed(settings.curves, kept) <= memory);
            fits.or_else(|| all().last()).unwrap_or_default()
        });
        if settings.refine { self.with_more_cuts(models, kept, memory) } else { kept }
    }

    /// The same, with as many cuts as memory has room for with two threads: the more, the fewer readings. More threads
    /// than that may have to share what is left.
    fn with_more_cuts(&self, models: &[usize], kept: Fidelity, memory: u64) -> Fidelity {
        let enough = self.category.pixels().min(ScoreCuts::MOST);
        let more = |kept: &Fidelity| {
            (kept.cuts < enough).then(|| Fidelity { cuts: (kept.cuts / 4 * 5).min(ScoreCuts::MOST), ..*kept })
        };
        let fits = |kept: &Fidelity| {
            let shares = self.shares_unmapped(models, self.settings.curves, *kept);
            shares.bytes_again(shares.lanes_of(2)) <= memory
        };
        std::iter::successors(Some(kept), more).skip(1).take_while(fits).last().unwrap_or(kept)
    }

    /// A round with one more detector, if that makes neither it nor the others slower or less precise.
    fn joined(&self, round: &Round, model: usize, alone: Lanes) -> Option<Round> {
        let models = [round.models.as_slice(), &[model]].concat();
        let shares = self.shares(&models, alone.fidelity);
        let fits = round.lanes.fidelity == alone.fidelity && shares.least_bytes() <= self.settings.memory;
        let lanes = shares.lanes(self.settings);
        let counters = round.lanes.counters.max(alone.counters);
        (fits && lanes.counters >= counters).then_some(Round { models, lanes })
    }

    fn shares(&self, models: &[usize], kept: Fidelity) -> Shares {
        self.shares_with(models, self.settings.curves, kept)
    }

    /// The same with other curves.
    fn shares_with(&self, models: &[usize], curves: CurvePoints, kept: Fidelity) -> Shares {
        let mut shares = self.shares_of(models, curves, |model| model.map_bytes, kept);
        // What is kept does not depend on other detectors; that there is room for their results is another matter.
        let others = self.category.models.len().saturating_sub(1) as u64;
        shares.state = shares.state.saturating_add((self.images as u64 * OTHERS_BYTES).saturating_mul(others));
        shares
    }

    /// What matters to what is kept: if no file is mapped, and there are no other detectors.
    fn shares_unmapped(&self, models: &[usize], curves: CurvePoints, kept: Fidelity) -> Shares {
        self.shares_of(models, curves, |model| model.most_map_bytes, kept)
    }

    fn shares_of(
        &self,
        models: &[usize],
        curves: CurvePoints,
        map_bytes: impl Fn(&PlannedModel) -> u64,
        kept: Fidelity,
    ) -> Shares {
        let Self { settings, category, images } = *self;
        let largest_map = models.iter().map(|&model| map_bytes(&category.models[model])).max().unwrap_or(0);
        let detectors = Detectors { settings, category, models, curves };
        let tail = if kept.binned { 0 } else { tail_entries(settings, category) };
        let state = detectors.state_bytes(tail, kept);
        let closing = detectors.plans(kept).map(|plan| plan.closing_bytes(kept.binned)).max().unwrap_or(0);
        Shares {
            kept,
            images: category.images.len(),
            state: (PROGRAM_BYTES + images as u64 * IMAGE_BYTES).saturating_add(state),
            largest_map,
            // Where scores are rounded, both the old and the new ones are there for a while.
            frame: frame_bytes(category, largest_map) * if settings.rounds_to_half() { 2 } else { 1 },
            counter: detectors.counter_bytes(kept),
            result: detectors.result_bytes(tail),
            region_rows: if settings.metrics.regions {
                most_regions(category).saturating_mul(size_of::<RegionSeen>() as u64)
            } else {
                0
            },
            closing,
            again: detectors.again_bytes(kept),
        }
    }

    /// What is to blame when detectors do not fit because of their curves.
    fn long_curves(&self) -> String {
        format!("category {}: keeping as many points of each curve as --curves asks for", self.category.category.name)
    }

    /// What is to blame when detectors do not fit.
    fn refusal(&self, shares: &Shares) -> String {
        let name = &self.category.category.name;
        if 2 * shares.frame <= shares.state {
            return format!("category {name}: the program itself with what it keeps of the normal images");
        }
        let map = shares.largest_map;
        let size = self.category.largest_image();
        if map >= Mask::bytes(size) {
            format!("category {name}: reading its anomaly maps, the largest of which is {} in memory,", bytes(map))
        } else {
            format!("category {name}: reading its masks, the largest of which is {size},")
        }
    }
}

impl Lanes {
    /// Groups of images that may be on their way between a reader and the thread that takes their results.
    pub(crate) const fn window(self) -> usize {
        self.readers + self.counters + self.queue + 4
    }
}

/// The resolutions of the histogram that may be tried, the finest first; one where there is no histogram.
fn resolutions(settings: &Settings, category: &PlannedCategory<'_>) -> impl Iterator<Item = Resolution> {
    let halves = std::iter::successors(Some(finest_shared(settings)), |resolution| resolution.halved());
    let all = Resolution::of_keys(category.pixels()).into_iter().chain(halves);
    all.take(if settings.metrics.counts_all_pixels() { usize::MAX } else { 1 })
}

/// The finest resolution of histograms for a category: with few pixels, each score by itself.
pub(crate) fn finest_resolution(settings: &Settings, category: &PlannedCategory<'_>) -> Resolution {
    Resolution::of_keys(category.pixels()).unwrap_or_else(|| finest_shared(settings))
}

/// The finest where several scores share a bin. Metrics as other tools define them need all bins in memory, which should
/// not be more than they have to.
fn finest_shared(settings: &Settings) -> Resolution {
    let finest = Resolution::default();
    if settings.profile.is_some() { finest.with_nothing_beside() } else { finest }
}

/// Whether the histogram of all pixels can take the place of the upper tail: the published procedure needs every
/// score in its own type, and a maximum or a quantile needs to know whose scores they are.
fn may_bin(settings: &Settings) -> bool {
    settings.metrics.counts_all_pixels()
        && settings.thresholds == Thresholds::Exact
        && settings.shared_fpr == SharedFpr::Mean
}

/// What memory goes to.
struct Shares {
    kept: Fidelity,
    /// Images of the category: more threads have nothing to do.
    images: usize,
    /// Whatever the number of threads.
    state: u64,
    /// The largest map in memory.
    largest_map: u64,
    /// Each frame in flight.
    frame: u64,
    /// Each counting thread.
    counter: u64,
    /// The results of each image on its way.
    result: u64,
    /// Rows of its regions.
    region_rows: u64,
    /// What bins of one detector take when its metrics are computed and no images are on their way.
    closing: u64,
    again: Again,
}

/// What is there beside the state when pages are counted again, one detector after the other.
#[derive(Clone, Copy)]
struct Again {
    /// Whatever the number of threads.
    state: u64,
    /// Each counting thread.
    counter: u64,
}

impl Shares {
    fn one_lane(&self) -> Lanes {
        Lanes { queue: 0, ..self.lanes_of(1) }
    }

    /// Lanes for so many threads, with room for images to wait.
    const fn lanes_of(&self, threads: usize) -> Lanes {
        Lanes { readers: threads, counters: threads, queue: threads, at_once: self.at_once(), fidelity: self.kept }
    }

    fn least_bytes(&self) -> u64 {
        self.bytes(self.one_lane())
    }

    /// As many lanes as fit; one at least.
    fn lanes(&self, settings: &Settings) -> Lanes {
        let mut lanes = self.lanes_of(settings.threads.clamp(1, self.images.max(1)));
        while self.bytes(lanes) > settings.memory && lanes != self.one_lane() {
            if lanes.queue > 0 {
                lanes.queue -= 1;
            } else {
                lanes.readers = lanes.readers.max(2) - 1;
                lanes.counters = lanes.counters.max(2) - 1;
            }
        }
        lanes
    }

    const fn at_once(&self) -> usize {
        if self.result > LARGE_RESULT_BYTES { 1 } else { MOST_IMAGES_AT_ONCE }
    }

    fn bytes(&self, lanes: Lanes) -> u64 {
        let results = self.result.saturating_mul((lanes.window() * lanes.at_once) as u64);
        // Masks of so many regions do not come one after the other without end.
        let results = results.saturating_add(self.region_rows.saturating_mul(lanes.window() as u64));
        let counters = self.counter.saturating_mul(lanes.counters as u64);
        let sweep = self.frames(lanes).saturating_add(results).saturating_add(counters);
        self.state.saturating_add(sweep).max(self.bytes_again(lanes))
    }

    /// When pages are counted again, and in the end.
    fn bytes_again(&self, lanes: Lanes) -> u64 {
        let counters = self.again.counter.saturating_mul(lanes.counters as u64);
        let again = self.frames(lanes).saturating_add(counters).max(self.closing);
        self.state.saturating_add(self.again.state).saturating_add(again)
    }

    /// Frames in flight.
    const fn frames(&self, lanes: Lanes) -> u64 {
        self.frame.saturating_mul((lanes.readers + lanes.counters + lanes.queue) as u64)
    }
}

/// What the connected regions of one mask may take in each counting thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegionLimit {
    pub(crate) bytes: u64,
    /// How many of them there may be.
    pub(crate) regions: u64,
    connectivity: Connectivity,
}

/// Regions of a mask that are too many.
pub(crate) enum TooManyRegions {
    /// For the memory, which finding them takes.
    Bytes(u64),
    /// To have a row each.
    Rows(u64),
}

impl RegionLimit {
    /// The limit for masks of a category; `None` where regions are not looked for.
    pub(crate) fn new(settings: &Settings, category: &PlannedCategory<'_>) -> Option<Self> {
        settings.metrics.joins_regions().then_some(Self {
            bytes: region_bytes(category),
            regions: if settings.metrics.regions { most_regions(category) } else { u64::MAX },
            connectivity: settings.connectivity,
        })
    }

    /// Whether the regions of a mask keep to the limit.
    pub(crate) fn check(self, mask: &Mask) -> Result<(), TooManyRegions> {
        let runs = Regions::count_runs(mask);
        if runs <= self.regions && Regions::bytes(mask, runs, runs) <= self.bytes {
            return Ok(());
        }
        let regions = Regions::most(mask, self.connectivity);
        let needed = Regions::bytes(mask, runs, regions);
        if needed > self.bytes {
            Err(TooManyRegions::Bytes(needed))
        } else if regions > self.regions {
            Err(TooManyRegions::Rows(regions))
        } else {
            Ok(())
        }
    }
}

/// Most regions of a mask whose rows may be on their way.
fn most_regions(category: &PlannedCategory<'_>) -> u64 {
    let pixels = category.largest_image().pixels();
    (pixels / 256).max(12 << 10).min(pixels / 16 + 16)
}

/// Bytes set aside in each counting thread for the runs of anomalous pixels of one mask, and for its regions: enough for
/// any runs, a hundred times what regions drawn by hand need, a tenth of those of a chessboard.
fn region_bytes(category: &PlannedCategory<'_>) -> u64 {
    let largest = category.largest_image();
    // Runs of very narrow images are as many as their rows, for each of which there is a number too.
    (largest.pixels() * 7 + u64::from(largest.height) * 32).max(2 << 20)
}

/// What some detectors take together.
struct Detectors<'a> {
    settings: &'a Settings,
    category: &'a PlannedCategory<'a>,
    models: &'a [usize],
    curves: CurvePoints,
}

/// Bytes of a frame in flight whose map takes `map` bytes, or of a batch of small ones.
fn frame_bytes(category: &PlannedCategory<'_>, map: u64) -> u64 {
    let small = if map == 0 { 0 } else { (1 << 20_u64).min(map * 64) };
    map + small + Mask::bytes(category.largest_image())
}

impl<'a> Detectors<'a> {
    /// Bytes that grow with the number of pixels or thresholds, whatever the number of threads.
    fn state_bytes(&self, entries: u64, kept: Fidelity) -> u64 {
        let tail = entries.saturating_mul(size_of::<TailEntry>() as u64);
        let spread = if self.curves == CurvePoints::Full { 2 } else { 1 };
        let axis = match self.settings.thresholds {
            Thresholds::Exact if kept.binned => BinnedAxis::most_bytes(),
            Thresholds::Exact => entries.saturating_mul(AXIS_BYTES * spread),
            // Rates, counts, logarithms and keys.
            Thresholds::Linspace(count) => (count as u64).saturating_mul(AXIS_BYTES * (1 + spread)),
        };
        let each = tail.saturating_add(axis);
        each.saturating_mul(self.models.len() as u64).saturating_add(self.pixel_bytes(kept).0)
    }

    /// What counting all pixels takes: shared, and in each thread.
    fn pixel_bytes(&self, kept: Fidelity) -> (u64, u64) {
        self.plans(kept)
            .fold((0, 0), |(state, counter), plan| (state + plan.state_bytes(), counter + plan.counter_bytes()))
    }

    fn plans(&self, kept: Fidelity) -> impl Iterator<Item = PixelPlan> + 'a {
        let Self { settings, category, models, .. } = *self;
        models.iter().filter_map(move |&model| PixelPlan::new(settings, category, model, kept))
    }

    /// Bytes of one counting thread.
    fn counter_bytes(&self, kept: Fidelity) -> u64 {
        let (settings, category) = (self.settings, self.category);
        let depth = normal::depth(settings, category.normal_pixels().count() as u64, kept.binned);
        let wanted = UpperTail::new(depth).wanted(category.normal_pixels().max().unwrap_or(0));
        let largest = category.largest_image();
        let top = match settings.image_score {
            ImageScore::Max | ImageScore::Mean => 0,
            ImageScore::MeanTop(k) => k.min(largest.pixels()),
        };
        self.least_counter_bytes()
            .saturating_add(wanted.saturating_add(top).saturating_mul(48))
            .saturating_add(self.pixel_bytes(kept).1)
            .saturating_add(self.overlap_bytes())
            .saturating_add(if settings.metrics.iou { BestIouFinder::bytes(largest) } else { 0 })
    }

    /// Bytes of the pixels that one thread takes out of an image for their overlap with its mask.
    fn overlap_bytes(&self) -> u64 {
        let counts = self.settings.metrics.counts_all_pixels();
        if counts { HighPixels::bytes(self.category.largest_image()) } else { 0 }
    }

    /// Bytes of one thread that only looks at frames and their regions, what is told of these included.
    fn least_counter_bytes(&self) -> u64 {
        let regions = if self.settings.metrics.needs_regions() { region_bytes(self.category) } else { 0 };
        COUNTER_BYTES.saturating_add(regions)
    }

    /// Bytes that counting pages again takes, one detector after the other.
    fn again_bytes(&self, kept: Fidelity) -> Again {
        let counter = self.plans(kept).map(PixelPlan::again_counter_bytes).max().unwrap_or(0);
        Again {
            state: self.plans(kept).map(PixelPlan::again_bytes).max().unwrap_or(0),
            counter: self.least_counter_bytes().saturating_add(counter.max(self.overlap_bytes())),
        }
    }

    /// Bytes of the results of one image: the points of its curve, or its count at each threshold.
    fn result_bytes(&self, tail: u64) -> u64 {
        let (thresholds, counts) = match self.settings.thresholds {
            Thresholds::Exact => (tail, 0),
            Thresholds::Linspace(count) => (count as u64, (count as u64).saturating_mul(4)),
        };
        let points = match self.curves {
            CurvePoints::Levels(levels) => (levels + CurvePoints::BESIDE_LEVELS) as u64,
            CurvePoints::Full => thresholds,
            CurvePoints::None => 0,
        };
        points.saturating_mul(8).saturating_add(counts).saturating_mul(self.models.len() as u64)
    }
}

/// Room for the upper tail of one detector, counted in entries. That is more than the distinct scores that it holds at
/// most: what waits unsorted and what sorting takes beside it are in it too. The axis and full curves, whose points are
/// among these scores, are charged by the same number, and so for more points than they can have.
fn tail_entries(settings: &Settings, category: &PlannedCategory<'_>) -> u64 {
    let depth = normal::depth(settings, category.normal_pixels().count() as u64, false);
    UpperTail::most_bytes(depth, category.normal_pixels()) / size_of::<TailEntry>() as u64
}
