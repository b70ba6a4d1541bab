//! Options that say what of the machine may be used. None of them changes a result.

use std::num::NonZero;

use clap::Args;
use pimo_pipeline::Settings;
use pimo_reader::IoChoice;

use crate::args::{Memory, number};

/// Options about the machine.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Machine (exact results do not depend on these)")]
pub struct ResourceArgs {
    /// Threads that count; as many read [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = number::at_least_one)]
    pub threads: Option<NonZero<u16>>,

    /// Memory that may be used, with a unit
    ///
    /// A whole number with KiB, MiB, GiB, KB, MB, GB or nothing for bytes. Metrics for whose
    /// exact values there is no room are intervals, the narrower the more memory there is; the number
    /// of detectors does not matter. What does not fit at all is refused at the start, with the amount
    /// that would do.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", allow_hyphen_values = true)]
    pub memory: Memory,

    /// How maps are read
    ///
    /// `auto` takes the faster way for local files and plain reads on network file systems; `mmap`
    /// maps files into memory where their format allows it; `pread` always reads.
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub io: Io,
}

/// How maps are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Io {
    /// Whichever is faster and safe.
    Auto,
    /// Memory mapping where possible.
    Mmap,
    /// Positioned reads.
    Pread,
}

impl ResourceArgs {
    /// Enters the options into settings.
    pub fn apply(&self, settings: &mut Settings) {
        if let Some(threads) = self.threads {
            settings.threads = usize::from(threads.get());
        }
        settings.memory = self.memory.0;
        settings.io = match self.io {
            Io::Auto => IoChoice::Auto,
            Io::Mmap => IoChoice::Mmap,
            Io::Pread => IoChoice::Read,
        };
    }
}
