//! Fixtures beside the repository.

use std::path::PathBuf;

/// A folder of shared fixtures; none, said on stderr, where it is absent and need not be there.
pub(crate) fn shared_folder(below: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).join(below);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = ["CI", "PIMO_REQUIRE_SHARED"].iter().all(|name| std::env::var_os(name).is_some());
    assert!(!required, "the fixtures {} are required and absent", folder.display());
    eprintln!("skipped: the fixtures {} are absent", folder.display());
    None
}
