//! Colours, and the two colour maps that the AUPIMO paper uses.

/// A colour of 8 bits per channel: red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

pub(super) const WHITE: Rgb = Rgb([255; 3]);
pub(super) const BLACK: Rgb = Rgb([0; 3]);
pub(super) const GREY: Rgb = Rgb([128; 3]);
pub(super) const NAVY: Rgb = Rgb([0, 0, 128]);

/// Anchors of the sequential map `Blues` (of the `ColorBrewer` set), evenly spaced.
#[allow(clippy::unreadable_literal)] // Colours are read in pairs of digits without separators.
const BLUES: [u32; 9] = [0xf7fbff, 0xdeebf7, 0xc6dbef, 0x9ecae1, 0x6baed6, 0x4292c6, 0x2171b5, 0x08519c, 0x08306b];

/// Anchors of the sequential map `Reds` (of the `ColorBrewer` set), evenly spaced.
#[allow(clippy::unreadable_literal)]
const REDS: [u32; 9] = [0xfff5f0, 0xfee0d2, 0xfcbba1, 0xfc9272, 0xfb6a4a, 0xef3b2c, 0xcb181d, 0xa50f15, 0x67000d];

/// Steps of a colour map.
const STEPS: f64 = 256.0;

impl Rgb {
    const fn from_hex(hex: u32) -> Self {
        Self([(hex >> 16) as u8, (hex >> 8) as u8, hex as u8])
    }

    /// `other` laid over this colour with opacity `alpha` in `[0, 1]`.
    #[must_use]
    pub fn under(self, other: Self, alpha: f64) -> Self {
        let mix = |below: u8, above: u8| (f64::from(below) * (1.0 - alpha) + f64::from(above) * alpha).round() as u8;
        let (below, above) = (self.0, other.0);
        Self([mix(below[0], above[0]), mix(below[1], above[1]), mix(below[2], above[2])])
    }
}

/// The map `Blues` at `position` in `[0, 1]` (clamped; not a number counts as 0), in 256 steps as matplotlib has it.
pub fn blues(position: f64) -> Rgb {
    look_up(&BLUES, position)
}

/// The map `Reds` at `position`; see [`blues`].
pub fn reds(position: f64) -> Rgb {
    look_up(&REDS, position)
}

fn look_up(anchors: &[u32; 9], position: f64) -> Rgb {
    // A cast of NaN gives 0.
    let step = (position * STEPS).clamp(0.0, STEPS - 1.0) as u32;
    let at = f64::from(step) / (STEPS - 1.0) * (anchors.len() - 1) as f64;
    let below = (at as usize).min(anchors.len() - 2);
    Rgb::from_hex(anchors[below]).under(Rgb::from_hex(anchors[below + 1]), at - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of matplotlib 3.10, rounded to 8 bits.
    #[test]
    fn maps_are_those_of_matplotlib() {
        let cases = [
            (0.0, [247, 251, 255], [255, 245, 240]),
            (1.0 / 255.0, [246, 250, 255], [255, 244, 239]),
            (0.4, [148, 196, 223], [252, 138, 106]),
            (0.6, [74, 152, 201], [241, 68, 50]),
            (0.8, [23, 100, 171], [188, 20, 26]),
            (0.9, [8, 74, 145], [152, 12, 19]),
            (1.0, [8, 48, 107], [103, 0, 13]),
        ];
        for (position, blue, red) in cases {
            assert_eq!((blues(position), reds(position)), (Rgb(blue), Rgb(red)), "at {position}");
        }
    }

    #[test]
    fn positions_outside_are_clamped() {
        assert_eq!(reds(-3.0), reds(0.0));
        assert_eq!(reds(f64::INFINITY), reds(1.0));
        assert_eq!(reds(f64::NAN), reds(0.0));
    }

    #[test]
    fn mixing_goes_from_one_colour_to_the_other() {
        let (black, white) = (BLACK, WHITE);
        assert_eq!(black.under(white, 0.0), black);
        assert_eq!(black.under(white, 1.0), white);
        assert_eq!(black.under(white, 0.4), Rgb([102; 3]));
    }
}
