//! Encoded pages of a category that is not finished yet, kept in a file instead of in memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::column::page_store::{PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::errors::{ParquetError, Result as ParquetResult};

use crate::error::{Result, StoreError};

/// A file that pages are appended to. It is removed when nothing refers to it any more.
#[derive(Debug)]
struct SpillFile {
    path: PathBuf,
    file: File,
    end: u64,
}

impl SpillFile {
    fn append(&mut self, page: &[u8]) -> std::io::Result<u64> {
        let offset = self.end;
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(page)?;
        self.end += page.len() as u64;
        Ok(offset)
    }

    fn read(&mut self, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
        let mut page = vec![0; length];
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(&mut page)?;
        Ok(page)
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        // What is left behind goes with the folder that it lies in.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Makes page stores that share one file.
#[derive(Debug, Clone)]
pub(crate) struct Spill {
    path: PathBuf,
    file: Arc<Mutex<SpillFile>>,
}

impl Spill {
    /// Creates the file at `path`, which must not exist.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(StoreError::io("create", path))?;
        let file = SpillFile { path: path.to_path_buf(), file, end: 0 };
        Ok(Self { path: path.to_path_buf(), file: Arc::new(Mutex::new(file)) })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl PageStoreFactory for Spill {
    fn create(&self, _: &PageStoreArgs<'_>) -> ParquetResult<Box<dyn PageStore>> {
        Ok(Box::new(SpillStore { file: Arc::clone(&self.file), pages: Vec::new() }))
    }
}

/// The pages of one column chunk.
struct SpillStore {
    file: Arc<Mutex<SpillFile>>,
    /// Offset and length of each page in the file.
    pages: Vec<(u64, usize)>,
}

impl PageStore for SpillStore {
    fn put(&mut self, page: Bytes) -> ParquetResult<PageKey> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = file.append(&page)?;
        let key = PageKey::new(self.pages.len() as u64);
        self.pages.push((offset, page.len()));
        Ok(key)
    }

    fn take(&mut self, key: PageKey) -> ParquetResult<Bytes> {
        let &(offset, length) =
            self.pages.get(key.get() as usize).ok_or_else(|| ParquetError::General("unknown page".to_owned()))?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Bytes::from(file.read(offset, length)?))
    }
}
