//! Small decoders for the files of fixtures, apart from those of the library.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use pimo_frame::{SampleType, Size};

/// An array of a `.npy` file: its last two dimensions, what it holds, and all values as doubles.
pub(crate) struct Array {
    pub(crate) size: Size,
    pub(crate) sample_type: SampleType,
    pub(crate) values: Vec<f64>,
}

/// The folder of shared fixtures, where it is at hand.
pub(crate) fn parity_folder() -> Option<PathBuf> {
    pimo_test_data::shared("fixtures/parity")
}

pub(crate) fn npy(path: &Path) -> Array {
    let bytes = fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00", "{}", path.display());
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..start]).unwrap();
    assert!(header.contains("'fortran_order': False"), "{header}");
    let between = |from: &str, to: &str| header.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let shape: Vec<u32> = between("'shape': (", ")").split(',').filter_map(|side| side.trim().parse().ok()).collect();
    let [.., height, width] = shape[..] else { panic!("{header}") };
    let data = &bytes[start..];
    let (sample_type, values): (_, Vec<f64>) = match between("'descr': '", "'") {
        "<f2" => (SampleType::F16, data.as_chunks().0.iter().map(|&b| half(u16::from_le_bytes(b))).collect()),
        "<f4" => (SampleType::F32, data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b).into()).collect()),
        "<f8" => (SampleType::F64, data.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect()),
        other => panic!("{other}"),
    };
    assert_eq!(values.len() as u64, shape.iter().map(|&side| u64::from(side)).product::<u64>());
    Array { size: Size::new(height, width), sample_type, values }
}

/// The value of a finite half-precision number.
pub(crate) fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    assert!(exponent < 31, "not finite");
    let magnitude =
        if exponent == 0 { fraction * 2.0_f64.powi(-24) } else { (fraction + 1024.0) * 2.0_f64.powi(exponent - 25) };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

/// A mask of 8-bit grey samples.
pub(crate) fn mask(path: &Path) -> (Size, Vec<bool>) {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let info = reader.info();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Grayscale, png::BitDepth::Eight));
    let size = Size::new(info.height, info.width);
    let mut samples = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut samples).unwrap();
    assert_eq!(samples.len() as u64, size.pixels());
    (size, samples.into_iter().map(|sample| sample != 0).collect())
}
