//! `.npy` files, version 1.0.

use pimo_frame::SampleType;

/// numpy's description of a little-endian sample type.
const fn description(sample_type: SampleType) -> &'static str {
    match sample_type {
        SampleType::F16 => "<f2",
        SampleType::F32 => "<f4",
        SampleType::F64 => "<f8",
        SampleType::U8 => "|u1",
        SampleType::U16 => "<u2",
        SampleType::U32 => "<u4",
        SampleType::U64 => "<u8",
        SampleType::I8 => "|i1",
        SampleType::I16 => "<i2",
        SampleType::I32 => "<i4",
        SampleType::I64 => "<i8",
    }
}

/// Everything before the samples, padded so that they start at a multiple of 64 bytes.
pub(crate) fn header(sample_type: SampleType, shape: &[u64]) -> Vec<u8> {
    const PREAMBLE: usize = 10;
    let shape: Vec<String> = shape.iter().map(u64::to_string).collect();
    let mut text = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
        description(sample_type),
        shape.join(", ")
    );
    let padded = (PREAMBLE + text.len() + 1).next_multiple_of(64) - PREAMBLE;
    text.push_str(&" ".repeat(padded - text.len() - 1));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((padded as u16).to_le_bytes());
    header.extend(text.into_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_what_numpy_writes() {
        let header = header(SampleType::F32, &[3, 1024, 7]);
        assert_eq!(header.len(), 128);
        assert!(header.starts_with(
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1024, 7), }  "
        ));
        assert!(header.ends_with(b"  \n"));
    }
}
