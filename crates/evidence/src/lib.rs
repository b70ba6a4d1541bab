//! What is known of detectors, from wherever it comes, ready to be compared.
//!
//! A [`Source`] is a run folder of `pimo eval` or a tree of published scores. [`Evidence::of`] reads one score per
//! image from some of them, with what decides whether scores may be compared: bounds, thresholds, masks. [`match_up`]
//! then finds the images that all detectors have, and refuses what does not belong together.
//!
//! ```
//! use pimo_evidence::{EvaluatedImage, Evidence, Matching, ModelScores, match_up};
//!
//! let scores = |model: &str, scores: [f64; 2]| ModelScores {
//!     model: model.to_owned(),
//!     category: "screw".to_owned(),
//!     images: (0..2)
//!         .map(|image| EvaluatedImage {
//!             id: format!("screw/scratch/{image:03}"),
//!             score: Some(scores[image]),
//!             ..Default::default()
//!         })
//!         .collect(),
//!     ..Default::default()
//! };
//! let results = vec![scores("padim", [0.1, 0.4]), scores("patchcore", [0.3, 0.9])];
//! let evidence = Evidence { results, ..Default::default() };
//! let matched = match_up(&evidence, Matching::Strict)?;
//! assert_eq!(matched.categories[0].scores, [[0.1, 0.4], [0.3, 0.9]]);
//! # Ok::<(), pimo_evidence::EvidenceError>(())
//! ```

mod error;
mod evidence;
mod examples;
mod masks;
mod matching;
pub mod metrics;
mod other_scores;
mod published;
mod run_facts;
mod runs;
mod selection;
mod source;
mod undefined;

pub use error::EvidenceError;
pub use evidence::{EvaluatedImage, Evidence, ModelScores, RunDescription};
pub use matching::{Matched, MatchedCategory, Matching, match_up};
pub use selection::Selection;
pub use source::Source;
