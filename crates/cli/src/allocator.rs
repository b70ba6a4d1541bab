//! How the C library's allocator keeps memory.
//!
//! Left to itself it gives every thread memory of its own and hands back to the system at once what a thread no longer
//! needs. Here threads need much for a short time, one after the other, and pages from the system have to be filled with
//! zeros first: a third of all page faults were such.

/// Lets all threads share one pool of memory, which keeps what was freed. Called before any thread is started.
pub(crate) fn share_and_keep() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // What is larger goes back to the system at once.
        const LARGE: libc::c_int = 32 << 20;
        let settings = [(libc::M_ARENA_MAX, 1), (libc::M_MMAP_THRESHOLD, LARGE), (libc::M_TRIM_THRESHOLD, 2 * LARGE)];
        for (setting, value) in settings {
            // SAFETY: this only changes a number of the allocator, which it does not heed if it does not like it; there
            // are no other threads yet.
            unsafe { libc::mallopt(setting, value) };
        }
    }
}
