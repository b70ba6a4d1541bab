//! The metrics of tools that count scores between evenly spaced edges, fixed beforehand: `ADEval`.
//!
//! K + 1 edges divide the range of all scores into K strips, in single precision whatever the type of the scores. A
//! curve has one point for each edge: what is at or above it. It starts at the highest edge, not at (0, 0), so the area
//! in front of that point is missing; this is part of the definition.

use crate::area_below::{AreaBelow, Height, Piece};
use crate::interval::{Bounds, Interval};
use crate::region_overlap::RegionOverlap;
use crate::score_curve::ScoreCurve;
use crate::step::Totals;

/// Counts at or above evenly spaced edges.
///
/// Where a bin of the histogram lies across an edge, its pixels may be on either side, and values are intervals.
///
/// ```
/// use pimo_finaliser::{EvenEdges, ScoreCurve};
/// let curve = ScoreCurve::of_labelled([(1.0, true), (0.75, true), (0.5, false), (0.25, true), (0.0, false)]);
/// // At the edges 1, 0.5 and 0 there are 1, 2 and 3 positives, and 0, 1 and 2 negatives.
/// let edges = EvenEdges::new(&curve, 2).unwrap();
/// assert!((edges.auroc().unwrap().value() - 2.0 / 3.0).abs() < 1e-15);
/// ```
#[derive(Clone, Debug)]
pub struct EvenEdges {
    /// From the highest edge to the lowest.
    points: Vec<Point>,
    totals: Totals,
}

/// What is at or above an edge: at least and at most.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    tp: (u64, u64),
    fp: (u64, u64),
    weight: (u128, u128),
}

/// Edge number `i` of `count`, for scores from `lowest` to `highest`.
fn edge(i: u32, count: u32, lowest: f64, highest: f64) -> f64 {
    let part = if i == count { 1.0 } else { f64::from(i) * (1.0 / f64::from(count)) };
    f64::from(part as f32 * (highest - lowest) as f32 + lowest as f32)
}

impl EvenEdges {
    /// Counts the pixels of a curve above the edges of `count` strips. `None` without strips, without pixels, or where
    /// all have the same score or are too large for single precision.
    pub fn new(curve: &ScoreCurve, count: u32) -> Option<Self> {
        let (first, last) = (curve.bins.first()?, curve.bins.last()?);
        if count == 0 || first.high <= last.low {
            return None;
        }
        // A range that is not known exactly leaves the edges in doubt, by a little more because they are rounded.
        let known = first.is_tie() && last.is_tie();
        let slack = if known { 0.0 } else { first.high.abs().max(last.low.abs()) * f64::from(4.0 * f32::EPSILON) };
        let mut sure = curve.bins.iter().peekable();
        let mut possible = sure.clone();
        let mut point = Point::default();
        let mut points = Vec::with_capacity(count as usize + 1);
        for i in (0..=count).rev() {
            // The lowest edge is the lowest score, whatever the range.
            let slack = if i == 0 { 0.0 } else { slack };
            let least = edge(i, count, last.low, first.low) - slack;
            let most = edge(i, count, last.high, first.high) + slack;
            if !(least.is_finite() && most.is_finite()) {
                return None;
            }
            while let Some(bin) = sure.next_if(|bin| bin.low >= most) {
                point.tp.0 += bin.positives;
                point.fp.0 += bin.negatives;
                point.weight.0 += bin.weight;
            }
            while let Some(bin) = possible.next_if(|bin| bin.high >= least) {
                point.tp.1 += bin.positives;
                point.fp.1 += bin.negatives;
                point.weight.1 += bin.weight;
            }
            points.push(point);
        }
        Some(Self { points, totals: curve.totals })
    }

    /// Area below the ROC curve through the edges' points. `None` without positives or without negatives.
    pub fn auroc(&self) -> Option<Interval> {
        self.area(|point| point.tp, 1.0, self.totals.positives)
    }

    /// Area below the mean covered fraction of the regions up to a limit of the false-positive rate in [1e-15, 1],
    /// divided by it. `None` without regions or negatives, for another limit, and where the highest edge is beyond it.
    pub fn aupro(&self, limit: f64) -> Option<Interval> {
        let highest = self.points.first()?.fp.1 as f64;
        if highest > limit * self.totals.negatives as f64 {
            return None;
        }
        let overlap = RegionOverlap::new(self.totals.regions);
        let covered = |weight, tp| overlap.height(weight, tp);
        let heights = |point: &Point| (covered(point.weight.0, point.tp.0).0, covered(point.weight.1, point.tp.1).1);
        self.area(heights, limit, overlap.top())
    }

