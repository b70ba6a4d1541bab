//! Walking down the bins of a histogram.

use std::ops::ControlFlow;

use crate::ScoreBin;

/// What walks down the bins of a histogram, from the highest scores to the lowest.
///
/// Closures do, which see every bin:
///
/// ```
/// use std::ops::ControlFlow;
///
/// use pimo_accumulator::{KeyHistogram, Resolution, ScoreBin};
///
/// let histogram = KeyHistogram::<u32>::new(Resolution::default());
/// let mut negatives = 0;
/// histogram.walk_down(&mut |bin: &ScoreBin| {
///     negatives += bin.negatives;
///     ControlFlow::Continue(())
/// });
/// assert_eq!(negatives, 0);
/// ```
pub trait BinWalk {
    /// Goes past the next occupied bin; breaks where it need not see more.
    fn pass(&mut self, bin: &ScoreBin) -> ControlFlow<()>;

    /// Goes past several neighbouring bins without anomalous pixels at once, if it does not matter which of the normal
    /// pixels are in which; if it does, nothing happens, and they come one by one. They are given as one bin that
    /// reaches from their lowest score to their highest. Says whether it went.
    #[inline]
    fn pass_together(&mut self, _bins: &ScoreBin) -> bool {
        false
    }
}

impl<See: FnMut(&ScoreBin) -> ControlFlow<()>> BinWalk for See {
    #[inline]
    fn pass(&mut self, bin: &ScoreBin) -> ControlFlow<()> {
        self(bin)
    }
}
