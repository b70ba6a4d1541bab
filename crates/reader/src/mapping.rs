//! Scores that stay in the mapped file.

use std::fs::File;
#[cfg(target_os = "linux")]
use std::io::IoSliceMut;
use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::Pod;
use memmap2::{Advice, Mmap, MmapOptions};
use pimo_frame::Storage;

use crate::fault::{self, Registration};
use crate::input::Input;

/// Maps up to this size are mapped page by page all at once before they are looked at. Larger ones may not have room in
/// memory beside each other, and would be gone again when their turn comes.
#[cfg(target_os = "linux")]
const READY_BYTES: usize = 64 << 20;

/// The samples of one map in a mapped range of its file.
///
/// The registration is taken back before the range is unmapped: fields are dropped in this order.
#[derive(Debug)]
pub(crate) struct Mapped<S> {
    registration: Registration,
    bytes: Mmap,
    input: Input,
    /// Length that the file must keep.
    end: u64,
    samples: PhantomData<S>,
}

impl<S: Pod> Mapped<S> {
    /// Maps `len` samples from byte `offset` of the file on, which the file has when this is called.
    ///
    /// `None` when they cannot be used in place: a file that cannot be mapped, samples that are not aligned, too many
    /// mappings. Reading is always possible then.
    pub(crate) fn new(input: &Input, offset: u64, len: usize) -> Option<Self> {
        let bytes = len.checked_mul(size_of::<S>())?;
        let end = offset.checked_add(bytes as u64).filter(|&end| end <= input.len())?;
        let bytes = map(input.file(), offset, bytes)?;
        bytemuck::try_cast_slice::<u8, S>(&bytes).ok()?;
        let registration = fault::register(bytes.as_ptr() as usize, bytes.len())?;
        // Only a hint: without it the file is read all the same. Mapping all pages at once, which costs less processor
        // time, is left to counters: here they would wait for it.
        if !is_in_memory(input.file(), offset..end) {
            let _ = bytes.advise(Advice::WillNeed);
        }
        Some(Self { registration, bytes, input: input.clone(), end, samples: PhantomData })
    }
}

/// Whether a range of a file, which is not empty, seems to be in memory: its first, middle and last page are. The hint
/// would look for every page.
#[cfg(target_os = "linux")]
fn is_in_memory(file: &File, range: Range<u64>) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};

    [range.start, range.start.midpoint(range.end), range.end.saturating_sub(1)].into_iter().all(|at| {
        let read = preadv2(file, &mut [IoSliceMut::new(&mut [0])], at, ReadWriteFlags::NOWAIT);
        matches!(read, Ok(1))
    })
}

// Other systems have no such call.
#[cfg(not(target_os = "linux"))]
const fn is_in_memory(_: &File, _: Range<u64>) -> bool {
    false
}

fn map(file: &File, offset: u64, len: usize) -> Option<Mmap> {
    // SAFETY: the range is only ever looked at as plain numbers, for which every bit pattern is valid, so that a
    // writer elsewhere can make scores wrong but nothing undefined in their type. That the file did not shrink is
    // checked by `verify` before any count is kept, and `fault` gives a command the means to survive touching pages
    // that are gone.
    unsafe { MmapOptions::new().offset(offset).len(len).map(file) }.ok()
}

impl<S: Pod> AsRef<[S]> for Mapped<S> {
    fn as_ref(&self) -> &[S] {
        bytemuck::cast_slice(&self.bytes)
    }
}

impl<S: Pod + Send + Sync> Storage<S> for Mapped<S> {
    // Other systems have no such call.
    #[cfg(target_os = "linux")]
    fn make_ready(&self) {
        if self.bytes.len() <= READY_BYTES {
            // Only a hint too.
            let _ = self.bytes.advise(Advice::PopulateRead);
        }
    }

