//! `pimo compare`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use pimo_store::{ComparedModelRow, NeighbourRow, OmnibusRow, PairRow, Row, TableRows};
use pimo_synth::{Defect, Detector, Plan};

use crate::support::{Ended, Toy, pimo, plan, refused, shared_folder, snapshot, succeeded};

fn compare<S: Into<OsString>>(sources: impl IntoIterator<Item = S>, further: &[&str]) -> Ended {
    let mut arguments: Vec<OsString> = vec!["compare".into()];
    arguments.extend(sources.into_iter().map(Into::into));
    arguments.extend(further.iter().map(OsString::from));
    pimo(arguments)
}

fn rows<R: Row>(folder: &Path) -> Vec<R> {
    TableRows::open(&folder.join(R::file_name())).unwrap().map(Result::unwrap).collect()
}

/// Rows of a table without quoting, the header first.
fn csv(file: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn near(found: f64, expected: &str, what: &str) {
    let expected: f64 = expected.parse().unwrap();
    assert!((found - expected).abs() <= 1e-9, "{what}: found {found}, expected {expected}");
}

/// Two detectors in two categories, each evaluated by itself.
struct TwoRuns {
    toy: Toy,
}

impl TwoRuns {
    fn new() -> Self {
        let detector = |name: &str, quality| Detector { name: name.into(), quality };
        let toy = Toy::of(&Plan {
            categories: ["nut", "screw"].map(String::from).into(),
            anomalous: 8,
            defects: vec![Defect::Stain, Defect::Debris],
            detectors: vec![detector("strong", 0.95), detector("weak", 0.4)],
            ..plan()
        });
        let both = Self { toy };
        for detector in ["strong", "weak"] {
            succeeded(both.eval(detector, detector, &[]));
        }
        both
    }

    fn eval(&self, detector: &str, out: &str, further: &[&str]) -> Ended {
        let inputs = [
            OsString::from("--maps"),
            self.path(&format!("data/maps/{detector}")).into(),
            "--dataset".into(),
            self.path("data/dataset").into(),
            "--fpr-bounds".into(),
            "1e-3,1e-1".into(),
        ];
        self.toy.eval_to(out, inputs.into(), further)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.toy.path(below)
    }

    fn compare(&self, runs: &[&str], further: &[&str]) -> Ended {
        compare(runs.iter().map(|run| self.path(run)), further)
    }

    #[track_caller]
    fn refused(&self, name: &str, ended: &Ended, code: i32) {
        refused(name, self.toy.folder(), ended, code);
    }
}

#[test]
fn comparisons_are_printed_and_written() {
    let runs = TwoRuns::new();
    let out = runs.path("tables");
    let ended = succeeded(runs.compare(&["strong", "weak"], &["--out", out.to_str().unwrap()]));
    snapshot("compare", runs.toy.folder(), &ended.stdout);
    let one = succeeded(runs.compare(&["strong", "weak"], &["--category", "nut", "--bootstrap", "0"]));
    snapshot("compare_one_category", runs.toy.folder(), &one.stdout);
    let metadata = std::fs::read(out.join("pairs.parquet")).unwrap();
    let metadata = String::from_utf8_lossy(&metadata);
    for key in ["pimo.parameter.zero_method", "pimo.parameter.atol", "pimo.parameter.seed", "pimo.table"] {
        assert!(metadata.contains(key), "{key}");
    }
    // The same again, unless what is there may not be replaced.
    runs.refused("compare_exists", &runs.compare(&["strong", "weak"], &["--out", out.to_str().unwrap()]), 2);
    let before = std::fs::read(out.join("models.parquet")).unwrap();
    succeeded(runs.compare(&["strong", "weak"], &["--out", out.to_str().unwrap(), "--force"]));
    assert_eq!(before, std::fs::read(out.join("models.parquet")).unwrap());
    assert_eq!(Toy::tree(&out), ["models.parquet", "neighbours.parquet", "omnibus.parquet", "pairs.parquet"]);
}

#[test]
fn tables_hold_what_is_known() {
    let runs = TwoRuns::new();
    let out = runs.path("tables");
    succeeded(runs.compare(&["weak", "strong"], &["--out", out.to_str().unwrap()]));
    let models: Vec<ComparedModelRow> = rows(&out);
    let keys: Vec<_> = models.iter().map(|row| (row.category.as_str(), row.model.as_str(), row.images)).collect();
    let expected = [("*", "strong", 16), ("*", "weak", 16), ("nut", "strong", 8), ("nut", "weak", 8)];
    assert_eq!(keys[..4], expected);
    assert!(models[2..].iter().all(|row| row.low <= Some(row.mean) && Some(row.mean) <= row.high));
    assert_eq!((models[0].median, models[0].low, models[0].high), (None, None, None));
    assert!((models[0].mean - f64::midpoint(models[2].mean, models[4].mean)).abs() < 1e-15);
    let neighbours: Vec<NeighbourRow> = rows(&out);
    let pair = (neighbours[0].better.as_str(), neighbours[0].worse.as_str());
    assert_eq!((neighbours.len(), pair), (2, ("strong", "weak")));
    assert!((neighbours[0].mean_difference - (models[2].mean - models[3].mean)).abs() < 1e-15);
    let omnibus: Vec<OmnibusRow> = rows(&out);
    let blocks: Vec<_> = omnibus.iter().map(|row| (row.category.as_str(), row.blocks)).collect();
    assert_eq!(blocks, [("*", 2), ("nut", 8), ("screw", 8)]);
    let pairs: Vec<PairRow> = rows(&out);
    assert_eq!(pairs.len(), 2 * 2 * 2 * 3);
    for pair in &pairs {
        let other = match pair.alternative.as_str() {
            "greater" => "less",
            "less" => "greater",
            same => same,
        };
        let mirrored = pairs.iter().find(|it| {
            (&it.category, &it.model_1, &it.model_2, &it.test)
                == (&pair.category, &pair.model_2, &pair.model_1, &pair.test)
                && it.alternative == other
        });
        assert_eq!(mirrored.unwrap().p, pair.p);
        assert_eq!(pair.confidence, pair.p.map(|p| 1.0 - p));
    }
}

#[test]
fn one_run_of_two_detectors_is_the_same() {
    let runs = TwoRuns::new();
    let mut inputs: Vec<OsString> = Vec::new();
    for detector in ["strong", "weak"] {
        inputs.extend(["--maps".into(), runs.path(&format!("data/maps/{detector}")).into()]);
    }
    inputs.extend(["--dataset".into(), runs.path("data/dataset").into()]);
    inputs.extend(["--fpr-bounds", "1e-3,1e-1"].map(Into::into));
    succeeded(runs.toy.eval_to("both", inputs, &["--curves", "none"]));
    let apart = succeeded(runs.compare(&["strong", "weak"], &[])).stdout;
    assert_eq!(apart, succeeded(runs.compare(&["both"], &[])).stdout);
    // Detectors of the same name are told apart by their runs.
    let named = succeeded(runs.compare(&["strong", "both"], &["--bootstrap", "0"])).stdout;
    assert!(named.contains("strong (strong)") && named.contains("strong (both)"), "{named}");
    // Other scores of the images.
    for score in ["iou", "recall_at_upper_threshold", "image_score"] {
        let ended = succeeded(runs.compare(&["both"], &["--score", score, "--bootstrap", "0"]));
        assert!(ended.stdout.contains(score), "{}", ended.stdout);
    }
    runs.refused("compare_score", &runs.compare(&["both"], &["--score", "colour"]), 3);
    runs.refused("compare_model", &runs.compare(&["both"], &["--model", "padim"]), 2);
}

#[test]
fn runs_that_do_not_belong_together() {
    let runs = TwoRuns::new();
    succeeded(runs.eval("weak", "bounds", &["--fpr-bounds", "1e-2,1e-1"]));
    runs.refused("compare_bounds", &runs.compare(&["strong", "bounds"], &[]), 3);
    succeeded(runs.eval("weak", "linspace", &["--thresholds", "linspace:30000"]));
    runs.refused("compare_thresholds", &runs.compare(&["strong", "linspace"], &[]), 3);
    succeeded(runs.eval("weak", "nut only", &["--category", "nut"]));
    runs.refused("compare_categories", &runs.compare(&["strong", "nut only"], &[]), 3);
    let common = succeeded(runs.compare(&["strong", "nut only"], &["--intersect"]));
    assert!(common.stdout.contains("8 anomalous images of nut"), "{}", common.stdout);
    assert!(common.stderr.contains("warning: category screw is left out"), "{}", common.stderr);

    // Images that one of the detectors was not evaluated on.
    std::fs::remove_file(runs.path("data/maps/weak/screw/test/stain/001.npy")).unwrap();
    succeeded(runs.eval("weak", "fewer", &["--skip-bad"]));
    runs.refused("compare_images", &runs.compare(&["strong", "fewer"], &[]), 3);
    let common = succeeded(runs.compare(&["strong", "fewer"], &["--intersect"]));
    assert!(common.stdout.contains("15 anomalous images in 2 categories"), "{}", common.stdout);

    // A mask that has changed.
    let mask = |image: &str| runs.path(&format!("data/dataset/nut/ground_truth/stain/{image}_mask.png"));
    std::fs::copy(mask("000"), mask("001")).unwrap();
    succeeded(runs.eval("strong", "masks", &[]));
    let other = runs.compare(&["strong", "masks"], &["--intersect"]);
    assert_eq!(other.code, Some(3), "{}", other.stdout);
    assert!(other.stderr.contains("the masks of 1 image of category \"nut\""), "{}", other.stderr);
    assert!(other.stderr.contains("nut/stain/001"), "{}", other.stderr);

    runs.refused("compare_no_run", &runs.compare(&["data"], &[]), 2);
    runs.refused("compare_no_tree", &compare(["--published".into(), runs.path("data/dataset")], &[]), 2);
}

/// Writes published scores of a detector on one dataset.
fn publish(folder: &Path, model: &str, scores: &[f64]) {
    let folder = folder.join(model).join("made/up/aupimo");
    std::fs::create_dir_all(&folder).unwrap();
    let scores = pimo_store::PublishedScores {
        shared_fpr_metric: None,
        fpr_lower_bound: 1e-5,
        fpr_upper_bound: 1e-4,
        num_threshs: None,
        thresh_lower_bound: None,
        thresh_upper_bound: None,
        aupimos: scores.iter().copied().chain([f64::NAN]).collect(),
        paths: None,
    };
    scores.write(&folder.join("aupimos.json")).unwrap();
}

#[test]
fn degenerate_scores_have_defined_results() {
    let folder = tempfile::tempdir().unwrap();
    let compared = |cases: &[&[f64]]| {
        let tree = folder.path().join("tree");
        let _ = std::fs::remove_dir_all(&tree);
        for (scores, model) in cases.iter().zip(["a", "b"]) {
            publish(&tree, model, scores);
        }
        let out = folder.path().join("tables");
        let out = out.to_str().unwrap();
        succeeded(compare(["--published".into(), tree], &["--out", out, "--force"])).stdout
    };
    let tables = folder.path().join("tables");
    let text = compared(&[&[0.25, 0.75]]);
    assert!(text.contains("1 detector on the same 2 anomalous images of made/up"), "{text}");
    assert_eq!(rows::<PairRow>(&tables), []);
    assert_eq!(rows::<OmnibusRow>(&tables)[1].critical_difference, None);

    let text = compared(&[&[0.25, 0.75], &[0.25, 0.25]]);
    assert!(text.contains("Neither a nor b beats the other on made/up at 95 % confidence."), "{text}");

    // Everything is equal: nothing can be told apart, with certainty.
    let text = compared(&[&[0.5; 20], &[0.5; 20]]);
    assert!(text.contains("Friedman's test is undefined"), "{text}");
    for pair in rows::<PairRow>(&tables) {
        let certain = pair.test == "wilcoxon";
        assert_eq!((pair.p, pair.confidence), (certain.then_some(1.0), certain.then_some(0.0)), "{pair:?}");
    }
    let model = &rows::<ComparedModelRow>(&tables)[2];
    assert_eq!((model.mean, model.average_rank, model.low, model.high), (0.5, 1.5, Some(0.5), Some(0.5)));

    // A difference that is the same on all images: t is infinite, which no table holds.
    compared(&[&[0.75; 20], &[0.5; 20]]);
    let pairs = rows::<PairRow>(&tables);
    let t = pairs.iter().find(|pair| (pair.test.as_str(), pair.alternative.as_str()) == ("t", "greater")).unwrap();
    assert_eq!((t.statistic, t.p), (None, Some(0.0)));

    // A single image.
    compared(&[&[0.75], &[0.5]]);
    assert_eq!(rows::<ComparedModelRow>(&tables)[2].low, None);
}

/// The first line that has this word second, in words.
fn words<'a>(text: &'a str, second: &str) -> Vec<&'a str> {
    let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.find(|words| words.get(1) == Some(&second)).unwrap()
}

