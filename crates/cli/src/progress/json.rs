//! One JSON object a line, for programs.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use pimo_dataset::Problem;
use pimo_pipeline::Event;
use serde_json::{Map, Value, json};

/// Time between two `progress` events.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct JsonLog {
    progress: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bytes: u64,
    bytes_total: u64,
    maps: u64,
    category_began: Instant,
    reported: Instant,
}

impl JsonLog {
    pub(crate) fn new(progress: bool) -> Self {
        let now = Instant::now();
        let state = State { bytes: 0, bytes_total: 0, maps: 0, category_began: now, reported: now };
        Self { progress, state: Mutex::new(state) }
    }

    pub(crate) fn event(&self, event: &Event<'_>) {
        if !self.progress {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Planned { categories, maps, bytes } => {
                state.bytes_total = *bytes;
                line("planned", json!({ "categories": categories, "maps": maps, "bytes": bytes }));
            }
            Event::Category { name, images } => {
                state.category_began = Instant::now();
                line("category", json!({ "category": name, "images": images }));
            }
            Event::Again { bytes } => state.bytes_total += bytes,
            Event::Map { bytes } => {
                state.bytes += bytes;
                state.maps += 1;
                if state.due() {
                    line(
                        "progress",
                        json!({ "maps": state.maps, "bytes": state.bytes, "of_bytes": state.bytes_total }),
                    );
                }
            }
            Event::Done(outcome) => {
                let seconds = state.category_began.elapsed().as_secs_f64();
                let models: Map<String, Value> = outcome
                    .models
                    .iter()
                    .map(|(model, summary)| {
                        let facts = json!({
                            "normal": summary.normal, "anomalous": summary.anomalous, "aupimo_mean": summary.aupimo.mean,
                        });
                        (model.clone(), facts)
                    })
                    .collect();
                line("done", json!({ "category": outcome.category, "seconds": seconds, "models": models }));
            }
            _ => {}
        }
    }

    pub(crate) fn step(&self, done: u64, total: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.progress && state.due() {
            line("progress", json!({ "images": done, "of_images": total }));
        }
    }
}

impl State {
    fn due(&mut self) -> bool {
        let due = self.reported.elapsed() >= PROGRESS_EVERY;
        if due {
            self.reported = Instant::now();
        }
        due
    }
}

/// A problem's fields.
pub(crate) fn of_problem(problem: &Problem) -> Value {
    json!({
        "category": problem.category,
        "model": problem.model,
        "image_id": problem.image_id,
        "file": problem.file.to_string_lossy(),
        "kind": kind(problem),
        "message": problem.message,
    })
}

/// `MissingMap` as `missing_map`.
fn kind(problem: &Problem) -> String {
    let mut name = String::new();
    for c in format!("{:?}", problem.kind).chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

/// Writes an event with the time and its facts.
pub(crate) fn line(event: &str, facts: Value) {
    let mut object = Map::new();
    object.insert("event".into(), event.into());
    object.insert("time".into(), pimo_store::rfc3339(SystemTime::now()).into());
    if let Value::Object(facts) = facts {
        object.extend(facts);
    }
    super::line(&Value::Object(object).to_string());
}
