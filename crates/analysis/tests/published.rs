//! The published scores of 13 detectors on 27 data sets give the published conclusions.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pimo_analysis::alternative::Alternative;
use pimo_analysis::bootstrap::BootstrapSettings;
use pimo_analysis::compare::{Category, CategoryComparison, Comparison, PairTest, Settings, compare};
use pimo_analysis::t_test::PairedTTest;
use pimo_analysis::wilcoxon::{SignedRankTest, ZeroMethod};
use pimo_analysis::{differences, mean};
use pimo_test_data::shared;
use serde::Deserialize;

/// Scores of anomalous images, in order of path.
fn read_scores(folder: &Path, model: &str, category: &str) -> Vec<f64> {
    #[derive(Deserialize)]
    struct Scores {
        aupimos: Vec<Option<f64>>,
    }
    let path = folder.join("benchmark").join(model).join(category).join("aupimo/aupimos.json");
    let json = fs::read_to_string(path).unwrap().replace("NaN", "null");
    serde_json::from_str::<Scores>(&json).unwrap().aupimos.into_iter().flatten().collect()
}

/// Rows of a table without quoting, the header first.
fn read_rows(folder: &Path, name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join("expected").join(name)).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

struct Published {
    folder: PathBuf,
    models: Vec<String>,
    categories: Vec<String>,
    comparison: Comparison,
}

impl Published {
    fn compare() -> Option<Self> {
        let folder = shared("published")?;
        let rows = read_rows(&folder, "aupimo_mean.csv");
        let models = rows[0][2..].to_vec();
        let categories: Vec<String> = rows[1..].iter().map(|row| format!("{}/{}", row[0], row[1])).collect();
        assert_eq!((models.len(), categories.len()), (13, 27));
        let scores: Vec<Vec<Vec<f64>>> = categories
            .iter()
            .map(|category| models.iter().map(|model| read_scores(&folder, model, category)).collect())
            .collect();
        let matched: Vec<Category<'_>> =
            categories.iter().zip(&scores).map(|(name, scores)| Category { name, scores }).collect();
        let bootstrap = BootstrapSettings { resamples: 50, ..BootstrapSettings::default() };
        let settings = Settings { bootstrap, ..Settings::default() };
        let comparison = compare(&models, &matched, &settings).unwrap();
        Some(Self { folder, models, categories, comparison })
    }

    fn category(&self, name: &str) -> &CategoryComparison {
        let index = self.categories.iter().position(|category| category == name).unwrap();
        &self.comparison.categories[index]
    }

    fn confidence(&self, category: &str, model_1: &str, model_2: &str, test: PairTest) -> f64 {
        let index = |name: &str| self.models.iter().position(|model| model == name).unwrap();
        let sought = (index(model_1), index(model_2), test, Alternative::Greater);
        let pairs = &self.category(category).pairs;
        let pair = pairs.iter().find(|pair| (pair.model_1, pair.model_2, pair.test, pair.alternative) == sought);
        pair.unwrap().confidence().unwrap()
    }
}

fn assert_near(found: f64, expected: &str, what: &str) {
    let expected: f64 = expected.parse().unwrap();
    assert!((found - expected).abs() <= 1e-9, "{what}: found {found}, expected {expected}");
}

#[test]
fn published_conclusions_are_reproduced() {
    let Some(published) = Published::compare() else {
        return;
    };
    means_and_ranks(&published);
    wilcoxon_confidences(&published);
    t_test_table(&published);
    every_interval_holds_its_mean(&published);
}

fn means_and_ranks(published: &Published) {
    let means = read_rows(&published.folder, "aupimo_mean.csv");
    let ranks = read_rows(&published.folder, "avg_rank_13models.csv");
    assert_eq!((ranks.len(), &ranks[0]), (28, &means[0]));
    for (means, ranks) in means[1..].iter().zip(&ranks[1..]) {
        assert_eq!(means[..2], ranks[..2]);
        let category = published.category(&means[..2].join("/"));
        for summary in &category.models {
            // The tables have ten digits after the point.
            assert_near(summary.mean, &means[summary.model + 2], "mean");
            assert_near(summary.average_rank, &ranks[summary.model + 2], "average rank");
        }
    }
}

