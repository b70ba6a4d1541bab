//! Connected regions of a mask.
//!
//! A mask is cut into runs of anomalous pixels, and runs that touch in neighbouring rows are joined by union-find. Time
//! and memory grow with the number of runs, not of pixels. Regions are numbered in raster order of their first pixel.

use pimo_frame::{Mask, Size};

/// Which pixels touch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Connectivity {
    /// The four pixels that share an edge.
    Four,
    /// These and the four that share a corner; what AUPRO uses.
    #[default]
    Eight,
}

/// Anomalous pixels side by side in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionRun {
    /// First column.
    pub start: u32,
    /// Column behind the last one.
    pub end: u32,
    /// Number of the region, from 0.
    pub region: u32,
}

/// One connected region of a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Pixels.
    pub area: u64,
    /// First row.
    pub top: u32,
    /// First column.
    pub left: u32,
    /// Row behind the last one.
    pub bottom: u32,
    /// Column behind the last one.
    pub right: u32,
    row_sum: u128,
    column_sum: u128,
}

/// Fractional bits of a region weight.
pub const WEIGHT_BITS: u32 = 80;

impl Region {
    /// Mean row and column of the pixels, in pixels from the centre of the first.
    pub fn centroid(&self) -> (f64, f64) {
        (self.row_sum as f64 / self.area as f64, self.column_sum as f64 / self.area as f64)
    }

    /// What one pixel of the region covers of it: 1/area, rounded down to [`WEIGHT_BITS`] fractional bits.
    pub fn weight(&self) -> u128 {
        (1 << WEIGHT_BITS) / u128::from(self.area)
    }
}

/// The connected regions of one mask, and which runs of pixels belong to which.
///
/// ```
/// use pimo_accumulator::{Connectivity, Regions};
/// use pimo_frame::{Mask, Size};
///
/// let diagonal = Mask::from_fn(Size::new(3, 3), |y, x| y == x);
/// assert_eq!(Regions::of(&diagonal, Connectivity::Eight).regions().len(), 1);
/// assert_eq!(Regions::of(&diagonal, Connectivity::Four).regions().len(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    runs: Vec<RegionRun>,
    /// Runs of row `y` are `runs[row_ends[y]..row_ends[y + 1]]`.
    row_ends: Vec<usize>,
    found: Vec<Region>,
    weights: Vec<u128>,
}

impl Regions {
    /// Finds the regions of a mask.
    pub fn of(mask: &Mask, connectivity: Connectivity) -> Self {
        Self::joined(mask, |runs, above, here| join_rows(runs, above, here, connectivity))
    }

    /// All anomalous pixels of a mask as one region, whether they are connected or not: for those who only want to know
    /// which pixels are anomalous. Takes less memory, the more the smaller the regions are.
    pub fn as_one(mask: &Mask) -> Self {
        Self::joined(mask, |runs, _, here| runs[here..].iter_mut().for_each(|run| run.region = 0))
    }

    /// Finds runs, and joins the runs `above..here` of one row with those from `here` on of the next.
    fn joined(mask: &Mask, join: impl Fn(&mut [RegionRun], usize, usize)) -> Self {
        let height = mask.size().height as usize;
        let mut runs: Vec<RegionRun> = Vec::with_capacity(count_runs(mask));
        let mut row_ends = Vec::with_capacity(height + 1);
        row_ends.push(0);
        let mut above = 0;
        for y in 0..height {
            let here = runs.len();
            push_runs(mask.row(y), &mut runs);
            join(&mut runs, above, here);
            row_ends.push(runs.len());
            above = here;
        }
        let found = number_regions(&mut runs, &row_ends);
        let weights = found.iter().map(Region::weight).collect();
        Self { runs, row_ends, found, weights }
    }

    /// One region that is the whole image: every pixel weighs 1 / (pixels of the image).
    pub fn whole(size: Size) -> Self {
        let run = RegionRun { start: 0, end: size.width, region: 0 };
        let mut runs = vec![run; size.height as usize];
        let row_ends: Vec<usize> = (0..=runs.len()).collect();
        let found = number_regions(&mut runs, &row_ends);
        let weights = found.iter().map(Region::weight).collect();
        Self { runs, row_ends, found, weights }
    }

    /// How many regions a mask has at most; found out without finding them.
    pub fn most(mask: &Mask, connectivity: Connectivity) -> u64 {
        let mut regions = 0;
        let (mut above, mut here) = (Vec::new(), Vec::new());
        for y in 0..mask.size().height as usize {
            here.clear();
            push_runs(mask.row(y), &mut here);
            // The highest runs of a region touch none above.
            regions += here.len() - count_touching(&above, &here, connectivity);
            std::mem::swap(&mut above, &mut here);
        }
        regions as u64
    }

