//! The header of numpy's `.npy` files, versions 1 to 3.
//!
//! Six magic bytes, two version bytes, the length of the header (2 bytes in version 1, 4 in 2 and 3), and a Python
//! dictionary literal with the element type, the order of axes and the shape. The samples follow without gaps.

use pimo_frame::{SampleType, Size};

use crate::error::Result;
use crate::input::Input;
use crate::literal::{Literal, parse_dict};

const FORMAT: &str = ".npy";
const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest header that is looked at. Those of arrays of numbers take some hundred bytes.
pub(crate) const MAX_HEADER: u64 = 1 << 16;

/// What is read at first: the whole header of nearly every file.
const FIRST_READ: u64 = 512;

/// An array as its header describes it; C order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NpyHeader {
    pub(crate) sample_type: SampleType,
    pub(crate) big_endian: bool,
    pub(crate) shape: Vec<u64>,
    /// Bytes before the first sample.
    pub(crate) data_offset: u64,
}

/// One map or a stack of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    /// Number of maps; `None` if the array is a single one.
    pub(crate) maps: Option<u64>,
    /// Size of each.
    pub(crate) size: Size,
}

impl NpyHeader {
    /// Reads the header of a file and checks that the samples are all there.
    pub(crate) fn of_file(input: &Input) -> Result<Self> {
        let read = |offset: u64, bytes: &mut [u8]| input.read_at(offset, bytes, "the header");
        let header = Self::read(input, input.len(), read)?;
        input.check_range(
            header.data_offset,
            header.data_bytes(),
            &format!("the array of shape {}", header.shape()),
        )?;
        Ok(header)
    }

    /// Reads the header through `read`, from something that is `len` bytes long.
    pub(crate) fn read(input: &Input, len: u64, mut read: impl FnMut(u64, &mut [u8]) -> Result<()>) -> Result<Self> {
        let mut bytes = vec![0; len.min(FIRST_READ) as usize];
        read(0, &mut bytes)?;
        if bytes.len() < 12 || !bytes.starts_with(MAGIC) {
            return Err(input.malformed(FORMAT, "it does not begin as such a file does"));
        }
        let (start, length) = match bytes[6] {
            1 => (10, u64::from(u16::from_le_bytes([bytes[8], bytes[9]]))),
            2 | 3 => (12, u64::from(u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]))),
            version => {
                return Err(input.malformed(FORMAT, format!("version {version} of the format is unknown")));
            }
        };
        if length > MAX_HEADER {
            return Err(input.malformed(FORMAT, format!("its header of {length} bytes is too long")));
        }
        let end = start + length;
        if end > len {
            return Err(input.truncated("the header", end, len));
        }
        if end > bytes.len() as u64 {
            bytes.resize(end as usize, 0);
            read(0, &mut bytes)?;
        }
        let text = String::from_utf8_lossy(&bytes[start as usize..end as usize]);
        Self::from_dict(input, &text, end)
    }

    fn from_dict(input: &Input, text: &str, data_offset: u64) -> Result<Self> {
        let bad = |what: &str| input.malformed(FORMAT, what);
        let dict = parse_dict(text).ok_or_else(|| bad("its header is not a dictionary"))?;
        let entry = |key: &str| dict.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        let descr = match entry("descr") {
            Some(Literal::Text(descr)) => descr,
            Some(Literal::List) => {
                return Err(input.unsupported(
                    "The array has records with several fields",
                    "Save the one field that holds the scores, as in np.save(path, a[\"score\"])",
                ));
            }
            _ => return Err(bad("its header names no element type")),
        };
        let (sample_type, big_endian) = sample_type(input, descr)?;
        let Some(Literal::Tuple(shape)) = entry("shape") else {
            return Err(bad("its header names no shape"));
        };
        match entry("fortran_order") {
            Some(Literal::Bool(false)) => Ok(Self { sample_type, big_endian, shape: shape.clone(), data_offset }),
            Some(Literal::Bool(true)) => {
                Err(input.unsupported("The array is in Fortran order", "Save it as np.ascontiguousarray(a)"))
            }
            _ => Err(bad("its header does not name the order of axes")),
        }
    }

    /// Number of samples; `u64::MAX` if there are more.
    pub(crate) fn samples(&self) -> u64 {
        // Zero first: `saturating_mul` would otherwise depend on the order of axes.
        if self.shape.contains(&0) {
            0
        } else {
            self.shape.iter().fold(1, |product, &side| product.saturating_mul(side))
        }
    }

    /// Bytes of all samples; `u64::MAX` if there are more.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.samples().saturating_mul(self.sample_type.bytes() as u64)
    }

    /// The shape as numpy prints it.
    pub(crate) fn shape(&self) -> String {
        print_shape(&self.shape)
    }

    /// What the shape says of maps: `HxW`, `1xHxW`, `HxWx1` and `1x1xHxW` are one map, `NxHxW` and `Nx1xHxW` many.
    pub(crate) fn stack(&self, input: &Input) -> Result<Stack> {
        let (maps, height, width) = match self.shape[..] {
            [height, width] | [1, height, width] | [height, width, 1] | [1, 1, height, width] => (None, height, width),
            [maps, height, width] | [maps, 1, height, width] => (Some(maps), height, width),
            _ => {
                return Err(input.unsupported(
                    format!("The array has the shape {}", self.shape()),
                    "Save each anomaly map as HxW, 1xHxW or HxWx1, or all of them as NxHxW",
                ));
            }
        };
        Ok(Stack { maps, size: size(input, height, width)? })
    }
}

