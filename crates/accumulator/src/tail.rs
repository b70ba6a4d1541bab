//! The largest scores of all normal images together.

use crate::Run;

/// How far down the tail has to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Depth {
    /// Down to the score at which the mean over the images of their false-positive rates reaches `bound`, with ties.
    /// Enough for the mean and for the maximum of the rates.
    Mean {
        /// Rate to reach, 0 < bound <= 1.
        bound: f64,
        /// Number of normal images that are to come, over all machines.
        images: u64,
    },
    /// In every image down to the score at which its own rate reaches `bound`, and a little deeper.
    /// Needed for quantiles of the rates.
    EachImage {
        /// Rate to reach, 0 < bound <= 1.
        bound: f64,
    },
}

/// Images whose scores are counted together: one image, or the same image several times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Pixels of each image at evaluation size.
    pub pixels: u64,
    /// Number of images; zero says that nothing of this group was seen.
    pub images: u64,
}

/// How many pixels of a group have a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailEntry {
    /// Key of the score.
    pub key: u64,
    /// Number of pixels.
    pub count: u64,
    /// Index of the group.
    pub group: u32,
}

/// The largest scores of the normal images, down to a depth that the shared false-positive rate needs.
///
/// What it holds at and above the depth does not depend on the order in which images were added, nor on how they were
/// spread over tails that were merged. Below the depth it may hold more; those who read it stop where they have
/// enough.
#[derive(Clone, Debug)]
pub struct UpperTail {
    depth: Depth,
    groups: Vec<Group>,
    /// Largest key first, then by group; `settled` of them are sorted and free of duplicates.
    entries: Vec<TailEntry>,
    settled: usize,
    floor: u64,
}

/// An [`UpperTail`] to which nothing is added any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledTail {
    groups: Vec<Group>,
    entries: Vec<TailEntry>,
}

impl SettledTail {
    /// The groups by index.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Everything kept, largest key first, then by ascending group.
    pub fn entries(&self) -> &[TailEntry] {
        &self.entries
    }

    /// How many of the pixels kept reach a key.
    pub fn count_reaching(&self, key: u64) -> u64 {
        self.entries.iter().take_while(|entry| entry.key >= key).map(|entry| entry.count).sum()
    }

    /// By group: how many of the pixels kept reach each of two keys.
    pub fn counts_reaching(&self, keys: [u64; 2]) -> Vec<[u64; 2]> {
        let mut counts = vec![[0; 2]; self.groups.len()];
        for entry in &self.entries {
            for (count, key) in counts[entry.group as usize].iter_mut().zip(keys) {
                *count += if entry.key >= key { entry.count } else { 0 };
            }
        }
        counts
    }
}

/// Entries that gather before they are sorted in.
const PENDING: usize = 4 * 1024;

/// Rates are compared here with a margin far above rounding errors, so that too much is kept rather than too little.
const MARGIN: f64 = 1e-9;

impl UpperTail {
    /// An empty tail.
    pub const fn new(depth: Depth) -> Self {
        Self { depth, groups: Vec::new(), entries: Vec::new(), settled: 0, floor: 0 }
    }

    /// How many of its largest scores an image of `pixels` pixels has to hand over.
    pub fn wanted(&self, pixels: u64) -> u64 {
        let share = match self.depth {
            Depth::Mean { bound, images } => bound * images as f64,
            // Deeper than the bound, so that images which cross it in larger steps are still complete there.
            Depth::EachImage { bound } => bound * 1.0625,
        };
        ((share * pixels as f64 * (1.0 + MARGIN)).ceil() as u64).saturating_add(2).min(pixels)
    }

    /// Keys below this one do not matter any more; it only rises.
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// Adds the largest scores of an image: complete down to its last run, or to the floor.
    ///
    /// `group` is the image's index among all images that may ever be merged into this tail.
    ///
    /// # Panics
    /// If the same group was added before with another number of pixels.
    pub fn add(&mut self, group: u32, pixels: u64, largest: &[Run]) {
        self.join_group(group, Group { pixels, images: 1 });
        if self.entries.len() - self.settled + largest.len() > PENDING.max(self.settled / 4) {
            self.settle();
        }
        let reached = largest.iter().take_while(|run| run.key >= self.floor);
        self.entries.extend(reached.map(|run| TailEntry { key: run.key, count: run.count, group }));
        self.settle_if_much();
    }

