//! One line per category, for pipes and log files.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use pimo_pipeline::{CategoryOutcome, Event};

use crate::progress::line;
use crate::units;

#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<Option<Current>>);

/// The category that is being evaluated.
#[derive(Debug)]
struct Current {
    began: Instant,
    bytes: u64,
}

impl Lines {
    pub(crate) fn event(&self, event: &Event<'_>) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Planned { categories, maps, bytes } => line(&format!(
                "{}, {} of {}",
                units::counted(*categories as u64, "category"),
                units::counted(*maps, "map"),
                units::bytes(*bytes)
            )),
            Event::Category { .. } => *current = Some(Current { began: Instant::now(), bytes: 0 }),
            Event::Map { bytes } => {
                if let Some(current) = current.as_mut() {
                    current.bytes += bytes;
                }
            }
            Event::Done(outcome) => {
                if let Some(current) = current.take() {
                    line(&done(outcome, &current));
                }
            }
            _ => {}
        }
    }
}

fn done(outcome: &CategoryOutcome, current: &Current) -> String {
    let (normal, anomalous) = outcome.models.first().map_or((0, 0), |(_, summary)| (summary.normal, summary.anomalous));
    let time = current.began.elapsed();
    format!(
        "{}: {normal} normal and {} in {}, {}",
        outcome.category,
        units::counted(anomalous, "anomalous image"),
        units::seconds(time),
        units::rate(current.bytes, time)
    )
}
