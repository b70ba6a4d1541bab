//! Small datasets.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use pimo_frame::Size;
use pimo_synth::{Defect, Detector, Plan};
use tempfile::TempDir;

use super::{Ended, pimo};

/// A dataset in a folder of its own.
pub(crate) struct Toy {
    folder: TempDir,
}

/// Four normal and three anomalous images of 64x48 in category `toy`, one detector.
pub(crate) fn plan() -> Plan {
    Plan {
        categories: vec!["toy".into()],
        normal: 4,
        anomalous: 3,
        defects: vec![Defect::Stain],
        size: Size::new(64, 48),
        detectors: vec![Detector { name: "d".into(), quality: 0.8 }],
        threads: 2,
        ..Plan::default()
    }
}

/// Bounds that a few small images reach.
pub(crate) const BOUNDS: [&str; 2] = ["--fpr-bounds", "1e-3,1e-1"];

impl Toy {
    pub(crate) fn new() -> Self {
        Self::of(&plan())
    }

    pub(crate) fn of(plan: &Plan) -> Self {
        let toy = Self { folder: tempfile::tempdir().unwrap() };
        pimo_synth::write(plan, &toy.path("data"), |_, _| {}).unwrap();
        toy
    }

    /// A folder without a dataset yet.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The folder of the test, in which everything lies.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder of the test.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// The map of an image, such as `stain/000`.
    pub(crate) fn map(&self, image: &str) -> PathBuf {
        self.path(&format!("data/maps/d/toy/test/{image}.npy"))
    }

    /// The mask of an image, such as `stain/000`.
    pub(crate) fn mask(&self, image: &str) -> PathBuf {
        self.path(&format!("data/dataset/toy/ground_truth/{image}_mask.png"))
    }

    /// Arguments that name the folders and bounds.
    pub(crate) fn inputs(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![
            "--maps".into(),
            self.path("data/maps/d").into(),
            "--dataset".into(),
            self.path("data/dataset").into(),
        ];
        arguments.extend(BOUNDS.map(Into::into));
        arguments
    }

    /// Evaluates the folders, with further arguments, to `out`.
    pub(crate) fn eval(&self, further: &[&str]) -> Ended {
        self.eval_to("out", self.inputs(), further)
    }

    /// Evaluates inputs, with further arguments, to a folder of this name.
    pub(crate) fn eval_to(&self, out: &str, inputs: Vec<OsString>, further: &[&str]) -> Ended {
        let mut arguments: Vec<OsString> = vec!["eval".into()];
        arguments.extend(inputs);
        arguments.extend(["--out".into(), self.path(out).into(), "--threads".into(), "2".into()]);
        arguments.extend(further.iter().map(OsString::from));
        pimo(arguments)
    }

    /// Writes a manifest of these lines and gives the arguments that name it.
    pub(crate) fn manifest(&self, lines: &[&str]) -> Vec<OsString> {
        let file = self.path("data/list.csv");
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        let mut arguments: Vec<OsString> = vec!["--manifest".into(), file.into()];
        arguments.extend(BOUNDS.map(Into::into));
        arguments
    }

    /// Cuts a file to a share of its length.
    pub(crate) fn truncate(path: &Path, share: f64) {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..(bytes.len() as f64 * share) as usize]).unwrap();
    }

    /// All files and folders below a folder, relative to it, sorted.
    pub(crate) fn tree(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            let Ok(entries) = fs::read_dir(&next) else { continue };
            for entry in entries {
                let path = entry.unwrap().path();
                found.push(path.strip_prefix(folder).unwrap().to_string_lossy().into_owned());
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        found.sort();
        found
    }
}