    /// Runs of anomalous pixels of a mask, in all rows: it has no more regions than these.
    pub fn count_runs(mask: &Mask) -> u64 {
        count_runs(mask) as u64
    }

    /// Bytes that the runs of a mask and its regions take, with what is gathered of each region.
    pub fn bytes(mask: &Mask, runs: u64, regions: u64) -> u64 {
        let each = 2 * size_of::<Region>() + size_of::<u128>();
        let rows = u64::from(mask.size().height) + 1;
        runs * size_of::<RegionRun>() as u64 + regions * each as u64 + rows * size_of::<usize>() as u64
    }

    /// The regions, in raster order of their first pixel.
    pub fn regions(&self) -> &[Region] {
        &self.found
    }

    /// [`Region::weight`] of every region.
    pub fn weights(&self) -> &[u128] {
        &self.weights
    }

    /// The runs of row `y`, from left to right.
    pub fn row(&self, y: usize) -> &[RegionRun] {
        &self.runs[self.row_ends[y]..self.row_ends[y + 1]]
    }
}

/// Runs of a mask, in all rows.
fn count_runs(mask: &Mask) -> usize {
    let in_row = |words: &[u64]| {
        let mut before = 0;
        let starts = words.iter().map(|&word| {
            // A run starts where a pixel is anomalous and the one to its left is not.
            let starts = word & !(word << 1 | before);
            before = word >> 63;
            starts.count_ones() as usize
        });
        starts.sum::<usize>()
    };
    (0..mask.size().height as usize).map(|y| in_row(mask.row(y))).sum()
}

/// Appends the runs of one row; until [`number_regions`], a run's `region` is its parent in the union-find forest.
fn push_runs(words: &[u64], runs: &mut Vec<RegionRun>) {
    // Most rows have no anomalous pixel: asking for that is quicker than looking for runs.
    if words.iter().fold(0, |any, word| any | word) == 0 {
        return;
    }
    let mut open = None;
    for (i, &word) in words.iter().enumerate() {
        let base = i as u32 * 64;
        let mut at = 0;
        while at < 64 {
            // Where the next change from what is open now lies in this word.
            let wanted = if open.is_some() { !word } else { word };
            let skip = (wanted >> at).trailing_zeros();
            at += skip;
            if at >= 64 {
                break;
            }
            match open.take() {
                None => open = Some(base + at),
                Some(start) => push(runs, start, base + at),
            }
        }
    }
    if let Some(start) = open {
        push(runs, start, words.len() as u32 * 64);
    }
}

fn push(runs: &mut Vec<RegionRun>, start: u32, end: u32) {
    let parent = runs.len() as u32;
    runs.push(RegionRun { start, end, region: parent });
}

/// Joins the runs `above..here` of one row with the runs from `here` of the next row where they touch.
fn join_rows(runs: &mut [RegionRun], above: usize, here: usize, connectivity: Connectivity) {
    let (mut upper, mut lower) = (above, here);
    while upper < here && lower < runs.len() {
        let (a, b) = (runs[upper], runs[lower]);
        if touch(a, b, connectivity) {
            join(runs, upper as u32, lower as u32);
        }
        if a.end < b.end {
            upper += 1;
        } else {
            lower += 1;
        }
    }
}

/// Whether runs of neighbouring rows touch.
fn touch(a: RegionRun, b: RegionRun, connectivity: Connectivity) -> bool {
    let reach = u32::from(connectivity == Connectivity::Eight);
    a.start < b.end + reach && b.start < a.end + reach
}

/// How many of the runs in the row `here` touch one in the row above.
fn count_touching(above: &[RegionRun], here: &[RegionRun], connectivity: Connectivity) -> usize {
    let mut first = 0;
    let touching = here.iter().filter(|run| {
        // Runs that end too far to the left for this one do so for all that follow.
        while above.get(first).is_some_and(|upper| upper.end < run.start) {
            first += 1;
        }
        above[first..].iter().take(2).any(|upper| touch(*upper, **run, connectivity))
    });
    touching.count()
}

fn join(runs: &mut [RegionRun], a: u32, b: u32) {
    let (a, b) = (root(runs, a), root(runs, b));
    // The smaller index stays the root: the root is the run of the region's first pixel.
    runs[a.max(b) as usize].region = a.min(b);
}

