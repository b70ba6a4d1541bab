//! One anomaly map in a file: where its samples are, and how they become scores.

use std::io::{self, Read};
use std::sync::Arc;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use pimo_frame::{Comparison, SampleType, Scores, Size};

use crate::convert::{NextBytes, Score, Stored, scratch_bytes};
use crate::error::Result;
use crate::input::{Input, RangeReader};
use crate::mapping::Mapped;
use crate::pool::{Buffer, Pool};
use crate::{png_file, tiff_file};

/// Memory of a decoder beside what depends on the image: windows, tables, a read buffer.
pub(crate) const DECODER_BYTES: u64 = 512 << 10;

/// What a header says of one map.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    pub(crate) sample_type: SampleType,
    pub(crate) big_endian: bool,
    pub(crate) size: Size,
    /// Bytes of the file that hold the samples.
    pub(crate) stored_bytes: u64,
    pub(crate) payload: Payload,
}

/// Where the samples of one map are.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    /// Row by row without gaps from this byte of the file on.
    Raw { offset: u64 },
    /// The samples of each row without gaps, but gaps, or overlaps, between rows. All in bytes.
    Rows { offset: u64, row_stride: u64 },
    /// At `y * row_stride + x * column_stride` samples behind `offset` bytes, in a range of `span` samples.
    Strided { offset: u64, row_stride: u64, column_stride: u64, span: u64 },
    /// In a deflated range.
    Deflated(Deflated),
    /// A grey PNG image.
    Png,
    /// A TIFF image with one sample per pixel; decoding needs `decoder_bytes` beside the decoded image.
    Tiff { decoder_bytes: u64 },
}

impl Plane {
    /// Whether the samples can be used where they are in the file.
    pub(crate) fn is_mappable(&self) -> bool {
        let native = self.big_endian == cfg!(target_endian = "big");
        let float = matches!(self.sample_type, SampleType::F32 | SampleType::F64);
        let aligned = |offset: u64| offset.is_multiple_of(self.sample_type.bytes() as u64);
        native && float && matches!(self.payload, Payload::Raw { offset } if aligned(offset))
    }

    /// Bytes of the samples once decoded.
    fn sample_bytes(&self) -> u64 {
        self.size.pixels().saturating_mul(self.sample_type.bytes() as u64)
    }

    /// Peak memory that reading takes: the scores and everything beside them.
    pub(crate) fn working_bytes(&self) -> u64 {
        let scores = self.size.pixels().saturating_mul(self.sample_type.comparison().bytes() as u64);
        let decoder = match self.payload {
            Payload::Raw { .. } | Payload::Rows { .. } => 0,
            Payload::Strided { span, .. } => span.saturating_mul(self.sample_type.bytes() as u64),
            Payload::Deflated(_) => DECODER_BYTES,
            Payload::Png => self.sample_bytes().saturating_add(png_file::decoder_bytes(self.size.width)),
            Payload::Tiff { decoder_bytes } if self.decodes_in_place() => decoder_bytes,
            Payload::Tiff { decoder_bytes } => self.sample_bytes().saturating_add(decoder_bytes),
        };
        scores.saturating_add(scratch_bytes(self.sample_type)).saturating_add(decoder)
    }

    /// Whether samples and scores have the same width, so that a decoder can fill the scores' memory.
    const fn decodes_in_place(&self) -> bool {
        self.sample_type.bytes() == self.sample_type.comparison().bytes()
    }

    /// The scores in memory, from a file that is read.
    pub(crate) fn read(&self, input: &Input, pool: &Arc<Pool>, max_bytes: u64) -> Result<Scores> {
        match self.sample_type.comparison() {
            Comparison::F32 => self.read_as::<f32>(input, pool, max_bytes),
            Comparison::F64 => self.read_as::<f64>(input, pool, max_bytes),
        }
    }

    /// The scores in the mapped file; `None` if that is not possible.
    pub(crate) fn map(&self, input: &Input) -> Option<Scores> {
        let Payload::Raw { offset } = self.payload else {
            return None;
        };
        let len = usize::try_from(self.size.pixels()).ok()?;
        match self.sample_type.comparison() {
            _ if !self.is_mappable() => None,
            Comparison::F32 => Some(f32::scores(Mapped::<f32>::new(input, offset, len)?)),
            Comparison::F64 => Some(f64::scores(Mapped::<f64>::new(input, offset, len)?)),
        }
    }

