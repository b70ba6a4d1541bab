//! Pictures of few colours, for small files: median cut.

use pimo_frame::Size;

use super::colours::Rgb;
use super::picture::Picture;

/// Bits per channel by which colours are told apart while the palette is chosen.
const BITS: u32 = 5;
const CELLS: usize = 1 << (3 * BITS);

/// A picture whose pixels are indices into a palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Indexed {
    pub(super) size: Size,
    pub(super) palette: Vec<Rgb>,
    pub(super) indices: Vec<u8>,
}

/// Pixels whose colours agree in their first bits.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    /// Position of the cell in the cube of colours.
    at: usize,
    pixels: u64,
    sums: [u64; 3],
}

impl Cell {
    fn coordinate(&self, channel: usize) -> usize {
        self.at >> (BITS as usize * (2 - channel)) & ((1 << BITS) - 1)
    }
}

/// The picture in at most `colours` colours (1 to 256). Depends on nothing but the picture and that number.
pub(super) fn index(picture: &Picture, colours: usize) -> Indexed {
    let boxes = split(cells(picture), colours.clamp(1, 256));
    let mut entry_of = vec![0_u8; CELLS];
    let mut palette = Vec::with_capacity(boxes.len());
    for (entry, cells) in boxes.iter().enumerate() {
        for cell in cells {
            entry_of[cell.at] = entry as u8;
        }
        palette.push(average(cells));
    }
    let indices = picture.rgb().chunks_exact(3).map(|pixel| entry_of[cell_of(pixel)]).collect();
    Indexed { size: picture.size(), palette, indices }
}

fn cell_of(pixel: &[u8]) -> usize {
    pixel.iter().fold(0, |at, &sample| at << BITS | usize::from(sample) >> (8 - BITS))
}

fn cells(picture: &Picture) -> Vec<Cell> {
    let mut cells = vec![Cell::default(); CELLS];
    for pixel in picture.rgb().chunks_exact(3) {
        let at = cell_of(pixel);
        let cell = &mut cells[at];
        cell.at = at;
        cell.pixels += 1;
        for (sum, &sample) in cell.sums.iter_mut().zip(pixel) {
            *sum += u64::from(sample);
        }
    }
    cells.retain(|cell| cell.pixels > 0);
    cells
}

/// Splits the cells until there are enough boxes, always the one that holds most pixels times its longest side.
fn split(cells: Vec<Cell>, colours: usize) -> Vec<Vec<Cell>> {
    let mut boxes = vec![cells];
    while boxes.len() < colours {
        let weights = boxes.iter().map(|cells| weight(cells)).enumerate();
        // Of equal weights the first box, so that the order of boxes is stable.
        let Some((widest, most)) = weights.max_by_key(|&(position, weight)| (weight, std::cmp::Reverse(position)))
        else {
            break;
        };
        if most == 0 {
            break;
        }
        let upper = halve(&mut boxes[widest]);
        boxes.push(upper);
    }
    boxes
}

fn weight(cells: &[Cell]) -> u64 {
    let (_, length) = longest_side(cells);
    cells.iter().map(|cell| cell.pixels).sum::<u64>() * length as u64
}

/// The channel in which the cells differ most, and by how much.
fn longest_side(cells: &[Cell]) -> (usize, usize) {
    let length = |channel| {
        let coordinates = || cells.iter().map(|cell| cell.coordinate(channel));
        coordinates().max().unwrap_or(0) - coordinates().min().unwrap_or(0)
    };
    let (mut channel, mut longest) = (0, length(0));
    for other in 1..3 {
        if length(other) > longest {
            (channel, longest) = (other, length(other));
        }
    }
    (channel, longest)
}

/// Takes the upper half of the pixels out of a box of at least two different cells.
fn halve(cells: &mut Vec<Cell>) -> Vec<Cell> {
    let (channel, _) = longest_side(cells);
    cells.sort_unstable_by_key(|cell| (cell.coordinate(channel), cell.at));
    let half = cells.iter().map(|cell| cell.pixels).sum::<u64>() / 2;
    let mut counted = 0;
    let median = cells.iter().position(|cell| {
        counted += cell.pixels;
        counted > half
    });
    let at = median.unwrap_or(0).clamp(1, cells.len() - 1);
    cells.split_off(at)
}

fn average(cells: &[Cell]) -> Rgb {
    let pixels = cells.iter().map(|cell| cell.pixels).sum::<u64>().max(1);
    Rgb([0, 1, 2].map(|channel| {
        let sum: u64 = cells.iter().map(|cell| cell.sums[channel]).sum();
        ((sum + pixels / 2) / pixels) as u8
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn noise(side: u32) -> Picture {
        let rgb = (0..side * side * 3).map(|sample| (sample.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        Picture::from_rgb(Size::new(side, side), rgb).unwrap()
    }

    fn largest_error(picture: &Picture, indexed: &Indexed) -> u8 {
        let pixels = picture.rgb().chunks_exact(3).zip(&indexed.indices);
        let errors = pixels.flat_map(|(pixel, &index)| {
            let colour = indexed.palette[usize::from(index)].0;
            (0..3).map(move |channel| colour[channel].abs_diff(pixel[channel]))
        });
        errors.max().unwrap()
    }

    #[test]
    fn few_colours_are_kept_as_they_are() {
        let rgb = [[255, 255, 255], [0, 0, 0], [200, 30, 30], [0, 0, 0]].concat();
        let picture = Picture::from_rgb(Size::new(2, 2), rgb).unwrap();
        let indexed = index(&picture, 16);
        assert_eq!(indexed.palette.len(), 3);
        assert_eq!(largest_error(&picture, &indexed), 0);
    }

    #[test]
    fn more_colours_are_nearer() {
        let picture = noise(64);
        let errors: Vec<u8> =
            [1, 16, 256].into_iter().map(|colours| largest_error(&picture, &index(&picture, colours))).collect();
        assert!(errors[0] > errors[1] && errors[1] > errors[2] && errors[2] < 64, "{errors:?}");
        assert_eq!(index(&picture, 256), index(&picture, 256));
        assert!(index(&picture, 16).indices.iter().all(|&index| index < 16));
    }

    #[test]
    fn one_colour_needs_one_entry() {
        let indexed = index(&Picture::plain(Size::new(3, 3), Rgb([1, 2, 3])), 256);
        assert_eq!((indexed.palette, indexed.indices), (vec![Rgb([1, 2, 3])], vec![0; 9]));
    }
}
