//! The second sweep: anomalous images are counted against the shared axis.

use std::sync::{Mutex, PoisonError};

use pimo_accumulator::{
    BadScore, BestIou, BestIouFinder, Counted, GridCells, HighPixels, OverlapCounter, OverlapThresholds, Region,
    RegionCounter, Regions, SharedIou,
};
use pimo_dataset::Class;
use pimo_finaliser::Interval;
use pimo_frame::{Frame, RowScratch};

use crate::Settings;
use crate::axis::Measured;
use crate::levels::LEVELS;
use crate::normal::NormalSide;
use crate::pixels::{PixelCounts, PixelFeed};
use crate::sweep::Count;

/// Measures anomalous images; one for each thread.
pub(crate) struct AnomalousCounter<'a> {
    counter: OverlapCounter,
    settings: &'a Settings,
    /// By index of the detector.
    sides: &'a [Option<NormalSide>],
    overlaps: &'a [Option<Mutex<SharedIou>>],
    pixels: PixelFeed<'a>,
    cells: Vec<Option<GridCells>>,
    high: HighPixels,
    best: BestIouFinder,
    region_counter: RegionCounter,
    scratch: RowScratch,
    /// Of the frame just counted.
    regions: Option<Regions>,
}

/// What an anomalous image says.
pub(crate) struct AnomalousSeen {
    pub(crate) image_score: f64,
    pub(crate) anomalous_pixels: u64,
    pub(crate) measured: Measured,
    /// Pixels, anomalous or not, at or above the lower and the upper threshold.
    pub(crate) predicted: [u64; 2],
    /// Normal and anomalous pixels at or above the threshold of each level that is counted.
    pub(crate) reaching: [[u64; 2]; LEVELS],
    pub(crate) best_iou: Option<BestIou>,
    pub(crate) regions: Vec<RegionSeen>,
}

/// What a region of an anomalous image says.
pub(crate) struct RegionSeen {
    pub(crate) region: Region,
    pub(crate) largest: f64,
    pub(crate) mean: f64,
    pub(crate) aupimo: Option<Interval>,
    /// Pixels found at the lower and at the upper threshold.
    pub(crate) found: [u64; 2],
}

impl<'a> AnomalousCounter<'a> {
    /// All slices by index of the detector.
    pub(crate) fn new(
        settings: &'a Settings,
        sides: &'a [Option<NormalSide>],
        pixels: &'a [Option<PixelCounts>],
        overlaps: &'a [Option<Mutex<SharedIou>>],
    ) -> Self {
        let cells = |side: &NormalSide| GridCells::new(&side.grid.thresholds, side.grid.overlap);
        Self {
            counter: OverlapCounter::new(settings.image_score),
            settings,
            sides,
            overlaps,
            pixels: PixelFeed::new(pixels, Class::Anomalous),
            cells: sides.iter().map(|side| side.as_ref().map(cells)).collect(),
            high: HighPixels::default(),
            best: BestIouFinder::default(),
            region_counter: RegionCounter::default(),
            scratch: RowScratch::default(),
            regions: None,
        }
    }

    /// Called when the grid's cells have been counted.
    fn best_iou(&mut self, model: usize, frame: &Frame) -> Option<BestIou> {
        let regions = self.regions.as_ref().filter(|_| self.settings.metrics.iou)?;
        let counted = self.cells[model].as_ref().map(|cells| Counted { cells, high: &self.high });
        self.best.find(frame, regions, counted, &mut self.scratch)
    }

    /// Called when the frame has been looked at.
    fn regions(&mut self, side: &NormalSide) -> Vec<RegionSeen> {
        let Some(regions) = self.regions.as_ref().filter(|_| self.settings.metrics.regions) else {
            return Vec::new();
        };
        let mut seen = Vec::with_capacity(regions.regions().len());
        self.region_counter.finish(regions, side.axis.keys(), |number, scores| {
            let region = regions.regions()[number];
            let measured = side.axis.measure_region(scores.reached, region.area);
            let (largest, mean) = (scores.largest, scores.mean);
            seen.push(RegionSeen { region, largest, mean, aupimo: measured.aupimo, found: measured.found });
        });
        seen
    }

