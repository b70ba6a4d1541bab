//! Pages of a key histogram, cut at the scores of anomalous pixels.
//!
//! All that metrics ask of normal pixels is how many lie above, at and below each anomalous one: between two anomalous
//! scores that follow one another no recall changes. So when maps are read again it is enough to know these numbers, and
//! however wide a bin without anomalous pixels is, nothing remains unknown in it.
//!
//! Every page begins with a *cut*, and so does every key of an anomalous pixel; where these were too many to be kept
//! one by one, every bin of them. There may be others, at thresholds. Each cut has two *slots*: one for the pixels above
//! it and below the next cut, and one for those at it, that is of its key or bin.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering};

use pimo_frame::{SCORE_BLOCK, Sample};

use crate::cell_table::CellTable;
use crate::chosen_pages::ChosenPages;
use crate::cut_words::{COMPARE_ALL, COMPARE_OCCUPIED, WORD_BITS, Words, slots};
use crate::key_page::{Page, scores_of_keys};
use crate::key_tally::Weighted;
use crate::ordered_key::CELL_BITS;
use crate::{BinWalk, KeyHistogram, OrderedKey, ScoreBin};

/// Most buckets for each cut: a word.
const BUCKETS_OF_CUT: usize = 1 << WORD_BITS;

/// Pixels at and between cuts. Filled by several threads at once.
#[derive(Debug)]
pub(crate) struct KeyCuts<K: OrderedKey> {
    pages: Vec<CutPage>,
    /// The buckets of each page.
    table: CellTable<K>,
    /// Buckets of each page; the first word is for all other pages.
    words: Words,
    /// Ascending.
    cuts: Vec<K>,
    /// Anomalous pixels at each cut.
    positives: Vec<u64>,
    /// Their region weights.
    weights: Vec<u128>,
    /// Pixels of both classes above each cut and below the next; then those at each cut.
    pixels: Vec<AtomicU64>,
    /// Key bits of the bins that cuts stand for.
    width: u32,
}

/// A page, with the place of its first cut.
#[derive(Clone, Copy, Debug)]
struct CutPage {
    prefix: usize,
    first: usize,
}

/// Moves scores that have a bucket to the beginning of `kept`, and their buckets likewise; says how many there are.
fn keep_found<S: Sample>(scores: &[S], buckets: &mut [u32], kept: &mut [S; SCORE_BLOCK]) -> usize {
    let mut count = 0;
    // Whether there is one is hard to foresee: it is written down in any case.
    for (index, &score) in scores.iter().enumerate() {
        kept[count % SCORE_BLOCK] = score;
        buckets[count] = buckets[index];
        count += usize::from(buckets[index] > 0);
    }
    count
}

impl<K: OrderedKey> KeyCuts<K> {
    /// Cuts these pages at the pixels of a histogram that has the anomalous ones of the same pages, and no others; and at
    /// those of these thresholds, which ascend, that lie in them.
    pub(crate) fn new(pages: &ChosenPages, anomalous: &KeyHistogram<K>, thresholds: &[f64]) -> Self {
        let chosen: Vec<usize> = pages.prefixes().collect();
        let thresholds: Vec<K> = thresholds.iter().map(|&threshold| K::of(threshold)).collect();
        let scores = anomalous.pages.iter().map(|page| page.positives().len()).sum::<usize>();
        let most = chosen.len() + thresholds.len() + scores;
        let bits = anomalous.pages_with_bits().map(|(_, bits)| bits).min().unwrap_or(K::LOW_BITS);
        let mut cuts = Self {
            pages: Vec::with_capacity(chosen.len()),
            table: CellTable::new(),
            words: Words::default(),
            cuts: Vec::with_capacity(most),
            positives: Vec::with_capacity(most),
            weights: Vec::with_capacity(most),
            pixels: Vec::new(),
            width: K::LOW_BITS - bits,
        };
        let mut thresholds = thresholds.into_iter().peekable();
        for prefix in chosen {
            while thresholds.next_if(|key| key.prefix() < prefix).is_some() {}
            let thresholds = std::iter::from_fn(|| thresholds.next_if(|key| key.prefix() == prefix));
            cuts.push_page(prefix, anomalous.find(prefix).map_or(&[], |page| page.positives()), thresholds);
        }
        cuts.make_words();
        cuts.pixels.resize_with(cuts.slots(), AtomicU64::default);
        cuts
    }

