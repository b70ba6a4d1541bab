//! What a command prepares in its process before it works: handlers of signals, which are no business of a library.

use std::io;

use pimo_reader::IoChoice;

use crate::exit::{Code, Failure};
use crate::{interrupt, sigbus};

/// Prepares for work that reads files in this way: they may shrink while they are mapped, and the user may stop it.
///
/// # Errors
/// As [`listen`].
pub(crate) fn prepare(io: IoChoice) -> Result<(), Failure> {
    if io != IoChoice::Read {
        sigbus::guard().map_err(|error| unprepared(&error))?;
    }
    listen()
}

/// Prepares for work that the user may stop.
///
/// # Errors
/// The operating system allows no handler or no thread.
pub(crate) fn listen() -> Result<(), Failure> {
    interrupt::listen().map_err(|error| unprepared(&error))
}

fn unprepared(error: &io::Error) -> Failure {
    Failure {
        code: Code::System,
        message: format!("signals could not be prepared for: {error}; raise the limits on threads and open files"),
    }
}
