//! Files that hold the maps of a whole category, written map by map.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use pimo_frame::{SampleType, Size};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::{SynthError, npy, torch};

/// Past this a member of a zip file needs 64-bit lengths.
const LARGE_MEMBER: u64 = 1 << 31;

/// What a container is told of its maps before the first one comes.
pub(crate) struct Contents<'a> {
    pub(crate) sample_type: SampleType,
    /// Size of every map, where that is fixed.
    pub(crate) map_size: Size,
    pub(crate) maps: u64,
    /// Path of map i, as it is recorded in the container.
    pub(crate) path: &'a dyn Fn(u64) -> String,
}

impl Contents<'_> {
    fn shape(&self) -> [u64; 3] {
        [self.maps, u64::from(self.map_size.height), u64::from(self.map_size.width)]
    }

    fn bytes(&self) -> u64 {
        self.maps * self.map_size.pixels() * self.sample_type.bytes() as u64
    }
}

/// An open file to which maps are appended in order.
pub(crate) struct Container {
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    Npz { zip: Zip, method: CompressionMethod, sample_type: SampleType },
    Stack(BufWriter<File>),
    Torch(Zip),
}

type Zip = ZipWriter<BufWriter<File>>;

impl Container {
    /// An `.npz` file whose members are stored or deflated.
    pub(crate) fn npz(path: PathBuf, sample_type: SampleType, method: CompressionMethod) -> Result<Self, SynthError> {
        let zip = ZipWriter::new(create(&path)?);
        Ok(Self { path, kind: Kind::Npz { zip, method, sample_type } })
    }

    /// An `.npy` file of N x H x W, and the paths beside it.
    pub(crate) fn stack(path: PathBuf, contents: &Contents<'_>) -> Result<Self, SynthError> {
        let listing = listing(&path);
        write_listing(&listing, contents).map_err(SynthError::write(&listing))?;
        let mut file = create(&path)?;
        file.write_all(&npy::header(contents.sample_type, &contents.shape())).map_err(SynthError::write(&path))?;
        Ok(Self { path, kind: Kind::Stack(file) })
    }

    /// A torch file of `asmaps` and `paths`.
    pub(crate) fn torch(path: PathBuf, contents: &Contents<'_>) -> Result<Self, SynthError> {
        let mut zip = ZipWriter::new(create(&path)?);
        begin_torch(&mut zip, contents).map_err(SynthError::write(&path))?;
        Ok(Self { path, kind: Kind::Torch(zip) })
    }

    /// Appends a map: its path, its size, its samples.
    pub(crate) fn append(&mut self, key: &str, size: Size, samples: &[u8]) -> Result<(), SynthError> {
        let appended = match &mut self.kind {
            Kind::Npz { zip, method, sample_type } => {
                let shape = [u64::from(size.height), u64::from(size.width)];
                let large = samples.len() as u64 >= LARGE_MEMBER;
                member(zip, &format!("{key}.npy"), *method, large).and_then(|()| {
                    zip.write_all(&npy::header(*sample_type, &shape))?;
                    zip.write_all(samples)
                })
            }
            Kind::Stack(file) => file.write_all(samples),
            Kind::Torch(zip) => zip.write_all(samples),
        };
        appended.map_err(SynthError::write(&self.path))
    }

    /// Completes the file and names all files that were written.
    pub(crate) fn finish(self) -> Result<Vec<PathBuf>, SynthError> {
        let mut files = Vec::new();
        let finished = match self.kind {
            Kind::Npz { zip, .. } => zip.finish().map_err(io::Error::from).and_then(|mut file| file.flush()),
            Kind::Stack(mut file) => {
                files.push(listing(&self.path));
                file.flush()
            }
            Kind::Torch(zip) => end_torch(zip),
        };
        finished.map_err(SynthError::write(&self.path))?;
        files.push(self.path);
        Ok(files)
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, SynthError> {
    File::create_new(path).map(|file| BufWriter::with_capacity(1 << 18, file)).map_err(SynthError::write(path))
}

/// The file beside a stack that lists the paths of its maps.
fn listing(stack: &Path) -> PathBuf {
    stack.with_file_name("paths.txt")
}

fn write_listing(path: &Path, contents: &Contents<'_>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create_new(path)?);
    for map in 0..contents.maps {
        writeln!(file, "{}", (contents.path)(map))?;
    }
    file.flush()
}

/// Starts a member whose samples are aligned, at a date that never changes.
fn member(zip: &mut Zip, name: &str, method: CompressionMethod, large: bool) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(DateTime::DEFAULT)
        .with_alignment(64)
        .large_file(large);
    Ok(zip.start_file(name, options)?)
}

/// Writes what comes before the samples and leaves the member of the samples open.
fn begin_torch(zip: &mut Zip, contents: &Contents<'_>) -> io::Result<()> {
    let paths = (0..contents.maps).map(|map| (contents.path)(map));
    let pickle = torch::pickle(contents.sample_type, contents.shape(), paths);
    member(zip, "asmaps/data.pkl", CompressionMethod::Stored, false)?;
    zip.write_all(&pickle)?;
    member(zip, "asmaps/byteorder", CompressionMethod::Stored, false)?;
    zip.write_all(b"little")?;
    member(zip, "asmaps/data/0", CompressionMethod::Stored, contents.bytes() >= LARGE_MEMBER)
}

fn end_torch(mut zip: Zip) -> io::Result<()> {
    member(&mut zip, "asmaps/version", CompressionMethod::Stored, false)?;
    zip.write_all(b"3\n")?;
    zip.finish()?.flush()
}
