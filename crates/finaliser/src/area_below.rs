//! AUROC, partial AUROC and AUPRO: areas below a curve over the false-positive rate.
//!
//! The curve rises from (0, 0); over a tie it is a straight line, over a bin of unknown order it runs somewhere inside
//! the rectangle between its two ends, because it never falls. Areas are summed as integers, those up to several limits
//! in one walk, so only the piece that a limit cuts and the last division are rounded.

use std::cmp::Reverse;

use crate::interval::{Bounds, Interval};
use crate::region_overlap::RegionOverlap;
use crate::score_curve::ScoreCurve;
use crate::step::{Step, Totals};

/// Smaller limits are below one pixel of any dataset.
const SMALLEST_LIMIT: f64 = 1e-15;

/// A height between two integers.
pub(crate) type Height = (u64, u64);

/// The curve over one bin: `width` negatives, and heights before and after it.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) width: u64,
    pub(crate) before: Height,
    pub(crate) after: Height,
    pub(crate) tie: bool,
}

impl Piece {
    /// The smallest and the largest sum of the heights at both ends: twice the area is this for each negative.
    fn heights(&self) -> (u128, u128) {
        // A tie has the mean of its ends. Without branches, since which bins are ties can't be guessed.
        let least = if self.tie { self.after.0 } else { self.before.0 };
        let most = if self.tie { self.before.1 } else { self.after.1 };
        (u128::from(self.before.0) + u128::from(least), u128::from(self.after.1) + u128::from(most))
    }

    /// Twice the smallest and the largest area below the piece.
    fn twice_area(&self) -> (u128, u128) {
        let (least, most) = self.heights();
        (u128::from(self.width) * least, u128::from(self.width) * most)
    }

    /// Smallest and largest area below the first `x` negatives of a tie.
    fn cut_tie(&self, x: Bounds) -> (f64, f64) {
        let below = |before: u64, after: u64| {
            let rise = Bounds::integer(after.saturating_sub(before).into());
            let triangle = rise.mul(x).mul(x).div(Bounds::integer(2 * u128::from(self.width)));
            x.mul(Bounds::integer(before.into())).add(triangle)
        };
        (below(self.before.0, self.after.0).low, below(self.before.1, self.after.1).high)
    }
}

/// A limit of the false-positive rate as a number of negatives: whole ones, and bounds of the fraction of one more.
#[derive(Clone, Copy)]
struct Limit {
    whole: u64,
    fraction: Bounds,
    /// Its place among the limits that were asked for.
    place: usize,
}

impl Limit {
    /// limit * negatives.
    fn new(place: usize, limit: f64, negatives: u64) -> Self {
        let bits = limit.to_bits();
        let exponent = (bits >> 52) as i32;
        let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
        // limit = mantissa / 2^shift with a shift of at most 102, and mantissa * negatives has at most 53 + 61 bits.
        let shift = (1075 - exponent) as u32;
        let product = u128::from(mantissa) * u128::from(negatives);
        let whole = product >> shift;
        let fraction = Interval::ratio(product - (whole << shift), 1 << shift);
        Self { whole: whole as u64, fraction: Bounds { low: fraction.low(), high: fraction.high() }, place }
    }

    /// The area up to here divided by that below the height 1, from twice a whole area and what comes on top of it.
    fn normalised(&self, twice: (u128, u128), rest: (f64, f64), top: u64) -> Interval {
        if rest == (0.0, 0.0) && self.fraction.high == 0.0 {
            let all = 2 * u128::from(self.whole) * u128::from(top);
            return Interval::ratios((twice.0, all), (twice.1, all)).in_unit();
        }
        let all = Bounds::integer(self.whole.into()).add(self.fraction).mul(Bounds::integer(top.into()));
        let area =
            |twice: u128, rest: f64| Bounds::integer(twice).mul(Bounds::point(0.5)).add(Bounds::point(rest)).div(all);
        Interval::new(area(twice.0, rest.0).low, area(twice.1, rest.1).high).in_unit()
    }
}

/// The areas below a curve up to several limits, while its pieces come from the left to the right.
pub(crate) struct AreaBelow {
    /// Limits not reached yet, from the largest to the smallest.
    ahead: Vec<Limit>,
    areas: Vec<Option<Interval>>,
    /// The height of 1.
    top: u64,
    x: u64,
    height: Height,
    /// Twice the area up to `x`.
    twice: (u128, u128),
}

impl AreaBelow {
    /// Areas up to limits in [1e-15, 1]; up to others, and without negatives or a height, there are none.
    pub(crate) fn new(limits: &[f64], negatives: u64, top: u64) -> Self {
        let defined = negatives > 0 && top > 0;
        let mut ahead: Vec<Limit> = limits
            .iter()
            .enumerate()
            .filter(|(_, limit)| defined && (SMALLEST_LIMIT..=1.0).contains(*limit))
            .map(|(place, &limit)| Limit::new(place, limit, negatives))
            .collect();
        ahead.sort_by_key(|limit| Reverse(limit.whole));
        Self { ahead, areas: vec![None; limits.len()], top, x: 0, height: (0, 0), twice: (0, 0) }
    }

    /// Appends a piece.
    #[inline]
    pub(crate) fn push(&mut self, piece: &Piece) {
        let end = self.x + piece.width;
        while let Some(limit) = self.ahead.pop_if(|limit| limit.whole < end) {
            self.cut(limit, piece);
        }
        let (least, most) = piece.twice_area();
        self.twice = (self.twice.0 + least, self.twice.1 + most);
        self.x = end;
    }

