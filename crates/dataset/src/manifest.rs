//! Manifests: tables that name the files of every image, the general case of all layouts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pimo_reader::{Entry, MapLocation};

use crate::columns::Columns;
use crate::csv_rows::CsvRows;
use crate::discover::missing_classes;
use crate::error::{listing, shortened};
use crate::ground::{check_folder, is_file, select};
use crate::item::{Category, Dataset, Item, Roots, StoredMap, shared, stem_of_id};
use crate::place::Interner;
use crate::{Class, DatasetError, Discovery, MissingMask, Note, Problem, ProblemKind};

/// How a manifest is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestOptions {
    /// The manifest's file.
    pub path: PathBuf,
    /// What relative paths in it start from; the manifest's own folder if not given.
    pub root: Option<PathBuf>,
    /// The detector's name where the manifest has a column `map`.
    pub model: String,
    /// The categories to look at; all if empty.
    pub categories: Vec<String>,
    /// What to do about an image with neither mask nor class.
    pub missing_mask: MissingMask,
    /// Leave the class of every image that has a mask to the mask.
    pub class_from_mask: bool,
}

/// One row of a manifest that was read from somewhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRow {
    /// The row's number for messages.
    pub number: u64,
    /// One field for each column.
    pub fields: Vec<Option<String>>,
}

/// A row, or what is wrong with all of it.
pub(crate) struct Row {
    pub(crate) number: u64,
    pub(crate) fields: Result<Vec<Option<String>>, String>,
}

/// Reads a CSV manifest: UTF-8, separated by commas, the names of its columns in the first line.
///
/// `image_id`, `category` and `map` are needed; `mask`, `image`, `class`, `defect` and `group` may be there; other
/// columns are noted and left aside. Several detectors have a column each, `map:NAME`, instead of `map`. Paths are
/// taken as written (absolute ones and `..` included), relative ones from [`ManifestOptions::root`]; an entry of a
/// stacked file is `file.pt#12`. Blanks around a field do not count, and a blank field is none.
///
/// Where `class` is blank, the mask of an image decides; an image with neither is a [`ProblemKind::MissingMask`],
/// unless missing masks mean normal. An image id may occur once in a category; of repeated ones none is kept.
///
/// # Errors
/// The file can't be read, is no UTF-8 table, lacks a column, or has a row over 1 MiB; a category that was asked for
/// does not exist. Rows that can't be used are problems.
pub fn read_manifest(options: &ManifestOptions) -> Result<Discovery, DatasetError> {
    const EXPECTED: &str = "a CSV file with the columns image_id, category, map";
    let path = &options.path;
    let malformed = |message: String| DatasetError::Malformed { path: path.clone(), message };
    if !is_file("--manifest", path, EXPECTED)? {
        return Err(DatasetError::WrongKind {
            option: "--manifest",
            path: path.clone(),
            found: "a folder".into(),
            expected: EXPECTED,
        });
    }
    let file = File::open(path).map_err(|source| DatasetError::Io { path: path.clone(), source })?;
    let mut rows = CsvRows::new(file, path.clone());
    let header =
        rows.next().transpose()?.ok_or_else(|| malformed(format!("the file is empty; expected {EXPECTED}")))?;
    let header = header.fields.map_err(|message| malformed(format!("line 1: {message}")))?;
    let columns: Vec<String> = header.into_iter().map(Option::unwrap_or_default).collect();
    Manifest::open(options, &columns, "line")?.read(rows)
}

/// Puts together a manifest whose rows were read from somewhere else, such as a Parquet file; see [`read_manifest`].
///
/// # Errors
/// As [`read_manifest`], and the first error that `rows` gives.
pub fn manifest_rows(
    options: &ManifestOptions,
    columns: &[String],
    rows: impl IntoIterator<Item = Result<ManifestRow, DatasetError>>,
) -> Result<Discovery, DatasetError> {
    let rows = rows.into_iter().map(|row| row.map(|row| Row { number: row.number, fields: Ok(row.fields) }));
    Manifest::open(options, columns, "row")?.read(rows)
}