    /// Adds everything that another tail of the same depth has counted.
    ///
    /// # Panics
    /// If a group has another number of pixels there.
    pub fn merge(&mut self, other: &Self) {
        for (index, &group) in other.groups.iter().enumerate().filter(|(_, group)| group.images > 0) {
            self.join_group(index as u32, group);
        }
        self.entries.extend_from_slice(&other.entries);
        // The other's floor is no floor here: it was found with its images alone, but against the number of all.
        self.settle();
    }

    /// Ends the counting.
    pub fn into_settled(mut self) -> SettledTail {
        self.settle();
        SettledTail { groups: self.groups, entries: self.entries }
    }

    /// Bytes that a tail of this depth takes at most for images of these sizes, ties not counted twice.
    pub fn most_bytes(depth: Depth, pixels: impl Iterator<Item = u64>) -> u64 {
        let (mut images, mut all, mut wanted, mut largest) = (0_u64, 0_u64, 0_u64, 0_u64);
        let empty = Self::new(depth);
        for pixels in pixels {
            images += 1;
            all = all.saturating_add(pixels);
            wanted = wanted.saturating_add(empty.wanted(pixels));
            largest = largest.max(pixels);
        }
        let kept = match depth {
            // Rates of unequal images mix; they take the most scores when all of these lie in images of the largest size.
            Depth::Mean { bound, .. } => {
                let in_largest = (bound * images as f64 * largest as f64).ceil() as u64;
                in_largest.saturating_add(images).min(all).min(wanted)
            }
            Depth::EachImage { .. } => wanted,
        };
        // A quarter gathers unsorted, or what one image hands over; sorting takes half as much again.
        let gathered = (kept / 4).max(empty.wanted(largest)).saturating_add(PENDING as u64);
        let entries = kept.saturating_add(gathered);
        entries.saturating_add(entries / 2).saturating_mul(size_of::<TailEntry>() as u64)
    }

    fn join_group(&mut self, index: u32, added: Group) {
        let index = index as usize;
        if index >= self.groups.len() {
            self.groups.resize(index + 1, Group::default());
        }
        let group = &mut self.groups[index];
        assert!(group.images == 0 || group.pixels == added.pixels, "a group keeps its number of pixels");
        group.pixels = added.pixels;
        group.images += added.images;
    }

    fn settle_if_much(&mut self) {
        if self.entries.len() - self.settled > PENDING.max(self.settled / 4) {
            self.settle();
        }
    }

    fn settle(&mut self) {
        if self.entries.len() == self.settled {
            return;
        }
        // Stable sorting merges what is sorted already with the rest.
        self.entries.sort_by(|a, b| b.key.cmp(&a.key).then(a.group.cmp(&b.group)));
        self.entries.dedup_by(|next, kept| {
            let same = next.key == kept.key && next.group == kept.group;
            if same {
                kept.count += next.count;
            }
            same
        });
        self.cut();
        self.settled = self.entries.len();
    }

