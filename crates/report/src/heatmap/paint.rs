//! One walk over a frame: colours over the background, averaged into a picture, and a region to be outlined.

use pimo_frame::{Frame, RowScratch, RowVisitor, Sample, Size};

use super::colours::{GREY, Rgb};
use super::outline::Region;
use super::picture::Picture;
use super::scale::{Averager, Boxes, Scale};

/// A colour and how much of the background it hides, in `[0, 1]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) colour: Rgb,
    pub(super) alpha: f64,
}

/// The painted picture, and the pixels of it that have a part in the region.
pub(super) struct Painted {
    pub(super) picture: Picture,
    pub(super) region: Region,
}

/// Paints every pixel of `frame` with `paint(score)` over the background. A pixel is in the region when
/// `in_region(score, in mask)` says so.
pub(super) fn paint(
    frame: &Frame,
    background: Option<&Picture>,
    scale: Scale,
    paint: impl Fn(f64) -> Option<Paint>,
    in_region: impl Fn(f64, bool) -> bool,
) -> Painted {
    let boxes = Boxes::reducing(frame.evaluated(), scale.at_most);
    let size = boxes.output();
    let mut painter = Painter {
        background: Background::new(background, frame.evaluated()),
        paint,
        in_region,
        averager: boxes.averager(),
        rgb: Vec::with_capacity(3 * size.pixels() as usize),
        region: Region::empty(size),
        columns: boxes.columns(),
        boxes,
    };
    frame.visit_rows(&mut RowScratch::default(), &mut painter);
    let factor = scale.magnification(size);
    let picture = Picture::whole(size, painter.rgb).magnified(factor);
    Painted { picture, region: painter.region.magnified(factor) }
}

struct Painter<'a, P, R> {
    background: Background<'a>,
    paint: P,
    in_region: R,
    boxes: Boxes,
    columns: Vec<usize>,
    averager: Averager,
    rgb: Vec<u8>,
    region: Region,
}

impl<P: Fn(f64) -> Option<Paint>, R: Fn(f64, bool) -> bool> RowVisitor for Painter<'_, P, R> {
    fn row<S: Sample>(&mut self, y: usize, row: &[S], mask: Option<&[u64]>) {
        let output_row = self.boxes.output_row(y);
        let background_row = self.background.row(y);
        for (x, score) in row.iter().enumerate() {
            let score = score.to_f64();
            let below = self.background.pixel(background_row, x);
            let colour = match (self.paint)(score) {
                Some(Paint { colour, alpha }) => below.under(colour, alpha),
                None => below,
            };
            self.averager.add(x, colour);
            let in_mask = mask.is_some_and(|words| words[x / 64] >> (x % 64) & 1 == 1);
            if (self.in_region)(score, in_mask) {
                self.region.insert(output_row, self.columns[x]);
            }
        }
        self.averager.end_row(y, &mut self.rgb);
    }
}

/// The background at evaluation size: the nearest pixel of the source image, or plain grey.
struct Background<'a> {
    picture: Option<&'a Picture>,
    rows: u64,
    /// Column of the source image for every column.
    columns: Vec<usize>,
}

impl<'a> Background<'a> {
    fn new(picture: Option<&'a Picture>, evaluated: Size) -> Self {
        let columns = picture.map_or_else(Vec::new, |picture| {
            let width = u64::from(evaluated.width);
            (0..width).map(|x| nearest(x, width, picture.width())).collect()
        });
        Self { picture, rows: u64::from(evaluated.height), columns }
    }

    fn row(&self, y: usize) -> &'a [u8] {
        self.picture.map_or(&[], |picture| picture.row(nearest(y as u64, self.rows, picture.height())))
    }

    fn pixel(&self, row: &[u8], x: usize) -> Rgb {
        self.columns.get(x).map_or(GREY, |&column| Rgb([row[3 * column], row[3 * column + 1], row[3 * column + 2]]))
    }
}

/// The source pixel whose area holds the centre of pixel `position` of `length`.
fn nearest(position: u64, length: u64, source: usize) -> usize {
    ((2 * position + 1) * source as u64 / (2 * length)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_pixels_stay_inside() {
        for (length, source) in [(1, 1), (10, 3), (3, 10), (1000, 1000), (7, 100_000)] {
            let last = nearest(length - 1, length, source);
            assert!(nearest(0, length, source) <= last && last < source, "{length} from {source}");
        }
        assert_eq!((0..4).map(|x| nearest(x, 4, 4)).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!((0..4).map(|x| nearest(x, 4, 2)).collect::<Vec<_>>(), [0, 0, 1, 1]);
    }
}
