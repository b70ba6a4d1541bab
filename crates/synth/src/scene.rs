//! One image: its size, its defect, and what each detector makes of it.
//!
//! Evidence is measured in standard deviations of the background. A detector's evidence is a background of its own,
//! correlated with that of the category, of the image and so with that of the other detectors, plus a bump over the
//! defect whose height follows from how obvious the defect is and from the detector's skill, plus a false alarm now
//! and then. A defect of an image reaches from invisible to obvious, so that some images are missed whole and some are
//! found whole at any sensible threshold.

use pimo_frame::Size;
use rand_chacha::ChaCha8Rng;

use crate::Plan;
use crate::defect::{Defect, Disc, Shape};
use crate::noise::{Canvas, Field};
use crate::random::{Purpose, StreamKey, below, gaussian, uniform};
use crate::samples::Response;

/// Weights of the backgrounds of category, image and detector; their squares sum to one.
const SHARED_BY_CATEGORY: f32 = 0.36;
const SHARED_BY_DETECTORS: f32 = 0.48;
const DETECTORS_OWN: f32 = 0.8;

/// Height of the bump that a perfect detector shows in the middle of the most obvious defect.
const TALLEST_BUMP: f32 = 16.0;

/// Which image of a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) defect: Option<Defect>,
    pub(crate) number: u64,
}

impl Subject {
    /// A number that no other image of the category has, whatever the counts.
    fn key(self) -> u64 {
        let kind = self.defect.map_or(0, |defect| 1 + defect as u64);
        kind << 56 | self.number
    }
}

/// An image before anything of it is drawn.
#[derive(Debug)]
pub(crate) struct Scene<'p> {
    plan: &'p Plan,
    key: StreamKey,
    size: Size,
    shape: Option<Shape>,
    visibility: f32,
    category_noise: Field,
    image_noise: Field,
}

impl<'p> Scene<'p> {
    pub(crate) fn new(plan: &'p Plan, category: u32, subject: Subject) -> Self {
        let key = StreamKey { seed: plan.seed, category, image: subject.key(), detector: 0 };
        let size =
            if plan.mixed_sizes { mixed_size(plan, &mut key.generator(Purpose::ImageSize, 0)) } else { plan.size };
        let draw_shape = |defect| Shape::draw(defect, size, &mut key.generator(Purpose::Geometry, 0));
        Self {
            plan,
            key,
            size,
            shape: subject.defect.map(draw_shape),
            visibility: uniform(&mut key.generator(Purpose::Visibility, 0), 0.0, 1.0),
            category_noise: Field::draw(size, StreamKey { image: 0, ..key }, Purpose::CategoryNoise),
            image_noise: Field::draw(size, key, Purpose::ImageNoise),
        }
    }

    /// Size of the image and of its mask.
    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// The mask, one byte per pixel: 0 or 255.
    pub(crate) fn mask(&self) -> Vec<u8> {
        match &self.shape {
            Some(shape) => shape.mask(self.size),
            None => vec![0; self.size.pixels() as usize],
        }
    }

    /// Size of the maps of this image.
    pub(crate) fn map_size(&self) -> Size {
        self.plan.raster(self.size)
    }

    /// Replaces `bytes` by the anomaly map of one detector, as little-endian samples.
    pub(crate) fn map(&self, detector: usize, bytes: &mut Vec<u8>) {
        let size = self.map_size();
        let canvas = Canvas { image: self.size, raster: size };
        let key = StreamKey { detector: detector as u32 + 1, ..self.key };
        let own = Field::draw(self.size, key, Purpose::DetectorNoise);
        let noise = Field::mix([
            (SHARED_BY_CATEGORY, &self.category_noise),
            (SHARED_BY_DETECTORS, &self.image_noise),
            (DETECTORS_OWN, &own),
        ])
        .enlarge(canvas);
        let quality = self.plan.detectors[detector].quality;
        let bump = self.shape.as_ref().map(|shape| Bump::draw(shape, self.visibility, quality, canvas, key));
        let alarms = false_alarms(quality, canvas, key);
        let response = Response::draw(StreamKey { image: 0, ..key });

        let (width, sample_bytes) = (size.width as usize, self.plan.sample_type.bytes());
        bytes.resize(size.pixels() as usize * sample_bytes, 0);
        let (mut evidence, mut scratch) = (vec![0.0; width], BumpScratch::new(width));
        for (y, row) in bytes.chunks_exact_mut(width * sample_bytes).enumerate() {
            noise.fill_row(y, &mut evidence);
            for &(disc, height) in &alarms {
                disc.add_row(canvas, y, height, &mut evidence);
            }
            if let Some(bump) = &bump {
                bump.add_row(canvas, y, &mut scratch, &mut evidence);
            }
            response.encode_row(&evidence, self.plan.sample_type, row);
        }
    }