    /// Bytes that this takes at most with so many cuts, beside the histogram of anomalous pixels.
    pub(crate) const fn bytes(cuts: u64) -> u64 {
        let word = size_of::<u64>() + size_of::<u32>();
        let each = size_of::<K>() + 3 * size_of::<u64>() + size_of::<u128>() + word;
        cuts * each as u64 + CellTable::<K>::bytes()
    }

    fn push_page(&mut self, prefix: usize, anomalous: &[Weighted<K::Low>], thresholds: impl Iterator<Item = K>) {
        self.pages.push(CutPage { prefix, first: self.cuts.len() });
        self.push(prefix, 0, &Weighted::default());
        let mut thresholds = thresholds.map(OrderedKey::low).peekable();
        for pixels in anomalous {
            while let Some(low) = thresholds.next_if(|low| *low < pixels.low.into()) {
                self.push(prefix, low, &Weighted::default());
            }
            self.push(prefix, pixels.low.into(), pixels);
        }
        thresholds.for_each(|low| self.push(prefix, low, &Weighted::default()));
    }

    /// Adds anomalous pixels to the last cut, or to a new one if that is not theirs.
    fn push(&mut self, prefix: usize, low: u64, pixels: &Weighted<K::Low>) {
        let cut = K::join(prefix, low).without(self.width);
        if self.cuts.last() != Some(&cut) {
            self.cuts.push(cut);
            self.positives.push(0);
            self.weights.push(0);
        }
        let last = self.cuts.len() - 1;
        self.positives[last] += pixels.count;
        self.weights[last] += pixels.weight;
    }

    fn make_words(&mut self) {
        let bits: Vec<u32> = self.bits_of_pages().collect();
        self.words.reserve(1 + bits.iter().map(|&bits| 1_usize << (bits - WORD_BITS)).sum::<usize>());
        // Bucket 0 says that a key lies in none of the pages.
        self.words.push(1, 0, 0);
        let mut placed = Vec::with_capacity(self.pages.len());
        for (index, bits) in bits.into_iter().enumerate() {
            placed.push((self.pages[index].prefix, self.words.len() << WORD_BITS, bits));
            self.make_words_of(self.cuts_of(index), bits);
        }
        self.table.place(placed);
    }

    /// Into how many buckets each page is divided, as a power of two: if that does not take too many, each is a key.
    fn bits_of_pages(&self) -> impl Iterator<Item = u32> {
        let most_of_cut = BUCKETS_OF_CUT.min(((1 << CELL_BITS) - (64 << K::PREFIX_BITS)) / self.cuts.len().max(1));
        let finest = self.pages.len() << K::PAGE_BITS <= most_of_cut * self.cuts.len();
        (0..self.pages.len()).map(move |page| {
            let most = if finest { usize::MAX } else { most_of_cut * self.cuts_of(page).len() };
            most.ilog2().clamp(WORD_BITS, K::PAGE_BITS)
        })
    }

    /// Makes the words of a page that has these cuts and 2^bits buckets.
    fn make_words_of(&mut self, cuts: Range<usize>, bits: u32) {
        let width = K::LOW_BITS - bits;
        let mut next = cuts.start;
        for word in 0..1 << (bits - WORD_BITS) {
            let below = next;
            let mut occupied = 0_u64;
            while next < cuts.end && self.cuts[next].low() >> width >> WORD_BITS == word {
                occupied |= 1 << (self.cuts[next].low() >> width & 63);
                next += 1;
            }
            let several = next - below > occupied.count_ones() as usize;
            let compare = match width {
                _ if self.width > 0 || several => COMPARE_ALL,
                0 => 0,
                _ => COMPARE_OCCUPIED,
            };
            self.words.push(occupied, below as u32, compare);
        }
    }

    /// The cuts of a page.
    fn cuts_of(&self, page: usize) -> Range<usize> {
        let end = self.pages.get(page + 1).map_or(self.cuts.len(), |next| next.first);
        self.pages[page].first..end
    }

