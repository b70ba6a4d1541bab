//! `SIGINT` and `SIGTERM`: the first one asks the work to stop and clean up, the second one ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::{io, thread};

use pimo_pipeline::Cancel;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::exit::Code;

/// The request to stop that signals make.
pub static CANCEL: Cancel = Cancel::new();

/// The first signal; 0 for none.
static FIRST: AtomicI32 = AtomicI32::new(0);

/// The listening thread does next to nothing.
const STACK_BYTES: usize = 64 << 10;

/// Starts to listen.
///
/// # Errors
/// The operating system allows no handler or no thread.
pub fn listen() -> io::Result<()> {
    // A file that may not grow any more is an error to be reported, not a reason to die.
    flag::register(libc::SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let listen = move || signals.forever().for_each(received);
    thread::Builder::new().name("pimo-signals".into()).stack_size(STACK_BYTES).spawn(listen)?;
    Ok(())
}

fn received(signal: i32) {
    let first = FIRST.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    CANCEL.cancel();
    if !first {
        #[expect(clippy::exit, reason = "who asks twice wants it to end now, wherever it is")]
        std::process::exit(code_of(signal) as i32);
    }
}

/// The exit code after a request to stop.
pub fn code() -> Code {
    code_of(FIRST.load(Ordering::Relaxed))
}

fn code_of(signal: i32) -> Code {
    if signal == SIGTERM { Code::Terminated } else { Code::Interrupted }
}
