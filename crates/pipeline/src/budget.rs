//! What a category takes of the memory budget, found out before work starts.

use pimo_accumulator::{Depth, UpperTail};
use pimo_frame::Mask;

use crate::error::bytes;
use crate::plan::PlannedCategory;
use crate::{PipelineError, Settings, Thresholds, normal};

/// Threads and places between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lanes {
    pub(crate) readers: usize,
    pub(crate) counters: usize,
    /// Batches that may wait between reading and counting.
    pub(crate) queue: usize,
}

/// The program itself: code, tables being written, buffers of the allocator.
const PROGRAM_BYTES: u64 = 24 << 20;
/// Names, paths and results of one image.
const IMAGE_BYTES: u64 = 512;
/// Gathered keys of one counting thread, and what travels with a frame.
const COUNTER_BYTES: u64 = 4 << 20;
/// Key, rate and logarithm of a threshold of the axis; its spread where all of them are kept.
const AXIS_BYTES: u64 = 24;

impl Lanes {
    /// As many lanes as threads are asked for, if the budget holds the frames that are then in flight; else fewer.
    ///
    /// # Errors
    /// Not even one lane fits, or what has to be kept of the normal images.
    pub(crate) fn for_category(
        settings: &Settings,
        category: &PlannedCategory<'_>,
        images: usize,
    ) -> Result<Self, PipelineError> {
        let threads = settings.threads.max(1);
        let mut lanes = Self { readers: threads, counters: threads, queue: threads };
        let shares = Shares::of(settings, category, images);
        loop {
            if shares.bytes(lanes) <= settings.memory {
                return Ok(lanes);
            }
            if lanes.queue > 0 {
                lanes.queue -= 1;
            } else if lanes.readers > 1 || lanes.counters > 1 {
                lanes.readers = lanes.readers.max(2) - 1;
                lanes.counters = lanes.counters.max(2) - 1;
            } else {
                let what = refusal(category, &shares);
                return Err(PipelineError::Memory { what, needed: shares.bytes(lanes), allowed: settings.memory });
            }
        }
    }
}

/// The least memory in bytes with which a category can be evaluated, in a dataset of `images` in all.
pub(crate) fn least_bytes(settings: &Settings, category: &PlannedCategory<'_>, images: usize) -> u64 {
    Shares::of(settings, category, images).bytes(Lanes { readers: 1, counters: 1, queue: 0 })
}

/// What memory goes to.
struct Shares {
    /// Whatever the number of threads.
    state: u64,
    /// Each frame in flight.
    frame: u64,
    /// Each counting thread.
    counter: u64,
}

impl Shares {
    fn of(settings: &Settings, category: &PlannedCategory<'_>, images: usize) -> Self {
        Self {
            state: (PROGRAM_BYTES + images as u64 * IMAGE_BYTES).saturating_add(state_bytes(settings, category)),
            frame: frame_bytes(category),
            counter: counter_bytes(settings, category),
        }
    }

    fn bytes(&self, lanes: Lanes) -> u64 {
        let frames = self.frame.saturating_mul((lanes.readers + lanes.counters + lanes.queue) as u64);
        self.state.saturating_add(frames).saturating_add(self.counter.saturating_mul(lanes.counters as u64))
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
fn state_bytes(settings: &Settings, category: &PlannedCategory<'_>) -> u64 {
    let models = category.models.len() as u64;
    let depth = normal::depth(settings, category.normal_pixels().count() as u64);
    let tail = UpperTail::most_bytes(depth, category.normal_pixels());
    let spread = if settings.curves == pimo_finaliser::CurvePoints::Full { 2 } else { 1 };
    let entries = tail / size_of::<pimo_accumulator::TailEntry>() as u64;
    let axis = match settings.thresholds {
        Thresholds::Exact => entries.saturating_mul(AXIS_BYTES * spread),
        // Rates, counts, logarithms and keys.
        Thresholds::Linspace(count) => (count as u64).saturating_mul(AXIS_BYTES * (1 + spread)),
    };
    tail.saturating_add(axis).saturating_mul(models)
}

/// Bytes of one counting thread and of the results on their way from it.
fn counter_bytes(settings: &Settings, category: &PlannedCategory<'_>) -> u64 {
    let grid = match settings.thresholds {
        Thresholds::Exact => 0,
        // A count for each threshold, in a few images at a time.
        Thresholds::Linspace(count) => 6 * 4 * count as u64,
    };
    let depth = normal::depth(settings, category.normal_pixels().count() as u64);
    let largest = category.normal_pixels().max().unwrap_or(0);
    let wanted = match depth {
        Depth::Mean { .. } | Depth::EachImage { .. } => UpperTail::new(depth).wanted(largest),
    };
    COUNTER_BYTES + grid + wanted.saturating_mul(48)
}
