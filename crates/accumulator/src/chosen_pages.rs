//! Some pages of a key histogram: the scores that lie in them, and no others.

use pimo_frame::{Mask, RowVisitor, Sample};

use crate::OrderedKey;
use crate::score_rows::{Rows, by_runs, weights};

/// Some pages of a histogram.
#[derive(Clone, Debug)]
pub struct ChosenPages {
    /// For every page that there may be, with keys of either type.
    is_chosen: Vec<bool>,
}

impl ChosenPages {
    /// These [pages](crate::ScoreHistogram::page_of).
    pub fn new(pages: &[usize]) -> Self {
        let mut is_chosen = vec![false; 1 << u64::PREFIX_BITS];
        for &page in pages {
            is_chosen[page] = true;
        }
        Self { is_chosen }
    }

    /// Their prefixes, in ascending order.
    pub(crate) fn prefixes(&self) -> impl Iterator<Item = usize> {
        self.is_chosen.iter().enumerate().filter(|(_, is_chosen)| **is_chosen).map(|(prefix, _)| prefix)
    }

    pub(crate) fn contains(&self, prefix: usize) -> bool {
        self.is_chosen[prefix]
    }
}

/// Shows a counter those anomalous pixels of a frame that lie in chosen pages.
pub(crate) struct AnomalousRows<'a, K: OrderedKey> {
    pub(crate) rows: Rows<'a, K>,
    pub(crate) pages: &'a ChosenPages,
}

impl<K: OrderedKey> RowVisitor for AnomalousRows<'_, K> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        self.rows(y, row, row.len(), None);
    }

    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, _: Option<&Mask>) {
        let Self { rows: Rows { counter, regions, .. }, pages } = self;
        by_runs(*regions, first, rows, width, |row, runs| {
            counter.count_anomalous(row, runs, weights(*regions), |key| pages.contains(key.prefix()));
        });
        self.rows.hand_over();
    }
}
