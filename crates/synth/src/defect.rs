//! Defects: irregular shapes from a single pixel to a tenth of the image.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use pimo_frame::Size;
use rand_chacha::ChaCha8Rng;

use crate::SynthError;
use crate::noise::Canvas;
use crate::random::{below, gaussian, log_uniform, uniform};

/// A kind of defect; each becomes a folder of test images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Defect {
    /// One pixel to a few pixels.
    Pinhole,
    /// Long and thin.
    Scratch,
    /// One compact region of medium size.
    Dent,
    /// One large irregular region.
    Stain,
    /// Several small regions.
    Debris,
}

impl Defect {
    /// All kinds, in the order of their sizes as single regions, the scattered one last.
    pub const ALL: [Self; 5] = [Self::Pinhole, Self::Scratch, Self::Dent, Self::Stain, Self::Debris];

    /// The name of the folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pinhole => "pinhole",
            Self::Scratch => "scratch",
            Self::Dent => "dent",
            Self::Stain => "stain",
            Self::Debris => "debris",
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Defect {
    type Err = SynthError;

    fn from_str(text: &str) -> Result<Self, SynthError> {
        Self::ALL
            .into_iter()
            .find(|defect| defect.name() == text)
            .ok_or_else(|| SynthError::choice("kind of defect", text, &Self::ALL.map(Self::name)))
    }
}

/// A soft disc: `(1 - d^2 / radius^2)^2` at distance d from its centre, zero outside. In pixels of the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disc {
    /// Column of the centre; pixel x covers [x, x + 1).
    pub(crate) x: f32,
    /// Row of the centre.
    pub(crate) y: f32,
    /// Where the disc ends.
    pub(crate) radius: f32,
}

impl Disc {
    /// Columns of the raster that row `y` of the disc may reach.
    fn columns(&self, canvas: Canvas, y: usize) -> Range<usize> {
        let dy = (y as f32 + 0.5) * canvas.row_step() - self.y;
        if dy.abs() >= self.radius {
            return 0..0;
        }
        let step = canvas.column_step();
        // A cast saturates: what lies left of the raster becomes column 0.
        let start = ((self.x - self.radius) / step) as usize;
        let end = ((self.x + self.radius) / step + 1.0) as usize;
        start..end.min(canvas.raster.width as usize).max(start)
    }

    /// Adds `amplitude` times row `y` of the disc and returns the columns it touched.
    pub(crate) fn add_row(&self, canvas: Canvas, y: usize, amplitude: f32, row: &mut [f32]) -> Range<usize> {
        let columns = self.columns(canvas, y);
        let Some(touched) = row.get_mut(columns.clone()) else {
            return 0..0;
        };
        let step = canvas.column_step();
        let dy = (y as f32 + 0.5) * canvas.row_step() - self.y;
        let inverse = 1.0 / (self.radius * self.radius);
        for (x, out) in (columns.start as u32..).zip(touched) {
            let dx = (x as f32 + 0.5) * step - self.x;
            let height = (1.0 - (dx * dx + dy * dy) * inverse).max(0.0);
            *out += amplitude * (height * height);
        }
        columns
    }
}

/// A defect's outline: the pixels where its discs sum to more than [`Shape::LEVEL`].
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    discs: Vec<Disc>,
}

impl Shape {
    /// The sum of discs at the outline.
    pub(crate) const LEVEL: f32 = 0.25;

    /// A disc's radius over the radius of the region it outlines alone: (1 - 1/2)^2 is the level.
    const DISC_PER_REGION: f32 = std::f32::consts::SQRT_2;

    /// Draws a defect that covers at least the pixel its first disc is centred on.
    pub(crate) fn draw(defect: Defect, image: Size, generator: &mut ChaCha8Rng) -> Self {
        let shorter = image.height.min(image.width) as f32;
        // The middle of a pixel, so that even the smallest disc covers one.
        let x = (uniform(generator, 0.12, 0.88) * image.width as f32).floor() + 0.5;
        let y = (uniform(generator, 0.12, 0.88) * image.height as f32).floor() + 0.5;
        let mut discs = Vec::new();
        let mut add = |x: f32, y: f32, region: f32| {
            discs.push(Disc { x, y, radius: region.max(0.55) * Self::DISC_PER_REGION });
        };
        match defect {
            Defect::Pinhole => add(x, y, log_uniform(generator, 0.5, (0.008 * shorter).max(0.55))),
            Defect::Dent => {
                let region = log_uniform(generator, 0.012 * shorter, 0.05 * shorter);
                add(x, y, region);
                for _ in 0..3 {
                    let spread = 0.6 * region;
                    let (dx, dy) = (spread * gaussian(generator), spread * gaussian(generator));
                    add(x + dx, y + dy, region * uniform(generator, 0.5, 1.0));
                }
            }
            Defect::Stain => {
                let region = uniform(generator, 0.04, 0.1) * shorter;
                add(x, y, region);
                for _ in 0..5 + below(generator, 4) {
                    let spread = 0.8 * region;
                    let (dx, dy) = (spread * gaussian(generator), spread * gaussian(generator));
                    add(x + dx, y + dy, region * uniform(generator, 0.4, 1.1));
                }
            }
            Defect::Debris => {
                for piece in 0..3 + below(generator, 5) {
                    let spread = if piece == 0 { 0.0 } else { 0.08 * shorter };
                    let (dx, dy) = (spread * gaussian(generator), spread * gaussian(generator));
                    let (x, y) = (x + dx, y + dy);
                    let inside = x >= 0.0 && y >= 0.0 && x < image.width as f32 && y < image.height as f32;
                    let region = log_uniform(generator, 0.003 * shorter, 0.02 * shorter);
                    if inside {
                        add(x, y, region);
                    }
                }
            }
            Defect::Scratch => {
                let region = log_uniform(generator, 0.003 * shorter, 0.012 * shorter).max(0.55);
                let steps = (uniform(generator, 0.08, 0.35) * shorter / region) as u32 + 1;
                // A random walk of the direction, kept at length one, bends the line.
                let (mut dx, mut dy) = unit(uniform(generator, -1.0, 1.0), uniform(generator, -1.0, 1.0));
                let (mut x, mut y) = (x, y);
                for _ in 0..steps {
                    add(x, y, region * uniform(generator, 0.8, 1.2));
                    let bend = 0.08 * gaussian(generator);
                    (dx, dy) = unit(dx - bend * dy, dy + bend * dx);
                    (x, y) = (x + dx * region, y + dy * region);
                }
            }
        }
        Self { discs }
    }

