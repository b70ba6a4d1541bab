//! Outlines of regions.

use pimo_frame::Size;

use super::colours::{BLACK, Rgb};
use super::picture::Picture;

/// How much of the picture the dark edge beside an outline hides: white outlines must show on white images.
const EDGE_ALPHA: f64 = 0.5;

/// Some pixels of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    size: Size,
    inside: Vec<bool>,
}

impl Region {
    pub(super) fn empty(size: Size) -> Self {
        Self { size, inside: vec![false; size.pixels() as usize] }
    }

    pub(super) fn insert(&mut self, y: usize, x: usize) {
        self.inside[y * self.size.width as usize + x] = true;
    }

    pub(super) fn magnified(self, factor: usize) -> Self {
        if factor == 1 {
            return self;
        }
        let width = self.size.width as usize;
        let size = Size::new(self.size.height * factor as u32, self.size.width * factor as u32);
        let rows = self.inside.chunks_exact(width);
        let inside = rows
            .flat_map(|row| row.iter().flat_map(|&inside| [inside].repeat(factor)).collect::<Vec<_>>().repeat(factor));
        Self { size, inside: inside.collect() }
    }

    /// The region and all its 8-neighbours.
    fn grown(&self) -> Self {
        let (height, width) = (self.size.height as usize, self.size.width as usize);
        let mut grown = Self::empty(self.size);
        for y in 0..height {
            let row = &self.inside[y * width..][..width];
            for x in (0..width).filter(|&x| row[x]) {
                for y in y.saturating_sub(1)..(y + 2).min(height) {
                    let (from, to) = (x.saturating_sub(1), (x + 2).min(width));
                    grown.inside[y * width..][from..to].fill(true);
                }
            }
        }
        grown
    }
}

/// Draws the outer contour of the region, one pixel wide, with a dark edge around it.
pub(super) fn draw(picture: &mut Picture, region: &Region, colour: Rgb) {
    let contour = region.grown();
    let edge = contour.grown();
    let width = picture.width();
    for (at, inside) in region.inside.iter().enumerate() {
        let (y, x) = (at / width, at % width);
        if *inside {
            continue;
        }
        if contour.inside[at] {
            picture.set(y, x, colour);
        } else if edge.inside[at] {
            picture.set(y, x, picture.pixel(y, x).under(BLACK, EDGE_ALPHA));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heatmap::colours::WHITE;

    #[test]
    fn contour_lies_outside_of_the_region() {
        let size = Size::new(5, 6);
        let mut region = Region::empty(size);
        region.insert(0, 1);
        let mut picture = Picture::plain(size, Rgb([100; 3]));
        draw(&mut picture, &region, WHITE);
        let row = |y: usize| (0..6).map(|x| picture.pixel(y, x).0[0]).collect::<Vec<_>>();
        assert_eq!(row(0), [255, 100, 255, 50, 100, 100]);
        assert_eq!(row(1), [255, 255, 255, 50, 100, 100]);
        assert_eq!(row(2), [50, 50, 50, 50, 100, 100]);
        assert_eq!(row(3), [100; 6]);
    }

    #[test]
    fn magnified_regions_cover_the_same_area() {
        let mut region = Region::empty(Size::new(2, 2));
        region.insert(1, 0);
        let large = region.magnified(3);
        let expected = (0..36).map(|at| at / 6 >= 3 && at % 6 < 3).collect::<Vec<bool>>();
        assert_eq!(large.inside, expected);
    }
}
