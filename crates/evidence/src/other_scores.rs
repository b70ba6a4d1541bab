//! Scores that could be looked at instead of one that is undefined.

use pimo_store::ImageRow;

type Score = fn(&ImageRow) -> Option<f64>;

/// Those that are worth a suggestion, the most telling first.
const SCORES: [(&str, Score); 4] = [
    ("best_iou", |row| row.best_iou),
    ("recall_at_lower_threshold", |row| row.recall_at_lower_threshold),
    ("iou_at_lower_threshold", |row| row.iou_at_lower_threshold),
    ("image_score", |row| row.image_score),
];

/// Which of them all anomalous images have that were looked at.
pub(crate) struct OtherScores([bool; SCORES.len()]);

impl Default for OtherScores {
    fn default() -> Self {
        Self([true; SCORES.len()])
    }
}

impl OtherScores {
    /// Takes note of an anomalous image.
    pub(crate) fn add(&mut self, row: &ImageRow) {
        for (known, (_, score)) in self.0.iter_mut().zip(SCORES) {
            *known &= score(row).is_some();
        }
    }

    /// Takes note of results that have none of them.
    pub(crate) fn none(&mut self) {
        self.0.fill(false);
    }

    /// Their names, without that of the score in question.
    pub(crate) fn beside(&self, score: &str) -> Vec<&'static str> {
        let known = SCORES.iter().zip(self.0).filter(|(_, known)| *known).map(|((name, _), _)| *name);
        known.filter(|name| *name != score).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_image_lacks_is_no_suggestion() {
        let mut others = OtherScores::default();
        let row = ImageRow { best_iou: Some(0.5), image_score: Some(1.0), ..ImageRow::default() };
        others.add(&row);
        assert_eq!(others.beside("aupimo"), ["best_iou", "image_score"]);
        assert_eq!(others.beside("image_score"), ["best_iou"]);
        others.add(&ImageRow { best_iou: None, ..row });
        assert_eq!(others.beside("aupimo"), ["image_score"]);
        others.none();
        assert!(others.beside("aupimo").is_empty());
    }
}
