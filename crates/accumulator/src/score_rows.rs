//! Showing the rows of a frame to a counter of scores.

use std::sync::{Mutex, PoisonError};

use pimo_frame::{Mask, RowVisitor, Sample};

use crate::{KeyCounter, KeyHistogram, OrderedKey, RegionRun, Regions, ScoreHistogram};

/// Shows rows with their anomalous runs, those without any together.
pub(crate) fn by_runs<S>(
    regions: Option<&Regions>,
    first: usize,
    rows: &[S],
    width: usize,
    mut see: impl FnMut(&[S], &[RegionRun]),
) {
    let mut normal = 0;
    for (index, y) in (first..first + rows.len() / width).enumerate() {
        let runs = runs(regions, y);
        if !runs.is_empty() {
            see(&rows[normal * width..index * width], &[]);
            see(&rows[index * width..][..width], runs);
            normal = index + 1;
        }
    }
    see(&rows[normal * width..], &[]);
}

/// The anomalous pixels of row `y`.
fn runs(regions: Option<&Regions>, y: usize) -> &[RegionRun] {
    regions.map_or(&[], |regions| regions.row(y))
}

/// The weights of the regions.
pub(crate) fn weights(regions: Option<&Regions>) -> &[u128] {
    regions.map_or(&[], Regions::weights)
}

/// Counts all pixels from some row on, and adds what waits to the histogram in time.
pub(crate) struct Rows<'a, K: OrderedKey> {
    pub(crate) counter: &'a mut KeyCounter<K>,
    pub(crate) regions: Option<&'a Regions>,
    pub(crate) from: usize,
    pub(crate) histogram: &'a Mutex<ScoreHistogram>,
    pub(crate) of_type: fn(&mut ScoreHistogram) -> &mut KeyHistogram<K>,
}

impl<K: OrderedKey> RowVisitor for Rows<'_, K> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        self.rows(y, row, row.len(), None);
    }

    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, _: Option<&Mask>) {
        // Every look shows the same rows together.
        if first >= self.from {
            by_runs(self.regions, first, rows, width, |scores, runs| self.count(scores, runs));
        }
    }
}

impl<K: OrderedKey> Rows<'_, K> {
    /// Counts scores of which the runs are anomalous.
    pub(crate) fn count<S: Sample>(&mut self, scores: &[S], runs: &[RegionRun]) {
        self.counter.count_row(scores, runs, weights(self.regions));
        self.hand_over();
    }

    /// Adds what waits to the histogram if it is much.
    pub(crate) fn hand_over(&mut self) {
        if self.counter.is_full() {
            let arranged = self.counter.arrange();
            let mut histogram = self.histogram.lock().unwrap_or_else(PoisonError::into_inner);
            self.counter.flush_arranged(&arranged, (self.of_type)(&mut histogram));
        } else if self.counter.is_curious()
            // Skipped if another thread holds the lock: a fresh resolution is only an optimisation.
            && let Ok(mut histogram) = self.histogram.try_lock()
        {
            self.counter.take_over((self.of_type)(&mut histogram));
        }
    }
}

/// Counts an image [ahead](crate::key_ahead), as far as that goes.
pub(crate) struct RowsAhead<'a, K: OrderedKey> {
    pub(crate) counter: &'a mut KeyCounter<K>,
    pub(crate) regions: Option<&'a Regions>,
}

impl<K: OrderedKey> RowVisitor for RowsAhead<'_, K> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        self.rows(y, row, row.len(), None);
    }

    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, _: Option<&Mask>) {
        if self.counter.goes_ahead() {
            let Self { counter, regions } = self;
            by_runs(*regions, first, rows, width, |scores, runs| {
                counter.count_row_ahead(scores, runs, weights(*regions));
            });
            self.counter.gone_ahead(first + rows.len() / width);
        }
    }
}

/// Takes the rows back that were counted ahead.
pub(crate) struct RowsBack<'a, K: OrderedKey> {
    pub(crate) counter: &'a mut KeyCounter<K>,
    pub(crate) regions: Option<&'a Regions>,
}

impl<K: OrderedKey> RowVisitor for RowsBack<'_, K> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        if y < self.counter.rows_ahead() {
            self.counter.take_row_back(row, runs(self.regions, y));
        }
    }
}
