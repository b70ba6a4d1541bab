//! What is known of the pixels of one key.

/// Normal pixels of one key of a page, named by its low bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally<L> {
    pub(crate) low: L,
    pub(crate) count: u64,
}

/// Anomalous pixels of one key of a page, with the sum of their region weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weighted<L> {
    pub(crate) weight: u128,
    pub(crate) count: u64,
    pub(crate) low: L,
}

/// Pixels of one key, of either class.
pub(crate) trait OneKey<L>: Copy {
    fn low(&self) -> L;
    /// Adds pixels of the same key.
    fn add(&mut self, more: &Self);
}

impl<L: Copy> OneKey<L> for Tally<L> {
    fn low(&self) -> L {
        self.low
    }

    fn add(&mut self, more: &Self) {
        self.count += more.count;
    }
}

impl<L: Copy> OneKey<L> for Weighted<L> {
    fn low(&self) -> L {
        self.low
    }

    fn add(&mut self, more: &Self) {
        self.count += more.count;
        self.weight += more.weight;
    }
}
