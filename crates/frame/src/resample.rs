//! Bilinear resampling with the bits of torch's `interpolate(mode="bilinear", align_corners=False)`.
//!
//! Half-pixel centres, no antialiasing. torch has two kernels and chooses by the size of the output; which operations
//! are fused decides the last bit, so both are followed operation by operation:
//!
//! - large outputs (height + width of 129 or more): first along x, `fma(w0, left, w1 * right)`, then the same along
//!   y. The source coordinate is rounded after each operation in single precision and fused in double precision.
//! - small outputs: the four products of weights are rounded, then summed with three fused operations; the source
//!   coordinate is fused; an axis that keeps its length has weights of exactly one and zero.

use multiversion::multiversion;

use crate::{Sample, Size};

/// Height plus width of the output from which torch takes its kernel for large outputs.
const LARGE_OUTPUT: u64 = 129;

/// Arithmetic that the resampling needs of a score type.
pub trait Real: Sample {
    /// Neighbours and weights along an axis that goes from `from` to `to` samples.
    #[doc(hidden)]
    fn axis(from: u32, to: u32, large: bool) -> Vec<Tap<Self>>;
    #[doc(hidden)]
    fn blend_columns(native: &[Self], taps: &[Tap<Self>], row: &mut [Self]);
    #[doc(hidden)]
    fn blend_rows(weights: [Self; 2], upper: &[Self], lower: &[Self], row: &mut [Self]);
    #[doc(hidden)]
    fn blend_small(y: Tap<Self>, upper: &[Self], lower: &[Self], taps: &[Tap<Self>], row: &mut [Self]);
}

/// Where one output sample comes from along one axis.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap<S> {
    low: u32,
    high: u32,
    weights: [S; 2],
}

macro_rules! real {
    ($float:ident, $unfused_when_large:literal, $columns:ident, $rows:ident, $small:ident) => {
        impl Real for $float {
            fn axis(from: u32, to: u32, large: bool) -> Vec<Tap<Self>> {
                if from == to && !large {
                    return (0..to).map(|i| Tap { low: i, high: i, weights: [1.0, 0.0] }).collect();
                }
                let ratio = from as $float / to as $float;
                let tap = |i: u32| {
                    let centre = i as $float + 0.5;
                    let source =
                        if large && $unfused_when_large { ratio * centre - 0.5 } else { ratio.mul_add(centre, -0.5) };
                    let source = source.max(0.0);
                    let low = (source as u32).min(from - 1);
                    let upper_weight = (source - low as $float).clamp(0.0, 1.0);
                    Tap { low, high: (low + 1).min(from - 1), weights: [1.0 - upper_weight, upper_weight] }
                };
                (0..to).map(tap).collect()
            }

            fn blend_columns(native: &[Self], taps: &[Tap<Self>], row: &mut [Self]) {
                $columns(native, taps, row);
            }

            fn blend_rows(weights: [Self; 2], upper: &[Self], lower: &[Self], row: &mut [Self]) {
                $rows(weights, upper, lower, row);
            }

            fn blend_small(y: Tap<Self>, upper: &[Self], lower: &[Self], taps: &[Tap<Self>], row: &mut [Self]) {
                $small(y, upper, lower, taps, row);
            }
        }

        #[multiversion(targets("x86_64+avx2+fma"))]
        fn $columns(native: &[$float], taps: &[Tap<$float>], row: &mut [$float]) {
            for (out, tap) in row.iter_mut().zip(taps) {
                let [w0, w1] = tap.weights;
                *out = w0.mul_add(native[tap.low as usize], w1 * native[tap.high as usize]);
            }
        }

        #[multiversion(targets("x86_64+avx2+fma"))]
        fn $rows(weights: [$float; 2], upper: &[$float], lower: &[$float], row: &mut [$float]) {
            let [w0, w1] = weights;
            for ((out, &above), &below) in row.iter_mut().zip(upper).zip(lower) {
                *out = w0.mul_add(above, w1 * below);
            }
        }

        #[multiversion(targets("x86_64+avx2+fma"))]
        fn $small(y: Tap<$float>, upper: &[$float], lower: &[$float], taps: &[Tap<$float>], row: &mut [$float]) {
            let [w0y, w1y] = y.weights;
            for (out, tap) in row.iter_mut().zip(taps) {
                let [w0x, w1x] = tap.weights;
                let (left, right) = (tap.low as usize, tap.high as usize);
                let first = (w0y * w0x).mul_add(upper[left], (w0y * w1x) * upper[right]);
                let second = (w1y * w0x).mul_add(lower[left], first);
                *out = (w1y * w1x).mul_add(lower[right], second);
            }
        }
    };
}

