//! The covered fractions of connected regions, summed over the regions, as an integer.
//!
//! The sum is not divided by the number of regions: where every region is covered whole, it is that number, and what it
//! is compared with has the same factor.

use pimo_accumulator::WEIGHT_BITS;

use crate::area_below::Height;

/// The scale on which covered fractions are summed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegionOverlap {
    /// Fractional bits of weights that are dropped.
    dropped: u32,
    top: u64,
}

impl RegionOverlap {
    /// The scale on which `regions` regions, all covered, are an integer of 63 bits.
    pub(crate) fn new(regions: u64) -> Self {
        let bits = regions.leading_zeros().saturating_sub(1).min(62);
        Self { dropped: WEIGHT_BITS - bits, top: regions << bits }
    }

    /// All regions covered.
    pub(crate) const fn top(&self) -> u64 {
        self.top
    }

    /// The sum, rounded down and up, when `found` anomalous pixels of this weight are found. Each pixel's weight was
    /// rounded down, so the exact sum is larger by less than one unit a pixel.
    #[inline]
    pub(crate) fn height(&self, weight: u128, found: u64) -> Height {
        let limited = |sum: u128| u64::try_from(sum).map_or(self.top, |sum| sum.min(self.top));
        // Nothing found is nothing covered; otherwise what is dropped, and the unit a pixel, is below one unit here.
        let above = weight + u128::from(found);
        let high = (above >> self.dropped) + u128::from(found > 0);
        (limited(weight >> self.dropped), limited(high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_enclose_the_sum_and_end_at_the_top() {
        for regions in [1, 2, 3, 135, 1 << 40, u64::MAX] {
            let overlap = RegionOverlap::new(regions);
            assert!(overlap.top() >= 1 << 62 && overlap.top() / regions * regions == overlap.top(), "{regions}");
            assert_eq!(overlap.height(0, 0), (0, 0));
        }
        // Three regions of 7 pixels: weights lose a little, and at the end the whole is among what is possible.
        let overlap = RegionOverlap::new(3);
        let weight = (1_u128 << WEIGHT_BITS) / 7;
        for found in 1..=21 {
            let (low, high) = overlap.height(u128::from(found) * weight, found);
            let exact = u128::from(overlap.top()) * u128::from(found);
            assert!(21 * u128::from(low) <= exact && exact <= 21 * u128::from(high), "{found}");
            assert!(high - low <= 2, "{found}");
        }
        assert_eq!(overlap.height(21 * weight, 21).1, overlap.top());
    }
}
