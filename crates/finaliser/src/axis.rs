//! The shared axis: thresholds and the false-positive rates that the normal images have there.

use std::collections::BTreeSet;

use pimo_accumulator::{Group, SettledTail, TailEntry, score_of_key};

use crate::mean_rate::MeanRate;
use crate::quantile::RisingQuantile;
use crate::quotient::quotient;
use crate::{CurvePoints, FprBounds, SharedFpr};

/// Every threshold at which the shared false-positive rate of the normal images changes, from the highest score down
/// to the first at which it reaches the upper bound.
#[derive(Clone, Debug)]
pub struct SharedAxis {
    bounds: FprBounds,
    /// Keys of the thresholds, descending.
    keys: Vec<u64>,
    /// Shared FPR at each threshold, ascending.
    rates: Vec<f64>,
    log_rates: Vec<f64>,
    /// Index of the highest threshold at which the rate reaches the upper bound, and the lower bound.
    lower_threshold: usize,
    upper_threshold: usize,
    lower_pixels: u64,
    upper_pixels: u64,
    normal_pixels: u64,
}

/// A threshold at which a model could be run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingPoint {
    /// Scores at or above it are predicted anomalous.
    pub threshold: f64,
    /// The shared FPR there.
    pub shared_fpr: f64,
    /// Normal pixels predicted anomalous there; of a tail that ends in each image at its own depth, those kept.
    pub normal_pixels: u64,
}

/// A point of the axis, with the spread of the normal images' own rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisRow {
    /// The threshold.
    pub threshold: f64,
    /// The shared FPR there.
    pub shared_fpr: f64,
    /// The largest of the normal images' rates.
    pub max_fpr: f64,
    /// The quantiles 0.5, 0.9 and 0.99 of the normal images' rates: the `ceil(q n)`-th smallest.
    pub quantiles: [f64; 3],
}

/// Why there is no axis.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AxisError {
    /// No normal image.
    #[error("there is no normal image to choose thresholds on")]
    NoImages,
    /// The tail ends before the shared FPR reaches the upper bound.
    #[error("the scores kept of the normal images end at a shared FPR of {reached}, below the upper bound")]
    TooShallow {
        /// Shared FPR at the last score kept.
        reached: f64,
    },
    /// Images that crossed the upper bound earlier may decide the rate at the last threshold, and what was kept of
    /// them does not reach down to it.
    #[error("the shared FPR at the upper bound depends on scores that were not kept")]
    Undecided {
        /// Key of the threshold at which their pixels have to be counted.
        key: u64,
        /// The images' groups.
        groups: Vec<u32>,
    },
}

impl SharedAxis {
    /// The axis of the normal images whose largest scores are in `tail`.
    ///
    /// `recounted` gives, for groups named by [`AxisError::Undecided`], their pixels at or above the key named there.
    ///
    /// # Errors
    /// No image, a tail that is not deep enough, a rate that depends on scores that were not kept.
    pub fn new(
        tail: &SettledTail,
        kind: SharedFpr,
        bounds: FprBounds,
        recounted: &[(u32, u64)],
    ) -> Result<Self, AxisError> {
        let mut sweep = Sweep::new(tail.groups(), kind).ok_or(AxisError::NoImages)?;
        let entries = tail.entries();
        let mut axis = Self {
            bounds,
            keys: Vec::new(),
            rates: Vec::new(),
            log_rates: Vec::new(),
            lower_threshold: usize::MAX,
            upper_threshold: usize::MAX,
            lower_pixels: 0,
            upper_pixels: 0,
            normal_pixels: sweep.groups.iter().map(|group| group.pixels * group.images).sum(),
        };
        for tied in entries.chunk_by(|a, b| a.key == b.key) {
            sweep.lower_to(tied);
            let mut rate = sweep.shared();
            let done = sweep.reaches(bounds.upper(), rate);
            if done && let SharedFpr::Quantile(_) = kind {
                rate = sweep.decided(tied[0].key, entries, recounted)?;
            }
            if rate > 0.0 {
                axis.push(tied[0].key, rate, &sweep, done);
            }
            if done {
                axis.lower_threshold = axis.keys.len() - 1;
                axis.lower_pixels = sweep.pixels;
                axis.shrink();
                return Ok(axis);
            }
        }
        Err(AxisError::TooShallow { reached: axis.rates.last().copied().unwrap_or(0.0) })
    }

