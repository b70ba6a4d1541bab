//! The comparison within one category.

use super::{CategoryComparison, ModelSummary, NeighbourDifference, Omnibus, Settings, pairs};
use crate::bootstrap::mean_intervals;
use crate::error::AnalysisError;
use crate::friedman::BlockRanks;
use crate::mean::mean;
use crate::paired::differences;
use crate::quantile::median;

/// `scores[model][image]` must hold at least one detector.
pub(super) fn compare_category(
    category: usize,
    scores: &[Vec<f64>],
    settings: &Settings,
) -> Result<CategoryComparison, AnalysisError> {
    let omnibus = Omnibus::of(BlockRanks::of(scores)?, settings.alpha)?;
    let pairs = pairs::test_pairs(scores, settings)?;
    let (models, neighbours) = summarise(scores, &omnibus, settings)?;
    Ok(CategoryComparison {
        category,
        images: omnibus.blocks,
        order: omnibus.order.clone(),
        models,
        neighbours,
        pairs,
        omnibus,
    })
}

/// Detectors and neighbouring differences, with intervals from the same resamples.
fn summarise(
    scores: &[Vec<f64>],
    omnibus: &Omnibus,
    settings: &Settings,
) -> Result<(Vec<ModelSummary>, Vec<NeighbourDifference>), AnalysisError> {
    let neighbours: Vec<(usize, usize)> = omnibus.order.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let steps = neighbours
        .iter()
        .map(|&(better, worse)| differences(&scores[better], &scores[worse]))
        .collect::<Result<Vec<_>, _>>()?;
    let vectors: Vec<&[f64]> = scores.iter().chain(&steps).map(Vec::as_slice).collect();
    let intervals = mean_intervals(&vectors, &settings.bootstrap)?;
    let (of_models, of_steps) = intervals.split_at(scores.len());

    let models = scores.iter().zip(of_models).enumerate().map(|(model, (scores, &interval))| {
        Ok(ModelSummary {
            model,
            images: scores.len(),
            mean: mean(scores),
            median: median(scores).ok_or(AnalysisError::NoScores)?,
            average_rank: omnibus.average_ranks[model],
            interval,
        })
    });
    let neighbours = neighbours.into_iter().zip(&steps).zip(of_steps).map(|(((better, worse), step), &interval)| {
        NeighbourDifference { better, worse, mean_difference: mean(step), interval }
    });
    Ok((models.collect::<Result<_, _>>()?, neighbours.collect()))
}