#[test]
fn an_own_run_beside_published_scores() {
    let runs = TwoRuns::new();
    succeeded(runs.eval("strong", "own", &["--thresholds", "linspace:30000", "--export", "published"]));
    succeeded(runs.eval("weak", "other", &["--thresholds", "linspace:30000", "--export", "published"]));
    let compared = |run: &str, tree: &str| {
        let sources = [runs.path(run), "--published".into(), runs.path(tree)];
        succeeded(compare(sources, &["--bootstrap", "0"]))
    };
    let mixed = compared("own", "other/published");
    // The published procedure warned of the bounds when it ran.
    assert!(mixed.stderr.starts_with("warning: the runs gave 2 warnings") && mixed.stderr.lines().count() == 1);
    let alike = succeeded(runs.compare(&["own", "other"], &["--bootstrap", "0"]));
    // Published trees that pimo writes have no other metrics.
    assert_eq!(words(&mixed.stdout, "weak")[..5], words(&alike.stdout, "weak")[..5]);
    assert_eq!(mixed.stdout.lines().last(), alike.stdout.lines().last());
    // Categories are found inside of collections, and exact scores are told apart.
    std::fs::create_dir_all(runs.path("tree/weak/made")).unwrap();
    std::fs::rename(runs.path("other/published/weak/nut"), runs.path("tree/weak/made/nut")).unwrap();
    std::fs::rename(runs.path("other/published/weak/screw"), runs.path("tree/weak/made/screw")).unwrap();
    let mixed = compared("strong", "tree");
    assert!(mixed.stdout.contains("made/screw"), "{}", mixed.stdout);
    assert!(mixed.stderr.contains("warning: published scores such as those of weak"), "{}", mixed.stderr);
}