    /// Gives back what was set aside for thresholds at which the rate is zero, or that lie below the last one.
    fn shrink(&mut self) {
        self.keys.shrink_to_fit();
        self.rates.shrink_to_fit();
        self.log_rates.shrink_to_fit();
    }

    fn push(&mut self, key: u64, rate: f64, sweep: &Sweep<'_>, reaches_upper: bool) {
        if self.upper_threshold == usize::MAX && (reaches_upper || sweep.reaches(self.bounds.lower(), rate)) {
            self.upper_threshold = self.keys.len();
            self.upper_pixels = sweep.pixels;
        }
        self.keys.push(key);
        self.rates.push(rate);
        self.log_rates.push(libm::log(rate));
    }

    /// The bounds this axis was made for.
    pub const fn bounds(&self) -> FprBounds {
        self.bounds
    }

    /// Keys of the thresholds, descending.
    pub fn keys(&self) -> &[u64] {
        &self.keys
    }

    /// Shared FPR at each threshold, ascending.
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// `ln` of the shared FPR at each threshold.
    pub(crate) fn log_rates(&self) -> &[f64] {
        &self.log_rates
    }

    /// Index of the highest threshold at which the shared FPR reaches the lower bound.
    pub(crate) const fn upper_threshold_index(&self) -> usize {
        self.upper_threshold
    }

    /// Lowest threshold of the axis: scores below it do not matter.
    pub fn floor(&self) -> f64 {
        score_of_key(self.keys[self.keys.len() - 1])
    }

    /// The highest threshold at which the shared FPR reaches the upper bound: the lower threshold.
    pub fn lower_threshold(&self) -> OperatingPoint {
        self.operating_point(self.lower_threshold, self.lower_pixels)
    }

    /// The highest threshold at which the shared FPR reaches the lower bound: the upper threshold.
    pub fn upper_threshold(&self) -> OperatingPoint {
        self.operating_point(self.upper_threshold, self.upper_pixels)
    }

    /// Whether the smallest positive shared FPR lies at or below the lower bound, so that the curve covers the whole
    /// range and AUPIMO exists.
    pub fn covers_bounds(&self) -> bool {
        // The first threshold is the upper one where its rate reaches the lower bound. It still covers where that is the
        // bound itself: both are rounded once, to the same double.
        self.upper_threshold > 0 || self.rates[0] <= self.bounds.lower().value()
    }

    /// The smallest positive shared FPR.
    pub fn smallest_rate(&self) -> f64 {
        self.rates[0]
    }

    /// Pixels of all normal images.
    pub const fn normal_pixels(&self) -> u64 {
        self.normal_pixels
    }

    /// The levels of shared FPR, ascending, at which points of curves are wanted if these go on to the rate `last`; see
    /// [`Self::selected`] for those that this axis has, and [`RateWalk`](crate::RateWalk) for the others.
    pub fn levels(&self, points: CurvePoints, last: f64) -> Vec<f64> {
        points.levels(self.rates[0], self.bounds.upper().value(), last)
    }

    /// Indices of the thresholds that are written down, ascending: the highest that reach the levels, as far as the
    /// axis goes, and the two operating points; or all.
    pub fn selected(&self, points: CurvePoints, last: f64) -> Vec<usize> {
        if points == CurvePoints::Full {
            return (0..self.keys.len()).collect();
        }
        let mut selected = BTreeSet::from([self.lower_threshold, self.upper_threshold]);
        let upper = self.bounds.upper().value();
        let levels = self.levels(points, last).into_iter().filter(|&level| level <= upper);
        selected.extend(levels.map(|level| self.first_reaching(level)));
        selected.into_iter().collect()
    }

