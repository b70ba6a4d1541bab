//! Normal or anomalous.

use std::fmt;

/// What an image shows: nothing out of the ordinary, or a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// No pixel of the image is anomalous.
    Normal,
    /// At least one pixel is anomalous.
    Anomalous,
}

impl Class {
    /// The words that [`Class::parse`] knows, for messages.
    pub const WORDS: &str = "normal (or good, 0, false) or anomalous (or bad, 1, true)";

    /// Reads the class of a manifest: `normal`, `good`, `0` or `false`; `anomalous`, `bad`, `1` or `true`; capitals do
    /// not matter.
    pub fn parse(word: &str) -> Option<Self> {
        let is = |known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
        if is(&["normal", "good", "0", "false"]) {
            Some(Self::Normal)
        } else if is(&["anomalous", "bad", "1", "true"]) {
            Some(Self::Anomalous)
        } else {
            None
        }
    }

    /// The class that the name of a defect folder stands for: `good` is normal, everything else anomalous.
    pub(crate) fn of_defect(defect: &str) -> Self {
        if defect == GOOD { Self::Normal } else { Self::Anomalous }
    }
}

/// The folder of the normal images in every layout.
pub(crate) const GOOD: &str = "good";

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "normal",
            Self::Anomalous => "anomalous",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_manifest() {
        for word in ["normal", "Good", "0", "False"] {
            assert_eq!(Class::parse(word), Some(Class::Normal), "{word}");
        }
        for word in ["anomalous", "BAD", "1", "true"] {
            assert_eq!(Class::parse(word), Some(Class::Anomalous), "{word}");
        }
        for word in ["", "2", "anomalou", "normal "] {
            assert_eq!(Class::parse(word), None, "{word:?}");
        }
    }
}
