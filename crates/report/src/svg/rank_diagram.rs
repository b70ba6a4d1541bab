//! Average ranks of detectors, and which neighbours cannot be told apart.
//!
//! A row for each detector, best first, with a point at its average rank. Between two rows stands the confidence that
//! the upper one is better; where it is below the level that was asked for, a bar joins the two ranks.

use super::axis::{Area, Axis};
use super::document::{Anchor, Document, Number};
use super::palette::{SeriesColour, Shape};
use super::text::{Escaped, FONT_SIZE, shortened, width};

const PLOT_WIDTH: f64 = 270.0;
const LARGEST_LABEL: f64 = 220.0;
const ROW: f64 = 34.0;
/// Space for the rank that is written to the right of the last point.
const RANK_WIDTH: f64 = 46.0;
const CONFIDENCE_WIDTH: f64 = 64.0;

/// A detector and its average rank.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedModel {
    /// Name of the detector.
    pub name: String,
    /// Average rank; 1 is best.
    pub rank: f64,
}

/// What is known of two neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// Whether a bar joins them: they cannot be told apart.
    pub joined: bool,
    /// What is written between them, e.g. a confidence.
    pub text: String,
    /// The same in more words.
    pub detail: String,
}

/// A rank diagram.
#[derive(Debug, Clone, PartialEq)]
pub struct RankDiagram {
    /// What the diagram shows.
    pub label: String,
    /// The detectors from the best rank on.
    pub models: Vec<RankedModel>,
    /// Detector n compared with detector n + 1.
    pub neighbours: Vec<Neighbour>,
    /// Critical difference of ranks, drawn as a scale.
    pub critical_difference: Option<f64>,
}

impl RankDiagram {
    /// Draws the diagram.
    pub fn svg(&self) -> String {
        let names: Vec<String> = self.models.iter().map(|model| shortened(&model.name, LARGEST_LABEL)).collect();
        let left = names.iter().map(|name| width(name)).fold(0.0, f64::max) + 16.0;
        let head = if self.critical_difference.is_some() { 30.0 } else { 8.0 };
        let rows = self.models.len().max(1) as f64;
        let area = Area { left, top: head, right: left + PLOT_WIDTH, bottom: head + ROW * rows };
        let height = area.bottom + 3.0 * FONT_SIZE + 8.0;
        let mut document = Document::new(area.right + RANK_WIDTH + CONFIDENCE_WIDTH, height, &self.label);
        let axis = Axis::ranks(self.models.len(), 15, (area.left + 10.0, area.right - 10.0));
        area.draw_x(&mut document, &axis, "average rank (1 = best)");
        self.draw_critical_difference(&mut document, &axis, area);
        let row = |position: usize| area.top + (position as f64 + 0.5) * ROW;
        for (position, pair) in self.models.windows(2).enumerate() {
            if let Some(neighbour) = self.neighbours.get(position) {
                let ends = (axis.at(pair[0].rank), axis.at(pair[1].rank));
                draw_neighbour(&mut document, neighbour, ends, row(position) + ROW / 2.0, area.right + RANK_WIDTH);
            }
        }
        for (position, (model, name)) in self.models.iter().zip(&names).enumerate() {
            document.titled_text(left - 8.0, row(position) + FONT_SIZE / 3.0, Anchor::End, name, &model.name);
            draw_model(&mut document, model, (axis.at(model.rank), row(position)));
        }
        document.finish()
    }

    fn draw_critical_difference(&self, document: &mut Document, axis: &Axis, area: Area) {
        let Some(difference) = self.critical_difference.filter(|difference| difference.is_finite()) else {
            return;
        };
        let (from, to) = (axis.at(1.0), axis.at(1.0 + difference));
        let y = area.top - 8.0;
        document.raw(format_args!(
            "<g class=\"cd\"><path fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\" d=\"M{a} {t}V{b}M{a} {y}H{c}M{c} \
             {t}V{b}\"/>",
            a = Number(from),
            c = Number(to),
            y = Number(y),
            t = Number(y - 4.0),
            b = Number(y + 4.0)
        ));
        document.text(from, y - 8.0, Anchor::Start, &format!("critical difference {difference:.2}"));
        document.raw(format_args!("</g>"));
    }
}

fn draw_neighbour(document: &mut Document, neighbour: &Neighbour, ends: (f64, f64), y: f64, right: f64) {
    let detail = Escaped(&neighbour.detail);
    if neighbour.joined {
        let (from, to) = (ends.0.min(ends.1), ends.0.max(ends.1));
        let (rise, colour) = (ROW / 2.0, SeriesColour(1));
        document.raw(format_args!(
            "<g class=\"joined\" stroke=\"{colour}\" fill=\"none\"><path stroke-width=\"1.5\" d=\"M{a} {t}V{y}M{b} \
             {y}V{l}\"/><path stroke-width=\"6\" stroke-linecap=\"round\" d=\"M{f} {y}H{e}\"><title>{detail}</title></path></g>",
            a = Number(ends.0),
            b = Number(ends.1),
            f = Number(from - 3.0),
            e = Number(to + 3.0),
            t = Number(y - rise),
            l = Number(y + rise),
            y = Number(y)
        ));
    }
    let opacity = if neighbour.joined { 1.0 } else { 0.6 };
    document.raw(format_args!(
        "<text x=\"{}\" y=\"{}\" fill-opacity=\"{opacity}\"{}>{}<title>{detail}</title></text>",
        Number(right),
        Number(y + FONT_SIZE / 3.0),
        if neighbour.joined { " font-weight=\"bold\"" } else { "" },
        Escaped(&neighbour.text)
    ));
}

fn draw_model(document: &mut Document, model: &RankedModel, at: (f64, f64)) {
    let shape = Shape { series: 0, at, radius: 5.5 };
    let rank = model.rank;
    document.raw(format_args!(
        "<path d=\"{shape}\" fill=\"{}\"><title>{}\naverage rank {rank:.4}</title></path>",
        SeriesColour(0),
        Escaped(&model.name)
    ));
    document.text(at.0 + 10.0, at.1 - 5.0, Anchor::Start, &format!("{rank:.2}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svg::document::check::check_geometry;

    fn diagram(ranks: &[f64]) -> String {
        let models =
            ranks.iter().map(|&rank| RankedModel { name: format!("detector <{rank}>"), rank }).collect::<Vec<_>>();
        let neighbours = (1..ranks.len())
            .map(|n| Neighbour { joined: n % 2 == 0, text: format!("{n} %"), detail: "a better than b".to_owned() })
            .collect();
        let svg = RankDiagram { label: "ranks".to_owned(), models, neighbours, critical_difference: Some(3.51) }.svg();
        check_geometry(&svg);
        svg
    }

    #[test]
    fn neighbours_that_cannot_be_told_apart_are_joined() {
        let svg = diagram(&[1.5, 2.25, 2.25, 4.0]);
        assert_eq!(svg.matches("class=\"joined\"").count(), 1);
        assert!(svg.contains("average rank 2.2500") && svg.contains("detector &lt;1.5&gt;"), "{svg}");
        assert!(svg.contains("critical difference 3.51"), "{svg}");
    }

    #[test]
    fn any_number_of_detectors_is_drawn_inside() {
        diagram(&[]);
        diagram(&[1.0]);
        diagram(&(1..=40).map(f64::from).collect::<Vec<_>>());
    }
}
