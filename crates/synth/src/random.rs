//! Random numbers that depend on what they are for, never on when they are drawn.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a stream of random numbers decides.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(crate) enum Purpose {
    /// The background all images of a category share.
    CategoryNoise,
    /// The background all detectors see in one image.
    ImageNoise,
    /// What one detector adds of its own.
    DetectorNoise,
    /// Height and width of an image.
    ImageSize,
    /// Where a defect lies and how it is shaped.
    Geometry,
    /// How obvious a defect is to every detector.
    Visibility,
    /// How one detector responds to a defect.
    Detection,
    /// False alarms of one detector.
    HotSpots,
    /// The range of one detector's scores.
    Range,
}

/// Names one stream: every field is part of the generator's key, so streams never overlap.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StreamKey {
    pub(crate) seed: u64,
    pub(crate) category: u32,
    pub(crate) image: u64,
    pub(crate) detector: u32,
}

impl StreamKey {
    /// The generator of this stream; `part` separates several streams of one purpose.
    pub(crate) fn generator(self, purpose: Purpose, part: u32) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&self.image.to_le_bytes());
        key[16..20].copy_from_slice(&self.category.to_le_bytes());
        key[20..24].copy_from_slice(&self.detector.to_le_bytes());
        key[24..28].copy_from_slice(&(purpose as u32).to_le_bytes());
        key[28..].copy_from_slice(&part.to_le_bytes());
        ChaCha8Rng::from_seed(key)
    }
}

/// A number from `low` up to, but not including, `high`.
pub(crate) fn uniform(generator: &mut ChaCha8Rng, low: f32, high: f32) -> f32 {
    let unit = (generator.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0);
    low + unit * (high - low)
}

/// A number from `low` to `high` whose logarithm is spread evenly (to a good approximation, and without a logarithm).
///
/// Interpolates reciprocals and values in equal parts, which needs nothing but correctly rounded operations and so
/// gives the same bits on every machine.
pub(crate) fn log_uniform(generator: &mut ChaCha8Rng, low: f32, high: f32) -> f32 {
    let unit = uniform(generator, 0.0, 1.0);
    let from_below = 1.0 / (1.0 / low + unit * (1.0 / high - 1.0 / low));
    let from_above = low + unit * (high - low);
    (from_below * from_above).sqrt()
}

/// A whole number below `bound`.
pub(crate) fn below(generator: &mut ChaCha8Rng, bound: u32) -> u32 {
    ((u64::from(generator.next_u32()) * u64::from(bound)) >> 32) as u32
}

/// A number of mean 0 and variance 1, close to a Gaussian and never beyond 3.5: the sum of four uniform numbers.
pub(crate) fn gaussian(generator: &mut ChaCha8Rng) -> f32 {
    /// Standard deviation of the sum of four uniform 16-bit numbers.
    const SUM_DEVIATION: f32 = 37_837.227;
    let bits = generator.next_u64();
    let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    (sum as f32 - 131_070.0) * (1.0 / SUM_DEVIATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        (mean, values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n)
    }

    #[test]
    fn gaussian_numbers_have_mean_0_and_variance_1() {
        let mut generator = StreamKey::default().generator(Purpose::ImageNoise, 0);
        let values: Vec<f32> = (0..100_000).map(|_| gaussian(&mut generator)).collect();
        let (mean, variance) = moments(&values);
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }

    #[test]
    fn every_part_of_the_key_selects_another_stream() {
        let key = StreamKey::default();
        let first = |key: StreamKey, purpose, part| key.generator(purpose, part).next_u64();
        let mut numbers = vec![
            first(key, Purpose::Geometry, 0),
            first(key, Purpose::Geometry, 1),
            first(key, Purpose::Range, 0),
            first(StreamKey { seed: 1, ..key }, Purpose::Geometry, 0),
            first(StreamKey { category: 1, ..key }, Purpose::Geometry, 0),
            first(StreamKey { image: 1, ..key }, Purpose::Geometry, 0),
            first(StreamKey { detector: 1, ..key }, Purpose::Geometry, 0),
        ];
        let streams = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), streams);
    }

    #[test]
    fn ranges_are_kept() {
        let mut generator = StreamKey::default().generator(Purpose::Geometry, 0);
        for _ in 0..10_000 {
            assert!((2.0..3.0).contains(&uniform(&mut generator, 2.0, 3.0)));
            let value = log_uniform(&mut generator, 0.5, 200.0);
            assert!((0.499..=200.1).contains(&value), "{value}");
            assert!(below(&mut generator, 7) < 7);
        }
    }
}
