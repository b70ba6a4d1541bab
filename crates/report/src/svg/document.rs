//! Writing SVG.

use std::fmt::{self, Write};

use super::text::Escaped;

/// A number with at most two decimals and none that are zero, so that plots are small and stable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(pub(super) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_assert!(self.0.is_finite(), "{} is no coordinate", self.0);
        let text = format!("{:.2}", self.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn attribute(self) -> &'static str {
        match self {
            Self::Start => "",
            Self::Middle => " text-anchor=\"middle\"",
            Self::End => " text-anchor=\"end\"",
        }
    }
}

/// An SVG document while it is written.
#[derive(Debug)]
pub(super) struct Document {
    text: String,
}

/// Plots wider than this, in pixels, may be made smaller to fit.
const WIDE: f64 = 320.0;

impl Document {
    /// Starts a document of the given size; `label` says what it shows.
    pub(super) fn new(width: f64, height: f64, label: &str) -> Self {
        let class = if width > WIDE { "plot wide" } else { "plot" };
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{class}\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" \
             height=\"{h}\" role=\"img\" aria-label=\"{}\" font-family=\"system-ui,sans-serif\" \
             font-size=\"{}\" fill=\"currentColor\">",
            Escaped(label),
            super::text::FONT_SIZE,
            w = Number(width),
            h = Number(height)
        );
        Self { text }
    }

    /// Appends markup as it is.
    pub(super) fn raw(&mut self, markup: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(markup);
    }

    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, text: &str) {
        let (x, y) = (Number(x), Number(y));
        self.raw(format_args!("<text x=\"{x}\" y=\"{y}\"{}>{}</text>", anchor.attribute(), Escaped(text)));
    }

    /// A text that may have been shortened, with the full one as its title.
    pub(super) fn titled_text(&mut self, x: f64, y: f64, anchor: Anchor, shown: &str, full: &str) {
        if shown == full {
            return self.text(x, y, anchor, shown);
        }
        let (x, y, anchor) = (Number(x), Number(y), anchor.attribute());
        self.raw(format_args!(
            "<text x=\"{x}\" y=\"{y}\"{anchor}>{}<title>{}</title></text>",
            Escaped(shown),
            Escaped(full)
        ));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64)) {
        let (x1, y1, x2, y2) = (Number(from.0), Number(from.1), Number(to.0), Number(to.1));
        self.raw(format_args!("<path d=\"M{x1} {y1}L{x2} {y2}\"/>"));
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</svg>");
        self.text
    }
}

/// What every plot must satisfy.
#[cfg(test)]
pub(super) mod check {
    use crate::svg::text;

    /// Asserts that a plot is well formed, that all numbers are finite, and that points, boxes and (by their estimated
    /// width) texts lie inside the view box.
    #[allow(clippy::unwrap_used)]
    pub(in crate::svg) fn check_geometry(svg: &str) {
        for bad in ["NaN", "inf"] {
            let attributes = svg.split('<').filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag);
            for attribute in attributes.filter(|tag| !tag.contains("aria-label")) {
                assert!(!attribute.contains(bad), "{bad} in {attribute}");
            }
        }
        let view: Vec<f64> = attribute(svg, "viewBox").unwrap().split(' ').map(|side| side.parse().unwrap()).collect();
        let (width, height) = (view[2], view[3]);
        assert!(width > 0.0 && height > 0.0);
        let inside = |x: f64, y: f64, what: &str| {
            assert!((0.0..=width).contains(&x) && (0.0..=height).contains(&y), "({x}, {y}) of {what}");
        };
        let mut open = Vec::new();
        for piece in svg.split('<').skip(1) {
            let (tag, content) = piece.split_once('>').unwrap();
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "closing tags match");
                continue;
            }
            let name = tag.split([' ', '/']).next().unwrap();
            if !tag.ends_with('/') {
                open.push(name);
            }
            let number = |key: &str| attribute(tag, key).map(|value| value.parse::<f64>().unwrap());
            match name {
                "text" => {
                    let (x, y, w) = (number("x").unwrap(), number("y").unwrap(), text::width(&unescaped(content)));
                    let left = match attribute(tag, "text-anchor") {
                        Some("middle") => x - w / 2.0,
                        Some("end") => x - w,
                        _ => x,
                    };
                    inside(left, y - text::FONT_SIZE * 0.8, tag);
                    inside(left + w, y + 3.0, tag);
                }
                "rect" => {
                    let (x, y) = (number("x").unwrap(), number("y").unwrap());
                    inside(x, y, tag);
                    inside(x + number("width").unwrap(), y + number("height").unwrap(), tag);
                }
                "circle" => inside(number("cx").unwrap(), number("cy").unwrap(), tag),
                "path" => path_points(attribute(tag, "d").unwrap()).for_each(|(x, y)| inside(x, y, tag)),
                _ => {}
            }
        }
        assert!(open.is_empty(), "{open:?} stay open");
    }

    fn unescaped(text: &str) -> String {
        let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
        entities.into_iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
    }

    /// The points of a path's absolute `M` and `L` commands.
    fn path_points(data: &str) -> impl Iterator<Item = (f64, f64)> {
        let commands = data.split_inclusive(|character: char| character.is_ascii_alphabetic() && character != 'e');
        let mut command = ' ';
        commands.filter_map(move |piece| {
            let (numbers, next) = match piece.chars().last() {
                Some(last) if last.is_ascii_alphabetic() => (&piece[..piece.len() - 1], last),
                _ => (piece, ' '),
            };
            let before = std::mem::replace(&mut command, next);
            let (x, y) = numbers.split_once(' ').filter(|_| matches!(before, 'M' | 'L'))?;
            Some((x.parse().ok()?, y.parse().ok()?))
        })
    }

    fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        rest.split_once('"').map(|(value, _)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases = [(0.0, "0"), (-0.001, "0"), (12.0, "12"), (12.3456, "12.35"), (100.0, "100"), (-1.5, "-1.5")];
        for (value, expected) in cases {
            assert_eq!(Number(value).to_string(), expected);
        }
    }

    #[test]
    fn labels_are_escaped() {
        let mut document = Document::new(10.0, 20.0, "a\"b<c");
        document.titled_text(1.0, 2.0, Anchor::End, "<b>…", "<b>&</b>");
        let text = document.finish();
        assert!(text.contains("aria-label=\"a&quot;b&lt;c\""), "{text}");
        assert!(text.ends_with("&lt;b&gt;…<title>&lt;b&gt;&amp;&lt;/b&gt;</title></text></svg>"), "{text}");
    }
}
