//! The published procedure on categories made up at random.

use pimo_accumulator::linspace::GridError;
use pimo_finaliser::linspace::{LinspaceAxis, LinspaceError, LinspaceWarning};
use pimo_finaliser::{CurvePoints, OperatingPoint};
use pimo_frame::{Frame, SampleType};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::brute::{anomalous, at_least, descending};
use crate::brute_grid::{GridCurve, Raised, Slice, Warned, nearest_half};
use crate::case::{Case, cases};
use crate::drive::{self, Refused};
use crate::input::{Input, Plain};

fn raised(refused: &Refused) -> Raised {
    match refused {
        Refused::Grid(GridError::TooFew(_)) => Raised::TooFewThresholds,
        Refused::Grid(GridError::NoRange(_)) => Raised::EmptyRange,
        Refused::Grid(GridError::NotIncreasing { .. }) => Raised::NotIncreasing,
        Refused::Grid(GridError::Integers(_)) => unreachable!("no case has integers"),
        Refused::Axis(LinspaceError::OutOfRange { name, .. }) => Raised::BoundOutOfRange(name),
        Refused::Axis(LinspaceError::SameThreshold) => Raised::SameThreshold,
        Refused::Axis(LinspaceError::TooFewPoints(points)) => Raised::TooFewPoints(*points),
    }
}

fn warned(warning: &LinspaceWarning) -> Warned {
    match *warning {
        LinspaceWarning::BoundMissed { name, reached, .. } => Warned::NotAchieved(name, reached),
        LinspaceWarning::FewPoints(points) => Warned::FewPoints(points),
        LinspaceWarning::Forced(points) => Warned::Forced(points),
    }
}

/// Makes all maps of a category hold half-precision numbers.
fn halve(case: &mut Case) {
    for image in case.normal.iter_mut().chain(&mut case.anomalous) {
        image.single = true;
        image.scores.iter_mut().for_each(|score| *score = nearest_half(*score));
    }
}

/// The type that the maps of a category have together.
fn sample_type(case: &Case, half: bool) -> SampleType {
    match (half, case.normal.iter().chain(&case.anomalous).all(|image| image.single)) {
        (true, _) => SampleType::F16,
        (false, true) => SampleType::F32,
        (false, false) => SampleType::F64,
    }
}

fn bits(rates: &[f64]) -> Vec<u64> {
    rates.iter().map(|rate| rate.to_bits()).collect()
}

