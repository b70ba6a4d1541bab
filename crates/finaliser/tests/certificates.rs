//! No exact value leaves its interval: random small datasets full of ties, on histograms of 8 to 16 bits, against
//! exact rational arithmetic that tries every threshold.
//!
//! `PIMO_CERTIFICATE_CASES` sets the number of datasets (3000 when it is not set).

#![allow(clippy::unwrap_used)]

use std::cmp::Ordering;

use num_bigint::BigUint;
use pimo_accumulator::{ScoreBin, WEIGHT_BITS};
use pimo_finaliser::{Interval, ScoreCurve};

/// A fraction that is not negative.
#[derive(Clone, Debug)]
struct Fraction(BigUint, BigUint);

impl Fraction {
    fn new(part: u64, whole: u64) -> Self {
        Self(part.into(), whole.into())
    }

    fn of(value: f64) -> Self {
        let bits = value.to_bits();
        let exponent = (bits >> 52) as i64;
        let mantissa = BigUint::from(bits & ((1 << 52) - 1) | u64::from(exponent > 0) << 52);
        let shift = 1075 - exponent.max(1);
        if shift > 0 {
            Self(mantissa, BigUint::from(1_u8) << shift as u64)
        } else {
            Self(mantissa << (-shift) as u64, 1_u8.into())
        }
    }

    fn add(&self, other: &Self) -> Self {
        if self.1 == other.1 {
            return Self(&self.0 + &other.0, self.1.clone());
        }
        Self(&self.0 * &other.1 + &other.0 * &self.1, &self.1 * &other.1)
    }

    fn mul(&self, other: &Self) -> Self {
        Self(&self.0 * &other.0, &self.1 * &other.1)
    }

    fn div(&self, other: &Self) -> Self {
        Self(&self.0 * &other.1, &self.1 * &other.0)
    }

    fn cmp(&self, other: &Self) -> Ordering {
        (&self.0 * &other.1).cmp(&(&other.0 * &self.1))
    }
}

fn holds(interval: Option<Interval>, exact: Option<&Fraction>, what: &str, data: &Data) {
    match (interval, exact) {
        (None, None) => {}
        (Some(interval), Some(exact)) => {
            let inside =
                Fraction::of(interval.low()).cmp(exact).is_le() && exact.cmp(&Fraction::of(interval.high())).is_le();
            assert!(inside, "{what}: {exact:?} is not in {interval:?} for {data:?}");
        }
        _ => panic!("{what}: {interval:?} where {exact:?} is right for {data:?}"),
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }
}

/// Keys of 16 bits, each with its region if it is anomalous, and the bits that the histogram sees.
#[derive(Debug)]
struct Data {
    pixels: Vec<(u64, Option<usize>)>,
    areas: Vec<u64>,
    bits: u32,
}

impl Data {
    fn random(random: &mut Random) -> Self {
        let positives = random.below(14);
        let negatives = random.below(20);
        let regions = random.below(4) + 1;
        // From nearly all tied to nearly all different, close together or spread over many bins.
        let values: Vec<u64> = {
            let count = random.below(12) + 1;
            let spread = 1 << (random.below(13) + 4);
            let offset = random.below((1 << 16) - spread + 1);
            (0..count).map(|_| offset + random.below(spread)).collect()
        };
        let mut areas = vec![0; regions as usize];
        let mut pixels = Vec::new();
        for _ in 0..positives {
            let region = random.below(regions) as usize;
            areas[region] += 1;
            pixels.push((values[random.below(values.len() as u64) as usize], Some(region)));
        }
        for _ in 0..negatives {
            pixels.push((values[random.below(values.len() as u64) as usize], None));
        }
        // Regions without a pixel do not exist.
        let numbers: Vec<usize> = areas
            .iter()
            .scan(0, |next, &area| {
                let number = *next;
                *next += usize::from(area > 0);
                Some(number)
            })
            .collect();
        for pixel in &mut pixels {
            pixel.1 = pixel.1.map(|region| numbers[region]);
        }
        areas.retain(|&area| area > 0);
        pixels.sort_by(|a, b| b.cmp(a));
        Self { pixels, areas, bits: random.below(9) as u32 + 8 }
    }

