//! Live mappings, so that a signal handler can tell a file that shrank from a defect.
//!
//! Touching a page of a mapped file that has meanwhile been cut off raises `SIGBUS`. A library must not install signal
//! handlers; a command may, and its handler asks [`handle`] about the address. If the address belongs to a map that
//! is being read, its pages are replaced by zeros so that the reading thread can go on, and the mapping is marked as
//! torn, which [`pimo_frame::Storage::verify`] reports before anything of the map is kept for good.
//!
//! The registry is a fixed table of atomics: a handler must neither lock nor allocate.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// Mappings that can live at the same time; beyond that, files are read instead.
const SLOTS: usize = 1024;

static TABLE: Table<SLOTS> = Table::new();

/// Replaces the pages of the live mapping that contains `address` by zeros and marks it as torn.
///
/// Answers whether there is such a mapping; if not, nothing is changed and the signal has another cause. May be
/// called from a signal handler: it takes no lock and allocates nothing.
pub fn handle(address: usize) -> bool {
    TABLE.handle(address)
}

static GUARDED: AtomicBool = AtomicBool::new(false);

/// Says that this process has a handler for `SIGBUS` that asks [`handle`].
///
/// From then on [`IoChoice::Auto`](crate::IoChoice::Auto) maps files on local file systems: that is faster than
/// reading them, and with a handler no less safe.
pub fn announce_handler() {
    GUARDED.store(true, SeqCst);
}

/// Whether a handler was announced.
pub(crate) fn is_guarded() -> bool {
    GUARDED.load(SeqCst)
}

/// Announces a mapping of `len` bytes at `address`; `None` when the table is full.
pub(crate) fn register(address: usize, len: usize) -> Option<Registration> {
    let page = rustix::param::page_size();
    let start = address - address % page;
    let end = (address + len).next_multiple_of(page);
    TABLE.register(start, end - start).map(|slot| Registration { slot })
}

/// A mapping in the table, taken out when dropped. Must not outlive the mapping.
#[derive(Debug)]
pub(crate) struct Registration {
    slot: &'static Slot,
}

impl Registration {
    /// Whether pages of the mapping were lost and replaced by zeros.
    pub(crate) fn is_torn(&self) -> bool {
        self.slot.torn.load(SeqCst)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.slot.clear();
    }
}

struct Table<const N: usize> {
    slots: [Slot; N],
    /// Where to look for a free slot first.
    hint: AtomicUsize,
}

/// One mapping.
#[derive(Debug)]
struct Slot {
    taken: AtomicBool,
    /// Odd while the slot describes a live mapping. A reader that sees the same odd number before and after reading
    /// start and length knows that they belong together.
    generation: AtomicUsize,
    start: AtomicUsize,
    len: AtomicUsize,
    torn: AtomicBool,
}

impl<const N: usize> Table<N> {
    const fn new() -> Self {
        Self { slots: [const { Slot::new() }; N], hint: AtomicUsize::new(0) }
    }

    fn register(&self, start: usize, len: usize) -> Option<&Slot> {
        let first = self.hint.fetch_add(1, SeqCst);
        let slot = (0..N).map(|step| &self.slots[first.wrapping_add(step) % N]).find(|slot| slot.claim())?;
        slot.start.store(start, SeqCst);
        slot.len.store(len, SeqCst);
        slot.torn.store(false, SeqCst);
        slot.generation.fetch_add(1, SeqCst);
        Some(slot)
    }

    fn handle(&self, address: usize) -> bool {
        self.slots.iter().any(|slot| slot.handle(address))
    }
}

impl Slot {
    const fn new() -> Self {
        Self {
            taken: AtomicBool::new(false),
            generation: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            torn: AtomicBool::new(false),
        }
    }

    fn claim(&self) -> bool {
        self.taken.compare_exchange(false, true, SeqCst, SeqCst).is_ok()
    }

    fn clear(&self) {
        self.generation.fetch_add(1, SeqCst);
        self.taken.store(false, SeqCst);
    }

    fn handle(&self, address: usize) -> bool {
        let generation = self.generation.load(SeqCst);
        let (start, len) = (self.start.load(SeqCst), self.len.load(SeqCst));
        if generation.is_multiple_of(2) || self.generation.load(SeqCst) != generation {
            return false;
        }
        if !(start..start + len).contains(&address) {
            return false;
        }
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        // SAFETY: the range is a whole mapping of this process that is alive, because the thread whose access faulted
        // at `address` holds it, and that nobody but its owner looks at. It stays readable, and munmap by its owner
        // is as right for the new pages as for the old ones.
        let zeroed = unsafe { mmap_anonymous(start as *mut c_void, len, ProtFlags::READ, flags) };
        self.torn.store(true, SeqCst);
        zeroed.is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Pages of anonymous memory that stand for a mapped file.
    fn pages(count: usize) -> memmap2::MmapMut {
        memmap2::MmapMut::map_anon(count * rustix::param::page_size()).unwrap()
    }

    #[test]
    fn a_fault_zeroes_its_mapping_and_no_other() {
        let (mut torn, mut whole) = (pages(3), pages(3));
        torn.fill(7);
        whole.fill(7);
        let (torn, whole) = (torn.make_read_only().unwrap(), whole.make_read_only().unwrap());
        let first = register(torn.as_ptr() as usize + 100, torn.len() - 200).unwrap();
        let second = register(whole.as_ptr() as usize, whole.len()).unwrap();
        assert!(handle(torn.as_ptr() as usize + torn.len() - 1));
        assert!(first.is_torn() && !second.is_torn());
        assert!(torn.iter().all(|&byte| byte == 0) && whole.iter().all(|&byte| byte == 7));
        drop(first);
        assert!(!handle(torn.as_ptr() as usize));
    }

    #[test]
    fn an_address_outside_is_nobodys() {
        let local = 0_u8;
        assert!(!handle(&raw const local as usize));
        assert!(!handle(0));
    }

    #[test]
    fn a_full_table_says_so_and_frees_up() {
        let table = Table::<2>::new();
        let first = table.register(0x1000, 0x1000).unwrap();
        assert!(table.register(0x3000, 0x1000).is_some());
        assert!(table.register(0x5000, 0x1000).is_none());
        first.clear();
        let reused = table.register(0x5000, 0x1000).unwrap();
        assert!(!reused.torn.load(SeqCst));
        assert_eq!(reused.generation.load(SeqCst) % 2, 1);
    }
}
