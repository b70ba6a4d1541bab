//! Statistics for people.

use super::Described;
use crate::table::{Align, Table};
use crate::units;

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Rows for each kind of defect.
    pub(crate) by_defect: bool,
    /// The images nearest to the statistics, however many there are.
    pub(crate) images: bool,
}

/// Up to this number of detectors in categories have their images printed anyway.
const FEW: usize = 3;

/// The whole text.
pub(crate) fn render(described: &[Described<'_>], score: &str, layout: Layout) -> String {
    let shown: Vec<&Described<'_>> =
        described.iter().filter(|group| layout.by_defect || group.defect.is_none()).collect();
    let results = described.iter().filter(|group| group.defect.is_none()).count();
    let images = described.iter().filter(|group| group.defect.is_none()).map(|group| group.images.len() as u64).sum();
    let mut text = format!(
        "{score}, {} of anomalous images. Whiskers end at the last score within 1.5 interquartile ranges of the box.\n\n",
        units::counted(images, "score")
    );
    text.push_str(&statistics(&shown).render());
    text.push('\n');
    if layout.images || results <= FEW {
        text.push_str("The images nearest to them:\n");
        text.push_str(&nearest(&shown).render());
    } else {
        text.push_str("The images nearest to them: --images\n");
    }
    text
}

fn statistics(shown: &[&Described<'_>]) -> Table {
    let mut table = Table::new(&[
        ("category", Align::Left),
        ("model", Align::Left),
        ("images", Align::Right),
        ("mean", Align::Right),
        ("whislo", Align::Right),
        ("q1", Align::Right),
        ("med", Align::Right),
        ("q3", Align::Right),
        ("whishi", Align::Right),
        ("outliers", Align::Right),
        ("at 0", Align::Right),
        ("at 1", Align::Right),
    ]);
    for group in shown {
        let boxplot = &group.boxplot;
        let mut row = vec![place(group), group.model.to_owned(), group.images.len().to_string()];
        let values = [
            boxplot.mean,
            boxplot.lower_whisker,
            boxplot.first_quartile,
            boxplot.median,
            boxplot.third_quartile,
            boxplot.upper_whisker,
        ];
        row.extend(values.map(|value| format!("{value:.4}")));
        row.push((boxplot.low_outliers.len() + boxplot.high_outliers.len()).to_string());
        let shares = [boxplot.share_of_zeros, boxplot.share_of_ones];
        row.extend(shares.map(|share| format!("{:.1} %", 100.0 * share)));
        table.row(row);
    }
    table
}

fn nearest(shown: &[&Described<'_>]) -> Table {
    let mut table = Table::new(&[
        ("category", Align::Left),
        ("model", Align::Left),
        ("statistic", Align::Left),
        ("value", Align::Right),
        ("score", Align::Right),
        ("image", Align::Left),
    ]);
    for group in shown {
        for chosen in &group.exemplars {
            table.row(vec![
                place(group),
                group.model.to_owned(),
                chosen.statistic.to_string(),
                format!("{:.4}", chosen.value),
                format!("{:.4}", chosen.score),
                group.images[chosen.index].id.clone(),
            ]);
        }
    }
    table
}

fn place(group: &Described<'_>) -> String {
    group.defect.map_or_else(|| group.category.to_owned(), |defect| format!("  {defect}"))
}