/// The size of a map whose sides come from a file.
pub(crate) fn size(input: &Input, height: u64, width: u64) -> Result<Size> {
    let (Ok(rows), Ok(columns)) = (u32::try_from(height), u32::try_from(width)) else {
        return Err(input.unsupported(
            format!("An anomaly map of {height}x{width} is larger than any image"),
            "Check how it was written",
        ));
    };
    input.check_size(Size::new(rows, columns))
}

/// A shape as Python prints it.
pub(crate) fn print_shape(shape: &[u64]) -> String {
    match shape {
        [side] => format!("({side},)"),
        _ => format!("({})", shape.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// The sample type of a description like `<f4`, and whether its bytes come in big-endian order.
fn sample_type(input: &Input, descr: &str) -> Result<(SampleType, bool)> {
    let (order, kind) = match descr.chars().next() {
        Some(order @ ('<' | '>' | '|' | '=')) => (order, &descr[1..]),
        _ => ('=', descr),
    };
    let big_endian = order == '>' || (order != '<' && cfg!(target_endian = "big"));
    let sample_type = match kind {
        "f2" => SampleType::F16,
        "f4" => SampleType::F32,
        "f8" => SampleType::F64,
        "u1" | "b1" => SampleType::U8,
        "u2" => SampleType::U16,
        "u4" => SampleType::U32,
        "u8" => SampleType::U64,
        "i1" => SampleType::I8,
        "i2" => SampleType::I16,
        "i4" => SampleType::I32,
        "i8" => SampleType::I64,
        _ => {
            let (holds, cure) = match kind.chars().next() {
                Some('c') => ("complex numbers", "Save real scores, as in np.abs(a).astype(np.float32)"),
                Some('O') => ("Python objects", "Save numbers, as in np.stack(list(a)).astype(np.float32)"),
                Some('S' | 'U' | 'a') => ("strings", "Save numbers, as in a.astype(np.float32)"),
                Some('V') => ("raw records", "Save numbers, as in a.astype(np.float32)"),
                Some('f') => ("floats of an unusual width", "Save them as a.astype(np.float64)"),
                _ => ("values that are not scores", "Save numbers, as in a.astype(np.float32)"),
            };
            return Err(input.unsupported(format!("The array holds {holds} (`{descr}`)"), cure));
        }
    };
    Ok((sample_type, big_endian))
}
