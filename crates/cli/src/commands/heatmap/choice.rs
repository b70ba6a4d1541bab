//! Which images are drawn.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use clap::Args;
use pimo_analysis::exemplar::{RepeatPolicy, exemplars};
use pimo_dataset::nearest;
use pimo_report::assemble::statistic_name;
use pimo_store::{ImageRow, RunReader};

use crate::args::{Outliers, number, score_column};
use crate::drawing::FalseAlarms;
use crate::exit::{Code, Failure};

/// Options that choose images.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Which images (all that are asked for; --statistics if nothing is)")]
pub(super) struct ChoiceArgs {
    /// An image by its id, such as `screw/thread_top/003`; repeat for several
    #[arg(long, value_name = "ID")]
    image: Vec<String>,

    /// The images nearest to the boxplot statistics, as `pimo stats` chooses them
    ///
    /// Of each detector in each category: the images whose scores are nearest to the mean, the quartiles and the ends
    /// of the whiskers. They show the good, the usual and the bad without anybody's preference.
    #[arg(long)]
    statistics: bool,

    /// Also the outliers beyond the whiskers
    #[arg(long, value_name = "WHICH", default_value = "none")]
    outliers: Outliers,

    /// The K images with the lowest scores, of each detector in each category
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = number::count::<usize>)]
    worst: usize,

    /// The K images with the highest scores
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = number::count::<usize>)]
    best: usize,

    /// The K normal images with the most false positives at the lower threshold, with their false-positive levels
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = number::count::<usize>)]
    normal: usize,

    /// The score that decides: a column of images.parquet
    ///
    /// Such as `aupimo` or `best_iou`; `recall`, `precision` and `iou` stand for those at the lower threshold.
    #[arg(long, value_name = "COLUMN", default_value = "aupimo", value_parser = score_column)]
    score: String,

    /// Only this detector; repeat for several
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,

    /// Only this category; repeat for several
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,
}

/// An image that is drawn.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) row: ImageRow,
    pub(super) score: Option<f64>,
    /// What it was chosen as.
    as_what: Vec<String>,
}

impl Chosen {
    pub(super) fn reasons(&self) -> String {
        self.as_what.join(", ")
    }
}

/// What is drawn, by category and detector.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) images: Vec<Chosen>,
    /// The detectors whose maps are needed.
    pub(super) models: BTreeSet<String>,
    pub(super) warnings: Vec<String>,
}

/// An image as far as choosing needs it.
struct Candidate {
    /// Number of its row in the table.
    row: usize,
    id: String,
    is_anomalous: bool,
    score: Option<f64>,
    false_alarms: FalseAlarms,
}

/// Images of one category and detector.
type Groups = BTreeMap<(String, String), Vec<Candidate>>;

/// Positions of chosen images, each once, with all that they were chosen as.
type Reasons = Vec<(usize, Vec<String>)>;

/// Chooses images of a run.
///
/// # Errors
/// A name that the run does not have, a run that cannot be read, or a choice that is empty.
pub(super) fn choose(run: &RunReader, args: &ChoiceArgs) -> Result<Choice, Failure> {
    check_names(run, args)?;
    let groups = candidates(run, args)?;
    check_images(run, args, &groups)?;
    let mut warnings = Vec::new();
    let mut picked: BTreeMap<(String, String), Reasons> = BTreeMap::new();
    for (group, images) in &groups {
        let (category, model) = group;
        let picks = picks(images, args).unwrap_or_else(|why| {
            warnings.push(format!("category {category}, detector {model}: no image is chosen by its score: {why}"));
            by_id(images, args).into_iter().chain(normal_picks(images, args)).collect()
        });
        picked.insert(group.clone(), merged(picks));
    }
    let images = with_rows(run, &groups, &picked)?;
    if images.is_empty() {
        let found = "there is nothing to draw: no image of the chosen detectors and categories fits";
        return Err(Failure { code: Code::Data, message: [vec![found.to_owned()], warnings].concat().join("\n  ") });
    }
    let models = images.iter().map(|image| image.row.model.clone()).collect();
    Ok(Choice { images, models, warnings })
}

fn check_names(run: &RunReader, args: &ChoiceArgs) -> Result<(), Failure> {
    let record = run.record();
    for (what, asked, known) in
        [("detector", &args.model, &record.models), ("category", &args.category, &record.categories)]
    {
        if let Some(unknown) = asked.iter().find(|name| !known.contains(name)) {
            let hint = nearest(unknown, known.iter().map(String::as_str));
            let hint = hint.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            return Err(Failure::usage(format!(
                "{} has no {what} `{unknown}`: there is {}{hint}",
                run.folder().display(),
                known.join(", ")
            )));
        }
    }
    Ok(())
}

