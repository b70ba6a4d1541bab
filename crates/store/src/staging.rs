//! The output folder of a run: files are made in a hidden folder inside it and get their final names at the end.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::error::{Result, StoreError};
use crate::record::RunRecord;
use crate::{RUN_FILE, SUMMARY_FILE};

/// Name of the hidden folder.
const STAGING: &str = ".pimo-partial";
/// Held locked as long as a process writes into the hidden folder.
const LOCK: &str = "lock";
/// Files that a run may consist of besides what its record lists.
const RUN_FILES: [&str; 7] = [
    RUN_FILE,
    SUMMARY_FILE,
    "images.parquet",
    "curves.parquet",
    "axis.parquet",
    "categories.parquet",
    "regions.parquet",
];

/// An output folder whose new content is not visible yet. Dropped, it leaves the folder as it was.
#[derive(Debug)]
pub(crate) struct Staging {
    out: PathBuf,
    dir: PathBuf,
    /// Folders that did not exist before, the outermost first.
    created: Vec<PathBuf>,
    /// Released by the system when the process ends, however it ends.
    lock: Option<File>,
}

impl Staging {
    /// Makes or takes over the output folder.
    pub(crate) fn create(out: &Path, force: bool) -> Result<Self> {
        let created = create_folder(out)?;
        let mut staging = Self { out: out.to_path_buf(), dir: out.join(STAGING), created, lock: None };
        if !force && let Some(example) = first_entry(out)? {
            staging.created.clear();
            return Err(StoreError::OutputNotEmpty { path: out.to_path_buf(), example });
        }
        staging.open()?;
        Ok(staging)
    }

    /// The hidden folder: where a file is to be made under its final name.
    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// The final place of a file.
    pub(crate) fn final_path(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    /// Gives the files their final names, `run.json` last, and removes what a former run left.
    pub(crate) fn publish(&mut self, names: &[String]) -> Result<()> {
        let record = self.final_path(RUN_FILE);
        let former = self.former_files();
        // From here to the last rename the folder holds no finished run.
        remove_if_present(&record)?;
        for name in names.iter().filter(|name| *name != RUN_FILE) {
            self.rename(name)?;
        }
        for name in former {
            if !names.contains(&name) {
                self.remove_former(&name)?;
            }
        }
        self.rename(RUN_FILE)?;
        self.created.clear();
        sync_folder(&self.out)?;
        self.remove();
        Ok(())
    }

    /// Removes the hidden folder; what is left of the output folder is what was there, or what was published.
    pub(crate) fn remove(&mut self) {
        if self.lock.take().is_some() {
            // Nothing can be done about a failure, and the next run clears the folder.
            let _ = fs::remove_dir_all(&self.dir);
        } else {
            // Another process may be using it: it goes only if it is empty.
            let _ = fs::remove_dir(&self.dir);
        }
        for folder in self.created.drain(..).rev() {
            let _ = fs::remove_dir(folder);
        }
    }

    fn open(&mut self) -> Result<()> {
        match fs::create_dir(&self.dir) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::io("create", &self.dir)(error)),
        }
        let path = self.dir.join(LOCK);
        let lock = File::create(&path).map_err(StoreError::io("create", &path))?;
        // File systems without locks cannot tell; then the last one to finish wins.
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(StoreError::OutputBusy { path: self.out.clone() });
        }
        self.lock = Some(lock);
        self.clear()
    }

    /// Removes what a killed run left in the hidden folder.
    fn clear(&self) -> Result<()> {
        let error = || StoreError::io("clear", &self.dir);
        for entry in fs::read_dir(&self.dir).map_err(error())? {
            let entry = entry.map_err(error())?;
            if entry.file_name() == LOCK {
                continue;
            }
            let path = entry.path();
            let is_dir = entry.file_type().map_err(error())?.is_dir();
            if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }
                .map_err(StoreError::io("remove", &path))?;
        }
        Ok(())
    }

    /// Names that a former run in this folder may have used, from its record and by convention.
    fn former_files(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = RUN_FILES.iter().map(|&name| name.to_owned()).collect();
        let listed = fs::read(self.final_path(RUN_FILE))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<RunRecord>(&bytes).ok())
            .map(|record| record.outputs)
            .unwrap_or_default();
        // The record is a file that anybody can write: it must not reach outside the folder.
        names.extend(listed.into_iter().filter(|name| stays_inside(name)));
        names
    }

    fn rename(&self, name: &str) -> Result<()> {
        let to = self.final_path(name);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(StoreError::io("create", parent))?;
        }
        fs::rename(self.dir.join(name), &to).map_err(StoreError::io("write", &to))
    }

    /// Removes a file of a former run and the folders that become empty by that.
    fn remove_former(&self, name: &str) -> Result<()> {
        let path = self.final_path(name);
        remove_if_present(&path)?;
        for folder in path.ancestors().skip(1) {
            if folder == self.out || fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Makes a folder for files of these names, if it is not there yet. Other files may be in it.
///
/// # Errors
/// One of the files is there already (without `force`), the path is no folder, or what the operating system says.
pub fn output_folder(out: &Path, names: &[&str], force: bool) -> Result<()> {
    create_folder(out)?;
    let there = names.iter().map(|name| out.join(name)).find(|path| !force && path.exists());
    there.map_or(Ok(()), |path| Err(StoreError::OutputExists { path }))
}

/// Creates a folder with its parents; returns those that did not exist, the outermost first.
fn create_folder(out: &Path) -> Result<Vec<PathBuf>> {
    match fs::metadata(out) {
        Ok(metadata) if metadata.is_dir() => return Ok(Vec::new()),
        Ok(_) => {
            return Err(StoreError::OutputNotAFolder { path: out.to_path_buf() });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(StoreError::io("create", out)(error)),
    }
    let mut missing: Vec<PathBuf> = out
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .map(Path::to_path_buf)
        .collect();
    missing.reverse();
    fs::create_dir_all(out).map_err(StoreError::io("create", out))?;
    Ok(missing)
}

/// Name of any entry of the folder but what a killed run may have left.
fn first_entry(out: &Path) -> Result<Option<String>> {
    let error = || StoreError::io("read", out);
    for entry in fs::read_dir(out).map_err(error())? {
        let name = entry.map_err(error())?.file_name();
        if name != STAGING {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

/// Whether a relative path names something below the folder it is relative to.
pub(crate) fn stays_inside(name: &str) -> bool {
    let path = Path::new(name);
    !name.is_empty() && path.components().all(|component| matches!(component, Component::Normal(_)))
}

fn remove_if_present(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("replace", path)(error)),
        _ => Ok(()),
    }
}

/// Makes the names in a folder durable. Some systems cannot open folders; the names are there all the same.
fn sync_folder(path: &Path) -> Result<()> {
    match File::open(path) {
        Ok(folder) => folder.sync_all().map_err(StoreError::io("write", path)),
        Err(_) => Ok(()),
    }
}
