//! PIMO curves: recall against shared FPR on a logarithmic axis, with the range that AUPIMO integrates.

use super::axis::{Area, Axis};
use super::document::{Document, Number};
use super::legend::{Legend, Sample};
use super::palette::SeriesColour;
use super::text::{Escaped, FONT_SIZE};

const WIDTH: f64 = 640.0;
const PLOT_HEIGHT: f64 = 260.0;
/// Points nearer than this to the one before, in both directions, are not drawn.
const RESOLUTION: f64 = 0.7;
/// The lowest decade that is shown.
const LOWEST_DECADE: i32 = -9;

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveSeries {
    /// Name in the legend.
    pub name: String,
    /// (shared FPR, recall) in any order; recall in `[0, 1]`.
    pub points: Vec<(f64, f64)>,
}

/// PIMO curves of some images.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveChart {
    /// What the plot shows.
    pub label: String,
    /// The bounds L and U of the shared FPR, if known.
    pub bounds: Option<(f64, f64)>,
    /// The curves, in the order of the legend.
    pub series: Vec<CurveSeries>,
}

impl CurveChart {
    /// Draws the plot.
    pub fn svg(&self) -> String {
        let curves: Vec<Vec<(f64, f64)>> = self.series.iter().map(|series| usable(&series.points)).collect();
        let names: Vec<&str> = self.series.iter().map(|series| series.name.as_str()).collect();
        let area = Area { left: 40.0, top: 32.0, right: WIDTH - 20.0, bottom: 32.0 + PLOT_HEIGHT };
        let legend = Legend::new(&names, area.right - area.left);
        let legend_top = area.bottom + 3.0 * FONT_SIZE + 12.0;
        let mut document = Document::new(WIDTH, legend_top + legend.height + 6.0, &self.label);
        let x = Axis::decades(self.lowest_decade(&curves), self.highest_decade(&curves), (area.left, area.right));
        let y = Axis::linear(0.0, 1.0, 5, (area.bottom, area.top));
        if let Some((low, high)) = self.bounds.filter(|(low, high)| 0.0 < *low && low < high) {
            area.band(&mut document, x.at(low), x.at(high), &format!("AUPIMO integrates from {low:e} to {high:e}"));
        }
        area.draw_x(&mut document, &x, "shared FPR (mean over normal images)");
        area.draw_y(&mut document, &y, "recall (TPR) of the image");
        for (series, (points, name)) in curves.iter().zip(&names).enumerate() {
            draw(&mut document, &x, &y, points, series, name);
        }
        legend.draw(&mut document, area.left, legend_top, Sample::Line);
        document.finish()
    }

    /// One decade below the range of AUPIMO, or as far as the curves go if they are shorter.
    fn lowest_decade(&self, curves: &[Vec<(f64, f64)>]) -> i32 {
        let decade = |rate: f64| (rate.log10() - 1e-9).floor() as i32;
        let from_curves = curves.iter().filter_map(|points| points.first()).map(|point| decade(point.0)).min();
        let from_bounds = self.bounds.filter(|(low, _)| *low > 0.0).map(|(low, _)| decade(low * 1.000_001));
        let lowest = match (from_curves, from_bounds) {
            (Some(curves), Some(bounds)) => curves.clamp(bounds - 1, bounds),
            (Some(decade), None) | (None, Some(decade)) => decade,
            (None, None) => -5,
        };
        lowest.clamp(LOWEST_DECADE, -1)
    }

    /// The decade in which the curves end, but at least that of the range of AUPIMO.
    fn highest_decade(&self, curves: &[Vec<(f64, f64)>]) -> i32 {
        let decade = |rate: f64| (rate.log10() - 1e-9).ceil() as i32;
        let from_curves = curves.iter().filter_map(|points| points.last()).map(|point| decade(point.0)).max();
        let from_bounds = self.bounds.filter(|(_, high)| *high > 0.0).map(|(_, high)| decade(high));
        let highest = from_curves.max(from_bounds).unwrap_or(0);
        highest.clamp(self.lowest_decade(curves) + 1, 0)
    }
}

