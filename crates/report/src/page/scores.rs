//! All per-image scores as data for the page's script.

use std::collections::BTreeSet;

use serde::Serialize;

use super::model::Report;

#[derive(Serialize)]
struct Scores<'a> {
    models: Vec<&'a str>,
    categories: Vec<CategoryScores<'a>>,
}

#[derive(Serialize)]
struct CategoryScores<'a> {
    name: &'a str,
    /// Kinds of defects that occur.
    defects: Vec<&'a str>,
    images: Vec<&'a str>,
    /// Position among the defects, for every image.
    defect: Vec<usize>,
    /// One list per detector.
    scores: Vec<Vec<f64>>,
}

/// JSON that may stand inside a `script` element.
pub(super) fn json(report: &Report) -> String {
    let categories = report.categories.iter().map(|category| {
        let kinds: BTreeSet<&str> = category.images.iter().map(|image| image.defect.as_deref().unwrap_or("")).collect();
        let defects: Vec<&str> = kinds.into_iter().collect();
        let defect_of = |image: &super::ReportImage| {
            defects.binary_search(&image.defect.as_deref().unwrap_or("")).unwrap_or_default()
        };
        CategoryScores {
            name: &category.name,
            images: category.images.iter().map(|image| image.id.as_str()).collect(),
            defect: category.images.iter().map(defect_of).collect(),
            scores: category.models.iter().map(|model| model.scores.iter().copied().map(rounded).collect()).collect(),
            defects,
        }
    });
    let models = report.models.iter().map(|model| model.name.as_str()).collect();
    let data = Scores { models, categories: categories.collect() };
    // Strings and finite numbers can always be written.
    let text = serde_json::to_string(&data).unwrap_or_else(|_| "{\"models\":[],\"categories\":[]}".to_owned());
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Six decimals: the file stays small and no two scores that differ visibly become one.
fn rounded(score: f64) -> f64 {
    if score.abs() < 1e9 { (score * 1e6).round() / 1e6 } else { score }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{CategoryReport, ModelOverview, ModelResult, ReportImage};

    #[test]
    fn data_cannot_leave_their_element() {
        let image = ReportImage { id: "</script><script>alert(1)</script>".to_owned(), defect: None };
        let scores = vec![0.123_456_789];
        let report = Report {
            models: vec![ModelOverview { name: "<!--".to_owned(), ..Default::default() }],
            categories: vec![CategoryReport {
                name: "c".to_owned(),
                images: vec![image],
                models: vec![ModelResult { scores, ..Default::default() }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let text = json(&report);
        assert!(!text.contains('<') && text.contains("[[0.123457]]"), "{text}");
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        assert_eq!(parsed["categories"][0]["images"][0], "</script><script>alert(1)</script>");
    }
}
