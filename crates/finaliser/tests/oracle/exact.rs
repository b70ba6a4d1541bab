//! The exact procedure on categories made up at random.

use pimo_accumulator::{SettledTail, score_of_key};
use pimo_finaliser::{CurvePoints, NAMED_LEVELS, OperatingPoint, SharedAxis};
use pimo_frame::{Frame, Size};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::brute::{self, Kind, Normals};
use crate::case::{Bound, Case, cases};
use crate::drive::{self, Sharing};
use crate::fraction::Fraction;
use crate::input::{Input, Plain, regions};

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// What double precision leaves of a score, given the length of the range in log scale: the library rounds logarithms
/// of rates, and where the range is short, more of them is lost.
fn tolerance(length: f64) -> f64 {
    (1e-14 / length).max(1e-10)
}

fn close(ours: f64, exact: f64) -> bool {
    (ours - exact).abs() <= 1e-14 * exact
}

/// A category with its normal images counted.
struct Run {
    normals: Normals,
    frames: Vec<Frame>,
}

impl Run {
    fn new(case: &Case) -> Self {
        let frames = case.normal.iter().map(Input::frame).collect();
        Self { normals: Normals::new(&case.plain_normal()), frames }
    }

    /// The axis of the library beside that of the oracle.
    fn axes(&self, case: &Case, kind: &Kind) -> (SharedAxis, SettledTail, brute::Axis) {
        let (points, texts) = case.axis(&self.normals, kind);
        let bounds = drive::fpr_bounds(&texts);
        let tail = drive::tail(&self.frames, kind, bounds, Sharing::plain(self.frames.len())).into_settled();
        let axis = drive::axis(&self.frames, &tail, kind, bounds).unwrap();
        (axis, tail, brute::Axis::new(points, &texts))
    }

    /// Whether the tail holds the scores of every image down to a threshold. For quantiles it need not: images that
    /// have crossed the bound are kept a little further only.
    fn kept_down_to(&self, tail: &SettledTail, threshold: f64) -> bool {
        let kept = |group: usize| {
            let scores = tail.entries().iter().filter(|entry| entry.group as usize == group);
            scores.filter(|entry| score_of_key(entry.key) >= threshold).map(|entry| entry.count).sum::<u64>()
        };
        self.normals.counts(threshold).into_iter().enumerate().all(|(group, count)| kept(group) == count)
    }

    /// Compares the axis with the oracle's: thresholds, rates, operating points, the normal images' own counts.
    fn compare_axis(&self, case: &Case, kind: &Kind) -> Result<(SharedAxis, brute::Axis), TestCaseError> {
        let (axis, tail, exact) = self.axes(case, kind);
        let ends = [exact.lower_threshold(), exact.upper_threshold()];
        let points = &exact.points[..=ends[0]];
        let mut kept = axis.keys().iter().map(|&key| score_of_key(key)).zip(axis.rates()).peekable();
        for (place, (threshold, rate)) in points.iter().enumerate() {
            if let Some((_, ours)) = kept.next_if(|(score, _)| score == threshold) {
                prop_assert!(close(*ours, rate.value()), "{kind:?}: {ours} for {} at {threshold}", rate.value());
            } else {
                // What no longer changes the rate may be left out, but only where quantiles allow it.
                prop_assert!(matches!(kind, Kind::Quantile(_)), "{kind:?}: {threshold} is missing");
                prop_assert_eq!(rate, &points[place - 1].1, "{:?}: {} is missing", kind, threshold);
            }
        }
        prop_assert_eq!(kept.next(), None);
        if let Some(covers) = exact.covers() {
            prop_assert_eq!(axis.covers_bounds(), covers);
        }
        prop_assert!(close(axis.smallest_rate(), points[0].1.value()));
        prop_assert_eq!(axis.normal_pixels(), case.normal.iter().map(|image| image.evaluated.pixels()).sum::<u64>());
        let thresholds = ends.map(|end| exact.points[end].0);
        for ((point, end), threshold) in
            [axis.lower_threshold(), axis.upper_threshold()].iter().zip(ends).zip(thresholds)
        {
            let OperatingPoint { threshold: ours, shared_fpr, normal_pixels } = *point;
            prop_assert_eq!(ours, threshold, "{:?}", kind);
            prop_assert!(close(shared_fpr, exact.points[end].1.value()));
            if !matches!(kind, Kind::Quantile(_)) || self.kept_down_to(&tail, threshold) {
                prop_assert_eq!(normal_pixels, self.normals.counts(threshold).iter().sum::<u64>(), "{:?}", kind);
            }
        }
        if !matches!(kind, Kind::Quantile(_)) || self.kept_down_to(&tail, thresholds[0]) {
            let [at_lower, at_upper] = thresholds.map(|threshold| self.normals.counts(threshold));
            let expected: Vec<[u64; 2]> = at_lower.into_iter().zip(at_upper).map(<[u64; 2]>::from).collect();
            prop_assert_eq!(axis.normal_counts(&tail), expected, "{:?}", kind);
        }
        Ok((axis, exact))
    }
}