    /// The smallest and the largest area: a curve whose points move up or to the left never loses area, save what is
    /// below its end if the last one moves. The largest one goes on level from there to where it may end.
    fn area(&self, heights: impl Fn(&Point) -> Height, limit: f64, top: u64) -> Option<Interval> {
        let last = self.points.last()?;
        let low = self.points.iter().map(|point| (point.fp.1, heights(point).0));
        let high = self.points.iter().map(|point| (point.fp.0, heights(point).1));
        let high = high.chain(std::iter::once((last.fp.1, heights(last).1)));
        let low = area_below(low, limit, self.totals.negatives, top)?.low();
        let high = area_below(high, limit, self.totals.negatives, top)?.high();
        if last.fp.0 == last.fp.1 {
            return Some(Interval::new(low, high));
        }
        let end = Interval::ratio((last.fp.1 - last.fp.0).into(), self.totals.negatives.into()).high() / limit;
        Some(Interval::new((low - end.next_up()).next_down().max(0.0), high))
    }

    /// Trapezoidal area below the precision-recall curve through the edges' points, where precision is 1 if nothing is
    /// at or above an edge. `None` without positives.
    ///
    /// It is the sum over neighbouring points of the recall gained times the mean of the two precisions. Recall never
    /// falls, so the area rises with every precision. With these fixed, it is linear in the recall of each point, with
    /// half the difference of the precisions before and after as slope (half the sum of both, at the two ends), which
    /// bounds what the doubt about recall can change.
    pub fn aupr(&self) -> Option<Interval> {
        if self.totals.positives == 0 {
            return None;
        }
        let precisions: Vec<Interval> = self.points.iter().map(Point::precision).collect();
        let sum = |precision: fn(&Interval) -> f64| {
            let mut twice = Bounds::integer(0);
            for (points, q) in self.points.windows(2).zip(precisions.windows(2)) {
                let gained = Bounds::integer((points[1].tp.0 - points[0].tp.0).into());
                let heights = Bounds::point(precision(&q[0])).add(Bounds::point(precision(&q[1])));
                twice = twice.add(gained.mul(heights));
            }
            twice
        };
        let (least, most) = (sum(Interval::low), sum(Interval::high));
        let mut doubt = Bounds::integer(0);
        for (i, point) in self.points.iter().enumerate() {
            let slope = match (i.checked_sub(1).map(|i| precisions[i]), precisions.get(i + 1)) {
                (Some(before), Some(after)) => (before.high() - after.low()).max(after.high() - before.low()),
                (None, Some(other)) => precisions[i].high() + other.high(),
                (Some(other), None) => precisions[i].high() + other.high(),
                (None, None) => 0.0,
            };
            let change = Bounds::integer((point.tp.1 - point.tp.0).into());
            doubt = doubt.add(change.mul(Bounds::point(slope.max(0.0).next_up())));
        }
        let all = Bounds::integer(2 * u128::from(self.totals.positives));
        let high = most.add(doubt).div(all).high;
        let low = (least.low - doubt.high).next_down().max(0.0) / all.high;
        Some(Interval::new(if low == 0.0 { 0.0 } else { low.next_down() }, high).in_unit())
    }
}

impl Point {
    fn precision(&self) -> Interval {
        let found = |tp: u64, fp: u64| (u128::from(tp), u128::from(tp) + u128::from(fp));
        let (low, high) = (found(self.tp.0, self.fp.1), found(self.tp.1, self.fp.0));
        let one = |ratio: (u128, u128)| if ratio.1 == 0 { (1, 1) } else { ratio };
        if low.1 == 0 && high.1 > 0 {
            // Nothing for certain, perhaps something: any precision.
            return Interval::new(0.0, 1.0);
        }
        let (low, high) = (Interval::ratio(one(low).0, one(low).1), Interval::ratio(one(high).0, one(high).1));
        Interval::new(low.low(), if self.tp.0 + self.fp.0 == 0 { 1.0 } else { high.high() })
    }
}

