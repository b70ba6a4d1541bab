//! The mean of the images' rates.
//!
//! It is compared with rates that somebody wrote down, so it has to be the double nearest to what the counts say: where
//! it is one in ten, 0.1, and not the number below that a sum of rounded quotients may end at.

use pimo_accumulator::two_sum;

use crate::quotient::quotient;

/// The mean over images of the share of their pixels that were reached, while these become more.
#[derive(Clone, Debug)]
pub(crate) struct MeanRate {
    images: u64,
    sizes: Vec<SizeRate>,
}

/// Images of one size.
#[derive(Clone, Copy, Debug)]
struct SizeRate {
    pixels: u64,
    reached: u64,
    /// reached / pixels, as the sum of a double and what it lacks.
    rate: (f64, f64),
}

impl MeanRate {
    /// Of `images` images, which have these distinct numbers of pixels; nothing has been reached.
    pub(crate) fn new(images: u64, sizes: impl IntoIterator<Item = u64>) -> Self {
        let sizes = sizes.into_iter().map(|pixels| SizeRate { pixels, reached: 0, rate: (0.0, 0.0) }).collect();
        Self { images, sizes }
    }

    /// Further pixels of images of a size, which is given by its index, were reached.
    pub(crate) fn reach(&mut self, size: usize, pixels: u64) {
        let several = self.sizes.len() > 1;
        let size = &mut self.sizes[size];
        size.reached += pixels;
        if several {
            size.rate = twofold_quotient((size.reached as f64, 0.0), size.pixels as f64);
        }
    }

    /// Pixels reached and pixels of an image, by size.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.sizes.iter().map(|size| (size.reached, size.pixels))
    }

    /// The mean. Of several sizes it is off by less than 2^-90 of itself before it is rounded.
    pub(crate) fn value(&self) -> f64 {
        if let [size] = self.sizes[..] {
            return quotient(size.reached.into(), u128::from(size.pixels) * u128::from(self.images));
        }
        let mut sum = (0.0, 0.0);
        for SizeRate { rate, .. } in &self.sizes {
            let (high, lost) = two_sum(sum.0, rate.0);
            sum = (high, sum.1 + (lost + rate.1));
        }
        let (high, low) = twofold_quotient(two_sum(sum.0, sum.1), self.images as f64);
        high + low
    }
}

/// `part`, a double and what it lacks, divided by `whole`.
fn twofold_quotient(part: (f64, f64), whole: f64) -> (f64, f64) {
    let high = part.0 / whole;
    let rest = (-high).mul_add(whole, part.0) + part.1;
    (high, rest / whole)
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;
    use crate::quotient::tests::is_nearest;

    proptest! {
        #[test]
        fn no_double_is_nearer(
            sizes in proptest::collection::vec((1_u64..1 << 40, 1_u64..1 << 32), 1..9), images in 1_u64..5000,
        ) {
            let mut mean = MeanRate::new(images, sizes.iter().map(|size| size.1));
            let (mut part, mut whole) = (BigUint::ZERO, BigUint::from(images));
            for (index, &(reached, pixels)) in sizes.iter().enumerate() {
                mean.reach(index, reached / 2);
                mean.reach(index, reached - reached / 2);
                part = part * pixels + &whole / images * reached;
                whole *= pixels;
            }
            prop_assert!(is_nearest(mean.value(), &part, &whole));
        }
    }

    #[test]
    fn a_rate_that_was_written_down_is_met() {
        // Over four images of three sizes, exactly one in ten; a plain sum of quotients ends below.
        let mut mean = MeanRate::new(4, [40, 30, 24]);
        for (size, reached) in [(0, 2), (1, 8), (2, 2)] {
            mean.reach(size, reached);
        }
        assert_eq!(mean.value(), 0.1);
        assert_eq!((2.0 / 40.0 + 8.0 / 30.0 + 2.0 / 24.0) / 4.0, 0.1_f64.next_down());
    }
}
