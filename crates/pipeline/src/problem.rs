//! Things that are wrong with images, and which results they spoil.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pimo_accumulator::BadScore;
use pimo_dataset::{Class, Problem, ProblemKind};
use pimo_frame::Size;
use pimo_reader::ReadError;

use crate::budget::{RegionLimit, TooManyRegions};
use crate::bytes;

/// What a problem is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) category: &'a str,
    pub(crate) image_id: &'a str,
    pub(crate) model: Option<&'a str>,
}

impl About<'_> {
    /// A file that can't be read.
    pub(crate) fn unreadable(self, error: &ReadError) -> Problem {
        let kind = if error.is_system() { ProblemKind::System } else { ProblemKind::Unreadable };
        // The error names its file itself; a problem does so too.
        let text = error.to_string();
        let named = format!("{}: ", error.location());
        let message = text.strip_prefix(&named).unwrap_or(&text).to_owned();
        self.problem(kind, PathBuf::from(error.location().to_string()), message)
    }

    /// A map whose scores are no numbers.
    pub(crate) fn bad_score(self, file: PathBuf, bad: BadScore) -> Problem {
        let message = format!("{bad}; write the map again, or leave the image out with --skip-bad");
        self.problem(ProblemKind::BadScore, file, message)
    }

    /// A map with a score, at a row and column of its own, that half precision has no number for.
    pub(crate) fn beyond_half_precision(self, file: PathBuf, row: usize, column: usize, score: f64) -> Problem {
        let message = format!(
            "the score in row {row}, column {column} of the map is {score:?}, and in half precision, to which the \
             profile rounds, every score has to lie between -65520 and 65520; scale the scores, or leave the image out \
             with --skip-bad"
        );
        self.problem(ProblemKind::BadScore, file, message)
    }

    /// A map that is too distorted to be resampled to its image's size, which its mask has if that is named.
    pub(crate) fn aspect(self, file: PathBuf, map: Size, evaluated: Size, mask: Option<&Path>) -> Problem {
        let of_mask = mask.map_or_else(String::new, |mask| format!(", the size of its mask {}", mask.display()));
        let message = format!(
            "the anomaly map is {map} but its image is evaluated at {evaluated}{of_mask}: the aspect ratios differ by \
             more than 1 %, expected a map of the whole image; if it is one, use --resample any"
        );
        self.problem(ProblemKind::AspectRatio, file, message)
    }

    /// A mask that contradicts the class of its image.
    pub(crate) fn contradiction(self, mask: PathBuf, class: Class, anomalous_pixels: u64) -> Problem {
        let message = match class {
            Class::Normal => format!(
                "the image is normal but its mask has {anomalous_pixels} anomalous pixels, expected none: \
                 correct the mask or the class, or use --class-from-mask to let the masks decide"
            ),
            Class::Anomalous => "the image is anomalous but its mask has no anomalous pixel, expected at least one: \
                 correct the mask or the class, or use --class-from-mask to let the masks decide"
                .to_owned(),
        };
        self.problem(ProblemKind::Contradiction, mask, message)
    }

    /// A mapped file that changed.
    pub(crate) fn torn(self, file: PathBuf, what: &str) -> Problem {
        self.problem(ProblemKind::Unreadable, file, format!("{what}; write the file again, or use --io pread"))
    }

    /// A mask with too many connected regions.
    pub(crate) fn many_regions(self, file: PathBuf, many: &TooManyRegions, limit: RegionLimit) -> Problem {
        let (what, without) = match many {
            TooManyRegions::Bytes(needed) => {
                let [needed, allowed] = [*needed, limit.bytes].map(bytes);
                let what = format!(
                    "the mask has so many pieces that finding its connected regions takes {needed} of memory, and \
                     {allowed} are set aside for that"
                );
                (what, "aupimo,pixel,iou,image, which needs no regions")
            }
            TooManyRegions::Rows(regions) => {
                let what = format!("the mask may have {regions} connected regions, and {} have a row", limit.regions);
                (what, "aupimo,pixel,aupro,iou,image, which lists no regions")
            }
        };
        self.problem(ProblemKind::ManyRegions, file, format!("{what}; is it a mask? If so, use --metrics {without}"))
    }

    pub(crate) fn problem(self, kind: ProblemKind, file: PathBuf, message: String) -> Problem {
        Problem {
            category: Some(self.category.to_owned()),
            model: self.model.map(str::to_owned),
            image_id: Some(self.image_id.to_owned()),
            file,
            kind,
            message,
        }
    }
}

