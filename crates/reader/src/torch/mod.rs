//! Files of `torch.save`: dictionaries, lists, strings and tensors, without running what the pickle in them says.
//!
//! Both containers are read: the zip archive of torch 1.6 and later, and the older sequence of pickles. Only the
//! description of the content is kept in memory; elements are read where and when they are asked for.

mod maps;
mod pickle;
mod value;

use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use flate2::bufread::DeflateDecoder;
use pimo_frame::{Comparison, SampleType};

use crate::convert::{Score, Stored};
use crate::error::Result;
use crate::input::Input;
use crate::pool::Pool;
use crate::zip::{self, ZipEntry};
use crate::{MapLocation, ReadError};
use pickle::{PickleError, Unpickled};
use value::StorageRef;

pub(crate) use maps::TorchMaps;
pub use value::{Tensor, Value};

const FORMAT: &str = "torch";

/// The number with which files of the older kind begin, as their first pickle.
const LEGACY_MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

/// Their protocol, the second pickle.
const LEGACY_PROTOCOL: i128 = 1001;

/// How the first pickle of such a file begins: protocol 2, an integer of ten bytes.
const LEGACY_START: [u8; 4] = [0x80, 2, 0x8a, 10];

/// Memory for pickles whose content is known to be small.
const SMALL_PICKLE: u64 = 1 << 16;

/// An open file of `torch.save`.
///
/// ```no_run
/// use pimo_reader::torch::TorchFile;
///
/// let file = TorchFile::open("curves.pt".as_ref(), 64 << 20)?;
/// let thresholds = file.root().get("threshs").and_then(|value| value.as_tensor()).expect("thresholds");
/// println!("{:?}", file.read_tensor_range(thresholds, 0..10)?);
/// # Ok::<(), pimo_reader::ReadError>(())
/// ```
#[derive(Debug)]
pub struct TorchFile {
    input: Input,
    root: Value,
    /// First byte of each storage.
    storages: HashMap<Arc<str>, u64>,
    big_endian: bool,
    max_bytes: u64,
}

impl TorchFile {
    /// Reads the description of what the file holds, taking at most `max_bytes` of memory.
    ///
    /// # Errors
    /// A file that cannot be opened, is damaged, or holds anything but plain data and tensors.
    pub fn open(path: &Path, max_bytes: u64) -> std::result::Result<Self, ReadError> {
        Self::open_at(&MapLocation::whole(path), max_bytes)
    }

    pub(crate) fn open_at(at: &MapLocation, max_bytes: u64) -> Result<Self> {
        let input = Input::open(at)?;
        let mut start = [0; 4];
        input.read_at(0, &mut start, "the header")?;
        if start == *b"PK\x03\x04" {
            open_zip(input, max_bytes)
        } else if start == LEGACY_START {
            open_legacy(input, max_bytes)
        } else {
            Err(input.malformed(FORMAT, "it does not begin as such a file does"))
        }
    }

    /// What the file holds.
    pub const fn root(&self) -> &Value {
        &self.root
    }

    /// The elements of a tensor of this file from index `rows.start` to `rows.end` of its first axis, in double
    /// precision, which holds them exactly. The other axes follow in order, the last running fastest. A tensor
    /// without axes counts as one row.
    ///
    /// # Errors
    /// Rows that the tensor does not have or that take more memory than allowed, a file that was cut off, and
    /// integers beyond 2^53.
    pub fn read_tensor_range(&self, tensor: &Tensor, rows: Range<u64>) -> std::result::Result<Vec<f64>, ReadError> {
        let (count, inner) = match tensor.shape.split_first() {
            Some((&count, inner)) => (count, inner),
            None => (1, &[][..]),
        };
        if rows.start > rows.end || rows.end > count {
            let Range { start, end } = rows;
            return Err(self.input.unsupported(
                format!("Rows {start} to {end} of a {tensor} were asked for"),
                "Ask for rows that it has",
            ));
        }
        let row: u64 = inner.iter().product();
        let elements = row.saturating_mul(rows.end - rows.start);
        self.input.check_memory(elements.saturating_mul(8), self.max_bytes)?;
        let mut values = Vec::with_capacity(elements as usize);
        if elements == 0 {
            return Ok(values);
        }
        let base = self.first_byte(tensor)?;
        for index in rows {
            let start = index * tensor.strides.first().copied().unwrap_or(0);
            self.read_axes(tensor, base, start, 1, &mut values)?;
        }
        Ok(values)
    }

