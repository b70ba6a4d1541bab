//! Axes: from values to coordinates, ticks, frame and labels.

use super::document::{Anchor, Document, Number};
use super::text::{FONT_SIZE, width};

/// Opacity of grid lines.
const GRID_OPACITY: f64 = 0.15;

/// A mapping of values to coordinates, and the values that are labelled.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    values: (f64, f64),
    coordinates: (f64, f64),
    logarithmic: bool,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// A linear axis with about `intervals` round intervals that covers `low` to `high`.
    pub(super) fn linear(low: f64, high: f64, intervals: usize, coordinates: (f64, f64)) -> Self {
        let (low, high) = usable_range(low, high);
        let step = round_step((high - low) / intervals.max(1) as f64);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let plain = step >= 1e-4 && low.abs().max(high.abs()) < 1e5;
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let ticks = (0..=(last - first) as usize)
            .map(|tick| (first + tick as f64) * step)
            .map(|value| if value == 0.0 { 0.0 } else { value })
            .map(|value| (value, if plain { format!("{value:.decimals$}") } else { scientific(value) }))
            .collect();
        Self { values: (first * step, last * step), coordinates, logarithmic: false, ticks }
    }

    /// A linear axis from 1 to `last` with at most about `most` whole numbers.
    pub(super) fn ranks(last: usize, most: usize, coordinates: (f64, f64)) -> Self {
        let last = last.max(2);
        let ticks =
            (1..=last).step_by(last.div_ceil(most.max(1))).map(|rank| (rank as f64, rank.to_string())).collect();
        Self { values: (1.0, last as f64), coordinates, logarithmic: false, ticks }
    }

    /// A logarithmic axis over whole decades, from 10 to the power of `low` to that of `high`.
    pub(super) fn decades(low: i32, high: i32, coordinates: (f64, f64)) -> Self {
        let high = high.max(low + 1);
        let ticks = (low..=high).map(|power| (10_f64.powi(power), power_of_ten(power))).collect();
        Self { values: (f64::from(low), f64::from(high)), coordinates, logarithmic: true, ticks }
    }

    /// Width of the widest label.
    pub(super) fn label_width(&self) -> f64 {
        self.ticks.iter().map(|(_, text)| width(text)).fold(0.0, f64::max)
    }

    /// Space to the right of a horizontal axis that its last label needs.
    pub(super) fn overhang(&self) -> f64 {
        (self.label_width() / 2.0 + 2.0).max(20.0)
    }

    /// Coordinate of a value, which is moved to the nearest end if it lies outside.
    pub(super) fn at(&self, value: f64) -> f64 {
        let value = if self.logarithmic { value.log10() } else { value };
        let (from, to) = self.values;
        let share = ((value - from) / (to - from)).clamp(0.0, 1.0);
        self.coordinates.0 + share * (self.coordinates.1 - self.coordinates.0)
    }
}

/// A range that can be divided: not empty, and not of numbers that differ by less than their precision.
fn usable_range(low: f64, high: f64) -> (f64, f64) {
    if !(low.is_finite() && high.is_finite()) {
        return (0.0, 1.0);
    }
    let least = (low.abs().max(high.abs()) * 1e-6).max(1e-9);
    if high - low < least { (low - least, high + least) } else { (low, high) }
}

/// The least of 1, 2, 2.5 and 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let factor = factors.into_iter().find(|factor| factor * power >= step * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

