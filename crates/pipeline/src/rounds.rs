//! Evaluating a category in rounds, each of as many detectors as memory holds.
//!
//! However many detectors there are, a run takes no more memory than the hungriest of them, and what it says of one does
//! not depend on how many others there are. Masks are read once a round.

use pimo_store::{CategoryPart, PartAside};

use crate::PipelineError;
use crate::budget::{self, Round};
use crate::category::{CategoryOutcome, CategoryRun};
use crate::problem::{self, Bad};

/// Evaluates the detectors of all rounds and adds their rows to the run; `None` when there is nothing to add.
///
/// # Errors
/// A result that can't be written, a request to stop.
pub(crate) fn evaluate<'a>(
    rounds: &'a [Round],
    run: impl Fn(&'a Round) -> CategoryRun<'a>,
    found: &mut Bad,
) -> Result<Option<CategoryOutcome>, PipelineError> {
    let [first, others @ ..] = rounds else { return Ok(None) };
    if others.is_empty() {
        let Some((outcome, part)) = run(first).evaluate(found)? else { return Ok(None) };
        part.commit()?;
        return Ok(Some(outcome));
    }
    let mut joined: Option<CategoryOutcome> = None;
    let mut aside: Vec<PartAside> = Vec::new();
    for round in rounds {
        let run = run(round);
        let Some((outcome, part)) = run.evaluate(found)? else { continue };
        aside.push(part.set_aside()?);
        if aside.len() == budget::most_aside(run.settings) {
            aside = vec![join(&run, aside)?.set_aside()?];
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
    join(&run(first), aside)?.commit()?;
    Ok(Some(joined))
}

/// Puts rows together that were set aside.
fn join(run: &CategoryRun<'_>, aside: Vec<PartAside>) -> Result<CategoryPart, PipelineError> {
    let joined = run.writer.join(&run.planned.category.name, aside, &|| !run.cancel.is_cancelled())?;
    joined.ok_or(PipelineError::Cancelled)
}
