//! The guard against mapped files that shrink.
//!
//! Touching a page of a mapped file that was meanwhile cut off raises `SIGBUS`, which would end the process. The
//! handler asks the reader whether the address belongs to a map that is being read; if so its pages read as zeros from
//! then on and the reading thread goes on, to find out before it keeps anything that the file is torn. Any other
//! `SIGBUS` takes its usual course.

use std::sync::OnceLock;
use std::{io, mem, ptr};

use libc::{c_int, c_void, sigaction, siginfo_t};

/// What handled the signal before.
static PREVIOUS: OnceLock<sigaction> = OnceLock::new();

/// Installs the guard for this process; once is enough.
///
/// # Errors
/// The operating system allows no handler.
pub fn guard() -> io::Result<()> {
    if PREVIOUS.get().is_some() {
        return Ok(());
    }
    // SAFETY: all-zero bytes are a sigaction: no handler, an empty mask, no flags.
    let mut previous: sigaction = unsafe { mem::zeroed() };
    // SAFETY: a null pointer for the new action only asks for the present one, which `previous` has room for.
    if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut previous) } != 0 {
        return Err(io::Error::last_os_error());
    }
    PREVIOUS.get_or_init(|| previous);
    // SAFETY: as above.
    let mut action: sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler has the signature that SA_SIGINFO asks for, calls nothing that takes a lock or allocates,
    // and `PREVIOUS` is there before it can run.
    if unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    pimo_reader::fault::announce_handler();
    Ok(())
}

extern "C" fn handler(signal: c_int, info: *mut siginfo_t, _context: *mut c_void) {
    // SAFETY: the kernel hands a valid `siginfo_t` to a handler installed with SA_SIGINFO, and for SIGBUS raised by
    // an access it holds the address.
    let (address, sent) = unsafe { ((*info).si_addr() as usize, (*info).si_code <= 0) };
    if !sent && pimo_reader::fault::handle(address) {
        return;
    }
    let previous = PREVIOUS.get().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: `previous` is null or what the kernel said before, and both calls may be made in a handler. After the
    // return an access faults again, now with the former handler; a signal that somebody sent is sent again.
    unsafe {
        libc::sigaction(signal, previous, ptr::null_mut());
        if sent {
            libc::raise(signal);
        }
    }
}
