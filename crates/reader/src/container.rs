//! Files that hold many maps, opened once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::format::Format;
use crate::input::Input;
use crate::npz::Npz;
use crate::plane::Plane;
use crate::torch::TorchMaps;
use crate::{ContainerEntry, Entry, MapLocation};

/// Containers that are kept open.
const KEPT: usize = 16;

/// The containers used last.
#[derive(Debug, Default)]
pub(crate) struct Containers {
    /// The one used last at the end.
    open: Mutex<Vec<(PathBuf, Arc<Container>)>>,
}

/// A file that holds many maps, with its directory.
#[derive(Debug)]
pub(crate) enum Container {
    Npz(Npz),
    Torch(TorchMaps),
}

impl Containers {
    /// The container at this location, whose entry does not matter.
    pub(crate) fn get(&self, at: &MapLocation, max_bytes: u64) -> Result<Arc<Container>> {
        // Held while a directory is read: other threads want the same one.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = open.iter().position(|(path, _)| *path == at.file) {
            let used = open.remove(found);
            let container = Arc::clone(&used.1);
            open.push(used);
            return Ok(container);
        }
        let container = Arc::new(Container::open(&MapLocation::whole(&at.file), max_bytes)?);
        if open.len() >= KEPT {
            open.remove(0);
        }
        open.push((at.file.clone(), Arc::clone(&container)));
        Ok(container)
    }
}

impl Container {
    fn open(at: &MapLocation, max_bytes: u64) -> Result<Self> {
        if Format::of_map(&at.file) == Some(Format::Npz) {
            Npz::open(at, max_bytes).map(Self::Npz)
        } else {
            TorchMaps::open(at, max_bytes).map(Self::Torch)
        }
    }

    /// One of the maps.
    pub(crate) fn plane(&self, entry: &Entry) -> Result<(Input, Plane)> {
        match self {
            Self::Npz(npz) => npz.plane(entry),
            Self::Torch(torch) => torch.plane(entry),
        }
    }

    /// All maps.
    pub(crate) fn entries(&self, max_bytes: u64) -> Result<Vec<ContainerEntry>> {
        match self {
            Self::Npz(npz) => npz.entries(),
            Self::Torch(torch) => torch.entries(max_bytes),
        }
    }
}
