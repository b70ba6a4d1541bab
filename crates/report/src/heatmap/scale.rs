//! How large a picture becomes.

use pimo_frame::Size;

use super::HeatMapError;
use super::colours::Rgb;

/// The greatest side length that may be asked for: 768 MiB of RGB samples.
const LARGEST_SIDE: u32 = 16_384;

/// Limits for the longest side of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Smaller images are magnified by the largest whole factor that does not exceed this.
    pub at_least: u32,
    /// Larger images are averaged down to this.
    pub at_most: u32,
}

impl Default for Scale {
    fn default() -> Self {
        Self { at_least: 256, at_most: 2048 }
    }
}

impl Scale {
    pub(super) fn check(self) -> Result<(), HeatMapError> {
        let Self { at_least, at_most } = self;
        if at_most == 0 || at_most > LARGEST_SIDE || at_least > at_most {
            return Err(HeatMapError::Scale { at_least, at_most, largest: LARGEST_SIDE });
        }
        Ok(())
    }

    /// By how much an image of this size is magnified.
    pub(super) fn magnification(self, size: Size) -> usize {
        (self.at_least / size.height.max(size.width)).max(1) as usize
    }
}

/// Assignment of input pixels to output pixels, each output pixel being the mean of a box of input pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boxes {
    input: Size,
    output: Size,
}

impl Boxes {
    /// Boxes that bring the longest side down to `longest_side`, or of one pixel each.
    pub(super) fn reducing(input: Size, longest_side: u32) -> Self {
        let longest = input.height.max(input.width);
        let reduce = |side: u32| {
            let side = u64::from(side) * u64::from(longest_side);
            ((side + u64::from(longest) / 2) / u64::from(longest)).max(1) as u32
        };
        let output = if longest <= longest_side { input } else { Size::new(reduce(input.height), reduce(input.width)) };
        Self { input, output }
    }

    pub(super) fn output(&self) -> Size {
        self.output
    }

    pub(super) fn output_row(&self, y: usize) -> usize {
        target(y, self.input.height, self.output.height)
    }

    /// Output column of every input column.
    pub(super) fn columns(&self) -> Vec<usize> {
        (0..self.input.width as usize).map(|x| target(x, self.input.width, self.output.width)).collect()
    }

    pub(super) fn averager(&self) -> Averager {
        let width = self.output.width as usize;
        Averager { boxes: *self, columns: self.columns(), sums: vec![[0; 3]; width], counts: vec![0; width] }
    }
}

fn target(position: usize, input: u32, output: u32) -> usize {
    (position as u64 * u64::from(output) / u64::from(input)) as usize
}

/// Averages rows that come one after the other.
#[derive(Debug)]
pub(super) struct Averager {
    boxes: Boxes,
    columns: Vec<usize>,
    sums: Vec<[u64; 3]>,
    counts: Vec<u64>,
}

impl Averager {
    /// Adds the pixel in column `x` of the current row.
    pub(super) fn add(&mut self, x: usize, colour: Rgb) {
        let column = self.columns[x];
        for (sum, sample) in self.sums[column].iter_mut().zip(colour.0) {
            *sum += u64::from(sample);
        }
        self.counts[column] += 1;
    }

    /// Says that input row `y` is whole; appends the output row to `rgb` when it is whole, too.
    pub(super) fn end_row(&mut self, y: usize, rgb: &mut Vec<u8>) {
        let last = y + 1 == self.boxes.input.height as usize;
        if !last && self.boxes.output_row(y) == self.boxes.output_row(y + 1) {
            return;
        }
        for (sums, count) in self.sums.iter_mut().zip(&mut self.counts) {
            rgb.extend(sums.map(|sum| ((sum + *count / 2) / (*count).max(1)) as u8));
            *sums = [0; 3];
            *count = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_keep_their_ratio_and_never_vanish() {
        let output = |height, width, longest| Boxes::reducing(Size::new(height, width), longest).output();
        assert_eq!(output(1024, 1024, 256), Size::new(256, 256));
        assert_eq!(output(900, 1000, 256), Size::new(230, 256));
        assert_eq!(output(1, 100_000, 256), Size::new(1, 256));
        assert_eq!(output(100, 50, 256), Size::new(100, 50));
    }

    #[test]
    fn every_output_pixel_has_input() {
        for (input, output) in [(7, 3), (1000, 256), (257, 256), (5, 5)] {
            let boxes = Boxes::reducing(Size::new(input, input), output);
            let mut columns = boxes.columns();
            columns.dedup();
            assert_eq!(columns, (0..output as usize).collect::<Vec<_>>());
        }
    }

    #[test]
    fn impossible_limits_are_refused() {
        assert!(Scale::default().check().is_ok());
        assert!(Scale { at_least: 0, at_most: 0 }.check().is_err());
        assert!(Scale { at_least: 300, at_most: 200 }.check().is_err());
        assert!(Scale { at_least: 1, at_most: u32::MAX }.check().is_err());
        assert_eq!(Scale::default().magnification(Size::new(64, 100)), 2);
        assert_eq!(Scale::default().magnification(Size::new(300, 10)), 1);
    }
}
