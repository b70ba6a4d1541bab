//! Statistics of the AUPIMO scores of a category.

use std::collections::BTreeMap;

use pimo_finaliser::Interval;
use pimo_store::{AupimoSummary, DefectSummary, MetricValue};

/// The scores of the anomalous images of one detector in one category, in order of their ids.
#[derive(Default)]
pub(crate) struct Scores {
    /// Score of each image, and the index of its kind of defect.
    images: Vec<(f64, u32)>,
    /// Lower and upper ends, once a score is an interval: of all images then.
    ends: Vec<[f64; 2]>,
    defects: Vec<String>,
    undefined: bool,
}

impl Scores {
    /// None yet, with room for `count` images.
    pub(crate) fn for_images(count: usize) -> Self {
        Self { images: Vec::with_capacity(count), ..Self::default() }
    }

    /// Adds an image; a score that is undefined makes all statistics undefined.
    pub(crate) fn add(&mut self, aupimo: Option<Interval>, defect: Option<&str>) {
        let defect = defect.unwrap_or("");
        let known = self.defects.iter().rposition(|known| known == defect);
        let index = known.unwrap_or_else(|| {
            self.defects.push(defect.to_owned());
            self.defects.len() - 1
        });
        self.undefined |= aupimo.is_none();
        let aupimo = aupimo.unwrap_or(Interval::point(f64::NAN));
        if aupimo.low() < aupimo.high() && self.ends.is_empty() {
            self.ends.extend(self.images.iter().map(|&(score, _)| [score; 2]));
        }
        if aupimo.low() < aupimo.high() || !self.ends.is_empty() {
            self.ends.push([aupimo.low(), aupimo.high()]);
        }
        self.images.push((aupimo.value(), index as u32));
    }

    pub(crate) fn len(&self) -> usize {
        self.images.len()
    }

    /// Over all images.
    pub(crate) fn summary(&self) -> AupimoSummary {
        self.of(|_| true)
    }

    /// Over the images of each kind of defect; nothing where kinds are unknown.
    pub(crate) fn by_defect(&self) -> BTreeMap<String, DefectSummary> {
        let named = self.defects.iter().enumerate().filter(|(_, name)| !name.is_empty());
        let summary = |(index, name): (usize, &String)| {
            let images = self.images.iter().filter(|(_, defect)| *defect as usize == index).count() as u64;
            (name.clone(), DefectSummary { images, aupimo: self.of(|defect| defect == index) })
        };
        named.map(summary).collect()
    }

