//! `curves.pt` to `curves.parquet`, one curve in memory at a time.

use std::path::Path;

use pimo_finaliser::log_spaced;
use pimo_reader::torch::{Tensor, TorchFile, Value};
use pimo_store::{CurveRow, CurveSlice, PublishedScores, TableWriter, published_id};

use super::{MAX_BYTES, unfit};
use crate::exit::Failure;
use crate::interrupt;

/// Whose curves they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CurveNames<'a> {
    pub(crate) model: &'a str,
    pub(crate) category: &'a str,
}

/// Whether a file of torch holds curves; anything else is left to others, who say what is wrong with it.
pub(crate) fn is_curves(file: &Path) -> bool {
    TorchFile::open(file, MAX_BYTES).is_ok_and(|file| file.root().get("per_image_tprs").is_some())
}

/// The parts of a file of curves, of which only thresholds and rates are in memory.
struct Curves {
    file: TorchFile,
    /// Ascending.
    thresholds: Vec<f64>,
    /// Falling, as the thresholds rise.
    shared_fpr: Vec<f64>,
    images: u64,
    /// Image ids by position.
    ids: Vec<String>,
}

/// Writes the curves of the anomalous images; returns how many. With `points`, that number of points is kept of each, evenly
/// spaced in the logarithm of the shared FPR.
///
/// # Errors
/// A file that holds no such curves, or curves that make no sense, and a table that cannot be written.
pub(crate) fn convert(
    path: &Path,
    names: CurveNames<'_>,
    points: Option<usize>,
    out: &Path,
    progress: &dyn Fn(u64, u64),
) -> Result<u64, Failure> {
    let curves = Curves::open(path, names)?;
    let mut order: Vec<usize> = (0..curves.ids.len()).collect();
    order.sort_by(|&a, &b| curves.ids[a].cmp(&curves.ids[b]));
    if let Some(pair) = order.windows(2).find(|pair| curves.ids[pair[0]] == curves.ids[pair[1]]) {
        return Err(unfit(path, format!("two images are called {}", curves.ids[pair[0]])));
    }
    let kept = curves.kept(points);
    let pick = |values: &[f64]| -> Vec<f64> { kept.iter().map(|&at| values[at]).collect() };
    let (threshold, shared_fpr) = (pick(&curves.thresholds), pick(&curves.shared_fpr));
    let mut table = TableWriter::<CurveRow>::create(out, &[])?;
    let mut written = 0;
    for (done, &image) in order.iter().enumerate() {
        if interrupt::CANCEL.is_cancelled() {
            return Err(Failure::interrupted());
        }
        if let Some(rates) = curves.rates(path, image)? {
            let tpr = pick(&rates);
            let image_id = curves.ids[image].as_str();
            let points =
                CurveSlice { model: names.model, image_id, threshold: &threshold, shared_fpr: &shared_fpr, tpr: &tpr };
            table.push_curve(names.category, &points)?;
            written += 1;
        }
        progress(done as u64 + 1, curves.images);
    }
    table.finish()?.publish()?;
    Ok(written)
}

impl Curves {
    fn open(path: &Path, names: CurveNames<'_>) -> Result<Self, Failure> {
        let file = TorchFile::open(path, MAX_BYTES)?;
        let tensor = |key: &str, axes: usize| {
            let found = file.root().get(key).and_then(Value::as_tensor);
            found.filter(|tensor| tensor.shape().len() == axes).ok_or_else(|| {
                unfit(
                    path,
                    format!("it has no `{key}` of {axes} axes; expected threshs, shared_fpr and per_image_tprs"),
                )
            })
        };
        let (threshs, shared, rates) = (tensor("threshs", 1)?, tensor("shared_fpr", 1)?, tensor("per_image_tprs", 2)?);
        let count = threshs.shape()[0];
        if shared.shape()[0] != count || rates.shape()[1] != count {
            let found = format!("{count} thresholds, {} rates, {} points a curve", shared.shape()[0], rates.shape()[1]);
            return Err(unfit(path, format!("its parts do not fit together: {found}; expected as many of each")));
        }
        let images = rates.shape()[0];
        let whole = |tensor: &Tensor| file.read_tensor_range(tensor, 0..count);
        let (thresholds, shared_fpr) = (whole(threshs)?, whole(shared)?);
        let rising = thresholds.windows(2).all(|pair| pair[0] < pair[1]);
        let falling = shared_fpr.windows(2).all(|pair| pair[0] >= pair[1]);
        if !rising || !falling || !shared_fpr.iter().all(|rate| (0.0..=1.0).contains(rate)) {
            return Err(unfit(path, "thresholds do not rise, or shared rates do not fall from 1 to 0"));
        }
        let ids = ids(path, &file, names.category, images)?;
        Ok(Self { file, thresholds, shared_fpr, images, ids })
    }

    /// Recall of an image at all thresholds; none of a normal image, where it is NaN.
    fn rates(&self, path: &Path, image: usize) -> Result<Option<Vec<f64>>, Failure> {
        let Some(tensor) = self.file.root().get("per_image_tprs").and_then(Value::as_tensor) else { return Ok(None) };
        let rates = self.file.read_tensor_range(tensor, image as u64..image as u64 + 1)?;
        if rates.iter().all(|rate| rate.is_nan()) {
            return Ok(None);
        }
        if rates.iter().all(|rate| (0.0..=1.0).contains(rate)) {
            return Ok(Some(rates));
        }
        Err(unfit(path, format!("the recall of image {} is not between 0 and 1 everywhere", self.ids[image])))
    }

    /// Positions of the points that are kept, by falling threshold: for each level the highest threshold that reaches it.
    fn kept(&self, points: Option<usize>) -> Vec<usize> {
        let all = (0..self.thresholds.len()).rev();
        let lowest = self.shared_fpr.iter().copied().rev().find(|rate| *rate > 0.0);
        let (Some(points), Some(lowest), Some(&highest)) = (points, lowest, self.shared_fpr.first()) else {
            return all.collect();
        };
        let reach = |level: f64| self.shared_fpr.partition_point(|rate| *rate >= level).saturating_sub(1);
        let mut kept: Vec<usize> = log_spaced(lowest, highest, points).map(reach).collect();
        kept.dedup();
        kept
    }
}

/// Ids of the images: from the paths in the file, else from those of the scores beside it, else their numbers.
fn ids(path: &Path, file: &TorchFile, category: &str, images: u64) -> Result<Vec<String>, Failure> {
    let dataset = category.rsplit('/').next().unwrap_or(category);
    let own = file.root().get("paths").and_then(Value::as_slice);
    let own = own.map(|paths| paths.iter().map(|path| path.as_text().map(str::to_owned)).collect::<Option<Vec<_>>>());
    let paths = match own {
        Some(None) => return Err(unfit(path, "its `paths` are not all strings")),
        Some(Some(paths)) => Some(paths),
        None => {
            let scores = path.with_file_name("aupimos.json");
            if scores.is_file() { PublishedScores::read(&scores)?.paths } else { None }
        }
    };
    if let Some(paths) = paths.as_ref().filter(|paths| paths.len() as u64 != images) {
        return Err(unfit(path, format!("there are {images} curves and {} paths", paths.len())));
    }
    let id = |position: usize| {
        let path = paths.as_ref().map(|paths| paths[position].as_str());
        published_id(path, dataset, position).0
    };
    Ok((0..images as usize).map(id).collect())
}
