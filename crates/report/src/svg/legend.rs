//! Legends below plots.

use super::document::{Anchor, Document};
use super::palette::{SeriesColour, Shape};
use super::text::{FONT_SIZE, LINE_HEIGHT, shortened, width};

/// Width of the sample beside an entry, with the space around it.
const SAMPLE: f64 = 30.0;
const GAP: f64 = 14.0;

/// How entries are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    Line,
    Point,
}

/// Entries with their places, one below or beside the other.
#[derive(Debug)]
pub(super) struct Legend {
    entries: Vec<(String, String, f64, f64)>,
    /// Height of the whole legend.
    pub(super) height: f64,
}

impl Legend {
    /// Lays entries out in columns of equal width that fit into `available`.
    pub(super) fn new(names: &[&str], available: f64) -> Self {
        let limit = available - SAMPLE - GAP;
        let shown: Vec<String> = names.iter().map(|name| shortened(name, limit)).collect();
        let widest = shown.iter().map(|name| width(name)).fold(0.0, f64::max);
        let column = SAMPLE + widest + GAP;
        let columns = ((available / column) as usize).max(1);
        let entries: Vec<_> = shown
            .into_iter()
            .zip(names)
            .enumerate()
            .map(|(entry, (shown, name))| {
                let (row, place) = (entry / columns, entry % columns);
                (shown, (*name).to_owned(), place as f64 * column, row as f64 * LINE_HEIGHT)
            })
            .collect();
        let height = names.len().div_ceil(columns) as f64 * LINE_HEIGHT;
        Self { entries, height }
    }

    /// Draws the legend with its upper left corner at `(left, top)`.
    pub(super) fn draw(&self, document: &mut Document, left: f64, top: f64, sample: Sample) {
        for (series, (shown, name, x, y)) in self.entries.iter().enumerate() {
            let (x, middle) = (left + x, top + y + LINE_HEIGHT / 2.0);
            let colour = SeriesColour(series);
            document.raw(format_args!("<g class=\"key\" data-series=\"{series}\">"));
            match sample {
                Sample::Line => {
                    document.raw(format_args!("<g stroke=\"{colour}\" stroke-width=\"2.5\">"));
                    document.line((x, middle), (x + SAMPLE - 8.0, middle));
                    document.raw(format_args!("</g>"));
                }
                Sample::Point => {
                    let shape = Shape { series, at: (x + 10.0, middle), radius: 4.5 };
                    document.raw(format_args!("<path d=\"{shape}\" fill=\"{colour}\"/>"));
                }
            }
            document.titled_text(x + SAMPLE - 4.0, middle + FONT_SIZE / 3.0, Anchor::Start, shown, name);
            document.raw(format_args!("</g>"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_share_lines_when_they_fit() {
        assert_eq!(Legend::new(&["a", "b", "c"], 600.0).height, LINE_HEIGHT);
        let long = "x".repeat(40);
        assert_eq!(Legend::new(&[&long, &long, &long], 600.0).height, 3.0 * LINE_HEIGHT);
        assert_eq!(Legend::new(&[], 600.0).height, 0.0);
    }
}