#[test]
fn published_conclusions() {
    let Some(folder) = shared_folder("published") else { return };
    let expected = folder.join("expected");
    let target = tempfile::tempdir().unwrap();
    let out = target.path().to_str().unwrap();
    let tree = ["--published".into(), folder.clone()];
    succeeded(compare(tree, &["--out", out, "--bootstrap", "20"]));

    let models: Vec<ComparedModelRow> = rows(target.path());
    let (means, ranks) = (csv(&expected.join("aupimo_mean.csv")), csv(&expected.join("avg_rank_13models.csv")));
    assert_eq!((means.len(), ranks.len(), models.len()), (28, 28, 28 * 13));
    for (line, (means_of, ranks_of)) in means.iter().zip(&ranks).enumerate().skip(1) {
        for (column, model) in means[0].iter().enumerate().skip(2) {
            assert_eq!((&ranks[0][column], &ranks_of[..2]), (model, &means_of[..2]), "line {line}");
            let category = means_of[..2].join("/");
            let row = models.iter().find(|row| row.category == category && row.model == *model).unwrap();
            near(row.mean, &means_of[column], "mean");
            near(row.average_rank, &ranks_of[column], "average rank");
        }
    }

    let pairs: Vec<PairRow> = rows(target.path());
    assert_eq!(pairs.len(), 27 * 13 * 12 * 2 * 3);
    let confidence = |category: &str, model_1: &str, model_2: &str, test: &str| {
        let key = (category, model_1, model_2);
        let start = pairs.partition_point(|it| (it.category.as_str(), it.model_1.as_str(), it.model_2.as_str()) < key);
        let found = pairs[start..start + 6].iter().find(|it| it.test == test && it.alternative == "greater");
        found.filter(|it| it.category == category && it.model_2 == model_2).unwrap().confidence.unwrap()
    };
    let wilcoxon = csv(&expected.join("wilcoxon_greater_atol1e-3.csv"));
    assert_eq!(wilcoxon.len(), 1 + 14 * 13 * 12);
    for row in &wilcoxon[1..] {
        near(confidence(&row[..2].join("/"), &row[2], &row[3], "wilcoxon"), &row[4], &row.join(" "));
    }
    let t_test = csv(&expected.join("ttest_rel_greater_mvtec_bottle.csv"));
    let mut compared = 0;
    for row in &t_test[1..] {
        for (model_2, expected) in t_test[0].iter().zip(row).skip(1).filter(|(_, expected)| !expected.is_empty()) {
            near(confidence("mvtec/bottle", &row[0], model_2, "t"), expected, &format!("{} {model_2}", row[0]));
            compared += 1;
        }
    }
    assert_eq!(compared, 13 * 12);
}

