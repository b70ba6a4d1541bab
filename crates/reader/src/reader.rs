//! The reader: one object that all threads share.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pimo_frame::{Mask, Size};

use crate::container::{Container, Containers};
use crate::error::Result;
use crate::format::Format;
use crate::input::Input;
use crate::mapping::is_on_network;
use crate::mask::{self, MaskContext};
use crate::npy::NpyHeader;
use crate::plane::{Payload, Plane};
use crate::pool::Pool;
use crate::{
    AnomalyMap, ContainerEntry, Entry, MapHeader, MapLocation, MaskRule, ReadError, SourceImage, fault, png_file,
    source_image, tiff_file,
};

/// How maps that could be used in place are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IoChoice {
    /// Memory mapping of files on local file systems, if the process can bear that one of them shrinks (see
    /// [`fault::announce_handler`](crate::fault::announce_handler)); else positioned reads. With the files in the page
    /// cache mapping takes about three quarters of the time of reading, from a cold disk as long.
    #[default]
    Auto,
    /// Memory mapping where possible.
    Mmap,
    /// Positioned reads.
    Read,
}

/// Called with the path of a file between mapping it and handing out its scores: a hook for tests.
pub type AfterMapHook = Box<dyn Fn(&Path) + Send + Sync>;

/// What a [`Reader`] may use.
pub struct ReaderOptions {
    /// How maps that could be used in place are read.
    pub io: IoChoice,
    /// Largest working memory in bytes for one image; one that needs more is [`ReadError::TooLarge`].
    pub max_bytes: u64,
    /// How many buffers are kept for the next maps. As many as frames are in flight is right, plus one per thread.
    pub buffers: usize,
    /// A hook for tests.
    pub after_map_hook: Option<AfterMapHook>,
}

impl Default for ReaderOptions {
    /// Auto, 256 MiB, eight buffers.
    fn default() -> Self {
        Self { io: IoChoice::Auto, max_bytes: 256 << 20, buffers: 8, after_map_hook: None }
    }
}

impl fmt::Debug for ReaderOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderOptions")
            .field("io", &self.io)
            .field("max_bytes", &self.max_bytes)
            .field("buffers", &self.buffers)
            .field("after_map_hook", &self.after_map_hook.is_some())
            .finish()
    }
}

/// Reads anomaly maps and masks. Shared by threads; every call is independent of the others.
#[derive(Debug)]
pub struct Reader {
    options: ReaderOptions,
    pool: Arc<Pool>,
    /// Buffers of zeros.
    zeros: Arc<Pool>,
    containers: Containers,
    bytes_read: AtomicU64,
    map_reads: AtomicU64,
}

impl Reader {
    /// A reader with these options.
    pub fn new(options: ReaderOptions) -> Self {
        let (pool, zeros) = (Pool::new(options.buffers), Pool::new(options.buffers));
        let containers = Containers::default();
        Self { options, pool, zeros, containers, bytes_read: AtomicU64::new(0), map_reads: AtomicU64::new(0) }
    }

    /// What the header says of a map. Nothing is decoded.
    ///
    /// # Errors
    /// A file that cannot be opened, is damaged, or holds something else than anomaly maps.
    pub fn map_header(&self, at: &MapLocation) -> std::result::Result<MapHeader, ReadError> {
        let (input, plane) = self.plane(at)?;
        let mappable = plane.is_mappable();
        Ok(MapHeader {
            sample_type: plane.sample_type,
            size: plane.size,
            stored_bytes: plane.stored_bytes,
            working_bytes: if mappable && self.maps(&input) { 0 } else { plane.working_bytes() },
            most_working_bytes: plane.working_bytes(),
            mappable,
        })
    }

