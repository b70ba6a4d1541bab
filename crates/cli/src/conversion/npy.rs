//! `.npy` files of scores, version 1.0.

use std::io::{self, Write};

use pimo_frame::{Comparison, Scores};

/// Writes everything before the samples, padded so that they start at a multiple of 64 bytes.
pub(super) fn write_header(out: &mut impl Write, kind: Comparison, shape: &[u64]) -> io::Result<()> {
    const PREAMBLE: usize = 10;
    let description = match kind {
        Comparison::F32 => "<f4",
        Comparison::F64 => "<f8",
    };
    let shape: Vec<String> = shape.iter().map(u64::to_string).collect();
    let text = format!("{{'descr': '{description}', 'fortran_order': False, 'shape': ({}), }}", shape.join(", "));
    let padded = (PREAMBLE + text.len() + 1).next_multiple_of(64) - PREAMBLE;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(padded as u16).to_le_bytes())?;
    writeln!(out, "{text:<width$}", width = padded - 1)
}

/// Writes the samples.
pub(super) fn write_scores(out: &mut impl Write, scores: &Scores) -> io::Result<()> {
    match scores {
        Scores::F32(scores) => (**scores).as_ref().iter().try_for_each(|score| out.write_all(&score.to_le_bytes())),
        Scores::F64(scores) => (**scores).as_ref().iter().try_for_each(|score| out.write_all(&score.to_le_bytes())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bytes_are_those_of_numpy() {
        let mut file = Vec::new();
        write_header(&mut file, Comparison::F32, &[2, 1]).unwrap();
        write_scores(&mut file, &Scores::from_f32(vec![1.0, -2.0])).unwrap();
        assert!(
            file.starts_with(b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), } ")
        );
        assert_eq!(file[127], b'\n');
        assert_eq!(file[128..], [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
    }
}