#[test]
fn a_published_notebook() {
    let Some(folder) = shared_folder("published") else { return };
    let table = csv(&folder.join("expected/notebook701e_cashew_wilcoxon_zsplit_mindiff0.1.csv"));
    assert_eq!(table.len(), 11);
    let target = tempfile::tempdir().unwrap();
    let out = target.path().to_str().unwrap();
    // Differences below 0.1 are zero there, not those up to it.
    let below = 0.1_f64.next_down().to_string();
    let further = ["--zero-method", "zsplit", "--atol", &below, "--category", "visa/cashew", "--bootstrap", "0"];
    succeeded(compare(["--published".into(), folder], &[&further[..], &["--out", out]].concat()));
    let pairs: Vec<PairRow> = rows(target.path());
    for row in &table[1..] {
        let found = pairs.iter().find(|pair| {
            (&pair.model_1, &pair.model_2) == (&row[0], &row[1])
                && (pair.test.as_str(), pair.alternative.as_str()) == ("wilcoxon", "two-sided")
        });
        let found = found.unwrap();
        assert_eq!(found.statistic, row[4].parse().ok(), "{row:?}");
        let (p, confidence): (f64, f64) = (row[3].parse().unwrap(), row[2].parse().unwrap());
        assert!((found.p.unwrap() / p - 1.0).abs() < 1e-9, "{row:?}: {:?}", found.p);
        assert!((found.confidence.unwrap() - confidence).abs() < 1e-15, "{row:?}: {:?}", found.confidence);
    }
}
