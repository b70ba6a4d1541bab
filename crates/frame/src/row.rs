//! What the counting loops ask of one row, compiled for the vector units at hand.
//!
//! Plain loops over fixed-size blocks, shaped so that the compiler vectorises them; the widest instruction set of the
//! machine is chosen at run time. Every answer is exact, so the choice never shows.

use multiversion::multiversion;

/// Scores looked at together.
const BLOCK: usize = 64;
/// Scores of a row, side by side, whose largest is told by [`Sample::summary_by_block`](crate::Sample).
pub const SCORE_BLOCK: usize = 128;

/// The largest score of a row and whether all of them are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowSummary<S> {
    /// The largest score; meaningless where a score is not finite.
    pub largest: S,
    /// Whether no score is NaN or infinite.
    pub finite: bool,
}

macro_rules! row_kernels {
    ($float:ident, $bits:ident, $signed:ident, $summary:ident, $by_block:ident, $smallest:ident, $count:ident) => {
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
        pub(crate) fn $by_block(rows: &[$float], width: usize, by_block: &mut Vec<f64>) -> RowSummary<$float> {
            const MAGNITUDE: $bits = $bits::MAX >> 1;
            // Integers in the order of the scores: unlike floats, whose NaNs are in the way, the compiler takes the
            // largest of many of them at once. What maps them there maps them back.
            let ordered = |bits: $signed| bits ^ ((bits >> ($bits::BITS - 1)) as $bits >> 1) as $signed;
            let mut magnitude = [0 as $bits; BLOCK];
            let mut all = ordered($float::NEG_INFINITY.to_bits() as $signed);
            for row in rows.chunks_exact(width) {
                let (blocks, rest) = row.as_chunks::<SCORE_BLOCK>();
                for block in blocks {
                    let mut largest = $signed::MIN;
                    for part in block.as_chunks::<BLOCK>().0 {
                        for i in 0..BLOCK {
                            magnitude[i] = magnitude[i].max(part[i].to_bits() & MAGNITUDE);
                        }
                    }
                    for score in block {
                        largest = largest.max(ordered(score.to_bits() as $signed));
                    }
                    by_block.push(f64::from($float::from_bits(ordered(largest) as $bits)));
                    all = all.max(largest);
                }
                if !rest.is_empty() {
                    let mut largest = $signed::MIN;
                    for score in rest {
                        magnitude[0] = magnitude[0].max(score.to_bits() & MAGNITUDE);
                        largest = largest.max(ordered(score.to_bits() as $signed));
                    }
                    by_block.push(f64::from($float::from_bits(ordered(largest) as $bits)));
                    all = all.max(largest);
                }
            }
            let magnitude = magnitude.into_iter().max().unwrap_or(0);
            let largest = $float::from_bits(ordered(all) as $bits);
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

row_kernels!(f32, u32, i32, summary_f32, summary_by_block_f32, smallest_f32, count_at_least_f32);
row_kernels!(f64, u64, i64, summary_f64, summary_by_block_f64, smallest_f64, count_at_least_f64);

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
            for width in [1, 7, row.len()] {
                let rows = &row[..row.len() / width * width];
                let (mut single, mut by_block) = (Vec::new(), Vec::new());
                let summary = summary_by_block_f32(rows, width, &mut single);
                let double = summary_by_block_f64(&double[..rows.len()], width, &mut by_block);
                let finite = rows.iter().all(|score| score.is_finite());
                prop_assert_eq!((summary.finite, double.finite), (finite, finite));
                if finite {
                    let blocks = rows.chunks(width).flat_map(|row| row.chunks(SCORE_BLOCK));
                    let largest = |scores: &[f32]| f64::from(scores.iter().copied().fold(f32::NEG_INFINITY, f32::max));
                    let expected: Vec<f64> = blocks.map(largest).collect();
                    prop_assert_eq!(&single, &expected);
                    prop_assert_eq!(&by_block, &expected);
                    prop_assert_eq!((f64::from(summary.largest), double.largest), (largest(rows), largest(rows)));
                }
            }
            let count = row.iter().filter(|&&score| score >= bound).count();
            prop_assert_eq!(count_at_least_f32(&row, bound), count);
            prop_assert_eq!(count_at_least_f64(&double, f64::from(bound)), count);
        }
    }
}
