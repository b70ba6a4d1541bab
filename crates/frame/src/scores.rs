//! The samples of one anomaly map, wherever their bytes live.

use std::fmt;

use crate::Comparison;

/// Memory that holds the scores of one map: an owned buffer, a pooled one, a mapped file.
pub trait Storage<S>: AsRef<[S]> + Send + Sync {
    /// Whether the scores that were seen are those of the file.
    ///
    /// Asked after every use, before anything that was counted is kept for good. A mapped file that shrank meanwhile
    /// has no valid bytes any more and answers with a description; memory that is owned is always whole.
    ///
    /// # Errors
    /// What happened to the file, as a sentence without its name.
    fn verify(&self) -> Result<(), String> {
        Ok(())
    }

    /// Says that all scores are going to be looked at now: what has to be done before they can be seen is done for all
    /// of them together, if that is cheaper. Nothing else changes.
    fn make_ready(&self) {}
}

impl<S: Send + Sync> Storage<S> for Vec<S> {}

/// The scores of one anomaly map at its native size, row by row without gaps, in the type they are compared in.
pub enum Scores {
    /// Single precision.
    F32(Box<dyn Storage<f32>>),
    /// Double precision.
    F64(Box<dyn Storage<f64>>),
}

impl Scores {
    /// Scores that are owned, in single precision.
    pub fn from_f32(scores: Vec<f32>) -> Self {
        Self::F32(Box::new(scores))
    }

    /// Scores that are owned, in double precision.
    pub fn from_f64(scores: Vec<f64>) -> Self {
        Self::F64(Box::new(scores))
    }

    /// Number of scores.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(storage) => storage.as_ref().as_ref().len(),
            Self::F64(storage) => storage.as_ref().as_ref().len(),
        }
    }

    /// Whether there is no score at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type in which these scores are compared.
    pub const fn comparison(&self) -> Comparison {
        match self {
            Self::F32(_) => Comparison::F32,
            Self::F64(_) => Comparison::F64,
        }
    }

    /// See [`Storage::make_ready`].
    pub fn make_ready(&self) {
        match self {
            Self::F32(storage) => storage.make_ready(),
            Self::F64(storage) => storage.make_ready(),
        }
    }

    /// See [`Storage::verify`].
    ///
    /// # Errors
    /// What happened to the file meanwhile.
    pub fn verify(&self) -> Result<(), String> {
        match self {
            Self::F32(storage) => storage.verify(),
            Self::F64(storage) => storage.verify(),
        }
    }
}

impl fmt::Debug for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scores({:?}, {} samples)", self.comparison(), self.len())
    }
}
