//! Finds and reads the map, the mask and the source image of one image of a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pimo_frame::{Frame, Size};
use pimo_reader::{IoChoice, MapLocation, MaskRule, Reader, ReaderOptions};
use pimo_report::heatmap::Picture;
use pimo_store::RunRecord;

use super::DrawingProblem;
use crate::args::MovedArgs;
use crate::exit::{Code, Failure};
use crate::shell;

/// Where the files of a run are, and what reads them.
#[derive(Debug)]
pub(crate) struct RunFiles {
    maps: BTreeMap<String, PathBuf>,
    masks: Option<PathBuf>,
    images: Option<PathBuf>,
    mask_rule: MaskRule,
    reader: Reader,
}

/// An image as a run's table names its files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) model: &'a str,
    pub(crate) image_id: &'a str,
    pub(crate) is_anomalous: bool,
    /// Evaluation height and width.
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) map_path: Option<&'a str>,
    pub(crate) mask_path: Option<&'a str>,
    pub(crate) image_path: Option<&'a str>,
}

/// What was read of an image.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) frame: Frame,
    /// The source image; none if it is unknown or cannot be read.
    pub(crate) background: Option<Picture>,
    /// Why there is no source image although one is known.
    pub(crate) without_background: Option<String>,
}

impl RunFiles {
    /// Finds the folders of a run, each file of which may take `memory` bytes. Of `moved` the detectors that
    /// the run does not have are left aside.
    ///
    /// # Errors
    /// A folder of maps was given without a name for a run of several detectors; a mask rule that is not known.
    pub(crate) fn of(record: &RunRecord, moved: &MovedArgs, memory: u64) -> Result<Self, Failure> {
        let mut maps: BTreeMap<String, PathBuf> =
            record.roots.maps.iter().map(|(model, root)| (model.clone(), root.into())).collect();
        for given in &moved.maps {
            let model = match (&given.name, record.models.as_slice()) {
                (Some(name), _) => name,
                (None, [only]) => only,
                (None, _) => {
                    let names = record.models.join(", ");
                    let path = given.path.display();
                    return Err(Failure::usage(format!(
                        "--maps {path}: the run has several detectors ({names}); write --maps NAME={path}"
                    )));
                }
            };
            if record.models.contains(model) {
                maps.insert(model.clone(), given.path.clone());
            }
        }
        let root = |stored: &Option<String>| stored.as_ref().map(PathBuf::from);
        let options = ReaderOptions { io: IoChoice::Read, max_bytes: memory, ..ReaderOptions::default() };
        Ok(Self {
            maps,
            masks: moved.dataset.clone().or_else(|| root(&record.roots.masks)),
            images: moved.images.clone().or_else(|| moved.dataset.clone()).or_else(|| root(&record.roots.images)),
            mask_rule: mask_rule(record)?,
            reader: Reader::new(options),
        })
    }

    /// Fails if the folder of a detector's maps is not there: then no image of it can be drawn.
    pub(crate) fn check_maps(&self, model: &str) -> Result<(), Failure> {
        let option = maps_option(model);
        match self.maps.get(model) {
            Some(root) if root.exists() => Ok(()),
            Some(root) => Err(Failure {
                code: Code::System,
                message: format!(
                    "{}: there is no such folder any more, and the run found the maps of {model} there; say where they \
                     are with {option}",
                    root.display()
                ),
            }),
            None => Err(Failure {
                code: Code::Data,
                message: format!("the run does not say where the maps of {model} are; say it with {option}"),
            }),
        }
    }

    /// Reads what is needed to draw an image. A source image that cannot be read is left out.
    pub(crate) fn look(&self, wanted: &Wanted<'_>) -> Result<Looked, DrawingProblem> {
        let map_option = maps_option(wanted.model);
        let (Some(root), Some(map_path)) = (self.maps.get(wanted.model), wanted.map_path) else {
            return Err(DrawingProblem::data(format!(
                "{}: the run does not say where the map of {} is: it was not made by `pimo eval`",
                wanted.image_id, wanted.model
            )));
        };
        let at = MapLocation::parse(&root.join(map_path).to_string_lossy());
        let map = at.and_then(|at| self.reader.read_map(&at));
        let map = map.map_err(|error| DrawingProblem::unreadable(&error, &map_option))?;
        let evaluated = wanted.size.map_or(map.size, |(height, width)| Size::new(height, width));
        let mask = match wanted.mask_path.filter(|_| wanted.is_anomalous) {
            Some(path) => Some(self.mask(path, evaluated)?),
            None => None,
        };
        let frame = Frame::new(map.size, evaluated, map.scores, mask)
            .map_err(|error| DrawingProblem::data(format!("{}: {error}", wanted.image_id)))?;
        let (background, without_background) = match self.background(wanted.image_path) {
            Ok(background) => (background, None),
            Err(why) => (None, Some(why)),
        };
        Ok(Looked { frame, background, without_background })
    }