/// A value of a tick with the digits that neighbouring ticks differ in.
fn scientific(value: f64) -> String {
    let text = format!("{value:.6e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
}

fn power_of_ten(power: i32) -> String {
    if power == 0 {
        return "1".to_owned();
    }
    let superscript = |character| match character {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32(0x2070 + u32::from(digit) - u32::from('0')).unwrap_or(digit),
    };
    format!("10{}", power.to_string().chars().map(superscript).collect::<String>())
}

/// The rectangle in which data are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    /// Grid lines and labels of the x axis below the area, and what it shows.
    pub(super) fn draw_x(&self, document: &mut Document, axis: &Axis, label: &str) {
        self.grid(document, axis.ticks.iter().map(|(value, _)| axis.at(*value)), |area, x| {
            ((x, area.top), (x, area.bottom))
        });
        for (value, text) in &axis.ticks {
            document.text(axis.at(*value), self.bottom + FONT_SIZE + 4.0, Anchor::Middle, text);
        }
        document.text(
            f64::midpoint(self.left, self.right),
            self.bottom + 2.0 * FONT_SIZE + 10.0,
            Anchor::Middle,
            label,
        );
    }

    /// Grid lines and labels of the y axis to the left of the area; what it shows is written above it.
    pub(super) fn draw_y(&self, document: &mut Document, axis: &Axis, label: &str) {
        self.grid(document, axis.ticks.iter().map(|(value, _)| axis.at(*value)), |area, y| {
            ((area.left, y), (area.right, y))
        });
        for (value, text) in &axis.ticks {
            document.text(self.left - 6.0, axis.at(*value) + FONT_SIZE / 3.0, Anchor::End, text);
        }
        document.text(4.0, self.top - FONT_SIZE, Anchor::Start, label);
    }

    fn grid(
        &self,
        document: &mut Document,
        coordinates: impl Iterator<Item = f64>,
        ends: impl Fn(&Self, f64) -> ((f64, f64), (f64, f64)),
    ) {
        document.raw(format_args!("<g stroke=\"currentColor\" stroke-opacity=\"{GRID_OPACITY}\">"));
        for coordinate in coordinates {
            let (from, to) = ends(self, coordinate);
            document.line(from, to);
        }
        document.raw(format_args!("</g>"));
    }

    /// A rectangle over the whole height between two coordinates.
    pub(super) fn band(&self, document: &mut Document, from: f64, to: f64, title: &str) {
        document.raw(format_args!(
            "<rect class=\"band\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"var(--band,#3a9bd6)\" \
             fill-opacity=\".18\"><title>{}</title></rect>",
            Number(from),
            Number(self.top),
            Number(to - from),
            Number(self.bottom - self.top),
            super::text::Escaped(title)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        let texts = |low, high| {
            let axis = Axis::linear(low, high, 5, (0.0, 100.0));
            axis.ticks.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>()
        };
        assert_eq!(texts(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(0.82, 0.99), ["0.80", "0.85", "0.90", "0.95", "1.00"]);
        assert_eq!(texts(-1.0, 13.0), ["-5", "0", "5", "10", "15"]);
        assert_eq!(texts(0.0, 2e6), ["0e0", "5e5", "1e6", "1.5e6", "2e6"]);
        for (low, high) in [(0.5, 0.5), (f64::NAN, 1.0), (1e12, 1e12), (0.0, 1e-300), (-3.0, f64::INFINITY)] {
            let axis = Axis::linear(low, high, 5, (0.0, 100.0));
            assert!((2..20).contains(&axis.ticks.len()), "{axis:?}");
            assert!(axis.ticks.iter().all(|(value, _)| axis.at(*value).is_finite()));
        }
    }

    #[test]
    fn ranks_are_whole_numbers() {
        let texts =
            |last| Axis::ranks(last, 15, (0.0, 1.0)).ticks.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(3), ["1", "2", "3"]);
        assert_eq!(texts(0), ["1", "2"]);
        assert_eq!(texts(13).len(), 13);
        assert_eq!(texts(40)[..3], ["1", "4", "7"]);
    }

    #[test]
    fn decades_are_written_as_powers() {
        let axis = Axis::decades(-6, 0, (0.0, 60.0));
        assert_eq!(axis.ticks[0].1, "10⁻⁶");
        assert_eq!(axis.ticks[6].1, "1");
        assert!((axis.at(1e-3) - 30.0).abs() < 1e-9);
        assert_eq!((axis.at(1e-9), axis.at(5.0), axis.at(0.0)), (0.0, 60.0, 0.0));
    }
}
