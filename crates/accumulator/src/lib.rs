//! Counts of anomaly scores on threshold axes.
//!
//! Nothing per pixel is kept. Normal images feed an [`UpperTail`]: the few largest scores of all of them, which is all
//! that the shared false-positive rate below its upper bound depends on. Anomalous images are counted against the
//! thresholds that come of it by an [`OverlapCounter`]. The published procedure with evenly spaced thresholds has
//! counters of its own in [`linspace`].
//!
//! All counts are integers per score and image size, so states of different machines [merge](UpperTail::merge) by
//! addition and the result does not depend on how the images were shared out. An image counts wholly or not at all:
//! counters see a whole frame first and say whether it is good ([`BadScore`]); only then is what they saw added, or kept
//! that was [counted ahead](ScoreCounter::ahead).
//!
//! This crate knows frames of pixels, not files, and counts, not curves.

mod bad_score;
mod best_iou;
mod bin_walk;
mod by_page;
mod cell_table;
mod chosen_pages;
mod cut_words;
mod grid_cells;
mod high_blocks;
mod high_pixels;
mod image_score;
mod key;
mod key_ahead;
mod key_bins;
mod key_cache;
mod key_cells;
mod key_counter;
mod key_cuts;
mod key_histogram;
mod key_lookup;
mod key_page;
mod key_span;
mod key_state;
mod key_tally;
pub mod linspace;
mod normal;
mod ordered_key;
mod overlap;
mod region;
mod region_scores;
mod resolution;
mod score_bin;
mod score_cuts;
mod score_histogram;
mod score_rows;
mod score_sum;
mod shared_iou;
mod tail;
mod top;
mod two_sum;

pub use bad_score::BadScore;
pub use best_iou::{BestIou, BestIouFinder, Counted};
pub use bin_walk::BinWalk;
pub use chosen_pages::ChosenPages;
pub use grid_cells::{GridCells, GridRows};
pub use high_pixels::HighPixels;
pub use image_score::ImageScore;
pub use key::{key_of_score, score_of_key};
pub use key_counter::KeyCounter;
pub use key_histogram::{KeyHistogram, ResolutionMismatch};
pub use key_state::StateError;
pub use normal::{NormalCounter, NormalCounts};
pub use ordered_key::{Keyed, LowBits, OrderedKey};
pub use overlap::{OverlapCounter, OverlapCounts, OverlapThresholds};
pub use region::{Connectivity, Region, RegionRun, Regions, WEIGHT_BITS};
pub use region_scores::{RegionCounter, RegionRows, RegionScores};
pub use resolution::Resolution;
pub use score_bin::ScoreBin;
pub use score_cuts::{CutCounter, ScoreCuts};
pub use score_histogram::{ScoreCounter, ScoreHistogram};
pub use shared_iou::{GridMismatch, IOU_BITS, SharedIou, SharedIouStep};
pub use tail::{Depth, Group, SettledTail, TailEntry, UpperTail};
pub use top::Run;
pub use two_sum::two_sum;
