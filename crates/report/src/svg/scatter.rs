//! One metric against another, a point for each category and a colour and shape for each detector.

use super::axis::{Area, Axis};
use super::document::Document;
use super::legend::{Legend, Sample};
use super::palette::{SeriesColour, Shape};
use super::text::{Escaped, FONT_SIZE};

const PLOT_WIDTH: f64 = 480.0;
const PLOT_HEIGHT: f64 = 380.0;
const RADIUS: f64 = 4.0;
const MEAN_RADIUS: f64 = 8.0;

/// One category of one detector.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterPoint {
    /// Name of the category.
    pub name: String,
    /// Value on the x axis.
    pub x: f64,
    /// Value on the y axis.
    pub y: f64,
}

/// One detector.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterGroup {
    /// Name of the detector.
    pub name: String,
    /// Its categories.
    pub points: Vec<ScatterPoint>,
}

/// A scatter plot. The mean of each group with several points is drawn larger.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterChart {
    /// What the plot shows.
    pub label: String,
    /// What the x axis shows.
    pub x: String,
    /// What the y axis shows.
    pub y: String,
    /// The detectors, in the order of the legend.
    pub groups: Vec<ScatterGroup>,
}

impl ScatterChart {
    /// Draws the plot.
    pub fn svg(&self) -> String {
        let names: Vec<&str> = self.groups.iter().map(|group| group.name.as_str()).collect();
        let (top, bottom) = (32.0, 32.0 + PLOT_HEIGHT);
        let y = self.axis(|point| point.y, (bottom, top));
        let left = y.label_width() + 14.0;
        let area = Area { left, top, right: left + PLOT_WIDTH, bottom };
        let x = self.axis(|point| point.x, (area.left, area.right));
        let legend = Legend::new(&names, PLOT_WIDTH);
        let legend_top = area.bottom + 3.0 * FONT_SIZE + 12.0;
        let (width, height) = (area.right + x.overhang(), legend_top + legend.height + 6.0);
        let mut document = Document::new(width, height, &self.label);
        area.draw_x(&mut document, &x, &self.x);
        area.draw_y(&mut document, &y, &self.y);
        for (series, group) in self.groups.iter().enumerate() {
            self.draw_group(&mut document, (&x, &y), series, group);
        }
        legend.draw(&mut document, area.left, legend_top, Sample::Point);
        document.finish()
    }

    /// An axis over one of the values of all points.
    fn axis(&self, value: fn(&ScatterPoint) -> f64, coordinates: (f64, f64)) -> Axis {
        let values = self.groups.iter().flat_map(|group| &group.points).filter(|point| is_usable(point)).map(value);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        Axis::linear(low, high, 5, coordinates)
    }

    fn draw_group(&self, document: &mut Document, (x, y): (&Axis, &Axis), series: usize, group: &ScatterGroup) {
        let colour = SeriesColour(series);
        document
            .raw(format_args!("<g class=\"series\" data-series=\"{series}\" fill=\"{colour}\" fill-opacity=\".75\">"));
        let points: Vec<&ScatterPoint> = group.points.iter().filter(|point| is_usable(point)).collect();
        let mut mark = |name: &str, at: (f64, f64), radius: f64, attributes: &str| {
            let shape = Shape { series, at: (x.at(at.0), y.at(at.1)), radius };
            document.raw(format_args!(
                "<path d=\"{shape}\"{attributes}><title>{}\n{}\n{} {:.4}\n{} {:.4}</title></path>",
                Escaped(&group.name),
                Escaped(name),
                Escaped(&self.x),
                at.0,
                Escaped(&self.y),
                at.1
            ));
        };
        for point in &points {
            mark(&point.name, (point.x, point.y), RADIUS, "");
        }
        if points.len() > 1 {
            let mean = |value: fn(&ScatterPoint) -> f64| {
                points.iter().map(|point| value(point)).sum::<f64>() / points.len() as f64
            };
            let at = (mean(|point| point.x), mean(|point| point.y));
            let name = format!("mean of {} categories", points.len());
            mark(&name, at, MEAN_RADIUS, " fill-opacity=\"1\" stroke=\"currentColor\" stroke-width=\"1.5\"");
        }
        document.raw(format_args!("</g>"));
    }
}

fn is_usable(point: &ScatterPoint) -> bool {
    point.x.is_finite() && point.y.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svg::document::check::check_geometry;

    fn chart(points: &[(f64, f64)]) -> String {
        let points = points.iter().map(|&(x, y)| ScatterPoint { name: "mvtec/screw".to_owned(), x, y }).collect();
        let groups = vec![ScatterGroup { name: "padim".to_owned(), points }];
        let (x, y) = ("AUROC".to_owned(), "mean AUPIMO".to_owned());
        let svg = ScatterChart { label: "metrics".to_owned(), x, y, groups }.svg();
        check_geometry(&svg);
        svg
    }

    #[test]
    fn points_and_their_mean_are_drawn() {
        let svg = chart(&[(0.9, 0.1), (0.98, 0.5), (f64::NAN, 0.3)]);
        assert!(svg.contains("padim\nmvtec/screw\nAUROC 0.9000\nmean AUPIMO 0.1000"), "{svg}");
        assert!(svg.contains("mean of 2 categories\nAUROC 0.9400\nmean AUPIMO 0.3000"), "{svg}");
    }

    #[test]
    fn one_point_and_none_are_drawn_inside() {
        assert!(!chart(&[(0.5, 0.5)]).contains("mean of"));
        chart(&[]);
        chart(&[(f64::INFINITY, 0.0)]);
        chart(&[(1e-9, 1e9), (-1e9, 0.0)]);
    }
}
