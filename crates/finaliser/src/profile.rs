//! The metrics of other tools, by their own definitions.

use std::fmt;
use std::str::FromStr;

use crate::{EvenEdges, Interval, ScoreCurve};

/// A tool whose numbers are to be reproduced. What each computes, and how it differs, is in `docs/compatibility.md`.
///
/// ```
/// use pimo_finaliser::Profile;
/// assert_eq!("adeval:1000".parse(), Ok(Profile::Adeval(1000)));
/// assert_eq!(Profile::MvtecAd2.to_string(), "mvtec-ad2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The official evaluation code of `MVTec` AD: AU-PRO up to 0.3, AUROC of images.
    MvtecAd,
    /// The official evaluation of `MVTec` AD 2: scores in half precision, AU-PRO up to 0.05.
    MvtecAd2,
    /// Anomalib: AUROC, F1max and AUPRO up to 0.3 agree with pimo; AUPR is the average precision or the trapezoidal
    /// area, depending on its version.
    Anomalib,
    /// `ADEval` with this many strips between the lowest and the highest score.
    Adeval(u32),
}

/// A text that names no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no profile: expected mvtec-ad, mvtec-ad2, anomalib or adeval:K with the number of strips K, at least \
     {FEWEST_STRIPS}, as in adeval:1000"
)]
pub struct ProfileError(String);

/// Fewer strips are refused by the tool.
const FEWEST_STRIPS: u32 = 5;
/// More strips take memory and tell nothing new.
const MOST_STRIPS: u32 = 1 << 16;

impl FromStr for Profile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let strips = |text: &str| text.parse().ok().filter(|strips| (FEWEST_STRIPS..=MOST_STRIPS).contains(strips));
        match text {
            "mvtec-ad" => Some(Self::MvtecAd),
            "mvtec-ad2" => Some(Self::MvtecAd2),
            "anomalib" => Some(Self::Anomalib),
            _ => text.strip_prefix("adeval:").and_then(strips).map(Self::Adeval),
        }
        .ok_or_else(|| ProfileError(text.to_owned()))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MvtecAd => f.write_str("mvtec-ad"),
            Self::MvtecAd2 => f.write_str("mvtec-ad2"),
            Self::Anomalib => f.write_str("anomalib"),
            Self::Adeval(strips) => write!(f, "adeval:{strips}"),
        }
    }
}

/// A named value of a profile; `None` where it has no meaning.
pub type ProfileValue = (&'static str, Option<Interval>);

impl Profile {
    /// Whether scores are rounded to half precision before anything else: see `pimo_frame::half_precision`.
    pub const fn rounds_to_half(self) -> bool {
        matches!(self, Self::MvtecAd2)
    }

    /// What the tool says about all pixels of a category, under the names that pimo gives the same quantities.
    ///
    /// Each value is exact or an interval, as the curve allows. Regions are 8-connected in all these tools.
    pub fn of_pixels(self, curve: &ScoreCurve) -> Vec<ProfileValue> {
        match self {
            Self::MvtecAd => vec![("aupro_0.3", curve.aupro(0.3))],
            Self::MvtecAd2 => vec![("aupro_0.05", curve.aupro(0.05))],
            Self::Anomalib => {
                let best = curve.f1_max();
                vec![
                    ("pixel_auroc", curve.auroc()),
                    ("pixel_ap", curve.average_precision()),
                    ("pixel_aupr_trapezoid", curve.aupr_trapezoid()),
                    ("pixel_f1max", best.map(|best| best.value)),
                    ("pixel_f1max_threshold", best.map(|best| best.threshold)),
                    ("aupro_0.3", curve.aupro(0.3)),
                ]
            }
            Self::Adeval(strips) => {
                let edges = EvenEdges::new(curve, strips);
                let edges = edges.as_ref();
                vec![
                    ("pixel_auroc", edges.and_then(EvenEdges::auroc)),
                    ("pixel_aupr_trapezoid", edges.and_then(EvenEdges::aupr)),
                    ("aupro_0.3", edges.and_then(|edges| edges.aupro(0.3))),
                ]
            }
        }
    }

    /// What the tool says about images, given their scores; by all of these tools the largest of an image's map unless
    /// the detector gives another.
    pub fn of_images(self, curve: &ScoreCurve) -> Vec<ProfileValue> {
        match self {
            Self::MvtecAd | Self::MvtecAd2 => vec![("image_auroc", curve.auroc())],
            Self::Anomalib => {
                let best = curve.f1_max();
                vec![
                    ("image_auroc", curve.auroc()),
                    ("image_ap", curve.average_precision()),
                    ("image_aupr_trapezoid", curve.aupr_trapezoid()),
                    ("image_f1max", best.map(|best| best.value)),
                    ("image_f1max_threshold", best.map(|best| best.threshold)),
                ]
            }
            Self::Adeval(strips) => {
                let edges = EvenEdges::new(curve, strips);
                let edges = edges.as_ref();
                vec![
                    ("image_auroc", edges.and_then(EvenEdges::auroc)),
                    ("image_aupr_trapezoid", edges.and_then(EvenEdges::aupr)),
                ]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["mvtec-ad", "mvtec-ad2", "anomalib", "adeval:5", "adeval:1000"] {
            assert_eq!(name.parse::<Profile>().unwrap().to_string(), name);
        }
        for bad in ["", "mvtec", "adeval", "adeval:", "adeval:4", "adeval:99999999", "adeval:1e3", "Anomalib"] {
            assert!(bad.parse::<Profile>().unwrap_err().to_string().contains("adeval:1000"), "{bad}");
        }
    }

    #[test]
    fn anomalib_takes_the_trapezoid_and_adeval_fixed_edges() {
        let scores = [(0.9, true), (0.85, false), (0.7, true), (0.2, false), (0.1, false)];
        let curve = ScoreCurve::of_labelled(scores);
        let value = |profile: Profile, name: &str| {
            let values = profile.of_images(&curve);
            values.into_iter().find(|value| value.0 == name).unwrap().1.unwrap().value()
        };
        assert_eq!(value(Profile::Anomalib, "image_aupr_trapezoid"), curve.aupr_trapezoid().unwrap().value());
        assert_eq!(value(Profile::MvtecAd, "image_auroc"), curve.auroc().unwrap().value());
        // Strips of 0.16: the first three are in the upper two, so the middle one is no longer between the others.
        assert!((value(Profile::Adeval(5), "image_auroc") - 5.0 / 6.0).abs() > 0.01);
        assert_eq!(Profile::MvtecAd2.of_pixels(&curve), vec![("aupro_0.05", None)]);
        assert!(Profile::MvtecAd2.rounds_to_half() && !Profile::Anomalib.rounds_to_half());
    }
}
