//! Whole reports.
#![allow(clippy::unwrap_used)]

mod support;

use pimo_evidence::{EvaluatedImage, Evidence, Matching, ModelScores};
use pimo_report::assemble::{Settings, report_of};
use pimo_report::page::{PageError, Report, RunDescription};

/// The text of a page without its style, script and data.
fn markup(page: &str) -> String {
    let mut rest = page;
    let mut markup = String::new();
    while let Some(start) = ["<style", "<script"].iter().filter_map(|open| rest.find(open)).min() {
        let close = if rest[start..].starts_with("<style") { "</style>" } else { "</script>" };
        markup.push_str(&rest[..start]);
        rest = &rest[start + rest[start..].find(close).unwrap() + close.len()..];
    }
    markup + rest
}

/// Asserts that elements are closed in order.
fn assert_well_formed(page: &str) {
    let void = ["!DOCTYPE", "meta", "link", "img", "br", "wbr"];
    let markup = markup(page);
    let mut open: Vec<&str> = Vec::new();
    for piece in markup.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed inside {open:?}");
        } else {
            let name = tag.split([' ', '/']).next().unwrap();
            if !void.contains(&name) && !tag.ends_with('/') {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_whole_benchmark_fits_into_a_small_file() {
    let evidence = support::evidence(support::MODELS, support::CATEGORIES, support::IMAGES);
    let mut report = report_of(&evidence, &support::quick_settings()).unwrap();
    support::illustrate(&mut report);
    let page = report.to_html().unwrap();
    assert!(page.len() < 10_000_000, "{} bytes", page.len());
    assert_well_formed(&page);
    assert_eq!(page.matches("<details class=\"category\"").count(), 27);
    // Boxplots, ranks and curves of 27 categories, ranks over all, two scatter plots.
    assert_eq!(page.matches("<svg ").count(), 3 * 27 + 1 + 2);
    let pictures: usize = report.categories.iter().map(|one| one.examples.len() + one.false_positives.len()).sum();
    assert_eq!(page.matches("<img src=\"data:image/png;base64,").count(), pictures);
    assert!(pictures > 27 * 4, "{pictures}");
    // Scores are data, not rows: the document stays small.
    assert!(page.matches("<tr>").count() < 3000);
    let data = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let scores = data["categories"].as_array().unwrap().iter().flat_map(|one| one["scores"].as_array().unwrap());
    assert_eq!(scores.map(|one| one.as_array().unwrap().len()).sum::<usize>(), 13 * 27 * 91);
}

#[test]
fn pages_ask_for_nothing_outside() {
    let page = report_of(&support::evidence(2, 2, 10), &support::quick_settings()).unwrap().to_html().unwrap();
    assert!(page.contains("default-src 'none'"));
    let markup = markup(&page).replace("http://www.w3.org/2000/svg", "");
    for address in ["http:", "https:", "//", "url(", "@import", "unsafe-inline"] {
        assert!(!markup.contains(address), "{address}");
    }
}

#[test]
fn the_same_results_give_the_same_bytes() {
    let page = || {
        let mut report = report_of(&support::evidence(3, 2, 20), &support::quick_settings()).unwrap();
        support::illustrate(&mut report);
        report.to_html().unwrap()
    };
    assert_eq!(page(), page());
}

/// Hostile names in every place that a name can reach.
fn hostile(attack: &str) -> Report {
    let result = |model: usize| ModelScores {
        model: format!("{attack}{model}"),
        category: attack.to_owned(),
        images: (0..30)
            .map(|image| EvaluatedImage {
                id: format!("{attack}{image}"),
                defect: Some(attack.to_owned()),
                score: Some(f64::from(image) * 0.01 * model as f64),
                ..Default::default()
            })
            .collect(),
        metrics: vec![(format!("auroc{attack}"), 0.5), ("auroc".to_owned(), 0.4)],
        ..Default::default()
    };
    let facts = vec![(attack.to_owned(), attack.to_owned())];
    let evidence = Evidence {
        runs: vec![RunDescription { name: attack.to_owned(), facts }],
        warnings: vec![attack.to_owned()],
        results: (0..3).map(result).collect(),
        ..Default::default()
    };
    let settings = Settings { title: attack.to_owned(), score: attack.to_owned(), ..support::quick_settings() };
    let mut report = report_of(&evidence, &settings).unwrap();
    support::illustrate(&mut report);
    report
}

#[test]
fn names_are_never_markup() {
    for attack in [
        "<script>alert(1)</script>",
        "\" onload=\"alert(1)",
        "' x='",
        "</title><img src=x onerror=alert(1)>",
        "{{ 7*7 }}",
        "--><b>",
        "&lt;i&gt;",
    ] {
        let page = hostile(attack).to_html().unwrap();
        assert_well_formed(&page);
        let markup = markup(&page);
        assert_eq!(page.matches("<script").count(), 2, "{attack}");
        for forbidden in ["<script>alert", "<img src=x", "onload=\"alert", "<b>--", " x='", "&lt;i&gt;<"] {
            assert!(!markup.contains(forbidden), "{attack} gives {forbidden}");
        }
        let harmless = attack.replace('&', "&amp;").replace('<', "&lt;");
        let harmless = harmless.split(['"', '\'', '>', '/']).next().unwrap();
        assert!(markup.contains(harmless), "{harmless}");
    }
}

#[test]
fn degenerate_results_are_reported() {
    // A single detector, one image, all scores equal.
    for (models, images, score) in [(1, 30, 0.5), (2, 1, 0.3), (3, 2, 0.0), (2, 40, 1.0)] {
        let result = |model: usize| ModelScores {
            model: format!("m{model}"),
            category: "c".to_owned(),
            images: (0..images)
                .map(|image| EvaluatedImage { id: image.to_string(), score: Some(score), ..Default::default() })
                .collect(),
            ..Default::default()
        };
        let evidence = Evidence { results: (0..models).map(result).collect(), ..Default::default() };
        let page = report_of(&evidence, &support::quick_settings()).unwrap().to_html().unwrap();
        assert_well_formed(&page);
        assert!(!markup(&page).contains("NaN"), "{models} detectors, {images} images");
    }
}

#[test]
fn common_images_are_compared_when_asked_for() {
    let mut evidence = support::evidence(2, 2, 20);
    evidence.results[1].images.truncate(15);
    assert!(report_of(&evidence, &support::quick_settings()).is_err());
    let settings = Settings { matching: Matching::Intersect, ..support::quick_settings() };
    let report = report_of(&evidence, &settings).unwrap();
    assert_eq!(report.categories[0].images.len(), 15);
    let why = "images of category mvtec/dataset_00 left out because not all detectors have a score of them: 5";
    assert_eq!(report.warnings[1], why);
}

type Change = fn(&mut Report);

#[test]
fn parts_that_do_not_fit_are_refused() {
    let report = report_of(&support::evidence(2, 2, 20), &support::quick_settings()).unwrap();
    let changes: [(&str, Change); 6] = [
        ("scores", |report| report.categories[0].models[1].scores.clear()),
        ("detectors", |report| report.categories[1].order = vec![0, 0]),
        ("examples", |report| report.categories[0].examples[0].image = 99),
        ("over all categories", |report| report.overall.as_mut().unwrap().order.clear()),
        ("metrics", |report| report.metrics.clear()),
        ("worst", |report| report.worst[0].category = 9),
    ];
    for (part, change) in changes {
        let mut report = report.clone();
        change(&mut report);
        match report.to_html().unwrap_err() {
            PageError::Inconsistent(message) => assert!(message.contains(part), "{message}"),
            other => panic!("{other}"),
        }
    }
}