fn candidates(run: &RunReader, args: &ChoiceArgs) -> Result<Groups, Failure> {
    let asked = |asked: &[String], name: &String| asked.is_empty() || asked.contains(name);
    let mut groups = Groups::new();
    for (number, (row, scored)) in run.images()?.zip(run.scores(&args.score)?).enumerate() {
        let row = row?;
        if asked(&args.category, &row.category) && asked(&args.model, &row.model) {
            groups.entry((row.category, row.model)).or_default().push(Candidate {
                row: number,
                id: row.image_id,
                is_anomalous: row.is_anomalous,
                score: scored.value,
                false_alarms: FalseAlarms::new(row.fpr_at_lower_threshold, row.image_score),
            });
        }
    }
    Ok(groups)
}

/// Refuses ids that no group has.
fn check_images(run: &RunReader, args: &ChoiceArgs, groups: &Groups) -> Result<(), Failure> {
    let ids = || groups.values().flatten().map(|candidate| candidate.id.as_str());
    for unknown in &args.image {
        if ids().any(|id| id == unknown) {
            continue;
        }
        let end = format!("/{}", unknown.trim_start_matches('/'));
        let hint = match ids().find(|id| id.ends_with(&end)).or_else(|| nearest(unknown, ids())) {
            Some(id) => format!("did you mean `{id}`?"),
            None => ids().next().map_or_else(String::new, |id| format!("ids are such as `{id}`.")),
        };
        return Err(Failure::usage(format!(
            "{} has no image `{unknown}` of the chosen detectors and categories; {hint} All ids are in images.parquet, \
             column image_id",
            run.folder().display()
        )));
    }
    Ok(())
}

/// Positions of chosen images, each with what it was chosen as. An image may occur more than once.
type Picks = Vec<(usize, String)>;

/// All that is asked for, or why scores cannot choose.
fn picks(images: &[Candidate], args: &ChoiceArgs) -> Result<Picks, String> {
    let nothing = args.image.is_empty() && args.worst == 0 && args.best == 0 && args.normal == 0;
    let by_statistics = args.statistics || args.outliers != Outliers::None || nothing;
    let mut picks = by_id(images, args);
    let scored: Vec<(usize, f64)> = images
        .iter()
        .enumerate()
        .filter(|(_, image)| image.is_anomalous)
        .filter_map(|(position, image)| Some((position, image.score?)))
        .collect();
    if scored.is_empty() && (by_statistics || args.worst > 0 || args.best > 0) {
        return Err(format!("no anomalous image has a value in column `{}`", args.score));
    }
    if by_statistics {
        let scores: Vec<f64> = scored.iter().map(|&(_, score)| score).collect();
        let chosen = exemplars(&scores, args.outliers.into(), RepeatPolicy::default());
        let chosen = chosen.map_err(|error| error.to_string())?;
        picks.extend(chosen.iter().map(|one| (scored[one.index].0, statistic_name(one.statistic))));
    }
    let mut ascending = scored;
    ascending.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let numbered =
        |what: &'static str| move |(number, position): (usize, usize)| (position, format!("{what} {number}"));
    picks.extend((1..).zip(ascending.iter().take(args.worst).map(|&(position, _)| position)).map(numbered("worst")));
    ascending.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    picks.extend((1..).zip(ascending.iter().take(args.best).map(|&(position, _)| position)).map(numbered("best")));
    picks.extend(normal_picks(images, args));
    Ok(picks)
}

/// Normal images, which need no score.
fn normal_picks(images: &[Candidate], args: &ChoiceArgs) -> Picks {
    let most = (1..).zip(most_false_positives(images, args.normal));
    most.map(|(number, position)| (position, format!("most false positives {number}"))).collect()
}

fn by_id(images: &[Candidate], args: &ChoiceArgs) -> Picks {
    let named = images.iter().enumerate().filter(|(_, image)| args.image.contains(&image.id));
    named.map(|(position, _)| (position, "named".to_owned())).collect()
}

