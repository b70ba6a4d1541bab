//! The bar beside a heat map that says which colour stands for which threshold.

use pimo_frame::Size;

use super::colours::{BLACK, Rgb, WHITE};
use super::font::{GLYPH_HEIGHT, draw_text, text_width};
use super::picture::Picture;

/// Height of a picture, in pixels, for each step of the text's size.
const HEIGHT_PER_TEXT_SCALE: usize = 320;
/// Space around the bar and between bar and labels, in units of the text's size.
const SPACE: usize = 6;
/// Width of the bar in units of the text's size.
const WIDTH: usize = 14;

/// A part of the bar, from bottom to top.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    /// Share of the bar's height, relative to the other segments.
    pub(super) share: f64,
    /// Colours from bottom to top, evenly spaced.
    pub(super) colours: Vec<Rgb>,
    /// What is written at the lower end.
    pub(super) label: Option<String>,
}

/// Two numbers in few characters: four significant digits, or as many as tell them apart.
pub(super) fn numbers(low: f64, high: f64) -> [String; 2] {
    let written = |digits| [number(low, digits), number(high, digits)];
    let apart = (4..17).map(written).find(|[low, high]| low != high);
    apart.unwrap_or_else(|| written(4))
}

/// A number with `digits` significant digits, without zeros at the end.
fn number(value: f64, digits: usize) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-3..1e5).contains(&magnitude) {
        let short = format!("{value:.*e}", digits - 1);
        let (mantissa, exponent) = short.split_once('e').unwrap_or((&short, "0"));
        return format!("{}e{exponent}", trimmed(mantissa));
    }
    let before_point = if magnitude < 1.0 { 1 } else { magnitude.log10() as usize + 1 };
    trimmed(&format!("{value:.*}", digits.saturating_sub(before_point).max(1))).to_owned()
}

fn trimmed(decimal: &str) -> &str {
    if decimal.contains('.') { decimal.trim_end_matches('0').trim_end_matches('.') } else { decimal }
}

/// The picture with a bar to its right. The canvas grows where the picture is too small for the labels.
pub(super) fn beside(picture: &Picture, segments: &[Segment]) -> Picture {
    let scale = (picture.height() / HEIGHT_PER_TEXT_SCALE).max(1);
    let line = (GLYPH_HEIGHT + 4) * scale;
    let height = picture.height().max(2 * line * (segments.len() + 1));
    let labels = segments.iter().filter_map(|segment| segment.label.as_deref());
    let label_width = labels.map(|label| text_width(label) * scale).max().unwrap_or(0);
    let bar_left = picture.width() + SPACE * scale;
    let label_left = bar_left + (WIDTH + SPACE) * scale;
    let width = label_left + label_width + SPACE * scale;

    let mut canvas = Picture::plain(Size::new(height as u32, width as u32), WHITE);
    canvas.place(picture, 0, 0);
    let (mut bottom, top) = (height - line, line);
    let shares: f64 = segments.iter().map(|segment| segment.share).sum();
    for segment in segments {
        let length = ((height - 2 * line) as f64 * segment.share / shares).round() as usize;
        let end = bottom.saturating_sub(length).max(top);
        let colours = segment.colours.len();
        for y in end..bottom {
            let step = (bottom - 1 - y) * colours / (bottom - end);
            canvas.fill(y, bar_left, 1, WIDTH * scale, segment.colours[step]);
        }
        if let Some(label) = &segment.label {
            canvas.fill(bottom - scale / 2, bar_left, scale, (WIDTH + SPACE / 2) * scale, BLACK);
            let baseline = bottom.saturating_sub(GLYPH_HEIGHT * scale / 2);
            draw_text(&mut canvas, baseline, label_left, scale, label, BLACK);
        }
        bottom = end;
    }
    frame(&mut canvas, top, bar_left, height - 2 * line, WIDTH * scale, scale);
    canvas
}

/// A thin line around the bar: parts of it are white, as is the canvas.
fn frame(canvas: &mut Picture, top: usize, left: usize, height: usize, width: usize, thick: usize) {
    for (y, x, height, width) in [
        (top, left, thick, width),
        (top + height - thick, left, thick, width),
        (top, left, height, thick),
        (top, left + width - thick, height, thick),
    ] {
        canvas.fill(y, x, height, width, BLACK);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (28.402_416, "28.4"),
            (27.537_89, "27.54"),
            (0.504, "0.504"),
            (-0.0199, "-0.02"),
            (1234.5, "1234.5"),
            (1e-5, "1e-5"),
            (1.234_56e7, "1.235e7"),
            (-1.5e-9, "-1.5e-9"),
            (1e-2, "0.01"),
            (0.12345, "0.123"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value, 4), expected);
        }
        assert_eq!(numbers(14.688, 16.379), ["14.69", "16.38"]);
        assert_eq!(numbers(0.500_01, 0.500_03), ["0.50001", "0.50003"]);
        assert_eq!(numbers(2.0, 2.0), ["2", "2"]);
    }

    #[test]
    fn bar_shows_its_segments_from_bottom_to_top() {
        let picture = Picture::plain(Size::new(200, 10), BLACK);
        let (low, high) = (Rgb([9; 3]), Rgb([200, 0, 0]));
        let segments = [
            Segment { share: 0.5, colours: vec![low], label: None },
            Segment { share: 0.5, colours: vec![high], label: Some("L 0.5".to_owned()) },
        ];
        let canvas = beside(&picture, &segments);
        assert_eq!(canvas.size().height, 200);
        let x = 10 + SPACE + 2;
        assert_eq!((canvas.pixel(180, x), canvas.pixel(20, x)), (low, high));
        assert_eq!(canvas.pixel(199, x), WHITE);
        let ink = canvas.rgb().chunks(3).skip(10).filter(|pixel| **pixel == [0; 3]).count();
        assert!(ink > 2000 + 20, "the label is written");
    }

    #[test]
    fn tiny_pictures_get_a_larger_canvas() {
        let picture = Picture::plain(Size::new(1, 1), BLACK);
        let segment = Segment { share: 1.0, colours: vec![BLACK], label: Some("U 1".to_owned()) };
        let canvas = beside(&picture, &[segment]);
        assert!(canvas.size().height >= 20);
        assert_eq!((canvas.pixel(0, 0), canvas.pixel(1, 0)), (BLACK, WHITE));
    }
}
