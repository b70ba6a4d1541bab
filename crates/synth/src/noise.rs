//! Smooth random fields: coarse grids of random numbers, enlarged by cubic B-splines and summed.
//!
//! Enlarging is separable and linear. Each grid row is enlarged along x once; an output row is then a weighted sum of
//! four enlarged rows per octave, which the compiler turns into vector instructions. Only additions and
//! multiplications in a fixed order are used, so every machine computes the same bits.

use pimo_frame::Size;

use crate::random::{Purpose, StreamKey, gaussian};

/// Grid cells along the shorter side of the image, and the share of the variance, of each octave.
const OCTAVES: [(u32, f32); 4] = [(6, 0.3), (14, 0.25), (30, 0.25), (62, 0.2)];

/// Standard deviation of a field enlarged from a grid of independent numbers of variance 1: the squares of the cubic
/// B-spline weights, averaged over a cell, sum to 2416 / 5040 along each of the two axes.
const SPLINE_DEVIATION: f32 = 2416.0 / 5040.0;

/// The image a field covers, and the raster on which it is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canvas {
    /// Size of the image; grids are laid out in its pixels.
    pub(crate) image: Size,
    /// Size of the raster, each sample of which stands for an equal part of the image.
    pub(crate) raster: Size,
}

impl Canvas {
    /// Image rows per row of the raster.
    pub(crate) fn row_step(self) -> f32 {
        self.image.height as f32 / self.raster.height as f32
    }

    /// Image columns per column of the raster.
    pub(crate) fn column_step(self) -> f32 {
        self.image.width as f32 / self.raster.width as f32
    }

    /// The shorter side of the image.
    pub(crate) fn shorter(self) -> u32 {
        self.image.height.min(self.image.width)
    }
}

/// One octave's grid of random numbers.
#[derive(Clone, Debug)]
struct Grid {
    columns: usize,
    nodes: Vec<f32>,
}

impl Grid {
    /// Nodes along a side of `length` pixels when the shorter side holds `cells` cells: those that a cubic reaches.
    fn nodes_along(length: u32, shorter: u32, cells: u32) -> usize {
        (u64::from(length) * u64::from(cells) / u64::from(shorter)) as usize + 4
    }
}

/// A random field of mean 0 and variance 1, as coarse grids.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    octaves: Vec<Grid>,
}

impl Field {
    /// Draws the grids for an image of the given size.
    pub(crate) fn draw(image: Size, key: StreamKey, purpose: Purpose) -> Self {
        let shorter = image.height.min(image.width);
        let octave = |(number, (cells, _)): (usize, (u32, f32))| {
            let mut generator = key.generator(purpose, number as u32);
            let columns = Grid::nodes_along(image.width, shorter, cells);
            let rows = Grid::nodes_along(image.height, shorter, cells);
            Grid { columns, nodes: (0..rows * columns).map(|_| gaussian(&mut generator)).collect() }
        };
        Self { octaves: OCTAVES.into_iter().enumerate().map(octave).collect() }
    }

    /// The weighted sum of fields of one image size.
    pub(crate) fn mix(parts: [(f32, &Self); 3]) -> Self {
        let [(a, first), (b, second), (c, third)] = parts;
        let octave = |((x, y), z): ((&Grid, &Grid), &Grid)| Grid {
            columns: x.columns,
            nodes: x.nodes.iter().zip(&y.nodes).zip(&z.nodes).map(|((x, y), z)| a * x + b * y + c * z).collect(),
        };
        Self { octaves: first.octaves.iter().zip(&second.octaves).zip(&third.octaves).map(octave).collect() }
    }

    /// Prepares the field for evaluation row by row.
    pub(crate) fn enlarge(&self, canvas: Canvas) -> Enlarged {
        let resolved: Vec<usize> = (0..OCTAVES.len()).filter(|&number| is_resolved(canvas, number)).collect();
        let variance: f32 = resolved.iter().map(|&number| OCTAVES[number].1).sum();
        let octave = |&number: &usize| {
            let (cells, share) = OCTAVES[number];
            EnlargedOctave::new(&self.octaves[number], canvas, cells, (share / variance).sqrt() / SPLINE_DEVIATION)
        };
        Enlarged { octaves: resolved.iter().map(octave).collect() }
    }
}

/// Whether a cell of the octave spans at least two samples of the raster; the coarsest octave always counts.
fn is_resolved(canvas: Canvas, octave: usize) -> bool {
    octave == 0 || canvas.raster.height.min(canvas.raster.width) >= 2 * OCTAVES[octave].0
}

/// Where a sample lies in a grid: the first of four nodes, and the weights of all four.
#[derive(Clone, Copy, Debug)]
struct Tap {
    first: usize,
    weights: [f32; 4],
}