/// Normal images, those with most false positives first.
fn most_false_positives(images: &[Candidate], count: usize) -> Vec<usize> {
    let normal = images.iter().enumerate().filter(|(_, image)| !image.is_anomalous);
    let mut normal: Vec<(FalseAlarms, usize)> =
        normal.map(|(position, image)| (image.false_alarms, position)).collect();
    normal.sort_by_key(|(alarms, _)| Reverse(*alarms));
    normal.into_iter().take(count).map(|(_, position)| position).collect()
}

/// One entry for each image, in order of its first pick.
fn merged(picks: Picks) -> Reasons {
    let mut merged = Reasons::new();
    for (position, what) in picks {
        match merged.iter_mut().find(|(known, _)| *known == position) {
            Some((_, reasons)) => reasons.push(what),
            None => merged.push((position, vec![what])),
        }
    }
    merged
}

/// Reads the whole rows of what was picked.
fn with_rows(
    run: &RunReader,
    groups: &Groups,
    picked: &BTreeMap<(String, String), Reasons>,
) -> Result<Vec<Chosen>, Failure> {
    let picks = || picked.iter().flat_map(|(group, picks)| picks.iter().map(|pick| (&groups[group][pick.0], &pick.1)));
    let mut rows: HashMap<usize, Option<ImageRow>> = picks().map(|(image, _)| (image.row, None)).collect();
    for (number, row) in run.images()?.enumerate() {
        let row = row?;
        if let Some(place) = rows.get_mut(&number) {
            *place = Some(row);
        }
    }
    let chosen = picks().filter_map(|(image, as_what)| {
        let row = rows.get_mut(&image.row)?.take()?;
        Some(Chosen { row, score: image.score, as_what: as_what.clone() })
    });
    Ok(chosen.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        choice: ChoiceArgs,
    }

    fn args(line: &str) -> ChoiceArgs {
        Line::try_parse_from(["x"].into_iter().chain(line.split_whitespace())).unwrap().choice
    }

    fn images() -> Vec<Candidate> {
        let anomalous = [0.5, 0.0, 1.0, 0.0, 0.75].into_iter().enumerate().map(|(n, score)| Candidate {
            row: n,
            id: format!("c/dent/{n}"),
            is_anomalous: true,
            score: Some(score),
            false_alarms: FalseAlarms::new(None, Some(9.0)),
        });
        let normal = [(Some(0.1), 1.0), (Some(0.2), 0.5), (None, 3.0), (Some(0.1), 2.0)].into_iter().enumerate();
        let normal = normal.map(|(n, (fpr, image_score))| Candidate {
            row: 5 + n,
            id: format!("c/good/{n}"),
            is_anomalous: false,
            score: None,
            false_alarms: FalseAlarms::new(fpr, Some(image_score)),
        });
        anomalous.chain(normal).collect()
    }

    fn picked(line: &str) -> Vec<(usize, String)> {
        let picks = merged(picks(&images(), &args(line)).unwrap());
        picks.into_iter().map(|(position, what)| (position, what.join(", "))).collect()
    }

    fn owned<const N: usize>(picks: [(usize, &str); N]) -> Vec<(usize, String)> {
        picks.map(|(position, what)| (position, what.to_owned())).to_vec()
    }

    #[test]
    fn ties_go_to_the_first_image() {
        let expected = owned([(1, "worst 1"), (3, "worst 2"), (2, "best 1")]);
        assert_eq!(picked("--worst 2 --best 1"), expected);
        assert_eq!(picked("--best 99").len(), 5);
    }

    #[test]
    fn an_image_is_drawn_once() {
        assert_eq!(picked("--image c/dent/2 --best 1"), owned([(2, "named, best 1")]));
    }

    #[test]
    fn statistics_are_what_nothing_means() {
        let expected = picked("--statistics");
        assert_eq!(picked(""), expected);
        assert!(expected.iter().any(|(position, what)| *position == 0 && what.contains("median")), "{expected:?}");
    }

    #[test]
    fn normal_images_with_most_false_positives() {
        let positions: Vec<usize> = picked("--normal 4").into_iter().map(|(position, _)| position).collect();
        assert_eq!(positions, [6, 8, 5, 7]);
    }

    #[test]
    fn without_scores_only_names_choose() {
        let mut images = images();
        for image in &mut images {
            image.score = None;
        }
        assert!(picks(&images, &args("")).unwrap_err().contains("no anomalous image has a value in column `aupimo`"));
        assert_eq!(picks(&images, &args("--image c/dent/1")).unwrap(), owned([(1, "named")]));
        assert_eq!(picks(&images, &args("--normal 1")).unwrap().len(), 1);
    }
}