    /// Reads everything from element `start` on that `axis` and the axes behind it span.
    fn read_axes(&self, tensor: &Tensor, base: u64, start: u64, axis: usize, values: &mut Vec<f64>) -> Result<()> {
        let (shape, strides) = (tensor.shape.get(axis..).unwrap_or(&[]), tensor.strides.get(axis..).unwrap_or(&[]));
        if is_contiguous(shape, strides) {
            return self.read_run(tensor.sample_type(), base, start, shape.iter().product(), values);
        }
        for index in 0..shape[0] {
            self.read_axes(tensor, base, start + index * strides[0], axis + 1, values)?;
        }
        Ok(())
    }

    /// Reads elements that follow each other.
    fn read_run(&self, sample_type: SampleType, base: u64, start: u64, len: u64, values: &mut Vec<f64>) -> Result<()> {
        let mut offset = base + start * sample_type.bytes() as u64;
        let pool = Pool::new(0);
        let width = u32::try_from(len.max(1)).unwrap_or(u32::MAX);
        let stored = Stored { input: &self.input, width, sample_type, big_endian: self.big_endian, pool: &pool };
        let mut next = |into: &mut [u8]| {
            self.input.read_at(offset, into, "a tensor")?;
            offset += into.len() as u64;
            Ok(())
        };
        let before = values.len();
        match sample_type.comparison() {
            Comparison::F64 => {
                values.resize(before + len as usize, 0.0);
                f64::fill(&stored, &mut values[before..], &mut next)
            }
            Comparison::F32 => {
                let mut narrow = vec![0_f32; len.min(RUN) as usize];
                for first in (0..len).step_by(RUN as usize) {
                    let run = &mut narrow[..(len - first).min(RUN) as usize];
                    f32::fill(&stored, run, &mut next)?;
                    values.extend(run.iter().map(|&value| f64::from(value)));
                }
                Ok(())
            }
        }
    }

    /// First byte of the storage that a tensor is in.
    pub(super) fn first_byte(&self, tensor: &Tensor) -> Result<u64> {
        let Some(&base) = self.storages.get(&tensor.storage.key) else {
            return Err(self.input.malformed(FORMAT, "a tensor is from another file"));
        };
        // Inside the storage, whose end is inside the file.
        Ok(base + tensor.offset * tensor.sample_type().bytes() as u64)
    }
}

/// Elements that are widened at a time.
const RUN: u64 = 1 << 14;

/// Whether elements follow each other without gaps, the last axis running fastest.
fn is_contiguous(shape: &[u64], strides: &[u64]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(&side, &stride)| {
        let follows = side == 1 || stride == expected;
        expected *= side;
        follows
    })
}

/// The zip container: `<name>/data.pkl` describes, `<name>/data/<key>` are the storages.
fn open_zip(input: Input, max_bytes: u64) -> Result<TorchFile> {
    let entries = zip::directory(&input, max_bytes)?;
    let is_pickle = |entry: &&ZipEntry| entry.name.strip_suffix("data.pkl").is_some_and(is_folder);
    let Some(pickle_entry) = entries.iter().find(is_pickle) else {
        return Err(input.unsupported(
            "The archive has no `data.pkl`, so that it is not one of torch.save",
            "Name it .npz if it holds numpy arrays",
        ));
    };
    let prefix = pickle_entry.name.strip_suffix("data.pkl").unwrap_or_default();
    let by_name: HashMap<&str, &ZipEntry> = entries.iter().map(|entry| (&*entry.name, entry)).collect();
    let big_endian = match by_name.get(format!("{prefix}byteorder").as_str()) {
        Some(entry) => read_small(&input, entry)?.starts_with(b"big"),
        None => false,
    };
    let Unpickled { root, storages } = unpickle_entry(&input, pickle_entry, max_bytes)?;
    let locate = |storage: &StorageRef| {
        let name = format!("{prefix}data/{}", storage.key);
        let Some(entry) = by_name.get(name.as_str()) else {
            return Err(input.malformed(FORMAT, format!("the entry `{name}` is missing")));
        };
        if entry.deflated {
            return Err(input.unsupported(
                format!("The entry `{name}` is compressed, so that single maps cannot be read"),
                "Save it with torch.save, which stores tensors uncompressed",
            ));
        }
        let needed = storage_bytes(storage);
        if needed > entry.expanded {
            return Err(input.truncated(&format!("the entry `{name}`"), needed, entry.expanded));
        }
        Ok((Arc::clone(&storage.key), entry.data(&input)?.start))
    };
    let storages = storages.values().map(locate).collect::<Result<_>>()?;
    Ok(TorchFile { input, root, storages, big_endian, max_bytes })
}

