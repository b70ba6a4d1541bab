//! Normal images with the levels of their false positives.

use pimo_frame::{Frame, RowScratch, RowVisitor, Sample};

use super::colour_bar::{self, Segment};
use super::colours::{BLACK, GREY, NAVY, Rgb, WHITE, blues};
use super::paint::{Paint, Painted, paint};
use super::picture::Picture;
use super::{HeatMapError, HeatMapStyle, outline};

/// The false-positive rates whose bands are drawn, as in the AUPIMO paper.
pub const FPR_LEVELS: [f64; 4] = [1e-2, 1e-3, 1e-4, 1e-5];

/// A false-positive rate and the threshold at which it is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FprLevel {
    /// The false-positive rate, in `(0, 1]`.
    pub level: f64,
    /// The highest threshold at which the rate is at least `level`.
    pub threshold: f64,
}

/// Finds the thresholds at which the false-positive rate of this image alone reaches `levels`, which must fall.
///
/// The threshold of a level is the highest score at which the share of the image's pixels at or above it is at least
/// the level. A level of less than one pixel has none and is left out, as are levels outside of `(0, 1]`.
/// Pixels are taken at evaluation size; only those that the largest level needs are kept.
pub fn own_levels(frame: &Frame, levels: &[f64]) -> Vec<FprLevel> {
    let pixels = frame.evaluated().pixels() as f64;
    // 1e-3 of 1000 pixels is one pixel, although the product exceeds 1 in its last bit.
    let counted = |level: f64| (level * pixels - 1e-9).ceil().max(1.0) as usize;
    let resolved: Vec<f64> =
        levels.iter().copied().filter(|&level| level > 0.0 && level <= 1.0 && level * pixels >= 1.0 - 1e-9).collect();
    let Some(most) = resolved.iter().map(|&level| counted(level)).max() else {
        return Vec::new();
    };
    let mut largest = Largest { keep: most, scores: Vec::new(), cut: f64::NEG_INFINITY };
    frame.visit_rows(&mut RowScratch::default(), &mut largest);
    largest.shrink();
    largest.scores.sort_unstable_by(|a, b| b.total_cmp(a));
    let threshold = |level| largest.scores.get(counted(level) - 1).copied();
    resolved.into_iter().filter_map(|level| Some(FprLevel { level, threshold: threshold(level)? })).collect()
}

/// The largest scores seen so far, and at most as many others.
struct Largest {
    keep: usize,
    scores: Vec<f64>,
    /// Scores below this are not among the largest.
    cut: f64,
}

impl Largest {
    fn shrink(&mut self) {
        if self.scores.len() > self.keep {
            let (_, cut, _) = self.scores.select_nth_unstable_by(self.keep - 1, |a, b| b.total_cmp(a));
            self.cut = *cut;
            self.scores.truncate(self.keep);
        }
    }
}

impl RowVisitor for Largest {
    fn row<S: Sample>(&mut self, _y: usize, row: &[S], _mask: Option<&[u64]>) {
        for score in row {
            let score = score.to_f64();
            if score > self.cut {
                self.scores.push(score);
                if self.scores.len() >= 2 * self.keep {
                    self.shrink();
                }
            }
        }
    }
}

/// Draws the bands between the thresholds of `levels` over `background`, or over plain grey.
///
/// `levels` fall and their thresholds do not; up to four are drawn, in the colours of the paper: two blues, white, and
/// black for what is predicted anomalous even at the last level. The outermost band is outlined in navy. Of `style`,
/// the opacity is not used: blues have 0.75, white and black hide the image.
///
/// # Errors
/// Levels that are no rates or out of order; limits of the size that cannot be met.
pub fn false_positive_levels(
    frame: &Frame,
    background: Option<&Picture>,
    levels: &[FprLevel],
    style: &HeatMapStyle,
) -> Result<Picture, HeatMapError> {
    check(levels)?;
    style.scale.check()?;
    let bands: Vec<(f64, Paint)> = levels.iter().zip(bands()).map(|(level, band)| (level.threshold, band)).collect();
    let paint_of = |score: f64| bands.iter().rev().find(|(threshold, _)| score >= *threshold).map(|&(_, band)| band);
    let outermost = bands.first().map_or(f64::INFINITY, |&(threshold, _)| threshold);
    let Painted { mut picture, region } =
        paint(frame, background, style.scale, paint_of, |score, _| score >= outermost);
    if style.outline {
        outline::draw(&mut picture, &region, NAVY);
    }
    if style.colour_bar {
        picture = colour_bar::beside(&picture, &segments(levels));
    }
    Ok(picture)
}

const BLUE_ALPHA: f64 = 0.75;

/// Colours of the bands, from the outermost one inwards.
fn bands() -> [Paint; 4] {
    let band = |colour: Rgb, alpha| Paint { colour, alpha };
    [band(blues(0.9), BLUE_ALPHA), band(blues(0.6), BLUE_ALPHA), band(WHITE, 1.0), band(BLACK, 1.0)]
}

