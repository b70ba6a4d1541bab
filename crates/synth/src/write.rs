//! Writes a dataset: images in parallel, containers and manifests in order.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::num::NonZero;
use std::ops::{AddAssign, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use pimo_frame::{SampleType, Size};
use zip::CompressionMethod;

use crate::container::{Container, Contents};
use crate::naming::{Item, Naming};
use crate::plan::{MapFormat, MaskFormat, Plan, TiffCompression};
use crate::scene::Scene;
use crate::turnstile::{CloseOnPanic, Turnstile};
use crate::{SynthError, npy, png, tiff};

/// Where everything is written until it is whole.
const STAGING: &str = ".partial";

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Images without a defect, over all categories.
    pub normal_images: u64,
    /// Images with a defect, over all categories.
    pub anomalous_images: u64,
    /// Pixels of all images, at the size of their masks.
    pub image_pixels: u64,
    /// Pixels that are anomalous.
    pub anomalous_pixels: u64,
    /// Anomaly maps, over all detectors.
    pub maps: u64,
    /// Samples of all maps.
    pub map_pixels: u64,
    /// Files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// The manifest of each detector, relative to the output folder; empty if none was asked for.
    pub manifests: Vec<PathBuf>,
}

impl AddAssign<&Self> for Summary {
    fn add_assign(&mut self, other: &Self) {
        self.normal_images += other.normal_images;
        self.anomalous_images += other.anomalous_images;
        self.image_pixels += other.image_pixels;
        self.anomalous_pixels += other.anomalous_pixels;
        self.maps += other.maps;
        self.map_pixels += other.map_pixels;
        self.files += other.files;
        self.bytes += other.bytes;
        self.manifests.extend_from_slice(&other.manifests);
    }
}

/// Makes the dataset of `plan` in the folder `out`, which must be absent or empty, and calls `progress` with the
/// images done and their number after each image.
///
/// Memory holds one image per thread and its maps, whatever the number of images. Files come under
/// their final names when all are written; until then they are in `.partial` inside the folder.
///
/// # Errors
/// [`SynthError::Plan`] for a plan that can't be made, [`SynthError::NotEmpty`] for a folder that holds files, and
/// [`SynthError::Write`] when the operating system refuses. What had been written is removed.
///
/// # Panics
/// If `progress` panics.
pub fn write(plan: &Plan, out: &Path, mut progress: impl FnMut(u64, u64)) -> Result<Summary, SynthError> {
    write_while(plan, out, |done, total| {
        progress(done, total);
        ControlFlow::Continue(())
    })
}