/// A manifest that is being read.
struct Manifest<'a> {
    options: &'a ManifestOptions,
    root: Arc<Path>,
    columns: Columns,
    models: Vec<String>,
    /// What a row is called in messages.
    unit: &'static str,
    interner: Interner,
    /// Items with the numbers of their rows.
    categories: BTreeMap<String, Vec<(Item, u64)>>,
    left_out: BTreeSet<String>,
    problems: Vec<Problem>,
    notes: Vec<Note>,
}

impl<'a> Manifest<'a> {
    fn open(options: &'a ManifestOptions, columns: &[String], unit: &'static str) -> Result<Self, DatasetError> {
        let root = match &options.root {
            Some(root) => {
                check_folder("--root", root, "the folder that a manifest's paths start from")?;
                root.clone()
            }
            None => options.path.parent().unwrap_or(Path::new("")).to_owned(),
        };
        let malformed = |message| DatasetError::Malformed { path: options.path.clone(), message };
        let (columns, models, unknown) = Columns::find(columns, &options.model).map_err(malformed)?;
        let mut notes = Vec::new();
        if !unknown.is_empty() {
            let message = format!("columns that mean nothing here were left aside: {}", unknown.join(", "));
            notes.push(Note::new(&options.path, message));
        }
        Ok(Self {
            options,
            root: shared(&root),
            columns,
            models,
            unit,
            interner: Interner::default(),
            categories: BTreeMap::new(),
            left_out: BTreeSet::new(),
            problems: Vec::new(),
            notes,
        })
    }

    fn read(mut self, rows: impl Iterator<Item = Result<Row, DatasetError>>) -> Result<Discovery, DatasetError> {
        let mut any = false;
        for row in rows {
            let row = row?;
            any = true;
            match row.fields {
                Ok(fields) => self.row(row.number, &fields),
                Err(message) => self.bad_row(row.number, &message),
            }
        }
        if !any {
            let message = "there are no rows below the names of the columns; expected one for each image".to_owned();
            return Err(DatasetError::Malformed { path: self.options.path.clone(), message });
        }
        self.finish()
    }

    fn problem(&self, kind: ProblemKind, number: u64, message: &str) -> Problem {
        Problem::new(kind, &self.options.path, format!("{} {number}: {message}", self.unit))
    }

    fn bad_row(&mut self, number: u64, message: &str) {
        self.problems.push(self.problem(ProblemKind::Row, number, message));
    }

    fn row(&mut self, number: u64, fields: &[Option<String>]) {
        if fields.len() != self.columns.count {
            let message = format!(
                "{} fields, but there are {} columns; put fields that hold commas in quotes, and close every quote",
                fields.len(),
                self.columns.count
            );
            return self.bad_row(number, &message);
        }
        if let Some(field) = fields.iter().flatten().find(|field| field.chars().any(char::is_control)) {
            let message = format!(
                "the field `{}` holds a line break or another control character; close every quote",
                shortened(field)
            );
            return self.bad_row(number, &message);
        }
        let field = |at: usize| fields[at].as_deref().map(str::trim).filter(|field| !field.is_empty());
        let Some(category) = field(self.columns.category) else {
            return self.bad_row(number, "no category; expected the name of the category that is evaluated together");
        };
        if !self.options.categories.is_empty() && !self.options.categories.iter().any(|wanted| wanted == category) {
            self.left_out.insert(category.to_owned());
            return;
        }
        // A category is there as soon as it is named: what is wrong with its rows is told even if none can be used.
        self.categories.entry(category.to_owned()).or_default();
        let Some(image_id) = field(self.columns.image_id) else {
            let problem =
                self.problem(ProblemKind::Row, number, "no image_id; expected a name of its own for each image");
            self.problems.push(problem.category(category));
            return;
        };
        let optional = |at: Option<usize>| at.and_then(field);
        let maps = self.maps(number, category, image_id, &field);
        let class = optional(self.columns.class);
        let mask = optional(self.columns.mask);
        let class = self.class(class, mask.is_some());
        let items = self.categories.entry(category.to_owned()).or_default();
        let class = match class {
            Ok(class) => class,
            Err((kind, message)) => {
                let problem = self.problem(kind, number, &message).category(category).image(image_id);
                self.problems.push(problem);
                return;
            }
        };
        if maps.iter().all(Option::is_none) {
            return;
        }
        let stem = stem_of_id(image_id);
        let (root, interner) = (&self.root, &mut self.interner);
        let mut path = |path: &str| interner.written(root, below(root, path), stem);
        let (mask, image) = (mask.map(&mut path), optional(self.columns.image).map(&mut path));
        let mut word = |at| optional(at).map(|word| interner.word(word));
        let (defect, group) = (word(self.columns.defect), word(self.columns.group));
        let item = Item { image_id: image_id.into(), class, defect, group, mask, image, maps };
        items.push((item, number));
    }

