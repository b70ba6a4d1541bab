//! Reading and counting images, with bounded channels between.
//!
//! Readers take images in order and decode the mask once and each detector's map after it. Counters look at the
//! frames. What they saw reaches the caller in the order of the images, whoever was faster, so results do not depend
//! on the number of threads. A ticket is needed to begin with some images and is given back when the caller has seen
//! their results: no reader runs far ahead, and memory is bounded.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use pimo_accumulator::BadScore;
use pimo_dataset::{Class, Dataset, Problem, ProblemKind};
use pimo_frame::{Frame, Mask, Sample, Scores, half_precision};
use pimo_reader::{MaskRule, Reader};

use crate::budget::{Lanes, RegionLimit};
use crate::digest;
use crate::plan::{PlannedCategory, PlannedImage};
use crate::problem::{About, Bad};
use crate::{Cancel, Event, Observer, PipelineError};

/// Bytes of frames that travel together: small images would otherwise cost more to hand over than to count.
const BATCH_BYTES: u64 = 1 << 20;
/// How long is waited for results before looking whether the run has to stop.
const PATIENCE: Duration = Duration::from_millis(50);
/// Stack of each thread; they do not recurse.
const STACK_BYTES: usize = 1 << 20;

/// Something that looks at frames; one for each thread.
pub(crate) trait Count: Send {
    /// What it has to say of a frame.
    type Seen: Send;

    /// Looks at a frame of the image at `position` of the sweep.
    fn count(&mut self, position: usize, model: usize, frame: &Frame) -> Result<Self::Seen, BadScore>;

    /// Adds what it just saw of a frame to what is shared; called when the frame proved to be whole.
    fn keep(&mut self, _position: usize, _model: usize, _frame: &Frame) {}

    /// Whether something of the frame just seen has been counted already, to be kept or taken back.
    fn is_ahead(&self, _model: usize) -> bool {
        false
    }

    /// Takes back what has been counted of the frame just seen, which has a bad score; false if that can't be done
    /// because the scores have changed meanwhile.
    fn take_back(&mut self, _model: usize, _frame: &Frame) -> bool {
        true
    }

    /// Adds what it still has to what is shared; called when there are no more frames.
    fn finish(&mut self) {}
}

/// What became of one map.
pub(crate) struct Counted<S> {
    /// Position in the sweep.
    pub(crate) position: usize,
    pub(crate) image: PlannedImage,
    /// Index of the detector in the dataset.
    pub(crate) model: usize,
    /// Digest of the image's mask, with the image's first detector.
    pub(crate) mask_digest: Option<u128>,
    pub(crate) outcome: Outcome<S>,
}

pub(crate) enum Outcome<S> {
    /// It was counted.
    Seen(S),
    /// Something is wrong with it, or with the image's mask.
    Bad(Box<Problem>),
    /// Something is wrong with it, but it has been counted with others: they have to be counted again without it.
    Spoiled(Box<Problem>),
    /// It is left out, for a reason that is known already.
    LeftOut,
}

/// One pass over images of a category.
pub(crate) struct Sweep<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) dataset: &'a Dataset,
    pub(crate) category: &'a PlannedCategory<'a>,
    pub(crate) mask_rule: MaskRule,
    /// Whether frames have their masks.
    pub(crate) with_masks: bool,
    /// What finding the connected regions of a mask may take; `None` where they are not looked for.
    pub(crate) region_limit: Option<RegionLimit>,
    /// Whether scores are rounded to half precision.
    pub(crate) half_precision: bool,
    /// The images, in order.
    pub(crate) images: &'a [PlannedImage],
    /// Indices of the detectors, in order.
    pub(crate) models: &'a [usize],
    /// Images that are left out.
    pub(crate) bad: &'a Bad,
    pub(crate) lanes: Lanes,
    pub(crate) cancel: &'a Cancel,
    pub(crate) observer: &'a dyn Observer,
}

/// A map on its way to a counter.
struct Job {
    position: usize,
    model_slot: usize,
    mask_digest: Option<u128>,
    /// Bytes of the map as it is stored.
    stored_bytes: u64,
    frame: Outcome<Frame>,
}

/// A mask that fits its image's class.
struct GoodMask {
    mask: Option<Arc<Mask>>,
    digest: Option<u128>,
}

