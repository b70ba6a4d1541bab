//! A part of the results.

use std::collections::BTreeSet;

use crate::{Evidence, EvidenceError, ModelScores};

/// Which detectors and categories are wanted; an empty list stands for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names of detectors, which are then shown in this order where nothing else decides.
    pub models: Vec<String>,
    /// Names of categories.
    pub categories: Vec<String>,
}

impl Evidence {
    /// Keeps what is selected.
    ///
    /// # Errors
    /// A name that no result has; the message lists those there are.
    pub fn select(&mut self, selection: &Selection) -> Result<(), EvidenceError> {
        check("detector", &selection.models, &self.results, |result| &result.model)?;
        check("category", &selection.categories, &self.results, |result| &result.category)?;
        let place = |result: &ModelScores| selection.models.iter().position(|model| *model == result.model);
        self.results.retain(|result| {
            (selection.models.is_empty() || place(result).is_some())
                && (selection.categories.is_empty() || selection.categories.contains(&result.category))
        });
        self.results.sort_by_key(place);
        Ok(())
    }
}

fn check(
    what: &'static str,
    wanted: &[String],
    results: &[ModelScores],
    name: impl Fn(&ModelScores) -> &String,
) -> Result<(), EvidenceError> {
    let known: BTreeSet<&str> = results.iter().map(|result| name(result).as_str()).collect();
    match wanted.iter().find(|wanted| !known.contains(wanted.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            Err(EvidenceError::Unknown { what, name: unknown.clone(), known })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn evidence() -> Evidence {
        let result = |(model, category): (&str, &str)| ModelScores {
            model: model.to_owned(),
            category: category.to_owned(),
            ..Default::default()
        };
        let results = [("a", "x"), ("a", "y"), ("b", "x"), ("c", "y")].map(result).into();
        Evidence { results, ..Default::default() }
    }

    fn names(strings: &[&str]) -> Vec<String> {
        strings.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn detectors_come_in_the_order_asked_for() {
        let mut some = evidence();
        some.select(&Selection { models: names(&["b", "a"]), categories: names(&["x"]) }).unwrap();
        let kept: Vec<_> = some.results.iter().map(|it| (it.model.as_str(), it.category.as_str())).collect();
        assert_eq!(kept, [("b", "x"), ("a", "x")]);
        let mut all = evidence();
        all.select(&Selection::default()).unwrap();
        assert_eq!(all, evidence());
    }

    #[test]
    fn unknown_names_are_refused() {
        let wanted = Selection { models: names(&["d"]), ..Default::default() };
        let error = evidence().select(&wanted).unwrap_err().to_string();
        assert_eq!(error, "there is no detector \"d\"; there are a, b, c");
        let wanted = Selection { categories: names(&["z"]), ..Default::default() };
        let error = evidence().select(&wanted).unwrap_err().to_string();
        assert_eq!(error, "there is no category \"z\"; there are x, y");
    }
}
