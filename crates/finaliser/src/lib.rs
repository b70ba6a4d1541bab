//! Curves, areas and certified intervals from counts on a threshold axis.

mod area_below;
mod best_threshold;
mod interval;
mod overlap_mean;
mod precision_recall;
mod score_curve;
pub use best_threshold::{BestThreshold, ThresholdRates};
pub use interval::{Interval, macro_average};
pub use overlap_mean::{iou_best_mean, iou_shared_max};
pub use score_curve::{CurveError, ScoreCurve};
