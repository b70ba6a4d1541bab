//! A comparison for people.

use std::fmt::Write;

use pimo_analysis::alternative::Alternative;
use pimo_analysis::bootstrap::Interval;
use pimo_analysis::compare::{CategoryComparison, Omnibus};
use pimo_evidence::{MatchedCategory, metrics};

use super::{Compared, wilcoxon};
use crate::table::{Align, Table};
use crate::units;

/// Which tables are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Those of the categories if there are few, the one over all if there are several.
    Auto,
    /// Those of the categories, however many there are.
    Categories,
}

/// Up to this number of categories have their tables printed anyway.
const FEW_CATEGORIES: usize = 3;

/// The whole text.
pub(crate) fn render(compared: &Compared<'_>, layout: Layout) -> String {
    let categories = compared.matched.categories.len();
    let metrics = Metrics::of(compared);
    let mut text = heading(compared);
    let each = categories <= FEW_CATEGORIES || layout == Layout::Categories;
    if each {
        text.push('\n');
        text.push_str(&category_table(compared, &metrics).render());
        for (matched, category) in compared.matched.categories.iter().zip(&compared.comparison.categories) {
            push_omnibus(&mut text, matched.name, &category.omnibus, "image");
        }
    }
    if categories > 1 {
        text.push('\n');
        text.push_str(&overall_table(compared, &metrics).render());
        push_omnibus(&mut text, "all categories", &compared.comparison.overall, "category");
    }
    text.push_str(&claims(compared));
    if !each {
        text.push_str("Each category by itself: --by category\n");
    }
    text
}

fn heading(compared: &Compared<'_>) -> String {
    let images: usize = compared.comparison.categories.iter().map(|category| category.images).sum();
    let categories = compared.matched.categories.len();
    let of = match &compared.matched.categories[..] {
        [only] => format!("of {}", only.name),
        _ => format!("in {}", units::counted(categories as u64, "category")),
    };
    format!(
        "{} of {} on the same {} {of}. Higher is better; rank 1 is best.\n",
        compared.score,
        units::counted(compared.matched.models.len() as u64, "detector"),
        units::counted(images as u64, "anomalous image"),
    )
}

/// The other metrics that are shown beside the score.
struct Metrics {
    names: Vec<String>,
}

impl Metrics {
    fn of(compared: &Compared<'_>) -> Self {
        let results = compared.matched.categories.iter().flat_map(|category| category.results.iter().copied());
        let names = metrics::names(results);
        Self { names: metrics::plotted(&names).into_iter().map(|index| names[index].clone()).collect() }
    }

    fn headings(&self) -> impl Iterator<Item = (&str, Align)> {
        self.names.iter().map(|name| (name.as_str(), Align::Right))
    }

    fn cells(&self, category: &MatchedCategory<'_>, model: usize) -> Vec<String> {
        self.names.iter().map(|name| score(metrics::value(category.results[model], name))).collect()
    }

    /// Means over the categories, where all of them have the metric.
    fn means(&self, compared: &Compared<'_>, model: usize) -> Vec<String> {
        let mean = |name: &String| {
            let categories = compared.matched.categories.iter();
            let values: Option<Vec<f64>> =
                categories.map(|category| metrics::value(category.results[model], name)).collect();
            score(values.map(|values| pimo_analysis::mean(&values)))
        };
        self.names.iter().map(mean).collect()
    }
}

fn category_table(compared: &Compared<'_>, metrics: &Metrics) -> Table {
    let mut columns = vec![
        ("category", Align::Left),
        ("model", Align::Left),
        ("images", Align::Right),
        ("rank", Align::Right),
        ("mean", Align::Right),
        ("interval", Align::Left),
        ("median", Align::Right),
    ];
    columns.extend(metrics.headings());
    if compared.matched.models.len() > 1 {
        columns.extend([
            ("over next", Align::Right),
            ("interval", Align::Left),
            ("p better", Align::Right),
            ("p differs", Align::Right),
        ]);
    }
    let mut table = Table::new(&columns);
    for (matched, category) in compared.matched.categories.iter().zip(&compared.comparison.categories) {
        for (place, &model) in category.order.iter().enumerate() {
            table.row(model_row(compared, metrics, matched, category, place, model));
        }
    }
    table
}

