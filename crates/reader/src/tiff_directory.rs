//! The first directory of a TIFF file.
//!
//! The `tiff` crate decodes; this looks first. It tells size and sample type with one or two small reads, finds
//! uncompressed images that need no decoder at all, and refuses directories that would make a decoder allocate more
//! than the file can justify.

use pimo_frame::Size;

use crate::error::Result;
use crate::input::Input;

pub(crate) const FORMAT: &str = "TIFF";

/// More entries than any directory of one image has.
const MAX_ENTRIES: u64 = 4096;

/// Bytes that the decoder takes for one value of a tag, whatever its size in the file.
const BYTES_PER_VALUE: u64 = 64;

mod tag {
    pub(super) const WIDTH: u16 = 256;
    pub(super) const HEIGHT: u16 = 257;
    pub(super) const BITS_PER_SAMPLE: u16 = 258;
    pub(super) const COMPRESSION: u16 = 259;
    pub(super) const PHOTOMETRIC: u16 = 262;
    pub(super) const STRIP_OFFSETS: u16 = 273;
    pub(super) const SAMPLES_PER_PIXEL: u16 = 277;
    pub(super) const ROWS_PER_STRIP: u16 = 278;
    pub(super) const STRIP_BYTE_COUNTS: u16 = 279;
    pub(super) const PLANAR: u16 = 284;
    pub(super) const PREDICTOR: u16 = 317;
    pub(super) const TILE_WIDTH: u16 = 322;
    pub(super) const TILE_HEIGHT: u16 = 323;
    pub(super) const TILE_OFFSETS: u16 = 324;
    pub(super) const TILE_BYTE_COUNTS: u16 = 325;
    pub(super) const SAMPLE_FORMAT: u16 = 339;
}

/// What the directory says of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TiffDirectory {
    pub(crate) big_endian: bool,
    pub(crate) size: Size,
    pub(crate) samples_per_pixel: u64,
    pub(crate) bits: u64,
    /// 1 unsigned, 2 signed, 3 float.
    pub(crate) sample_format: u64,
    /// 0 is white in 0, 1 is black in 0.
    pub(crate) photometric: u64,
    /// Whether the samples of a pixel lie in separate planes.
    pub(crate) planar: bool,
    /// Bytes of all strips or tiles in the file.
    pub(crate) stored_bytes: u64,
    /// First byte of the samples if they follow each other without gaps or compression.
    pub(crate) contiguous: Option<u64>,
    /// Memory for one strip or tile, as stored and decoded, and for the directory itself.
    pub(crate) decoder_bytes: u64,
}

struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where the values are.
    offset: u64,
}

struct Directory<'a> {
    input: &'a Input,
    big_endian: bool,
    entries: Vec<Entry>,
}

impl TiffDirectory {
    /// Reads the directory of the file's first image.
    pub(crate) fn read(input: &Input, max_bytes: u64) -> Result<Self> {
        let directory = Directory::read(input)?;
        let values: u64 = directory.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.count));
        let directory_bytes = values.saturating_mul(BYTES_PER_VALUE);
        input.check_memory(directory_bytes, max_bytes)?;
        directory.describe(directory_bytes)
    }
}

impl<'a> Directory<'a> {
    fn read(input: &'a Input) -> Result<Self> {
        let mut head = [0; 16];
        let len = input.len().min(16) as usize;
        input.read_at(0, &mut head[..len], "the header")?;
        let big_endian = match &head[..2] {
            b"II" => false,
            b"MM" => true,
            _ => return Err(input.malformed(FORMAT, "it does not begin as such a file does")),
        };
        let mut directory = Self { input, big_endian, entries: Vec::new() };
        let (offset, big) = match directory.number(&head[2..4]) {
            42 => (directory.number(&head[4..8]), false),
            43 if directory.number(&head[4..8]) == if big_endian { 8 << 16 } else { 8 } => {
                (directory.number(&head[8..16]), true)
            }
            _ => {
                return Err(input.malformed(FORMAT, "its header is none of classic TIFF or BigTIFF"));
            }
        };
        directory.read_entries(offset, big)?;
        Ok(directory)
    }

    fn read_entries(&mut self, offset: u64, big: bool) -> Result<()> {
        let (count_bytes, entry_bytes) = if big { (8, 20) } else { (2, 12) };
        let mut count = [0; 8];
        self.input.read_at(offset, &mut count[..count_bytes], "the directory")?;
        let count = self.number(&count[..count_bytes]);
        if count > MAX_ENTRIES {
            return Err(self.input.malformed(FORMAT, format!("its directory of {count} entries is too long")));
        }
        let start = offset + count_bytes as u64;
        let mut bytes = vec![0; count as usize * entry_bytes];
        self.input.read_at(start, &mut bytes, "the directory")?;
        for (index, entry) in bytes.chunks_exact(entry_bytes).enumerate() {
            let entry = self.entry(entry, start + (index * entry_bytes) as u64)?;
            self.entries.push(entry);
        }
        let mut next = [0; 8];
        let next = &mut next[..if big { 8 } else { 4 }];
        self.input.read_at(start + bytes.len() as u64, next, "the directory")?;
        if self.number(next) != 0 {
            return Err(self.input.unsupported(
                "The file holds more than one image",
                "Save each image as a file of its own, or anomaly maps together as one .npy of NxHxW",
            ));
        }
        Ok(())
    }