fn wilcoxon_confidences(published: &Published) {
    let rows = read_rows(&published.folder, "wilcoxon_greater_atol1e-3.csv");
    assert_eq!(rows.len(), 1 + 14 * 13 * 12);
    for row in &rows[1..] {
        let found = published.confidence(&row[..2].join("/"), &row[2], &row[3], PairTest::Wilcoxon);
        assert_near(found, &row[4], &row.join(" "));
    }
}

fn t_test_table(published: &Published) {
    let rows = read_rows(&published.folder, "ttest_rel_greater_mvtec_bottle.csv");
    let mut compared = 0;
    for row in &rows[1..] {
        for (model_2, expected) in rows[0].iter().zip(row).skip(1).filter(|(_, expected)| !expected.is_empty()) {
            let found = published.confidence("mvtec/bottle", &row[0], model_2, PairTest::T);
            assert_near(found, expected, &format!("{} - {model_2}", row[0]));
            compared += 1;
        }
    }
    assert_eq!(compared, 13 * 12);
}

fn every_interval_holds_its_mean(published: &Published) {
    for category in &published.comparison.categories {
        for model in &category.models {
            let interval = model.interval.unwrap();
            assert!(interval.low <= model.mean && model.mean <= interval.high, "{model:?}");
        }
    }
}

/// Statistic and two-sided p of the notebook's test: zeros split, differences up to `tolerance` zero.
fn notebook_test(x: &[f64], y: &[f64], tolerance: f64) -> (f64, f64) {
    let test = SignedRankTest::of(&differences(x, y).unwrap(), ZeroMethod::ZSplit, tolerance).unwrap();
    let result = test.test(Alternative::TwoSided);
    (result.statistic, result.p)
}

#[test]
fn notebook_on_capsule() {
    let Some(folder) = shared("published") else { return };
    let [x, y] = ["patchcore_wr101", "patchcore_wr50"].map(|model| read_scores(&folder, model, "mvtec/capsule"));
    assert!((mean(&x) - 0.791_421_427_0).abs() < 1e-10);
    assert!((mean(&y) - 0.740_790_972_5).abs() < 1e-10);
    let t = PairedTTest::of(&differences(&x, &y).unwrap()).unwrap().test(Alternative::TwoSided).unwrap();
    assert!((t.statistic - 2.871_547_170_552_003_3).abs() < 1e-12, "{t:?}");
    assert!((t.p - 0.004_917_091_449_731).abs() < 1e-15, "{t:?}");
    let (statistic, p) = notebook_test(&x, &y, 0.0);
    assert_eq!(statistic, 1965.5);
    assert!((p - 0.001_788_856_9).abs() < 1e-10, "{p}");
    let (statistic, p) = notebook_test(&x, &y, 0.05);
    assert_eq!(statistic, 1823.0);
    assert!((p - 0.000_287_689_328_596_068_1).abs() < 1e-16, "{p}");
}

#[test]
fn notebook_on_cashew() {
    let Some(folder) = shared("published") else { return };
    let mut scores: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let rows = read_rows(&folder, "notebook701e_cashew_wilcoxon_zsplit_mindiff0.1.csv");
    assert_eq!(rows.len(), 11);
    for row in &rows[1..] {
        for model in &row[..2] {
            scores.entry(model.clone()).or_insert_with(|| read_scores(&folder, model, "visa/cashew"));
        }
        let (x, y) = (&scores[&row[0]], &scores[&row[1]]);
        let (statistic, p) = notebook_test(x, y, 0.1);
        assert_eq!(statistic, row[4].parse::<f64>().unwrap(), "{row:?}");
        let expected: f64 = row[3].parse().unwrap();
        assert!((p / expected - 1.0).abs() < 1e-9, "{row:?}: {p}");
        assert!((1.0 - p - row[2].parse::<f64>().unwrap()).abs() < 1e-15, "{row:?}: {p}");
        let nonzero = SignedRankTest::of(&differences(x, y).unwrap(), ZeroMethod::ZSplit, 0.1).unwrap().nonzero;
        assert_eq!(x.len() - nonzero, row[5].parse::<usize>().unwrap());
    }
}