/// Does what [`write()`] does as long as `progress` says so.
///
/// # Errors
/// Those of [`write()`], and [`SynthError::Interrupted`] when `progress` breaks.
///
/// # Panics
/// If `progress` panics.
pub fn write_while(
    plan: &Plan,
    out: &Path,
    progress: impl FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Summary, SynthError> {
    plan.validate()?;
    let existed = prepare(out)?;
    let staging = out.join(STAGING);
    let written = fs::create_dir(&staging)
        .map_err(SynthError::write(&staging))
        .and_then(|()| Writer::new(plan, &staging).run(progress))
        .and_then(|summary| publish(&staging, out).map(|()| summary));
    if written.is_err() {
        // The first error is the one to report; what can't be removed stays in the staging folder.
        let _ = fs::remove_dir_all(&staging);
        if !existed {
            let _ = fs::remove_dir(out);
        }
    }
    written
}

/// Makes sure that `out` is an empty folder and says whether it existed.
fn prepare(out: &Path) -> Result<bool, SynthError> {
    match fs::read_dir(out) {
        Ok(mut entries) => match entries.next() {
            None => Ok(true),
            Some(_) => Err(SynthError::NotEmpty { path: out.to_owned() }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(out).map_err(SynthError::write(out))?;
            Ok(false)
        }
        Err(error) => Err(SynthError::write(out)(error)),
    }
}

/// Moves everything from the staging folder to its final place.
fn publish(staging: &Path, out: &Path) -> Result<(), SynthError> {
    let entries = fs::read_dir(staging).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    for entry in entries.map_err(SynthError::write(staging))? {
        let target = out.join(entry.file_name());
        fs::rename(entry.path(), &target).map_err(SynthError::write(&target))?;
    }
    fs::remove_dir(staging).map_err(SynthError::write(staging))
}

/// What all threads share.
struct Writer<'p> {
    plan: &'p Plan,
    naming: Naming<'p>,
    folder: &'p Path,
    images: u64,
    next: AtomicU64,
}

/// What is written in the order of images.
struct Ordered {
    /// One per detector, for the category that is being written.
    containers: Vec<Container>,
    /// One per detector.
    manifests: Vec<csv::Writer<File>>,
}

impl<'p> Writer<'p> {
    fn new(plan: &'p Plan, folder: &'p Path) -> Self {
        let naming = Naming::new(plan);
        let images = naming.per_category() * plan.categories.len() as u64;
        Self { plan, naming, folder, images, next: AtomicU64::new(0) }
    }

    fn threads(&self) -> u64 {
        let available = || thread::available_parallelism().map_or(1, NonZero::get);
        let wanted = if self.plan.threads == 0 { available() } else { self.plan.threads };
        (wanted as u64).min(self.images).min(1024)
    }

    fn run(&self, mut progress: impl FnMut(u64, u64) -> ControlFlow<()>) -> Result<Summary, SynthError> {
        self.create_folders()?;
        let turnstile = Turnstile::new(Ordered { containers: Vec::new(), manifests: self.create_manifests()? });
        let mut summary = Summary::default();
        thread::scope(|scope| {
            let (sender, results) = sync_channel(2 * self.threads() as usize);
            for _ in 0..self.threads() {
                let (sender, turnstile) = (sender.clone(), &turnstile);
                scope.spawn(move || self.work(turnstile, &sender));
            }
            drop(sender);
            // If this closure ends early, or `progress` panics, the threads must not wait for one another.
            let _guard = CloseOnPanic(&turnstile);
            let mut done = 0;
            for result in results {
                let stop = match result {
                    Ok(image) => {
                        summary += &image;
                        done += 1;
                        progress(done, self.images).is_break().then_some(SynthError::Interrupted)
                    }
                    Err(error) => Some(error),
                };
                if let Some(error) = stop {
                    turnstile.close();
                    return Err(error);
                }
            }
            Ok(())
        })?;
        self.finish_manifests(turnstile.into_inner(), &mut summary)?;
        Ok(summary)
    }

    /// Takes images until there are none, or the turnstile or the channel is closed.
    fn work(&self, turnstile: &Turnstile<Ordered>, results: &SyncSender<Result<Summary, SynthError>>) {
        let _guard = CloseOnPanic(turnstile);
        // One buffer per map that waits for its turn; maps with files of their own share the first.
        let mut buffers = vec![Vec::new(); self.plan.detectors.len()];
        while !turnstile.is_closed() {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.images {
                break;
            }
            let written = self.write_image(index, turnstile, &mut buffers);
            let failed = written.is_err();
            let Some(written) = written.transpose() else { break };
            if results.send(written).is_err() || failed {
                turnstile.close();
                break;
            }
        }
    }

    /// Writes all files of an image; `None` when the turnstile was closed meanwhile.
    fn write_image(
        &self,
        index: u64,
        turnstile: &Turnstile<Ordered>,
        buffers: &mut [Vec<u8>],
    ) -> Result<Option<Summary>, SynthError> {
        let item = self.naming.item(index);
        let scene = Scene::new(self.plan, item.category as u32, item.subject);
        let mut summary = Summary { image_pixels: scene.size().pixels(), ..Summary::default() };
        match item.subject.defect {
            Some(_) => summary.anomalous_images = 1,
            None => summary.normal_images = 1,
        }
        self.write_truth(item, &scene, &mut summary)?;
        let size = scene.map_size();
        for detector in 0..self.plan.detectors.len() {
            summary.maps += 1;
            summary.map_pixels += size.pixels();
            if let Some(path) = self.naming.map(detector, item) {
                scene.map(detector, &mut buffers[0]);
                self.write_map(&self.folder.join(path), size, &buffers[0], &mut summary)?;
            } else {
                scene.map(detector, &mut buffers[detector]);
            }
        }
        let passed = turnstile.pass(index, |ordered| self.append(ordered, item, size, buffers, &mut summary));
        passed.map_or(Ok(None), |appended| appended.map(|()| Some(summary)))
    }

    /// Writes the mask and the source image, where the plan has them.
    fn write_truth(&self, item: Item, scene: &Scene<'_>, summary: &mut Summary) -> Result<(), SynthError> {
        if let Some(path) = self.naming.mask(item) {
            let path = self.folder.join(path);
            let mask = scene.mask();
            summary.anomalous_pixels += mask.iter().filter(|&&pixel| pixel != 0).count() as u64;
            self.write_mask(&path, scene.size(), &mask, summary)?;
        }
        if let Some(path) = self.naming.source_image(item) {
            let path = self.folder.join(path);
            let file = png::grey8(scene.size(), &scene.source_image()).map_err(SynthError::write(&path))?;
            save(&path, &[&file], summary)?;
        }
        Ok(())
    }

    fn write_mask(&self, path: &Path, size: Size, mask: &[u8], summary: &mut Summary) -> Result<(), SynthError> {
        let encoded = match self.plan.mask_format {
            MaskFormat::Png8 => png::grey8(size, mask),
            MaskFormat::Png1 => png::bilevel(size, mask),
            MaskFormat::Npy => return save(path, &[&npy_header(size, SampleType::U8), mask], summary),
            MaskFormat::Tiff => tiff::encode(size, SampleType::U8, TiffCompression::Deflate, mask),
        };
        save(path, &[&encoded.map_err(SynthError::write(path))?], summary)
    }

    fn write_map(&self, path: &Path, size: Size, samples: &[u8], summary: &mut Summary) -> Result<(), SynthError> {
        let sample_type = self.plan.sample_type;
        let encoded = match self.plan.map_format {
            MapFormat::Tiff(compression) => tiff::encode(size, sample_type, compression, samples),
            MapFormat::Png if sample_type == SampleType::U8 => png::grey8(size, samples),
            MapFormat::Png => png::grey16(size, samples),
            _ => return save(path, &[&npy_header(size, sample_type), samples], summary),
        };
        save(path, &[&encoded.map_err(SynthError::write(path))?], summary)
    }

    /// The part of an image that must come in order: maps in containers, lines of manifests.
    fn append(
        &self,
        ordered: &mut Ordered,
        item: Item,
        map_size: Size,
        maps: &[Vec<u8>],
        summary: &mut Summary,
    ) -> Result<(), SynthError> {
        if item.position == 0 {
            ordered.containers = self.create_containers(item.category)?;
        }
        for (container, samples) in ordered.containers.iter_mut().zip(maps) {
            container.append(&self.naming.key(item), map_size, samples)?;
        }
        if item.position + 1 == self.naming.per_category() {
            for container in std::mem::take(&mut ordered.containers) {
                for path in container.finish()? {
                    count(&path, summary)?;
                }
            }
        }
        for (detector, manifest) in ordered.manifests.iter_mut().enumerate() {
            let path = self.folder.join(self.naming.manifest(detector));
            let class = if item.subject.defect.is_some() { "anomalous" } else { "normal" };
            let record = [
                self.naming.image_id(item),
                self.plan.categories[item.category].clone(),
                self.naming.map_reference(detector, item),
                self.naming.mask(item).unwrap_or_default(),
                self.naming.source_image(item).unwrap_or_default(),
                class.into(),
                Naming::defect(item).into(),
            ];
            manifest.write_record(&record).map_err(io::Error::from).map_err(SynthError::write(&path))?;
        }
        Ok(())
    }

    fn create_containers(&self, category: usize) -> Result<Vec<Container>, SynthError> {
        let sample_type = self.plan.sample_type;
        let first = category as u64 * self.naming.per_category();
        let contents = Contents {
            sample_type,
            map_size: self.plan.raster(self.plan.size),
            maps: self.naming.per_category(),
            path: &|map| format!("{}.png", self.naming.key(self.naming.item(first + map))),
        };
        let files = (0..self.plan.detectors.len()).filter_map(|detector| self.naming.container(detector, category));
        files
            .map(|file| self.folder.join(file))
            .map(|path| match self.plan.map_format {
                MapFormat::Stack => Container::stack(path, &contents),
                MapFormat::Torch => Container::torch(path, &contents),
                MapFormat::NpzDeflate => Container::npz(path, sample_type, CompressionMethod::Deflated),
                _ => Container::npz(path, sample_type, CompressionMethod::Stored),
            })
            .collect()
    }

    fn create_manifests(&self) -> Result<Vec<csv::Writer<File>>, SynthError> {
        let detectors = if self.plan.manifest { self.plan.detectors.len() } else { 0 };
        (0..detectors)
            .map(|detector| {
                let path = self.folder.join(self.naming.manifest(detector));
                let mut manifest = csv::Writer::from_writer(File::create(&path).map_err(SynthError::write(&path))?);
                let columns = ["image_id", "category", "map", "mask", "image", "class", "defect"];
                manifest.write_record(columns).map_err(io::Error::from).map_err(SynthError::write(&path))?;
                Ok(manifest)
            })
            .collect()
    }

    fn finish_manifests(&self, ordered: Ordered, summary: &mut Summary) -> Result<(), SynthError> {
        for (detector, mut manifest) in ordered.manifests.into_iter().enumerate() {
            let name = self.naming.manifest(detector);
            let path = self.folder.join(&name);
            manifest.flush().map_err(SynthError::write(&path))?;
            count(&path, summary)?;
            summary.manifests.push(name.into());
        }
        Ok(())
    }

    /// Makes the folders of all files before any thread needs one.
    fn create_folders(&self) -> Result<(), SynthError> {
        let mut folders = BTreeSet::new();
        for category in 0..self.plan.categories.len() as u64 {
            let first = category * self.naming.per_category();
            let mut last_kind = None;
            for item in (first..first + self.naming.per_category()).map(|index| self.naming.item(index)) {
                if last_kind.replace(item.subject.defect) == Some(item.subject.defect) {
                    continue;
                }
                let per_detector = (0..self.plan.detectors.len()).map(|detector| {
                    self.naming.map(detector, item).or_else(|| self.naming.container(detector, item.category))
                });
                let files = per_detector.chain([self.naming.mask(item), self.naming.source_image(item)]);
                folders.extend(files.flatten().filter_map(|file| Some(self.folder.join(file).parent()?.to_owned())));
            }
        }
        folders.iter().try_for_each(|folder| fs::create_dir_all(folder).map_err(SynthError::write(folder)))
    }
}

fn npy_header(size: Size, sample_type: SampleType) -> Vec<u8> {
    npy::header(sample_type, &[u64::from(size.height), u64::from(size.width)])
}

/// Writes a file from its parts.
fn save(path: &Path, parts: &[&[u8]], summary: &mut Summary) -> Result<(), SynthError> {
    let written = File::create_new(path).and_then(|mut file| parts.iter().try_for_each(|part| file.write_all(part)));
    written.map_err(SynthError::write(path))?;
    summary.files += 1;
    summary.bytes += parts.iter().map(|part| part.len() as u64).sum::<u64>();
    Ok(())
}

fn count(path: &Path, summary: &mut Summary) -> Result<(), SynthError> {
    summary.bytes += fs::metadata(path).map_err(SynthError::write(path))?.len();
    summary.files += 1;
    Ok(())
}