/// Compares an axis and everything said of the anomalous images with the oracle.
fn compare(
    axis: &LinspaceAxis,
    curve: &GridCurve,
    slice: &Slice,
    normal: &[Plain],
    anomalous_images: &[Input],
) -> Result<(), TestCaseError> {
    let grid = axis.grid();
    let thresholds: Vec<f64> = (0..grid.len()).map(|k| grid.threshold(k)).collect();
    prop_assert_eq!(bits(&thresholds), bits(&curve.thresholds));
    prop_assert_eq!(bits(axis.rates()), bits(&curve.shared_fpr));
    prop_assert_eq!(axis.points(), slice.at_lower - slice.at_upper + 1);
    prop_assert_eq!(axis.warnings().iter().map(warned).collect::<Vec<_>>(), slice.warned.clone());
    let ends = [slice.at_upper, slice.at_lower];
    for (point, end) in [axis.lower_threshold(), axis.upper_threshold()].into_iter().zip(ends) {
        let threshold = thresholds[end];
        let pixels: u64 = normal.iter().map(|image| at_least(&descending(image.scores.clone()), threshold)).sum();
        let expected = OperatingPoint { threshold, shared_fpr: curve.shared_fpr[end], normal_pixels: pixels };
        prop_assert_eq!(point, expected);
    }
    let all: Vec<usize> = axis.selected(CurvePoints::Full);
    prop_assert_eq!(&all, &(0..grid.len()).rev().collect::<Vec<_>>());
    let few = axis.selected(CurvePoints::Levels(9));
    prop_assert!(few.is_sorted_by(|a, b| a > b) && ends.iter().all(|end| few.contains(end)) && few.len() <= 11);
    for input in anomalous_images {
        let image = input.plain();
        let expected = curve.recalls(&image);
        for selected in [&all, &few] {
            let (aupimo, recalls, found) = drive::on_grid(axis, &input.frame(), selected);
            let exact = curve.aupimo(slice, &image);
            prop_assert!((aupimo - exact).abs() <= 1e-12, "{aupimo} for {exact}");
            prop_assert_eq!(bits(&recalls), bits(&selected.iter().map(|&k| expected[k]).collect::<Vec<_>>()));
            let scores = descending(anomalous(&image));
            prop_assert_eq!(found, ends.map(|end| at_least(&scores, thresholds[end])));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn everything_agrees_with_the_published_operations(
        case in cases(),
        count in prop_oneof![1 => 0_usize..8, 4 => 40_usize..400, 4 => 400_usize..1500],
        half in proptest::bool::weighted(0.2),
        force in any::<bool>(),
    ) {
        let mut case = case;
        if half {
            halve(&mut case);
        }
        let kind = sample_type(&case, half);
        let normal = case.plain_normal();
        let frames: Vec<Frame> = case.normal.iter().map(Input::frame).collect();
        let curve = GridCurve::new(&normal, count, kind);
        let any_rate = |index: usize| curve.as_ref().map_or(0.5, |curve| curve.shared_fpr[count - 1 - index]);
        let texts = case.bounds(count.max(1), any_rate);
        let values = [0, 1].map(|i| texts[i].parse::<f64>().unwrap());
        let ours = drive::grid_axis(&frames, count, kind, drive::fpr_bounds(&texts), force);
        let expected = curve.as_ref().map_err(Clone::clone).and_then(|curve| Ok((curve, curve.slice(values, force)?)));
        match (ours, expected) {
            (Ok(axis), Ok((curve, slice))) => compare(&axis, curve, &slice, &normal, &case.anomalous)?,
            (Err(refused), Err(expected)) => prop_assert_eq!(raised(&refused), expected),
            (ours, expected) => prop_assert!(false, "{:?} for {:?}", ours.err(), expected.err()),
        }
    }
}

/// Each of the oracle's own ways to refuse and to warn comes up, and a score without any of them.
#[test]
fn every_condition_of_the_published_package_occurs() {
    let scores: Vec<f64> = (0..2000).map(|i| f64::from(i) / 1999.0).collect();
    let normal = [Plain { scores, mask: Vec::new() }];
    let slice = |count, bounds, force| GridCurve::new(&normal, count, SampleType::F64)?.slice(bounds, force);
    let raised = |count, bounds| slice(count, bounds, false).map(|slice| slice.warned).unwrap_err();
    assert_eq!(raised(1, [0.1, 0.5]), Raised::TooFewThresholds);
    assert_eq!(raised(100, [1e-9, 0.5]), Raised::BoundOutOfRange("lower"));
    assert_eq!(raised(100, [1e-3, 1e-3]), Raised::SameThreshold);
    assert_eq!(raised(20, [0.1, 1.0]), Raised::TooFewPoints(18));
    assert_eq!(slice(20, [0.1, 1.0], true).unwrap().warned[1..], [Warned::Forced(18)]);
    assert!(matches!(slice(20, [0.1, 1.0], true).unwrap().warned[0], Warned::NotAchieved("lower", _)));
    assert_eq!(slice(201, [0.1, 0.9], false).unwrap().warned, [Warned::FewPoints(161)]);
    assert_eq!(slice(2000, [0.1, 0.9], false).unwrap().warned, []);
    let same = [Plain { scores: vec![2.0; 9], mask: Vec::new() }];
    assert_eq!(GridCurve::new(&same, 9, SampleType::F32).unwrap_err(), Raised::EmptyRange);
    let close = [Plain { scores: vec![100.0, 101.0], mask: Vec::new() }];
    assert_eq!(GridCurve::new(&close, 300_000, SampleType::F32).unwrap_err(), Raised::NotIncreasing);
}
