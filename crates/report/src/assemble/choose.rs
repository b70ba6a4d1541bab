//! Images worth looking at.

use pimo_analysis::AnalysisError;
use pimo_analysis::exemplar::{OutlierPolicy, RepeatPolicy, Statistic, exemplars};
use pimo_evidence::MatchedCategory;

use crate::page::{CategoryReport, Example, HeatMapSource, WorstImage};

/// The images nearest to the boxplot statistics of one detector, ascending by score. An image that stands for several
/// statistics occurs once.
pub(super) fn examples(category: &MatchedCategory<'_>, model: usize) -> Result<Vec<Example>, AnalysisError> {
    let mut examples: Vec<Example> = Vec::new();
    for chosen in exemplars(&category.scores[model], OutlierPolicy::None, RepeatPolicy::default())? {
        let name = statistic_name(chosen.statistic);
        if let Some(same) = examples.iter_mut().find(|example| example.image == chosen.index) {
            same.statistic = format!("{}, {name}", same.statistic);
            continue;
        }
        examples.push(Example {
            model,
            image: chosen.index,
            statistic: name,
            score: chosen.score,
            source: source(category, model, chosen.index),
            ..Default::default()
        });
    }
    Ok(examples)
}

fn source(category: &MatchedCategory<'_>, model: usize, image: usize) -> HeatMapSource {
    let (result, image) = (category.results[model], category.images[model][image]);
    HeatMapSource {
        run: result.run,
        map_path: image.map_path.clone(),
        mask_path: image.mask_path.clone(),
        image_path: image.image_path.clone(),
        size: image.size,
        thresholds: result.thresholds,
    }
}

/// What a statistic is called for readers: `median`, `lower whisker`.
pub fn statistic_name(statistic: Statistic) -> String {
    match statistic {
        Statistic::Mean => "mean".to_owned(),
        Statistic::UpperWhisker => "upper whisker".to_owned(),
        Statistic::LowerWhisker => "lower whisker".to_owned(),
        Statistic::FirstQuartile => "first quartile".to_owned(),
        Statistic::Median => "median".to_owned(),
        Statistic::ThirdQuartile => "third quartile".to_owned(),
        Statistic::HighOutlier(number) => format!("high outlier {}", number + 1),
        Statistic::LowOutlier(number) => format!("low outlier {}", number + 1),
    }
}

/// The images on which even the best detector scores lowest; of equal ones those with the lowest mean, then in order.
pub(super) fn worst(categories: &[CategoryReport], count: usize) -> Vec<WorstImage> {
    let mut worst: Vec<WorstImage> = Vec::new();
    for (category, report) in categories.iter().enumerate() {
        worst.extend((0..report.images.len()).map(|image| {
            let scores = || report.models.iter().map(|model| model.scores[image]);
            let mut best = (0, f64::NEG_INFINITY);
            for (model, score) in scores().enumerate() {
                if score > best.1 {
                    best = (model, score);
                }
            }
            let mean = scores().sum::<f64>() / report.models.len() as f64;
            WorstImage { category, image, best_model: best.0, best: best.1, mean }
        }));
        worst.sort_by(|a, b| a.best.total_cmp(&b.best).then(a.mean.total_cmp(&b.mean)));
        worst.truncate(count);
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{ModelResult, ReportImage};

    #[test]
    fn worst_images_are_those_that_no_detector_finds() {
        let model = |scores: &[f64]| ModelResult { scores: scores.to_vec(), ..Default::default() };
        let category = CategoryReport {
            images: vec![ReportImage::default(); 3],
            models: vec![model(&[0.0, 0.9, 0.2]), model(&[0.8, 0.1, 0.2])],
            ..Default::default()
        };
        let found = worst(&[category.clone(), category], 3);
        let found: Vec<_> = found.iter().map(|one| (one.category, one.image, one.best_model, one.best)).collect();
        assert_eq!(found, [(0, 2, 0, 0.2), (1, 2, 0, 0.2), (0, 0, 1, 0.8)]);
    }
}