real!(f32, true, blend_columns_f32, blend_rows_f32, blend_small_f32);
real!(f64, false, blend_columns_f64, blend_rows_f64, blend_small_f64);

/// Memory that resampling reuses from frame to frame.
#[derive(Debug, Default)]
pub struct RowScratch {
    pub(crate) f32: ResampleScratch<f32>,
    pub(crate) f64: ResampleScratch<f64>,
}

/// The plan and the rows of one kind of resampling; kept while the sizes stay the same.
#[derive(Debug, Default)]
pub struct ResampleScratch<S> {
    sizes: Option<(Size, Size)>,
    large: bool,
    x: Vec<Tap<S>>,
    y: Vec<Tap<S>>,
    /// Two native rows already blended along x, and which rows they are.
    blended: [(Option<u32>, Vec<S>); 2],
    out: Vec<S>,
}

/// Gives the rows of a map of one size at another size.
#[derive(Debug)]
pub struct Resampler<'a, S> {
    native: Size,
    scratch: &'a mut ResampleScratch<S>,
}

impl<'a, S: Real> Resampler<'a, S> {
    /// Prepares to resample maps of size `native` to size `evaluated`; both have at least one pixel.
    pub fn new(native: Size, evaluated: Size, scratch: &'a mut ResampleScratch<S>) -> Self {
        if scratch.sizes != Some((native, evaluated)) {
            scratch.large = u64::from(evaluated.height) + u64::from(evaluated.width) >= LARGE_OUTPUT;
            scratch.x = S::axis(native.width, evaluated.width, scratch.large);
            scratch.y = S::axis(native.height, evaluated.height, scratch.large);
            scratch.out = vec![S::default(); evaluated.width as usize];
            scratch.blended = [(None, scratch.out.clone()), (None, scratch.out.clone())];
            scratch.sizes = Some((native, evaluated));
        }
        // The rows kept belong to the map before.
        scratch.blended.iter_mut().for_each(|(row, _)| *row = None);
        Self { native, scratch }
    }

    /// Bytes that resampling to a width takes beside the map.
    pub const fn bytes(evaluated: Size) -> u64 {
        let tap = size_of::<Tap<S>>() as u64;
        (evaluated.width as u64 + evaluated.height as u64) * tap + evaluated.width as u64 * 3 * size_of::<S>() as u64
    }

    /// Row `y` of the resampled map, from the scores at native size.
    pub fn row(&mut self, native: &[S], y: usize) -> &[S] {
        let width = self.native.width as usize;
        let native_row = |row: u32| &native[row as usize * width..][..width];
        let ResampleScratch { large, x, y: rows, blended, out, .. } = &mut *self.scratch;
        let tap = rows[y];
        if *large {
            let upper = blended_row(blended, tap.low, tap.high, native_row, x);
            let lower = blended_row(blended, tap.high, tap.low, native_row, x);
            S::blend_rows(tap.weights, &blended[upper].1, &blended[lower].1, out);
        } else {
            S::blend_small(tap, native_row(tap.low), native_row(tap.high), x, out);
        }
        out
    }
}