    fn read_as<S: Score>(&self, input: &Input, pool: &Arc<Pool>, max_bytes: u64) -> Result<Scores> {
        input.check_memory(self.working_bytes(), max_bytes)?;
        let no_memory = || input.too_large(self.working_bytes(), max_bytes);
        let pixels = usize::try_from(self.size.pixels()).map_err(|_| no_memory())?;
        let mut scores: Buffer<S> = pool.take(pixels).ok_or_else(no_memory)?;
        let stored =
            Stored { input, width: self.size.width, sample_type: self.sample_type, big_endian: self.big_endian, pool };
        let decoded = || pool.take::<u8>(pixels * self.sample_type.bytes()).ok_or_else(no_memory);
        match self.payload {
            Payload::Raw { offset } => S::fill(&stored, &mut scores, &mut contiguous(input, offset))?,
            Payload::Rows { offset, row_stride } => {
                let row_bytes = u64::from(self.size.width) * self.sample_type.bytes() as u64;
                S::fill(&stored, &mut scores, &mut rows(input, offset, row_stride, row_bytes))?;
            }
            Payload::Strided { offset, row_stride, column_stride, span } => {
                let mut range = pool.take::<u8>(span as usize * self.sample_type.bytes()).ok_or_else(no_memory)?;
                input.read_at(offset, &mut range, "the anomaly map")?;
                let strides = (row_stride as usize, column_stride as usize);
                S::fill(&stored, &mut scores, &mut self.gather(&range, strides))?;
            }
            Payload::Deflated(deflated) => {
                deflated.expand(input, |next| S::fill(&stored, &mut scores, next))?;
            }
            Payload::Png => {
                let mut image = decoded()?;
                png_file::decode(input, &mut image, max_bytes)?;
                S::fill(&stored, &mut scores, &mut copy(&image))?;
            }
            Payload::Tiff { .. } => {
                let decode = |image: &mut [u8]| tiff_file::decode(input, image, max_bytes);
                if self.decodes_in_place() {
                    S::fill(&stored, &mut scores, &mut |image| decode(image))?;
                } else {
                    let mut image = decoded()?;
                    decode(&mut image)?;
                    S::fill(&stored, &mut scores, &mut copy(&image))?;
                }
            }
        }
        Ok(S::scores(scores))
    }

    /// Samples picked from a range, row by row.
    fn gather<'a>(
        &self,
        range: &'a [u8],
        (row_stride, column_stride): (usize, usize),
    ) -> impl FnMut(&mut [u8]) -> Result<()> + 'a {
        let (bytes, width) = (self.sample_type.bytes(), self.size.width as usize);
        let mut pixel = 0;
        move |into| {
            for sample in into.chunks_exact_mut(bytes) {
                let at = (pixel / width * row_stride + pixel % width * column_stride) * bytes;
                sample.copy_from_slice(&range[at..at + bytes]);
                pixel += 1;
            }
            Ok(())
        }
    }
}

fn contiguous(input: &Input, mut offset: u64) -> impl FnMut(&mut [u8]) -> Result<()> {
    move |into| {
        input.read_at(offset, into, "the anomaly map")?;
        offset += into.len() as u64;
        Ok(())
    }
}

fn rows(input: &Input, offset: u64, row_stride: u64, row_bytes: u64) -> impl FnMut(&mut [u8]) -> Result<()> {
    let (mut row, mut column) = (offset, 0);
    move |mut into| {
        while !into.is_empty() {
            let count = (row_bytes - column).min(into.len() as u64);
            let (now, later) = into.split_at_mut(count as usize);
            input.read_at(row + column, now, "the anomaly map")?;
            column += count;
            if column == row_bytes {
                (row, column) = (row + row_stride, 0);
            }
            into = later;
        }
        Ok(())
    }
}

fn copy(mut image: &[u8]) -> impl FnMut(&mut [u8]) -> Result<()> {
    move |into| {
        let (now, later) = image.split_at(into.len());
        into.copy_from_slice(now);
        image = later;
        Ok(())
    }
}

/// A map in a deflated range of the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deflated {
    /// The range.
    pub(crate) offset: u64,
    pub(crate) compressed: u64,
    /// What it expands to, and the sum over that.
    pub(crate) expanded: u64,
    pub(crate) crc: u32,
    /// Bytes of what it expands to before the samples.
    pub(crate) skip: u64,
}

impl Deflated {
    /// Expands just enough to fill `bytes`. The sum is not checked.
    pub(crate) fn begin(&self, input: &Input, bytes: &mut [u8]) -> Result<()> {
        self.reader(input)?.read_exact(bytes).map_err(|source| input.decoder_io("zip", source))
    }

    /// Expands while `fill` asks for bytes, then checks length and sum of the whole.
    fn expand(&self, input: &Input, fill: impl FnOnce(NextBytes<'_>) -> Result<()>) -> Result<()> {
        let failed = |source| input.decoder_io("zip", source);
        let mut reader = self.reader(input)?;
        fill(&mut |into| reader.read_exact(into).map_err(failed))?;
        let rest = self.expanded.saturating_sub(reader.expanded).saturating_add(1);
        io::copy(&mut reader.by_ref().take(rest), &mut io::sink()).map_err(failed)?;
        if reader.expanded != self.expanded {
            return Err(input.malformed("zip", "an entry does not expand to as many bytes as it should"));
        }
        if reader.crc.sum() != self.crc {
            return Err(input.malformed("zip", "the bytes of an entry do not match their sum"));
        }
        Ok(())
    }

    fn reader(&self, input: &Input) -> Result<Summed> {
        let range = input.range(self.offset, self.offset.saturating_add(self.compressed));
        let mut reader = Summed { inner: DeflateDecoder::new(range), crc: Crc::new(), expanded: 0 };
        let skipped = io::copy(&mut reader.by_ref().take(self.skip), &mut io::sink());
        match skipped {
            Ok(skipped) if skipped == self.skip => Ok(reader),
            Ok(_) => Err(input.malformed("zip", "an entry does not expand to as many bytes as it should")),
            Err(source) => Err(input.decoder_io("zip", source)),
        }
    }
}

/// An expanding reader that keeps count and sum of what went through.
struct Summed {
    inner: DeflateDecoder<RangeReader>,
    crc: Crc,
    /// The sum's own count has 32 bits.
    expanded: u64,
}

impl Read for Summed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.crc.update(&into[..count]);
        self.expanded += count as u64;
        Ok(count)
    }
}