    fn mask(&self, path: &str, evaluated: Size) -> Result<Arc<pimo_frame::Mask>, DrawingProblem> {
        let path = below(self.masks.as_deref(), path);
        let mask = self.reader.read_mask(&path, self.mask_rule);
        let mask = mask.map_err(|error| DrawingProblem::unreadable(&error, "--dataset DIR"))?;
        if mask.size() != evaluated {
            return Err(DrawingProblem::data(format!(
                "{}: the mask is {}, but the run was evaluated at {evaluated}: it was changed since; evaluate again",
                path.display(),
                mask.size()
            )));
        }
        Ok(Arc::new(mask))
    }

    fn background(&self, path: Option<&str>) -> Result<Option<Picture>, String> {
        let Some(path) = path else { return Ok(None) };
        let path = below(self.images.as_deref(), path);
        let image = self.reader.read_image(&path).map_err(|error| {
            let option = "--images DIR";
            DrawingProblem::unreadable(&error, option).message
        })?;
        let picture = Picture::from_rgb(image.size, image.rgb);
        picture.map(Some).map_err(|error| format!("{}: {error}", path.display()))
    }
}

fn below(root: Option<&Path>, path: &str) -> PathBuf {
    root.map_or_else(|| path.into(), |root| root.join(path))
}

fn maps_option(model: &str) -> String {
    format!("--maps {}", shell::quoted(format!("{model}=DIR").as_ref()))
}

/// The rule that the run's masks were read by.
fn mask_rule(record: &RunRecord) -> Result<MaskRule, Failure> {
    let Some(text) = record.parameters.get("mask").and_then(|value| value.as_str()) else {
        return Ok(MaskRule::Nonzero);
    };
    let above = || text.strip_prefix("above:")?.parse().ok().map(MaskRule::Above);
    let known = if text == "nonzero" { Some(MaskRule::Nonzero) } else { above() };
    known.ok_or_else(|| Failure {
        code: Code::Data,
        message: format!("run.json: the parameter mask is `{text}`; expected nonzero or above:VALUE"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pimo_store::Roots;

    use super::*;
    use crate::args::NamedMaps;

    fn record(models: &[&str]) -> RunRecord {
        let maps = models.iter().map(|model| ((*model).to_owned(), format!("/old/{model}"))).collect();
        let roots = Roots { maps, masks: Some("/data".into()), images: Some("/data".into()), manifest: None };
        RunRecord { models: models.iter().map(|model| (*model).to_owned()).collect(), roots, ..RunRecord::default() }
    }

    fn moved(maps: &[&str], dataset: Option<&str>, images: Option<&str>) -> MovedArgs {
        MovedArgs {
            maps: maps.iter().map(|maps| NamedMaps::parse((*maps).into()).unwrap()).collect(),
            dataset: dataset.map(PathBuf::from),
            images: images.map(PathBuf::from),
        }
    }

    fn files(models: &[&str], moved: &MovedArgs) -> Result<(Vec<String>, String, String), Failure> {
        let files = RunFiles::of(&record(models), moved, 1 << 20)?;
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        Ok((files.maps.into_values().map(text).collect(), text(files.masks.unwrap()), text(files.images.unwrap())))
    }

    #[test]
    fn folders_that_were_moved_take_the_place_of_those_of_the_run() {
        let words = |words: [&str; 2]| words.map(str::to_owned).to_vec();
        let two = ["a", "b"];
        assert_eq!(files(&two, &moved(&[], None, None)).unwrap().0, words(["/old/a", "/old/b"]));
        let some = files(&two, &moved(&["b=/new", "c=/other"], Some("/set"), None)).unwrap();
        assert_eq!(some, (words(["/old/a", "/new"]), "/set".into(), "/set".into()));
        let images = files(&["a"], &moved(&["/new"], None, Some("/photos"))).unwrap();
        assert_eq!(images, (vec!["/new".to_owned()], "/data".into(), "/photos".into()));
        let unnamed = files(&two, &moved(&["/new"], None, None)).unwrap_err();
        assert!(unnamed.message.contains("write --maps NAME=/new"), "{}", unnamed.message);
    }

    #[test]
    fn rules_for_masks_are_read_back() {
        let with = |text: &str| {
            let mut record = record(&["a"]);
            record.parameters.insert("mask".into(), text.into());
            mask_rule(&record)
        };
        assert_eq!(with("nonzero").unwrap(), MaskRule::Nonzero);
        assert_eq!(with("above:127.5").unwrap(), MaskRule::Above(127.5));
        assert!(with("above:x").unwrap_err().message.contains("above:x"));
    }
}
