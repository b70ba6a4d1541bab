//! Means over images of intersection over union.

use pimo_accumulator::{BestIou, IOU_BITS};

use crate::interval::Interval;

/// Mean over the anomalous images of the best intersection over union of each, summed up image after image.
///
/// Sums are integers, so the order of the images does not matter.
///
/// ```
/// use pimo_accumulator::BestIou;
/// use pimo_finaliser::BestIouMean;
///
/// let mut mean = BestIouMean::default();
/// mean.add(&BestIou { intersection: 1, union: 2, threshold: 0.5 });
/// mean.add(&BestIou { intersection: 1, union: 1, threshold: 0.5 });
/// assert_eq!(mean.value().unwrap().value(), 0.75);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BestIouMean {
    /// Sums with [`IOU_BITS`] fractional bits, each image rounded down and up.
    low: u128,
    high: u128,
    images: u64,
}

impl BestIouMean {
    /// Adds an image.
    pub fn add(&mut self, image: &BestIou) {
        let scaled = u128::from(image.intersection) << IOU_BITS;
        self.low += scaled / u128::from(image.union);
        self.high += scaled.div_ceil(u128::from(image.union));
        self.images += 1;
    }

    /// The mean; `None` without an image.
    pub fn value(&self) -> Option<Interval> {
        let all = u128::from(self.images) << IOU_BITS;
        (self.images > 0).then(|| Interval::ratios((self.low, all), (self.high, all)).in_unit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_exact_ratios_is_exact() {
        let best = |intersection, union| BestIou { intersection, union, threshold: 0.0 };
        let mut sum = BestIouMean::default();
        for image in [best(1, 3), best(1, 2), best(2, 3)] {
            sum.add(&image);
        }
        let mean = sum.value();
        assert!(mean.is_some_and(|mean| mean.is_exact() && mean.low() <= 0.5 && 0.5 <= mean.high()));
        assert_eq!(BestIouMean::default().value(), None);
    }
}
