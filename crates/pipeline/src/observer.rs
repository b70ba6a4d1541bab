//! Telling somebody how far a run is.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::CategoryOutcome;

/// Something worth showing while a run goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// All headers were looked at: this is what will be read.
    Planned {
        /// Categories that will be evaluated.
        categories: usize,
        /// Maps that will be read, counting those that are read twice twice.
        maps: u64,
        /// Bytes of samples in them.
        bytes: u64,
    },
    /// A category begins.
    Category {
        /// Its name.
        name: &'a str,
        /// Images in it.
        images: usize,
    },
    /// A detector failed on the way, or a map changed while it was counted: the category is begun again without it.
    Again {
        /// Bytes of samples that are read beyond what was planned.
        bytes: u64,
    },
    /// A map was counted.
    Map {
        /// Bytes of samples in it, as they are stored.
        bytes: u64,
    },
    /// A category is done.
    Done(&'a CategoryOutcome),
}

/// Is told what happens during a run; called from several threads.
pub trait Observer: Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// Ignores all events.
impl Observer for () {
    fn event(&self, _event: Event<'_>) {}
}

/// A request to stop, which may be made at any time from anywhere.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// No request yet.
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Asks the run to stop soon.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