/// Compares everything that is said of an anomalous image.
fn compare_image(axis: &SharedAxis, exact: &brute::Axis, input: &Input) -> Result<(), TestCaseError> {
    let image = input.plain();
    let scored = drive::scored(axis, &input.frame());
    let anomalous = brute::descending(brute::anomalous(&image));
    let all = brute::descending(image.scores.clone());
    prop_assert_eq!(scored.anomalous_pixels, anomalous.len() as u64);
    prop_assert_eq!(scored.image_score, all[0]);
    let recall = |threshold: f64| brute::at_least(&anomalous, threshold) as f64 / anomalous.len() as f64;
    let recalls: Vec<f64> = axis.keys().iter().map(|&key| recall(score_of_key(key))).collect();
    prop_assert_eq!(&scored.recalls, &recalls);
    let thresholds = [exact.lower_threshold(), exact.upper_threshold()].map(|end| exact.points[end].0);
    // Recall, precision and IoU are quotients of these.
    prop_assert_eq!(scored.found, thresholds.map(|threshold| brute::at_least(&anomalous, threshold)));
    prop_assert_eq!(scored.predicted, thresholds.map(|threshold| brute::at_least(&all, threshold)));
    prop_assert_eq!(scored.aupimo.is_some(), axis.covers_bounds());
    if let Some(aupimo) = scored.aupimo {
        let expected = exact.aupimo(&image);
        let error = (aupimo - expected).abs();
        prop_assert!(error <= tolerance(exact.length), "{aupimo} for {expected}, range {}", exact.length);
        if let Some(certain) = exact.certain(&image) {
            prop_assert_eq!(aupimo.to_bits(), certain.to_bits());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(160))]

    #[test]
    fn everything_agrees_with_brute_force(case in cases()) {
        let run = Run::new(&case);
        for kind in case.kinds() {
            let (axis, exact) = run.compare_axis(&case, &kind)?;
            for image in &case.anomalous {
                compare_image(&axis, &exact, image)?;
            }
        }
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn an_image_is_the_mean_of_its_regions_by_area(case in cases()) {
        let run = Run::new(&case);
        for kind in case.kinds() {
            let (axis, _, exact) = run.axes(&case, &kind);
            for image in case.anomalous.iter().filter(|_| axis.covers_bounds()) {
                let whole = drive::scored(&axis, &image.frame());
                let mut sum = 0.0;
                for region in regions(&image.mask, image.evaluated) {
                    let part = drive::scored(&axis, &image.with_mask(region).frame());
                    sum += part.aupimo.unwrap() * part.anomalous_pixels as f64;
                }
                let mean = sum / whole.anomalous_pixels as f64;
                let error = (whole.aupimo.unwrap() - mean).abs();
                prop_assert!(error <= tolerance(exact.length), "{error} off");
            }
        }
    }

    #[test]
    fn rows_of_the_axis_show_the_spread_of_the_images(case in cases()) {
        let run = Run::new(&case);
        for kind in case.kinds() {
            let (axis, tail, _) = run.axes(&case, &kind);
            let all = axis.selected(CurvePoints::Full, axis.bounds().upper().value());
            prop_assert_eq!(&all, &(0..axis.keys().len()).collect::<Vec<_>>());
            let some: Vec<usize> = all.iter().copied().filter(|index| index % 3 == 1).collect();
            for selected in [all, some, Vec::new()] {
                let rows = axis.rows(&tail, &selected);
                prop_assert_eq!(rows.len(), selected.len());
                for (row, &index) in rows.iter().zip(&selected) {
                    prop_assert_eq!(row.threshold, score_of_key(axis.keys()[index]));
                    prop_assert_eq!(row.shared_fpr.to_bits(), axis.rates()[index].to_bits());
                    if !run.kept_down_to(&tail, row.threshold) {
                        prop_assert!(matches!(kind, Kind::Quantile(_)), "{:?}", kind);
                        continue;
                    }
                    prop_assert!(close(row.max_fpr, run.normals.max(row.threshold).value()), "{:?}", kind);
                    for (ours, quantile) in row.quantiles.into_iter().zip(["0.5", "0.9", "0.99"]) {
                        let exact = run.normals.ranked(row.threshold, run.normals.rank(quantile)).value();
                        prop_assert!(close(ours, exact), "{:?}: {} for {}", kind, ours, exact);
                    }
                }
            }
        }
    }

    #[test]
    fn points_written_down_reach_levels_evenly_spaced_in_log_scale(case in cases(), levels in 0_usize..30) {
        let run = Run::new(&case);
        for kind in case.kinds() {
            let (axis, _, exact) = run.axes(&case, &kind);
            let ends = [axis.lower_threshold(), axis.upper_threshold()]
                .map(|point| axis.keys().iter().position(|&key| score_of_key(key) == point.threshold).unwrap());
            let upper = axis.bounds().upper().value();
            let (first, last) = (exact.points[0].1.value().ln(), upper.ln());
            let selected = axis.selected(CurvePoints::Levels(levels), axis.bounds().upper().value());
            prop_assert!(selected.is_sorted_by(|a, b| a < b));
            prop_assert!(ends.iter().all(|end| selected.contains(end)));
            // A level that is a rate of the axis may fall to either side by rounding.
            let reaching = |level: f64| {
                let first = axis.rates().iter().position(|&rate| rate >= level);
                first.unwrap_or(axis.keys().len() - 1)
            };
            let mut explained = vec![false; selected.len()];
            for level in 0..levels {
                let part = if levels == 1 { 0.0 } else { level as f64 / (levels - 1) as f64 };
                let level = (first + (last - first) * part).exp();
                let range = reaching(level * (1.0 - 1e-12))..=reaching(level * (1.0 + 1e-12));
                prop_assert!(selected.iter().any(|index| range.contains(index)), "{kind:?}: no point for {level}");
                for (index, explained) in selected.iter().zip(&mut explained) {
                    *explained |= range.contains(index);
                }
            }
            for level in NAMED_LEVELS.into_iter().filter(|level| (axis.rates()[0]..=upper).contains(level)) {
                // These are decided on integers: the rates are rounded once.
                let reaches = |rate: &Fraction| *rate >= Fraction::of_text(&format!("{level:e}"));
                let (score, _) = exact.points.iter().find(|(_, rate)| reaches(rate)).unwrap();
                // Of a quantile's thresholds the axis may leave some out at which no rate changes.
                let place = axis.keys().iter().position(|&key| score_of_key(key) == *score).unwrap();
                prop_assert!(selected.contains(&place), "{kind:?}: {level}");
                explained[selected.iter().position(|&index| index == place).unwrap()] = true;
            }
            let unexplained = selected.iter().zip(explained).filter(|(index, why)| !why && !ends.contains(index));
            prop_assert_eq!(unexplained.count(), 0);
            prop_assert_eq!(axis.selected(CurvePoints::None, axis.bounds().upper().value()), axis.selected(CurvePoints::Levels(200), axis.bounds().upper().value()));
        }
    }
}

/// A category whose images are one row each.
fn rows_of(normal: Vec<Vec<f64>>, anomalous: &[f64], bounds: [Bound; 2], quantile: &str) -> Case {
    let image = |scores: Vec<f64>, mask: Vec<bool>| {
        let size = Size::new(1, scores.len() as u32);
        Input { native: size, evaluated: size, single: false, scores, mask }
    };
    Case {
        normal: normal.into_iter().map(|scores| image(scores, Vec::new())).collect(),
        anomalous: vec![image(anomalous.to_vec(), vec![true; anomalous.len()])],
        bounds,
        quantile: quantile.to_owned(),
        seed: 0,
    }
}

/// `pixels` scores below 0, and the given ones in the place of the first.
fn with_largest(pixels: usize, largest: &[f64]) -> Vec<f64> {
    let rest = (largest.len()..pixels).map(|i| -(i as f64));
    largest.iter().copied().chain(rest).collect()
}

/// A sum of the quotients of these rates ends just above the lower bound, which itself lies just above their mean.
#[test]
fn a_first_rate_that_is_the_double_of_the_lower_bound_covers() {
    let mut normal = vec![with_largest(60, &[]); 9];
    normal[0] = with_largest(60, &[1.0]);
    normal.push(with_largest(40, &[1.0]));
    let case = rows_of(normal, &[1.0, 0.5, -1.0, -30.0], [Bound::Hit(0.0, 0), Bound::Decimal(5, 1)], "1");
    let (axis, exact) = Run::new(&case).compare_axis(&case, &Kind::Mean).unwrap();
    assert_eq!(axis.rates()[0], axis.bounds().lower().value());
    assert!((1.0 / 60.0 + 1.0 / 40.0) / 10.0 > axis.rates()[0]);
    assert_eq!(exact.covers(), Some(true));
    compare_image(&axis, &exact, &case.anomalous[0]).unwrap();
}

/// Two images cross the bound early and far, so that neither is kept down to the score at which the last one crosses;
/// the smallest of the three rates there depends on both.
#[test]
fn a_quantile_that_hangs_on_several_images_which_were_not_kept() {
    let above = |first: f64, tied: usize| -> Vec<f64> {
        (0..30).map(|i| if i < tied { first } else { first - i as f64 }).collect()
    };
    let normal = vec![above(100.0, 5), above(99.0, 6), vec![-1.0]];
    let bounds = [Bound::Decimal(1, 3), Bound::Decimal(1, 2)];
    let case = rows_of(normal, &[100.0, 3.0], bounds, "1e-9");
    let run = Run::new(&case);
    for kind in case.kinds() {
        let (axis, exact) = run.compare_axis(&case, &kind).unwrap();
        compare_image(&axis, &exact, &case.anomalous[0]).unwrap();
    }
}

/// Images of one row with these scores.
fn images(scores: &[&[f64]]) -> Vec<Plain> {
    scores.iter().map(|scores| Plain { scores: scores.to_vec(), mask: vec![true; scores.len()] }).collect()
}

/// The oracle itself, on a category small enough for pencil and paper.
#[test]
fn the_oracle_is_right_where_it_can_be_done_by_hand() {
    let normals = Normals::new(&images(&[&[4.0, 3.0, 2.0, -0.0], &[3.0, 0.0]]));
    let shared = |kind: &Kind| -> Vec<(f64, f64)> {
        normals.shared(kind).into_iter().map(|(threshold, rate)| (threshold, rate.value())).collect()
    };
    assert_eq!(shared(&Kind::Mean), [(4.0, 0.125), (3.0, 0.5), (2.0, 0.625), (0.0, 1.0)]);
    assert_eq!(shared(&Kind::Max), [(4.0, 0.25), (3.0, 0.5), (2.0, 0.75), (0.0, 1.0)]);
    assert_eq!(shared(&Kind::Quantile("0.5".to_owned())), [(3.0, 0.5), (2.0, 0.5), (0.0, 1.0)]);
    let bounds = ["0.25".to_owned(), "5e-1".to_owned()];
    let axis = brute::Axis::new(normals.shared(&Kind::Mean), &bounds);
    assert_eq!(axis.covers(), Some(true));
    assert_eq!((axis.lower_threshold(), axis.upper_threshold()), (1, 1));
    // From F = 1/8 to 1/2, of which the upper half lies in the range, recall goes from 1/2 to 1: 3/4 to 1.
    let [image] = &images(&[&[5.0, 3.0]])[..] else { unreachable!() };
    assert!((axis.aupimo(image) - 0.875).abs() < 1e-15);
    let [found, missed] = &images(&[&[5.0, 3.5], &[2.9, 0.0]])[..] else { unreachable!() };
    assert_eq!((axis.certain(found), axis.certain(missed)), (Some(1.0), Some(0.0)));
    assert_eq!((axis.aupimo(found), axis.aupimo(missed)), (1.0, 0.0));
    let bounds = ["0.1".to_owned(), "1".to_owned()];
    assert_eq!(brute::Axis::new(normals.shared(&Kind::Max), &bounds).covers(), Some(false));
    assert_eq!(Fraction::of_text("2.5e-3"), Fraction::new(1_u32, 400_u32));
    assert!((Fraction::of_text("0.3").ln_over(&Fraction::of_text("3e-1"))).abs() == 0.0);
}
