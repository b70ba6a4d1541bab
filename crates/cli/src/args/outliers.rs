//! `--outliers`.

use clap::ValueEnum;
use pimo_analysis::exemplar::OutlierPolicy;

/// Which outliers are shown beside the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Outliers {
    /// None
    None,
    /// Scores above the upper whisker
    High,
    /// Scores below the lower whisker
    Low,
    /// Both
    Both,
}

impl Outliers {
    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::High => "high",
            Self::Low => "low",
            Self::Both => "both",
        }
    }
}

impl From<Outliers> for OutlierPolicy {
    fn from(outliers: Outliers) -> Self {
        match outliers {
            Outliers::None => Self::None,
            Outliers::High => Self::High,
            Outliers::Low => Self::Low,
            Outliers::Both => Self::Both,
        }
    }
}
