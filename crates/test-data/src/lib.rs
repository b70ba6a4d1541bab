//! Where tests find data that is not part of the repository.
//!
//! It lies in a folder `shared` beside the repository, which is not everywhere: a test that needs it is skipped where
//! it is absent, and says so. In CI, where the folder is, `CI` and `PIMO_REQUIRE_SHARED` are set, and a test that does
//! not find its data fails.
//!
//! ```no_run
//! let Some(fixtures) = pimo_test_data::shared("fixtures/parity") else { return };
//! ```

use std::path::{Path, PathBuf};

/// A file or folder of the shared data; `None`, with a line on stderr, where it is absent and need not be there.
///
/// # Panics
/// If it is absent and required.
#[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
pub fn shared(below: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).join(below);
    if path.exists() {
        return Some(path);
    }
    let required = ["CI", "PIMO_REQUIRE_SHARED"].iter().all(|name| std::env::var_os(name).is_some());
    assert!(!required, "{} is required but absent", path.display());
    eprintln!("skipped: {} is absent", path.display());
    None
}