    fn entry(&self, bytes: &[u8], position: u64) -> Result<Entry> {
        let inline = (bytes.len() - 4) / 2;
        let kind = self.number(&bytes[2..4]) as u16;
        let count = self.number(&bytes[4..4 + inline]);
        let needed = count.saturating_mul(value_bytes(kind));
        let offset = if needed <= inline as u64 {
            position + 4 + inline as u64
        } else {
            let offset = self.number(&bytes[4 + inline..]);
            self.input.check_range(offset, needed, "a tag of the directory")?;
            offset
        };
        Ok(Entry { tag: self.number(&bytes[..2]) as u16, kind, count, offset })
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let add = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
        if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    }

    /// All values of a tag; none if it is not there.
    fn values(&self, tag: u16) -> Result<Vec<u64>> {
        let Some(entry) = self.entries.iter().find(|entry| entry.tag == tag) else {
            return Ok(Vec::new());
        };
        if !matches!(entry.kind, 1 | 3 | 4 | 13 | 16 | 18) {
            return Err(self.input.malformed(FORMAT, format!("tag {tag} holds no whole numbers")));
        }
        let width = value_bytes(entry.kind) as usize;
        let mut bytes = vec![0; entry.count as usize * width];
        self.input.read_at(entry.offset, &mut bytes, "a tag of the directory")?;
        Ok(bytes.chunks_exact(width).map(|value| self.number(value)).collect())
    }

    fn value(&self, tag: u16, default: u64) -> Result<u64> {
        Ok(self.values(tag)?.first().copied().unwrap_or(default))
    }

    fn describe(&self, directory_bytes: u64) -> Result<TiffDirectory> {
        let (height, width) = (self.value(tag::HEIGHT, 0)?, self.value(tag::WIDTH, 0)?);
        let size = crate::npy::size(self.input, height, width)?;
        let samples_per_pixel = self.value(tag::SAMPLES_PER_PIXEL, 1)?;
        let bits = self.value(tag::BITS_PER_SAMPLE, 1)?;
        let bits_per_pixel = samples_per_pixel.saturating_mul(bits);
        let (chunk, offsets, counts) = if self.values(tag::TILE_OFFSETS)?.is_empty() {
            let rows = self.value(tag::ROWS_PER_STRIP, height)?.clamp(1, height);
            ((rows, width), self.values(tag::STRIP_OFFSETS)?, self.values(tag::STRIP_BYTE_COUNTS)?)
        } else {
            let tile = (self.value(tag::TILE_HEIGHT, 0)?, self.value(tag::TILE_WIDTH, 0)?);
            (tile, self.values(tag::TILE_OFFSETS)?, self.values(tag::TILE_BYTE_COUNTS)?)
        };
        let chunk_bytes = chunk.0.saturating_mul(chunk.1).saturating_mul(bits_per_pixel).div_ceil(8);
        let largest_stored = counts.iter().copied().max().unwrap_or(0).min(self.input.len());
        let stored_bytes: u64 = counts.iter().fold(0, |sum, &count| sum.saturating_add(count));
        let plain = self.value(tag::COMPRESSION, 1)? == 1 && self.value(tag::PREDICTOR, 1)? == 1;
        let strips = chunk.1 == width && height.div_ceil(chunk.0.max(1)) == offsets.len() as u64;
        let exact = size.pixels().checked_mul(bits_per_pixel / 8) == Some(stored_bytes) && bits.is_multiple_of(8);
        let contiguous = if plain && strips && exact { without_gaps(&offsets, &counts) } else { None };
        Ok(TiffDirectory {
            big_endian: self.big_endian,
            size,
            samples_per_pixel,
            bits,
            sample_format: self.value(tag::SAMPLE_FORMAT, 1)?,
            photometric: self.value(tag::PHOTOMETRIC, 1)?,
            planar: self.value(tag::PLANAR, 1)? == 2,
            stored_bytes,
            contiguous,
            decoder_bytes: directory_bytes.saturating_add(chunk_bytes).saturating_add(largest_stored),
        })
    }
}

/// Bytes of one value of a tag; an unknown type counts as the widest.
const fn value_bytes(kind: u16) -> u64 {
    match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        _ => 8,
    }
}

/// The first offset if every strip starts where the one before it ends.
fn without_gaps(offsets: &[u64], counts: &[u64]) -> Option<u64> {
    let first = *offsets.first()?;
    let mut next = first;
    for (&offset, &count) in offsets.iter().zip(counts) {
        if offset != next {
            return None;
        }
        next = next.checked_add(count)?;
    }
    (offsets.len() == counts.len()).then_some(first)
}