impl Tap {
    fn new(sample: u32, step: f64, scale: f32) -> Self {
        let position = (f64::from(sample) + 0.5) * step;
        let first = position as usize;
        let t = position - first as f64;
        let weights = [
            (1.0 - t) * (1.0 - t) * (1.0 - t),
            4.0 - 6.0 * t * t + 3.0 * t * t * t,
            1.0 + 3.0 * t + 3.0 * t * t - 3.0 * t * t * t,
            t * t * t,
        ];
        Self { first, weights: weights.map(|weight| (weight / 6.0) as f32 * scale) }
    }

    /// Taps along an axis of `image` pixels and `raster` samples.
    fn along(image: u32, raster: u32, cells_per_pixel: f64, scale: f32) -> Vec<Self> {
        let step = f64::from(image) / f64::from(raster) * cells_per_pixel;
        (0..raster).map(|sample| Self::new(sample, step, scale)).collect()
    }
}

/// A field whose grids have been enlarged along x.
#[derive(Debug)]
pub(crate) struct Enlarged {
    octaves: Vec<EnlargedOctave>,
}

#[derive(Debug)]
struct EnlargedOctave {
    width: usize,
    rows: Vec<f32>,
    taps: Vec<Tap>,
}

impl EnlargedOctave {
    fn new(grid: &Grid, canvas: Canvas, cells: u32, amplitude: f32) -> Self {
        let cells_per_pixel = f64::from(cells) / f64::from(canvas.shorter());
        let columns = Tap::along(canvas.image.width, canvas.raster.width, cells_per_pixel, 1.0);
        let mut rows = Vec::with_capacity(grid.nodes.len() / grid.columns * columns.len());
        for nodes in grid.nodes.chunks_exact(grid.columns) {
            rows.extend(columns.iter().map(|tap| {
                let [a, b, c, d] = tap.weights;
                let nodes = &nodes[tap.first..tap.first + 4];
                (a * nodes[0] + b * nodes[1]) + (c * nodes[2] + d * nodes[3])
            }));
        }
        let taps = Tap::along(canvas.image.height, canvas.raster.height, cells_per_pixel, amplitude);
        Self { width: columns.len(), rows, taps }
    }

    fn add_row(&self, y: usize, row: &mut [f32]) {
        let Tap { first, weights: [a, b, c, d] } = self.taps[y];
        let node_row = |k: usize| &self.rows[(first + k) * self.width..][..row.len()];
        let (r0, r1, r2, r3) = (node_row(0), node_row(1), node_row(2), node_row(3));
        for (x, out) in row.iter_mut().enumerate() {
            *out += (a * r0[x] + b * r1[x]) + (c * r2[x] + d * r3[x]);
        }
    }
}

impl Enlarged {
    /// Replaces `row` by row `y` of the field.
    pub(crate) fn fill_row(&self, y: usize, row: &mut [f32]) {
        row.fill(0.0);
        for octave in &self.octaves {
            octave.add_row(y, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raster(image: Size, raster: Size, seed: u64) -> Vec<f32> {
        let field = Field::draw(image, StreamKey { seed, ..StreamKey::default() }, Purpose::ImageNoise);
        let enlarged = field.enlarge(Canvas { image, raster });
        let mut rows = vec![0.0; raster.pixels() as usize];
        for (y, row) in rows.chunks_exact_mut(raster.width as usize).enumerate() {
            enlarged.fill_row(y, row);
        }
        rows
    }

    #[test]
    fn a_field_has_mean_0_and_variance_1() {
        let size = Size::new(192, 320);
        let values: Vec<f32> = (0..20).flat_map(|seed| raster(size, size, seed)).collect();
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / n - mean * mean;
        assert!(mean.abs() < 0.1, "{mean}");
        assert!((variance - 1.0).abs() < 0.1, "{variance}");
    }

    #[test]
    fn neighbours_are_close_and_values_distinct() {
        let size = Size::new(256, 256);
        let values = raster(size, size, 3);
        let step = values.windows(2).filter(|pair| (pair[0] - pair[1]).abs() > 0.8).count();
        assert!(step <= 255, "only ends of rows may differ by much: {step}");
        let mut bits: Vec<u32> = values.iter().map(|v| v.to_bits()).collect();
        bits.sort_unstable();
        bits.dedup();
        assert!(bits.len() * 100 > values.len() * 98, "{} of {} distinct", bits.len(), values.len());
    }

    #[test]
    fn every_size_from_one_pixel_up_can_be_evaluated() {
        for (height, width) in [(1, 1), (1, 9), (9, 1), (2, 3), (63, 64), (500, 3)] {
            for low in [Size::new(1, 1), Size::new(height, width)] {
                let values = raster(Size::new(height, width), low, 1);
                assert!(values.iter().all(|v| v.is_finite()));
            }
        }
    }
}
