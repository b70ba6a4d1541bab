//! Heat maps, plots and the HTML report of a pimo run.
//!
//! A score per image can be looked at. This crate draws: [`heatmap`] one anomaly map over its image, with colours that
//! stand for false-positive rates; [`svg`] PIMO curves, boxplots, rank diagrams and scatter plots; [`page`] a whole
//! report as one HTML file that needs no network; and [`assemble`] turns the results of runs into such a report, with
//! the statistics of `pimo-analysis`.
//!
//! Nothing here opens images or maps: pixels and frames come from the caller, results from `pimo-evidence`. The same input
//! gives the same bytes.
//!
//! ```
//! use pimo_evidence::{EvaluatedImage, Evidence, ModelScores};
//! use pimo_report::assemble::{Settings, report_of};
//!
//! let scores = |model: &str, scores: [f64; 3]| ModelScores {
//!     model: model.to_owned(),
//!     category: "screw".to_owned(),
//!     images: (0..3)
//!         .map(|image| EvaluatedImage {
//!             id: format!("screw/scratch/{image:03}"),
//!             score: Some(scores[image]),
//!             ..Default::default()
//!         })
//!         .collect(),
//!     ..Default::default()
//! };
//! let results = vec![scores("padim", [0.1, 0.4, 0.2]), scores("patchcore", [0.3, 0.9, 0.6])];
//! let report = report_of(&Evidence { results, ..Default::default() }, &Settings::default())?;
//! assert_eq!(report.categories[0].order, [1, 0]);
//!
//! let page = report.to_html()?;
//! assert!(page.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod assemble;
pub mod heatmap;
pub mod page;
pub mod svg;