/// The area below straight lines between points (false positives, height), with nothing in front of the first and
/// behind the last, up to a limit and divided by it.
fn area_below(mut points: impl Iterator<Item = (u64, u64)>, limit: f64, negatives: u64, top: u64) -> Option<Interval> {
    let mut area = AreaBelow::new(&[limit], negatives, top);
    let mut before = points.next()?;
    area.push(&Piece { width: before.0, before: (0, 0), after: (0, 0), tie: true });
    for (fp, height) in points {
        let [before_height, after] = [before.1, height].map(|height| (height, height));
        area.push(&Piece { width: fp - before.0, before: before_height, after, tie: true });
        before = (fp, height);
    }
    area.finish()[0]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pimo_accumulator::{ScoreBin, WEIGHT_BITS};
    use proptest::prelude::*;

    use super::*;

    /// The same by comparing every pixel with every edge, in doubles: AUROC, AUPR and AUPRO at 0.3.
    fn brute(pixels: &[(f32, Option<u32>)], areas: &[f64], count: u32) -> Option<[f64; 3]> {
        let scores = || pixels.iter().map(|pixel| f64::from(pixel.0));
        let (lowest, highest) = (scores().fold(f64::MAX, f64::min), scores().fold(f64::MIN, f64::max));
        let all = |positive: bool| pixels.iter().filter(|pixel| pixel.1.is_some() == positive).count() as f64;
        let (positives, negatives) = (all(true), all(false));
        if positives == 0.0 || negatives == 0.0 || lowest == highest {
            return None;
        }
        let mut curve = Vec::new();
        for i in (0..=count).rev() {
            let at = edge(i, count, lowest, highest);
            let above = || pixels.iter().filter(|pixel| f64::from(pixel.0) >= at);
            let tp = above().filter(|pixel| pixel.1.is_some()).count() as f64;
            let fp = above().count() as f64 - tp;
            let covered: f64 = above().filter_map(|pixel| pixel.1).map(|region| 1.0 / areas[region as usize]).sum();
            let precision = if tp + fp == 0.0 { 1.0 } else { tp / (tp + fp) };
            curve.push((fp / negatives, tp / positives, covered / areas.len() as f64, precision));
        }
        let (mut auroc, mut aupr, mut aupro) = (0.0, 0.0, 0.0);
        for pair in curve.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            auroc += (b.0 - a.0) * (a.1 + b.1) / 2.0;
            aupr += (b.1 - a.1) * (a.3 + b.3) / 2.0;
            let end = b.0.min(0.3);
            if end > a.0 {
                let height = a.2 + (b.2 - a.2) * (end - a.0) / (b.0 - a.0);
                aupro += (end - a.0) * (a.2 + height) / 2.0;
            }
        }
        Some([auroc, aupr, if curve[0].0 > 0.3 { f64::NAN } else { aupro / 0.3 }])
    }

    /// One score far above all others leaves most edges in doubt, but hardly the lowest, which may be rounded to lie above
    /// some scores.
    #[test]
    fn far_outliers_leave_wide_intervals_that_hold() {
        let bin = |low: f64, high: f64, positives: u64, negatives: u64| {
            let weight = u128::from(positives) * ((1 << WEIGHT_BITS) / 50);
            ScoreBin { positives, negatives, weight, low, high }
        };
        let together = |bins: &[ScoreBin]| {
            let sum = |of: fn(&ScoreBin) -> u64| bins.iter().map(of).sum();
            bin(bins[bins.len() - 1].low, bins[0].high, sum(|bin| bin.positives), sum(|bin| bin.negatives))
        };
        let top = bin(1e30, 1e30, 0, 1);
        for aside in [0.0, 0.75 * f64::from(f32::EPSILON)] {
            let score = |i: u32| f64::from(i) / 1024.0 + 1.0 + aside;
            let tie = |i: u32| bin(score(i), score(i), u64::from(i % 20 == 7), u64::from(i % 20 != 7));
            let scores: Vec<ScoreBin> = (0..1000).rev().map(tie).collect();
            let exact = ScoreCurve::new([&[top], &scores[..]].concat(), 1).unwrap();
            for (width, count) in [1, 10, 100, 1000].into_iter().flat_map(|width| [1, 2, 10, 1000].map(|n| (width, n)))
            {
                let bins = std::iter::once(top).chain(scores.chunks(width).map(together)).collect();
                let binned = ScoreCurve::new(bins, 1).unwrap();
                let [exact, binned] = [&exact, &binned].map(|curve| EvenEdges::new(curve, count).unwrap());
                let metrics = |edges: &EvenEdges| [edges.auroc(), edges.aupr(), edges.aupro(0.3), edges.aupro(1.0)];
                for (exact, binned) in metrics(&exact).into_iter().zip(metrics(&binned)) {
                    near(binned, exact.unwrap().value(), &format!("{aside} {width} {count}"));
                }
            }
        }
    }

    fn near(found: Option<Interval>, expected: f64, what: &str) {
        match found {
            Some(found) => {
                assert!(
                    found.low() - 1e-12 <= expected && expected <= found.high() + 1e-12,
                    "{what}: {found:?} {expected}"
                );
            }
            None => assert!(expected.is_nan()),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_comparing_every_pixel_with_every_edge(
            pixels in proptest::collection::vec((0_u32..200, proptest::option::weighted(0.3, 0_u32..3)), 2..80),
            count in 1_u32..40, together in 1_usize..4,
        ) {
            // Regions are numbered without gaps.
            let mut numbers: Vec<u32> = pixels.iter().filter_map(|pixel| pixel.1).collect();
            numbers.sort_unstable();
            numbers.dedup();
            let region = |number: u32| numbers.binary_search(&number).unwrap() as u32;
            let pixels: Vec<(f32, Option<u32>)> =
                pixels.into_iter().map(|(score, number)| (score as f32 / 7.0 + 4.0, number.map(region))).collect();
            let area = |region: usize| pixels.iter().filter(|pixel| pixel.1 == Some(region as u32)).count();
            let areas: Vec<f64> = (0..numbers.len()).map(|region| area(region) as f64).collect();
            let mut sorted = pixels.clone();
            sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
            // Bins of one score, and of several neighbouring ones whose order is not known.
            for together in [1, together] {
                let ties: Vec<&[(f32, Option<u32>)]> = sorted.chunk_by(|a, b| a.0 == b.0).collect();
                let bins = ties.chunks(together).map(|ties| {
                    let pixels = || ties.iter().flat_map(|tie| tie.iter());
                    let positives = pixels().filter(|pixel| pixel.1.is_some()).count() as u64;
                    ScoreBin {
                        positives,
                        negatives: pixels().count() as u64 - positives,
                        weight: pixels()
                            .filter_map(|pixel| pixel.1)
                            .map(|region| (1 << WEIGHT_BITS) / areas[region as usize] as u128)
                            .sum(),
                        low: f64::from(ties[ties.len() - 1][0].0),
                        high: f64::from(ties[0][0].0),
                    }
                });
                let curve = ScoreCurve::new(bins.collect(), areas.len() as u64).unwrap();
                let Some([auroc, aupr, aupro]) = brute(&pixels, &areas, count) else { continue };
                let edges = EvenEdges::new(&curve, count).unwrap();
                near(edges.auroc(), auroc, "auroc");
                near(edges.aupr(), aupr, "aupr");
                if edges.aupro(0.3).is_some() {
                    near(edges.aupro(0.3), aupro, "aupro");
                }
                if together == 1 {
                    assert!(edges.auroc().unwrap().is_exact() && edges.aupr().unwrap().is_exact());
                    assert!(edges.aupro(0.3).is_some() || aupro.is_nan());
                }
            }
        }
    }

    #[test]
    fn without_a_range_there_are_no_edges() {
        assert!(EvenEdges::new(&ScoreCurve::of_labelled([]), 10).is_none());
        assert!(EvenEdges::new(&ScoreCurve::of_labelled([(1.0, true), (1.0, false)]), 10).is_none());
        let curve = ScoreCurve::of_labelled([(1.0, true), (0.0, false)]);
        assert!(EvenEdges::new(&curve, 0).is_none());
        assert!(EvenEdges::new(&ScoreCurve::of_labelled([(1e300, true), (0.0, false)]), 10).is_none());
        assert!(EvenEdges::new(&ScoreCurve::of_labelled([(1.0, true), (0.0, true)]), 10).unwrap().auroc().is_none());
    }
}
