//! However images are shared out, the bits are the same.

use pimo_accumulator::SettledTail;
use pimo_finaliser::{CurvePoints, FprBounds, SharedAxis};
use pimo_frame::Frame;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::brute::{Kind, Normals};
use crate::case::{Case, cases};
use crate::drive::{self, Scored, Sharing};
use crate::input::Input;

fn config() -> Config {
    Config { cases: 60, failure_persistence: None, ..Config::default() }
}

fn bits(rates: &[f64]) -> Vec<u64> {
    rates.iter().map(|rate| rate.to_bits()).collect()
}

/// All that a run writes down of a category.
#[derive(Debug, PartialEq)]
struct Outcome {
    keys: Vec<u64>,
    rates: Vec<u64>,
    operating: String,
    covers: bool,
    normal_counts: Vec<[u64; 2]>,
    rows: String,
    images: Vec<Scored>,
    aupimo: Vec<Option<u64>>,
}

fn outcome(axis: &SharedAxis, tail: &SettledTail, case: &Case) -> Outcome {
    let images: Vec<Scored> = case.anomalous.iter().map(|image| drive::scored(axis, &image.frame())).collect();
    Outcome {
        keys: axis.keys().to_vec(),
        rates: bits(axis.rates()),
        operating: format!("{:?} {:?}", axis.lower_threshold(), axis.upper_threshold()),
        covers: axis.covers_bounds(),
        normal_counts: axis.normal_counts(tail),
        rows: format!("{:?}", axis.rows(tail, &axis.selected(CurvePoints::Full, axis.bounds().upper().value()))),
        aupimo: images.iter().map(|image| image.aupimo.map(f64::to_bits)).collect(),
        images,
    }
}

fn prepared(case: &Case, kind: &Kind) -> (Vec<Frame>, FprBounds) {
    let (_, texts) = case.axis(&Normals::new(&case.plain_normal()), kind);
    (case.normal.iter().map(Input::frame).collect(), drive::fpr_bounds(&texts))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_order_and_any_grouping_give_the_same_bits(case in cases()) {
        for kind in case.kinds() {
            let (frames, bounds) = prepared(&case, &kind);
            let run = |sharing: Sharing| {
                let tail = drive::tail(&frames, &kind, bounds, sharing).into_settled();
                let axis = drive::axis(&frames, &tail, &kind, bounds).unwrap();
                outcome(&axis, &tail, &case)
            };
            let expected = run(Sharing::plain(frames.len()));
            for way in 0..3 {
                prop_assert_eq!(&run(Sharing::random(frames.len(), case.seed ^ way)), &expected);
            }
        }
    }

    #[test]
    fn a_tail_merged_with_itself_counts_beyond_32_bits(case in cases()) {
        const DOUBLINGS: u32 = 36;
        for kind in case.kinds() {
            let (frames, bounds) = prepared(&case, &kind);
            let mut tail = drive::tail(&frames, &kind, bounds, Sharing::plain(frames.len()));
            let once = tail.clone().into_settled();
            for _ in 0..DOUBLINGS {
                let same = tail.clone();
                tail.merge(&same);
            }
            let often = tail.into_settled();
            let [expected, grown] = [&once, &often].map(|tail| {
                let axis = drive::axis(&frames, tail, &kind, bounds).unwrap();
                (outcome(&axis, tail, &case), axis)
            });
            let ((expected, once), (grown, often)) = (expected, grown);
            let counts: Vec<[u64; 2]> =
                expected.normal_counts.iter().map(|counts| counts.map(|count| count << DOUBLINGS)).collect();
            prop_assert_eq!(&grown.normal_counts, &counts);
            for (once, often) in
                [(once.lower_threshold(), often.lower_threshold()), (once.upper_threshold(), often.upper_threshold())]
            {
                prop_assert_eq!(often.threshold, once.threshold);
                prop_assert_eq!(often.normal_pixels, once.normal_pixels << DOUBLINGS);
            }
            prop_assert_eq!(often.normal_pixels(), once.normal_pixels() << DOUBLINGS);
            prop_assert_eq!(grown.keys, expected.keys);
            prop_assert_eq!(grown.covers, expected.covers);
            prop_assert_eq!(grown.rates, expected.rates);
            prop_assert_eq!(grown.aupimo, expected.aupimo);
            prop_assert_eq!(grown.images, expected.images);
        }
    }
}