/// Which of the two kept rows holds native row `wanted` blended along x, blending it first if neither does, in the
/// place of the row that is not `keep`.
fn blended_row<'n, S: Real>(
    blended: &mut [(Option<u32>, Vec<S>); 2],
    wanted: u32,
    keep: u32,
    native_row: impl Fn(u32) -> &'n [S],
    taps: &[Tap<S>],
) -> usize {
    if let Some(found) = blended.iter().position(|(row, _)| *row == Some(wanted)) {
        return found;
    }
    let place = usize::from(blended[0].0 == Some(keep));
    S::blend_columns(native_row(wanted), taps, &mut blended[place].1);
    blended[place].0 = Some(wanted);
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resample<S: Real>(native: Size, evaluated: Size, scores: &[S]) -> Vec<S> {
        let mut scratch = ResampleScratch::default();
        let mut resampler = Resampler::new(native, evaluated, &mut scratch);
        (0..evaluated.height as usize).flat_map(|y| resampler.row(scores, y).to_vec()).collect()
    }

    /// The definition, in double precision and without regard for the last bit.
    fn plain(native: Size, evaluated: Size, scores: &[f64]) -> Vec<f64> {
        let axis = |i: u32, from: u32, to: u32| {
            let source = ((f64::from(i) + 0.5) * f64::from(from) / f64::from(to) - 0.5).max(0.0);
            let low = (source.floor() as u32).min(from - 1);
            (low as usize, (low + 1).min(from - 1) as usize, (source - f64::from(low)).min(1.0))
        };
        let at = |y: usize, x: usize| scores[y * native.width as usize + x];
        let mut out = Vec::new();
        for i in 0..evaluated.height {
            let (top, bottom, v) = axis(i, native.height, evaluated.height);
            for j in 0..evaluated.width {
                let (left, right, u) = axis(j, native.width, evaluated.width);
                let above = at(top, left) * (1.0 - u) + at(top, right) * u;
                let below = at(bottom, left) * (1.0 - u) + at(bottom, right) * u;
                out.push(above * (1.0 - v) + below * v);
            }
        }
        out
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_definition(
            sides in (1_u32..20, 1_u32..20, 1_u32..90, 1_u32..90),
            seed in 0_u64..1000,
        ) {
            let (native, evaluated) = (Size::new(sides.0, sides.1), Size::new(sides.2, sides.3));
            let scores: Vec<f64> =
                (0..native.pixels()).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f64 / 1009.0).collect();
            let single: Vec<f32> = scores.iter().map(|&score| score as f32).collect();
            let wanted = plain(native, evaluated, &scores);
            for (got, want) in resample(native, evaluated, &scores).iter().zip(&wanted) {
                proptest::prop_assert!((got - want).abs() < 1e-12);
            }
            for (got, want) in resample(native, evaluated, &single).iter().zip(&wanted) {
                proptest::prop_assert!((f64::from(*got) - want).abs() < 2e-5);
            }
        }
    }

    #[test]
    fn a_scratch_serves_maps_one_after_the_other() {
        let (small, large) = (Size::new(3, 4), Size::new(100, 120));
        let first: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let second: Vec<f32> = first.iter().map(|score| 100.0 - score).collect();
        let mut scratch = ResampleScratch::default();
        for scores in [&first, &second] {
            let mut resampler = Resampler::new(small, large, &mut scratch);
            let rows: Vec<f32> = (0..100).flat_map(|y| resampler.row(scores, y).to_vec()).collect();
            assert_eq!(rows, resample(small, large, scores));
        }
    }

    #[test]
    fn extreme_scores_stay_finite() {
        let scores = [f32::MAX, f32::MIN, f32::MAX, f32::MIN];
        for size in [Size::new(5, 5), Size::new(100, 100)] {
            assert!(resample(Size::new(2, 2), size, &scores).iter().all(|score| score.is_finite()));
        }
    }
}
