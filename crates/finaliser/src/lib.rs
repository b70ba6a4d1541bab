//! From counts on a threshold axis to curves and areas.
//!
//! The normal images' [upper tail](pimo_accumulator::SettledTail) becomes a [`SharedAxis`]: every threshold at which
//! the shared false-positive rate changes, up to the upper bound. Against it each anomalous image has a PIMO curve and
//! an AUPIMO score, which this crate takes exactly: the first and the last piece of the curve are cut at the bounds
//! themselves. [`linspace`] does the same by the published procedure.
//!
//! Counts are integers here until they become a rate, comparisons with a bound are made on integers, and logarithms
//! come from `libm`, so that the same counts give the same bits on every machine.

mod area_below;
mod axis;
mod best_threshold;
mod binned_axis;
mod curve_walk;
mod decimal;
mod even_edges;
mod fpr_bounds;
mod interval;
mod levels;
pub mod linspace;
mod mean_rate;
mod overlap_curve;
mod overlap_mean;
mod precision_recall;
mod profile;
mod quantile;
mod quotient;
mod rate_points;
mod region_overlap;
mod score_curve;
mod shared_fpr;
mod shared_iou_search;
mod step;
mod threshold_rates;
mod uncertainty;

pub use axis::{AxisError, AxisRow, OperatingPoint, SharedAxis};
pub use best_threshold::BestThreshold;
pub use binned_axis::BinnedAxis;
pub use curve_walk::{CurveValues, CurveWalk};
pub use decimal::{Decimal, DecimalError};
pub use even_edges::EvenEdges;
pub use fpr_bounds::{BoundsError, FprBounds};
pub use interval::{Interval, macro_average};
pub use levels::{CurvePoints, NAMED_LEVELS, log_spaced};
pub use overlap_curve::OverlapCurve;
pub use overlap_mean::BestIouMean;
pub use profile::{Profile, ProfileError, ProfileValue};
pub use rate_points::{NormalPixels, RatePoint, RateWalk};
pub use score_curve::{CurveError, ScoreCurve};
pub use shared_fpr::{SharedFpr, SharedFprError};
pub use shared_iou_search::SharedIouSearch;
pub use threshold_rates::ThresholdRates;
pub use uncertainty::{BinUncertainty, UncertaintyWalk};