    /// The highest threshold at which the shared FPR reaches a level; `None` where the axis ends before.
    pub fn threshold_reaching(&self, level: f64) -> Option<f64> {
        let index = self.rates.partition_point(|&rate| rate < level);
        self.keys.get(index).map(|&key| score_of_key(key))
    }

    /// The thresholds at `selected` (ascending) with the spread of the normal images' rates.
    pub fn rows(&self, tail: &SettledTail, selected: &[usize]) -> Vec<AxisRow> {
        let Some(mut sweep) = Sweep::new(tail.groups(), SharedFpr::Max) else {
            return Vec::new();
        };
        let quantiles = [0.5, 0.9, 0.99].map(|q| {
            let q = crate::Decimal::new(q).map(SharedFpr::Quantile);
            let rank = q.ok().and_then(|q| q.rank(sweep.images)).unwrap_or(1);
            RisingQuantile::new(rank, sweep.images)
        });
        sweep.followed.extend(quantiles);
        let mut rows = Vec::with_capacity(selected.len());
        let mut selected = selected.iter().copied().peekable();
        for tied in tail.entries().chunk_by(|a, b| a.key == b.key) {
            let Some(&next) = selected.peek() else { break };
            sweep.lower_to(tied);
            if tied[0].key == self.keys[next] {
                selected.next();
                let [max_fpr, q50, q90, q99] = [0, 1, 2, 3].map(|i| sweep.followed[i].value());
                rows.push(AxisRow {
                    threshold: score_of_key(self.keys[next]),
                    shared_fpr: self.rates[next],
                    max_fpr,
                    quantiles: [q50, q90, q99],
                });
            }
        }
        rows
    }

    /// Each group's kept pixels at or above the lower and the upper threshold, by index of the group.
    pub fn normal_counts(&self, tail: &SettledTail) -> Vec<[u64; 2]> {
        tail.counts_reaching([self.keys[self.lower_threshold], self.keys[self.upper_threshold]])
    }

    fn first_reaching(&self, level: f64) -> usize {
        self.rates.partition_point(|&rate| rate < level).min(self.keys.len() - 1)
    }

    fn operating_point(&self, index: usize, normal_pixels: u64) -> OperatingPoint {
        OperatingPoint { threshold: score_of_key(self.keys[index]), shared_fpr: self.rates[index], normal_pixels }
    }
}

/// Goes down through the scores and keeps the images' rates.
struct Sweep<'a> {
    kind: SharedFpr,
    groups: &'a [Group],
    images: u64,
    /// Mean of the rates, by distinct sizes in ascending order.
    mean: MeanRate,
    size_of_group: Vec<u32>,
    /// Pixels reached in each group, and its rate.
    reached: Vec<u64>,
    group_rates: Vec<f64>,
    followed: Vec<RisingQuantile>,
    pixels: u64,
}

impl<'a> Sweep<'a> {
    fn new(groups: &'a [Group], kind: SharedFpr) -> Option<Self> {
        let images: u64 = groups.iter().map(|group| group.images).sum();
        if images == 0 {
            return None;
        }
        let mut sizes: Vec<u64> = groups.iter().filter(|group| group.images > 0).map(|group| group.pixels).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let place = |group: &Group| sizes.partition_point(|&pixels| pixels < group.pixels) as u32;
        let size_of_group = groups.iter().map(place).collect();
        let followed = kind.rank(images).map(|rank| RisingQuantile::new(rank, images)).into_iter().collect();
        Some(Self {
            kind,
            groups,
            images,
            mean: MeanRate::new(images, sizes),
            size_of_group,
            reached: vec![0; groups.len()],
            group_rates: vec![0.0; groups.len()],
            followed,
            pixels: 0,
        })
    }

