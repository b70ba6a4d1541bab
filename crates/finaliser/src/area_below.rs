//! AUROC, partial AUROC and AUPRO: areas below a curve over the false-positive rate.
//!
//! The curve rises from (0, 0); over a tie it is a straight line, over a bin of unknown order it runs somewhere inside
//! the rectangle between its two ends, because it never falls. Areas are summed as integers, so only the piece that a
//! limit cuts and the last division are rounded.

use pimo_accumulator::WEIGHT_BITS;

use crate::interval::{Bounds, Interval};
use crate::score_curve::ScoreCurve;

/// Fractional bits of the mean covered fraction of regions.
pub(crate) const COVERED_BITS: u32 = 61;

/// Smaller limits are below one pixel of any dataset.
const SMALLEST_LIMIT: f64 = 1e-15;

/// The curve over one bin: `width` negatives, and heights before and after it, each between two integers.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) width: u64,
    pub(crate) before: (u128, u128),
    pub(crate) after: (u128, u128),
    pub(crate) tie: bool,
}

impl Piece {
    /// Twice the smallest and the largest area below the piece.
    fn twice_area(&self) -> (u128, u128) {
        let width = u128::from(self.width);
        if self.tie {
            (width * (self.before.0 + self.after.0), width * (self.before.1 + self.after.1))
        } else {
            (width * 2 * self.before.0, width * 2 * self.after.1)
        }
    }

    /// Smallest and largest area below the first `x` negatives of the piece.
    fn cut(&self, x: Bounds) -> (f64, f64) {
        let (low, high) = (Bounds::integer(self.before.0), Bounds::integer(self.after.1));
        if !self.tie {
            return (x.mul(low).low, x.mul(high).high);
        }
        let below = |before: u128, after: u128| {
            let rise = Bounds::integer(after.saturating_sub(before));
            let triangle = rise.mul(x).mul(x).div(Bounds::integer(2 * u128::from(self.width)));
            x.mul(Bounds::integer(before)).add(triangle)
        };
        (below(self.before.0, self.after.0).low, below(self.before.1, self.after.1).high)
    }
}

/// limit * negatives: the whole part and, as bounds, the fraction.
fn width_at(limit: f64, negatives: u64) -> (u64, Bounds) {
    let bits = limit.to_bits();
    let exponent = (bits >> 52) as i32;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    // limit = mantissa / 2^shift with a shift of at most 102, and mantissa * negatives has at most 53 + 61 bits.
    let shift = (1075 - exponent) as u32;
    let product = u128::from(mantissa) * u128::from(negatives);
    let whole = product >> shift;
    let fraction = Interval::ratio(product - (whole << shift), 1 << shift);
    (whole as u64, Bounds { low: fraction.low(), high: fraction.high() })
}

/// The area up to `limit`, divided by it, where `top` is the height of 1 and there are `negatives` in all, at least 1.
pub(crate) fn normalised_area(
    pieces: impl Iterator<Item = Piece>,
    limit: f64,
    negatives: u64,
    top: u128,
) -> Option<Interval> {
    if !(SMALLEST_LIMIT..=1.0).contains(&limit) {
        return None;
    }
    let (whole, fraction) = width_at(limit, negatives);
    let mut twice = (0_u128, 0_u128);
    let mut x = 0_u64;
    let mut cut = (0.0, 0.0);
    for piece in pieces {
        let end = x + piece.width;
        if end > whole {
            let x = Bounds::integer(u128::from(whole - x)).add(fraction);
            if x.high > 0.0 {
                cut = piece.cut(x);
            }
            break;
        }
        let (low, high) = piece.twice_area();
        twice = (twice.0 + low, twice.1 + high);
        x = end;
    }
    if cut == (0.0, 0.0) && fraction.high == 0.0 {
        let all = 2 * u128::from(whole) * top;
        return Some(Interval::ratios((twice.0, all), (twice.1, all)).in_unit());
    }
    let all = Bounds::integer(u128::from(whole)).add(fraction).mul(Bounds::integer(top));
    let area = |twice: u128, cut: f64| Bounds::integer(twice).mul(Bounds::point(0.5)).add(Bounds::point(cut)).div(all);
    Some(Interval::new(area(twice.0, cut.0).low, area(twice.1, cut.1).high).in_unit())
}

impl ScoreCurve {
    /// Area below the ROC curve, ties merged. `None` without positives or without negatives.
    pub fn auroc(&self) -> Option<Interval> {
        self.partial_auroc(1.0)
    }

    /// Area below the ROC curve up to a false-positive rate in [1e-15, 1], divided by it. `None` without positives or
    /// without negatives, or for another limit.
    pub fn partial_auroc(&self, limit: f64) -> Option<Interval> {
        if self.positives == 0 || self.negatives == 0 {
            return None;
        }
        let pieces = self.steps().map(|step| Piece {
            width: step.bin.negatives,
            before: (step.tp.into(), step.tp.into()),
            after: (step.tp_end().into(), step.tp_end().into()),
            tie: step.is_tie(),
        });
        normalised_area(pieces, limit, self.negatives, self.positives.into())
    }

    /// Area below the mean covered fraction of the regions over the false-positive rate, up to a limit in
    /// [1e-15, 1], divided by it. `None` without regions or without negatives, or for another limit.
    pub fn aupro(&self, limit: f64) -> Option<Interval> {
        if self.regions == 0 || self.negatives == 0 {
            return None;
        }
        let mut before = (0, 0);
        let pieces = self.steps().map(move |step| {
            let after = if step.bin.positives == 0 {
                before
            } else {
                covered_fraction(step.weight + step.bin.weight, step.tp_end(), self.regions)
            };
            let piece = Piece { width: step.bin.negatives, before, after, tie: step.is_tie() };
            before = after;
            piece
        });
        normalised_area(pieces, limit, self.negatives, 1 << COVERED_BITS)
    }
}

/// The mean covered fraction of the regions, rounded down and up, when `found` anomalous pixels of this weight are
/// found. Each pixel's weight was rounded down, so the exact sum is larger by less than one unit a pixel.
pub(crate) fn covered_fraction(weight: u128, found: u64, regions: u64) -> (u128, u128) {
    const DROPPED: u32 = WEIGHT_BITS - COVERED_BITS;
    let regions = u128::from(regions);
    let high = weight + u128::from(found);
    // Rounding down twice is rounding down once.
    let most = 1 << COVERED_BITS;
    (((weight >> DROPPED) / regions).min(most), ((high >> DROPPED) + 1).div_ceil(regions).min(most))
}
