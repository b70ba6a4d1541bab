//! Reference data beside the repository, which is not always there.

use std::path::PathBuf;

/// The path of something in the folder of reference data, or `None` after a line that says why the test is skipped.
pub(crate) fn reference(name: &str) -> Option<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var_os("CI").is_some() && std::env::var_os("PIMO_REQUIRE_SHARED").is_some();
    assert!(!required, "{} is required and not there", path.display());
    eprintln!("skipped: {} is not there", path.display());
    None
}
