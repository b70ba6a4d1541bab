//! Directions of a test of paired differences.

use std::fmt;

/// What is claimed of the differences `x - y` when the null hypothesis is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alternative {
    /// `x` and `y` differ.
    TwoSided,
    /// `x` is greater than `y`.
    Greater,
    /// `x` is less than `y`.
    Less,
}

impl Alternative {
    /// All directions, in the order in which results are listed.
    pub const ALL: [Self; 3] = [Self::TwoSided, Self::Greater, Self::Less];

    /// Lower-case name as in tables: `two-sided`, `greater`, `less`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TwoSided => "two-sided",
            Self::Greater => "greater",
            Self::Less => "less",
        }
    }

    /// The same claim with `x` and `y` exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        match self {
            Self::TwoSided => Self::TwoSided,
            Self::Greater => Self::Less,
            Self::Less => Self::Greater,
        }
    }

    /// p-value from the probabilities, under the null hypothesis, of a statistic at least (`upper`)
    /// and at most (`lower`) as large as the one observed.
    pub(crate) fn p_value(self, upper: f64, lower: f64) -> f64 {
        match self {
            Self::TwoSided => (2.0 * upper.min(lower)).min(1.0),
            Self::Greater => upper,
            Self::Less => lower,
        }
    }
}

impl fmt::Display for Alternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
