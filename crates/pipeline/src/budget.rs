//! What a category takes of the memory budget, found out before work starts.

use pimo_accumulator::{BestIouFinder, HighPixels, ImageScore, Resolution, TailEntry, UpperTail};
use pimo_finaliser::{BinnedAxis, CurvePoints, SharedFpr};
use pimo_frame::Mask;

use crate::error::bytes;
use crate::pixels::PixelPlan;
use crate::plan::PlannedCategory;
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
    /// Whether the upper tail does not fit, and the histogram of all pixels takes its place.
    pub(crate) binned: bool,
    /// What the histogram of all pixels of each detector may hold.
    pub(crate) resolution: Resolution,
}

/// The program itself: code, tables being written, buffers of the allocator.
const PROGRAM_BYTES: u64 = 24 << 20;
/// Names, paths and results of one image.
const IMAGE_BYTES: u64 = 512;
/// Gathered keys of one counting thread, and what travels with a frame.
const COUNTER_BYTES: u64 = 4 << 20;
/// Images that a reader takes at a time at most, if their results are small.
const MOST_IMAGES_AT_ONCE: usize = 4;
/// Results of one image that are larger than this travel alone.
const LARGE_RESULT_BYTES: u64 = 64 << 10;
/// Key, rate and logarithm of a threshold of the axis; its spread where all of them are kept.
const AXIS_BYTES: u64 = 24;

impl Lanes {
    /// As many lanes as threads are asked for, if the budget holds the frames that are then in flight; else fewer.
    ///
    /// The histogram of all pixels is as fine as leaves room for one lane, so that results do not depend on threads.
    ///
    /// # Errors
    /// Not even one lane fits, or what has to be kept of the normal images.
    pub(crate) fn for_category(
        settings: &Settings,
        category: &PlannedCategory<'_>,
        images: usize,
    ) -> Result<Self, PipelineError> {
        let mut least: Option<Shares> = None;
        for binned in [false, true].into_iter().filter(|binned| !binned || may_bin(settings)) {
            for resolution in resolutions(settings) {
                let shares = Shares::of(settings, category, images, Kept { binned, resolution });
                if shares.least_bytes() <= settings.memory {
                    return Ok(shares.lanes(settings));
                }
                if least.as_ref().is_none_or(|least| shares.least_bytes() < least.least_bytes()) {
                    least = Some(shares);
                }
            }
        }
        let shares = least.unwrap_or_else(|| Shares::of(settings, category, images, Kept::default()));
        let what = refusal(category, &shares);
        Err(PipelineError::Memory { what, needed: shares.least_bytes(), allowed: settings.memory })
    }

    /// Groups of images that may be on their way between a reader and the one who takes their results.
    pub(crate) const fn window(self) -> usize {
        self.readers + self.counters + self.queue + 4
    }
}

/// The memory in bytes with which AUPIMO is exact and other metrics are as precise as they get, in a dataset of `images`
/// in all.
pub(crate) fn full_bytes(settings: &Settings, category: &PlannedCategory<'_>, images: usize) -> u64 {
    Shares::of(settings, category, images, Kept::default()).least_bytes()
}

/// The resolutions of the histogram that may be tried, the finest first; one, which nobody asks, where there is none.
fn resolutions(settings: &Settings) -> impl Iterator<Item = Resolution> {
    let halves = std::iter::successors(Some(Resolution::default()), |resolution| resolution.halved());
    halves.take(if settings.metrics.counts_all_pixels() { usize::MAX } else { 1 })
}

/// How much is kept.
#[derive(Clone, Copy, Default)]
struct Kept {
    /// The histogram takes the place of the upper tail.
    binned: bool,
    resolution: Resolution,
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
    kept: Kept,
    /// Whatever the number of threads.
    state: u64,
    /// Each frame in flight.
    frame: u64,
    /// Each counting thread.
    counter: u64,
    /// The results of each image on its way.
    result: u64,
    /// What bins of one detector take when its metrics are computed and no images are on their way.
    closing: u64,
}

impl Shares {
    fn of(settings: &Settings, category: &PlannedCategory<'_>, images: usize, kept: Kept) -> Self {
        let tail = if kept.binned { 0 } else { tail_entries(settings, category) };
        let state = state_bytes(settings, category, tail, kept);
        let closing = plans(settings, category, kept.resolution).map(PixelPlan::closing_bytes).max().unwrap_or(0);
        Self {
            kept,
            state: (PROGRAM_BYTES + images as u64 * IMAGE_BYTES).saturating_add(state),
            // Where scores are rounded, both the old and the new ones are there for a while.
            frame: frame_bytes(category) * if settings.rounds_to_half() { 2 } else { 1 },
            counter: counter_bytes(settings, category, kept),
            result: result_bytes(settings, category, tail),
            closing,
        }
    }

    fn one_lane(&self) -> Lanes {
        let Kept { binned, resolution } = self.kept;
        Lanes { readers: 1, counters: 1, queue: 0, at_once: self.at_once(), binned, resolution }
    }

    fn least_bytes(&self) -> u64 {
        self.bytes(self.one_lane())
    }

    /// As many lanes as fit; one at least.
    fn lanes(&self, settings: &Settings) -> Lanes {
        let threads = settings.threads.max(1);
        let mut lanes = Lanes { readers: threads, counters: threads, queue: threads, ..self.one_lane() };
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
        let frames = self.frame.saturating_mul((lanes.readers + lanes.counters + lanes.queue) as u64);
        let results = self.result.saturating_mul((lanes.window() * lanes.at_once) as u64);
        let counters = self.counter.saturating_mul(lanes.counters as u64);
        let sweep = frames.saturating_add(results).saturating_add(counters);
        self.state.saturating_add(sweep.max(self.closing))
    }
}

