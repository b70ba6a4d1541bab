//! numpy's `.npz` files: zip archives of `.npy` arrays, one map each.

use std::collections::HashMap;

use crate::error::Result;
use crate::input::Input;
use crate::npy::{NpyHeader, Stack};
use crate::plane::{Deflated, Payload, Plane};
use crate::zip::{self, ZipEntry};
use crate::{ContainerEntry, Entry, MapLocation, ReadError};

/// An open archive.
#[derive(Debug)]
pub(crate) struct Npz {
    input: Input,
    entries: Vec<ZipEntry>,
    by_key: HashMap<Box<str>, usize>,
}

impl Npz {
    /// Reads the directory.
    pub(crate) fn open(at: &MapLocation, max_bytes: u64) -> Result<Self> {
        let input = Input::open(at)?;
        let entries = zip::directory(&input, max_bytes)?;
        let by_key = entries.iter().enumerate().map(|(index, entry)| (key(entry).into(), index)).collect();
        Ok(Self { input, entries, by_key })
    }

    /// The map under a key.
    pub(crate) fn plane(&self, at: &Entry) -> Result<(Input, Plane)> {
        let input = self.input.entry(at.clone());
        let location = || input.location().clone();
        let key = match at {
            Entry::Key(key) => key,
            Entry::Whole if !self.entries.is_empty() => {
                let example = Entry::Key(key(&self.entries[0]).into());
                return Err(ReadError::EntryNeeded {
                    at: location(),
                    maps: self.entries.len() as u64,
                    size: None,
                    example,
                });
            }
            _ => return Err(ReadError::NoSuchEntry { at: location(), holds: self.description() }),
        };
        let Some(&index) = self.by_key.get(key) else {
            return Err(ReadError::NoSuchEntry { at: location(), holds: self.description() });
        };
        let plane = plane(&input, &self.entries[index])?;
        Ok((input, plane))
    }

    /// All maps, by their headers.
    pub(crate) fn entries(&self) -> Result<Vec<ContainerEntry>> {
        let listed = self.entries.iter().map(|entry| {
            let key: Box<str> = key(entry).into();
            let name = Entry::Key(key.clone());
            let plane = plane(&self.input.entry(name.clone()), entry)?;
            Ok(ContainerEntry { entry: name, path: Some(key), size: plane.size, sample_type: plane.sample_type })
        });
        listed.collect()
    }

    fn description(&self) -> String {
        match &self.entries[..] {
            [] => "no map".into(),
            [only] => format!("the map `{}`", key(only)),
            [first, .., last] => format!("{} maps, from `{}` to `{}`", self.entries.len(), key(first), key(last)),
        }
    }
}

/// The name under which numpy shows an entry.
fn key(entry: &ZipEntry) -> &str {
    entry.name.strip_suffix(".npy").unwrap_or(&entry.name)
}

fn plane(input: &Input, entry: &ZipEntry) -> Result<Plane> {
    let data = entry.data(input)?;
    let deflated = |skip| Deflated {
        offset: data.start,
        compressed: entry.compressed,
        expanded: entry.expanded,
        crc: entry.crc,
        skip,
    };
    let header = NpyHeader::read(input, entry.expanded, |offset, bytes| {
        if entry.deflated {
            deflated(offset).begin(input, bytes)
        } else {
            input.read_at(data.start + offset, bytes, "the header")
        }
    })?;
    let end = header.data_offset.saturating_add(header.data_bytes());
    if end > entry.expanded {
        let what = format!("the array of shape {}", header.shape());
        return Err(input.truncated(&what, end, entry.expanded));
    }
    let Stack { maps: None, size } = header.stack(input)? else {
        return Err(input.unsupported(
            format!("The array has the shape {}", header.shape()),
            "Save one map per entry, as HxW, or all of them as one .npy of NxHxW",
        ));
    };
    let payload = if entry.deflated {
        Payload::Deflated(deflated(header.data_offset))
    } else {
        Payload::Raw { offset: data.start + header.data_offset }
    };
    let stored_bytes = if entry.deflated { entry.compressed } else { header.data_bytes() };
    Ok(Plane { sample_type: header.sample_type, big_endian: header.big_endian, size, stored_bytes, payload })
}