    /// Completes the grid's cells and continues a curve's recalls above the upper bound. Gives the pixels that reach the
    /// levels.
    fn go_on(
        &mut self,
        model: usize,
        side: &NormalSide,
        anomalous_pixels: u64,
        recalls: &mut Vec<f64>,
    ) -> [[u64; 2]; LEVELS] {
        let (Some(cells), Some(_)) = (&mut self.cells[model], &self.regions) else { return Default::default() };
        let cells = cells.finish(&self.high);
        let (mut found, mut next) = (0, 0);
        for &place in &side.grid.curve {
            found += cells[next..=place].iter().map(|[_, anomalous]| anomalous).sum::<u64>();
            next = place + 1;
            recalls.push(found as f64 / anomalous_pixels as f64);
        }
        let sum = |sum: [u64; 2], cell: &[u64; 2]| [sum[0] + cell[0], sum[1] + cell[1]];
        side.grid.levels.map(|place| place.map_or([0; 2], |place| cells[..=place].iter().fold([0; 2], sum)))
    }
}

impl Count for AnomalousCounter<'_> {
    type Seen = AnomalousSeen;

    fn count(&mut self, _position: usize, model: usize, frame: &Frame) -> Result<AnomalousSeen, BadScore> {
        let side = self.sides[model].as_ref().expect("a detector without an axis is not swept");
        let predicted = side.axis.operating_points().map(|point| Some(point.threshold));
        let thresholds = OverlapThresholds { axis: side.axis.keys(), predicted };
        let metrics = self.settings.metrics;
        let mask = frame.mask().filter(|_| metrics.needs_regions());
        self.regions = mask.map(|mask| self.settings.regions_of(mask));
        // All visitors see the frame together, so that it is read from memory, and resampled, only once.
        let (regions, cells) = (self.regions.as_ref(), self.cells[model].as_mut());
        let grid = cells.zip(regions).map(|(cells, regions)| cells.rows(frame.evaluated(), regions, &mut self.high));
        let each = regions.filter(|_| metrics.regions);
        let each = each.map(|regions| self.region_counter.rows(regions, side.axis.keys()));
        let pixels = regions.and_then(|regions| self.pixels.ahead(model, Some(regions)));
        // The histogram is the slowest visitor and prefetches its own data, so it goes first.
        let counts = self.counter.count_beside(frame, thresholds, &mut (pixels, (grid, each)))?;
        let mut measured = side.axis.measure(counts.reached, counts.anomalous_pixels);
        let (image_score, anomalous_pixels, predicted) =
            (counts.image_score, counts.anomalous_pixels, counts.predicted);
        let reaching = self.go_on(model, side, anomalous_pixels, &mut measured.recalls);
        Ok(AnomalousSeen {
            image_score,
            anomalous_pixels,
            measured,
            predicted,
            reaching,
            best_iou: self.best_iou(model, frame),
            regions: self.regions(side),
        })
    }

    fn keep(&mut self, _position: usize, model: usize, frame: &Frame) {
        if let (Some(overlap), Some(cells)) = (&self.overlaps[model], &self.cells[model]) {
            let anomalous_pixels = frame.mask().map_or(0, pimo_frame::Mask::anomalous_pixels);
            overlap.lock().unwrap_or_else(PoisonError::into_inner).add(cells.counts(), anomalous_pixels);
        }
        if let Some(regions) = &self.regions {
            self.pixels.keep(model, frame, Some(regions));
        }
    }

    fn is_ahead(&self, model: usize) -> bool {
        self.pixels.is_ahead(model)
    }

    fn take_back(&mut self, model: usize, frame: &Frame) -> bool {
        self.pixels.take_back(model, frame, self.regions.as_ref())
    }

    fn finish(&mut self) {
        self.pixels.finish();
    }
}