fn root(runs: &mut [RegionRun], mut run: u32) -> u32 {
    loop {
        let parent = runs[run as usize].region;
        if parent == run {
            return run;
        }
        let grandparent = runs[parent as usize].region;
        runs[run as usize].region = grandparent;
        run = grandparent;
    }
}

/// Replaces parents by region numbers and measures the regions.
fn number_regions(runs: &mut [RegionRun], row_ends: &[usize]) -> Vec<Region> {
    let roots = runs.iter().enumerate().filter(|(i, run)| run.region as usize == *i).count();
    let mut regions: Vec<Region> = Vec::with_capacity(roots);
    for y in 0..row_ends.len() - 1 {
        for i in row_ends[y]..row_ends[y + 1] {
            // Every run before this one has its region's number already, so a parent other than itself is one.
            let parent = runs[i].region as usize;
            let number = if parent == i { regions.len() as u32 } else { runs[parent].region };
            runs[i].region = number;
            let run = runs[i];
            if parent == i {
                regions.push(Region {
                    area: 0,
                    top: y as u32,
                    left: run.start,
                    bottom: y as u32,
                    right: run.end,
                    row_sum: 0,
                    column_sum: 0,
                });
            }
            regions[number as usize].extend(y as u32, run);
        }
    }
    regions
}

impl Region {
    fn extend(&mut self, y: u32, run: RegionRun) {
        let length = u64::from(run.end - run.start);
        self.area += length;
        self.left = self.left.min(run.start);
        self.right = self.right.max(run.end);
        self.bottom = y + 1;
        self.row_sum += u128::from(y) * u128::from(length);
        self.column_sum += u128::from(u64::from(run.start) + u64::from(run.end) - 1) * u128::from(length) / 2;
    }
}

