//! What an evaluation prints and writes.

use pimo_synth::{Defect, Detector, Plan};

use crate::support::{Toy, plan, scores, snapshot, succeeded};

fn two_of_everything() -> Toy {
    Toy::of(&Plan {
        categories: ["nut", "screw"].map(String::from).into(),
        normal: 6,
        anomalous: 8,
        defects: vec![Defect::Stain, Defect::Debris],
        detectors: vec![
            Detector { name: "strong".into(), quality: 0.95 },
            Detector { name: "weak".into(), quality: 0.4 },
        ],
        ..plan()
    })
}

fn eval_both(toy: &Toy, out: &str, further: &[&str]) -> crate::support::Ended {
    let mut inputs = Vec::new();
    for detector in ["strong", "weak"] {
        let maps = toy.path(&format!("data/maps/{detector}"));
        inputs.extend(["--maps".into(), format!("{detector}={}", maps.display()).into()]);
    }
    inputs.extend(["--dataset".into(), toy.path("data/dataset").into()]);
    inputs.extend(["--fpr-bounds", "1e-3,1e-1"].map(Into::into));
    toy.eval_to(out, inputs, further)
}

#[test]
fn results_are_printed_by_category_and_by_defect() {
    let toy = two_of_everything();
    snapshot("table", toy.folder(), &succeeded(eval_both(&toy, "out", &[])).stdout);
    let by_defect = succeeded(eval_both(&toy, "by defect", &["--by", "defect"]));
    snapshot("table_by_defect", toy.folder(), &by_defect.stdout);
}

#[test]
fn the_table_is_what_the_summary_says() {
    let toy = two_of_everything();
    let ended = succeeded(eval_both(&toy, "out", &[]));
    let summary = pimo_store::RunReader::open(&toy.path("out")).unwrap().summary().unwrap();
    for (model, results) in &summary.models {
        for (category, results) in &results.categories {
            let mean = format!("{:.4}", results.aupimo.mean.unwrap());
            let line = |line: &&str| line.split_whitespace().take(2).eq([category.as_str(), model.as_str()]);
            let line = ended.stdout.lines().find(line).unwrap();
            assert!(line.contains(&mean), "{line} {mean}");
        }
    }
    // The summary is made of what the rows say.
    let rows = scores(&toy.path("out"));
    let nut: Vec<f64> = rows
        .iter()
        .filter(|((model, image), _)| model == "weak" && image.starts_with("nut/"))
        .filter_map(|(_, score)| *score)
        .collect();
    assert_eq!(nut.len(), 8);
    let mean = nut.iter().sum::<f64>() / 8.0;
    let said = summary.models["weak"].categories["nut"].aupimo.mean.unwrap();
    assert!((mean - said).abs() < 1e-14, "{mean} {said}");
}

#[test]
fn the_published_format_is_readable() {
    let toy = two_of_everything();
    succeeded(eval_both(&toy, "out", &["--export", "published"]));
    let rows = scores(&toy.path("out"));
    let files: Vec<String> =
        Toy::tree(&toy.path("out")).into_iter().filter(|file| file.ends_with("aupimos.json")).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        let published = pimo_store::PublishedScores::read(&toy.path("out").join(&file)).unwrap();
        assert_eq!(published.aupimos.len(), 14, "{file}");
        let model = if file.contains("strong") { "strong" } else { "weak" };
        let category = if file.contains("nut") { "nut" } else { "screw" };
        let mut expected: Vec<f64> = rows
            .iter()
            .filter(|((named, image), _)| named == model && image.starts_with(category))
            .filter_map(|(_, score)| *score)
            .collect();
        let mut found: Vec<f64> = published.aupimos.iter().copied().filter(|score| !score.is_nan()).collect();
        expected.sort_by(f64::total_cmp);
        found.sort_by(f64::total_cmp);
        assert_eq!(expected, found, "{file}");
    }
}

#[test]
fn curves_as_asked_for() {
    let toy = Toy::new();
    let count = |out: &str, curves: &str| {
        succeeded(toy.eval_to(out, toy.inputs(), &["--curves", curves]));
        let run = pimo_store::RunReader::open(&toy.path(out)).unwrap();
        run.curves(&["toy/stain/000"]).unwrap().first().map_or(0, |curve| curve.threshold.len())
    };
    let (none, few, full) = (count("none", "none"), count("few", "10"), count("full", "full"));
    assert_eq!(none, 0);
    // Those of the levels, of the two bounds and of rates that thresholds are told of by name.
    assert!((4..=16).contains(&few), "{few}");
    // A tenth of 4 x 64 x 48 pixels.
    assert!(full > 1000, "{full}");
    assert_eq!(scores(&toy.path("none")), scores(&toy.path("full")));
}
