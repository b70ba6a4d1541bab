//! `.npy` files, right and wrong ones.

use std::fs;
use std::path::Path;

/// Writes a file with this header and data.
pub(crate) fn npy_with(path: &Path, descr: &str, fortran: bool, shape: &str, data: &[u8]) {
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = length - 1).into_bytes());
    bytes.extend_from_slice(data);
    fs::write(path, bytes).unwrap();
}

/// Writes a float32 map.
pub(crate) fn npy(path: &Path, height: usize, width: usize, scores: &[f32]) {
    assert_eq!(scores.len(), height * width);
    npy_with(path, "'<f4'", false, &format!("({height}, {width})"), bytemuck::cast_slice(scores));
}

/// The float32 scores of a file that synth wrote.
pub(crate) fn scores_of(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[start..].as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}