/// Whether an entry of this prefix lies in one folder, or in none.
fn is_folder(prefix: &str) -> bool {
    prefix.is_empty() || prefix.strip_suffix('/').is_some_and(|name| !name.contains('/'))
}

fn storage_bytes(storage: &StorageRef) -> u64 {
    storage.len.saturating_mul(storage.sample_type.bytes() as u64)
}

/// An entry of some bytes.
fn read_small(input: &Input, entry: &ZipEntry) -> Result<Vec<u8>> {
    let data = entry.data(input)?;
    let mut bytes = vec![0; (data.end - data.start).min(16) as usize];
    input.read_at(data.start, &mut bytes, "an entry")?;
    Ok(bytes)
}

fn unpickle_entry(input: &Input, entry: &ZipEntry, max_bytes: u64) -> Result<Unpickled> {
    let data = entry.data(input)?;
    let mut stored = input.range(data.start, data.end);
    let unpickled = if entry.deflated {
        let expanded = DeflateDecoder::new(stored).take(entry.expanded);
        pickle::read(&mut BufReader::new(expanded), max_bytes)
    } else {
        pickle::read(&mut stored, max_bytes)
    };
    unpickled.map_err(|error| pickle_error(input, error, max_bytes))
}

fn pickle_error(input: &Input, error: PickleError, max_bytes: u64) -> ReadError {
    match error {
        PickleError::Io(source) => input.decoder_io(FORMAT, source),
        PickleError::Malformed(what) => input.malformed(FORMAT, what),
        PickleError::Foreign(what, cure) => input.unsupported(what, cure),
        PickleError::TooLarge(needed) => input.too_large(needed, max_bytes),
    }
}

/// The older container: a magic number, a protocol, facts about the machine, the objects and a list of storage keys
/// as five pickles; then per key the number of elements and the elements.
fn open_legacy(input: Input, max_bytes: u64) -> Result<TorchFile> {
    let mut reader = input.range(0, input.len());
    let mut next =
        |max_bytes| pickle::read(&mut reader, max_bytes).map_err(|error| pickle_error(&input, error, max_bytes));
    if next(SMALL_PICKLE)?.root != Value::Int(LEGACY_MAGIC) || next(SMALL_PICKLE)?.root != Value::Int(LEGACY_PROTOCOL) {
        return Err(input.malformed(FORMAT, "it does not begin as such a file does"));
    }
    let big_endian = next(SMALL_PICKLE)?.root.get("little_endian") == Some(&Value::Bool(false));
    let Unpickled { root, storages } = next(max_bytes)?;
    let keys = next(max_bytes)?.root;
    let mut offset = reader.position();
    let mut first_bytes = HashMap::new();
    for key in keys.as_slice().unwrap_or(&[]) {
        let Some(storage) = key.as_text().and_then(|key| storages.get(key)) else {
            return Err(input.malformed(FORMAT, "a storage belongs to no tensor"));
        };
        let mut len = [0; 8];
        input.read_at(offset, &mut len, "the length of a storage")?;
        let len = if big_endian { u64::from_be_bytes(len) } else { u64::from_le_bytes(len) };
        if len != storage.len {
            return Err(
                input.malformed(FORMAT, format!("a storage has {len} elements where {} were announced", storage.len))
            );
        }
        offset += 8;
        input.check_range(offset, storage_bytes(storage), "a storage")?;
        first_bytes.insert(Arc::clone(&storage.key), offset);
        offset += storage_bytes(storage);
    }
    if first_bytes.len() != storages.len() {
        return Err(input.malformed(FORMAT, "a storage is missing"));
    }
    Ok(TorchFile { input, root, storages: first_bytes, big_endian, max_bytes })
}