/// Points that can be drawn on a logarithmic axis, ascending.
fn usable(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut usable: Vec<(f64, f64)> =
        points.iter().copied().filter(|(rate, recall)| rate.is_finite() && *rate > 0.0 && recall.is_finite()).collect();
    usable.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    usable
}

fn draw(document: &mut Document, x: &Axis, y: &Axis, points: &[(f64, f64)], series: usize, name: &str) {
    let colour = SeriesColour(series);
    let left = x.ticks.first().map_or(0.0, |(value, _)| *value);
    let visible = &points[points.partition_point(|point| point.0 < left)..];
    let placed = visible.iter().map(|&(rate, recall)| (x.at(rate), y.at(recall)));
    document.raw(format_args!(
        "<g class=\"series\" data-series=\"{series}\" fill=\"{colour}\"><path fill=\"none\" stroke=\"{colour}\" \
         stroke-width=\"2\" stroke-linejoin=\"round\" d=\""
    ));
    for (position, (x, y)) in thinned(placed).into_iter().enumerate() {
        let command = if position == 0 { 'M' } else { 'L' };
        document.raw(format_args!("{command}{} {}", Number(x), Number(y)));
    }
    document.raw(format_args!("\"><title>{}</title></path>", Escaped(name)));
    // Values to point at: where the curve crosses each decade.
    for (level, text) in &x.ticks {
        let Some(&(rate, recall)) = visible.iter().find(|point| point.0 >= level * (1.0 - 1e-9)) else {
            continue;
        };
        document.raw(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"3.5\"><title>{}\nshared FPR {rate:.3e} (from {text} on)\nrecall {recall:.4}</title></circle>",
            Number(x.at(rate)),
            Number(y.at(recall)),
            Escaped(name)
        ));
    }
    document.raw(format_args!("</g>"));
}

/// Without the points that could not be told from the one before. The last one stays.
fn thinned(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut last = None;
    for point in points {
        last = Some(point);
        let near = kept
            .last()
            .is_some_and(|before| (point.0 - before.0).abs() < RESOLUTION && (point.1 - before.1).abs() < RESOLUTION);
        if !near {
            kept.push(point);
        }
    }
    kept.extend(last.filter(|point| kept.last() != Some(point)));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svg::document::check::check_geometry;

    fn chart(points: Vec<(f64, f64)>) -> CurveChart {
        let series = vec![CurveSeries { name: "median: <0.5>".to_owned(), points }];
        CurveChart { label: "curves".to_owned(), bounds: Some((1e-5, 1e-4)), series }
    }

    #[test]
    fn curves_are_drawn_inside() {
        let points = (0..1000).map(|step| (10_f64.powf(-f64::from(step) / 125.0), f64::from(step % 7) / 7.0)).collect();
        let svg = chart(points).svg();
        check_geometry(&svg);
        assert!(svg.contains("class=\"band\"") && svg.contains("median: &lt;0.5&gt;"), "{svg}");
        assert!(svg.contains(">10⁻⁶</text>") && !svg.contains(">10⁻⁷</text>"));
    }

    #[test]
    fn impossible_points_are_left_out() {
        let nothing = vec![(0.0, 1.0), (f64::NAN, 0.5), (1e-3, f64::NAN), (-1.0, 0.0), (f64::INFINITY, 0.0)];
        check_geometry(&chart(nothing).svg());
        check_geometry(&chart(vec![(1e-300, 0.0), (1.0, 7.0)]).svg());
        check_geometry(&CurveChart { label: String::new(), bounds: None, series: Vec::new() }.svg());
    }

    #[test]
    fn thinning_keeps_ends_and_steps() {
        let points = [(0.0, 0.0), (0.1, 0.0), (0.2, 9.0), (0.3, 9.0), (5.0, 9.0), (5.1, 9.0)];
        assert_eq!(thinned(points.into_iter()), [(0.0, 0.0), (0.2, 9.0), (5.0, 9.0), (5.1, 9.0)]);
    }
}
