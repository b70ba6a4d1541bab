//! Counting the pixels of some pages of a key histogram, and no others.

use multiversion::multiversion;
use pimo_frame::{Mask, RowVisitor, SCORE_BLOCK, Sample};

use crate::region::normal_stretches;
use crate::score_rows::{Rows, by_runs};
use crate::{OrderedKey, RegionRun};

/// Scores that are gathered before they are counted.
const ROOM: usize = 4 * SCORE_BLOCK;

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
}

/// Writes those of a block of scores that lie in the chosen pages to the beginning of `room`, and says how many.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma+bmi1+bmi2", "x86_64+avx2+fma+bmi1+bmi2"))]
fn choose<K: OrderedKey, S: Sample>(scores: &[S], chosen: &[u32], room: &mut [S; SCORE_BLOCK]) -> usize {
    let chosen = &chosen[..1 << (K::PREFIX_BITS - u32::BITS.ilog2())];
    let mut is_chosen = [0; SCORE_BLOCK];
    let mut any = 0;
    for (score, is_chosen) in scores.iter().zip(&mut is_chosen) {
        let page = K::of(score.to_f64()).prefix();
        *is_chosen = chosen[page / 32] >> (page % 32) & 1;
        any |= *is_chosen;
    }
    let mut count = 0;
    if any > 0 {
        // Whether a score is chosen is hard to foresee: it is written down in any case.
        for (&score, is_chosen) in scores.iter().zip(is_chosen) {
            room[count % SCORE_BLOCK] = score;
            count += is_chosen as usize;
        }
    }
    count
}

/// Shows a counter those pixels of a frame that lie in chosen pages.
pub(crate) struct ChosenRows<'a, K: OrderedKey> {
    pub(crate) rows: Rows<'a, K>,
    pub(crate) pages: &'a ChosenPages,
}

impl<K: OrderedKey> RowVisitor for ChosenRows<'_, K> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        self.rows(y, row, row.len(), None);
    }

    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, _: Option<&Mask>) {
        by_runs(self.rows.regions, first, rows, width, |scores, runs| {
            for (start, end) in normal_stretches(runs, scores.len()) {
                self.count(&scores[start..end], None);
            }
            for run in runs {
                self.count(&scores[run.start as usize..run.end as usize], Some(run.region));
            }
        });
    }
}

impl<K: OrderedKey> ChosenRows<'_, K> {
    /// Counts the chosen ones of scores that are all normal, or all in one region.
    fn count<S: Sample>(&mut self, scores: &[S], region: Option<u32>) {
        let mut room = [S::default(); ROOM];
        let mut count = 0;
        for block in scores.chunks(SCORE_BLOCK) {
            if count > ROOM - SCORE_BLOCK {
                self.count_all(&room[..count], region);
                count = 0;
            }
            let Some(free) = room[count..].first_chunk_mut() else { unreachable!("there is room for a block") };
            count += choose::<K, S>(block, &self.pages.bits, free);
        }
        self.count_all(&room[..count], region);
    }

    fn count_all<S: Sample>(&mut self, scores: &[S], region: Option<u32>) {
        let run = region.map(|region| RegionRun { start: 0, end: scores.len() as u32, region });
        self.rows.count(scores, run.as_slice());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn only_scores_of_chosen_pages_are_gathered(
            scores in proptest::collection::vec(prop_oneof![0.5_f32..2.0, Just(-0.0), Just(-3.5), Just(1e30)], 0..=SCORE_BLOCK),
            wanted in proptest::collection::vec((0_usize..SCORE_BLOCK, any::<bool>()), 0..6),
        ) {
            let single = |score: f32| u32::of(score.into()).prefix();
            let double = |score: f32| u64::of(score.into()).prefix();
            let some = || wanted.iter().filter_map(|&(at, _)| scores.get(at).copied());
            let pages: Vec<usize> = some().map(single).collect();
            let chosen: Vec<f32> = scores.iter().copied().filter(|&score| pages.contains(&single(score))).collect();
            let mut room = [0.0; SCORE_BLOCK];
            let count = choose::<u32, f32>(&scores, &ChosenPages::new(&pages).bits, &mut room);
            prop_assert_eq!(&room[..count], &chosen[..]);
            // Pages of double precision are as wide, and numbered in another way.
            let pages: Vec<usize> = some().map(double).collect();
            let count = choose::<u64, f32>(&scores, &ChosenPages::new(&pages).bits, &mut room);
            prop_assert_eq!(&room[..count], &chosen[..]);
        }
    }
}
