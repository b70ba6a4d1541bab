//! Evaluating a category in rounds, each of as many detectors as memory holds.
//!
//! However many detectors there are, a run takes no more memory than the hungriest of them, and what it says of one is
//! what it would say without the others. Masks are read once a round.

use pimo_store::{PartAside, RunWriter};

use crate::PipelineError;
use crate::budget::Round;
use crate::category::{CategoryOutcome, CategoryRun};
use crate::problem::{self, Bad};

/// Rounds whose rows wait in files at most: to join them takes some memory for each.
const MOST_ASIDE: usize = 16;

/// Evaluates the detectors of all rounds and adds their rows to the run; `None` when there is nothing to add.
///
/// # Errors
/// A result that can't be written, a request to stop.
pub(crate) fn evaluate<'a>(
    rounds: &'a [Round],
    run: impl Fn(&'a Round) -> CategoryRun<'a>,
    writer: &RunWriter,
    found: &mut Bad,
) -> Result<Option<CategoryOutcome>, PipelineError> {
    if let [round] = rounds {
        let Some((outcome, part)) = run(round).evaluate(found)? else { return Ok(None) };
        part.commit()?;
        return Ok(Some(outcome));
    }
    let mut joined: Option<CategoryOutcome> = None;
    let mut aside: Vec<PartAside> = Vec::new();
    for round in rounds {
        let run = run(round);
        let Some((outcome, part)) = run.evaluate(found)? else { continue };
        aside.push(part.set_aside()?);
        if aside.len() == MOST_ASIDE {
            aside = vec![writer.join(&outcome.category, aside)?.set_aside()?];
        }
        match &mut joined {
            None => joined = Some(outcome),
            Some(joined) => {
                if !joined.join(outcome) {
                    found
                        .add(problem::changed_masks(&joined.category, &run.dataset.roots.dataset), &run.dataset.models);
                }
            }
        }
    }
    // What is wrong with all detectors may have been found when some of them were through.
    let Some(joined) = joined.filter(|_| !found.sound_models().is_empty()) else { return Ok(None) };
    writer.join(&joined.category, aside)?.commit()?;
    Ok(Some(joined))
}
