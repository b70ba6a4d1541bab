//! Categories made up at random, awkward ones above all.

use pimo_frame::Size;
use proptest::prelude::*;

use crate::brute::{Kind, Normals};
use crate::fraction::Fraction;
use crate::input::{Input, Plain};

/// A category.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) normal: Vec<Input>,
    pub(crate) anomalous: Vec<Input>,
    pub(crate) bounds: [Bound; 2],
    pub(crate) quantile: String,
    pub(crate) seed: u64,
}

/// A bound of the integration range, which may be chosen by the rates that the category reaches.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// So many digits, and so many places behind the point.
    Decimal(u64, u32),
    /// The double next to a rate of the axis, so far along it, or so many doubles away from it.
    Hit(f64, i8),
    /// Ten to this power.
    Power(f64),
    One,
}

/// Where scores come from.
#[derive(Clone, Copy, Debug)]
enum Palette {
    /// Few, so that most are tied; negative ones too.
    Levels,
    /// Both zeros, and what is next to them.
    Zeros,
    /// The largest there are.
    Extreme,
    /// All different.
    Smooth,
    /// All of these.
    Any,
}

/// How anomalous pixels lie among the normal ones.
#[derive(Clone, Copy, Debug)]
enum Detected {
    Alike,
    Above,
    Below,
    /// Scores that normal pixels have.
    Copied,
}

#[derive(Clone, Copy, Debug)]
enum MaskKind {
    OnePixel,
    Full,
    Scattered,
    Blobs,
}

#[derive(Clone, Copy, Debug)]
enum Stored {
    Single,
    Double,
    Mixed,
}

pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// From 0 up to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for i in (1..count).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }
}

impl Palette {
    fn draw(self, rng: &mut Rng) -> f64 {
        const ZEROS: [f64; 10] =
            [0.0, -0.0, 0.0, -0.0, 5e-324, -5e-324, 1.0e-45_f32 as f64, -1.0e-45_f32 as f64, 1e-310, 1.0];
        const EXTREME: [f64; 9] =
            [1e300, -1e300, f32::MAX as f64, f32::MIN as f64, f64::MAX, f64::MIN, 0.0, 1.0, -1e-300];
        match self {
            Self::Levels => (rng.below(17) as f64 - 8.0) / 8.0,
            Self::Zeros => ZEROS[rng.below(ZEROS.len())],
            Self::Extreme => EXTREME[rng.below(EXTREME.len())],
            Self::Smooth => 2.0 * rng.unit() - 1.0,
            Self::Any => [Self::Levels, Self::Zeros, Self::Extreme, Self::Smooth][rng.below(4)].draw(rng),
        }
    }
}

#[derive(Clone, Debug)]
struct Plan {
    palette: Palette,
    stored: Stored,
    detected: Vec<(Detected, MaskKind)>,
    sizes: Vec<Size>,
    resample_one_in: Option<usize>,
    seed: u64,
}

impl Plan {
    fn image(&self, rng: &mut Rng, evaluated: Size) -> Input {
        let resampled = self.resample_one_in.is_some_and(|one_in| rng.below(one_in) == 0);
        let native = if resampled { Size::new(1 + rng.below(9) as u32, 1 + rng.below(9) as u32) } else { evaluated };
        let single = match self.stored {
            Stored::Single => true,
            Stored::Double => false,
            Stored::Mixed => rng.below(2) == 0,
        };
        let scores = (0..native.pixels()).map(|_| {
            let score = narrow_if(single, self.palette.draw(rng));
            // Blending must not overflow.
            if resampled { narrow_if(single, score * 0.25) } else { score }
        });
        Input { native, evaluated, single, scores: scores.collect(), mask: Vec::new() }
    }

    fn anomalous(&self, rng: &mut Rng, index: usize, normal: &[Input]) -> Input {
        let (detected, kind) = self.detected[index];
        let size = self.sizes[rng.below(self.sizes.len())];
        let mut image = self.image(rng, size);
        let shift = match detected {
            Detected::Above => 2.5,
            Detected::Below => -2.5,
            Detected::Alike | Detected::Copied => 0.0,
        };
        for score in &mut image.scores {
            if let Detected::Copied = detected {
                let other = &normal[rng.below(normal.len())].scores;
                *score = other[rng.below(other.len())];
            } else {
                *score = (*score + shift).clamp(f64::MIN, f64::MAX);
            }
            *score = narrow_if(image.single, *score);
            if image.native != image.evaluated {
                *score = narrow_if(image.single, *score * 0.25);
            }
        }
        let pixels = image.evaluated.pixels() as usize;
        let first = rng.below(pixels);
        let width = image.evaluated.width as usize;
        let mut mask: Vec<bool> = (0..pixels)
            .map(|pixel| match kind {
                MaskKind::OnePixel => false,
                MaskKind::Full => true,
                MaskKind::Scattered => rng.below(4) == 0,
                MaskKind::Blobs => (pixel / width / 3 + pixel % width / 3).is_multiple_of(3),
            })
            .collect();
        mask[first] = true;
        image.mask = mask;
        image
    }
}

/// The nearest finite single if the map holds singles.
fn narrow_if(single: bool, score: f64) -> f64 {
    if single { f64::from((score as f32).clamp(f32::MIN, f32::MAX)) } else { score }
}

