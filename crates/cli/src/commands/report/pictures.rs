//! Draws the pictures of a report.

use std::collections::{BTreeMap, BTreeSet};

use pimo_evidence::{Evidence, Source};
use pimo_report::heatmap::{
    FPR_LEVELS, HeatMapError, HeatMapStyle, OperatingScores, Picture, Scale, ThumbnailLimits, anomaly_heat_map,
    false_positive_levels, own_levels, thumbnail,
};
use pimo_report::page::{FalsePositiveExample, HeatMapSource, Report};
use pimo_store::{ImageRow, RunReader};

use crate::args::MovedArgs;
use crate::drawing::{DrawingProblem, FalseAlarms, RunFiles, Wanted};
use crate::exit::Failure;
use crate::progress::Reporter;
use crate::{interrupt, units};

/// Bytes of all pictures together: in base64 they are a third more, and the whole page should stay below 10 MB.
const ALL_PICTURES: usize = 4_500_000;

/// Draws what a report shows of the images of its sources.
pub(super) struct Illustrator<'a> {
    pub(super) sources: &'a [Source],
    pub(super) moved: &'a MovedArgs,
    /// Bytes that each file of an image may take.
    pub(super) memory: u64,
    /// Normal images for each detector and category that has examples.
    pub(super) normal: usize,
}

/// A run whose maps are there.
struct Run<'a> {
    reader: &'a RunReader,
    files: RunFiles,
    /// Names of detectors in the report, and in the run.
    models: BTreeMap<String, String>,
}

/// A normal image that is shown.
struct Normal {
    /// Position of the source.
    source: usize,
    category: usize,
    model: usize,
    row: ImageRow,
}

impl<'a> Illustrator<'a> {
    /// Draws heat maps of the examples, and adds normal images. What cannot be drawn is left out; the warnings say so.
    ///
    /// # Errors
    /// A run that cannot be read, or a request to stop.
    pub(super) fn illustrate(&self, report: &mut Report, reporter: &Reporter) -> Result<Vec<String>, Failure> {
        let mut left_out = LeftOut::default();
        let runs = self.runs(report, &mut left_out)?;
        let normal = self.normal_images(report, &runs)?;
        let drawable = |source: &HeatMapSource, model: &str| {
            source.map_path.is_some() && runs.get(&source.run).is_some_and(|run| run.models.contains_key(model))
        };
        let names: Vec<String> = report.models.iter().map(|model| model.name.clone()).collect();
        let examples =
            report.examples_mut().filter(|(_, _, example)| drawable(&example.source, &names[example.model])).count();
        let total = examples + normal.len();
        let limits = ThumbnailLimits::sharing(ALL_PICTURES, total);
        let mut done = 0;
        let mut step = || {
            reporter.step(done, total as u64, "images");
            done += 1;
            if interrupt::CANCEL.is_cancelled() { Err(Failure::interrupted()) } else { Ok(()) }
        };
        for (_, image, example) in report.examples_mut() {
            let (source, name) = (&example.source, &names[example.model]);
            let Some(run) = runs.get(&source.run) else { continue };
            let (Some(model), true) = (run.models.get(name), drawable(source, name)) else { continue };
            step()?;
            let wanted = Wanted {
                model,
                image_id: &image.id,
                is_anomalous: true,
                size: source.size,
                map_path: source.map_path.as_deref(),
                mask_path: source.mask_path.as_deref(),
                image_path: source.image_path.as_deref(),
            };
            example.thumbnail = left_out.note(draw(&run.files, &wanted, source.thresholds, limits));
        }
        for Normal { source, category, model, row } in normal {
            step()?;
            let Some(run) = runs.get(&source) else { continue };
            let wanted = Wanted {
                model: &row.model,
                image_id: &row.image_id,
                is_anomalous: false,
                size: row.height.zip(row.width),
                map_path: row.map_path.as_deref(),
                mask_path: None,
                image_path: row.image_path.as_deref(),
            };
            let caption = row.fpr_at_lower_threshold.map_or_else(
                || "many false positives".to_owned(),
                |fpr| format!("FPR {} at the lower threshold", rate(fpr)),
            );
            if let Some(thumbnail) = left_out.note(draw(&run.files, &wanted, None, limits)) {
                let example = FalsePositiveExample { model, image_id: row.image_id, caption, thumbnail };
                report.categories[category].false_positives.push(example);
            }
        }
        reporter.clear();
        Ok(left_out.warnings())
    }

