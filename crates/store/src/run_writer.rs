//! Writes a run, category by category, and makes it visible when it is whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::aside::{self, PartAside};
use crate::error::{Result, StoreError};
use crate::part::{CategoryPart, PartTables};
use crate::record::RunRecord;
use crate::rows::CategoryRow;
use crate::staging::{Staging, stays_inside};
use crate::summary::Summary;
use crate::tables::{Formats, Tables};
use crate::{MACRO_CATEGORY, RUN_FILE, SUMMARY_FILE};

/// Writes one run into one folder.
///
/// Nothing has its final name before [`finish`](Self::finish); dropped before that, the writer leaves the folder as it
/// was. A writer may be shared between threads.
#[derive(Debug)]
pub struct RunWriter {
    run: Arc<OpenRun>,
}

/// What a run's writer and its parts share.
#[derive(Debug)]
pub(crate) struct OpenRun {
    staging: Mutex<Staging>,
    /// Where files are made.
    staged: PathBuf,
    formats: Formats,
    /// `None` after an error or the end: then nothing can be added any more.
    content: Mutex<Option<Content>>,
    temporaries: AtomicU64,
}

/// What has been committed so far.
#[derive(Debug)]
struct Content {
    tables: Tables,
    last_category: Option<String>,
    published: Vec<String>,
}

/// Where the files of a finished run are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPaths {
    /// The run's folder.
    pub folder: PathBuf,
    /// Its files by their names relative to the folder, `run.json` among them.
    pub files: BTreeMap<String, PathBuf>,
}

impl RunWriter {
    /// Prepares `out` for a run.
    ///
    /// `parameters` go into the metadata of every Parquet file, as `pimo.parameter.<name>`, in the given order. They
    /// are part of the files' bytes: nothing that depends on the machine belongs there.
    ///
    /// With `force`, files of a former run in `out` are replaced when the new one is whole, not before; files that
    /// pimo did not write are left alone.
    ///
    /// # Errors
    /// The folder cannot be made or written, is not empty (without `force`), or another run is being written there.
    pub fn create(out: &Path, force: bool, parameters: &[(String, String)]) -> Result<Self> {
        let staging = Staging::create(out, force)?;
        let formats = Formats::new(parameters)?;
        Ok(Self {
            run: Arc::new(OpenRun {
                staged: staging.path().to_path_buf(),
                staging: Mutex::new(staging),
                content: Mutex::new(Some(Content {
                    tables: Tables::new(&formats),
                    last_category: None,
                    published: Vec::new(),
                })),
                formats,
                temporaries: AtomicU64::new(0),
            }),
        })
    }

    /// Starts the rows of one category. Several may be filled at a time; they are committed in ascending order of name.
    ///
    /// # Errors
    /// The name is empty or `*`, which stands for the macro average.
    pub fn category(&self, name: &str) -> Result<CategoryPart> {
        let reason = match name {
            "" => Some("it is empty"),
            MACRO_CATEGORY => Some("it stands for the macro average"),
            _ => None,
        };
        if let Some(reason) = reason {
            return Err(StoreError::Name { what: "category", name: name.to_owned(), reason });
        }
        Ok(CategoryPart::new(Arc::clone(&self.run), name))
    }

    /// The rows of one category as parts have them that were set aside: each of other models, in ascending order. Asks
    /// now and then whether to go on; `None` if not. Some 4 MB of memory are needed for each part.
    ///
    /// # Errors
    /// As [`category`](Self::category); the parts have rows of another category, or of the same models; or what the
    /// operating system says.
    pub fn join(&self, name: &str, parts: Vec<PartAside>, go_on: &dyn Fn() -> bool) -> Result<Option<CategoryPart>> {
        let mut joined = self.category(name)?;
        Ok(aside::join(parts, &mut joined, go_on)?.then_some(joined))
    }

    /// Adds rows of the category `*`, in the order they are to be stored. Called when all categories are committed.
    ///
    /// # Errors
    /// A row of another category, or what the operating system says.
    pub fn macro_average(&self, rows: &[CategoryRow]) -> Result<()> {
        if let Some(row) = rows.iter().find(|row| row.category != MACRO_CATEGORY) {
            return Err(StoreError::Rows {
                table: "categories",
                message: format!("a macro average with the category {:?}", row.category),
            });
        }
        self.run.change(|run, content| content.tables.add_metrics(rows, &|name| run.staged(name)))
    }

