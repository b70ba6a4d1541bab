//! A pimo run, from score maps on disk to results on disk.
//!
//! ```text
//! dataset -> headers -> [readers] -> frames -> [counters] -> results in order -> store
//!                          ^                       |
//!                          +------ tickets --------+
//! ```
//!
//! Two sweeps over every category: the normal images fix the shared axis, then the anomalous images are counted
//! against it. Detectors that memory does not hold together are evaluated in rounds. Readers and counters are plain
//! threads joined by bounded channels. The tail of the normal images, the histogram of all pixels and the sums for the
//! mean overlap are integers that come out the same in any order; everything else that counters saw is taken in the order
//! of the images. So results are the same bytes for any number of threads, any order of a manifest and any way of
//! reading.

mod anomalous;
mod axis;
mod budget;
mod category;
mod digest;
mod error;
mod evaluate;
mod grid;
mod inspect;
mod levels;
mod manifest;
mod metrics;
mod normal;
mod observer;
mod pixels;
mod plan;
mod problem;
mod refine;
mod refine_shared_iou;
mod rounds;
mod scores;
mod settings;
mod sweep;

pub use axis::FEW_PIXELS;
pub use category::CategoryOutcome;
pub use error::{PROBLEMS_SHOWN, PipelineError, bytes, fault_of, listing};
pub use evaluate::{RunOutcome, evaluate};
pub use inspect::{CategoryInspection, Inspection, ReadingSpeed, inspect};
pub use metrics::{Metrics, UnknownMetrics};
pub use observer::{Cancel, Event, Observer};
pub use settings::{Input, Output, Settings, Thresholds};