    fn verify(&self) -> Result<(), String> {
        let len = match self.input.file().metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) => {
                return Err(format!("The length of the mapped file could not be asked for: {error}."));
            }
        };
        if len < self.end {
            return Err(format!(
                "The file shrank while it was mapped: {} bytes are needed, {len} are left. Leave it alone until the \
                 run is over, or use positioned reads.",
                self.end
            ));
        }
        if self.registration.is_torn() {
            return Err("The file shrank while it was mapped, and grew again. Leave it alone until the run is over, \
                        or use positioned reads."
                .into());
        }
        Ok(())
    }
}

/// Whether a file lies where another machine can change it or where each page fault may take long.
pub(crate) fn is_on_network(file: &File) -> bool {
    file_system(file).is_none_or(|kind| NETWORK.contains(&kind))
}

#[cfg(target_os = "linux")]
fn file_system(file: &File) -> Option<u32> {
    // The numbers are 32 bits wide; some architectures extend their sign.
    rustix::fs::fstatfs(file).ok().map(|statfs| statfs.f_type as u32)
}

#[cfg(not(target_os = "linux"))]
const fn file_system(_: &File) -> Option<u32> {
    None
}

/// Numbers of network and user-space file systems, as statfs(2) lists them.
const NETWORK: [u32; 15] = [
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB2
    0x6573_5546, // FUSE
    0x0bd0_0bd0, // Lustre
    0x0102_1997, // 9p
    0x4750_4653, // GPFS
    0x1983_0326, // BeeGFS
    0x00c3_6400, // Ceph
    0x5346_414f, // AFS (OpenAFS)
    0x6b41_4653, // AFS (in the kernel)
    0x7375_7245, // Coda
    0x0116_1970, // GFS2
    0x7461_636f, // OCFS2
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::MapLocation;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, Input) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores");
        std::fs::write(&path, bytes).unwrap();
        let input = Input::open(&MapLocation::whole(path)).unwrap();
        (folder, input)
    }

    #[test]
    fn only_aligned_samples_inside_the_file_are_mapped() {
        let scores: Vec<f32> = (0..5000_u16).map(f32::from).collect();
        let (_folder, input) = file(bytemuck::cast_slice(&scores));
        let mapped = Mapped::<f32>::new(&input, 4 * 1500, 3500).unwrap();
        assert_eq!(mapped.as_ref(), &scores[1500..]);
        assert_eq!(mapped.verify(), Ok(()));
        assert!(Mapped::<f32>::new(&input, 2, 10).is_none());
        assert!(Mapped::<f64>::new(&input, 4, 10).is_none());
        assert!(Mapped::<f32>::new(&input, 4 * 1500, 3501).is_none());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_was_just_written_is_in_memory() {
        let (folder, input) = file(&vec![1; 100_000]);
        // Not every file system can say so.
        let known = is_in_memory(input.file(), 0..100_000);
        assert_eq!(is_in_memory(input.file(), 10_000..10_001), known);
        assert!(!is_in_memory(input.file(), 50_000..100_001), "there is no such byte");
        let unreadable = File::options().write(true).open(folder.path().join("scores")).unwrap();
        assert!(!is_in_memory(&unreadable, 0..1));
    }

    #[test]
    fn a_file_that_shrinks_is_noticed() {
        let (_folder, input) = file(&[0; 8192]);
        let mapped = Mapped::<f32>::new(&input, 0, 2048).unwrap();
        let writable = std::fs::File::options().write(true).open(input.path()).unwrap();
        writable.set_len(4096).unwrap();
        assert_eq!(
            mapped.verify().unwrap_err(),
            "The file shrank while it was mapped: 8192 bytes are needed, 4096 are left. Leave it alone until the run \
             is over, or use positioned reads."
        );
        writable.set_len(8192).unwrap();
        assert_eq!(mapped.verify(), Ok(()));
        assert!(fault::handle(mapped.as_ref().as_ptr() as usize));
        assert_eq!(
            mapped.verify().unwrap_err(),
            "The file shrank while it was mapped, and grew again. Leave it alone until the run is over, or use \
             positioned reads."
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_local_folder_is_not_a_network() {
        let (_folder, input) = file(&[0]);
        let kind = file_system(input.file()).unwrap();
        assert_eq!(is_on_network(input.file()), NETWORK.contains(&kind));
    }
}
