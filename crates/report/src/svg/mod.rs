//! Plots as SVG.
//!
//! Every plot is a string of its own: an `<svg>` with a `viewBox`, `role="img"` and a label, whose marks carry their
//! values in `<title>` elements, which browsers show when the pointer rests on them and which can be read by scripts.
//! Text and axes have the colour of the text around (`currentColor`), series have CSS variables with a fallback, so
//! one plot serves light and dark pages. The same data give the same bytes. Points that are not finite are left out.

mod axis;
mod boxplots;
mod curves;
mod document;
mod legend;
mod palette;
mod rank_diagram;
mod scatter;
mod text;

pub use boxplots::{BoxRow, BoxplotChart, Marker, Outlier};
pub use curves::{CurveChart, CurveSeries};
pub use palette::SERIES_COLOURS;
pub use rank_diagram::{Neighbour, RankDiagram, RankedModel};
pub use scatter::{ScatterChart, ScatterGroup, ScatterPoint};
