//! The JSON files that were published with the AUPIMO paper: scores of one model on one dataset.

use std::fs;
use std::path::Path;

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer};

use crate::error::{Result, StoreError};
use crate::limited_file::read_limited;
use crate::python_json::{push_float, push_list, push_string, quote_tokens, token_value};

/// The largest published file that is read.
const MAX_BYTES: u64 = 1 << 28;

/// One `aupimos.json`: the AUPIMO scores of one model on one dataset.
///
/// Written as the official package writes it. NaN equals nothing, so compare fields, not the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedScores {
    /// Name of the shared FPR metric, `mean-per-image-fpr` in all published files.
    pub shared_fpr_metric: Option<String>,
    /// Lower integration bound L of the shared FPR.
    pub fpr_lower_bound: f64,
    /// Upper integration bound U of the shared FPR.
    pub fpr_upper_bound: f64,
    /// Number of thresholds (integration points). Read from `num_thresholds` too.
    pub num_threshs: Option<u64>,
    /// Threshold at the upper bound U of the shared FPR.
    pub thresh_lower_bound: Option<f64>,
    /// Threshold at the lower bound L of the shared FPR.
    pub thresh_upper_bound: Option<f64>,
    /// One score per image, NaN for normal images.
    pub aupimos: Vec<f64>,
    /// One path per image, as published (`MVTec/<dataset>/test/<defect>/<file>`).
    pub paths: Option<Vec<String>>,
}

impl PublishedScores {
    /// Reads an `aupimos.json`. NaN and infinities as bare tokens, `null`, missing optional keys and unknown keys are
    /// accepted.
    ///
    /// # Errors
    /// The file cannot be read, is malformed, lacks bounds or scores, or has another number of paths than of scores.
    pub fn read(path: &Path) -> Result<Self> {
        let file: ScoresFile = read_json(path)?;
        let scores = Self {
            shared_fpr_metric: file.shared_fpr_metric,
            fpr_lower_bound: file.fpr_lower_bound.0,
            fpr_upper_bound: file.fpr_upper_bound.0,
            num_threshs: file.num_threshs.or(file.num_thresholds),
            thresh_lower_bound: file.thresh_lower_bound.map(|number| number.0),
            thresh_upper_bound: file.thresh_upper_bound.map(|number| number.0),
            aupimos: file.aupimos.into_iter().map(Score::value).collect(),
            paths: file.paths,
        };
        match &scores.paths {
            Some(paths) if paths.len() != scores.aupimos.len() => Err(StoreError::Json {
                path: path.to_path_buf(),
                message: format!(
                    "has {} scores and {} paths, expected as many of each",
                    scores.aupimos.len(),
                    paths.len()
                ),
            }),
            _ => Ok(scores),
        }
    }

    /// The text of the file, laid out as `json.dump(..., indent=4)` does.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{\n");
        let key = |out: &mut String, name: &str| {
            out.push_str(if out.len() == 2 { "    " } else { ",\n    " });
            push_string(out, name);
            out.push_str(": ");
        };
        if let Some(metric) = &self.shared_fpr_metric {
            key(&mut out, "shared_fpr_metric");
            push_string(&mut out, metric);
        }
        key(&mut out, "fpr_lower_bound");
        push_float(&mut out, self.fpr_lower_bound);
        key(&mut out, "fpr_upper_bound");
        push_float(&mut out, self.fpr_upper_bound);
        key(&mut out, "num_threshs");
        let threshs = self.num_threshs.map(|number| number.to_string());
        out.push_str(threshs.as_deref().unwrap_or("null"));
        key(&mut out, "thresh_lower_bound");
        push_optional(&mut out, self.thresh_lower_bound);
        key(&mut out, "thresh_upper_bound");
        push_optional(&mut out, self.thresh_upper_bound);
        key(&mut out, "aupimos");
        push_list(&mut out, &self.aupimos, |out, &score| push_float(out, score));
        if let Some(paths) = &self.paths {
            key(&mut out, "paths");
            push_list(&mut out, paths, |out, path| push_string(out, path));
        }
        out.push_str("\n}");
        out
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.to_json()).map_err(StoreError::io("write", path))
    }
}

/// Reads a published scalar, `{"value": x}`, such as `auroc.json`. NaN if it is NaN or null.
///
/// # Errors
/// The file cannot be read or is malformed.
pub fn read_scalar(path: &Path) -> Result<f64> {
    let ScalarFile { value } = read_json(path)?;
    Ok(value.value())
}

/// Writes a scalar as it was published.
///
/// # Errors
/// What the operating system says.
pub fn write_scalar(path: &Path, value: f64) -> Result<()> {
    let mut text = String::from("{\"value\": ");
    push_float(&mut text, value);
    text.push('}');
    fs::write(path, text).map_err(StoreError::io("write", path))
}

fn push_optional(out: &mut String, value: Option<f64>) {
    match value {
        Some(value) => push_float(out, value),
        None => out.push_str("null"),
    }
}

#[derive(Deserialize)]
struct ScoresFile {
    #[serde(default)]
    shared_fpr_metric: Option<String>,
    fpr_lower_bound: Number,
    fpr_upper_bound: Number,
    #[serde(default)]
    num_threshs: Option<u64>,
    #[serde(default)]
    num_thresholds: Option<u64>,
    #[serde(default)]
    thresh_lower_bound: Option<Number>,
    #[serde(default)]
    thresh_upper_bound: Option<Number>,
    aupimos: Vec<Score>,
    #[serde(default)]
    paths: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct ScalarFile {
    value: Score,
}

/// A score; null counts as NaN.
#[derive(Deserialize)]
struct Score(Option<Number>);

impl Score {
    fn value(self) -> f64 {
        self.0.map_or(f64::NAN, |number| number.0)
    }
}

/// A JSON number, or one of the tokens that Python writes for what JSON has no number for.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number, NaN or Infinity")
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Number, E> {
        Ok(Number(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_str<E: serde::de::Error>(self, token: &str) -> std::result::Result<Number, E> {
        token_value(token).map(Number).ok_or_else(|| E::invalid_type(serde::de::Unexpected::Str(token), &self))
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let malformed = |message: String| StoreError::Json {
        path: path.to_path_buf(),
        message: format!("is not in the published format: {message}"),
    };
    let bytes = read_limited(path, MAX_BYTES)?;
    let text = String::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8".to_owned()))?;
    serde_json::from_str(&quote_tokens(&text)).map_err(|error| malformed(error.to_string()))
}
