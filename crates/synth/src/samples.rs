//! From a latent evidence field to stored scores.

use half::f16;
use half::slice::HalfFloatSliceExt;
use pimo_frame::SampleType;

use crate::random::{Purpose, StreamKey, uniform};

/// A detector's scale: a smooth rising function from evidence (in standard deviations of the background) to (0, 1).
///
/// With x = offset + slope * evidence: y = (x + sqrt(x^2 + 4)) / 2 bends the lower half towards 0 and leaves the upper
/// half nearly straight, as the distances do that detectors report; y / (1 + y) brings it below 1. Neither saturates
/// for any evidence that occurs, so distinct evidence stays distinct.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Response {
    offset: f32,
    slope: f32,
}

macro_rules! respond {
    ($name:ident, $float:ident) => {
        #[inline]
        fn $name(self, evidence: f32) -> $float {
            let x = $float::from(self.offset) + $float::from(self.slope) * $float::from(evidence);
            let y = 0.5 * (x + (x * x + 4.0).sqrt());
            y / (1.0 + y)
        }
    };
}

impl Response {
    pub(crate) fn draw(key: StreamKey) -> Self {
        let generator = &mut key.generator(Purpose::Range, 0);
        Self { offset: uniform(generator, -1.6, -0.6), slope: uniform(generator, 0.28, 0.42) }
    }

    respond!(single, f32);
    respond!(double, f64);

    /// Writes a row of scores as little-endian samples. `bytes` holds exactly the row.
    pub(crate) fn encode_row(self, evidence: &[f32], sample_type: SampleType, bytes: &mut [u8]) {
        match sample_type {
            SampleType::F32 => store(evidence, bytes, |e| self.single(e).to_le_bytes()),
            SampleType::F64 => store(evidence, bytes, |e| self.double(e).to_le_bytes()),
            SampleType::F16 => self.encode_half(evidence, bytes),
            SampleType::U8 => store(evidence, bytes, |e| [self.scaled(e, 0xff) as u8]),
            SampleType::U16 => store(evidence, bytes, |e| (self.scaled(e, 0xffff) as u16).to_le_bytes()),
            SampleType::U32 => store(evidence, bytes, |e| (self.scaled(e, 0xffff_ffff) as u32).to_le_bytes()),
            SampleType::U64 => store(evidence, bytes, |e| self.scaled(e, 1 << 53).to_le_bytes()),
            SampleType::I8 => store(evidence, bytes, |e| ((self.scaled(e, 0xff) - 0x80) as i8).to_le_bytes()),
            SampleType::I16 => store(evidence, bytes, |e| ((self.scaled(e, 0xffff) - 0x8000) as i16).to_le_bytes()),
            SampleType::I32 => {
                store(evidence, bytes, |e| ((self.scaled(e, 0xffff_ffff) - 0x8000_0000) as i32).to_le_bytes());
            }
            SampleType::I64 => store(evidence, bytes, |e| (self.scaled(e, 1 << 53) - (1 << 52)).to_le_bytes()),
        }
    }

    /// The score as a whole number from 0 to `most`.
    fn scaled(self, evidence: f32, most: i64) -> i64 {
        (self.double(evidence) * most as f64 + 0.5) as i64
    }

    /// In blocks, because the conversion to half precision is fast on slices only.
    fn encode_half(self, evidence: &[f32], bytes: &mut [u8]) {
        const BLOCK: usize = 256;
        let (mut scores, mut halves) = ([0.0; BLOCK], [f16::ZERO; BLOCK]);
        for (evidence, bytes) in evidence.chunks(BLOCK).zip(bytes.chunks_mut(2 * BLOCK)) {
            let (scores, halves) = (&mut scores[..evidence.len()], &mut halves[..evidence.len()]);
            for (score, &evidence) in scores.iter_mut().zip(evidence) {
                *score = self.single(evidence);
            }
            halves.convert_from_f32_slice(scores);
            for (out, half) in bytes.as_chunks_mut().0.iter_mut().zip(halves) {
                *out = half.to_le_bytes();
            }
        }
    }
}

fn store<const BYTES: usize>(evidence: &[f32], bytes: &mut [u8], sample: impl Fn(f32) -> [u8; BYTES]) {
    for (out, &evidence) in bytes.as_chunks_mut().0.iter_mut().zip(evidence) {
        *out = sample(evidence);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const RESPONSE: Response = Response { offset: -1.0, slope: 0.35 };

    fn encode<const BYTES: usize>(evidence: &[f32], sample_type: SampleType) -> Vec<[u8; BYTES]> {
        let mut bytes = vec![0; evidence.len() * sample_type.bytes()];
        RESPONSE.encode_row(evidence, sample_type, &mut bytes);
        bytes.chunks_exact(BYTES).map(|sample| sample.try_into().unwrap()).collect()
    }

    #[test]
    fn scores_rise_with_evidence_in_every_type() {
        let evidence: Vec<f32> = (0..600).map(|i| (i as f32 - 150.0) / 25.0).collect();
        let single: Vec<f32> = encode(&evidence, SampleType::F32).into_iter().map(f32::from_le_bytes).collect();
        assert!(single.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(single[0] > 0.0 && single[599] < 1.0);

        let half: Vec<f16> = encode(&evidence, SampleType::F16).into_iter().map(f16::from_le_bytes).collect();
        assert_eq!(half, single.iter().map(|&score| f16::from_f32(score)).collect::<Vec<_>>());

        let double: Vec<f64> = encode(&evidence, SampleType::F64).into_iter().map(f64::from_le_bytes).collect();
        assert!(double.iter().zip(&single).all(|(d, s)| (d - f64::from(*s)).abs() < 1e-6));
        assert!(double.iter().any(|d| f64::from(*d as f32) != *d), "needs double precision");

        let close = |value: i64, low: i64, most: i64, exact: f64| {
            ((value - low) as f64 - exact * most as f64).abs() <= 0.5 + 1e-9 * most as f64
        };
        for (i, &exact) in double.iter().enumerate() {
            let one = &evidence[i..=i];
            assert!(close(encode(one, SampleType::U8).map_first(u8::from_le_bytes).into(), 0, 0xff, exact));
            assert!(close(encode(one, SampleType::I8).map_first(i8::from_le_bytes).into(), -0x80, 0xff, exact));
            assert!(close(encode(one, SampleType::U16).map_first(u16::from_le_bytes).into(), 0, 0xffff, exact));
            assert!(close(encode(one, SampleType::I16).map_first(i16::from_le_bytes).into(), -0x8000, 0xffff, exact));
            let most = 0xffff_ffff;
            assert!(close(encode(one, SampleType::U32).map_first(u32::from_le_bytes).into(), 0, most, exact));
            assert!(close(
                encode(one, SampleType::I32).map_first(i32::from_le_bytes).into(),
                -0x8000_0000,
                most,
                exact
            ));
            let unsigned = encode(one, SampleType::U64).map_first(u64::from_le_bytes);
            assert!(close(unsigned.try_into().unwrap(), 0, 1 << 53, exact));
            assert!(close(encode(one, SampleType::I64).map_first(i64::from_le_bytes), -(1 << 52), 1 << 53, exact));
        }
    }

    trait MapFirst<const BYTES: usize> {
        fn map_first<T>(self, decode: fn([u8; BYTES]) -> T) -> T;
    }

    impl<const BYTES: usize> MapFirst<BYTES> for Vec<[u8; BYTES]> {
        fn map_first<T>(self, decode: fn([u8; BYTES]) -> T) -> T {
            decode(self[0])
        }
    }
}