    /// The runs that the examples come from, with the detectors whose maps are there.
    fn runs(&self, report: &mut Report, left_out: &mut LeftOut) -> Result<BTreeMap<usize, Run<'a>>, Failure> {
        let names: Vec<String> = report.models.iter().map(|model| model.name.clone()).collect();
        let mut wanted: BTreeSet<(usize, String)> = BTreeSet::new();
        for (_, _, example) in report.examples_mut().filter(|(_, _, example)| example.source.map_path.is_some()) {
            wanted.insert((example.source.run, names[example.model].clone()));
        }
        let mut runs = BTreeMap::new();
        for (position, source) in self.sources.iter().enumerate() {
            let Some(reader) = source.run() else { continue };
            let files = RunFiles::of(reader.record(), self.moved, self.memory)?;
            let mut models = BTreeMap::new();
            for model in &reader.record().models {
                let shown = Evidence::model_name(self.sources, position, model);
                if !wanted.contains(&(position, shown.clone())) {
                    continue;
                }
                match files.check_maps(model) {
                    Ok(()) => drop(models.insert(shown, model.clone())),
                    Err(failure) => left_out.detectors.push(format!("no heat maps of {shown}: {}", failure.message)),
                }
            }
            if !models.is_empty() {
                runs.insert(position, Run { reader, files, models });
            }
        }
        Ok(runs)
    }

    /// The normal images with most false positives of each detector and category that has examples.
    fn normal_images(&self, report: &mut Report, runs: &BTreeMap<usize, Run<'_>>) -> Result<Vec<Normal>, Failure> {
        let categories: BTreeMap<String, usize> =
            report.categories.iter().enumerate().map(|(at, category)| (category.name.clone(), at)).collect();
        let names: Vec<String> = report.models.iter().map(|model| model.name.clone()).collect();
        let mut shown: BTreeSet<(usize, usize)> = BTreeSet::new();
        for (category, _, example) in report.examples_mut() {
            shown.extend(categories.get(category).map(|&category| (category, example.model)));
        }
        let mut normal = Vec::new();
        for (&source, run) in runs {
            let own = |name: &str| self.sources[source].own_category(name).to_owned();
            let own: BTreeMap<String, usize> = categories.iter().map(|(name, &at)| (own(name), at)).collect();
            let positions: BTreeMap<&String, usize> = run
                .models
                .iter()
                .filter_map(|(name, model)| Some((model, names.iter().position(|known| known == name)?)))
                .collect();
            let mut most: BTreeMap<(usize, usize), Vec<(FalseAlarms, ImageRow)>> = BTreeMap::new();
            for row in run.reader.images()? {
                let row = row?;
                let place = own.get(&row.category).copied().zip(positions.get(&row.model).copied());
                let Some(place) = place.filter(|place| !row.is_anomalous && shown.contains(place)) else { continue };
                if row.map_path.is_none() {
                    continue;
                }
                let best = most.entry(place).or_default();
                let alarms = FalseAlarms::new(row.fpr_at_lower_threshold, row.image_score);
                let at = best.partition_point(|(known, _)| *known >= alarms);
                best.insert(at, (alarms, row));
                best.truncate(self.normal);
            }
            normal.extend(most.into_iter().flat_map(|((category, model), rows)| {
                rows.into_iter().map(move |(_, row)| Normal { source, category, model, row })
            }));
        }
        Ok(normal)
    }
}

/// A picture, and why its source image is missing if it is.
type Drawn = (Vec<u8>, Option<String>);

/// Draws one image: a heat map, or the false-positive levels of one that is normal.
fn draw(
    files: &RunFiles,
    wanted: &Wanted<'_>,
    thresholds: Option<(f64, f64)>,
    limits: ThumbnailLimits,
) -> Result<Drawn, DrawingProblem> {
    let looked = files.look(wanted)?;
    let background: Option<&Picture> = looked.background.as_ref();
    let undrawable = |error: HeatMapError| DrawingProblem::undrawable(wanted.image_id, &error);
    let side = limits.longest_side;
    let style =
        HeatMapStyle { colour_bar: false, scale: Scale { at_least: side, at_most: side }, ..HeatMapStyle::default() };
    let picture = match thresholds.filter(|_| wanted.is_anomalous) {
        Some((lower, upper)) => anomaly_heat_map(&looked.frame, background, OperatingScores { lower, upper }, &style),
        None if wanted.is_anomalous => return Err(DrawingProblem::without_thresholds(wanted.image_id)),
        None => {
            let levels = own_levels(&looked.frame, &FPR_LEVELS);
            false_positive_levels(&looked.frame, background, &levels, &style)
        }
    };
    let png = thumbnail(&picture.map_err(undrawable)?, limits).map_err(undrawable)?;
    Ok((png, looked.without_background))
}

/// A rate as it is read: `3.2e-4`.
fn rate(rate: f64) -> String {
    if rate == 0.0 { "0".to_owned() } else { format!("{rate:.1e}") }
}

/// What is not shown, and why.
#[derive(Default)]
struct LeftOut {
    /// Detectors without any heat map.
    detectors: Vec<String>,
    pictures: Vec<String>,
    backgrounds: Vec<String>,
}

impl LeftOut {
    /// The picture, if there is one.
    fn note(&mut self, drawn: Result<Drawn, DrawingProblem>) -> Option<Vec<u8>> {
        match drawn {
            Ok((png, without_background)) => {
                self.backgrounds.extend(without_background);
                Some(png)
            }
            Err(problem) => {
                self.pictures.push(problem.message);
                None
            }
        }
    }

    fn warnings(self) -> Vec<String> {
        let several = |what: &str, messages: Vec<String>| {
            let first = messages.first()?;
            Some(format!("{} {what}. The first: {first}", units::counted(messages.len() as u64, "heat map")))
        };
        let pictures = several("could not be drawn", self.pictures);
        let backgrounds = several("drawn over grey, without the source image", self.backgrounds);
        self.detectors.into_iter().chain(pictures).chain(backgrounds).collect()
    }
}
