//! Anomaly maps in a file of `torch.save`: `{asmaps: N x H x W, paths: [str]}`, or the tensor alone.

use pimo_frame::Size;

use super::{TorchFile, Value};
use crate::error::Result;
use crate::input::Input;
use crate::npy::{print_shape, size};
use crate::plane::{Payload, Plane};
use crate::reader::{check_entries, stack_index};
use crate::{ContainerEntry, Entry, MapLocation};

const CURE: &str = "Save {\"asmaps\": maps, \"paths\": paths} with maps of N x H x W";

/// The maps of one file.
#[derive(Debug)]
pub(crate) struct TorchMaps {
    input: Input,
    /// The first map; the others follow at `stride`.
    first: Plane,
    maps: u64,
    /// Bytes from one map to the next.
    stride: u64,
    /// Image paths, one per map, if the file has them.
    paths: Vec<Box<str>>,
}

impl TorchMaps {
    /// Finds the maps in a file.
    pub(crate) fn open(at: &MapLocation, max_bytes: u64) -> Result<Self> {
        let file = TorchFile::open_at(at, max_bytes)?;
        let input = file.input.clone();
        let bad = |what: String| input.unsupported(what, CURE);
        let (maps, paths) = match file.root() {
            Value::Tensor(tensor) => (&**tensor, None),
            root @ Value::Dict(_) => match root.get("asmaps") {
                Some(Value::Tensor(tensor)) => (&**tensor, root.get("paths")),
                Some(other) => return Err(bad(format!("The `asmaps` in it are {}", other.kind()))),
                None => return Err(bad("The dictionary in it has no `asmaps`".into())),
            },
            other => return Err(bad(format!("It holds {}", other.kind()))),
        };
        let (shape, strides) = (maps.shape(), &maps.strides[..]);
        let ((&[count, height, width], &[stride, row_stride, column_stride])
        | (&[count, 1, height, width], &[stride, _, row_stride, column_stride])) = (shape, strides)
        else {
            return Err(bad(format!("The tensor has the shape {}", print_shape(shape))));
        };
        if count == 0 {
            return Err(bad(format!("The tensor has the shape {}", print_shape(shape))));
        }
        let size = size(&input, height, width)?;
        let sample_type = maps.sample_type();
        if maps.elements().is_none_or(|elements| elements > maps.storage.len) {
            return Err(input.unsupported("The maps of the tensor share their elements", "Save maps.contiguous()"));
        }
        let payload = payload(file.first_byte(maps)?, size, (row_stride, column_stride), sample_type.bytes() as u64)
            .ok_or_else(|| {
                input.unsupported(
                    format!("The tensor has the strides {}, so that its maps are interleaved", print_shape(strides)),
                    "Save maps.contiguous()",
                )
            })?;
        let stored_bytes = size.pixels() * sample_type.bytes() as u64;
        let first = Plane { sample_type, big_endian: file.big_endian, size, stored_bytes, payload };
        let paths = paths.map_or(Ok(Vec::new()), |paths| read_paths(&input, paths, count))?;
        // The stride of an axis of length one means nothing.
        let stride = if count == 1 { 0 } else { stride * sample_type.bytes() as u64 };
        Ok(Self { input, first, maps: count, stride, paths })
    }

    /// One of the maps.
    pub(crate) fn plane(&self, entry: &Entry) -> Result<(Input, Plane)> {
        let input = self.input.entry(entry.clone());
        // Inside the storage: the tensor was checked against it.
        let skip = stack_index(&input, self.maps, self.first.size)? * self.stride;
        let mut plane = self.first.clone();
        if let Payload::Raw { offset } | Payload::Rows { offset, .. } | Payload::Strided { offset, .. } =
            &mut plane.payload
        {
            *offset += skip;
        }
        Ok((input, plane))
    }

    /// All maps.
    pub(crate) fn entries(&self, max_bytes: u64) -> Result<Vec<ContainerEntry>> {
        check_entries(&self.input, self.maps, max_bytes)?;
        let entry = |index| ContainerEntry {
            entry: Entry::Index(index),
            path: self.paths.get(index as usize).cloned(),
            size: self.first.size,
            sample_type: self.first.sample_type,
        };
        Ok((0..self.maps).map(entry).collect())
    }
}

/// Where the samples of a map with these strides are; `None` if they lie too far apart to be read at once.
fn payload(offset: u64, size: Size, (row, column): (u64, u64), bytes: u64) -> Option<Payload> {
    let (height, width) = (u64::from(size.height), u64::from(size.width));
    if column == 1 || width == 1 {
        let gapless = row == width || height == 1;
        return Some(if gapless { Payload::Raw { offset } } else { Payload::Rows { offset, row_stride: row * bytes } });
    }
    let span = (height - 1) * row + (width - 1) * column + 1;
    let dense = span <= 2 * size.pixels();
    dense.then_some(Payload::Strided { offset, row_stride: row, column_stride: column, span })
}

fn read_paths(input: &Input, paths: &Value, maps: u64) -> Result<Vec<Box<str>>> {
    let Some(items) = paths.as_slice() else {
        return Err(input.unsupported(format!("The `paths` in it are {}", paths.kind()), CURE));
    };
    if items.len() as u64 != maps {
        return Err(input.unsupported(
            format!("There are {maps} anomaly maps but {} paths", items.len()),
            "Save one path per map, in the same order",
        ));
    }
    let path = |item: &Value| match item.as_text() {
        Some(path) => Ok(path.into()),
        None => Err(input.unsupported(format!("One of the `paths` in it is {}", item.kind()), CURE)),
    };
    items.iter().map(path).collect()
}
