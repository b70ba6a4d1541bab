//! What to say where a score is undefined everywhere.

use crate::{Evidence, EvidenceError};

impl Evidence {
    /// The error that no image has the score of this evidence: why, as far as the runs said so when they were made, and
    /// which scores there are instead.
    pub fn undefined(&self) -> EvidenceError {
        let score = if self.score.is_empty() { "score" } else { self.score.as_str() };
        let why = self.warnings.iter().find(|warning| warning.contains("AUPIMO is null"));
        let reason = match why.filter(|_| score.starts_with("aupimo")) {
            Some(warning) => format!(" ({warning})"),
            None if score == "best_iou" => {
                " (it is computed where the --metrics of the evaluation have iou)".to_owned()
            }
            None => String::new(),
        };
        let cure = match self.other_scores.as_slice() {
            [] => "evaluate again so that it is defined".to_owned(),
            [only] => format!("evaluate again so that it is defined, or take another score: --score {only}"),
            [first, others @ ..] => {
                let others = others.join(", ");
                format!("evaluate again so that it is defined, or take another score: --score {first} (or {others})")
            }
        };
        EvidenceError::Undefined { score: score.to_owned(), reason, cure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_suggestions() {
        let mut evidence = Evidence {
            score: "aupimo".to_owned(),
            warnings: vec!["run: something else".to_owned(), "run: AUPIMO is null: few pixels".to_owned()],
            ..Evidence::default()
        };
        let undefined = |evidence: &Evidence| evidence.undefined().to_string();
        let alone = "aupimo is undefined for all images of some detector in every category";
        let again = "evaluate again so that it is defined";
        assert_eq!(undefined(&evidence), format!("{alone} (run: AUPIMO is null: few pixels): {again}"));
        evidence.warnings.clear();
        evidence.other_scores = vec!["best_iou"];
        let take = format!("{again}, or take another score: --score best_iou");
        assert_eq!(undefined(&evidence), format!("{alone}: {take}"));
        evidence.other_scores.push("image_score");
        assert_eq!(undefined(&evidence), format!("{alone}: {take} (or image_score)"));
    }
}
