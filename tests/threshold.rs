//! `pimo threshold`.

use std::ffi::OsString;

use pimo_store::RunReader;

use crate::support::{Ended, Toy, arrays, masks, pimo, refused, snapshot, succeeded};

fn threshold(toy: &Toy, run: &str, further: &[&str]) -> Ended {
    let mut arguments: Vec<OsString> = vec!["threshold".into(), toy.path(run).into()];
    arguments.extend(further.iter().map(OsString::from));
    pimo(arguments)
}

/// Threshold and shared FPR, and whether it is exact.
fn looked_up(toy: &Toy, fpr: &str) -> (f64, f64, bool) {
    let csv = succeeded(threshold(toy, "out", &["--fpr", fpr, "--format", "csv"])).stdout;
    let fields: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
    (fields[2].parse().unwrap(), fields[3].parse().unwrap(), fields[5].parse().unwrap())
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
fn it_says_what_the_run_says() {
    let toy = Toy::new();
    succeeded(toy.eval(&["--fpr-bounds", "2e-3,5e-3"]));
    let summary = RunReader::open(&toy.path("out")).unwrap().summary().unwrap();
    // Within the bounds and on both sides of them.
    for level in ["1e-4", "1e-3", "1e-2"] {
        let own = summary.models["d"].categories["toy"].metrics[&format!("threshold_at_shared_fpr_{level}")];
        assert!(own.exact);
        let (threshold, rate, exact) = looked_up(&toy, level);
        assert_eq!((Some(threshold), exact), (own.value, true), "{level}");
        assert!(rate >= level.parse().unwrap());
    }
    let nearest = threshold(&toy, "out", &["--fpr", "0.0213", "--format", "csv"]);
    assert!(
        nearest.stderr.contains("1 of 1 thresholds are the nearest kept ones that reach 0.0213"),
        "{}",
        nearest.stderr
    );
    let (_, rate, exact) = looked_up(&toy, "0.0213");
    assert!(!exact && (0.0213..0.025).contains(&rate), "{rate}");
}

#[test]
fn a_rate_that_is_met_exactly_is_not_passed() {
    let toy = Toy::empty();
    // At 10 one pixel in ten is reached in the mean of images of three sizes; quotients summed say a little less.
    let normal: [(usize, usize, &[f32]); 4] =
        [(4, 10, &[11.0, 10.0, 9.0]), (5, 6, &[10.0; 8]), (4, 6, &[10.0; 2]), (4, 6, &[])];
    let mut lines = vec!["image_id,category,class,map,mask".to_owned()];
    let mut image = |name: &str, (height, width): (usize, usize), largest: &[f32], class: &str| {
        let mut scores = vec![1.0; height * width];
        scores[..largest.len()].copy_from_slice(largest);
        arrays::npy(&toy.path(&format!("data/{name}.npy")), height, width, &scores);
        let mut mask = vec![0; height * width];
        mask[0] = u8::from(class == "anomalous");
        masks::png(&toy.path(&format!("data/{name}.png")), height as u32, width as u32, &mask);
        lines.push(format!("{name},toy,{class},{name}.npy,{name}.png"));
    };
    std::fs::create_dir_all(toy.path("data")).unwrap();
    for (index, (height, width, largest)) in normal.into_iter().enumerate() {
        image(&format!("n{index}"), (height, width), largest, "normal");
    }
    image("a", (4, 6), &[10.5], "anomalous");
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for bounds in ["0.01,0.5", "0.01,0.1"] {
        succeeded(toy.eval_to(
            "out",
            toy.manifest(&lines),
            &["--curves", "full", "--fpr-bounds", bounds, "--metrics", "aupimo", "--force"],
        ));
        assert_eq!(looked_up(&toy, "0.1"), (10.0, 0.1, true), "{bounds}");
    }
}

#[test]
fn thresholds_are_printed_and_rates_out_of_reach_refused() {
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