    /// The statistics over all images as metrics: name and value.
    pub(crate) fn metrics(&self) -> [(&'static str, MetricValue); 4] {
        let [middle, low, high] = self.three(|_| true).unwrap_or_default();
        let value = |field: fn(&Statistics) -> f64| {
            if self.undefined || self.images.is_empty() {
                return MetricValue::default();
            }
            // Where intervals end at 0 or 1, lower scores may make a share larger.
            let (low, high) = (field(&low).min(field(&high)), field(&low).max(field(&high)));
            // A sum of n numbers up to 1 is rounded n times.
            let rounding = if self.ends.is_empty() { 0.0 } else { self.images.len() as f64 * f64::EPSILON };
            let (low, high) = ((low - rounding).max(0.0), (high + rounding).min(1.0));
            let exact = Interval::new(low, high).is_exact();
            MetricValue { value: Some(field(&middle)), low: Some(low), high: Some(high), exact }
        };
        named([value(|s| s.mean), value(|s| s.median), value(|s| s.share_0), value(|s| s.share_1)])
    }

    fn of(&self, wanted: impl Fn(usize) -> bool) -> AupimoSummary {
        let Some([middle, low, high]) = self.three(wanted).filter(|_| !self.undefined) else {
            return AupimoSummary::default();
        };
        AupimoSummary {
            mean: Some(middle.mean),
            mean_low: Some(low.mean),
            mean_high: Some(high.mean),
            median: Some(middle.median),
            share_0: Some(middle.share_0),
            share_1: Some(middle.share_1),
        }
    }

    /// Statistics of the scores, of their lower and of their upper ends; `None` without an image.
    fn three(&self, wanted: impl Fn(usize) -> bool) -> Option<[Statistics; 3]> {
        let of = |score: &dyn Fn(usize) -> f64| {
            let images = self.images.iter().enumerate().filter(|(_, (_, defect))| wanted(*defect as usize));
            Statistics::of(images.map(|(index, _)| score(index)).collect())
        };
        let middle = of(&|index| self.images[index].0)?;
        if self.ends.is_empty() {
            return Some([middle; 3]);
        }
        Some([middle, of(&|index| self.ends[index][0])?, of(&|index| self.ends[index][1])?])
    }
}

#[derive(Clone, Copy, Default)]
struct Statistics {
    mean: f64,
    median: f64,
    share_0: f64,
    share_1: f64,
}

impl Statistics {
    fn of(mut scores: Vec<f64>) -> Option<Self> {
        if scores.is_empty() {
            return None;
        }
        let count = scores.len();
        let share = |value: f64| scores.iter().filter(|&&score| score == value).count() as f64 / count as f64;
        let (share_0, share_1) = (share(0.0), share(1.0));
        let mean = scores.iter().sum::<f64>() / count as f64;
        scores.sort_by(f64::total_cmp);
        let median = f64::midpoint(scores[(count - 1) / 2], scores[count / 2]);
        Some(Self { mean, median, share_0, share_1 })
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

/// Plain means over categories of these metrics.
pub(crate) fn macro_metrics(categories: &[[(&'static str, MetricValue); 4]]) -> [(&'static str, MetricValue); 4] {
    let mean = |index: usize| {
        let of = |field: fn(&MetricValue) -> Option<f64>| {
            let values: Option<Vec<f64>> = categories.iter().map(|metrics| field(&metrics[index].1)).collect();
            values.filter(|values| !values.is_empty()).map(|values| values.iter().sum::<f64>() / values.len() as f64)
        };
        let (value, low, high) = (of(|m| m.value), of(|m| m.low), of(|m| m.high));
        let exact = low.zip(high).is_some_and(|(low, high)| Interval::new(low, high).is_exact());
        MetricValue { value, low, high, exact }
    };
    named([mean(0), mean(1), mean(2), mean(3)])
}

fn named(values: [MetricValue; 4]) -> [(&'static str, MetricValue); 4] {
    let [mean, median, share_0, share_1] = values;
    [("aupimo_mean", mean), ("aupimo_median", median), ("aupimo_share_0", share_0), ("aupimo_share_1", share_1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_by_hand() {
        let mut scores = Scores::default();
        for (score, defect) in [(0.0, "cut"), (1.0, "cut"), (0.25, "hole"), (1.0, "hole")] {
            scores.add(Some(Interval::point(score)), Some(defect));
        }
        let all = scores.summary();
        assert_eq!((all.mean, all.median), (Some(0.5625), Some(0.625)));
        assert_eq!((all.share_0, all.share_1), (Some(0.25), Some(0.5)));
        assert_eq!(scores.by_defect()["hole"].aupimo.mean, Some(0.625));
        assert_eq!(macro_average(&[all, AupimoSummary { mean: Some(0.4375), ..all }]).mean, Some(0.5));
        assert_eq!(macro_average(&[all, AupimoSummary::default()]).mean, None);
        scores.add(None, None);
        assert_eq!(scores.summary(), AupimoSummary::default());
        assert_eq!(scores.metrics()[0].1, MetricValue::default());
    }

    #[test]
    fn intervals_reach_from_the_lower_ends_to_the_upper() {
        let mut scores = Scores::default();
        for interval in [Interval::point(0.5), Interval::new(0.0, 0.25), Interval::new(0.75, 1.0)] {
            scores.add(Some(interval), None);
        }
        let [mean, median, share_0, share_1] = scores.metrics().map(|(_, metric)| metric);
        let near = |end: Option<f64>, exact: f64| end.is_some_and(|end| (end - exact).abs() < 1e-15);
        assert!(near(mean.low, 1.25 / 3.0) && near(mean.high, 1.75 / 3.0), "{mean:?}");
        assert_eq!((median.value, median.exact), (Some(0.5), true));
        // The second image may be at 0, the third at 1.
        for share in [share_0, share_1] {
            assert!(share.low == Some(0.0) && share.value == Some(0.0) && near(share.high, 1.0 / 3.0), "{share:?}");
        }
    }
}