    pub(crate) fn discs(&self) -> &[Disc] {
        &self.discs
    }

    /// The shape as a detector sees it: every disc widened by `blur` pixels, all moved by (`dx`, `dy`) pixels.
    pub(crate) fn blurred(&self, blur: f32, dx: f32, dy: f32) -> Self {
        let disc = |disc: &Disc| Disc { x: disc.x + dx, y: disc.y + dy, radius: disc.radius + blur };
        Self { discs: self.discs.iter().map(disc).collect() }
    }

    /// Adds row `y` of the sum of discs and returns the columns that were touched.
    pub(crate) fn add_row(&self, canvas: Canvas, y: usize, row: &mut [f32]) -> Range<usize> {
        let mut touched = 0..0;
        for disc in &self.discs {
            let columns = disc.add_row(canvas, y, 1.0, row);
            if touched.is_empty() {
                touched = columns;
            } else if !columns.is_empty() {
                touched = touched.start.min(columns.start)..touched.end.max(columns.end);
            }
        }
        touched
    }

    /// The mask at full size, one byte per pixel: 0 or 255.
    pub(crate) fn mask(&self, image: Size) -> Vec<u8> {
        let canvas = Canvas { image, raster: image };
        let mut sum = vec![0.0; image.width as usize];
        let mut mask = vec![0; image.pixels() as usize];
        for (y, pixels) in mask.chunks_exact_mut(image.width as usize).enumerate() {
            let touched = self.add_row(canvas, y, &mut sum);
            for (pixel, sum) in pixels[touched.clone()].iter_mut().zip(&mut sum[touched]) {
                *pixel = if *sum > Self::LEVEL { 255 } else { 0 };
                *sum = 0.0;
            }
        }
        mask
    }
}

/// The direction of a vector, or along x for the zero vector.
fn unit(x: f32, y: f32) -> (f32, f32) {
    let length = (x * x + y * y).sqrt();
    if length > 0.0 { (x / length, y / length) } else { (1.0, 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, StreamKey};

    fn area(defect: Defect, size: Size, image: u64) -> usize {
        let key = StreamKey { image, ..StreamKey::default() };
        let shape = Shape::draw(defect, size, &mut key.generator(Purpose::Geometry, 0));
        shape.mask(size).iter().filter(|&&pixel| pixel != 0).count()
    }

    #[test]
    fn every_defect_covers_a_pixel_whatever_the_size() {
        for defect in Defect::ALL {
            for size in [Size::new(1, 1), Size::new(1, 40), Size::new(37, 2), Size::new(64, 64), Size::new(200, 300)] {
                for image in 0..20 {
                    assert!(area(defect, size, image) > 0, "{defect} {size} {image}");
                }
            }
        }
    }

    #[test]
    fn sizes_reach_from_one_pixel_to_a_large_region() {
        let size = Size::new(256, 256);
        let areas: Vec<usize> = Defect::ALL.iter().flat_map(|&d| (0..40).map(move |i| area(d, size, i))).collect();
        assert_eq!(areas.iter().min(), Some(&1));
        let largest = areas.iter().max().copied().unwrap_or(0);
        assert!(largest > 256 * 256 / 25, "{largest}");
        assert!(largest < 256 * 256 / 2, "{largest}");
    }

    #[test]
    fn names_read_back() {
        for defect in Defect::ALL {
            assert_eq!(defect.name().parse::<Defect>().ok(), Some(defect));
        }
        let message = "hole".parse::<Defect>().map_err(|error| error.to_string());
        assert!(message.is_err_and(|text| text.contains("`hole`") && text.contains("pinhole")));
    }
}