    /// Reads one map.
    ///
    /// # Errors
    /// As [`Reader::map_header`], and damage in the samples, integers beyond 2^53, and a map that takes more memory
    /// than allowed.
    pub fn read_map(&self, at: &MapLocation) -> std::result::Result<AnomalyMap, ReadError> {
        let (input, plane) = self.plane(at)?;
        let mapped = if plane.is_mappable() && self.maps(&input) { plane.map(&input) } else { None };
        let scores = match mapped {
            Some(scores) => {
                if let Some(hook) = &self.options.after_map_hook {
                    hook(input.path());
                }
                scores
            }
            None => plane.read(&input, &self.pool, self.options.max_bytes)?,
        };
        self.bytes_read.fetch_add(plane.stored_bytes, Relaxed);
        self.map_reads.fetch_add(1, Relaxed);
        let Plane { sample_type, size, stored_bytes, .. } = plane;
        Ok(AnomalyMap { sample_type, size, stored_bytes, scores })
    }

    /// The size of a mask, from its header.
    ///
    /// # Errors
    /// A file that cannot be opened, is damaged, or holds no mask.
    pub fn mask_size(&self, path: &Path) -> std::result::Result<Size, ReadError> {
        mask::size(&MapLocation::whole(path), self.options.max_bytes)
    }

    /// Reads a mask.
    ///
    /// # Errors
    /// As [`Reader::mask_size`], and damage in the samples, NaN, a threshold for a mask in colour, and a mask that
    /// takes more memory than allowed.
    pub fn read_mask(&self, path: &Path, rule: MaskRule) -> std::result::Result<Mask, ReadError> {
        let context = MaskContext { rule, pool: &self.pool, zeros: &self.zeros, max_bytes: self.options.max_bytes };
        mask::read(&MapLocation::whole(path), &context)
    }

    /// The size of any image of the usual formats, from its header.
    ///
    /// # Errors
    /// A file that cannot be opened or is no image.
    pub fn image_size(&self, path: &Path) -> std::result::Result<Size, ReadError> {
        let input = Input::open(&MapLocation::whole(path))?;
        let size = imagesize::reader_size(input.range(0, input.len())).map_err(|error| match error {
            imagesize::ImageError::IoError(source) => input.decoder_io("image", source),
            other => input.malformed("image", other.to_string().trim_end_matches('.').to_lowercase()),
        })?;
        // The header of a BMP that begins with its top row has a negative height.
        let height = size.height as u64;
        let top_down = (1 << 31..1 << 32).contains(&height);
        let height = if top_down { u64::from((height as u32 as i32).unsigned_abs()) } else { height };
        crate::npy::size(&input, height, size.width as u64)
    }

    /// Reads a source image as RGB of 8 bits: PNG, JPEG, TIFF or BMP, whatever its name ends in.
    ///
    /// # Errors
    /// A file that cannot be opened, is damaged or no such image, and an image that takes more memory than allowed.
    pub fn read_image(&self, path: &Path) -> std::result::Result<SourceImage, ReadError> {
        source_image::read(&MapLocation::whole(path), self.options.max_bytes)
    }

    /// The maps in a file that holds many; `None` if it holds one.
    ///
    /// # Errors
    /// As [`Reader::map_header`] for any of them.
    pub fn entries(&self, file: &Path) -> std::result::Result<Option<Vec<ContainerEntry>>, ReadError> {
        let at = MapLocation::whole(file);
        match map_format(&at)? {
            Format::Npz | Format::Torch => self.container(&at)?.entries(self.options.max_bytes).map(Some),
            Format::Npy => npy_entries(&Input::open(&at)?, self.options.max_bytes),
            _ => {
                self.plane(&at)?;
                Ok(None)
            }
        }
    }

