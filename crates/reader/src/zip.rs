//! The directory of a zip archive, by which single entries of a huge file are found.
//!
//! Only what `numpy.savez` and `torch.save` write is understood: entries that are stored or deflated, not encrypted,
//! in one file; sizes beyond 4 GiB by the zip64 records. Sums are not checked here: torch may write others than
//! CRC-32, and a stored entry is read in parts.

use std::collections::HashSet;
use std::io::Read;
use std::ops::Range;

use crate::error::Result;
use crate::input::Input;

pub(crate) const FORMAT: &str = "zip";

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const LOCATOR64: u32 = 0x0706_4b50;

/// Length of the end record without its comment, and with the longest.
const END_BYTES: usize = 22;
const END_SEARCH: u64 = END_BYTES as u64 + u16::MAX as u64;

/// Memory that one entry takes beside its name.
const BYTES_PER_ENTRY: u64 = 160;

/// One entry of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZipEntry {
    pub(crate) name: Box<str>,
    pub(crate) deflated: bool,
    pub(crate) compressed: u64,
    pub(crate) expanded: u64,
    pub(crate) crc: u32,
    header: u64,
}

/// The entries of the archive in the order of its directory.
pub(crate) fn directory(input: &Input, max_bytes: u64) -> Result<Vec<ZipEntry>> {
    let range = directory_range(input)?;
    let mut reader = input.range(range.start, range.end);
    let (mut entries, mut names, mut memory) = (Vec::new(), HashSet::new(), 0_u64);
    while reader.position() < range.end {
        let entry = read_entry(input, &mut reader)?;
        memory = memory.saturating_add(2 * entry.name.len() as u64 + BYTES_PER_ENTRY);
        input.check_memory(memory, max_bytes)?;
        if !names.insert(entry.name.clone()) {
            return Err(input.malformed(FORMAT, format!("it has two entries named `{}`", entry.name)));
        }
        entries.push(entry);
    }
    Ok(entries)
}

impl ZipEntry {
    /// The bytes of the file that hold the entry, compressed or not.
    pub(crate) fn data(&self, input: &Input) -> Result<Range<u64>> {
        let mut header = [0; 30];
        input.read_at(self.header, &mut header, "the header of an entry")?;
        if u32_at(&header, 0) != LOCAL {
            return Err(input.malformed(FORMAT, format!("the entry `{}` is not where its directory says", self.name)));
        }
        let start = self.header + 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        input.check_range(start, self.compressed, &format!("the entry `{}`", self.name))?;
        Ok(start..start + self.compressed)
    }
}

/// Where the directory is.
fn directory_range(input: &Input) -> Result<Range<u64>> {
    let tail_start = input.len().saturating_sub(END_SEARCH);
    let mut tail = vec![0; (input.len() - tail_start) as usize];
    input.read_at(tail_start, &mut tail, "the end of the archive")?;
    let complete =
        |&at: &usize| u32_at(&tail, at) == END && at + END_BYTES + usize::from(u16_at(&tail, at + 20)) <= tail.len();
    let candidates = 0..(tail.len() + 1).saturating_sub(END_BYTES);
    let Some(at) = candidates.rev().find(complete) else {
        return Err(input.malformed(FORMAT, "its directory is missing, as in a file that was cut off"));
    };
    let end_record = tail_start + at as u64;
    let (mut size, mut offset) = (u64::from(u32_at(&tail, at + 12)), u64::from(u32_at(&tail, at + 16)));
    let many = u16_at(&tail, at + 10) == u16::MAX || size == u64::from(u32::MAX) || offset == u64::from(u32::MAX);
    if let (true, Some(locator)) = (many, end_record.checked_sub(20)) {
        (size, offset) = directory64(input, locator)?.unwrap_or((size, offset));
    }
    input.check_range(offset, size, "the directory")?;
    Ok(offset..offset + size)
}

/// Size and offset of the directory by the zip64 records; `None` if there are none.
fn directory64(input: &Input, locator: u64) -> Result<Option<(u64, u64)>> {
    let mut bytes = [0; 20];
    input.read_at(locator, &mut bytes, "the end of the archive")?;
    if u32_at(&bytes, 0) != LOCATOR64 {
        return Ok(None);
    }
    let mut end = [0; 56];
    input.read_at(u64_at(&bytes, 8), &mut end, "the end of the archive")?;
    if u32_at(&end, 0) != END64 {
        return Err(input.malformed(FORMAT, "its zip64 record is not where it should be"));
    }
    Ok(Some((u64_at(&end, 40), u64_at(&end, 48))))
}

fn read_entry(input: &Input, reader: &mut impl Read) -> Result<ZipEntry> {
    let mut read = |bytes: &mut [u8]| reader.read_exact(bytes).map_err(|source| input.decoder_io(FORMAT, source));
    let mut fixed = [0; 46];
    read(&mut fixed)?;
    if u32_at(&fixed, 0) != CENTRAL {
        return Err(input.malformed(FORMAT, "its directory is damaged"));
    }
    let mut name = vec![0; usize::from(u16_at(&fixed, 28))];
    let mut extra = vec![0; usize::from(u16_at(&fixed, 30))];
    let mut comment = vec![0; usize::from(u16_at(&fixed, 32))];
    read(&mut name)?;
    read(&mut extra)?;
    read(&mut comment)?;
    let name = String::from_utf8_lossy(&name).into_owned().into_boxed_str();
    let (flags, method) = (u16_at(&fixed, 8), u16_at(&fixed, 10));
    if flags & 1 == 1 {
        return Err(input.unsupported(format!("The entry `{name}` is encrypted"), "Save it without a password"));
    }
    if method != 0 && method != 8 {
        return Err(input.unsupported(
            format!("The entry `{name}` is compressed with method {method}"),
            "Save it stored or deflated, as np.savez and np.savez_compressed do",
        ));
    }
    let mut sizes = [24, 20, 42].map(|at| u64::from(u32_at(&fixed, at)));
    widen(&mut sizes, &extra)
        .ok_or_else(|| input.malformed(FORMAT, format!("the zip64 sizes of the entry `{name}` are missing")))?;
    let [expanded, compressed, header] = sizes;
    if method == 0 && compressed != expanded {
        return Err(input.malformed(FORMAT, format!("the entry `{name}` is stored with two different sizes")));
    }
    Ok(ZipEntry { name, deflated: method == 8, compressed, expanded, crc: u32_at(&fixed, 16), header })
}

/// Replaces sizes that do not fit 32 bits by those of the zip64 extra field.
fn widen(sizes: &mut [u64; 3], mut extra: &[u8]) -> Option<()> {
    const ZIP64: u16 = 1;
    let wide = |size: &u64| *size == u64::from(u32::MAX);
    let mut wanted = sizes.iter_mut().filter(|size| wide(size)).peekable();
    if wanted.peek().is_none() {
        return Some(());
    }
    while extra.len() >= 4 {
        let (kind, len) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let content = extra.get(4..4 + len)?;
        if kind == ZIP64 {
            let mut values = content.chunks_exact(8);
            for size in wanted {
                *size = u64_at(values.next()?, 0);
            }
            return Some(());
        }
        extra = &extra[4 + len..];
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