impl Case {
    pub(crate) fn plain_normal(&self) -> Vec<Plain> {
        self.normal.iter().map(Input::plain).collect()
    }

    pub(crate) fn kinds(&self) -> [Kind; 3] {
        [Kind::Mean, Kind::Max, Kind::Quantile(self.quantile.clone())]
    }

    /// All thresholds with their rates, and bounds as they would be written.
    pub(crate) fn axis(&self, normals: &Normals, kind: &Kind) -> (Vec<(f64, Fraction)>, [String; 2]) {
        let points = normals.shared(kind);
        let bounds = self.bounds(points.len(), |index| points[index].1.value());
        (points, bounds)
    }

    /// Bounds as they would be written, the lower one first, for an axis with these rates.
    pub(crate) fn bounds(&self, points: usize, rate: impl Fn(usize) -> f64) -> [String; 2] {
        let texts = self.bounds.map(|bound| bound.text(points, &rate));
        let [a, b] = [0, 1].map(|i| texts[i].parse::<f64>().unwrap());
        let [first, second] = texts;
        // Bounds next to each other leave nothing of a score in double precision, or are refused.
        match (a / b).ln() {
            length if length < -1e-12 => [first, second],
            length if length > 1e-12 => [second, first],
            _ if a < 0.9 => [first, "1".to_owned()],
            _ => ["0.5".to_owned(), second],
        }
    }
}

impl Bound {
    fn text(self, points: usize, rate: impl Fn(usize) -> f64) -> String {
        match self {
            Self::Decimal(digits, places) => format!("{digits}e-{places}"),
            Self::Power(power) => format!("{:e}", 10.0_f64.powf(power)),
            Self::One => "1".to_owned(),
            Self::Hit(along, away) => {
                let rate = rate(((points as f64 * along) as usize).min(points - 1));
                let rate = f64::from_bits(rate.to_bits().saturating_add_signed(away.into()));
                format!("{:e}", rate.clamp(1e-6, 1.0))
            }
        }
    }
}

fn bound(steep: i32) -> impl Strategy<Value = Bound> {
    prop_oneof![
        2 => (1_u64..100, 2_u32..5).prop_map(|(digits, places)| Bound::Decimal(digits, places)),
        5 => (0.0_f64..1.0, prop_oneof![4 => Just(0_i8), 1 => -3_i8..=3])
            .prop_map(move |(along, away)| Bound::Hit(along.powi(steep), away)),
        2 => (-4.0_f64..0.0).prop_map(Bound::Power),
        1 => Just(Bound::One),
    ]
}

/// Sizes whose pixels divide powers of ten are frequent, so that rates are decimal numbers and meet bounds exactly.
fn size() -> impl Strategy<Value = Size> {
    let side = prop_oneof![1_u32..9, prop_oneof![Just(10), Just(16), Just(20), Just(25)]];
    prop_oneof![
        6 => (side.clone(), side),
        1 => prop_oneof![Just((1, 1)), Just((1, 130)), Just((67, 1)), Just((3, 65)), Just((70, 61)), Just((2, 5))],
    ]
    .prop_map(|(height, width)| Size::new(height, width))
}

/// Categories of 1 to 20 normal images and a few anomalous ones.
pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let palette = prop_oneof![
        3 => Just(Palette::Smooth),
        2 => Just(Palette::Levels),
        1 => Just(Palette::Zeros),
        1 => Just(Palette::Extreme),
        1 => Just(Palette::Any),
    ];
    let stored = prop_oneof![Just(Stored::Single), Just(Stored::Double), Just(Stored::Mixed)];
    let detected = prop_oneof![
        3 => Just(Detected::Alike),
        1 => Just(Detected::Above),
        1 => Just(Detected::Below),
        3 => Just(Detected::Copied),
    ];
    let mask =
        prop_oneof![Just(MaskKind::OnePixel), Just(MaskKind::Full), Just(MaskKind::Scattered), Just(MaskKind::Blobs)];
    let plan = (
        palette,
        stored,
        proptest::collection::vec((detected, mask), 1..5),
        proptest::collection::vec(size(), 1..4),
        proptest::option::weighted(0.3, 1_usize..4),
        any::<u64>(),
    )
        .prop_map(|(palette, stored, detected, sizes, resample_one_in, seed)| Plan {
            palette,
            stored,
            detected,
            sizes,
            resample_one_in,
            seed,
        });
    let quantile = prop_oneof![
        (1_u32..100).prop_map(|q| format!("{}", f64::from(q) / 100.0)),
        Just("1".to_owned()),
        Just("0.5".to_owned()),
        Just("0.95".to_owned()),
        Just("1e-9".to_owned()),
    ];
    (1_usize..=20, plan, [bound(4), bound(1)], quantile).prop_map(|(count, plan, bounds, quantile)| {
        let mut rng = Rng(plan.seed);
        let normal: Vec<Input> = (0..count)
            .map(|_| {
                let size = plan.sizes[rng.below(plan.sizes.len())];
                plan.image(&mut rng, size)
            })
            .collect();
        let anomalous = (0..plan.detected.len()).map(|index| plan.anomalous(&mut rng, index, &normal)).collect();
        Case { normal, anomalous, bounds, quantile, seed: plan.seed }
    })
}
