//! A whole run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Instant, SystemTime};

use pimo_dataset::{Class, Dataset, Discovery, Note, Problem, discover, manifest_rows, read_manifest};
use pimo_reader::{AfterMapHook, IoChoice, Reader, ReaderOptions};
use pimo_store::{
    CategoryDigests, Digests, FailedCategory, InputCounts, Parameters, Roots, RunRecord, SkippedImage, Times,
};
use pimo_store::{MACRO_CATEGORY, RunPaths, RunWriter, rfc3339};
use pimo_store::{MacroAverage, ModelSummary, Summary};
use rayon::ThreadPoolBuilder;

use crate::budget::{self, Round};
use crate::category::{CategoryOutcome, CategoryRun};
use crate::digest::Digest;
use crate::metrics;
use crate::plan::{PlannedCategory, Planner};
use crate::rounds;
use crate::scores;
use crate::{Cancel, Event, Input, Observer, Output, PipelineError, Settings};

/// What a run has to show.
#[derive(Debug)]
pub struct RunOutcome {
    /// The results.
    pub summary: Summary,
    /// How they were made.
    pub record: RunRecord,
    /// Where they are.
    pub paths: RunPaths,
    /// Everything that made a category (or a detector in it) fail.
    pub problems: Vec<Problem>,
    /// What was left aside of the dataset: part of the record's notes.
    pub notes: Vec<Note>,
}

/// Evaluates a dataset and writes the results.
///
/// Categories are evaluated one after the other; one that something is wrong with is left out and listed, and the
/// others are written. Nothing is written when all of them fail.
///
/// # Errors
/// The dataset or the output can't be read or written, every category fails, the memory budget does not suffice, or
/// the run was asked to stop.
pub fn evaluate(
    input: &Input,
    settings: &Settings,
    output: &Output,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<RunOutcome, PipelineError> {
    settings.check()?;
    let (started, clock) = (SystemTime::now(), Instant::now());
    // An output that can't be used is told before anything is read.
    let writer = RunWriter::create(&output.folder, output.force, &settings.parameters())?;
    let reader = new_reader(settings);
    let discovery = look(input, &reader)?;
    let planned = plan(&discovery, settings, &reader, cancel)?;
    let rounds = rounds(settings, &planned, &discovery.dataset)?;
    if rounds.iter().all(Vec::is_empty) {
        return Err(PipelineError::Bad(planned.iter().flat_map(|category| category.bad.fatal()).cloned().collect()));
    }
    announce(&planned, settings, observer);
    let mut run = Run::new(&discovery, settings);
    for (mut planned, rounds) in planned.into_iter().zip(rounds) {
        if rounds.is_empty() {
            run.failed(&planned, planned.bad.fatal());
            continue;
        }
        let mut found = planned.bad.clone();
        observer.event(Event::Category { name: &planned.category.name, images: planned.images.len() });
        let of_round = |round| CategoryRun {
            settings,
            reader: &reader,
            dataset: &discovery.dataset,
            planned: &planned,
            round,
            writer: &writer,
            published: output.published,
            cancel,
            observer,
        };
        let outcome = rounds::evaluate(&rounds, of_round, &mut found)?;
        found.sort();
        planned.bad = found;
        run.done(&planned, outcome, observer);
    }
    if run.outcomes.is_empty() {
        return Err(PipelineError::Bad(run.problems));
    }
    run.finish(&reader, settings, writer, started, clock)
}

/// A reader for these settings.
pub(crate) fn new_reader(settings: &Settings) -> Reader {
    Reader::new(ReaderOptions {
        io: settings.io,
        max_bytes: settings.memory,
        buffers: 3 * settings.threads.max(1) + 2,
        after_map_hook: settings.after_map_hook.map(|hook| Box::new(hook) as AfterMapHook),
    })
}

/// Finds out which files belong together.
pub(crate) fn look(input: &Input, reader: &Reader) -> Result<Discovery, PipelineError> {
    match input {
        Input::Folders(sources) => Ok(discover(sources, reader)?),
        Input::Manifest(options) if is_parquet(&options.path) => {
            let (columns, rows) = crate::manifest::parquet_rows(&options.path)?;
            Ok(manifest_rows(options, &columns, rows)?)
        }
        Input::Manifest(options) => Ok(read_manifest(options)?),
    }
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
}

/// Looks at the headers of all files.
pub(crate) fn plan<'a>(
    discovery: &'a Discovery,
    settings: &Settings,
    reader: &'a Reader,
    cancel: &'a Cancel,
) -> Result<Vec<PlannedCategory<'a>>, PipelineError> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(settings.threads.clamp(1, discovery.dataset.images().max(1)))
        .stack_size(1 << 20)
        .build()
        .map_err(|error| PipelineError::Thread(std::io::Error::other(error)))?;
    let planner = Planner {
        reader,
        dataset: &discovery.dataset,
        mask_rule: settings.mask_rule,
        resample_any: settings.resample_any,
        skip_bad: settings.skip_bad,
        cancel,
    };
    let unplaced = |problem: &&Problem| problem.category.is_none();
    if let Some(unplaced) = discovery.problems.iter().find(unplaced) {
        // What belongs to no category in particular puts all of them in doubt.
        let others = discovery.problems.iter().filter(|problem| *problem != unplaced).cloned();
        return Err(PipelineError::Bad(std::iter::once(unplaced.clone()).chain(others).collect()));
    }
    let mut planned: Vec<PlannedCategory<'_>> = Vec::new();
    for category in &discovery.dataset.categories {
        let found: Vec<Problem> = discovery
            .problems
            .iter()
            .filter(|problem| problem.category.as_deref() == Some(category.name.as_str()))
            .cloned()
            .collect();
        planned.push(pool.install(|| planner.plan(category, &found)));
        if cancel.is_cancelled() {
            return Err(PipelineError::Cancelled);
        }
    }
    Ok(planned)
}