    /// What a histogram whose bins are told apart by `bits` bits of the key knows.
    fn curve(&self) -> ScoreCurve {
        let width = 16 - self.bits;
        let bins = self.pixels.chunk_by(|a, b| a.0 >> width == b.0 >> width).map(|pixels| {
            let tie = pixels.iter().all(|pixel| pixel.0 == pixels[0].0);
            let first = pixels[0].0 >> width << width;
            let (low, high) = if tie { (pixels[0].0, pixels[0].0) } else { (first, first + (1 << width) - 1) };
            let regions = pixels.iter().filter_map(|pixel| pixel.1);
            ScoreBin {
                positives: regions.clone().count() as u64,
                negatives: pixels.iter().filter(|pixel| pixel.1.is_none()).count() as u64,
                weight: regions.map(|region| (1 << WEIGHT_BITS) / u128::from(self.areas[region])).sum(),
                low: low as f64,
                high: high as f64,
            }
        });
        ScoreCurve::new(bins.collect(), self.areas.len() as u64).unwrap()
    }

    /// At every distinct score from the highest down: the score, TP, FP, and the regions' covered fractions summed.
    fn thresholds(&self) -> Vec<(u64, u64, u64, Fraction)> {
        let mut out = Vec::new();
        let (mut tp, mut fp) = (0, 0);
        let mut covered = Fraction::new(0, self.areas.iter().product::<u64>().max(1));
        for tied in self.pixels.chunk_by(|a, b| a.0 == b.0) {
            for pixel in tied {
                match pixel.1 {
                    Some(region) => {
                        tp += 1;
                        let all: u64 = self.areas.iter().product();
                        covered = covered.add(&Fraction::new(all / self.areas[region], all));
                    }
                    None => fp += 1,
                }
            }
            out.push((tied[0].0, tp, fp, covered.clone()));
        }
        out
    }
}

/// The area up to `limit` below straight lines between points `(FP, height)`, divided by the limit.
fn area(points: &[(u64, Fraction)], negatives: u64, limit: &Fraction) -> Fraction {
    let end = limit.mul(&Fraction::new(negatives, 1));
    let mut before = (0, Fraction::new(0, 1));
    let mut sum = Fraction::new(0, 1);
    for (x, y) in points {
        let width = x - before.0;
        if Fraction::new(*x, 1).cmp(&end).is_ge() {
            if width > 0 {
                // x - before may be cut; heights at both ends of what is left.
                let left = Fraction(&end.0 - BigUint::from(before.0) * &end.1, end.1.clone());
                let share = left.div(&Fraction::new(width, 1));
                let rest = Fraction(&share.1 - &share.0, share.1.clone());
                let height = before.1.mul(&rest).add(&y.mul(&share));
                sum = sum.add(&left.mul(&before.1.add(&height)).mul(&Fraction::new(1, 2)));
            }
            break;
        }
        sum = sum.add(&Fraction::new(width, 2).mul(&before.1.add(y)));
        before = (*x, y.clone());
    }
    sum.div(&end)
}

fn best(values: &[(u64, Fraction)]) -> (u64, Fraction) {
    let mut best = values[0].clone();
    for value in values {
        if value.1.cmp(&best.1).is_gt() {
            best = value.clone();
        }
    }
    best
}

