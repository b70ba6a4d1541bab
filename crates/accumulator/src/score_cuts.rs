//! Pages of the histogram of all pixels, counted again between the scores of anomalous pixels, and the counters that
//! several threads fill them with.

use pimo_frame::{Comparison, Frame, Mask, RowScratch, RowVisitor, Sample};

use crate::chosen_pages::ChosenPages;
use crate::key_cells::{FULL, add_one};
use crate::key_cuts::KeyCuts;
use crate::{KeyCounter, OrderedKey, Resolution, ScoreHistogram, resolution};

/// Slots noted as full that make a counter hand over what it has.
const MOST_FULL: usize = 1 << 16;

/// Some [pages](ScoreHistogram::page_of) of a histogram with the number of normal pixels at every score of an anomalous
/// pixel, and between each two of them: as much as metrics can ask.
#[derive(Debug)]
pub struct ScoreCuts {
    pub(crate) keys: Keys,
}

#[derive(Debug)]
pub(crate) enum Keys {
    Single(KeyCuts<u32>),
    Double(KeyCuts<u64>),
}

impl Keys {
    /// The cuts of single-precision keys, for a histogram of these.
    pub(crate) fn single(&self) -> &KeyCuts<u32> {
        match self {
            Self::Single(cuts) => cuts,
            Self::Double(_) => unreachable!("{MISMATCH}"),
        }
    }

    /// The cuts of double-precision keys, for a histogram of these.
    pub(crate) fn double(&self) -> &KeyCuts<u64> {
        match self {
            Self::Double(cuts) => cuts,
            Self::Single(_) => unreachable!("{MISMATCH}"),
        }
    }
}

const MISMATCH: &str = "a histogram was read with cuts of the other type";

impl ScoreCuts {
    /// Cuts these pages at the pixels of a histogram that has their anomalous pixels, and
    /// [no others](crate::ScoreCounter::count_anomalous); and at these thresholds, so that it is known how many pixels
    /// reach them.
    pub fn new(pages: &ChosenPages, anomalous: &ScoreHistogram, thresholds: &[f64]) -> Self {
        let mut thresholds = thresholds.to_vec();
        thresholds.sort_by(f64::total_cmp);
        let keys = match anomalous {
            ScoreHistogram::Single(anomalous) => Keys::Single(KeyCuts::new(pages, anomalous, &thresholds)),
            ScoreHistogram::Double(anomalous) => Keys::Double(KeyCuts::new(pages, anomalous, &thresholds)),
        };
        Self { keys }
    }

    /// The fewest cuts that memory has to have room for: twice those of a page, however many scores it has.
    pub const FEWEST: u64 = 2 << resolution::MOST_BITS;

    /// The most cuts that can be handled.
    pub const MOST: u64 = resolution::MOST_KEYS as u64;

    /// The resolution of the histogram that anomalous pixels with so many different scores are put into first.
    pub fn resolution(scores: u64) -> Resolution {
        Resolution::of_keys(scores.min(Self::MOST)).unwrap_or_default()
    }

    /// Bytes that so many cuts take at most: scores of anomalous pixels, thresholds, and one for each page; those of a
    /// histogram to make them of included.
    pub fn bytes(comparison: Comparison, cuts: u64) -> u64 {
        let anomalous = Self::resolution(cuts);
        match comparison {
            Comparison::F32 => KeyCuts::<u32>::bytes(cuts) + anomalous.bytes_of_anomalous::<u32>(),
            Comparison::F64 => KeyCuts::<u64>::bytes(cuts) + anomalous.bytes_of_anomalous::<u64>(),
        }
    }

    /// Whether these pages of a histogram have as many pixels of each class: if not, other pixels were counted.
    pub fn agrees_with(&self, histogram: &ScoreHistogram) -> bool {
        match (&self.keys, histogram) {
            (Keys::Single(cuts), ScoreHistogram::Single(histogram)) => cuts.agrees_with(histogram),
            (Keys::Double(cuts), ScoreHistogram::Double(histogram)) => cuts.agrees_with(histogram),
            _ => false,
        }
    }
}

/// One thread's counts on their way to [`ScoreCuts`].
#[derive(Clone, Debug)]
pub struct CutCounter<'a> {
    cuts: &'a ScoreCuts,
    slots: Slots,
}

impl<'a> CutCounter<'a> {
    /// A counter that has counted nothing.
    pub fn new(cuts: &'a ScoreCuts) -> Self {
        let slots = match &cuts.keys {
            Keys::Single(cuts) => cuts.slots(),
            Keys::Double(cuts) => cuts.slots(),
        };
        Self { cuts, slots: Slots { pixels: vec![0; slots], full: Vec::new() } }
    }

