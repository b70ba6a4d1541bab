//! Scores that are no numbers.

use pimo_frame::{Frame, Mask, RowScratch, RowVisitor, Sample};

/// The first score of a map that is NaN or infinite; row and column at evaluation size, from 0.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the score in row {row}, column {column} is {value}, and every score has to be a finite number")]
pub struct BadScore {
    /// Row of the pixel, from 0.
    pub row: usize,
    /// Column of the pixel, from 0.
    pub column: usize,
    /// The score.
    pub value: f64,
}

impl BadScore {
    /// Looks for the first score of a frame that is NaN or infinite.
    pub fn first_in(frame: &Frame, scratch: &mut RowScratch) -> Option<Self> {
        let mut first = First(None);
        frame.visit_rows(scratch, &mut first);
        first.0
    }
}

struct First(Option<BadScore>);

impl RowVisitor for First {
    fn rows<S: Sample>(&mut self, first: usize, rows: &[S], width: usize, _: Option<&Mask>) {
        // Where all are numbers, which is soon said of many, none has to be looked at alone.
        if !S::summary(rows).finite {
            (first..).zip(rows.chunks_exact(width)).for_each(|(y, row)| self.row(y, row, None));
        }
    }

    fn row<S: Sample>(&mut self, y: usize, row: &[S], _mask: Option<&[u64]>) {
        if self.0.is_none() {
            let bad = row.iter().position(|score| !score.is_finite());
            self.0 = bad.map(|column| BadScore { row: y, column, value: row[column].to_f64() });
        }
    }
}
