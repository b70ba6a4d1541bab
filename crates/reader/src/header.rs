//! What is known of a map: before and after its samples are read.

use pimo_frame::{SampleType, Scores, Size};

use crate::Entry;

/// What a header says of one map, without decoding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapHeader {
    /// The type in which the samples are stored.
    pub sample_type: SampleType,
    /// Height and width of the map as stored.
    pub size: Size,
    /// Bytes of the file that hold the samples of this map.
    pub stored_bytes: u64,
    /// Peak memory in bytes that reading this map takes in the reader's I/O mode: the scores and everything beside
    /// them. Zero for a map that is used in the mapped file.
    pub working_bytes: u64,
    /// The same if it is not mapped.
    pub most_working_bytes: u64,
    /// Whether the samples can be used in place: uncompressed and aligned f32 or f64 in the machine's byte order.
    pub mappable: bool,
}

/// One anomaly map.
#[derive(Debug)]
pub struct AnomalyMap {
    /// The type in which the samples are stored.
    pub sample_type: SampleType,
    /// Height and width.
    pub size: Size,
    /// Bytes of the file that hold the samples.
    pub stored_bytes: u64,
    /// The scores in the type they are compared in. NaN and infinity are not looked for.
    pub scores: Scores,
}

/// One map of a file that holds many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerEntry {
    /// How to name it.
    pub entry: Entry,
    /// The image that it belongs to, if the file says so: an element of `paths` in an `asmaps.pt`, or the key.
    pub path: Option<Box<str>>,
    /// Height and width.
    pub size: Size,
    /// The type in which the samples are stored.
    pub sample_type: SampleType,
}
