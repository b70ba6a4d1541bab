//! The anomaly map in the colours of the AUPIMO paper.

use pimo_analysis::quantile::quantile_of_sorted;
use pimo_frame::{Frame, Scores};

use super::colour_bar::{self, Segment};
use super::colours::{GREY, Rgb, WHITE, blues, reds};
use super::paint::{Paint, Painted, paint};
use super::picture::Picture;
use super::scale::Scale;
use super::{HeatMapError, outline};

/// Part of `Blues` that is used, from the lower threshold to the upper one.
const BLUE_RANGE: (f64, f64) = (0.6, 1.0);
/// Part of `Reds` that is used, from the upper threshold to the top of the scale.
const RED_RANGE: (f64, f64) = (0.4, 1.0);
/// Level of the quantile, among the scores from the upper threshold on, at which the reds end.
const TOP_LEVEL: f64 = 0.99;
/// Length of the red scale when no score reaches the upper threshold.
const EMPTY_RANGE: f64 = 1e-5;

/// The two thresholds that bound AUPIMO.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingScores {
    /// Where the shared FPR reaches the upper bound U.
    pub lower: f64,
    /// Where the shared FPR reaches the lower bound L; at least `lower`.
    pub upper: f64,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeatMapStyle {
    /// Opacity of the colours, in `[0, 1]`.
    pub alpha: f64,
    /// Whether the mask is outlined.
    pub outline: bool,
    /// Whether a colour bar with the thresholds is put beside the picture.
    pub colour_bar: bool,
    /// Size of the picture without its colour bar.
    pub scale: Scale,
}

/// As in the paper: opacity 0.4, outline and colour bar.
impl Default for HeatMapStyle {
    fn default() -> Self {
        Self { alpha: 0.4, outline: true, colour_bar: true, scale: Scale::default() }
    }
}

/// Draws the anomaly map of `frame` over `background`, or over plain grey.
///
/// Scores below `thresholds.lower` are transparent; from there to `thresholds.upper` they are blue (0.6 to 1.0 of
/// `Blues`), and red from there on (0.4 to 1.0 of `Reds`), where the darkest red stands for the 99 % quantile of the
/// stored scores that reach the upper threshold. The background may have any size; it is fitted to the frame.
///
/// # Errors
/// Thresholds that are not finite or fall; limits of the size that cannot be met.
pub fn anomaly_heat_map(
    frame: &Frame,
    background: Option<&Picture>,
    thresholds: OperatingScores,
    style: &HeatMapStyle,
) -> Result<Picture, HeatMapError> {
    let OperatingScores { lower, upper } = thresholds;
    if !(lower.is_finite() && upper.is_finite() && lower <= upper) {
        return Err(HeatMapError::Thresholds { lower, upper });
    }
    style.scale.check()?;
    let top = top_of_scale(frame.scores(), upper);
    let alpha = style.alpha.clamp(0.0, 1.0);
    let paint_of = |score: f64| {
        let colour = if score >= upper {
            reds(within(RED_RANGE, (score - upper) / (top - upper)))
        } else if score >= lower {
            blues(within(BLUE_RANGE, (score - lower) / (upper - lower)))
        } else {
            return None;
        };
        Some(Paint { colour, alpha })
    };
    let Painted { mut picture, region } = paint(frame, background, style.scale, paint_of, |_, in_mask| in_mask);
    if style.outline {
        outline::draw(&mut picture, &region, WHITE);
    }
    if style.colour_bar {
        picture = colour_bar::beside(&picture, &segments(thresholds));
    }
    Ok(picture)
}

/// `position` in `[0, 1]` as a position inside `range`.
fn within(range: (f64, f64), position: f64) -> f64 {
    range.0 + (range.1 - range.0) * position.clamp(0.0, 1.0)
}

fn segments(thresholds: OperatingScores) -> [Segment; 3] {
    let ramp = |map: fn(f64) -> Rgb, range| {
        let steps = 64;
        (0..steps).map(|step| map(within(range, f64::from(step) / f64::from(steps - 1)))).collect()
    };
    let [lower, upper] = colour_bar::numbers(thresholds.lower, thresholds.upper);
    [
        Segment { share: 0.15, colours: vec![GREY], label: None },
        Segment { share: 0.4, colours: ramp(blues, BLUE_RANGE), label: Some(format!("U {lower}")) },
        Segment { share: 0.45, colours: ramp(reds, RED_RANGE), label: Some(format!("L {upper}")) },
    ]
}

/// The score for which the darkest red stands; above `upper`.
fn top_of_scale(scores: &Scores, upper: f64) -> f64 {
    let mut red: Vec<f64> = match scores {
        Scores::F32(scores) => reaching(scores.as_ref().as_ref().iter().copied().map(f64::from), upper),
        Scores::F64(scores) => reaching(scores.as_ref().as_ref().iter().copied(), upper),
    };
    red.sort_unstable_by(f64::total_cmp);
    let top = quantile_of_sorted(&red, TOP_LEVEL).unwrap_or(upper);
    if top > upper { top } else { (upper + EMPTY_RANGE).max(upper.next_up()) }
}

