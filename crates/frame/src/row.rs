//! What the counting loops ask of one row, compiled for the vector units at hand.
//!
//! Plain loops over fixed-size blocks, shaped so that the compiler vectorises them; the widest instruction set of the
//! machine is chosen at run time. Every answer is exact, so the choice never shows.

use multiversion::multiversion;

/// Scores looked at together.
const BLOCK: usize = 64;

/// The largest score of a row and whether all of them are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowSummary<S> {
    /// The largest score; meaningless where a score is not finite.
    pub largest: S,
    /// Whether no score is NaN or infinite.
    pub finite: bool,
}

macro_rules! row_kernels {
    ($float:ident, $bits:ident, $summary:ident, $smallest:ident, $count:ident) => {
        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
        pub(crate) fn $summary(row: &[$float]) -> RowSummary<$float> {
            const MAGNITUDE: $bits = $bits::MAX >> 1;
            let mut largest = [$float::NEG_INFINITY; BLOCK];
            let mut magnitude = [0 as $bits; BLOCK];
            let mut blocks = row.chunks_exact(BLOCK);
            for block in &mut blocks {
                for i in 0..BLOCK {
                    largest[i] = if block[i] > largest[i] { block[i] } else { largest[i] };
                    magnitude[i] = magnitude[i].max(block[i].to_bits() & MAGNITUDE);
                }
            }
            for (i, &score) in blocks.remainder().iter().enumerate() {
                largest[i] = if score > largest[i] { score } else { largest[i] };
                magnitude[i] = magnitude[i].max(score.to_bits() & MAGNITUDE);
            }
            let largest = largest.into_iter().fold($float::NEG_INFINITY, $float::max);
            let magnitude = magnitude.into_iter().max().unwrap_or(0);
            RowSummary { largest, finite: magnitude < $float::INFINITY.to_bits() }
        }

        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
        pub(crate) fn $smallest(row: &[$float]) -> $float {
            let mut smallest = [$float::INFINITY; BLOCK];
            for block in row.chunks(BLOCK) {
                for (least, &score) in smallest.iter_mut().zip(block) {
                    *least = if score < *least { score } else { *least };
                }
            }
            smallest.into_iter().fold($float::INFINITY, $float::min)
        }

        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
        pub(crate) fn $count(row: &[$float], bound: $float) -> usize {
            row.iter().map(|&score| (score >= bound) as $bits).sum::<$bits>() as usize
        }
    };
}

row_kernels!(f32, u32, summary_f32, smallest_f32, count_at_least_f32);
row_kernels!(f64, u64, summary_f64, smallest_f64, count_at_least_f64);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn summaries_and_counts_are_those_of_a_plain_loop(
            row in proptest::collection::vec(
                prop_oneof![
                    8 => -2.0_f32..2.0,
                    1 => Just(-0.0_f32),
                    1 => prop_oneof![Just(f32::MAX), Just(f32::MIN), Just(f32::from_bits(1))],
                ],
                1..300,
            ),
            bound in -2.0_f32..2.0,
            spoil in proptest::option::of((0_usize..300, prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY)])),
        ) {
            let mut row = row;
            if let Some((at, bad)) = spoil {
                let at = at % row.len();
                row[at] = bad;
            }
            let finite = row.iter().all(|score| score.is_finite());
            let double: Vec<f64> = row.iter().map(|&score| f64::from(score)).collect();
            prop_assert_eq!(summary_f32(&row).finite, finite);
            prop_assert_eq!(summary_f64(&double).finite, finite);
            if finite {
                let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                prop_assert_eq!(summary_f32(&row).largest, largest);
                prop_assert_eq!(summary_f64(&double).largest, f64::from(largest));
                let smallest = row.iter().copied().fold(f32::INFINITY, f32::min);
                prop_assert_eq!(smallest_f32(&row), smallest);
                prop_assert_eq!(smallest_f64(&double), f64::from(smallest));
            }
            let count = row.iter().filter(|&&score| score >= bound).count();
            prop_assert_eq!(count_at_least_f32(&row, bound), count);
            prop_assert_eq!(count_at_least_f64(&double, f64::from(bound)), count);
        }
    }
}