    /// Bytes that a counter takes at most with so many cuts, or the one that finds their scores.
    pub fn bytes(comparison: Comparison, cuts: u64) -> u64 {
        let anomalous = match comparison {
            Comparison::F32 => KeyCounter::<u32>::bytes_of_anomalous(),
            Comparison::F64 => KeyCounter::<u64>::bytes_of_anomalous(),
        };
        anomalous.max(2 * cuts * size_of::<u8>() as u64 + 4 * MOST_FULL as u64 * size_of::<u32>() as u64)
    }

    /// Counts those pixels of a frame, of both classes, that lie in the pages.
    pub fn count(&mut self, frame: &Frame, scratch: &mut RowScratch) {
        let Self { cuts, slots } = self;
        match &cuts.keys {
            Keys::Single(keys) => frame.visit_rows(scratch, &mut CutRows { keys, slots }),
            Keys::Double(keys) => frame.visit_rows(scratch, &mut CutRows { keys, slots }),
        }
    }

    /// Adds everything counted to the cuts.
    pub fn finish(&mut self) {
        match &self.cuts.keys {
            Keys::Single(keys) => self.slots.hand_over(keys),
            Keys::Double(keys) => self.slots.hand_over(keys),
        }
    }
}

/// Pixels in each slot.
#[derive(Clone, Debug)]
struct Slots {
    pixels: Vec<u8>,
    /// Slots that were full, once for each time.
    full: Vec<u32>,
}

impl Slots {
    fn hand_over<K: OrderedKey>(&mut self, keys: &KeyCuts<K>) {
        for (slot, pixels) in self.pixels.iter_mut().enumerate().filter(|(_, pixels)| **pixels > 0) {
            keys.add(slot, std::mem::take(pixels).into());
        }
        self.hand_over_full(keys);
    }

    fn hand_over_full<K: OrderedKey>(&mut self, keys: &KeyCuts<K>) {
        for slot in self.full.drain(..) {
            keys.add(slot as usize, FULL);
        }
    }
}

/// Counts the rows of a frame.
struct CutRows<'a, K: OrderedKey> {
    keys: &'a KeyCuts<K>,
    slots: &'a mut Slots,
}

