//! Means of resampled images.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;

use super::BootstrapSettings;

/// Score vectors summed side by side: as many as fit a few SIMD registers.
pub(super) const LANES: usize = 8;

/// Resamples that share one stream of the generator: the unit of parallel work.
const RESAMPLES_PER_STREAM: usize = 64;

/// Scores of up to [`LANES`] detectors, one row per image.
type Lanes = Vec<[f64; LANES]>;

/// For each score vector the means of `settings.resamples` resamples of `images` images with
/// replacement, in order of resample. All vectors see the same resamples.
pub(super) fn resampled_means<S: AsRef<[f64]>>(
    vectors: &[S],
    images: u32,
    settings: &BootstrapSettings,
) -> Vec<Vec<f64>> {
    let groups: Vec<Lanes> = vectors.chunks(LANES).map(|vectors| interleave(vectors, images)).collect();
    let streams = settings.resamples.div_ceil(RESAMPLES_PER_STREAM);
    let blocks: Vec<Lanes> = (0..streams)
        .into_par_iter()
        .map(|stream| {
            let first = stream * RESAMPLES_PER_STREAM;
            let count = RESAMPLES_PER_STREAM.min(settings.resamples - first);
            means_of_stream(&groups, images, settings.seed, stream as u64, count)
        })
        .collect();
    (0..vectors.len())
        .map(|vector| {
            let (group, lane) = (vector / LANES, vector % LANES);
            let of_group = blocks.iter().flat_map(|block| block.iter().skip(group).step_by(groups.len()));
            of_group.map(|means| means[lane]).collect()
        })
        .collect()
}

fn interleave<S: AsRef<[f64]>>(vectors: &[S], images: u32) -> Lanes {
    let mut rows = vec![[0.0; LANES]; images as usize];
    for (lane, vector) in vectors.iter().enumerate() {
        for (row, score) in rows.iter_mut().zip(vector.as_ref()) {
            row[lane] = *score;
        }
    }
    rows
}

/// Means of `count` resamples, for each resample one row per group.
fn means_of_stream(groups: &[Lanes], images: u32, seed: u64, stream: u64, count: usize) -> Lanes {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    let mut drawn = vec![0_u32; images as usize];
    let mut means = Vec::with_capacity(count * groups.len());
    for _ in 0..count {
        for index in &mut drawn {
            *index = uniform_below(&mut generator, images);
        }
        means.extend(groups.iter().map(|rows| mean_of_rows(rows, &drawn)));
    }
    means
}

fn mean_of_rows(rows: &[[f64; LANES]], drawn: &[u32]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for &index in drawn {
        for (sum, score) in sums.iter_mut().zip(&rows[index as usize]) {
            *sum += score;
        }
    }
    sums.map(|sum| sum / drawn.len() as f64)
}

/// An unbiased whole number in `0..bound` (Lemire 2019): the high half of a product with the bound,
/// redrawn in the few cases that would favour some numbers.
fn uniform_below(generator: &mut impl RngCore, bound: u32) -> u32 {
    loop {
        let product = u64::from(generator.next_u32()) * u64::from(bound);
        let low = product as u32;
        if low >= bound || low >= bound.wrapping_neg() % bound {
            return (product >> 32) as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_every_image_equally_often() {
        let mut generator = ChaCha8Rng::seed_from_u64(7);
        let mut counts = [0_i32; 6];
        for _ in 0..60_000 {
            counts[uniform_below(&mut generator, 6) as usize] += 1;
        }
        // Standard deviation of each count: 91.
        assert!(counts.iter().all(|count| (count - 10_000).abs() < 500), "{counts:?}");
    }

    #[test]
    fn rejection_removes_the_bias() {
        // With a bound of 3 * 2^30 a plain multiply-shift would favour every third number by 2 to 1.
        let mut generator = ChaCha8Rng::seed_from_u64(7);
        let mut counts = [0_i32; 3];
        for _ in 0..30_000 {
            counts[(uniform_below(&mut generator, 3 << 30) % 3) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (count - 10_000).abs() < 500), "{counts:?}");
    }

    #[test]
    fn number_of_resamples_need_not_fill_the_last_stream() {
        let settings = BootstrapSettings { resamples: RESAMPLES_PER_STREAM + 1, ..BootstrapSettings::default() };
        let vectors: Vec<[f64; 3]> = (0..LANES + 2).map(|model| [0.0, 1.0, model as f64]).collect();
        let means = resampled_means(&vectors, 3, &settings);
        assert_eq!(means.len(), LANES + 2);
        assert!(means.iter().all(|means| means.len() == RESAMPLES_PER_STREAM + 1));
        // Detectors are resampled together: detector m's mean is affine in m.
        for ((first, second), last) in means[0].iter().zip(&means[1]).zip(&means[LANES + 1]) {
            assert!((last - (first + (second - first) * (LANES + 1) as f64)).abs() < 1e-12);
        }
    }

    #[test]
    fn means_spread_by_the_standard_error() {
        let settings = BootstrapSettings::default();
        let scores = [0.0, 0.25, 0.25, 1.0, 0.5, 0.0, 0.75, 1.0];
        let centre = scores.iter().sum::<f64>() / 8.0;
        let variance = scores.iter().map(|score| (score - centre).powi(2)).sum::<f64>() / 8.0;
        let means = resampled_means(&[scores], 8, &settings).remove(0);
        let found = means.iter().map(|mean| (mean - centre).powi(2)).sum::<f64>() / means.len() as f64;
        // 10 000 resamples estimate a variance to 1.4 %.
        assert!((found / (variance / 8.0) - 1.0).abs() < 0.06, "{found}");
    }
}