fn check(data: &Data) {
    let curve = data.curve();
    let (positives, negatives) = curve.totals();
    let thresholds = data.thresholds();
    let regions = data.areas.len() as u64;
    let some = |present: bool, value: &dyn Fn() -> Fraction| present.then(value);

    for limit in [1.0, 0.3, 0.05, 0.5, 0.01, 1.0 / 3.0] {
        let at = Fraction::of(limit);
        let roc = || {
            let points: Vec<_> = thresholds.iter().map(|t| (t.2, Fraction::new(t.1, positives))).collect();
            area(&points, negatives, &at)
        };
        let roc = some(positives > 0 && negatives > 0, &roc);
        holds(curve.partial_auroc(limit), roc.as_ref(), "AUROC", data);
        let pro = || {
            let points: Vec<_> = thresholds.iter().map(|t| (t.2, t.3.mul(&Fraction::new(1, regions)))).collect();
            area(&points, negatives, &at)
        };
        let pro = some(regions > 0 && negatives > 0, &pro);
        holds(curve.aupro(limit), pro.as_ref(), "AUPRO", data);
    }

    let precision = |t: &(u64, u64, u64, Fraction)| Fraction::new(t.1, t.1 + t.2);
    let ap = || {
        let mut before = 0;
        let mut sum = Fraction::new(0, 1);
        for t in &thresholds {
            sum = sum.add(&Fraction::new(t.1 - before, positives).mul(&precision(t)));
            before = t.1;
        }
        sum
    };
    holds(curve.average_precision(), some(positives > 0, &ap).as_ref(), "AP", data);
    let trapezoid = || {
        let mut before = (0, Fraction::new(1, 1));
        let mut sum = Fraction::new(0, 1);
        for t in &thresholds {
            let heights = before.1.add(&precision(t));
            sum = sum.add(&Fraction::new(t.1 - before.0, 2 * positives).mul(&heights));
            before = (t.1, precision(t));
        }
        sum
    };
    holds(curve.aupr_trapezoid(), some(positives > 0, &trapezoid).as_ref(), "trapezoid", data);

    let f1: Vec<_> = thresholds.iter().map(|t| (t.0, Fraction::new(2 * t.1, (positives + t.1 + t.2).max(1)))).collect();
    let iou: Vec<_> = thresholds.iter().map(|t| (t.0, Fraction::new(t.1, (positives + t.2).max(1)))).collect();
    for (found, values, what) in [(curve.f1_max(), f1, "F1max"), (curve.iou_max(), iou, "IoU max")] {
        let exact = (positives > 0).then(|| best(&values));
        holds(found.map(|found| found.value), exact.as_ref().map(|best| &best.1), what, data);
        let threshold = exact.map(|best| Fraction::new(best.0, 1));
        holds(found.map(|found| found.threshold), threshold.as_ref(), what, data);
    }

    let fpr95 = || {
        let first = thresholds.iter().find(|t| 20 * t.1 >= 19 * positives).unwrap();
        Fraction::new(first.2, negatives)
    };
    holds(curve.fpr95(), some(positives > 0 && negatives > 0, &fpr95).as_ref(), "FPR95", data);

    for &(at, ..) in &thresholds {
        for threshold in [at, at + 1] {
            let (tp, fp) = thresholds.iter().rfind(|t| t.0 >= threshold).map_or((0, 0), |t| (t.1, t.2));
            let rates = curve.at(threshold as f64);
            let part = |part: u64, whole: u64| (whole > 0).then(|| Fraction::new(part, whole));
            holds(rates.recall, part(tp, positives).as_ref(), "recall", data);
            holds(rates.fpr, part(fp, negatives).as_ref(), "FPR", data);
            if let Some(exact) = part(tp, tp + fp) {
                holds(rates.precision, Some(&exact), "precision", data);
            }
            if positives > 0 {
                holds(rates.f1, part(2 * tp, positives + tp + fp).as_ref(), "F1", data);
                holds(rates.iou, part(tp, positives + fp).as_ref(), "IoU", data);
            }
        }
    }
    if data.bits == 16 {
        let values =
            [curve.auroc(), curve.average_precision(), curve.aupr_trapezoid(), curve.aupro(0.3), curve.fpr95()];
        assert!(values.into_iter().flatten().all(|value| value.is_exact()), "{data:?}");
        assert!(curve.f1_max().into_iter().all(|best| best.threshold.low() == best.threshold.high()), "{data:?}");
    }
}

#[test]
fn no_value_leaves_its_interval() {
    let cases = std::env::var("PIMO_CERTIFICATE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(3000);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..cases {
        check(&Data::random(&mut random));
    }
}

#[test]
fn ties_can_beat_every_strict_order() {
    // One negative, then two tied positives, in a bin whose order is unknown: 2/3, where strict order gives 7/12.
    let tied = Data { pixels: vec![(9, None), (8, Some(0)), (8, Some(0))], areas: vec![2], bits: 8 };
    check(&tied);
    let ap = tied.curve().average_precision().unwrap();
    assert!(ap.low() <= 7.0 / 12.0 && 2.0 / 3.0 <= ap.high());
    let strict = Data { pixels: vec![(9, None), (8, Some(0)), (7, Some(0))], areas: vec![2], bits: 8 };
    check(&strict);
}

#[test]
fn many_positives_in_one_bin() {
    // More than are summed one by one: the bound by chords has to hold as well.
    for (above, p, n) in [(0, 1000, 3), (5, 777, 100_000), (0, 65, 1), (3, 129, 0)] {
        let pixels = (0..above).map(|i| (60_000 - i, None));
        let inside =
            (0..n).map(|i| (999 - i * 200 / n.max(1), None)).chain((0..p).map(|i| (700 - i * 90 / p, Some(0))));
        let mut pixels: Vec<_> = pixels.chain(inside).collect();
        pixels.sort_by(|a, b| b.cmp(a));
        let data = Data { pixels, areas: vec![p], bits: 3 };
        let curve = data.curve();
        let fine = Data { bits: 16, ..data }.curve();
        let (wide, exact) = (curve.average_precision().unwrap(), fine.average_precision().unwrap());
        assert!(wide.low() <= exact.low() && exact.high() <= wide.high(), "{wide:?} {exact:?}");
    }
}
