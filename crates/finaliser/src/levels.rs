//! Which points of a curve are written down.

/// The points of PIMO curves that a run keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurvePoints {
    /// So many levels of shared FPR, evenly spaced in log scale, and the two operating points.
    Levels(usize),
    /// Every threshold.
    Full,
    /// None; the axis still keeps its default number of levels.
    None,
}

impl Default for CurvePoints {
    fn default() -> Self {
        Self::Levels(Self::DEFAULT_LEVELS)
    }
}

impl CurvePoints {
    /// Levels when nothing else is asked for.
    pub const DEFAULT_LEVELS: usize = 200;

    /// The levels of shared FPR from `first` to `last` at which points are wanted, ascending; those of the default
    /// above `upper` only where every threshold up to there is kept.
    pub(crate) fn levels(self, first: f64, upper: f64, last: f64) -> Vec<f64> {
        match self.axis_levels() {
            Some(0) => Vec::new(),
            Some(levels) => log_spaced(first, last, levels).collect(),
            None => log_spaced(upper, last, Self::DEFAULT_LEVELS).filter(|&level| level > upper).collect(),
        }
    }

    /// Number of levels for the axis.
    pub(crate) const fn axis_levels(self) -> Option<usize> {
        match self {
            Self::Levels(levels) => Some(levels),
            Self::None => Some(Self::DEFAULT_LEVELS),
            Self::Full => None,
        }
    }
}

/// `count` rates from `first` to `last`, evenly spaced in log scale, ends included.
pub fn log_spaced(first: f64, last: f64, count: usize) -> impl Iterator<Item = f64> {
    let (start, length) = (libm::log(first), libm::log(last) - libm::log(first));
    let steps = count.saturating_sub(1).max(1) as f64;
    (0..count).map(move |i| match i {
        0 => first,
        _ if i + 1 == count => last,
        _ => libm::exp(start + length * (i as f64 / steps)),
    })
}
