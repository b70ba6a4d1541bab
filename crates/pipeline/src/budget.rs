//! What a category takes of the memory budget, found out before work starts.

use pimo_accumulator::{Depth, UpperTail};
use pimo_frame::Mask;

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
        let state = PROGRAM_BYTES + images as u64 * IMAGE_BYTES + state_bytes(settings, category);
        let frame = frame_bytes(category);
        let counter = counter_bytes(settings, category);
        loop {
            let frames = (lanes.readers + lanes.counters + lanes.queue) as u64 * frame;
            let needed = state.saturating_add(frames).saturating_add(lanes.counters as u64 * counter);
            if needed <= settings.memory {
                return Ok(lanes);
            }
            if lanes.queue > 0 {
                lanes.queue -= 1;
            } else if lanes.readers > 1 || lanes.counters > 1 {
                lanes.readers = lanes.readers.max(2) - 1;
                lanes.counters = lanes.counters.max(2) - 1;
            } else {
                let what = refusal(category, state, 2 * frame);
                return Err(PipelineError::Memory { what, needed, allowed: settings.memory });
            }
        }
    }
}

/// What is to blame when a category does not fit.
fn refusal(category: &PlannedCategory<'_>, state: u64, frames: u64) -> String {
    let name = &category.category.name;
    if frames > state {
        format!("category {name}: reading its images, the largest being {},", category.largest_image())
    } else {
        format!("category {name}: what has to be kept of its normal images")
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