    /// Takes the area up to a limit inside a piece, or at its start.
    #[cold]
    fn cut(&mut self, limit: Limit, piece: &Piece) {
        let inside = limit.whole - self.x;
        let x = Bounds::integer(inside.into()).add(limit.fraction);
        let mut twice = self.twice;
        let rest = if x.high == 0.0 {
            (0.0, 0.0)
        } else if piece.tie && piece.before != piece.after {
            piece.cut_tie(x)
        } else {
            // A rectangle: all but the fraction is an integer.
            let (least, most) = (piece.before.0, piece.after.1);
            twice.0 += 2 * u128::from(inside) * u128::from(least);
            twice.1 += 2 * u128::from(inside) * u128::from(most);
            let part = |height: u64| limit.fraction.mul(Bounds::integer(height.into()));
            (part(least).low, part(most).high)
        };
        self.areas[limit.place] = Some(limit.normalised(twice, rest, self.top));
    }

    /// Goes on flat up to `fp` negatives, and with a bin of `width` negatives to the height `after`.
    #[inline]
    fn rise(&mut self, fp: u64, width: u64, after: Height, tie: bool) {
        let end = fp + width;
        if self.ahead.last().is_some_and(|limit| limit.whole < end) {
            self.rise_past_limit(fp, width, after, tie);
        } else {
            // The same in fewer products: twice a rectangle below both, and what the bin adds on top of it.
            let (before, all) = (self.height, end - self.x);
            let (least, most) = if tie { (1, 1) } else { (0, 2) };
            let twice = |before: u64, after: u64, share: u64| {
                let above = u128::from(share * width) * u128::from(after - before);
                2 * u128::from(all) * u128::from(before) + above
            };
            self.twice.0 += twice(before.0, after.0, least);
            self.twice.1 += twice(before.1, after.1, most);
            self.x = end;
        }
        self.height = after;
    }

    #[cold]
    fn rise_past_limit(&mut self, fp: u64, width: u64, after: Height, tie: bool) {
        let before = self.height;
        self.push(&Piece { width: fp - self.x, before, after: before, tie: true });
        self.push(&Piece { width, before, after, tie });
    }

    /// Goes on flat up to the last of the negatives, and gives the area up to each limit.
    fn flat_to(mut self, negatives: u64) -> Vec<Option<Interval>> {
        let height = self.height;
        self.push(&Piece { width: negatives - self.x, before: height, after: height, tie: true });
        self.finish()
    }

    /// The areas up to the limits, in the order in which they were asked for.
    pub(crate) fn finish(mut self) -> Vec<Option<Interval>> {
        // The last piece may end at a limit.
        while let Some(limit) = self.ahead.pop() {
            self.areas[limit.place] = Some(limit.normalised(self.twice, (0.0, 0.0), self.top));
        }
        self.areas
    }
}

/// Areas below the ROC curve: the recall over the false-positive rate.
pub(crate) struct RocAreas {
    area: AreaBelow,
    negatives: u64,
}

impl RocAreas {
    pub(crate) fn new(totals: &Totals, limits: &[f64]) -> Self {
        Self { area: AreaBelow::new(limits, totals.negatives, totals.positives), negatives: totals.negatives }
    }

    /// Adds a bin with positives; those without may be left out.
    #[inline]
    pub(crate) fn add(&mut self, step: &Step<'_>) {
        let height = step.tp_end();
        self.area.rise(step.fp, step.bin.negatives, (height, height), step.is_tie());
    }

    pub(crate) fn finish(self) -> Vec<Option<Interval>> {
        self.area.flat_to(self.negatives)
    }
}

/// Areas below the mean covered fraction of the regions over the false-positive rate.
pub(crate) struct ProAreas {
    area: AreaBelow,
    overlap: RegionOverlap,
    negatives: u64,
}

impl ProAreas {
    pub(crate) fn new(totals: &Totals, limits: &[f64]) -> Self {
        let overlap = RegionOverlap::new(totals.regions);
        let area = AreaBelow::new(limits, totals.negatives, overlap.top());
        Self { area, overlap, negatives: totals.negatives }
    }

    /// Adds a bin with positives; those without may be left out.
    #[inline]
    pub(crate) fn add(&mut self, step: &Step<'_>) {
        let height = self.overlap.height(step.weight + step.bin.weight, step.tp_end());
        self.area.rise(step.fp, step.bin.negatives, height, step.is_tie());
    }

    pub(crate) fn finish(self) -> Vec<Option<Interval>> {
        self.area.flat_to(self.negatives)
    }
}

impl ScoreCurve {
    /// Area below the ROC curve, ties merged. `None` without positives or without negatives.
    pub fn auroc(&self) -> Option<Interval> {
        self.partial_auroc(1.0)
    }

    /// Area below the ROC curve up to a false-positive rate in [1e-15, 1], divided by it. `None` without positives or
    /// without negatives, or for another limit.
    pub fn partial_auroc(&self, limit: f64) -> Option<Interval> {
        let mut areas = RocAreas::new(&self.totals, &[limit]);
        self.rises().for_each(|step| areas.add(&step));
        areas.finish()[0]
    }

    /// Area below the mean covered fraction of the regions over the false-positive rate, up to a limit in
    /// [1e-15, 1], divided by it. `None` without regions or without negatives, or for another limit.
    pub fn aupro(&self, limit: f64) -> Option<Interval> {
        let mut areas = ProAreas::new(&self.totals, &[limit]);
        self.rises().for_each(|step| areas.add(&step));
        areas.finish()[0]
    }
}
