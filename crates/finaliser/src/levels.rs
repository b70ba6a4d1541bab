//! Which points of a curve are written down.

/// Shared FPRs that thresholds are told of by name: axes and curves always have the thresholds that reach them.
pub const NAMED_LEVELS: [f64; 4] = [1e-5, 1e-4, 1e-3, 1e-2];

/// The points of PIMO curves that a run keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurvePoints {
    /// This number of levels of shared FPR, evenly spaced in log scale, [`NAMED_LEVELS`], and the two operating points.
    Levels(usize),
    /// Every threshold.
    Full,
    /// None; the axis still keeps those of the default.
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

    /// Points that may come beside those of evenly spaced levels.
    pub const BESIDE_LEVELS: usize = NAMED_LEVELS.len() + 2;

    /// The levels of shared FPR from `first` to `last` at which points are wanted, ascending; those of the default
    /// above `upper` only where every threshold up to there is kept.
    pub(crate) fn levels(self, first: f64, upper: f64, last: f64) -> Vec<f64> {
        let (from, spaced) = match self.axis_levels() {
            Some(0) => (first, Vec::new()),
            Some(levels) => (first, log_spaced(first, last, levels).collect()),
            None => (upper.next_up(), log_spaced(upper, last, Self::DEFAULT_LEVELS).collect()),
        };
        let mut levels: Vec<f64> = spaced.into_iter().chain(NAMED_LEVELS).collect();
        levels.retain(|level| (from..=last).contains(level));
        levels.sort_by(f64::total_cmp);
        levels
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
