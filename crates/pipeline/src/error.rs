//! What ends a run.

use pimo_dataset::{DatasetError, Fault, Problem, ProblemKind};
use pimo_store::StoreError;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The dataset could not be looked at.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Every category has something wrong with it.
    #[error("{}", listing(.0))]
    Bad(Vec<Problem>),
    /// The result could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Settings that do not go together.
    #[error("{0}")]
    Usage(&'static str),
    /// What is asked for does not fit the memory budget.
    #[error(
        "{what} takes {} of memory, but --memory allows {}: use --memory {} or more",
        bytes(*.needed), bytes(*.allowed), bytes(*.needed)
    )]
    Memory {
        /// What takes the memory.
        what: String,
        /// Bytes needed in all.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// A category's pixels can't be counted.
    #[error("category {category}: {message}")]
    Pixels {
        /// The category.
        category: String,
        /// Why not.
        message: String,
    },
    /// The run was asked to stop.
    #[error("interrupted")]
    Cancelled,
    /// Threads could not be started.
    #[error("a thread could not be started: {0}; use fewer --threads")]
    Thread(std::io::Error),
}

impl PipelineError {
    /// Of two refusals the one that asks for more memory: what it asks for will do for both.
    pub(crate) fn larger(known: Option<Self>, other: Self) -> Self {
        let needed = |error: &Self| if let Self::Memory { needed, .. } = error { *needed } else { u64::MAX };
        match known {
            Some(known) if needed(&known) >= needed(&other) => known,
            _ => other,
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Dataset(error) => error.fault(),
            Self::Bad(problems) => fault_of(problems),
            Self::Usage(_) => Fault::Usage,
            Self::Store(error) if error.is_system() => Fault::System,
            Self::Store(_) | Self::Memory { .. } | Self::Pixels { .. } => Fault::Data,
            Self::Cancelled | Self::Thread(_) => Fault::System,
        }
    }
}

/// The operating system's fault if nothing but it is in the way, else the data's.
pub fn fault_of(problems: &[Problem]) -> Fault {
    let system = !problems.is_empty() && problems.iter().all(|problem| problem.kind == ProblemKind::System);
    if system { Fault::System } else { Fault::Data }
}

/// How many problems are shown where not all of them are.
pub const PROBLEMS_SHOWN: usize = 20;

/// The first problems, one a line, and how many there are.
pub fn listing(problems: &[Problem]) -> String {
    let shown = problems.iter().take(PROBLEMS_SHOWN).map(ToString::to_string);
    let count = match problems.len() {
        0 => "nothing is there to evaluate".to_owned(),
        1 => "1 problem".to_owned(),
        count if count <= PROBLEMS_SHOWN => format!("{count} problems"),
        count => format!("{count} problems, of which the first {PROBLEMS_SHOWN} are shown; `pimo inspect` lists all"),
    };
    shown.chain([count]).collect::<Vec<String>>().join("\n")
}

/// Bytes as they are given to `--memory`, rounded up.
pub fn bytes(count: u64) -> String {
    const MEBI: u64 = 1 << 20;
    format!("{}MiB", count.div_ceil(MEBI))
}
