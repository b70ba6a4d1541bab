//! Takes categories through counters, tails and axes in the way a run does.

use pimo_accumulator::linspace::{Extent, Grid, GridCounter, GridError};
use pimo_accumulator::{
    Depth, ImageScore, NormalCounter, OverlapCounter, OverlapThresholds, SettledTail, UpperTail, score_of_key,
};
use pimo_finaliser::linspace::{GridRates, LinspaceAxis, LinspaceError};
use pimo_finaliser::{AxisError, FprBounds, OverlapCurve, SharedAxis, SharedFpr};
use pimo_frame::{Frame, RowScratch, SampleType};

use crate::brute::Kind;
use crate::case::Rng;

/// How images are shared out.
pub(crate) struct Sharing {
    /// Images in the order in which they are counted, each with its machine.
    images: Vec<(usize, usize)>,
    machines: usize,
    rng: Rng,
}

impl Sharing {
    /// All on one machine, in order.
    pub(crate) fn plain(count: usize) -> Self {
        Self { images: (0..count).map(|image| (image, 0)).collect(), machines: 1, rng: Rng(0) }
    }

    /// In any order, over any number of machines, of which some may have nothing to do.
    pub(crate) fn random(count: usize, seed: u64) -> Self {
        let mut rng = Rng(seed);
        let machines = 1 + rng.below(6);
        let order = rng.shuffled(count);
        let images = order.into_iter().map(|image| (image, rng.below(machines))).collect();
        Self { images, machines, rng }
    }
}

pub(crate) fn shared_fpr(kind: &Kind) -> SharedFpr {
    let text = match kind {
        Kind::Mean => "mean".to_owned(),
        Kind::Max => "max".to_owned(),
        Kind::Quantile(quantile) => format!("quantile:{quantile}"),
    };
    text.parse().unwrap()
}

pub(crate) fn fpr_bounds(texts: &[String; 2]) -> FprBounds {
    let [lower, upper] = [0, 1].map(|i| texts[i].parse().unwrap());
    FprBounds::from_decimals(lower, upper).unwrap()
}

/// The tail of all normal images before it settles.
pub(crate) fn tail(normal: &[Frame], kind: &Kind, bounds: FprBounds, sharing: Sharing) -> UpperTail {
    let bound = bounds.upper().value();
    let depth = match kind {
        Kind::Mean | Kind::Max => Depth::Mean { bound, images: normal.len() as u64 },
        Kind::Quantile(_) => Depth::EachImage { bound },
    };
    let Sharing { images, machines, mut rng } = sharing;
    let mut tails = vec![UpperTail::new(depth); machines];
    let mut counter = NormalCounter::new(ImageScore::Max);
    for (image, machine) in images {
        let (frame, tail) = (&normal[image], &mut tails[machine]);
        let pixels = frame.evaluated().pixels();
        let counts = counter.count(frame, tail.wanted(pixels), tail.floor()).unwrap();
        tail.add(image as u32, pixels, counts.largest);
    }
    while tails.len() > 1 {
        let other = tails.swap_remove(rng.below(tails.len()));
        let into = rng.below(tails.len());
        tails[into].merge(&other);
    }
    tails.remove(0)
}

/// The axis of a tail; the images whose rates remain open are counted again.
pub(crate) fn axis(
    normal: &[Frame],
    tail: &SettledTail,
    kind: &Kind,
    bounds: FprBounds,
) -> Result<SharedAxis, AxisError> {
    match SharedAxis::new(tail, shared_fpr(kind), bounds, &[]) {
        Err(AxisError::Undecided { key, groups }) => {
            let mut counter = OverlapCounter::new(ImageScore::Max);
            let thresholds = OverlapThresholds { axis: &[], predicted: [Some(score_of_key(key)), None] };
            let recounted: Vec<(u32, u64)> = groups
                .into_iter()
                .map(|group| {
                    let [count, _] = counter.count(&normal[group as usize], thresholds).unwrap().predicted;
                    (group, count * tail.groups()[group as usize].images)
                })
                .collect();
            SharedAxis::new(tail, shared_fpr(kind), bounds, &recounted)
        }
        axis => axis,
    }
}

/// What a run says of an anomalous image.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scored {
    pub(crate) aupimo: Option<f64>,
    /// At every threshold of the axis.
    pub(crate) recalls: Vec<f64>,
    pub(crate) found: [u64; 2],
    pub(crate) predicted: [u64; 2],
    pub(crate) anomalous_pixels: u64,
    pub(crate) image_score: f64,
}

pub(crate) fn scored(axis: &SharedAxis, frame: &Frame) -> Scored {
    let predicted = [axis.lower_threshold(), axis.upper_threshold()].map(|point| Some(point.threshold));
    let mut counter = OverlapCounter::new(ImageScore::Max);
    let counts = counter.count(frame, OverlapThresholds { axis: axis.keys(), predicted }).unwrap();
    let curve = OverlapCurve::new(axis, counts.reached, counts.anomalous_pixels);
    let all: Vec<usize> = (0..axis.keys().len()).collect();
    Scored {
        aupimo: curve.aupimo(),
        recalls: curve.recalls(&all).collect(),
        found: curve.found_at_thresholds(),
        predicted: counts.predicted,
        anomalous_pixels: counts.anomalous_pixels,
        image_score: counts.image_score,
    }
}

/// Why the published procedure gives nothing.
#[derive(Debug)]
pub(crate) enum Refused {
    Grid(GridError),
    Axis(LinspaceError),
}

/// The axis by the published procedure.
pub(crate) fn grid_axis(
    normal: &[Frame],
    thresholds: usize,
    sample_type: SampleType,
    bounds: FprBounds,
    allow_few_points: bool,
) -> Result<LinspaceAxis, Refused> {
    let mut scratch = RowScratch::default();
    let extents = normal.iter().map(|frame| Extent::of(frame, &mut scratch).unwrap());
    let extent = extents.fold(Extent::EMPTY, Extent::union);
    let grid = Grid::new(extent.lowest, extent.highest, thresholds, sample_type).map_err(Refused::Grid)?;
    let mut rates = GridRates::new(grid.len());
    let (mut counter, mut counts) = (GridCounter::new(ImageScore::Max), Vec::new());
    for frame in normal {
        counter.count(frame, &grid, &mut counts).unwrap();
        rates.add(&counts, frame.evaluated().pixels());
    }
    LinspaceAxis::new(grid, rates, bounds, allow_few_points).map_err(Refused::Axis)
}

/// An anomalous image by the published procedure: AUPIMO, recall at the points of the grid `selected`, and the pixels
/// found at the lower and the upper threshold.
pub(crate) fn on_grid(axis: &LinspaceAxis, frame: &Frame, selected: &[usize]) -> (f64, Vec<f64>, [u64; 2]) {
    let keys = axis.keys(selected);
    let mut counter = OverlapCounter::new(ImageScore::Max);
    let counts = counter.count(frame, OverlapThresholds { axis: &keys, predicted: [None; 2] }).unwrap();
    let (reached, pixels) = (counts.reached, counts.anomalous_pixels);
    let recalls = axis.recalls(reached, pixels, selected).collect();
    (axis.aupimo(reached, pixels), recalls, axis.found_at_thresholds(reached))
}
