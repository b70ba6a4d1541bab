//! The report: one HTML file that needs nothing else.
//!
//! A [`Report`] is plain data; [`Report::write_html`] turns it into a page with all styles, scripts, plots and pictures
//! inside. Its content security policy allows no request at all, and no script or style but its own. Text from outside
//! (names of detectors, categories and files) is escaped wherever it appears. Without scripts everything but the search
//! over all scores can still be read. The same data give the same bytes.

mod base64;
mod cells;
mod format;
mod model;
mod pictures;
mod plots;
mod scores;
mod view;

use std::io::Write;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};

pub use pimo_evidence::RunDescription;

pub use model::{
    CategoryReport, Disagreement, Example, FalsePositiveExample, HeatMapSource, ModelOverview, ModelResult,
    NeighbourResult, OverallComparison, Report, ReportImage, WorstImage,
};

const TEMPLATE: &str = include_str!("report.html");

/// Why a report was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// Parts of the report refer to detectors, images or metrics that it does not have.
    #[error("the report is inconsistent: {0}")]
    Inconsistent(String),

    /// The page could not be made.
    #[error("the report cannot be laid out: {0}")]
    Template(#[from] minijinja::Error),

    /// The page could not be written.
    #[error("the report cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

impl Report {
    /// Writes the report as one HTML page.
    ///
    /// # Errors
    /// Parts of the report do not fit together, or the writer fails.
    pub fn write_html(&self, out: &mut impl Write) -> Result<(), PageError> {
        self.check().map_err(PageError::Inconsistent)?;
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        let page = environment.render_named_str("report.html", TEMPLATE, Serde(view::page(self)))?;
        out.write_all(page.as_bytes())?;
        Ok(())
    }

    /// The page as a string; see [`write_html`](Self::write_html).
    ///
    /// # Errors
    /// Parts of the report do not fit together.
    pub fn to_html(&self) -> Result<String, PageError> {
        let mut page = Vec::new();
        self.write_html(&mut page)?;
        Ok(String::from_utf8_lossy(&page).into_owned())
    }

    /// Says which part does not fit.
    fn check(&self) -> Result<(), String> {
        let models = self.models.len();
        let is_order = |order: &[usize]| {
            let mut seen = vec![false; models];
            for &model in order {
                if let Some(seen) = seen.get_mut(model) {
                    *seen = true;
                }
            }
            order.len() == models && seen.into_iter().all(|seen| seen)
        };
        for category in &self.categories {
            let fits = |part: &str, fits: bool| {
                if fits { Ok(()) } else { Err(format!("{part} of category {:?} do not fit", category.name)) }
            };
            fits("the detectors", category.models.len() == models && is_order(&category.order))?;
            let images = category.images.len();
            fits("the scores", images > 0 && category.models.iter().all(|model| model.scores.len() == images))?;
            let metrics = category.models.iter().all(|model| model.metrics.len() == self.metrics.len());
            fits("the metrics", metrics)?;
            fits("the neighbours", category.neighbours.iter().all(|pair| pair.better < models && pair.worse < models))?;
            fits("the examples", category.examples.iter().all(|one| one.model < models && one.image < images))?;
            fits("the false positives", category.false_positives.iter().all(|one| one.model < models))?;
            fits("the confidences", is_square(&category.confidences, models))?;
        }
        if let Some(overall) = &self.overall
            && !(is_order(&overall.order) && is_square(&overall.wins, models))
        {
            return Err("the comparison over all categories does not fit the detectors".to_owned());
        }
        let metrics_fit = self.models.iter().all(|model| model.metrics.len() == self.metrics.len());
        if !metrics_fit || self.plotted_metrics.iter().any(|&metric| metric >= self.metrics.len()) {
            return Err("the metrics of the detectors do not fit their names".to_owned());
        }
        let fits = |one: &Disagreement| {
            let known = one.category < self.categories.len() && one.metric < self.metrics.len();
            known && one.by_score < models && one.by_metric < models
        };
        if !self.disagreements.iter().all(fits) {
            return Err("a disagreement is about what the report does not have".to_owned());
        }
        let known = |worst: &WorstImage| {
            let category = self.categories.get(worst.category);
            worst.best_model < models && category.is_some_and(|category| worst.image < category.images.len())
        };
        if self.worst.iter().all(known) { Ok(()) } else { Err("a worst image is not known".to_owned()) }
    }
}

fn is_square(matrix: &[Vec<impl Sized>], side: usize) -> bool {
    matrix.len() == side && matrix.iter().all(|row| row.len() == side)
}