    /// Bytes of maps read so far, as they are stored. A mapped map counts as a whole.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Relaxed)
    }

    /// Number of maps read so far.
    pub fn map_reads(&self) -> u64 {
        self.map_reads.load(Relaxed)
    }

    /// Whether maps of this file are used in place where they can be.
    fn maps(&self, input: &Input) -> bool {
        match self.options.io {
            IoChoice::Mmap => true,
            IoChoice::Read => false,
            IoChoice::Auto => fault::is_guarded() && !is_on_network(input.file()),
        }
    }

    fn plane(&self, at: &MapLocation) -> Result<(Input, Plane)> {
        let single = |read: fn(&Input, u64) -> Result<Plane>| {
            let input = Input::open(at)?;
            check_single(&input)?;
            let plane = read(&input, self.options.max_bytes)?;
            Ok((input, plane))
        };
        match map_format(at)? {
            Format::Npy => {
                let input = Input::open(at)?;
                let plane = npy_plane(&input)?;
                Ok((input, plane))
            }
            Format::Tiff => single(tiff_file::map_header),
            Format::Npz | Format::Torch => self.container(at)?.plane(&at.entry),
            _ => single(png_file::map_header),
        }
    }

    fn container(&self, at: &MapLocation) -> Result<Arc<Container>> {
        self.containers.get(at, self.options.max_bytes)
    }
}

fn map_format(at: &MapLocation) -> Result<Format> {
    Format::of_map(&at.file).ok_or_else(|| ReadError::Unsupported {
        at: at.clone(),
        what: "The name does not end like that of an anomaly map".into(),
        cure: "Anomaly maps are read from .npy, .npz, .pt, .pth, .tif, .tiff and .png".into(),
    })
}

/// Fails when one of many maps is asked of a file that holds one.
fn check_single(input: &Input) -> Result<()> {
    match input.location().entry {
        Entry::Whole | Entry::Index(0) => Ok(()),
        _ => Err(ReadError::NoSuchEntry { at: input.location().clone(), holds: "one map".into() }),
    }
}

/// One map of an `.npy` file, which may be a stack.
fn npy_plane(input: &Input) -> Result<Plane> {
    let header = NpyHeader::of_file(input)?;
    let stack = header.stack(input)?;
    let stored_bytes = stack.size.pixels() * header.sample_type.bytes() as u64;
    let index = match stack.maps {
        None => check_single(input).map(|()| 0)?,
        Some(maps) => stack_index(input, maps, stack.size)?,
    };
    // Inside the array, whose end is inside the file.
    let offset = header.data_offset + index * stored_bytes;
    let payload = Payload::Raw { offset };
    let (sample_type, big_endian) = (header.sample_type, header.big_endian);
    Ok(Plane { sample_type, big_endian, size: stack.size, stored_bytes, payload })
}

/// Which of `maps` maps of this size is asked for.
pub(crate) fn stack_index(input: &Input, maps: u64, size: Size) -> Result<u64> {
    let at = input.location();
    match at.entry {
        Entry::Index(index) if index < maps => Ok(index),
        Entry::Whole if maps > 0 => {
            Err(ReadError::EntryNeeded { at: at.clone(), maps, size: Some(size), example: Entry::Index(maps - 1) })
        }
        _ => {
            let holds = match maps {
                0 => "no map".into(),
                1 => "map 0".into(),
                maps => format!("maps 0 to {}", maps - 1),
            };
            Err(ReadError::NoSuchEntry { at: at.clone(), holds })
        }
    }
}

fn npy_entries(input: &Input, max_bytes: u64) -> Result<Option<Vec<ContainerEntry>>> {
    let header = NpyHeader::of_file(input)?;
    let stack = header.stack(input)?;
    let entry = |index| ContainerEntry {
        entry: Entry::Index(index),
        path: None,
        size: stack.size,
        sample_type: header.sample_type,
    };
    let Some(maps) = stack.maps else { return Ok(None) };
    check_entries(input, maps, max_bytes)?;
    Ok(Some((0..maps).map(entry).collect()))
}

/// Fails if a list of `maps` maps takes more memory than allowed.
pub(crate) fn check_entries(input: &Input, maps: u64, max_bytes: u64) -> Result<()> {
    input.check_memory(maps.saturating_mul(size_of::<ContainerEntry>() as u64), max_bytes)
}
