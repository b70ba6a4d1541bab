//! Horizontal boxplots, one row for each detector.

use pimo_analysis::boxplot::BoxplotStatistics;

use super::axis::{Area, Axis};
use super::document::{Anchor, Document, Number};
use super::palette::SeriesColour;
use super::text::{Escaped, FONT_SIZE, shortened, width};

const PLOT_WIDTH: f64 = 400.0;
const LARGEST_LABEL: f64 = 220.0;
const ROW: f64 = 26.0;
const BOX: f64 = 14.0;

/// A score outside of the whiskers.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlier {
    /// The score.
    pub value: f64,
    /// What it is the score of.
    pub name: String,
}

/// Another metric of the same detector, drawn as a tick.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// Number of its colour; the same metric has the same one in all rows.
    pub series: usize,
    /// Name of the metric.
    pub name: String,
    /// Its value.
    pub value: f64,
}

/// One detector.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxRow {
    /// Name of the detector.
    pub name: String,
    /// Mean, box and whiskers.
    pub statistics: BoxplotStatistics,
    /// Scores outside of the whiskers.
    pub outliers: Vec<Outlier>,
    /// Other metrics.
    pub markers: Vec<Marker>,
}

/// Boxplots of several detectors over one axis.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxplotChart {
    /// What the plot shows.
    pub label: String,
    /// What the axis shows.
    pub score: String,
    /// The detectors from top to bottom.
    pub rows: Vec<BoxRow>,
}

impl BoxplotChart {
    /// Draws the plot.
    pub fn svg(&self) -> String {
        let names: Vec<String> = self.rows.iter().map(|row| shortened(&row.name, LARGEST_LABEL)).collect();
        let label_width = names.iter().map(|name| width(name)).fold(0.0, f64::max);
        let left = label_width + 16.0;
        let area =
            Area { left, top: 10.0, right: left + PLOT_WIDTH, bottom: 10.0 + ROW * self.rows.len().max(1) as f64 };
        let (low, high) = self.range();
        let axis = Axis::linear(low, high, 5, (area.left, area.right));
        let (width, height) = (area.right + axis.overhang(), area.bottom + 3.0 * FONT_SIZE + 8.0);
        let mut document = Document::new(width, height, &self.label);
        area.draw_x(&mut document, &axis, &self.score);
        for (position, (row, name)) in self.rows.iter().zip(&names).enumerate() {
            let middle = area.top + (position as f64 + 0.5) * ROW;
            document.titled_text(left - 8.0, middle + FONT_SIZE / 3.0, Anchor::End, name, &row.name);
            draw_row(&mut document, &axis, middle, row);
        }
        document.finish()
    }

    /// From 0 to 1, or as far as the scores go.
    fn range(&self) -> (f64, f64) {
        let values = self.rows.iter().flat_map(|row| {
            let ends = [row.statistics.lower_whisker, row.statistics.upper_whisker];
            let outliers = row.outliers.iter().map(|outlier| outlier.value);
            ends.into_iter().chain(outliers).chain(row.markers.iter().map(|marker| marker.value))
        });
        values
            .filter(|value| value.is_finite())
            .fold((0.0, 1.0), |(low, high), value| (f64::min(low, value), f64::max(high, value)))
    }
}