impl<K: OrderedKey> RowVisitor for CutRows<'_, K> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], _: Option<&[u64]>) {
        self.rows(y, row, row.len(), None);
    }

    fn rows<S: Sample>(&mut self, _first: usize, rows: &[S], _width: usize, _: Option<&Mask>) {
        let Self { keys, slots: Slots { pixels, full } } = self;
        keys.locate(rows, |slots| add_one(pixels, full, slots));
        if full.len() >= MOST_FULL {
            self.slots.hand_over_full(keys);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;
    use std::ops::ControlFlow;
    use std::sync::{Arc, Mutex};

    use pimo_frame::{Scores, Size};
    use proptest::prelude::*;

    use super::*;
    use crate::{Connectivity, Regions, ScoreBin, ScoreCounter};

    /// Scores and classes of a category's pixels, as few frames.
    struct Category {
        frames: Vec<(Frame, Option<Regions>)>,
        comparison: Comparison,
    }

    impl Category {
        fn new(pixels: &[(f64, bool)], comparison: Comparison) -> Self {
            let frame = |pixels: &[(f64, bool)]| {
                let size = Size::new(1, pixels.len() as u32);
                let scores = match comparison {
                    Comparison::F32 => Scores::from_f32(pixels.iter().map(|pixel| pixel.0 as f32).collect()),
                    Comparison::F64 => Scores::from_f64(pixels.iter().map(|pixel| pixel.0).collect()),
                };
                let mask = Mask::from_fn(size, |_, x| pixels[x].1);
                let regions = (mask.anomalous_pixels() > 0).then(|| Regions::of(&mask, Connectivity::Eight));
                (Frame::new(size, size, scores, Some(Arc::new(mask))).unwrap(), regions)
            };
            Self { frames: pixels.chunks(pixels.len().div_ceil(5)).map(frame).collect(), comparison }
        }

        fn histogram(&self, resolution: Resolution) -> ScoreHistogram {
            let histogram = Mutex::new(ScoreHistogram::new(self.comparison, resolution));
            let mut counter = ScoreCounter::new(self.comparison);
            for (frame, regions) in &self.frames {
                counter.count(frame, regions.as_ref(), &histogram, &mut RowScratch::default());
            }
            counter.finish(&histogram);
            histogram.into_inner().unwrap()
        }

        /// These pages cut at the anomalous pixels in them, and at no more than so many one by one.
        fn cuts(&self, pages: &[usize], keys: u64) -> ScoreCuts {
            self.cuts_at(pages, keys, &[])
        }

        fn cuts_at(&self, pages: &[usize], keys: u64, thresholds: &[f64]) -> ScoreCuts {
            let pages = ChosenPages::new(pages);
            let cuts = ScoreCuts::new(&pages, &self.anomalous(&pages, keys), thresholds);
            self.count(&cuts);
            cuts
        }

        fn anomalous(&self, pages: &ChosenPages, keys: u64) -> ScoreHistogram {
            let anomalous = Mutex::new(ScoreHistogram::new(self.comparison, ScoreCuts::resolution(keys)));
            let mut counter = ScoreCounter::new(self.comparison);
            let scratch = &mut RowScratch::default();
            for (frame, regions) in self.frames.iter().filter_map(|(frame, regions)| Some((frame, regions.as_ref()?))) {
                counter.count_anomalous(frame, regions, pages, &anomalous, scratch);
            }
            counter.finish(&anomalous);
            anomalous.into_inner().unwrap()
        }

        fn count(&self, cuts: &ScoreCuts) {
            std::thread::scope(|scope| {
                for frames in self.frames.chunks(3) {
                    scope.spawn(move || {
                        let mut counter = CutCounter::new(cuts);
                        for (frame, _) in frames {
                            counter.count(frame, &mut RowScratch::default());
                        }
                        counter.finish();
                    });
                }
            });
        }
    }

    fn bins(histogram: &ScoreHistogram, cuts: &[ScoreCuts]) -> Vec<ScoreBin> {
        let mut bins = Vec::new();
        histogram.walk_down_cut(cuts, &mut |bin: &ScoreBin| {
            bins.push(*bin);
            ControlFlow::Continue(())
        });
        bins
    }

    fn pages(histogram: &ScoreHistogram) -> Vec<usize> {
        let pages: BTreeSet<usize> = histogram.bins().iter().map(|bin| histogram.page_of(bin.low)).collect();
        pages.into_iter().collect()
    }

    /// Bins with those normal pixels of a page together that no anomalous one lies between.
    fn together(histogram: &ScoreHistogram, separate: &[ScoreBin]) -> Vec<ScoreBin> {
        let mut bins: Vec<ScoreBin> = Vec::new();
        for bin in separate {
            let same_page = |last: &ScoreBin| histogram.page_of(last.low) == histogram.page_of(bin.low);
            match bins.last_mut().filter(|last| last.positives + bin.positives == 0 && same_page(last)) {
                Some(last) => {
                    last.negatives += bin.negatives;
                    last.low = bin.low;
                }
                None => bins.push(*bin),
            }
        }
        bins
    }

    /// Whether the same pixels are counted in the same order; where no anomalous ones are among them, the ends of a bin
    /// only have to hold them.
    fn agree(histogram: &ScoreHistogram, found: &[ScoreBin], exact: &[ScoreBin]) -> bool {
        let (found, expected) = (together(histogram, found), together(histogram, exact));
        let same = |(found, expected): (&ScoreBin, &ScoreBin)| {
            let counts = |bin: &ScoreBin| (bin.positives, bin.negatives, bin.weight);
            let holds = found.low <= expected.low && expected.high <= found.high;
            counts(found) == counts(expected) && if found.positives > 0 { found.is_tie() && holds } else { holds }
        };
        found.len() == expected.len() && found.iter().zip(&expected).all(same)
    }

    /// A score, often shared or close to another, and a class.
    fn pixel() -> impl Strategy<Value = (f64, bool)> {
        let near = (0_u32..40_000).prop_map(|i| 1.0 + f64::from(i) / 4e6);
        let close = (0_u32..300).prop_map(|i| 8.0 + f64::from(i) * 1e-6);
        let closest = (0_u64..300).prop_map(|i| f64::from_bits(2.0_f64.to_bits() + 7 * i));
        let odd = prop_oneof![Just(0.0), Just(-0.0), Just(-1e-45), Just(1e30), Just(-3.5), Just(f64::from(f32::MIN))];
        (prop_oneof![6 => near, 2 => close, 1 => closest, 1 => odd], prop_oneof![3 => Just(false), 1 => Just(true)])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(80))]

        /// Cut pages say of every anomalous score how many normal ones lie at and between, whichever pages are cut.
        #[test]
        fn between_anomalous_scores_nothing_is_lost(
            mut pixels in proptest::collection::vec(pixel(), 1..4000), some in any::<u64>(),
        ) {
            for comparison in [Comparison::F32, Comparison::F64] {
                if comparison == Comparison::F32 {
                    for (score, _) in &mut pixels {
                        *score = f64::from(*score as f32);
                    }
                }
                let category = Category::new(&pixels, comparison);
                let histogram = category.histogram(Resolution::default());
                let exact = histogram.bins();
                let all = pages(&histogram);
                let is_chosen = |(i, page): (usize, &usize)| (some >> (i % 64) & 1 == 1).then_some(*page);
                let chosen: Vec<usize> = all.iter().enumerate().filter_map(is_chosen).collect();
                let cuts = category.cuts(&chosen, ScoreCuts::FEWEST);
                prop_assert!(cuts.agrees_with(&histogram));
                let (inside, outside): (Vec<ScoreBin>, Vec<ScoreBin>) =
                    exact.iter().partition(|bin| chosen.contains(&histogram.page_of(bin.low)));
                let (found, kept): (Vec<ScoreBin>, Vec<ScoreBin>) =
                    bins(&histogram, &[cuts]).iter().partition(|bin| chosen.contains(&histogram.page_of(bin.low)));
                prop_assert!(agree(&histogram, &found, &inside));
                prop_assert_eq!(kept, outside);
            }
        }
    }

    /// A page of single precision may have every score that it can have.
    #[test]
    fn a_page_may_be_full() {
        let scores = (0..1_u32 << 17).map(|i| f64::from(f32::from_bits(0x3f80_0000 + (i * 7919) % 0x1_0000)));
        let pixels: Vec<(f64, bool)> = scores.enumerate().map(|(i, score)| (score, i % 3 > 0)).collect();
        let category = Category::new(&pixels, Comparison::F32);
        let histogram = category.histogram(Resolution::of_keys(1 << 20).unwrap());
        assert!(pixels.len() as u64 > ScoreHistogram::SCORES_OF_PAGE);
        let cuts = category.cuts(&pages(&histogram), ScoreCuts::FEWEST);
        assert!(cuts.agrees_with(&histogram));
        assert!(agree(&histogram, &bins(&histogram, &[cuts]), &histogram.bins()));
    }

    /// Where anomalous scores are too many to be cuts one by one, those of a bin are one; bins may lie close together, or
    /// far apart.
    #[test]
    fn too_many_cuts_become_bins() {
        for (apart, close) in [(4e-9, 1e-9), (5.2e-7, 4e-9)] {
            let score = |i: u32| 1.0 + f64::from(i / 4) * apart + f64::from(i % 4) * close;
            let pixels: Vec<(f64, bool)> = (0..60_000).map(|i| (score(i * 48_271 % 60_000), i % 4 < 2)).collect();
            let category = Category::new(&pixels, Comparison::F64);
            let histogram = category.histogram(Resolution::of_keys(1 << 20).unwrap());
            let cuts = category.cuts(&pages(&histogram), 1000);
            assert!(cuts.agrees_with(&histogram));
            let found = bins(&histogram, &[cuts]);
            assert!(
                found.len() > 1000 && found.iter().any(|bin| bin.positives > 1 && !bin.is_tie()),
                "{}",
                found.len()
            );
            assert!(found.windows(2).all(|pair| pair[1].high < pair[0].low));
            let mut sorted = pixels;
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            for bin in &found {
                let inside = &sorted[sorted.partition_point(|pixel| pixel.0 < bin.low)..];
                let inside = &inside[..inside.partition_point(|pixel| pixel.0 <= bin.high)];
                let counts = |class| inside.iter().filter(|pixel| pixel.1 == class).count() as u64;
                assert_eq!((bin.positives, bin.negatives), (counts(true), counts(false)));
            }
        }
    }

    /// At a threshold, whether it is a score or not, ends a bin.
    #[test]
    fn no_bin_has_scores_on_both_sides_of_a_threshold() {
        let pixels: Vec<(f64, bool)> = (0..4000).map(|i| (0.9 + f64::from(i) / 1e4, i % 97 == 0)).collect();
        let thresholds = [1.1, 0.95, 1.15, f64::from(1.2_f32), 0.9, 1.25 + 1e-9, 1.25 - 1e-9, 5.0, -2.0];
        for comparison in [Comparison::F32, Comparison::F64] {
            let category = Category::new(&pixels, comparison);
            let histogram = category.histogram(Resolution::default());
            let cuts = category.cuts_at(&pages(&histogram), ScoreCuts::FEWEST, &thresholds);
            assert!(cuts.agrees_with(&histogram));
            let found = bins(&histogram, &[cuts]);
            assert!(found.len() < 200 && agree(&histogram, &found, &histogram.bins()), "{}", found.len());
            let inside = |bin: &ScoreBin| thresholds.iter().any(|at| bin.low < *at && *at <= bin.high);
            assert!(!found.iter().any(inside));
        }
    }

    /// What was not counted in the same images does not pass for it.
    #[test]
    fn other_pixels_are_noticed() {
        let pixels: Vec<(f64, bool)> = (0..1000).map(|i| (1.0 + f64::from(i) / 1e4, i % 5 == 0)).collect();
        let histogram = Category::new(&pixels, Comparison::F32).histogram(Resolution::default());
        let changed = |change: fn(&mut (f64, bool))| {
            let mut pixels = pixels.clone();
            change(&mut pixels[500]);
            Category::new(&pixels, Comparison::F32).cuts(&pages(&histogram), ScoreCuts::FEWEST)
        };
        assert!(changed(|_| {}).agrees_with(&histogram));
        assert!(!changed(|pixel| pixel.0 = 7.0).agrees_with(&histogram));
        assert!(!changed(|pixel| pixel.0 = f64::NAN).agrees_with(&histogram));
        assert!(!changed(|pixel| pixel.1 = false).agrees_with(&histogram));
        let other_type = Category::new(&pixels, Comparison::F64).histogram(Resolution::default());
        assert!(!changed(|_| {}).agrees_with(&other_type));
        // Nor does an anomalous score that changed between the two looks, though the page has as many pixels.
        let mut moved = pixels.clone();
        moved[500].0 += 1e-6;
        let category = Category::new(&pixels, Comparison::F32);
        let pages = ChosenPages::new(&pages(&histogram));
        let cuts = ScoreCuts::new(&pages, &category.anomalous(&pages, ScoreCuts::FEWEST), &[]);
        Category::new(&moved, Comparison::F32).count(&cuts);
        assert!(!cuts.agrees_with(&histogram));
    }

    #[test]
    fn as_many_anomalous_scores_are_kept_as_there_may_be_cuts() {
        for cuts in [ScoreCuts::FEWEST, ScoreCuts::MOST] {
            assert_eq!(u64::from(ScoreCuts::resolution(cuts).keys), cuts);
        }
    }

    /// More pixels than a narrow count holds.
    #[test]
    fn slots_may_be_full_many_times() {
        let pixels: Vec<(f64, bool)> = (0..400_000).map(|i| (1.0 + f64::from(i % 3) / 8.0, i == 1)).collect();
        let category = Category::new(&pixels, Comparison::F32);
        let histogram = category.histogram(Resolution::default());
        let cuts = category.cuts(&pages(&histogram), ScoreCuts::FEWEST);
        assert!(cuts.agrees_with(&histogram));
        assert!(agree(&histogram, &bins(&histogram, &[cuts]), &histogram.bins()));
    }

    #[test]
    fn slots_that_were_full_are_handed_over_in_time() {
        // The last row has other scores.
        let size = Size::new(1024, 1024);
        let others = size.pixels() as usize - 1024;
        let score = |i: usize| if i < others { 1.5 } else { 1.0 + (i - others) as f32 / 4096.0 };
        let scores = Scores::from_f32((0..size.pixels() as usize).map(score).collect());
        let frame = Frame::new(size, size, scores, None).unwrap();
        let times = (MOST_FULL as u64 * FULL).div_ceil(others as u64) + 1;
        let histogram = Mutex::new(ScoreHistogram::new(Comparison::F32, Resolution::default()));
        let mut counter = ScoreCounter::new(Comparison::F32);
        let scratch = &mut RowScratch::default();
        for _ in 0..times {
            counter.count(&frame, None, &histogram, scratch);
        }
        counter.finish(&histogram);
        let histogram = histogram.into_inner().unwrap();
        let category = Category { frames: vec![(frame, None)], comparison: Comparison::F32 };
        let cuts = category.cuts(&pages(&histogram), ScoreCuts::FEWEST);
        let mut counter = CutCounter::new(&cuts);
        for _ in 1..times {
            counter.count(&category.frames[0].0, scratch);
            assert!(counter.slots.full.len() < MOST_FULL && counter.slots.full.capacity() <= 4 * MOST_FULL);
        }
        counter.finish();
        assert!(cuts.agrees_with(&histogram));
    }
}