    /// Writes `summary.json` and `run.json`, brings everything to the disk and gives the files their final names.
    ///
    /// # Errors
    /// An earlier error of this run, or what the operating system says. The folder is then left as it was, unless
    /// files were being renamed: then it has no `run.json`.
    pub fn finish(self, summary: &Summary, record: &RunRecord) -> Result<RunPaths> {
        let content = self.run.take_content()?;
        let run = &self.run;
        let mut files = content.tables.finish(&|name| run.staged(name))?;
        files.push(run.write_json(SUMMARY_FILE, summary)?);

        let mut record = record.clone();
        let tables_and_summary = files.iter().map(|(name, _)| name.clone());
        record.outputs =
            tables_and_summary.chain(content.published.iter().cloned()).chain([RUN_FILE.to_owned()]).collect();
        record.outputs.sort();
        files.push(run.write_json(RUN_FILE, &record)?);

        for name in &content.published {
            let path = run.staged(name);
            let file = File::open(&path).map_err(StoreError::io("open", &path))?;
            files.push((name.clone(), file));
        }
        sync_all(&files, &|name| run.staged(name))?;
        drop(files);

        let mut staging = lock(&run.staging);
        staging.publish(&record.outputs)?;
        Ok(RunPaths {
            folder: staging.final_path(""),
            files: record.outputs.iter().map(|name| (name.clone(), staging.final_path(name))).collect(),
        })
    }
}

impl OpenRun {
    /// The formats of the tables.
    pub(crate) fn formats(&self) -> &Formats {
        &self.formats
    }

    /// Where a file is made whose final name is `name`.
    pub(crate) fn staged(&self, name: &str) -> PathBuf {
        self.staged.join(name)
    }

    /// A name for a spill file that no other has.
    pub(crate) fn spill_path(&self) -> PathBuf {
        self.temporary_path("spill")
    }

    /// A name for a file of some kind that no other of this run has.
    pub(crate) fn temporary_path(&self, kind: &str) -> PathBuf {
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        self.staged(&format!("{number}.{kind}"))
    }

    /// Takes over the rows and files of a whole category.
    pub(crate) fn commit(&self, category: &str, tables: PartTables, published: Vec<String>) -> Result<()> {
        self.change(|run, content| {
            if let Some(last) = &content.last_category
                && last.as_str() >= category
            {
                return Err(StoreError::Rows {
                    table: "categories",
                    message: format!("{category:?} is committed after {last:?}"),
                });
            }
            content.tables.add(tables, &|name| run.staged(name))?;
            content.published.extend(published);
            content.last_category = Some(category.to_owned());
            Ok(())
        })
    }

    /// Changes the content; after an error nobody can rely on it and the run cannot be finished.
    fn change(&self, change: impl FnOnce(&Self, &mut Content) -> Result<()>) -> Result<()> {
        let mut guard = lock(&self.content);
        let mut content = guard.take().ok_or_else(closed)?;
        change(self, &mut content)?;
        *guard = Some(content);
        Ok(())
    }

    fn take_content(&self) -> Result<Content> {
        lock(&self.content).take().ok_or_else(closed)
    }

    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(String, File)> {
        let path = self.staged(name);
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(|error| StoreError::Json { path: path.clone(), message: format!("cannot be made: {error}") })?;
        text.push(b'\n');
        fs::write(&path, text).map_err(StoreError::io("write", &path))?;
        let file = File::open(&path).map_err(StoreError::io("open", &path))?;
        Ok((name.to_owned(), file))
    }
}

/// The final name of a model's published scores on a category.
pub(crate) fn published_name(model: &str, category: &str) -> Result<String> {
    for (what, name) in [("model", model), ("category", category)] {
        if !stays_inside(name) {
            return Err(StoreError::Name {
                what,
                name: name.to_owned(),
                reason: "it names a folder of the published layout and must be a plain relative path",
            });
        }
    }
    Ok(format!("published/{model}/{category}/aupimo/aupimos.json"))
}

/// Brings files to the disk, several at a time: each waits for the device, not for the processor.
fn sync_all(files: &[(String, File)], staged: &(dyn Fn(&str) -> PathBuf + Sync)) -> Result<()> {
    const AT_A_TIME: usize = 8;
    const STACK: usize = 1 << 16;
    let sync =
        |(name, file): &(String, File)| file.sync_all().map_err(|error| StoreError::io("write", &staged(name))(error));
    for files in files.chunks(AT_A_TIME) {
        std::thread::scope(|scope| {
            let mut threads = Vec::with_capacity(files.len());
            for file in files {
                match std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || sync(file)) {
                    Ok(thread) => threads.push(thread),
                    Err(_) => sync(file)?,
                }
            }
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })?;
    }
    Ok(())
}

fn closed() -> StoreError {
    StoreError::Rows {
        table: "run",
        message: "nothing can be added: it is finished, or an earlier write failed".to_owned(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