fn reaching(scores: impl Iterator<Item = f64>, bound: f64) -> Vec<f64> {
    scores.filter(|&score| score >= bound && score.is_finite()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pimo_frame::{Mask, Size};

    use super::*;

    fn bare(at_most: u32) -> HeatMapStyle {
        HeatMapStyle { outline: false, colour_bar: false, scale: Scale { at_least: 1, at_most }, ..Default::default() }
    }

    fn frame(scores: &[f32]) -> Frame {
        let size = Size::new(1, scores.len() as u32);
        Frame::new(size, size, Scores::from_f32(scores.to_vec()), None).unwrap()
    }

    const THRESHOLDS: OperatingScores = OperatingScores { lower: 1.0, upper: 2.0 };

    #[test]
    fn colours_follow_the_thresholds() {
        // Red scores are 2 and 3: their 99 % quantile is 2.99.
        let picture =
            anomaly_heat_map(&frame(&[0.999, 1.0, 1.5, 1.9999, 2.0, 3.0]), None, THRESHOLDS, &bare(100)).unwrap();
        let expected = [
            GREY,
            GREY.under(blues(0.6), 0.4),
            GREY.under(blues(0.8), 0.4),
            GREY.under(blues(0.99996), 0.4),
            GREY.under(reds(0.4), 0.4),
            GREY.under(reds(1.0), 0.4),
        ];
        assert_eq!((0..6).map(|x| picture.pixel(0, x)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn background_is_fitted() {
        let background = Picture::from_grey(Size::new(2, 2), &[10, 20, 30, 40]).unwrap();
        let picture = anomaly_heat_map(&frame(&[0.0; 4]), Some(&background), THRESHOLDS, &bare(100)).unwrap();
        let row: Vec<u8> = (0..4).map(|x| picture.pixel(0, x).0[0]).collect();
        assert_eq!(row, [30, 30, 40, 40]);
    }

    #[test]
    fn large_maps_are_averaged() {
        let scores: Vec<f32> = (0..8).map(|x| if x < 4 { 0.0 } else { 9.0 }).collect();
        let picture = anomaly_heat_map(&frame(&scores), None, THRESHOLDS, &bare(2)).unwrap();
        assert_eq!(picture.size(), Size::new(1, 2));
        assert_eq!(picture.pixel(0, 0), GREY);
        // All red scores are equal, so they are the top of the scale.
        assert_eq!(picture.pixel(0, 1), GREY.under(reds(1.0), 0.4));
    }

    #[test]
    fn mask_is_outlined_and_bar_is_added() {
        let size = Size::new(64, 64);
        let mask = Mask::from_fn(size, |y, x| (20..40).contains(&y) && (20..40).contains(&x));
        let frame = Frame::new(size, size, Scores::from_f64(vec![0.0; 64 * 64]), Some(mask.into())).unwrap();
        let picture = anomaly_heat_map(&frame, None, THRESHOLDS, &HeatMapStyle::default()).unwrap();
        assert_eq!(picture.size().height, 256);
        assert!(picture.size().width > 300);
        assert_eq!(picture.pixel(79, 100), WHITE);
        assert_eq!(picture.pixel(80, 100), GREY);
        assert_eq!(picture.pixel(77, 100), GREY);
    }

    #[test]
    fn top_of_the_scale_lies_above_the_threshold() {
        let top = |scores: &[f64], upper| top_of_scale(&Scores::from_f64(scores.to_vec()), upper);
        assert_eq!(top(&[0.0, 1.0], 2.0), 2.0 + 1e-5);
        assert_eq!(top(&[2.0, 2.0], 2.0), 2.0 + 1e-5);
        assert_eq!(top(&[0.0, 2.0, 3.0], 2.0), 2.99);
        assert!(top(&[], 1e300) > 1e300);
    }

    #[test]
    fn equal_thresholds_leave_no_blue() {
        let thresholds = OperatingScores { lower: 2.0, upper: 2.0 };
        let picture = anomaly_heat_map(&frame(&[1.9, 2.0]), None, thresholds, &bare(100)).unwrap();
        assert_eq!((picture.pixel(0, 0), picture.pixel(0, 1)), (GREY, GREY.under(reds(0.4), 0.4)));
    }

    #[test]
    fn unusable_thresholds_are_refused() {
        for (lower, upper) in [(2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            let error =
                anomaly_heat_map(&frame(&[0.0]), None, OperatingScores { lower, upper }, &bare(10)).unwrap_err();
            assert!(error.to_string().contains("expected finite numbers"), "{error}");
        }
    }
}