impl Sweep<'_> {
    /// Shows every image to counters that keep what they see; false if one could not be seen.
    ///
    /// # Errors
    /// A request to stop, threads that can't be started.
    pub(crate) fn sees_all<C: Count<Seen = ()>>(&self, counter: impl Fn() -> C + Sync) -> Result<bool, PipelineError> {
        let mut seen = 0;
        self.run(counter, |counted| {
            seen += usize::from(matches!(counted.outcome, Outcome::Seen(())));
            Ok(())
        })?;
        Ok(seen == self.images.len() * self.models.len())
    }

    /// Reads and counts every image, and hands what was seen to `consume` in order of images and detectors.
    ///
    /// # Errors
    /// What `consume` says, a request to stop, threads that can't be started.
    pub(crate) fn run<C: Count>(
        &self,
        counter: impl Fn() -> C + Sync,
        mut consume: impl FnMut(Counted<C::Seen>) -> Result<(), PipelineError>,
    ) -> Result<(), PipelineError> {
        if self.images.is_empty() || self.models.is_empty() {
            return Ok(());
        }
        let at_once = self.images_at_once();
        let window = self.lanes.window();
        let stop = AtomicBool::new(false);
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (ticket_in, tickets) = bounded::<()>(window);
            for _ in 0..window {
                let _ = ticket_in.send(());
            }
            let (jobs_in, jobs) = bounded::<Vec<Job>>(self.lanes.queue);
            let (results_in, results) = bounded::<Vec<Counted<C::Seen>>>(window * at_once * self.models.len());
            let (stop, next, counter) = (&stop, &next, &counter);
            // An error on the way out of this block has to end the threads before the scope waits for them.
            let _stopper = StopOnDrop(stop);
            for _ in 0..self.lanes.readers {
                let (tickets, jobs_in) = (tickets.clone(), jobs_in.clone());
                spawn(scope, "pimo-read", move || {
                    let _panic = StopOnPanic(stop);
                    self.read(&tickets, &jobs_in, next, at_once, stop);
                })?;
            }
            drop((jobs_in, tickets));
            for _ in 0..self.lanes.counters {
                let (jobs, results_in) = (jobs.clone(), results_in.clone());
                spawn(scope, "pimo-count", move || {
                    let _panic = StopOnPanic(stop);
                    self.count(&mut counter(), &jobs, &results_in, stop);
                })?;
            }
            drop((results_in, jobs));
            let finished = self.in_order(&results, &ticket_in, at_once, stop, &mut consume);
            stop.store(true, Ordering::Relaxed);
            drop((ticket_in, results));
            finished
        })?;
        if self.cancel.is_cancelled() { Err(PipelineError::Cancelled) } else { Ok(()) }
    }

    /// How many images a reader takes at a time.
    fn images_at_once(&self) -> usize {
        let stored: u64 = self.models.iter().map(|&model| self.category.models[model].stored_bytes).sum();
        let per_image = stored / self.category.images.len().max(1) as u64;
        let by_size = (BATCH_BYTES / per_image.max(1)).max(1) as usize;
        let by_share = self.images.len().div_ceil(4 * self.lanes.readers);
        by_size.min(by_share).clamp(1, self.lanes.at_once)
    }

    fn read(
        &self,
        tickets: &Receiver<()>,
        jobs: &Sender<Vec<Job>>,
        next: &AtomicUsize,
        at_once: usize,
        stop: &AtomicBool,
    ) {
        while tickets.recv().is_ok() {
            let first = next.fetch_add(1, Ordering::Relaxed) * at_once;
            if first >= self.images.len() {
                return;
            }
            let mut batch = Batch { jobs: Vec::new(), bytes: 0, out: jobs };
            for position in first..(first + at_once).min(self.images.len()) {
                if stop.load(Ordering::Relaxed) || self.cancel.is_cancelled() || !self.read_image(position, &mut batch)
                {
                    return;
                }
            }
            if !batch.send() {
                return;
            }
        }
    }

    /// Reads mask and maps of one image; false when nobody listens any more.
    fn read_image(&self, position: usize, batch: &mut Batch<'_>) -> bool {
        let image = self.images[position];
        let mut mask = self.read_mask(image);
        for (model_slot, &model) in self.models.iter().enumerate() {
            let mask_digest = mask.as_mut().ok().and_then(|mask| mask.digest.take());
            let (frame, stored_bytes) = match &mask {
                Err(problem) if model_slot == 0 => (Outcome::Bad(problem.clone()), 0),
                Err(_) => (Outcome::LeftOut, 0),
                Ok(_) if self.bad.leaves_out(self.category.item(image).image_id(), model) => (Outcome::LeftOut, 0),
                Ok(good) => self.read_frame(image, model, good.mask.clone()),
            };
            if !batch.push(Job { position, model_slot, mask_digest, stored_bytes, frame }) {
                return false;
            }
        }
        true
    }

    fn about(&self, image: PlannedImage, model: Option<usize>) -> About<'_> {
        About {
            category: &self.category.category.name,
            image_id: self.category.item(image).image_id(),
            model: model.map(|model| self.dataset.models[model].as_str()),
        }
    }

    fn read_mask(&self, image: PlannedImage) -> Result<GoodMask, Box<Problem>> {
        let Some(path) = self.category.item(image).mask().filter(|_| self.with_masks) else {
            return Ok(GoodMask { mask: None, digest: None });
        };
        let about = self.about(image, None);
        let mask = self.reader.read_mask(&path, self.mask_rule).map_err(|error| about.unreadable(&error))?;
        let anomalous_pixels = mask.anomalous_pixels();
        if (anomalous_pixels > 0) != (image.class == Class::Anomalous) {
            return Err(about.contradiction(path, image.class, anomalous_pixels).into());
        }
        if let Some(limit) = self.region_limit {
            limit.check(&mask).map_err(|many| about.many_regions(path, &many, limit))?;
        }
        let digest = Some(digest::of_mask(&mask));
        let mask = (image.class == Class::Anomalous).then(|| Arc::new(mask));
        Ok(GoodMask { mask, digest })
    }

    /// The map, and its bytes as they are stored.
    fn read_frame(&self, image: PlannedImage, model: usize, mask: Option<Arc<Mask>>) -> (Outcome<Frame>, u64) {
        let Some(at) = self.category.item(image).map(model) else { return (Outcome::LeftOut, 0) };
        let about = self.about(image, Some(model));
        let map = match self.reader.read_map(&at) {
            Ok(map) => map,
            Err(error) => return (Outcome::Bad(about.unreadable(&error).into()), 0),
        };
        let stored_bytes = map.stored_bytes;
        if !self.category.models[model].sample_types.contains(&map.sample_type) {
            // Everything was prepared for the types that the headers named.
            let message =
                format!("its scores are {} now; the file changed while pimo ran, start again", map.sample_type);
            let file = PathBuf::from(at.to_string());
            return (Outcome::Bad(about.problem(ProblemKind::Unreadable, file, message).into()), stored_bytes);
        }
        let scores = if self.half_precision {
            let rounded = rounded(&map.scores);
            if let Err(what) = map.scores.verify() {
                let file = PathBuf::from(at.to_string());
                return (Outcome::Bad(about.torn(file, &what).into()), stored_bytes);
            }
            if let Some((at_pixel, score)) = first_too_large(&map.scores, &rounded) {
                let file = PathBuf::from(at.to_string());
                let width = map.size.width as usize;
                let problem = about.beyond_half_precision(file, at_pixel / width, at_pixel % width, score);
                return (Outcome::Bad(problem.into()), stored_bytes);
            }
            rounded
        } else {
            map.scores
        };
        let frame = match Frame::new(map.size, image.evaluated, scores, mask) {
            Ok(frame) => Outcome::Seen(frame),
            Err(error) => {
                let file = PathBuf::from(at.to_string());
                let message = format!("{error}; the file changed while it was read, write it again");
                Outcome::Bad(about.problem(ProblemKind::Unreadable, file, message).into())
            }
        };
        (frame, stored_bytes)
    }

    fn count<C: Count>(
        &self,
        counter: &mut C,
        jobs: &Receiver<Vec<Job>>,
        results: &Sender<Vec<Counted<C::Seen>>>,
        stop: &AtomicBool,
    ) {
        for batch in jobs {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let counted = batch.into_iter().map(|job| self.count_job(counter, job)).collect();
            if results.send(counted).is_err() {
                return;
            }
        }
        counter.finish();
    }

    fn count_job<C: Count>(&self, counter: &mut C, job: Job) -> Counted<C::Seen> {
        let image = self.images[job.position];
        let model = self.models[job.model_slot];
        let outcome = match job.frame {
            Outcome::Seen(frame) => self.count_frame(counter, job.position, image, model, &frame),
            Outcome::Bad(problem) => Outcome::Bad(problem),
            Outcome::Spoiled(problem) => Outcome::Spoiled(problem),
            Outcome::LeftOut => Outcome::LeftOut,
        };
        self.observer.event(Event::Map { bytes: job.stored_bytes });
        Counted { position: job.position, image, model, mask_digest: job.mask_digest, outcome }
    }

    fn count_frame<C: Count>(
        &self,
        counter: &mut C,
        position: usize,
        image: PlannedImage,
        model: usize,
        frame: &Frame,
    ) -> Outcome<C::Seen> {
        let file = || {
            let at = self.category.item(image).map(model);
            at.map_or_else(PathBuf::new, |at| PathBuf::from(at.to_string()))
        };
        let torn = |what: &str| self.about(image, Some(model)).torn(file(), what);
        frame.scores().make_ready();
        let seen = counter.count(position, model, frame);
        // Bytes of a file that shrank are no scores: that comes before anything that they seem to say.
        if let Err(what) = frame.scores().verify() {
            let problem = torn(&what).into();
            return if counter.is_ahead(model) { Outcome::Spoiled(problem) } else { Outcome::Bad(problem) };
        }
        let outcome = match seen {
            Ok(seen) => {
                counter.keep(position, model, frame);
                Outcome::Seen(seen)
            }
            Err(bad) => {
                let problem = self.about(image, Some(model)).bad_score(file(), bad).into();
                if counter.take_back(model, frame) { Outcome::Bad(problem) } else { Outcome::Spoiled(problem) }
            }
        };
        // To keep it or to take it back it may have been looked at once more.
        match frame.scores().verify() {
            Ok(()) => outcome,
            Err(what) => Outcome::Spoiled(torn(&what).into()),
        }
    }

    fn in_order<S>(
        &self,
        results: &Receiver<Vec<Counted<S>>>,
        tickets: &Sender<()>,
        at_once: usize,
        stop: &AtomicBool,
        consume: &mut impl FnMut(Counted<S>) -> Result<(), PipelineError>,
    ) -> Result<(), PipelineError> {
        let mut waiting: BTreeMap<(usize, usize), Counted<S>> = BTreeMap::new();
        let (mut position, mut slot) = (0, 0);
        loop {
            // A thread that was told to stop, or panicked, may have taken along what the others wait behind.
            if self.cancel.is_cancelled() || stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let batch = match results.recv_timeout(PATIENCE) {
                Ok(batch) => batch,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            for counted in batch {
                let slot = self.models.iter().position(|&model| model == counted.model).unwrap_or(0);
                waiting.insert((counted.position, slot), counted);
            }
            while let Some(counted) = waiting.remove(&(position, slot)) {
                consume(counted)?;
                slot += 1;
                if slot == self.models.len() {
                    slot = 0;
                    position += 1;
                    if position % at_once == 0 {
                        let _ = tickets.send(());
                    }
                }
            }
        }
    }
}

