//! The same bytes, however a run is made.

use std::fs;

use pimo_synth::{Detector, Plan};

use crate::support::{Toy, parquet_bytes, plan, succeeded};

fn dataset() -> Toy {
    Toy::of(&Plan {
        categories: ["a", "b"].map(String::from).into(),
        normal: 9,
        anomalous: 11,
        mixed_sizes: true,
        detectors: vec![Detector { name: "d".into(), quality: 0.7 }],
        ..plan()
    })
}

/// Options that choose another path through the program, all of which have results of their own.
const PROCEDURES: [&[&str]; 4] = [
    &[],
    &["--shared-fpr", "max", "--fpr-bounds", "2e-3,2e-1"],
    &["--shared-fpr", "quantile:0.8", "--image-score", "mean-top:50", "--curves", "full"],
    &["--thresholds", "linspace:3000", "--image-score", "mean"],
];

#[test]
fn for_any_number_of_threads_and_any_way_of_reading() {
    let toy = dataset();
    for (number, procedure) in PROCEDURES.into_iter().enumerate() {
        let mut inputs = toy.inputs();
        if procedure.contains(&"--fpr-bounds") {
            inputs.truncate(4);
        }
        let bytes = |way: &str, options: &[&str]| {
            let out = format!("{number}-{way}");
            let all: Vec<&str> = procedure.iter().chain(options).copied().collect();
            let mut arguments: Vec<std::ffi::OsString> = vec!["eval".into()];
            arguments.extend(inputs.clone());
            arguments.extend(["--out".into(), toy.path(&out).into()]);
            arguments.extend(all.iter().map(Into::into));
            succeeded(crate::support::pimo(arguments));
            parquet_bytes(&toy.path(&out))
        };
        let first = bytes("one", &["--threads", "1", "--io", "mmap"]);
        assert_eq!(bytes("two", &["--threads", "2", "--io", "pread"]), first, "{procedure:?}");
        assert_eq!(bytes("eight", &["--threads", "8", "--io", "auto"]), first, "{procedure:?}");
    }
}

#[test]
fn for_any_order_of_a_manifest() {
    let toy = dataset();
    let manifest = fs::read_to_string(toy.path("data/manifest.csv")).unwrap();
    let mut lines: Vec<&str> = manifest.lines().collect();
    let header = lines.remove(0);
    let mut all = Vec::new();
    for order in 0..4_usize {
        match order {
            1 => lines.reverse(),
            2 => lines.sort_by_key(|line| line.len() * 31 % 17),
            3 => lines.rotate_left(13),
            _ => {}
        }
        let rows: Vec<&str> = std::iter::once(header).chain(lines.iter().copied()).collect();
        let out = format!("out-{order}");
        for (suffix, procedure) in [("", &[][..]), ("-linspace", &["--thresholds", "linspace:3000"])] {
            let out = format!("{out}{suffix}");
            succeeded(toy.eval_to(&out, toy.manifest(&rows), procedure));
            all.push((suffix, parquet_bytes(&toy.path(&out))));
        }
    }
    for suffix in ["", "-linspace"] {
        let same: Vec<_> = all.iter().filter(|(of, _)| *of == suffix).collect();
        assert_eq!(same.len(), 4);
        assert!(same.iter().all(|(_, bytes)| *bytes == same[0].1), "{suffix}");
    }
}