fn model_row(
    compared: &Compared<'_>,
    metrics: &Metrics,
    matched: &MatchedCategory<'_>,
    category: &CategoryComparison,
    place: usize,
    model: usize,
) -> Vec<String> {
    let summary = &category.models[model];
    let mut row = vec![
        matched.name.to_owned(),
        compared.matched.models[model].to_owned(),
        summary.images.to_string(),
        format!("{:.2}", summary.average_rank),
        score(Some(summary.mean)),
        interval(summary.interval),
        score(Some(summary.median)),
    ];
    row.extend(metrics.cells(matched, model));
    if let Some(next) = category.neighbours.get(place) {
        let p = |alternative| p_value(wilcoxon(category, next.better, next.worse, alternative).map(|test| test.p));
        row.extend([
            format!("{:+.4}", next.mean_difference),
            interval(next.interval),
            p(Alternative::Greater),
            p(Alternative::TwoSided),
        ]);
    }
    row
}

fn overall_table(compared: &Compared<'_>, metrics: &Metrics) -> Table {
    let overall = &compared.comparison.overall;
    let numbers: Vec<String> = (1..=overall.order.len()).map(|place| format!("#{place}")).collect();
    let mut columns = vec![("", Align::Left), ("model", Align::Left), ("rank", Align::Right), ("mean", Align::Right)];
    columns.extend(metrics.headings());
    if overall.order.len() > 1 {
        columns.push(("wins over", Align::Right));
        columns.extend(numbers.iter().map(|number| (number.as_str(), Align::Right)));
    }
    let mut table = Table::new(&columns);
    for (place, &model) in overall.order.iter().enumerate() {
        let mut row = vec![
            numbers[place].clone(),
            compared.matched.models[model].to_owned(),
            format!("{:.2}", overall.average_ranks[model]),
            score(Some(compared.mean(model))),
        ];
        row.extend(metrics.means(compared, model));
        if overall.order.len() > 1 {
            row.push(String::new());
            row.extend(
                overall.order.iter().map(|&other| {
                    if other == model { "-".to_owned() } else { compared.wins(model, other).to_string() }
                }),
            );
        }
        table.row(row);
    }
    table
}

fn push_omnibus(text: &mut String, name: &str, omnibus: &Omnibus, block: &str) {
    let Some(critical) = omnibus.critical_difference else { return };
    let blocks = units::counted(omnibus.blocks as u64, block);
    let friedman = match omnibus.friedman {
        Some(test) => format!("Friedman's chi-square is {:.4}, p = {}", test.statistic, p_value(Some(test.p))),
        None => "Friedman's test is undefined, because all detectors are equal".to_owned(),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "Ranks in {name} ({blocks}): {friedman}; Nemenyi's critical difference is {critical:.4}.");
}

/// What may be said of detectors with neighbouring ranks.
fn claims(compared: &Compared<'_>) -> String {
    let mut text = String::new();
    let at = format!("at {} % confidence", percent(compared.confidence));
    let categories = &compared.comparison.categories[..];
    let order = match categories {
        [only] => &only.order,
        _ => &compared.comparison.overall.order,
    };
    for pair in order.windows(2) {
        let [better, worse] = [pair[0], pair[1]].map(|model| compared.matched.models[model]);
        let wins = [compared.wins(pair[0], pair[1]), compared.wins(pair[1], pair[0])];
        let _ = match (categories, wins) {
            ([only], [0, 0]) => {
                let name = compared.matched.categories[only.category].name;
                writeln!(text, "Neither {better} nor {worse} beats the other on {name} {at}.")
            }
            ([only], [first, _]) => {
                let (winner, loser) = if first > 0 { (better, worse) } else { (worse, better) };
                let name = compared.matched.categories[only.category].name;
                writeln!(text, "{winner} beats {loser} on {name} {at}.")
            }
            (_, [wins, losses]) => {
                let count = categories.len();
                writeln!(text, "{better} beats {worse} on {wins} of {count} categories {at}, and loses on {losses}.")
            }
        };
    }
    text
}

fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

fn interval(interval: Option<Interval>) -> String {
    interval.map_or_else(|| "-".to_owned(), |Interval { low, high }| format!("{low:.4} to {high:.4}"))
}

/// Two digits of a small one, four decimals of a large one.
fn p_value(p: Option<f64>) -> String {
    match p {
        None => "-".to_owned(),
        Some(p) if p == 0.0 || p >= 1e-3 => format!("{p:.4}"),
        Some(p) => format!("{p:.1e}"),
    }
}

/// A share in percent, with as many digits as it was given with.
fn percent(share: f64) -> String {
    let percent = (share * 1e8).round() / 1e6;
    percent.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!([p_value(None), p_value(Some(0.04)), p_value(Some(1.75e-15))], ["-", "0.0400", "1.8e-15"]);
        assert_eq!([percent(0.95), percent(0.999), percent(0.29)], ["95", "99.9", "29"]);
        assert_eq!(interval(Some(Interval { low: -0.5, high: 0.25 })), "-0.5000 to 0.2500");
    }
}
