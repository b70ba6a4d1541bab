//! The largest scores of one image, as runs of equal keys.

/// A score, as its key, and how many pixels have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Key of the score.
    pub key: u64,
    /// Number of pixels.
    pub count: u64,
}

/// Keys gathered before they are sorted into runs.
const PENDING: usize = 8192;

/// Collects the `wanted` largest of the keys shown to it, with all ties of the last one.
#[derive(Debug, Default)]
pub(crate) struct TopRuns {
    wanted: u64,
    floor: u64,
    runs: Vec<Run>,
    spare: Vec<Run>,
    pending: Vec<u64>,
}

impl TopRuns {
    /// Forgets everything; keys below `floor` will not be shown.
    pub(crate) fn reset(&mut self, wanted: u64, floor: u64) {
        self.wanted = wanted;
        self.floor = floor;
        self.runs.clear();
        self.pending.clear();
    }

    /// Keys below this one need not be shown any more; it only rises.
    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    /// Shows a key.
    #[inline]
    pub(crate) fn push(&mut self, key: u64) {
        self.pending.push(key);
    }

    /// Sorts what has gathered if that is much; to be called now and then (after every row) so that memory is bounded
    /// by the wanted number and the length of a row.
    pub(crate) fn settle(&mut self) {
        if self.pending.len() >= PENDING.max(self.wanted.min(1 << 40) as usize / 2) {
            self.compact();
        }
    }

    /// The runs, largest key first, down to the one that completes the wanted number.
    pub(crate) fn runs(&mut self) -> &[Run] {
        self.compact();
        &self.runs
    }

    fn compact(&mut self) {
        self.pending.sort_unstable_by(|a, b| b.cmp(a));
        let old = std::mem::replace(&mut self.runs, std::mem::take(&mut self.spare));
        self.runs.clear();
        let mut total = 0;
        let mut old_runs = old.iter().copied().peekable();
        let mut new_runs =
            self.pending.chunk_by(|a, b| a == b).map(|tied| Run { key: tied[0], count: tied.len() as u64 }).peekable();
        while total < self.wanted {
            let next = match (old_runs.peek(), new_runs.peek()) {
                (None, None) => break,
                (Some(_), None) => old_runs.next(),
                (None, Some(_)) => new_runs.next(),
                (Some(old), Some(new)) if old.key > new.key => old_runs.next(),
                (Some(old), Some(new)) if old.key < new.key => new_runs.next(),
                (Some(_), Some(_)) => old_runs
                    .next()
                    .zip(new_runs.next())
                    .map(|(old, new)| Run { key: old.key, count: old.count + new.count }),
            };
            let Some(run) = next else { break };
            total += run.count;
            self.runs.push(run);
        }
        if total >= self.wanted {
            self.floor = self.floor.max(self.runs.last().map_or(0, |run| run.key));
        }
        self.spare = old;
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keeps_the_largest_with_all_their_ties(
            keys in proptest::collection::vec(0_u64..50, 1..400),
            wanted in 1_u64..500,
            compact_every in 1_usize..50,
        ) {
            let mut top = TopRuns::default();
            top.reset(wanted, 0);
            for (i, &key) in keys.iter().enumerate() {
                if key >= top.floor() {
                    top.push(key);
                }
                if i % compact_every == 0 {
                    top.compact();
                }
            }
            let mut sorted = keys.clone();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            let last = sorted[(wanted as usize).min(sorted.len()) - 1];
            let expected: Vec<Run> = sorted
                .chunk_by(|a, b| a == b)
                .map(|tied| Run { key: tied[0], count: tied.len() as u64 })
                .take_while(|run| run.key >= last)
                .collect();
            prop_assert_eq!(top.runs(), &expected[..]);
        }
    }
}
