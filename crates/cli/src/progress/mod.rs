//! Telling the user how far the work is, on stderr.

mod bar;
mod json;
mod lines;
mod plain_terminal;

use std::io::{IsTerminal, Write, stderr};

use pimo_dataset::{Note, Problem};
use pimo_pipeline::{Event, Observer};
use serde_json::json;

use crate::args::{LogFormat, MessageArgs, ShowProgress};
use crate::exit::Failure;

use bar::Bar;
use json::JsonLog;
pub(crate) use json::of_problem as problem_facts;
use lines::Lines;

/// How many notes people are shown.
const NOTES_SHOWN: usize = 5;

/// Where messages and progress go.
#[derive(Debug)]
pub struct Reporter {
    log: LogFormat,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    None,
    Bar(Bar),
    Lines(Lines),
    Json(JsonLog),
}

impl Reporter {
    /// What the options ask for, on this stderr.
    pub fn new(messages: &MessageArgs) -> Self {
        let silent = messages.quiet || messages.progress == ShowProgress::Never;
        let progress = match (messages.log_format, messages.progress) {
            (LogFormat::Json, _) => Progress::Json(JsonLog::new(!silent)),
            _ if silent => Progress::None,
            (LogFormat::Text, ShowProgress::Always) => Progress::Bar(Bar::anywhere()),
            (LogFormat::Text, _) if stderr().is_terminal() => Progress::Bar(Bar::on_terminal()),
            (LogFormat::Text, _) => Progress::Lines(Lines::default()),
        };
        Self { log: messages.log_format, progress }
    }

    /// Messages only.
    pub fn quiet(log: LogFormat) -> Self {
        Self { log, progress: Progress::None }
    }

    /// The work begins, with these facts. People know what they typed.
    pub fn start(&self, facts: serde_json::Value) {
        self.json("start", facts);
    }

    /// The work is done, with these facts. People get a result on stdout.
    pub fn finished(&self, facts: serde_json::Value) {
        self.clear();
        self.json("finished", facts);
    }

    /// `done` of `total` units of some other work than reading maps are done.
    pub fn step(&self, done: u64, total: u64, unit: &'static str) {
        match &self.progress {
            Progress::Bar(bar) => bar.step(done, total, unit),
            Progress::Json(log) => log.step(done, total),
            Progress::None | Progress::Lines(_) => {}
        }
    }

    /// Something the user should know.
    pub fn warning(&self, message: &str) {
        self.clear();
        match self.log {
            LogFormat::Text => line(&format!("warning: {message}")),
            LogFormat::Json => self.json("warning", json!({ "message": message })),
        }
    }

    /// What was left aside of the input, worth knowing. People see the first few.
    pub fn notes(&self, notes: &[Note]) {
        match self.log {
            LogFormat::Json => notes.iter().for_each(|note| self.json("note", json!({ "message": note.to_string() }))),
            LogFormat::Text => {
                self.clear();
                notes.iter().take(NOTES_SHOWN).for_each(|note| line(&format!("note: {note}")));
                if notes.len() > NOTES_SHOWN {
                    line(&format!("note: run.json has {} more under `notes`", notes.len() - NOTES_SHOWN));
                }
            }
        }
    }

    /// Something wrong with the input. People get a list of problems with the error at the end.
    pub fn problems(&self, problems: &[Problem]) {
        for problem in problems {
            self.json("problem", problem_facts(problem));
        }
    }

    /// The command did not do what it was asked for.
    pub fn failure(&self, failure: &Failure) {
        self.clear();
        match self.log {
            LogFormat::Text => line(&format!("error: {}", failure.message)),
            LogFormat::Json => {
                self.json("error", json!({ "exit_code": failure.code as u8, "message": failure.message }));
            }
        }
    }

    /// Takes the bar away, so that other lines can follow.
    pub fn clear(&self) {
        if let Progress::Bar(bar) = &self.progress {
            bar.clear();
        }
    }

    fn json(&self, event: &str, facts: serde_json::Value) {
        if self.log == LogFormat::Json {
            json::line(event, facts);
        }
    }
}

impl Observer for Reporter {
    fn event(&self, event: Event<'_>) {
        match &self.progress {
            Progress::None => {}
            Progress::Bar(bar) => bar.event(&event),
            Progress::Lines(lines) => lines.event(&event),
            Progress::Json(log) => log.event(&event),
        }
    }
}

/// Writes a line to stderr. If nobody can be told, the exit code still tells.
fn line(text: &str) {
    let _ = writeln!(stderr().lock(), "{text}");
}