/// What is to blame when a category does not fit.
fn refusal(category: &PlannedCategory<'_>, shares: &Shares) -> String {
    let name = &category.category.name;
    if 2 * shares.frame <= shares.state {
        return format!("category {name}: the program itself with what it keeps of the normal images");
    }
    let map = category.models.iter().map(|model| model.map_bytes).max().unwrap_or(0);
    let size = category.largest_image();
    if map >= Mask::bytes(size) {
        format!("category {name}: reading its anomaly maps, the largest of which is {} in memory,", bytes(map))
    } else {
        format!("category {name}: reading its masks, the largest of which is {size},")
    }
}

/// Bytes of a frame in flight, or of a batch of small ones.
fn frame_bytes(category: &PlannedCategory<'_>) -> u64 {
    let map = category.models.iter().map(|model| model.map_bytes).max().unwrap_or(0);
    let small = if map == 0 { 0 } else { (1 << 20_u64).min(map * 64) };
    map + small + Mask::bytes(category.largest_image())
}

/// Bytes that grow with the number of pixels or thresholds, whatever the number of threads.
fn state_bytes(settings: &Settings, category: &PlannedCategory<'_>, entries: u64, kept: Kept) -> u64 {
    let models = category.models.len() as u64;
    let tail = entries.saturating_mul(size_of::<TailEntry>() as u64);
    let spread = if settings.curves == CurvePoints::Full { 2 } else { 1 };
    let axis = match settings.thresholds {
        Thresholds::Exact if kept.binned => BinnedAxis::most_bytes(),
        Thresholds::Exact => entries.saturating_mul(AXIS_BYTES * spread),
        // Rates, counts, logarithms and keys.
        Thresholds::Linspace(count) => (count as u64).saturating_mul(AXIS_BYTES * (1 + spread)),
    };
    tail.saturating_add(axis).saturating_mul(models).saturating_add(pixel_bytes(settings, category, kept.resolution).0)
}

/// Bytes set aside in each counting thread for the connected regions of one mask: a hundred times what masks drawn by
/// hand need, a twentieth of what a chessboard takes. `None` where regions are not looked for.
pub(crate) fn region_bytes(settings: &Settings, category: &PlannedCategory<'_>) -> Option<u64> {
    let largest = category.largest_image().pixels();
    settings.metrics.needs_regions().then(|| (largest * 4).max(1 << 20))
}

/// What counting all pixels takes, of all detectors: shared, and in each thread.
fn pixel_bytes(settings: &Settings, category: &PlannedCategory<'_>, resolution: Resolution) -> (u64, u64) {
    plans(settings, category, resolution)
        .fold((0, 0), |(state, counter), plan| (state + plan.state_bytes(), counter + plan.counter_bytes()))
}

fn plans(
    settings: &Settings,
    category: &PlannedCategory<'_>,
    resolution: Resolution,
) -> impl Iterator<Item = PixelPlan> {
    (0..category.models.len()).filter_map(move |model| PixelPlan::new(settings, category, model, resolution))
}

/// Bytes of one counting thread.
fn counter_bytes(settings: &Settings, category: &PlannedCategory<'_>, kept: Kept) -> u64 {
    let depth = normal::depth(settings, category.normal_pixels().count() as u64, kept.binned);
    let wanted = UpperTail::new(depth).wanted(category.normal_pixels().max().unwrap_or(0));
    let largest = category.largest_image();
    let top = match settings.image_score {
        ImageScore::Max | ImageScore::Mean => 0,
        ImageScore::MeanTop(k) => k.min(largest.pixels()),
    };
    COUNTER_BYTES
        .saturating_add(wanted.saturating_add(top).saturating_mul(48))
        .saturating_add(pixel_bytes(settings, category, kept.resolution).1)
        // Those of the frame, and its rows on their way.
        .saturating_add(region_bytes(settings, category).unwrap_or(0) * 2)
        .saturating_add(if settings.metrics.counts_all_pixels() { HighPixels::bytes(largest) } else { 0 })
        .saturating_add(if settings.metrics.iou { BestIouFinder::bytes(largest) } else { 0 })
}

/// Bytes of the results of one image, of all detectors: the points of its curve, or its count at each threshold.
fn result_bytes(settings: &Settings, category: &PlannedCategory<'_>, tail: u64) -> u64 {
    let (thresholds, counts) = match settings.thresholds {
        Thresholds::Exact => (tail, 0),
        Thresholds::Linspace(count) => (count as u64, (count as u64).saturating_mul(4)),
    };
    let points = match settings.curves {
        CurvePoints::Levels(levels) => levels as u64 + 2,
        CurvePoints::Full => thresholds,
        CurvePoints::None => 0,
    };
    points.saturating_mul(8).saturating_add(counts).saturating_mul(category.models.len() as u64)
}

/// Scores that the upper tail of one detector holds at most.
fn tail_entries(settings: &Settings, category: &PlannedCategory<'_>) -> u64 {
    let depth = normal::depth(settings, category.normal_pixels().count() as u64, false);
    UpperTail::most_bytes(depth, category.normal_pixels()) / size_of::<TailEntry>() as u64
}
