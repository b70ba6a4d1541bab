//! How the command ends.

use std::process::ExitCode;

use pimo_analysis::AnalysisError;
use pimo_dataset::Fault;
use pimo_evidence::EvidenceError;
use pimo_pipeline::PipelineError;
use pimo_store::StoreError;
use pimo_synth::SynthError;

use crate::interrupt;

/// Exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Everything was done, perhaps with warnings.
    Done = 0,
    /// pimo itself is at fault.
    Internal = 1,
    /// Options that do not fit together, or do not fit what is there.
    Usage = 2,
    /// Input that can't be used.
    Data = 3,
    /// The operating system refused something.
    System = 4,
    /// Ended by `SIGINT`.
    Interrupted = 130,
    /// Ended by `SIGTERM`.
    Terminated = 143,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl From<Fault> for Code {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Usage => Self::Usage,
            Fault::Data => Self::Data,
            Fault::System => Self::System,
        }
    }
}

/// Why the command did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How the process ends.
    pub code: Code,
    /// What to tell the user.
    pub message: String,
}

impl Failure {
    /// Options that do not fit together.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: Code::Usage, message: message.into() }
    }

    /// Ended by a signal.
    pub fn interrupted() -> Self {
        Self { code: interrupt::code(), message: "interrupted; nothing was written".into() }
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        match error {
            PipelineError::Cancelled => Self::interrupted(),
            PipelineError::Store(error) => error.into(),
            error => Self { code: error.fault().into(), message: error.to_string() },
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::OutputNotEmpty { .. }
            | StoreError::OutputExists { .. }
            | StoreError::OutputNotAFolder { .. }
            | StoreError::NotARun { .. }
            | StoreError::NotPublished { .. } => Code::Usage,
            error if error.is_system() => Code::System,
            _ => Code::Data,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<SynthError> for Failure {
    fn from(error: SynthError) -> Self {
        let code = match &error {
            SynthError::Interrupted => return Self::interrupted(),
            error if error.is_system() => Code::System,
            _ => Code::Usage,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<EvidenceError> for Failure {
    fn from(error: EvidenceError) -> Self {
        let code = match error {
            EvidenceError::Store(error) => return error.into(),
            EvidenceError::Unknown { .. } => Code::Usage,
            _ => Code::Data,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<AnalysisError> for Failure {
    fn from(error: AnalysisError) -> Self {
        Self { code: Code::Data, message: error.to_string() }
    }
}
