//! The plots of a report.

use pimo_analysis::boxplot::BoxplotStatistics;

use super::format;
use super::model::{CategoryReport, Example, Report};
use crate::svg::{
    BoxRow, BoxplotChart, CurveChart, CurveSeries, Marker, Neighbour, Outlier, RankDiagram, RankedModel, ScatterChart,
    ScatterGroup, ScatterPoint,
};

impl Report {
    pub(super) fn model_name(&self, model: usize) -> &str {
        self.models.get(model).map_or("", |model| &model.name)
    }

    /// Average ranks over all categories; neighbours are joined where their ranks differ by less than the critical
    /// difference.
    pub(super) fn overall_diagram(&self) -> Option<String> {
        let overall = self.overall.as_ref().filter(|_| self.models.len() > 1 && self.categories.len() > 1)?;
        let rank = |model: usize| self.models[model].average_rank;
        let neighbours = overall.order.windows(2).map(|pair| {
            let (better, worse) = (pair[0], pair[1]);
            let difference = rank(worse) - rank(better);
            let joined = overall.critical_difference.is_none_or(|critical| difference < critical);
            let wins = overall.wins[better][worse];
            let text = format!("{wins} of {}", overall.categories);
            let detail = format!(
                "{} beats {} in {text} categories at {}\nranks differ by {difference:.3}",
                self.model_name(better),
                self.model_name(worse),
                format::percent(self.confidence_level)
            );
            Neighbour { joined, text, detail }
        });
        Some(
            RankDiagram {
                label: format!("Average ranks of the detectors over {} categories", overall.categories),
                models: self.ranked(&overall.order, rank),
                neighbours: neighbours.collect(),
                critical_difference: overall.critical_difference,
            }
            .svg(),
        )
    }

    pub(super) fn category_diagram(&self, category: &CategoryReport) -> Option<String> {
        if self.models.len() < 2 {
            return None;
        }
        let neighbours = category.neighbours.iter().map(|pair| {
            let text = format::confidence(pair.confidence);
            let detail = format!(
                "confidence {text} that {} is better than {}\nmean difference {}",
                self.model_name(pair.better),
                self.model_name(pair.worse),
                format::score(pair.mean_difference)
            );
            let joined = pair.confidence.is_none_or(|confidence| confidence < self.confidence_level);
            Neighbour { joined, text, detail }
        });
        Some(
            RankDiagram {
                label: format!("Average ranks of the detectors on {}", category.name),
                models: self.ranked(&category.order, |model| category.models[model].average_rank),
                neighbours: neighbours.collect(),
                critical_difference: None,
            }
            .svg(),
        )
    }

    fn ranked(&self, order: &[usize], rank: impl Fn(usize) -> f64) -> Vec<RankedModel> {
        let ranked = |&model: &usize| RankedModel { name: self.model_name(model).to_owned(), rank: rank(model) };
        order.iter().map(ranked).collect()
    }

    pub(super) fn boxplots(&self, category: &CategoryReport) -> String {
        let rows = category.order.iter().filter_map(|&model| {
            let result = &category.models[model];
            let statistics = BoxplotStatistics::of(&result.scores).ok()?;
            let outside = statistics.low_outliers.iter().chain(&statistics.high_outliers);
            let outliers = outside
                .map(|&image| Outlier { value: result.scores[image], name: category.images[image].id.clone() })
                .collect();
            let markers = self.plotted_metrics.iter().enumerate().filter_map(|(series, &metric)| {
                let value = result.metrics[metric]?;
                Some(Marker { series: series + 1, name: format::metric(&self.metrics[metric]), value })
            });
            let markers = markers.collect();
            Some(BoxRow { name: self.model_name(model).to_owned(), statistics, outliers, markers })
        });
        BoxplotChart {
            label: format!("Boxplots of the per-image scores on {}", category.name),
            score: format!("{} per image", self.score),
            rows: rows.collect(),
        }
        .svg()
    }

    /// The curves of examples of one detector; `None` if there are none.
    pub(super) fn curves(&self, category: &CategoryReport, examples: &[&Example]) -> Option<String> {
        let series: Vec<CurveSeries> = examples
            .iter()
            .filter(|example| !example.curve.is_empty())
            .map(|example| {
                let image = &category.images[example.image].id;
                let name = format!("{}: {} ({image})", example.statistic, format::score(example.score));
                CurveSeries { name, points: example.curve.clone() }
            })
            .collect();
        let label = format!("PIMO curves of chosen images of {}", category.name);
        (!series.is_empty()).then(|| CurveChart { label, bounds: self.bounds, series }.svg())
    }

    /// The score against each plotted metric, over the categories.
    pub(super) fn scatters(&self) -> Vec<String> {
        let charts = self.plotted_metrics.iter().map(|&metric| {
            let groups = self.models.iter().enumerate().map(|(model, overview)| {
                let points = self.categories.iter().filter_map(|category| {
                    let result = &category.models[model];
                    Some(ScatterPoint { name: category.name.clone(), x: result.metrics[metric]?, y: result.mean })
                });
                ScatterGroup { name: overview.name.clone(), points: points.collect() }
            });
            let groups: Vec<ScatterGroup> = groups.collect();
            let (x, y) = (format::metric(&self.metrics[metric]), format!("mean {}", self.score));
            (groups.iter().any(|group| !group.points.is_empty()))
                .then(|| ScatterChart { label: format!("{y} against {x} over categories"), x, y, groups }.svg())
        });
        charts.flatten().collect()
    }
}