    /// Drops what lies below the depth and raises the floor to it.
    fn cut(&mut self) {
        let Depth::Mean { bound, images } = self.depth else {
            return;
        };
        let seen: u64 = self.groups.iter().map(|group| group.images).sum();
        let enough = bound * images.max(seen) as f64 * (1.0 + MARGIN);
        let mut sum = 0.0;
        let crossing = self.entries.iter().position(|entry| {
            sum += entry.count as f64 / self.groups[entry.group as usize].pixels as f64;
            sum >= enough
        });
        if let Some(crossing) = crossing {
            self.floor = self.floor.max(self.entries[crossing].key);
            let kept = self.entries.partition_point(|entry| entry.key >= self.floor);
            self.entries.truncate(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Images as lists of keys.
    fn images() -> impl Strategy<Value = Vec<Vec<u64>>> {
        proptest::collection::vec(proptest::collection::vec(0_u64..60, 1..80), 1..12)
    }

    fn runs(keys: &[u64], wanted: u64, floor: u64) -> Vec<Run> {
        let mut sorted: Vec<u64> = keys.iter().copied().filter(|&key| key >= floor).collect();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let mut total = 0;
        let mut runs = Vec::new();
        for tied in sorted.chunk_by(|a, b| a == b) {
            if total >= wanted {
                break;
            }
            total += tied.len() as u64;
            runs.push(Run { key: tied[0], count: tied.len() as u64 });
        }
        runs
    }

    fn tail_of(images: &[Vec<u64>], indices: impl Iterator<Item = usize>, depth: Depth, settle: bool) -> UpperTail {
        let mut tail = UpperTail::new(depth);
        for index in indices {
            let keys = &images[index];
            let pixels = keys.len() as u64;
            tail.add(index as u32, pixels, &runs(keys, tail.wanted(pixels), tail.floor()));
            if settle {
                tail.settle();
            }
        }
        tail
    }

    /// All entries at or above the key where the mean rate first reaches the bound.
    fn expected(images: &[Vec<u64>], bound: f64) -> (u64, Vec<TailEntry>) {
        let mean = |key: u64| {
            let rate = |keys: &Vec<u64>| keys.iter().filter(|&&k| k >= key).count() as f64 / keys.len() as f64;
            images.iter().map(rate).sum::<f64>() / images.len() as f64
        };
        let last = (0..60).rev().find(|&key| mean(key) >= bound * (1.0 + 1e-12)).unwrap_or(0);
        let mut entries = Vec::new();
        for key in (last..60).rev() {
            for (group, keys) in images.iter().enumerate() {
                let count = keys.iter().filter(|&&k| k == key).count() as u64;
                if count > 0 {
                    entries.push(TailEntry { key, count, group: group as u32 });
                }
            }
        }
        (last, entries)
    }

    proptest! {
        #[test]
        fn holds_all_that_the_bound_needs_in_any_order_and_grouping(
            images in images(),
            bound in 0.001_f64..1.0,
            split in 0_usize..12,
            settle in any::<bool>(),
        ) {
            let depth = Depth::Mean { bound, images: images.len() as u64 };
            let (last, expected) = expected(&images, bound);
            let count = images.len();
            let split = split.min(count);
            let forward = tail_of(&images, 0..count, depth, settle);
            let backward = tail_of(&images, (0..count).rev(), depth, settle);
            let mut merged = tail_of(&images, 0..split, depth, settle);
            merged.merge(&tail_of(&images, split..count, depth, settle));
            for tail in [forward, backward, merged].map(UpperTail::into_settled) {
                let kept: Vec<TailEntry> =
                    tail.entries().iter().copied().filter(|entry| entry.key >= last).collect();
                prop_assert_eq!(&kept, &expected);
                prop_assert_eq!(tail.groups().len(), count);
            }
        }

        #[test]
        fn every_image_reaches_its_own_depth(images in images(), bound in 0.001_f64..1.0) {
            let tail = tail_of(&images, 0..images.len(), Depth::EachImage { bound }, true).into_settled();
            let entries = tail.entries();
            for (group, keys) in images.iter().enumerate() {
                let kept: u64 = entries.iter().filter(|e| e.group == group as u32).map(|e| e.count).sum();
                prop_assert!(kept as f64 / keys.len() as f64 >= bound);
            }
        }
    }

    #[test]
    fn counts_grow_beyond_32_bits() {
        let images = [vec![5, 5, 5, 4, 1], vec![9, 3, 3, 2, 1]];
        let mut tail = tail_of(&images, 0..2, Depth::Mean { bound: 0.5, images: 2 }, false);
        let first = tail.clone().into_settled();
        for _ in 0..40 {
            let same = tail.clone();
            tail.merge(&same);
        }
        let grown: Vec<TailEntry> =
            first.entries().iter().map(|entry| TailEntry { count: entry.count << 40, ..*entry }).collect();
        let tail = tail.into_settled();
        assert_eq!(tail.entries(), grown);
        assert_eq!(tail.groups()[1], Group { pixels: 5, images: 1 << 40 });
    }

    #[test]
    fn the_floor_rises_so_that_few_scores_are_handed_over() {
        let image: Vec<u64> = (0..10_000).collect();
        let mut tail = UpperTail::new(Depth::Mean { bound: 0.01, images: 1 });
        assert_eq!(tail.wanted(10_000), 103);
        tail.add(0, 10_000, &runs(&image, tail.wanted(10_000), 0));
        tail.settle();
        assert_eq!(tail.floor(), 9899);
        assert_eq!(tail.into_settled().entries().len(), 101);
    }
}