/// A category without normal or without anomalous images.
pub(crate) fn missing_class(category: &str, file: &Path, class: Class) -> Problem {
    let message = match class {
        Class::Normal => "there is no normal image in category ",
        Class::Anomalous => "there is no anomalous image in category ",
    };
    let why = match class {
        Class::Normal => "thresholds are chosen on normal images: add some",
        Class::Anomalous => "recall is measured on anomalous images: add some with masks",
    };
    Problem {
        category: Some(category.to_owned()),
        model: None,
        image_id: None,
        file: file.to_owned(),
        kind: ProblemKind::MissingClass,
        message: format!("{message}`{category}`, and {why}"),
    }
}

/// Masks that were not the same when they were read again.
pub(crate) fn changed_masks(category: &str, dataset: &Path) -> Problem {
    Problem {
        category: Some(category.to_owned()),
        model: None,
        image_id: None,
        file: dataset.to_owned(),
        kind: ProblemKind::Unreadable,
        message: format!(
            "masks of category `{category}` changed between two readings: evaluate when nothing is written to them any more"
        ),
    }
}

/// Problems of one category, and which detectors can still be evaluated.
#[derive(Clone)]
pub(crate) struct Bad {
    skipping: bool,
    all_models: bool,
    models: Vec<bool>,
    fatal: Vec<Problem>,
    skipped: Vec<Problem>,
    /// Images that are left out: of one detector, or (none) of all.
    left_out: BTreeSet<(Box<str>, Option<u32>)>,
    spoiled: bool,
}

impl Bad {
    pub(crate) fn new(models: usize, skip_bad: bool) -> Self {
        Self {
            skipping: skip_bad,
            all_models: false,
            models: vec![false; models],
            fatal: Vec::new(),
            skipped: Vec::new(),
            left_out: BTreeSet::new(),
            spoiled: false,
        }
    }

    /// Takes note of a problem of an image that was counted with others.
    pub(crate) fn add_spoiled(&mut self, problem: Problem, names: &[String]) {
        self.add(problem, names);
        self.spoiled = true;
    }

    /// Whether images have been counted that should have been left out since this was asked last.
    pub(crate) const fn take_spoiled(&mut self) -> bool {
        std::mem::replace(&mut self.spoiled, false)
    }

    /// Takes note of a problem: an image to be left out, or a result that can't be had.
    pub(crate) fn add(&mut self, problem: Problem, names: &[String]) {
        let model = problem.model.as_ref().and_then(|model| names.iter().position(|name| name == model));
        let may_skip = matches!(
            problem.kind,
            ProblemKind::Unreadable | ProblemKind::System | ProblemKind::BadScore | ProblemKind::MissingMap
        );
        match &problem.image_id {
            Some(image) if self.skipping && may_skip => {
                let is_new = self.left_out.insert((image.as_str().into(), model.map(|model| model as u32)));
                // A mask is read again with the next detectors, and is as bad as before.
                if is_new || !self.skipped.contains(&problem) {
                    self.skipped.push(problem);
                }
            }
            _ => {
                match model {
                    Some(model) => self.models[model] = true,
                    None => self.all_models = true,
                }
                self.fatal.push(problem);
            }
        }
    }

    /// Brings problems into an order that does not depend on when they were found.
    pub(crate) fn sort(&mut self) {
        for problems in [&mut self.fatal, &mut self.skipped] {
            problems.sort_by(|a, b| (&a.image_id, &a.model, &a.file).cmp(&(&b.image_id, &b.model, &b.file)));
        }
    }

    /// Whether an image is left out for a detector.
    pub(crate) fn leaves_out(&self, image_id: &str, model: usize) -> bool {
        !self.left_out.is_empty()
            && [Some(model as u32), None].iter().any(|&model| self.left_out.contains(&(image_id.into(), model)))
    }

    /// Detectors that nothing is in the way of.
    pub(crate) fn sound_models(&self) -> Vec<usize> {
        let sound = |model: &usize| !self.all_models && !self.models[*model];
        (0..self.models.len()).filter(sound).collect()
    }

    /// What makes results impossible.
    pub(crate) fn fatal(&self) -> &[Problem] {
        &self.fatal
    }

    /// What only leaves images out.
    pub(crate) fn skipped(&self) -> &[Problem] {
        &self.skipped
    }

    /// Everything.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.fatal.iter().chain(&self.skipped)
    }
}

/// Maps of a detector that were good at the first reading and are not, or not the same, any more.
pub(crate) fn changed(category: &str, model: &str, maps: &Path) -> Problem {
    let why = "an anomaly map changed between two readings: evaluate when nothing is written to the maps any more";
    no_axis(category, model, maps, why)
}

/// A detector whose normal images give no axis.
pub(crate) fn no_axis(category: &str, model: &str, maps: &Path, why: &str) -> Problem {
    Problem {
        category: Some(category.to_owned()),
        model: Some(model.to_owned()),
        image_id: None,
        file: maps.to_owned(),
        kind: ProblemKind::NoAxis,
        message: format!("category `{category}`, detector `{model}`: {why}"),
    }
}
