//! `pimo stats`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use pimo_store::{RunReader, StatisticRow, TableRows};
use pimo_synth::{Defect, Plan};
use serde_json::Value;

use crate::support::{Ended, Toy, pimo, plan, refused, scores, shared_folder, snapshot, succeeded};

fn stats<S: Into<OsString>>(sources: impl IntoIterator<Item = S>, further: &[&str]) -> Ended {
    let mut arguments: Vec<OsString> = vec!["stats".into()];
    arguments.extend(sources.into_iter().map(Into::into));
    arguments.extend(further.iter().map(OsString::from));
    pimo(arguments)
}

fn evaluated() -> Toy {
    let toy = Toy::of(&Plan { anomalous: 9, defects: vec![Defect::Stain, Defect::Debris], ..plan() });
    succeeded(toy.eval(&[]));
    toy
}

fn rows(file: &Path) -> Vec<StatisticRow> {
    TableRows::open(file).unwrap().map(Result::unwrap).collect()
}

#[test]
fn statistics_are_printed_as_tables() {
    let toy = evaluated();
    let plain = succeeded(stats([toy.path("out")], &[]));
    snapshot("stats", toy.folder(), &plain.stdout);
    let by_defect = succeeded(stats([toy.path("out")], &["--by", "defect", "--outliers", "both"]));
    snapshot("stats_by_defect", toy.folder(), &by_defect.stdout);
}

#[test]
fn files_say_what_the_images_say() {
    let toy = evaluated();
    let out = toy.path("stats");
    succeeded(stats([toy.path("out")], &["--out", out.to_str().unwrap()]));
    let scores: BTreeMap<String, f64> =
        scores(&toy.path("out")).into_iter().filter_map(|((_, image), score)| Some((image, score?))).collect();
    let summary = RunReader::open(&toy.path("out")).unwrap().summary().unwrap();
    let category = &summary.models["d"].categories["toy"];
    let rows = rows(&out.join("stats.parquet"));
    for row in &rows {
        let wanted = |image: &str| row.defect.as_ref().is_none_or(|defect| image.contains(&format!("/{defect}/")));
        let own: Vec<f64> = scores.iter().filter(|(image, _)| wanted(image)).map(|(_, score)| *score).collect();
        assert_eq!(row.images, own.len() as u64, "{row:?}");
        let Some(image) = &row.image_id else {
            assert!(row.statistic.starts_with("share_") && row.score.is_none(), "{row:?}");
            continue;
        };
        assert_eq!(row.score, Some(scores[image]));
        let value = row.value.unwrap();
        let nearest = own.iter().map(|score| (score - value).abs()).fold(f64::INFINITY, f64::min);
        // A repeat is avoided if that costs no more than the tolerance.
        assert!((scores[image] - value).abs() <= f64::max(nearest, 0.01 + 1e-5), "{row:?}");
    }
    let value = |defect: Option<&str>, statistic: &str| {
        let row = rows.iter().find(|row| row.defect.as_deref() == defect && row.statistic == statistic);
        row.unwrap().value.unwrap()
    };
    assert!((value(None, "mean") - category.aupimo.mean.unwrap()).abs() < 1e-14);
    assert_eq!(Some(value(None, "med")), category.aupimo.median);
    assert_eq!(Some(value(None, "share_1")), category.aupimo.share_1);
    for (defect, part) in &category.defects {
        assert!((value(Some(defect), "mean") - part.aupimo.mean.unwrap()).abs() < 1e-14);
        assert_eq!(Some(value(Some(defect), "share_0")), part.aupimo.share_0);
    }

    let printed = succeeded(stats([toy.path("out")], &["--format", "json"])).stdout;
    assert_eq!(printed, std::fs::read_to_string(out.join("stats.json")).unwrap());
    let json: Value = serde_json::from_str(&printed).unwrap();
    let whole = &json["results"][0];
    assert_eq!((&whole["defect"], &whole["images"]), (&Value::Null, &Value::from(9)));
    let (records, first) = (whole["stats"].as_array().unwrap(), &rows[0]);
    assert_eq!(records.len(), 6);
    assert_eq!(
        (records[0]["stat_name"].as_str(), records[0]["image_id"].as_str()),
        (Some(&*first.statistic), first.image_id.as_deref())
    );
    // Images are numbered among all of the category.
    let images: Vec<String> =
        RunReader::open(&toy.path("out")).unwrap().images().unwrap().map(|row| row.unwrap().image_id).collect();
    for record in records {
        assert_eq!(images[record["image_idx"].as_u64().unwrap() as usize], record["image_id"].as_str().unwrap());
    }
    refused("stats_exists", toy.folder(), &stats([toy.path("out")], &["--out", out.to_str().unwrap()]), 2);
    succeeded(stats([toy.path("out")], &["--out", out.to_str().unwrap(), "--force"]));
}

#[test]
fn scores_that_are_not_there() {
    let toy = evaluated();
    refused("stats_nothing", toy.folder(), &stats::<OsString>([], &[]), 2);
    refused("stats_category", toy.folder(), &stats([toy.path("out")], &["--category", "screw"]), 2);
}

#[test]
fn published_scores_of_all_detectors() {
    let Some(folder) = shared_folder("published") else { return };
    let out = tempfile::tempdir().unwrap();
    let sources = ["--published".into(), folder.clone()];
    let ended = succeeded(stats(sources, &["--out", out.path().to_str().unwrap()]));
    assert_eq!(ended.stderr, "");
    let rows = rows(&out.path().join("stats.parquet"));
    let of = |statistic: &str| {
        let whole = rows.iter().filter(move |row| row.defect.is_none() && row.statistic == statistic);
        whole.map(|row| row.value.unwrap() * row.images as f64).sum::<f64>().round() as u64
    };
    // As counted in the published files.
    assert_eq!(rows.iter().filter(|row| row.defect.is_none() && row.statistic == "mean").count(), 351);
    assert_eq!((of("share_0"), of("share_1")), (8391, 2295));
    let means = std::fs::read_to_string(folder.join("expected/aupimo_mean.csv")).unwrap();
    let means: Vec<Vec<&str>> = means.lines().map(|line| line.split(',').collect()).collect();
    for line in &means[1..] {
        for (model, expected) in means[0].iter().zip(line).skip(2) {
            let category = line[..2].join("/");
            let sought = |row: &&StatisticRow| {
                row.model == *model && row.category == category && row.defect.is_none() && row.statistic == "mean"
            };
            let found = rows.iter().find(sought).unwrap().value.unwrap();
            assert!((found - expected.parse::<f64>().unwrap()).abs() < 1e-9, "{model} {category}");
        }
    }
}