/// The rounds of every category; none where it can't be evaluated.
fn rounds(
    settings: &Settings,
    planned: &[PlannedCategory<'_>],
    dataset: &Dataset,
) -> Result<Vec<Vec<Round>>, PipelineError> {
    let mut rounds = Vec::with_capacity(planned.len());
    let mut refused: Option<PipelineError> = None;
    for category in planned {
        let mut models = category.bad.sound_models();
        models.sort_by(|&a, &b| dataset.models[a].cmp(&dataset.models[b]));
        let (found, error) = budget::rounds(settings, category, &models, dataset.images());
        rounds.push(found);
        refused = error.map(|error| PipelineError::larger(refused.take(), error)).or(refused);
    }
    refused.map_or(Ok(rounds), Err)
}

fn announce(planned: &[PlannedCategory<'_>], settings: &Settings, observer: &dyn Observer) {
    let twice = settings.thresholds.reads_normal_twice();
    let (mut categories, mut maps, mut bytes) = (0, 0, 0);
    for category in planned {
        let sound = category.bad.sound_models();
        let normal = category.of_class(Class::Normal).count() as u64;
        categories += usize::from(!sound.is_empty());
        maps += sound.len() as u64 * (category.images.len() as u64 + if twice { normal } else { 0 });
        bytes += category.bytes_to_read(&sound, settings);
    }
    observer.event(Event::Planned { categories, maps, bytes });
}

/// What comes of the categories.
struct Run<'a> {
    discovery: &'a Discovery,
    settings: &'a Settings,
    outcomes: Vec<CategoryOutcome>,
    problems: Vec<Problem>,
    failed: Vec<FailedCategory>,
    skipped: Vec<SkippedImage>,
    notes: Vec<String>,
    inputs: InputCounts,
}

impl<'a> Run<'a> {
    fn new(discovery: &'a Discovery, settings: &'a Settings) -> Self {
        Self {
            discovery,
            settings,
            outcomes: Vec::new(),
            problems: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            notes: discovery.notes.iter().map(ToString::to_string).collect(),
            inputs: InputCounts::default(),
        }
    }

    fn failed(&mut self, planned: &PlannedCategory<'_>, fatal: &[Problem]) {
        self.inputs.categories += 1;
        self.note_failures(planned, fatal);
    }

    fn note_failures(&mut self, planned: &PlannedCategory<'_>, fatal: &[Problem]) {
        self.failed.extend(fatal.iter().map(|problem| FailedCategory {
            category: planned.category.name.clone(),
            model: problem.model.clone(),
            message: problem.to_string(),
        }));
        self.problems.extend_from_slice(fatal);
    }

    fn done(&mut self, planned: &PlannedCategory<'_>, outcome: Option<CategoryOutcome>, observer: &dyn Observer) {
        self.inputs.categories += 1;
        self.note_failures(planned, planned.bad.fatal());
        let Some(outcome) = outcome else { return };
        self.skipped.extend(planned.bad.skipped().iter().map(|problem| SkippedImage {
            category: planned.category.name.clone(),
            image_id: problem.image_id.clone().unwrap_or_default(),
            model: problem.model.clone(),
            message: problem.to_string(),
        }));
        self.notes.extend(planned.notes.iter().cloned());
        self.count(planned);
        self.inputs.maps += outcome.models.iter().map(|(_, summary)| summary.images).sum::<u64>();
        observer.event(Event::Done(&outcome));
        self.outcomes.push(outcome);
    }

    /// Counts the images that were evaluated for any detector.
    fn count(&mut self, planned: &PlannedCategory<'_>) {
        let models = planned.bad.sound_models();
        for &image in &planned.images {
            let item = planned.item(image);
            let left_out = |&&model: &&usize| planned.bad.leaves_out(item.image_id(), model);
            let evaluated = (models.len() - models.iter().filter(left_out).count()) as u64;
            if evaluated > 0 {
                let of_class = match image.class {
                    Class::Normal => &mut self.inputs.normal,
                    Class::Anomalous => &mut self.inputs.anomalous,
                };
                *of_class += 1;
                self.inputs.images += 1;
                self.inputs.masks += u64::from(item.mask().is_some());
                self.inputs.pixels += evaluated * image.evaluated.pixels();
            }
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for outcome in &self.outcomes {
            for (model, summary) in &outcome.models {
                let place = format!("category {}, detector {model}: ", outcome.category);
                warnings.extend(summary.warnings.iter().map(|warning| format!("{place}{warning}")));
            }
        }
        warnings.extend(self.shorter_means());
        if !self.skipped.is_empty() {
            let count = match self.skipped.len() {
                1 => "1 bad image or file was".to_owned(),
                count => format!("{count} bad images or files were"),
            };
            warnings.push(format!("{count} left out; run.json lists all under `skipped`"));
        }
        warnings
    }

    /// Warnings where the means of one detector are over fewer categories than those of another.
    fn shorter_means(&self) -> Vec<String> {
        let has = |outcome: &CategoryOutcome, model: &str| outcome.models.iter().any(|(name, _)| name == model);
        let models: BTreeSet<&str> =
            self.outcomes.iter().flat_map(|outcome| &outcome.models).map(|(model, _)| model.as_str()).collect();
        let mut warnings = Vec::new();
        for model in models {
            let lacking = self.outcomes.iter().filter(|outcome| !has(outcome, model));
            let lacking: Vec<&str> = lacking.map(|outcome| outcome.category.as_str()).collect();
            if !lacking.is_empty() {
                warnings.push(format!(
                    "detector {model}: its means over categories leave out {} of the {} categories that were evaluated, \
                     so they do not compare with those of detectors that have them: {}",
                    lacking.len(),
                    self.outcomes.len(),
                    lacking.join(", ")
                ));
            }
        }
        warnings
    }

    fn summary(&self) -> Summary {
        let mut models: BTreeMap<String, ModelSummary> = BTreeMap::new();
        for outcome in &self.outcomes {
            for (model, summary) in &outcome.models {
                let entry = models.entry(model.clone()).or_default();
                entry.categories.insert(outcome.category.clone(), summary.clone());
            }
        }
        for model in models.values_mut() {
            let means: Vec<_> = model.categories.values().map(|summary| summary.aupimo).collect();
            let aupimo = scores::macro_average(&means);
            let categories = model.categories.len() as u64;
            let metrics: Vec<_> = model.categories.values().map(|summary| &summary.metrics).collect();
            model.macro_average = MacroAverage { categories, aupimo, metrics: metrics::macro_average(&metrics) };
        }
        Summary {
            parameters: parameters(self.settings),
            random_model_score: Some(self.settings.bounds.random_model_score()),
            models,
            warnings: self.warnings(),
            ..Summary::default()
        }
    }

    fn digests(&self) -> Digests {
        let (mut items, mut masks) = (Digest::default(), Digest::default());
        let mut categories = BTreeMap::new();
        for outcome in &self.outcomes {
            items.text(&outcome.category);
            items.text(&outcome.items_digest);
            masks.text(&outcome.category);
            masks.text(&outcome.masks_digest);
            let digests = CategoryDigests { items: outcome.items_digest.clone(), masks: outcome.masks_digest.clone() };
            categories.insert(outcome.category.clone(), digests);
        }
        Digests { items: items.finish(), masks: masks.finish(), categories }
    }

    fn finish(
        self,
        reader: &Reader,
        settings: &Settings,
        writer: RunWriter,
        started: SystemTime,
        clock: Instant,
    ) -> Result<RunOutcome, PipelineError> {
        let summary = self.summary();
        let mut macro_rows = Vec::new();
        for (model, results) in &summary.models {
            let of_model = |outcome: &CategoryOutcome| {
                let index = outcome.models.iter().position(|(name, _)| name == model)?;
                Some(outcome.aupimo[index])
            };
            let aupimo: Vec<_> = self.outcomes.iter().filter_map(of_model).collect();
            for (metric, value) in scores::macro_metrics(&aupimo) {
                macro_rows.push(metrics::row(model, MACRO_CATEGORY, metric, value));
            }
            let means = &results.macro_average.metrics;
            // In the order that they have in categories: a mean is over what all of these have, so one knows them all.
            let names =
                self.outcomes.iter().find(|outcome| of_model(outcome).is_some()).map(|outcome| &outcome.metrics);
            let in_order = names.into_iter().flatten().filter_map(|name| Some((name, *means.get(name)?)));
            macro_rows.extend(in_order.map(|(name, value)| metrics::row(model, MACRO_CATEGORY, name, value)));
        }
        writer.macro_average(&macro_rows)?;
        let record = RunRecord {
            parameters: parameters(settings),
            models: summary.models.keys().cloned().collect(),
            categories: self.outcomes.iter().map(|outcome| outcome.category.clone()).collect(),
            digests: self.digests(),
            inputs: self.inputs,
            warnings: summary.warnings.clone(),
            notes: self.notes,
            failed: self.failed,
            skipped: self.skipped,
            roots: roots(self.discovery),
            times: Times {
                started: rfc3339(started),
                finished: rfc3339(SystemTime::now()),
                seconds: clock.elapsed().as_secs_f64(),
            },
            threads: settings.threads as u64,
            io: match settings.io {
                IoChoice::Auto => "auto",
                IoChoice::Mmap => "mmap",
                IoChoice::Read => "pread",
            }
            .to_owned(),
            bytes_read: reader.bytes_read(),
            map_reads: reader.map_reads(),
            ..RunRecord::default()
        };
        let paths = writer.finish(&summary, &record)?;
        Ok(RunOutcome { summary, record, paths, problems: self.problems, notes: self.discovery.notes.clone() })
    }
}

fn parameters(settings: &Settings) -> Parameters {
    settings.parameters().into_iter().map(|(name, value)| (name, value.into())).collect()
}

fn roots(discovery: &Discovery) -> Roots {
    let dataset = &discovery.dataset;
    let maps = dataset.models.iter().cloned().zip(dataset.roots.maps.iter().map(|path| absolute(path)));
    let ground_truth = Some(absolute(&dataset.roots.dataset));
    Roots {
        maps: maps.collect(),
        masks: ground_truth.clone(),
        images: ground_truth,
        manifest: dataset.roots.manifest.as_deref().map(absolute),
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}