    /// Lowers the threshold to a score that these entries have.
    fn lower_to(&mut self, tied: &[TailEntry]) {
        for entry in tied {
            let index = entry.group as usize;
            self.pixels += entry.count;
            self.mean.reach(self.size_of_group[index] as usize, entry.count);
            self.reached[index] += entry.count;
            let (old, new) = (self.group_rates[index], self.rate_of(index, self.reached[index]));
            self.group_rates[index] = new;
            for followed in &mut self.followed {
                let weighted = || self.group_rates.iter().copied().zip(self.groups.iter().map(|group| group.images));
                followed.rise(old, new, self.groups[index].images, weighted);
            }
        }
    }

    fn rate_of(&self, group: usize, reached: u64) -> f64 {
        let Group { pixels, images } = self.groups[group];
        quotient(reached.into(), u128::from(pixels) * u128::from(images))
    }

    /// The shared FPR at the present threshold.
    fn shared(&self) -> f64 {
        match self.kind {
            SharedFpr::Mean => self.mean.value(),
            SharedFpr::Max | SharedFpr::Quantile(_) => self.followed[0].value(),
        }
    }

    /// Whether the shared FPR reaches a bound, decided on integers.
    fn reaches(&self, bound: crate::Decimal, rate: f64) -> bool {
        match self.kind {
            SharedFpr::Mean => bound.is_reached_by(self.mean.parts(), self.images, rate),
            SharedFpr::Max | SharedFpr::Quantile(_) => {
                bound.clearly_reached_by(rate).unwrap_or_else(|| {
                    // The followed rate belongs to some image; its own fraction is compared.
                    let owner = self.group_rates.iter().position(|&own| own == rate);
                    owner.is_some_and(|index| {
                        let Group { pixels, images } = self.groups[index];
                        bound.is_reached_by([(self.reached[index], pixels)].into_iter(), images, rate)
                    })
                })
            }
        }
    }

    /// The followed quantile at the threshold that crosses the upper bound.
    ///
    /// An image that crossed the bound at a higher score was kept only a little further down. Its rate here may be
    /// larger than what was kept, which matters if it is, or could be, the followed one.
    fn decided(&self, key: u64, entries: &[TailEntry], recounted: &[(u32, u64)]) -> Result<f64, AxisError> {
        let mut lowest_kept = vec![u64::MAX; self.groups.len()];
        for entry in entries {
            lowest_kept[entry.group as usize] = entry.key;
        }
        let complete = |group: usize| {
            lowest_kept[group] <= key || self.reached[group] == self.groups[group].pixels * self.groups[group].images
        };
        let mut least: Vec<(f64, u64)> = Vec::with_capacity(self.groups.len());
        let mut most = least.clone();
        let mut incomplete = Vec::new();
        for (index, group) in self.groups.iter().enumerate().filter(|(_, group)| group.images > 0) {
            let again = recounted.iter().find(|(group, _)| *group as usize == index);
            let rate = again.map_or(self.group_rates[index], |&(_, count)| self.rate_of(index, count));
            let known = again.is_some() || complete(index);
            if !known {
                incomplete.push((index as u32, rate));
            }
            least.push((rate, group.images));
            most.push((if known { rate } else { 1.0 }, group.images));
        }
        // Rates of images that lie above all that the quantile can be do not move it, however much more they are.
        let most = self.ranked(most);
        incomplete.retain(|&(_, rate)| rate <= most);
        if incomplete.is_empty() {
            Ok(self.ranked(least))
        } else {
            Err(AxisError::Undecided { key, groups: incomplete.into_iter().map(|(group, _)| group).collect() })
        }
    }

    /// The followed rank among rates that count as often as their weights say.
    fn ranked(&self, mut rates: Vec<(f64, u64)>) -> f64 {
        rates.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rank = self.kind.rank(self.images).unwrap_or(1);
        let mut below = 0;
        let ranked = rates.iter().find(|(_, images)| {
            below += images;
            below >= rank
        });
        ranked.map_or(0.0, |&(rate, _)| rate)
    }
}
