//! Results equal those of scipy 1.17.1 and matplotlib: see `golden/generate.py`.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use pimo_analysis::alternative::Alternative;
use pimo_analysis::boxplot::BoxplotStatistics;
use pimo_analysis::exemplar::{OutlierPolicy, RepeatPolicy, exemplars};
use pimo_analysis::friedman::BlockRanks;
use pimo_analysis::studentised_range;
use pimo_analysis::t_test::PairedTTest;
use pimo_analysis::wilcoxon::{SignedRankTest, ZeroMethod};
use pimo_analysis::{TestResult, differences};
use serde::Deserialize;
use serde::de::DeserializeOwned;

fn cases<T: DeserializeOwned>(json: &str) -> Vec<T> {
    let cases: Vec<T> = serde_json::from_str(json).unwrap();
    assert!(cases.len() > 10);
    cases
}

fn assert_near(found: f64, expected: f64, what: impl std::fmt::Display) {
    assert!((found - expected).abs() <= 1e-9, "{what}: found {found}, expected {expected}");
}

fn assert_test(found: TestResult, [statistic, p]: [f64; 2], what: &str) {
    let scale = statistic.abs().max(1.0);
    assert_near(found.statistic / scale, statistic / scale, format!("{what}, statistic"));
    assert_near(found.p, p, format!("{what}, p"));
    // Small p-values must be right as well, not merely small.
    if p > 0.0 {
        assert_near(found.p / p, 1.0, format!("{what}, p relative to {p:e}"));
    }
}

#[test]
fn wilcoxon() {
    #[derive(Deserialize)]
    struct Case {
        differences: Vec<f64>,
        results: BTreeMap<String, [f64; 2]>,
    }
    for case in cases::<Case>(include_str!("golden/wilcoxon.json")) {
        assert_eq!(case.results.len(), 9);
        for zero_method in ZeroMethod::ALL {
            let test = SignedRankTest::of(&case.differences, zero_method, 0.0).unwrap();
            for alternative in Alternative::ALL {
                let name = format!("{} {alternative}", zero_method.name());
                assert_test(test.test(alternative), case.results[&name], &format!("{name} {:?}", case.differences));
            }
        }
    }
}

#[test]
fn paired_t() {
    #[derive(Deserialize)]
    struct Case {
        x: Vec<f64>,
        y: Vec<f64>,
        results: BTreeMap<String, [f64; 2]>,
    }
    for case in cases::<Case>(include_str!("golden/t_test.json")) {
        let test = PairedTTest::of(&differences(&case.x, &case.y).unwrap()).unwrap();
        for alternative in Alternative::ALL {
            assert_test(test.test(alternative).unwrap(), case.results[alternative.name()], alternative.name());
        }
    }
}

#[test]
fn friedman() {
    #[derive(Deserialize)]
    struct Case {
        scores: Vec<Vec<f64>>,
        average_ranks: Vec<f64>,
        statistic: f64,
        p: f64,
    }
    for case in cases::<Case>(include_str!("golden/friedman.json")) {
        let ranks = BlockRanks::of(&case.scores).unwrap();
        for (found, expected) in ranks.average_ranks.iter().zip(&case.average_ranks) {
            assert_near(*found, *expected, "average rank");
        }
        assert_test(ranks.friedman().unwrap(), [case.statistic, case.p], "friedman");
    }
}

#[test]
fn range_of_normal_values() {
    #[derive(Deserialize)]
    struct Case {
        k: usize,
        alpha: f64,
        quantile: f64,
        tail: f64,
    }
    for case in cases::<Case>(include_str!("golden/studentised_range.json")) {
        let what = format!("k = {}, alpha = {}", case.k, case.alpha);
        assert_near(studentised_range::upper_tail(case.quantile, case.k), case.tail, &what);
        // The reference inverts numerically, and less closely than it integrates.
        let quantile = studentised_range::quantile(case.k, case.alpha).unwrap();
        assert!((quantile - case.quantile).abs() < 1e-6, "{what}: {quantile}, expected {}", case.quantile);
    }
}

#[derive(Deserialize)]
struct BoxplotCase {
    scores: Vec<f64>,
    statistics: [f64; 6],
    outliers: Vec<f64>,
    chosen: Vec<ChosenCase>,
}

#[derive(Deserialize)]
struct ChosenCase {
    outliers: String,
    tolerance: Option<f64>,
    records: Vec<(String, f64, usize, f64)>,
}

#[test]
fn boxplot() {
    for case in cases::<BoxplotCase>(include_str!("golden/boxplot.json")) {
        let found = BoxplotStatistics::of(&case.scores).unwrap();
        let statistics = [
            found.mean,
            found.lower_whisker,
            found.first_quartile,
            found.median,
            found.third_quartile,
            found.upper_whisker,
        ];
        assert_eq!(statistics[1..], case.statistics[1..], "{:?}", case.scores);
        assert_near(statistics[0], case.statistics[0], "mean");
        let indices = found.low_outliers.iter().chain(&found.high_outliers);
        let mut outliers: Vec<f64> = indices.map(|&index| case.scores[index]).collect();
        outliers.sort_by(f64::total_cmp);
        assert_eq!(outliers, case.outliers);
    }
}

#[test]
fn example_images() {
    for case in cases::<BoxplotCase>(include_str!("golden/boxplot.json")) {
        for chosen in case.chosen {
            let outliers = match chosen.outliers.as_str() {
                "none" => OutlierPolicy::None,
                "high" => OutlierPolicy::High,
                "low" => OutlierPolicy::Low,
                _ => OutlierPolicy::Both,
            };
            let repeats = chosen.tolerance.map_or(RepeatPolicy::Allow, |tolerance| RepeatPolicy::Avoid { tolerance });
            let found: Vec<_> = exemplars(&case.scores, outliers, repeats)
                .unwrap()
                .into_iter()
                .map(|found| (found.statistic.to_string(), found.index, found.score))
                .collect();
            let expected: Vec<_> =
                chosen.records.into_iter().map(|(name, _, index, score)| (name, index, score)).collect();
            assert_eq!(found, expected, "{outliers:?}, {repeats:?}, {:?}", case.scores);
        }
    }
}
