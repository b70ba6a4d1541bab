//! Statistics of the AUPIMO scores of a category.

use std::collections::BTreeMap;

use pimo_store::{AupimoSummary, DefectSummary};

/// The scores of the anomalous images of one detector in one category, in order of their ids.
#[derive(Default)]
pub(crate) struct Scores {
    /// Score of each image, and the index of its kind of defect.
    images: Vec<(f64, u32)>,
    defects: Vec<String>,
    undefined: bool,
}

impl Scores {
    /// None yet, of so many images.
    pub(crate) fn for_images(count: usize) -> Self {
        Self { images: Vec::with_capacity(count), ..Self::default() }
    }

    /// Adds an image; a score that is undefined makes all statistics undefined.
    pub(crate) fn add(&mut self, aupimo: Option<f64>, defect: Option<&str>) {
        let defect = defect.unwrap_or("");
        let known = self.defects.iter().rposition(|known| known == defect);
        let index = known.unwrap_or_else(|| {
            self.defects.push(defect.to_owned());
            self.defects.len() - 1
        });
        self.undefined |= aupimo.is_none();
        self.images.push((aupimo.unwrap_or(f64::NAN), index as u32));
    }

    pub(crate) fn len(&self) -> usize {
        self.images.len()
    }

    /// Over all images.
    pub(crate) fn summary(&self) -> AupimoSummary {
        self.of(self.images.iter().map(|(score, _)| *score).collect())
    }

    /// Over the images of each kind of defect; nothing where kinds are unknown.
    pub(crate) fn by_defect(&self) -> BTreeMap<String, DefectSummary> {
        let named = self.defects.iter().enumerate().filter(|(_, name)| !name.is_empty());
        let summary = |(index, name): (usize, &String)| {
            let scores: Vec<f64> =
                self.images.iter().filter(|(_, defect)| *defect as usize == index).map(|(score, _)| *score).collect();
            (name.clone(), DefectSummary { images: scores.len() as u64, aupimo: self.of(scores) })
        };
        named.map(summary).collect()
    }

    fn of(&self, mut scores: Vec<f64>) -> AupimoSummary {
        if self.undefined || scores.is_empty() {
            return AupimoSummary::default();
        }
        let count = scores.len();
        let share = |value: f64| Some(scores.iter().filter(|&&score| score == value).count() as f64 / count as f64);
        let (share_0, share_1) = (share(0.0), share(1.0));
        let mean = Some(scores.iter().sum::<f64>() / count as f64);
        scores.sort_by(f64::total_cmp);
        let median = f64::midpoint(scores[(count - 1) / 2], scores[count / 2]);
        AupimoSummary { mean, mean_low: mean, mean_high: mean, median: Some(median), share_0, share_1 }
    }
}

/// Plain means over categories; undefined where one of them is.
pub(crate) fn macro_average(categories: &[AupimoSummary]) -> AupimoSummary {
    let mean = |field: fn(&AupimoSummary) -> Option<f64>| {
        let values: Option<Vec<f64>> = categories.iter().map(field).collect();
        values.filter(|values| !values.is_empty()).map(|values| values.iter().sum::<f64>() / values.len() as f64)
    };
    AupimoSummary {
        mean: mean(|summary| summary.mean),
        mean_low: mean(|summary| summary.mean_low),
        mean_high: mean(|summary| summary.mean_high),
        median: mean(|summary| summary.median),
        share_0: mean(|summary| summary.share_0),
        share_1: mean(|summary| summary.share_1),
    }
}

/// The statistics as metrics: name and value.
pub(crate) fn metrics(summary: &AupimoSummary) -> [(&'static str, Option<f64>); 4] {
    [
        ("aupimo_mean", summary.mean),
        ("aupimo_median", summary.median),
        ("aupimo_share_0", summary.share_0),
        ("aupimo_share_1", summary.share_1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_by_hand() {
        let mut scores = Scores::default();
        for (score, defect) in [(0.0, "cut"), (1.0, "cut"), (0.25, "hole"), (1.0, "hole")] {
            scores.add(Some(score), Some(defect));
        }
        let all = scores.summary();
        assert_eq!((all.mean, all.median), (Some(0.5625), Some(0.625)));
        assert_eq!((all.share_0, all.share_1), (Some(0.25), Some(0.5)));
        assert_eq!(scores.by_defect()["hole"].aupimo.mean, Some(0.625));
        assert_eq!(macro_average(&[all, AupimoSummary { mean: Some(0.4375), ..all }]).mean, Some(0.5));
        assert_eq!(macro_average(&[all, AupimoSummary::default()]).mean, None);
        scores.add(None, None);
        assert_eq!(scores.summary(), AupimoSummary::default());
    }
}
