//! Why results cannot be put into one report.

use pimo_analysis::AnalysisError;
use pimo_evidence::EvidenceError;
use pimo_store::StoreError;

/// Results that do not belong together, or cannot be read or analysed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssembleError {
    /// Results cannot be read, or do not belong together.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),

    /// Scores cannot be analysed.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),

    /// The curves of a run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