/// The scores in half precision.
fn rounded(scores: &Scores) -> Scores {
    match scores {
        Scores::F32(scores) => Scores::from_f32(scores.as_ref().as_ref().iter().map(|&s| half_precision(s)).collect()),
        Scores::F64(scores) => Scores::from_f64(scores.as_ref().as_ref().iter().map(|&s| half_precision(s)).collect()),
    }
}

/// The first finite score that is not finite any more in half precision, with its index.
fn first_too_large(scores: &Scores, rounded: &Scores) -> Option<(usize, f64)> {
    fn first<S: Sample>(scores: &[S], rounded: &[S]) -> Option<(usize, f64)> {
        // Where all are numbers, which is soon said of many, none has to be looked at alone.
        if S::summary(rounded).finite {
            return None;
        }
        let lost = |(score, rounded): (&S, &S)| score.is_finite() && !rounded.is_finite();
        let index = scores.iter().zip(rounded).position(lost)?;
        Some((index, scores[index].to_f64()))
    }
    match (scores, rounded) {
        (Scores::F32(scores), Scores::F32(rounded)) => first(scores.as_ref().as_ref(), rounded.as_ref().as_ref()),
        (Scores::F64(scores), Scores::F64(rounded)) => first(scores.as_ref().as_ref(), rounded.as_ref().as_ref()),
        _ => None,
    }
}

/// Maps gathered until it pays to hand them over.
struct Batch<'a> {
    jobs: Vec<Job>,
    bytes: u64,
    out: &'a Sender<Vec<Job>>,
}

impl Batch<'_> {
    fn push(&mut self, job: Job) -> bool {
        if let Outcome::Seen(frame) = &job.frame {
            self.bytes += frame.native().pixels() * frame.scores().comparison().bytes() as u64;
        }
        self.jobs.push(job);
        self.bytes < BATCH_BYTES || self.send()
    }

    fn send(&mut self) -> bool {
        self.bytes = 0;
        self.jobs.is_empty() || self.out.send(std::mem::take(&mut self.jobs)).is_ok()
    }
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

fn spawn<'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() + Send + 'scope,
) -> Result<(), PipelineError> {
    let builder = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES);
    builder.spawn_scoped(scope, work).map(drop).map_err(PipelineError::Thread)
}