    /// Every detector's map; a blank or strange field is a problem.
    fn maps<'f>(
        &mut self,
        number: u64,
        category: &str,
        image_id: &str,
        field: &impl Fn(usize) -> Option<&'f str>,
    ) -> Box<[Option<StoredMap>]> {
        let stem = stem_of_id(image_id);
        let mut maps = Vec::with_capacity(self.models.len());
        for (i, at) in self.columns.maps.iter().enumerate() {
            let found = match field(*at) {
                None => Err((ProblemKind::MissingMap, "no anomaly map; expected its file".to_owned())),
                Some(text) => self.located(text).map_err(|message| (ProblemKind::Row, message)),
            };
            maps.push(match found {
                Ok((file, entry)) => {
                    let file = match entry {
                        Entry::Whole => self.interner.written(&self.root, &file, stem),
                        _ => self.interner.container_written(&self.root, &file),
                    };
                    Some(StoredMap { file, entry })
                }
                Err((kind, message)) => {
                    let message = format!("image {image_id}: {message}");
                    let problem = self.problem(kind, number, &message).category(category).image(image_id);
                    self.problems.push(problem.model(&self.models[i]));
                    None
                }
            });
        }
        maps.into()
    }

    /// Separates file and entry of a map.
    fn located(&self, text: &str) -> Result<(String, Entry), String> {
        let file = below(&self.root, text);
        if !file.contains('#') {
            return Ok((file.to_owned(), Entry::Whole));
        }
        // Whether a file is really called that depends on the root; a root that is not UTF-8 is not asked.
        let whole = self.root.join(file);
        let location = MapLocation::parse(whole.to_str().unwrap_or(file)).map_err(|error| error.to_string())?;
        let file = match &location.entry {
            Entry::Whole => file,
            entry => file.strip_suffix(&format!("#{entry}")).unwrap_or_else(|| {
                // An index may be written with a sign or leading zeros: `a.pt#007`.
                file.rsplit_once('#').map_or(file, |(file, _)| file)
            }),
        };
        Ok((file.to_owned(), location.entry))
    }

    /// The class of an image, none where its mask decides.
    fn class(&self, word: Option<&str>, has_mask: bool) -> Result<Option<Class>, (ProblemKind, String)> {
        let class = match word {
            None => None,
            Some(word) => Some(Class::parse(word).ok_or_else(|| {
                let message = format!("class `{}`; expected {}, or nothing", shortened(word), Class::WORDS);
                (ProblemKind::Row, message)
            })?),
        };
        let cure = "add its mask, or correct its class";
        match (class, has_mask) {
            (Some(Class::Anomalous), false) => {
                Err((ProblemKind::MissingMask, format!("the image is anomalous but has no mask; {cure}")))
            }
            (None, false) if self.options.missing_mask == MissingMask::Refuse => {
                let message = "the image has neither a mask nor a class; give one of them, or say with --missing-mask \
                               normal that such images are normal";
                Err((ProblemKind::MissingMask, message.to_owned()))
            }
            (None, false) => Ok(Some(Class::Normal)),
            (_, true) if self.options.class_from_mask => Ok(None),
            (class, _) => Ok(class),
        }
    }

    fn finish(mut self) -> Result<Discovery, DatasetError> {
        let known: Vec<String> = self.categories.keys().chain(&self.left_out).cloned().collect();
        select(&self.options.path, &known, &self.options.categories)?;
        let mut categories = Vec::with_capacity(self.categories.len());
        for (name, mut items) in std::mem::take(&mut self.categories) {
            items.sort_unstable_by(|(a, row_a), (b, row_b)| (&a.image_id, row_a).cmp(&(&b.image_id, row_b)));
            self.duplicates(&name, &items);
            self.shared_maps(&name, &items);
            let items = unique(items);
            let category = Category { name, items };
            self.problems.extend(missing_classes(&category, &self.options.path));
            categories.push(category);
        }
        // Stable: rows of one image stay in their order.
        self.problems.sort_by(|a, b| (&a.category, &a.model, &a.image_id).cmp(&(&b.category, &b.model, &b.image_id)));
        let roots = Roots {
            maps: vec![self.root.to_path_buf(); self.models.len()],
            dataset: self.root.to_path_buf(),
            manifest: Some(self.options.path.clone()),
        };
        let dataset = Dataset { models: self.models, categories, roots, layout: None };
        Ok(Discovery { dataset, problems: self.problems, notes: self.notes })
    }

    /// Notes image ids that occur again; the items are in their order.
    fn duplicates(&mut self, category: &str, items: &[(Item, u64)]) {
        for rows in items.chunk_by(|(a, _), (b, _)| a.image_id == b.image_id).filter(|rows| rows.len() > 1) {
            let (first, number) = (&rows[0].0, rows[0].1);
            let others: Vec<String> = rows[1..].iter().map(|(_, number)| number.to_string()).collect();
            let message = format!(
                "image_id {} occurs again in {} {}; expected each image once in its category: give every image a name \
                 of its own, or remove the repeated rows",
                first.image_id,
                self.unit,
                listing(&others)
            );
            let problem = self.problem(ProblemKind::DuplicateImage, number, &message);
            self.problems.push(problem.category(category).image(&first.image_id));
        }
    }

    /// Notes maps that two images share, which is a slip of whatever wrote the manifest.
    fn shared_maps(&mut self, category: &str, items: &[(Item, u64)]) {
        for model in 0..self.models.len() {
            let mut hashed: Vec<(u64, u32)> =
                (0u32..).zip(items).filter_map(|(i, (item, _))| Some((hash(&item.map_path(model)?), i))).collect();
            hashed.sort_unstable();
            for pair in hashed.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
                let ((first, row), (second, other)) = (&items[pair[0].1 as usize], &items[pair[1].1 as usize]);
                let map = first.map_path(model);
                if map != second.map_path(model) || first.image_id == second.image_id {
                    continue;
                }
                let message = format!(
                    "image {} has the same anomaly map as image {} in {} {other}: {}; expected a map of its own for each",
                    first.image_id,
                    second.image_id,
                    self.unit,
                    map.unwrap_or_default()
                );
                let problem = self.problem(ProblemKind::SharedMap, *row, &message).model(&self.models[model]);
                self.problems.push(problem.category(category).image(&first.image_id));
            }
        }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The items whose image ids occur once: which of several rows is right can't be told.
fn unique(items: Vec<(Item, u64)>) -> Vec<Item> {
    let same = |i: usize, j: usize| items[i].0.image_id == items[j].0.image_id;
    let last = items.len().saturating_sub(1);
    let repeated = |i: usize| (i > 0 && same(i, i - 1)) || (i < last && same(i, i + 1));
    let repeated: Vec<bool> = (0..items.len()).map(repeated).collect();
    let unique = items.into_iter().zip(repeated).filter(|(_, repeated)| !repeated);
    let mut unique: Vec<Item> = unique.map(|((item, _), _)| item).collect();
    // The list may still have the room of the longer one it was made from.
    unique.shrink_to_fit();
    unique
}

/// The path without the root, if it is absolute and lies below it.
fn below<'p>(root: &Path, path: &'p str) -> &'p str {
    let whole = Path::new(path);
    if root.as_os_str().is_empty() || !whole.is_absolute() {
        return path;
    }
    whole.strip_prefix(root).ok().and_then(Path::to_str).unwrap_or(path)
}
