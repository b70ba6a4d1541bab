//! `pimo threshold`.

use std::ffi::OsString;

use pimo_store::RunReader;

use crate::support::{Ended, Toy, pimo, refused, snapshot, succeeded};

fn threshold(toy: &Toy, run: &str, further: &[&str]) -> Ended {
    let mut arguments: Vec<OsString> = vec!["threshold".into(), toy.path(run).into()];
    arguments.extend(further.iter().map(OsString::from));
    pimo(arguments)
}

#[test]
fn the_highest_threshold_that_reaches_the_rate() {
    let toy = Toy::new();
    succeeded(toy.eval(&["--curves", "full"]));
    let json = succeeded(threshold(&toy, "out", &["--fpr", "0.0123", "--format", "json"])).stdout;
    let said: serde_json::Value = serde_json::from_str(&json).unwrap();
    let (found, rate) = (said[0]["threshold"].as_f64().unwrap(), said[0]["shared_fpr"].as_f64().unwrap());
    // Of all normal pixels, those at or above it are just enough.
    let mut scores = Vec::new();
    for image in 0..4 {
        scores.extend(crate::support::arrays::scores_of(&toy.map(&format!("good/{image:03}"))));
    }
    scores.sort_by(|a, b| b.total_cmp(a));
    let expected = f64::from(scores[(0.0123 * scores.len() as f64).ceil() as usize - 1]);
    assert_eq!(found, expected);
    let reached = scores.iter().filter(|&&score| f64::from(score) >= found).count() as f64 / scores.len() as f64;
    assert!((rate - reached).abs() < 1e-15 && rate >= 0.0123, "{rate} {reached}");
}

#[test]
fn the_runs_own_bounds_are_exact() {
    let toy = Toy::new();
    succeeded(toy.eval(&["--curves", "5"]));
    let summary = RunReader::open(&toy.path("out")).unwrap().summary().unwrap();
    let stored = summary.models["d"].categories["toy"].thresholds.unwrap();
    for (fpr, point) in [("1e-1", stored.lower), ("1e-3", stored.upper)] {
        let csv = succeeded(threshold(&toy, "out", &["--fpr", fpr, "--format", "csv"])).stdout;
        let fields: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
        assert_eq!(fields[..2], ["toy", "d"]);
        assert_eq!(fields[2].parse::<f64>().unwrap(), point.threshold.unwrap());
    }
}

#[test]
fn what_it_prints() {
    let toy = Toy::new();
    succeeded(toy.eval(&[]));
    snapshot("threshold", toy.folder(), &succeeded(threshold(&toy, "out", &["--fpr", "0.01"])).stdout);
    let beyond = succeeded(threshold(&toy, "out", &["--fpr", "0.5", "--format", "csv"])).stdout;
    let reached: f64 = beyond.lines().nth(1).unwrap().split(',').nth(3).unwrap().parse().unwrap();
    assert!((0.5..0.6).contains(&reached), "{beyond}");
    succeeded(toy.eval(&["--metrics", "aupimo", "--force"]));
    refused("threshold_beyond", toy.folder(), &threshold(&toy, "out", &["--fpr", "0.5"]), 2);
    refused("threshold_no_run", toy.folder(), &threshold(&toy, "data", &["--fpr", "0.01"]), 2);
    let rare = succeeded(threshold(&toy, "out", &["--fpr", "1e-9"]));
    assert!(rare.stderr.contains("warning: "), "{}", rare.stderr);
}