    /// How many slots there are.
    pub(crate) const fn slots(&self) -> usize {
        2 * self.cuts.len()
    }

    /// Shows the slots of those of some scores that lie in the pages, some at a time.
    pub(crate) fn locate<S: Sample>(&self, scores: &[S], mut show: impl FnMut(&[u32])) {
        let (mut buckets, mut kept) = ([0; SCORE_BLOCK], [S::default(); SCORE_BLOCK]);
        for block in scores.chunks(SCORE_BLOCK) {
            let (mut block, mut found) = (block, &mut buckets[..block.len()]);
            let others = self.table.locate(block, found).without as usize;
            if others == block.len() {
                continue;
            }
            if others > 0 {
                let count = keep_found(block, found, &mut kept);
                (block, found) = (&kept[..count], &mut found[..count]);
            }
            if !slots(&self.words, self.cuts.len() as u32, found) {
                let unknown = block.iter().zip(&mut *found).filter(|(_, slot)| **slot == u32::MAX);
                unknown.for_each(|(score, slot)| *slot = self.search(K::of(score.to_f64())));
            }
            show(found);
        }
    }

    /// The slot of a key that has to be compared with the cuts of its word.
    fn search(&self, key: K) -> u32 {
        let word = self.table.cell(key) as usize >> WORD_BITS;
        let below = self.words.below(word).unwrap_or(0);
        let end = self.words.below(word + 1).unwrap_or(self.cuts.len());
        let key = key.without(self.width);
        // Every page begins with a cut, so there is one at or below the key.
        let cut = below + self.cuts[below..end].partition_point(|cut| *cut <= key) - 1;
        (if self.cuts[cut] == key { self.cuts.len() + cut } else { cut }) as u32
    }

    /// Adds pixels to a slot.
    pub(crate) fn add(&self, slot: usize, pixels: u64) {
        self.pixels[slot].fetch_add(pixels, Ordering::Relaxed);
    }

    /// Pixels above a cut and below the next.
    fn above(&self, cut: usize) -> u64 {
        self.pixels[cut].load(Ordering::Relaxed)
    }

    /// Pixels at a cut.
    fn at(&self, cut: usize) -> u64 {
        self.pixels[self.cuts.len() + cut].load(Ordering::Relaxed)
    }

    /// Whether these pages of a histogram have as many pixels of each class.
    pub(crate) fn agrees_with(&self, histogram: &KeyHistogram<K>) -> bool {
        (0..self.pages.len()).all(|page| {
            let cuts = self.cuts_of(page);
            let positives: u64 = self.positives[cuts.clone()].iter().sum();
            let pixels: u64 = cuts.clone().map(|cut| self.above(cut) + self.at(cut)).sum();
            let found = histogram.find(self.pages[page].prefix).map_or((0, 0), Page::pixels);
            found == (positives, pixels.wrapping_sub(positives))
                && cuts.into_iter().all(|cut| self.positives[cut] <= self.at(cut))
        })
    }

    /// The place of the page with this prefix, if it is here.
    pub(crate) fn find(&self, prefix: usize) -> Option<usize> {
        self.pages.binary_search_by_key(&prefix, |page| page.prefix).ok()
    }

    /// Goes down the occupied bins of a page until there is enough.
    pub(crate) fn walk_down(&self, page: usize, walk: &mut impl BinWalk) -> ControlFlow<()> {
        let prefix = self.pages[page].prefix;
        let mut end = (1_u64 << K::LOW_BITS) - 1;
        let mut show = |low: u64, high: u64, positives: u64, negatives: u64, weight: u128| {
            let (low, high) = scores_of_keys::<K>(prefix, low, high);
            walk.pass(&ScoreBin { positives, negatives, weight, low, high })
        };
        for cut in self.cuts_of(page).rev() {
            let low = self.cuts[cut].low();
            let high = low | ((1 << self.width) - 1);
            let above = self.above(cut);
            if above > 0 {
                show(high + 1, end, 0, above, 0)?;
            }
            let at = self.at(cut);
            if at > 0 {
                let positives = self.positives[cut];
                show(low, high, positives, at - positives, self.weights[cut])?;
            }
            end = low.wrapping_sub(1);
        }
        ControlFlow::Continue(())
    }
}
