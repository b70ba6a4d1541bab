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
pub(crate) fn log_spaced(first: f64, last: f64, count: usize) -> impl Iterator<Item = f64> {
    let (start, length) = (libm::log(first), libm::log(last) - libm::log(first));
    let steps = count.saturating_sub(1).max(1) as f64;
    (0..count).map(move |i| match i {
        0 => first,
        _ if i + 1 == count => last,
        _ => libm::exp(start + length * (i as f64 / steps)),
    })
}