fn draw_row(document: &mut Document, axis: &Axis, middle: f64, row: &BoxRow) {
    let BoxplotStatistics { mean, lower_whisker, first_quartile, median, third_quartile, upper_whisker, count, .. } =
        row.statistics;
    let x = |value: f64| Number(axis.at(value));
    let (top, bottom) = (middle - BOX / 2.0, middle + BOX / 2.0);
    let colour = SeriesColour(0);
    document.raw(format_args!("<g stroke=\"currentColor\">"));
    for (from, to) in [(lower_whisker, first_quartile), (third_quartile, upper_whisker)] {
        document.line((axis.at(from), middle), (axis.at(to), middle));
    }
    for whisker in [lower_whisker, upper_whisker] {
        document.line((axis.at(whisker), top + 3.0), (axis.at(whisker), bottom - 3.0));
    }
    document.raw(format_args!(
        "<path d=\"M{q1} {t}H{q3}V{b}H{q1}Z\" fill=\"{colour}\" fill-opacity=\".35\"/>\
         <path d=\"M{med} {t}V{b}\" stroke-width=\"2.5\"/></g>",
        q1 = x(first_quartile),
        q3 = x(third_quartile),
        med = x(median),
        t = Number(top),
        b = Number(bottom)
    ));
    draw_outliers(document, axis, middle, &row.outliers);
    for marker in row.markers.iter().filter(|marker| marker.value.is_finite()) {
        document.raw(format_args!(
            "<path d=\"M{} {}V{}\" stroke=\"{}\" stroke-width=\"3\"><title>{}\n{} {:.4}</title></path>",
            x(marker.value),
            Number(top - 2.0),
            Number(bottom + 2.0),
            SeriesColour(marker.series),
            Escaped(&row.name),
            Escaped(&marker.name),
            marker.value
        ));
    }
    let (m, r) = (axis.at(mean), 5.0);
    document.raw(format_args!(
        "<path d=\"M{} {y}L{m} {}L{} {y}L{m} {}Z\" fill=\"#fff\" stroke=\"#111\"/>",
        Number(m - r),
        Number(middle - r),
        Number(m + r),
        Number(middle + r),
        m = Number(m),
        y = Number(middle)
    ));
    // A transparent strip over the box answers for all of it.
    document.raw(format_args!(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill-opacity=\"0\"><title>{}\nmean {mean:.4}\nmedian \
         {median:.4}\nquartiles {first_quartile:.4} to {third_quartile:.4}\nwhiskers {lower_whisker:.4} to \
         {upper_whisker:.4}\n{count} images, {} outliers</title></rect>",
        Number(axis.at(first_quartile) - 6.0),
        Number(top),
        Number(axis.at(third_quartile) - axis.at(first_quartile) + 12.0),
        Number(BOX),
        Escaped(&row.name),
        row.outliers.len()
    ));
}

fn draw_outliers(document: &mut Document, axis: &Axis, middle: f64, outliers: &[Outlier]) {
    if outliers.is_empty() {
        return;
    }
    document.raw(format_args!("<g fill-opacity=\".45\">"));
    for outlier in outliers.iter().filter(|outlier| outlier.value.is_finite()) {
        document.raw(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"2.5\"><title>{}\n{:.4}</title></circle>",
            Number(axis.at(outlier.value)),
            Number(middle),
            Escaped(&outlier.name),
            outlier.value
        ));
    }
    document.raw(format_args!("</g>"));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::svg::document::check::check_geometry;

    fn row(name: &str, scores: &[f64]) -> BoxRow {
        let statistics = BoxplotStatistics::of(scores).unwrap();
        let outliers = statistics.low_outliers.iter().chain(&statistics.high_outliers);
        let outliers =
            outliers.map(|&index| Outlier { value: scores[index], name: format!("image {index}") }).collect();
        let markers = vec![Marker { series: 1, name: "auroc".to_owned(), value: 0.99 }];
        BoxRow { name: name.to_owned(), statistics, outliers, markers }
    }

    fn chart(rows: Vec<BoxRow>) -> String {
        let svg = BoxplotChart { label: "scores".to_owned(), score: "AUPIMO".to_owned(), rows }.svg();
        check_geometry(&svg);
        svg
    }

    #[test]
    fn rows_show_their_statistics() {
        let svg = chart(vec![row("one & two", &[0.5, 0.5, 0.5, 0.6, 0.55, 0.0])]);
        assert!(svg.contains("one &amp; two\nmean 0.4417\nmedian 0.5000\n"), "{svg}");
        assert!(svg.contains("image 5\n0.0000"), "{svg}");
        assert!(svg.contains("auroc 0.9900"), "{svg}");
    }

    #[test]
    fn degenerate_scores_are_drawn_inside() {
        chart(Vec::new());
        chart(vec![row("all zero", &[0.0; 5]), row("one", &[1.0])]);
        chart(vec![row(&"long ".repeat(50), &[-3.0, 1e6, 2.0])]);
        chart(vec![row("tiny", &[1e-300, -1e-300])]);
    }
}