    /// The grey source image: the background, darker where the defect is, the more the more obvious it is.
    pub(crate) fn source_image(&self) -> Vec<u8> {
        let canvas = Canvas { image: self.size, raster: self.size };
        let texture = Field::mix([(0.8, &self.category_noise), (0.6, &self.image_noise), (0.0, &self.image_noise)])
            .enlarge(canvas);
        let width = self.size.width as usize;
        let mut pixels = vec![0; self.size.pixels() as usize];
        let (mut tone, mut scratch) = (vec![0.0; width], BumpScratch::new(width));
        let bump = self.shape.as_ref().map(|shape| Bump {
            shape: shape.clone(),
            weights: vec![1.0; shape.discs().len()],
            height: -5.0 * self.visibility,
        });
        for (y, row) in pixels.chunks_exact_mut(width).enumerate() {
            texture.fill_row(y, &mut tone);
            if let Some(bump) = &bump {
                bump.add_row(canvas, y, &mut scratch, &mut tone);
            }
            for (pixel, tone) in row.iter_mut().zip(&tone) {
                // A cast saturates at black and white.
                *pixel = (150.0 + 20.0 * tone) as u8;
            }
        }
        pixels
    }
}

/// A size from 0.7 to 1.3 of the plan's; with low-resolution maps the aspect ratio stays.
fn mixed_size(plan: &Plan, generator: &mut ChaCha8Rng) -> Size {
    let (down, across) = (uniform(generator, 0.7, 1.3), uniform(generator, 0.7, 1.3));
    let across = if plan.map_size.is_some() { down } else { across };
    let scaled = |side: u32, factor: f32| ((side as f32 * factor + 0.5) as u32).max(1);
    Size::new(scaled(plan.size.height, down), scaled(plan.size.width, across))
}

/// What a detector adds over a defect: `height` times the mean weight of the discs at a pixel, falling to half of that
/// towards the outline and to nothing outside.
struct Bump {
    shape: Shape,
    /// How much of the defect shows at each of its discs.
    weights: Vec<f32>,
    height: f32,
}

/// Rows of sums over discs, all zeros between uses.
struct BumpScratch {
    plain: Vec<f32>,
    weighted: Vec<f32>,
}

impl BumpScratch {
    fn new(width: usize) -> Self {
        Self { plain: vec![0.0; width], weighted: vec![0.0; width] }
    }
}

impl Bump {
    fn draw(shape: &Shape, visibility: f32, quality: f32, canvas: Canvas, key: StreamKey) -> Self {
        let generator = &mut key.generator(Purpose::Detection, 0);
        let doubt = 1.0 - quality;
        let shorter = canvas.shorter() as f32;
        let seen = (visibility + 0.25 * doubt * gaussian(generator)).max(0.0);
        let wander = 0.02 * doubt * shorter;
        let (dx, dy) = (wander * gaussian(generator), wander * gaussian(generator));
        // A detector's response is never narrower than a sample of its map.
        let sample = canvas.column_step().max(canvas.row_step());
        let blur = (0.003 + 0.015 * doubt) * shorter + 1.5 * sample;
        // Parts of a defect show less than others; neighbouring discs are alike.
        let mut weight = uniform(generator, 0.5, 1.0);
        let weights = shape.discs().iter().map(|_| {
            weight = (weight + 0.2 * gaussian(generator)).clamp(0.25, 1.0);
            weight
        });
        let weights = weights.collect();
        Self { shape: shape.blurred(blur, dx, dy), weights, height: TALLEST_BUMP * quality * seen }
    }

    fn add_row(&self, canvas: Canvas, y: usize, scratch: &mut BumpScratch, evidence: &mut [f32]) {
        let touched = self.shape.add_row(canvas, y, &mut scratch.plain);
        if touched.is_empty() {
            return;
        }
        for (disc, &weight) in self.shape.discs().iter().zip(&self.weights) {
            disc.add_row(canvas, y, weight, &mut scratch.weighted);
        }
        let sums = scratch.plain[touched.clone()].iter_mut().zip(&mut scratch.weighted[touched.clone()]);
        for (out, (plain, weighted)) in evidence[touched].iter_mut().zip(sums) {
            *out += self.height * *weighted / (*plain + Shape::LEVEL);
            (*plain, *weighted) = (0.0, 0.0);
        }
    }
}

/// Hot spots where nothing is wrong, on any image: the weaker the detector, the more often and the higher.
fn false_alarms(quality: f32, canvas: Canvas, key: StreamKey) -> Vec<(Disc, f32)> {
    let generator = &mut key.generator(Purpose::HotSpots, 0);
    if uniform(generator, 0.0, 1.0) > 0.04 + 0.25 * (1.0 - quality) {
        return Vec::new();
    }
    let sample = canvas.column_step().max(canvas.row_step());
    let spot = |_| {
        let x = uniform(generator, 0.0, canvas.image.width as f32);
        let y = uniform(generator, 0.0, canvas.image.height as f32);
        let radius = uniform(generator, 0.008, 0.03) * canvas.shorter() as f32 + sample;
        (Disc { x, y, radius }, uniform(generator, 2.0, 5.0 + 2.0 * (1.0 - quality)))
    };
    let count = 1 + below(&mut key.generator(Purpose::HotSpots, 1), 2);
    (0..count).map(spot).collect()
}