/// Columns `(start, end)` of the stretches of normal pixels in a row of `width` pixels; some may be empty.
pub(crate) fn normal_stretches(runs: &[RegionRun], width: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = std::iter::once(0).chain(runs.iter().map(|run| run.end as usize));
    let ends = runs.iter().map(|run| run.start as usize).chain(std::iter::once(width));
    starts.zip(ends)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pimo_frame::Size;
    use proptest::prelude::*;

    use super::*;

    /// Region number of every pixel by flood fill.
    fn flood(mask: &Mask, connectivity: Connectivity) -> (Vec<Option<u32>>, u32) {
        let (height, width) = (mask.size().height as usize, mask.size().width as usize);
        let mut labels = vec![None; height * width];
        let mut next = 0;
        for start in 0..height * width {
            if labels[start].is_some() || !mask.get(start / width, start % width) {
                continue;
            }
            let mut todo = vec![start];
            labels[start] = Some(next);
            while let Some(at) = todo.pop() {
                let (y, x) = ((at / width) as isize, (at % width) as isize);
                for (dy, dx) in [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)] {
                    if connectivity == Connectivity::Four && dy != 0 && dx != 0 {
                        continue;
                    }
                    let (y, x) = (y + dy, x + dx);
                    if y < 0 || x < 0 || y >= height as isize || x >= width as isize {
                        continue;
                    }
                    let at = y as usize * width + x as usize;
                    if labels[at].is_none() && mask.get(y as usize, x as usize) {
                        labels[at] = Some(next);
                        todo.push(at);
                    }
                }
            }
            next += 1;
        }
        (labels, next)
    }

    fn check(mask: &Mask, connectivity: Connectivity) {
        let (labels, count) = flood(mask, connectivity);
        let width = mask.size().width as usize;
        let found = Regions::of(mask, connectivity);
        assert_eq!(found.regions().len() as u32, count);
        let mut ours = vec![None; labels.len()];
        for y in 0..mask.size().height as usize {
            for run in found.row(y) {
                for x in run.start..run.end {
                    ours[y * width + x as usize] = Some(run.region);
                }
            }
        }
        assert_eq!(ours, labels);
        for (number, region) in found.regions().iter().enumerate() {
            let pixels: Vec<(usize, usize)> = (0..labels.len())
                .filter(|&at| labels[at] == Some(number as u32))
                .map(|at| (at / width, at % width))
                .collect();
            assert_eq!(region.area, pixels.len() as u64);
            let rows = || pixels.iter().map(|p| p.0 as u32);
            let columns = || pixels.iter().map(|p| p.1 as u32);
            assert_eq!((region.top, region.bottom), (rows().min().unwrap(), rows().max().unwrap() + 1));
            assert_eq!((region.left, region.right), (columns().min().unwrap(), columns().max().unwrap() + 1));
            let mean = |sum: u32| f64::from(sum) / pixels.len() as f64;
            assert_eq!(region.centroid(), (mean(rows().sum()), mean(columns().sum())));
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_flood_fill(
            height in 1_u32..12, width in prop_oneof![1_u32..12, 60_u32..70, 126_u32..131],
            bits in proptest::collection::vec(any::<u8>(), 1..200), density in 1_u8..255,
        ) {
            let mask = Mask::from_fn(Size::new(height, width), |y, x| {
                bits[(y * width as usize + x) % bits.len()] < density
            });
            check(&mask, Connectivity::Four);
            check(&mask, Connectivity::Eight);
        }
    }

    #[test]
    fn shapes_that_join_late() {
        let comb = Mask::from_fn(Size::new(5, 130), |y, x| y == 4 || x % 2 == 0);
        let spiral = Mask::from_fn(Size::new(7, 7), |y, x| {
            ["#######", "......#", "#####.#", "#...#.#", "#.###.#", "#.....#", "#######"][y].as_bytes()[x] == b'#'
        });
        for mask in [comb, spiral, Mask::empty(Size::new(3, 3)), Mask::from_fn(Size::new(2, 64), |_, _| true)] {
            check(&mask, Connectivity::Four);
            check(&mask, Connectivity::Eight);
        }
    }

    #[test]
    fn the_whole_image_is_what_a_full_mask_has() {
        for size in [Size::new(1, 1), Size::new(5, 3), Size::new(2, 130)] {
            let full = Mask::from_fn(size, |_, _| true);
            assert_eq!(Regions::whole(size), Regions::of(&full, Connectivity::Eight));
        }
    }

    proptest! {
        #[test]
        fn the_most_bytes_are_enough(
            height in 1_u32..12, width in prop_oneof![1_u32..12, 60_u32..70, 126_u32..131],
            bits in proptest::collection::vec(any::<u8>(), 1..200), density in 1_u8..255,
        ) {
            let mask = Mask::from_fn(Size::new(height, width), |y, x| {
                bits[(y * width as usize + x) % bits.len()] < density
            });
            for connectivity in [Connectivity::Four, Connectivity::Eight] {
                let found = Regions::of(&mask, connectivity);
                let bytes = found.runs.capacity() * size_of::<RegionRun>()
                    + found.found.capacity() * 2 * size_of::<Region>()
                    + found.weights.capacity() * size_of::<u128>()
                    + found.row_ends.capacity() * size_of::<usize>();
                let (runs, most) = (Regions::count_runs(&mask), Regions::most(&mask, connectivity));
                prop_assert!(found.regions().len() as u64 <= most && most <= runs);
                prop_assert!(bytes as u64 <= Regions::bytes(&mask, runs, most));
            }
        }

        #[test]
        fn as_one_region_the_same_pixels_are_anomalous(
            bits in proptest::collection::vec(any::<u8>(), 1..200), density in 1_u8..255,
        ) {
            let mask = Mask::from_fn(Size::new(9, 70), |y, x| bits[(y * 70 + x) % bits.len()] < density);
            let (found, one) = (Regions::of(&mask, Connectivity::Eight), Regions::as_one(&mask));
            let ends = |regions: &Regions| -> Vec<(u32, u32)> {
                (0..9).flat_map(|y| regions.row(y)).map(|run| (run.start, run.end)).collect()
            };
            prop_assert_eq!(ends(&found), ends(&one));
            let area = |regions: &Regions| regions.regions().iter().map(|region| region.area).sum::<u64>();
            prop_assert_eq!(area(&found), area(&one));
            prop_assert!(one.regions().len() == usize::from(area(&one) > 0));
        }
    }

    /// Lines across the direction of the rows have as many runs as pixels, but are few regions.
    #[test]
    fn lines_are_few_regions_of_many_runs() {
        let across = Mask::from_fn(Size::new(1024, 1024), |_, x| x % 16 == 0);
        assert_eq!((Regions::count_runs(&across), Regions::most(&across, Connectivity::Eight)), (64 << 10, 64));
        assert!(Regions::bytes(&across, 64 << 10, 64) < 1 << 20);
    }

    #[test]
    fn weights_of_a_region_sum_to_almost_one() {
        let mask = Mask::from_fn(Size::new(3, 7), |_, _| true);
        let found = Regions::of(&mask, Connectivity::Eight);
        let sum = found.weights()[0] * 21;
        assert!(sum <= 1 << WEIGHT_BITS && (1 << WEIGHT_BITS) - sum < 21);
    }
}
