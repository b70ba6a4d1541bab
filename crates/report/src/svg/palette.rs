//! Colours and shapes that tell series apart.

use std::fmt;

use super::document::Number;

/// Colours of series, by Okabe and Ito, who chose them to be told apart with any colour vision; yellow and black are
/// replaced, which light and dark pages swallow. Pages may override them through the variables `--s0` to `--s7`.
pub const SERIES_COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7a5cc4", "#b8860b", "#3a9bd6", "#7f7f7f"];

/// Shapes of points.
const SHAPES: usize = 5;

/// The colour of a series as the value of an attribute.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeriesColour(pub(super) usize);

impl fmt::Display for SeriesColour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colour = self.0 % SERIES_COLOURS.len();
        write!(f, "var(--s{colour},{})", SERIES_COLOURS[colour])
    }
}

/// The outline of a point of a series around `at`, as path data. With the colours, 40 series look different.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) series: usize,
    pub(super) at: (f64, f64),
    pub(super) radius: f64,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { series, at: (x, y), radius: r } = *self;
        let polygon = |f: &mut fmt::Formatter<'_>, corners: &[(f64, f64)]| {
            for (position, (dx, dy)) in corners.iter().enumerate() {
                let command = if position == 0 { 'M' } else { 'L' };
                write!(f, "{command}{} {}", Number(x + dx * r), Number(y + dy * r))?;
            }
            f.write_str("Z")
        };
        match series % SHAPES {
            0 => write!(
                f,
                "M{} {}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0Z",
                Number(x - r),
                Number(y),
                r = Number(r),
                d = Number(2.0 * r)
            ),
            1 => polygon(f, &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
            2 => polygon(f, &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            3 => polygon(f, &[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)]),
            _ => polygon(f, &[(0.0, -1.3), (1.1, 0.0), (0.0, 1.3), (-1.1, 0.0)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn forty_series_look_different() {
        let looks: HashSet<(String, String)> = (0..40)
            .map(|series| {
                let shape = Shape { series, at: (10.0, 10.0), radius: 4.0 };
                (SeriesColour(series).to_string(), shape.to_string())
            })
            .collect();
        assert_eq!(looks.len(), 40);
    }
}
