//! Why an image was not drawn.

use std::fmt;

use pimo_reader::ReadError;
use pimo_report::heatmap::HeatMapError;

use crate::exit::Code;

/// What is wrong with an image's files, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DrawingProblem {
    pub(crate) message: String,
    /// Whether the operating system refused, rather than the data being bad.
    pub(crate) is_system: bool,
}

impl DrawingProblem {
    pub(super) fn data(message: String) -> Self {
        Self { message, is_system: false }
    }

    /// A file that cannot be read, and the option that says where it is if it was moved.
    pub(super) fn unreadable(error: &ReadError, option: &str) -> Self {
        let cure = match error {
            ReadError::System { .. } => {
                format!(" If it was moved since the evaluation, say where it is with {option}.")
            }
            ReadError::TooLarge { .. } => " Ask for it with --memory.".to_owned(),
            _ => String::new(),
        };
        Self { message: format!("{error}{cure}"), is_system: error.is_system() }
    }

    /// The picture cannot be made.
    pub(crate) fn undrawable(image: &str, error: &HeatMapError) -> Self {
        Self::data(format!("{image}: {error}"))
    }

    /// A category whose thresholds are not known.
    pub(crate) fn without_thresholds(image: &str) -> Self {
        Self::data(format!("{image}: its thresholds are not known: evaluate again with `pimo eval`"))
    }

    /// The exit code of several problems: the system's fault if all of them are.
    pub(crate) fn code(problems: &[Self]) -> Code {
        if problems.iter().all(|problem| problem.is_system) { Code::System } else { Code::Data }
    }
}

impl fmt::Display for DrawingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