fn segments(levels: &[FprLevel]) -> Vec<Segment> {
    let background = Segment { share: 0.2, colours: vec![GREY], label: None };
    let bands = levels.iter().zip(bands()).map(|(level, band)| Segment {
        share: 0.2,
        colours: vec![GREY.under(band.colour, band.alpha)],
        label: Some(format!("{:e}", level.level)),
    });
    std::iter::once(background).chain(bands).collect()
}

fn check(levels: &[FprLevel]) -> Result<(), HeatMapError> {
    let mut before = FprLevel { level: f64::INFINITY, threshold: f64::NEG_INFINITY };
    for &current in levels {
        let FprLevel { level, threshold } = current;
        let in_order = level < before.level && threshold >= before.threshold;
        if !(in_order && level > 0.0 && level <= 1.0 && threshold.is_finite()) {
            return Err(HeatMapError::Level { level, threshold });
        }
        before = current;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pimo_frame::{Scores, Size};
    use proptest::prelude::*;

    use super::*;
    use crate::heatmap::Scale;

    fn ramp(side: u32) -> Frame {
        let size = Size::new(side, side);
        let scores = (0..size.pixels()).map(|score| score as f64).collect();
        Frame::new(size, size, Scores::from_f64(scores), None).unwrap()
    }

    #[test]
    fn thresholds_are_those_scores_that_reach_the_level() {
        let levels = own_levels(&ramp(100), &FPR_LEVELS);
        let expected = [(1e-2, 9900.0), (1e-3, 9990.0), (1e-4, 9999.0)];
        assert_eq!(levels.iter().map(|at| (at.level, at.threshold)).collect::<Vec<_>>(), expected);
        assert_eq!(own_levels(&ramp(3), &FPR_LEVELS), []);
        assert_eq!(
            own_levels(&ramp(2), &[1.0, 0.26, 0.25]).iter().map(|at| at.threshold).collect::<Vec<_>>(),
            [0.0, 2.0, 3.0]
        );
    }

    proptest! {
        #[test]
        fn thresholds_agree_with_sorting(
            scores in prop::collection::vec(0_u8..6, 1..400),
            level in 0.001_f64..1.0,
        ) {
            let size = Size::new(1, scores.len() as u32);
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            let frame = Frame::new(size, size, Scores::from_f64(scores.clone()), None).unwrap();
            let reached = |threshold: f64| scores.iter().filter(|&&score| score >= threshold).count() as f64;
            match own_levels(&frame, &[level]).as_slice() {
                [] => prop_assert!(level * scores.len() as f64 <= 1.0),
                [found] => {
                    prop_assert!(reached(found.threshold) >= level * scores.len() as f64 - 1e-6);
                    let higher = scores.iter().copied().filter(|&score| score > found.threshold);
                    for score in higher {
                        prop_assert!(reached(score) < level * scores.len() as f64 + 1e-6);
                    }
                }
                more => prop_assert!(false, "{more:?}"),
            }
        }
    }

    #[test]
    fn bands_have_the_colours_of_the_paper() {
        let size = Size::new(1, 5);
        let frame = Frame::new(size, size, Scores::from_f32(vec![0.0, 1.0, 2.0, 3.0, 4.0]), None).unwrap();
        let levels: Vec<FprLevel> =
            FPR_LEVELS.iter().zip(1..).map(|(&level, step)| FprLevel { level, threshold: f64::from(step) }).collect();
        let scale = Scale { at_least: 1, at_most: 100 };
        let style = HeatMapStyle { outline: false, colour_bar: false, scale, ..Default::default() };
        let picture = false_positive_levels(&frame, None, &levels, &style).unwrap();
        let expected = [GREY, GREY.under(blues(0.9), 0.75), GREY.under(blues(0.6), 0.75), WHITE, BLACK];
        assert_eq!((0..5).map(|x| picture.pixel(0, x)).collect::<Vec<_>>(), expected);
        let outlined = false_positive_levels(&frame, None, &levels, &HeatMapStyle { outline: true, ..style }).unwrap();
        assert_eq!(outlined.pixel(0, 0), NAVY);
    }

    #[test]
    fn levels_out_of_order_are_refused() {
        let level = |level, threshold| FprLevel { level, threshold };
        assert!(check(&[level(1e-2, 1.0), level(1e-3, 1.0)]).is_ok());
        assert!(check(&[level(1e-3, 1.0), level(1e-2, 2.0)]).is_err());
        assert!(check(&[level(1e-2, 1.0), level(1e-3, 0.5)]).is_err());
        assert!(check(&[level(0.0, 1.0)]).is_err());
        assert!(check(&[level(0.5, f64::NAN)]).is_err());
    }
}
