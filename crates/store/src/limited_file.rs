//! Reads small files whole, and no others.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Result, StoreError};

/// The content of a file of at most `limit` bytes.
pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let too_large = |found| StoreError::TooLarge { path: path.to_path_buf(), what: "its size in bytes", found, limit };
    let file = File::open(path).map_err(StoreError::io("open", path))?;
    let size = file.metadata().map_err(StoreError::io("read", path))?.len();
    if size > limit {
        return Err(too_large(size));
    }
    let mut content = Vec::with_capacity(size as usize);
    // The size of what is no regular file is not known beforehand.
    file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(StoreError::io("read", path))?;
    if content.len() as u64 > limit {
        return Err(too_large(content.len() as u64));
    }
    Ok(content)
}
