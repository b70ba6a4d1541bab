//! Tables as the template draws them.

use serde::Serialize;

use super::format;

/// A table.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Whether the first cell of a row names it.
    pub(super) row_headings: bool,
    /// Whether readers can sort and, if it is long, search it.
    pub(super) interactive: bool,
}

/// Heading of a column.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Column {
    pub(super) name: String,
    /// What it means, shown when the pointer rests on it.
    pub(super) hint: String,
    pub(super) numeric: bool,
}

impl Column {
    pub(super) fn text(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub(super) fn number(name: &str, hint: &str) -> Self {
        Self { name: name.to_owned(), hint: hint.to_owned(), numeric: true }
    }
}

/// One cell.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Cell {
    pub(super) text: String,
    /// What it is sorted by, where that is not its text.
    pub(super) key: String,
    pub(super) numeric: bool,
    pub(super) strong: bool,
    /// Place on this page that it leads to.
    pub(super) target: String,
    pub(super) hint: String,
}

impl Cell {
    pub(super) fn text(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    pub(super) fn number(value: Option<f64>, text: String) -> Self {
        let key = value.filter(|value| value.is_finite()).map(sorting_key).unwrap_or_default();
        Self { text, key, numeric: true, ..Self::default() }
    }

    pub(super) fn score(value: Option<f64>) -> Self {
        Self::number(value, format::optional(value))
    }

    pub(super) fn count(value: usize) -> Self {
        Self::number(Some(value as f64), value.to_string())
    }

    pub(super) fn strong_if(mut self, strong: bool) -> Self {
        self.strong = strong;
        self
    }

    pub(super) fn hinted(mut self, hint: String) -> Self {
        self.hint = hint;
        self
    }
}

/// Enough digits to tell scores apart, without those that are always zero.
fn sorting_key(value: f64) -> String {
    if value.abs() >= 1e9 || (value != 0.0 && value.abs() < 1e-6) {
        return format!("{value:e}");
    }
    let text = format!("{value:.9}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_of_values() {
        let values = [-3e12, -1.0, 0.0, 1e-300, 1e-7, 0.5, 0.500_000_01, 2.0, 7e20];
        let keys: Vec<f64> = values.iter().map(|&value| sorting_key(value).parse().unwrap_or(f64::NAN)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        assert_eq!(Cell::score(None).key, "");
        assert_eq!(Cell::score(Some(f64::NAN)).text, "–");
    }
}
