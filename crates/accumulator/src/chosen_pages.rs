//! Some pages of a key histogram: the scores that lie in them, and no others.

use pimo_frame::{Mask, RowVisitor, Sample};

use crate::score_rows::{Rows, by_runs};
use crate::{OrderedKey, Regions};

/// Some pages of a histogram.
#[derive(Clone, Debug)]
pub struct ChosenPages {
    /// A bit for every page that there may be, with keys of either type.
    bits: Vec<u32>,
}

impl ChosenPages {
    /// These [pages](crate::ScoreHistogram::page_of).
    pub fn new(pages: &[usize]) -> Self {
        let mut bits = vec![0; 1 << (u64::PREFIX_BITS - u32::BITS.ilog2())];
        for page in pages {
            bits[page / 32] |= 1 << (page % 32);
        }
        Self { bits }
    }

    /// Their prefixes, in ascending order.
    pub(crate) fn prefixes(&self) -> impl Iterator<Item = usize> {
        let words = self.bits.iter().enumerate().filter(|(_, word)| **word != 0);
        words.flat_map(|(at, &word)| (0..32).filter(move |bit| word >> bit & 1 == 1).map(move |bit| 32 * at + bit))
    }

    pub(crate) fn contains(&self, prefix: usize) -> bool {
        self.bits[prefix / 32] >> (prefix % 32) & 1 == 1
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
        let weights = regions.map_or(&[][..], Regions::weights);
        by_runs(*regions, first, rows, width, |row, runs| {
            counter.count_anomalous(row, runs, weights, |key| pages.contains(key.prefix()));
        });
        self.rows.hand_over();
    }
}
