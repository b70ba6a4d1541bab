//! Which metrics a run computes, and what they are called.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use pimo_finaliser::{
    CurveError, CurveValues, Interval, Profile, ProfileValue, ScoreCurve, ThresholdRates,
    macro_average as macro_average_of,
};
use pimo_store::MetricValue;
use pimo_store::rows::CategoryRow;

use crate::Settings;
use crate::levels::Level;

/// Groups of metrics. AUPIMO is always computed; the others are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each group is chosen or not")]
pub struct Metrics {
    /// Over all pixels: AUROC, average precision, largest F1 and intersection over union, FPR95, rates at thresholds.
    pub pixel: bool,
    /// The per-region overlap: AUPRO.
    pub aupro: bool,
    /// Intersection over union of each image.
    pub iou: bool,
    /// A row for every connected region.
    pub regions: bool,
    /// Over images, and over groups of images.
    pub image: bool,
}

impl Metrics {
    /// Everything.
    pub const ALL: Self = Self { pixel: true, aupro: true, iou: true, regions: true, image: true };
    /// Nothing but AUPIMO.
    pub const AUPIMO: Self = Self { pixel: false, aupro: false, iou: false, regions: false, image: false };

    /// Whether all pixels have to be counted.
    pub const fn counts_all_pixels(self) -> bool {
        self.ranks_all_pixels() || self.iou
    }

    /// Whether there are metrics over all pixels together.
    pub(crate) const fn ranks_all_pixels(self) -> bool {
        self.pixel || self.aupro
    }

    /// Whether it has to be known which pixels are anomalous, and of which connected region if it
    /// [joins](Self::joins_regions) them.
    pub const fn needs_regions(self) -> bool {
        self.counts_all_pixels() || self.regions
    }

    /// Whether connected regions of masks have to be found.
    pub const fn joins_regions(self) -> bool {
        self.aupro || self.regions
    }

    const NAMES: [&'static str; 5] = ["pixel", "aupro", "iou", "regions", "image"];

    fn groups(&mut self) -> [&mut bool; 5] {
        [&mut self.pixel, &mut self.aupro, &mut self.iou, &mut self.regions, &mut self.image]
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("aupimo")?;
        let mut chosen = *self;
        for (name, chosen) in Self::NAMES.into_iter().zip(chosen.groups()) {
            if *chosen {
                write!(f, ",{name}")?;
            }
        }
        Ok(())
    }
}

/// A name that no group of metrics has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no metrics are called {0:?}: expected all, or some of aupimo, pixel, aupro, iou, regions and image")]
pub struct UnknownMetrics(String);

impl FromStr for Metrics {
    type Err = UnknownMetrics;

    /// `all`, or names of groups with commas between.
    fn from_str(text: &str) -> Result<Self, UnknownMetrics> {
        let mut metrics = Self::AUPIMO;
        for name in text.split(',').map(str::trim) {
            if name == "all" {
                metrics = Self::ALL;
            } else if let Some(index) = Self::NAMES.iter().position(|known| *known == name) {
                *metrics.groups()[index] = true;
            } else if name != "aupimo" {
                return Err(UnknownMetrics(name.to_owned()));
            }
        }
        Ok(metrics)
    }
}

/// A metric of a category with its name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metric {
    pub(crate) name: String,
    /// `None` where it has no meaning.
    pub(crate) value: Option<Interval>,
    pub(crate) kind: MetricKind,
}

/// What sort of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricKind {
    /// A sum over the axis of scores, from 0 to 1: the tolerance holds for it, and macro averages are taken.
    Area,
    /// Another rate from 0 to 1, of which the same is true.
    Rate,
    /// A rate at a threshold that a bin may contain: no promise, unless it is refined.
    AtThreshold,
    /// A rate that is no promise: it is looked for on a grid.
    Indication,
    /// A score of the detector, of which no average is taken.
    Threshold,
}

impl Metric {
    /// As a row of `categories.parquet`.
    pub(crate) fn row(&self, model: &str, category: &str) -> CategoryRow {
        row(model, category, &self.name, self.stored())
    }

    /// Half-width of a rate that the tolerance holds for.
    pub(crate) fn half_width(&self) -> Option<f64> {
        self.value.filter(|_| matches!(self.kind, MetricKind::Area | MetricKind::Rate)).map(|value| value.half_width())
    }

    /// The same with rates at thresholds, which the tolerance holds for where they are refined.
    pub(crate) fn refined_half_width(&self) -> Option<f64> {
        let at_threshold = self.value.filter(|_| self.kind == MetricKind::AtThreshold);
        self.half_width().or(at_threshold.map(|value| value.half_width()))
    }

    /// As it is written down: an end that is unbounded is null, and so is the middle then.
    pub(crate) fn stored(&self) -> MetricValue {
        let Some(interval) = self.value else { return MetricValue::default() };
        let finite = |number: f64| Some(number).filter(|number| number.is_finite());
        let value = finite(interval.value());
        MetricValue {
            value,
            low: finite(interval.low()),
            high: finite(interval.high()),
            exact: value.is_some() && interval.is_exact(),
        }
    }
}

/// A metric as a row of `categories.parquet`.
pub(crate) fn row(model: &str, category: &str, metric: &str, value: MetricValue) -> CategoryRow {
    CategoryRow {
        model: model.to_owned(),
        category: category.to_owned(),
        metric: metric.to_owned(),
        value: value.value,
        low: value.low,
        high: value.high,
        exact: value.exact,
    }
}

/// Plain means over categories of all that is a rate in each of them.
pub(crate) fn macro_average(categories: &[&BTreeMap<String, MetricValue>]) -> BTreeMap<String, MetricValue> {
    let Some((first, others)) = categories.split_first() else { return BTreeMap::new() };
    let everywhere = |name: &&String| others.iter().all(|category| category.contains_key(*name));
    let rates = first.keys().filter(|name| !is_threshold(name)).filter(everywhere);
    let mean = |name: &String| {
        let values: Vec<Option<Interval>> = categories
            .iter()
            .map(|category| category[name])
            .map(|metric| metric.low.zip(metric.high).map(|(low, high)| Interval::new(low, high)))
            .collect();
        let kind = MetricKind::Rate;
        Metric { name: name.clone(), value: macro_average_of(&values), kind }.stored()
    };
    rates.map(|name| (name.clone(), mean(name))).collect()
}

/// Whether a metric is a score of the detector, by its name.
fn is_threshold(name: &str) -> bool {
    name.ends_with("_threshold") || name.starts_with("threshold_at_")
}

/// The half-width that is wanted: no value is known better than exactly.
pub(crate) fn tolerance(settings: &Settings) -> f64 {
    settings.tolerance.max(Interval::EXACT)
}

/// A warning where rates are known less precisely than they are wanted. With more memory they may be known more precisely
/// if the resolution was not the `finest`.
pub(crate) fn beyond_tolerance(metrics: &[Metric], settings: &Settings, finest: bool) -> Option<String> {
    let tolerance = tolerance(settings);
    let wide: Vec<(&str, f64)> = metrics
        .iter()
        .filter_map(|metric| metric.half_width().map(|half_width| (metric.name.as_str(), half_width)))
        .filter(|(_, half_width)| *half_width > tolerance)
        .collect();
    let (name, half_width) = wide.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let (count, plural) = (wide.len(), if wide.len() == 1 { " is" } else { "s are" });
    let cure = match (finest, settings.refine) {
        (false, false) => "give more --memory, or use --refine",
        (false, true) => "give more --memory",
        (true, false) => "use --refine",
        (true, true) => "that is as precise as it gets",
    };
    Some(format!(
        "{count} metric{plural} known less precisely than to {tolerance:?}, {name} to {half_width:.1e}: {cure}"
    ))
}

/// Half-width from which on `iou_shared_max` says little.
const VAGUE: f64 = 0.05;

/// A warning where little is known of what one threshold for all images reaches.
pub(crate) fn vague_shared_iou(metrics: &[Metric], settings: &Settings) -> Option<String> {
    let value = metrics.iter().find(|metric| metric.name == "iou_shared_max")?.value?;
    let cure = if settings.refine { "that is as precise as it gets" } else { "use --refine" };
    (value.half_width() > VAGUE).then(|| {
        let (low, high) = (value.low(), value.high());
        format!(
            "iou_shared_max lies between {low:.3} and {high:.3}, more is not known from the thresholds tried: {cure}"
        )
    })
}

/// Thresholds at which rates of all pixels are wanted: those of the settings, then those of levels whose pixels were not
/// counted on the way.
pub(crate) fn thresholds(settings: &Settings, levels: &[Level]) -> Vec<f64> {
    let of_levels = levels.iter().filter(|level| level.reaching.is_none()).filter_map(Level::at);
    settings.at.iter().copied().chain(of_levels).collect()
}

/// Rates of `(positives, negatives)` pixels at the thresholds of levels; `values` at [`thresholds`].
pub(crate) fn at_levels(
    values: &CurveValues,
    settings: &Settings,
    levels: &[Level],
    totals: (u64, u64),
) -> Result<Vec<Metric>, CurveError> {
    let none = ThresholdRates { threshold: f64::NAN, precision: None, recall: None, fpr: None, f1: None, iou: None };
    let mut others = values.at[settings.at.len()..].iter().copied();
    let mut metrics = Vec::new();
    for level in levels {
        let name = format!("shared_fpr_{:e}", level.shared_fpr);
        let rates = level.rates(totals)?.or_else(|| level.at().and_then(|_| others.next())).unwrap_or(none);
        metrics.push(threshold(format!("threshold_at_{name}"), level.threshold));
        metrics.extend(at_threshold(&rates, &name));
    }
    Ok(metrics)
}

fn area(name: impl Into<String>, value: Option<Interval>) -> Metric {
    Metric { name: name.into(), value, kind: MetricKind::Area }
}

fn rate(name: impl Into<String>, value: Option<Interval>) -> Metric {
    Metric { name: name.into(), value, kind: MetricKind::Rate }
}

fn indication(name: impl Into<String>, value: Option<Interval>) -> Metric {
    Metric { name: name.into(), value, kind: MetricKind::Indication }
}

fn threshold(name: impl Into<String>, value: Option<Interval>) -> Metric {
    Metric { name: name.into(), value, kind: MetricKind::Threshold }
}

/// Values of another tool under the names that they have here.
fn of_profile(profile: Profile, values: Vec<ProfileValue>) -> Vec<Metric> {
    let kind = |name: &str| match profile {
        _ if is_threshold(name) => MetricKind::Threshold,
        // Its strips are no bins of ours: what the tool says of them is not narrowed by looking closer at one of them.
        Profile::Adeval(_) => MetricKind::Indication,
        _ if name.contains("f1max") => MetricKind::Rate,
        _ => MetricKind::Area,
    };
    values.into_iter().map(|(name, value)| Metric { name: name.to_owned(), value, kind: kind(name) }).collect()
}

/// Metrics over all pixels of a category; `values` up to the limits and at the thresholds of the settings.
pub(crate) fn of_pixels(values: &CurveValues, settings: &Settings) -> Vec<Metric> {
    let mut metrics = Vec::new();
    let limits = || settings.aupro_limits.iter().copied();
    if settings.metrics.pixel {
        metrics.push(area("pixel_auroc", values.auroc));
        let partial = limits().zip(&values.partial_auroc).filter(|(limit, _)| *limit < 1.0);
        metrics.extend(partial.map(|(limit, &value)| area(format!("pixel_auroc_{}", decimal(limit)), value)));
        metrics.push(area("pixel_ap", values.average_precision));
        metrics.push(area("pixel_aupr_trapezoid", values.aupr_trapezoid));
        let (f1, iou) = (values.f1_max, values.iou_max);
        metrics.push(rate("pixel_f1max", f1.map(|best| best.value)));
        metrics.push(threshold("pixel_f1max_threshold", f1.map(|best| best.threshold)));
        metrics.push(rate("pixel_ioumax", iou.map(|best| best.value)));
        metrics.push(threshold("pixel_ioumax_threshold", iou.map(|best| best.threshold)));
        metrics.push(rate("pixel_fpr95", values.fpr95));
        for (at, rates) in settings.at.iter().zip(&values.at) {
            metrics.extend(at_threshold(rates, &format!("{at:?}")));
        }
    }
    if settings.metrics.aupro {
        let aupro = limits().zip(&values.aupro);
        metrics.extend(aupro.map(|(limit, &value)| area(format!("aupro_{}", decimal(limit)), value)));
    }
    metrics
}

/// What another tool says about all pixels of a category.
pub(crate) fn of_pixels_by(profile: Profile, curve: &ScoreCurve) -> Vec<Metric> {
    of_profile(profile, profile.of_pixels(curve))
}

/// Rates of the pixels at or above a threshold, under a name for it.
fn at_threshold(rates: &ThresholdRates, name: &str) -> [Metric; 4] {
    let rate = |metric: &str, value| Metric {
        name: format!("pixel_{metric}_at_{name}"),
        value,
        kind: MetricKind::AtThreshold,
    };
    [rate("precision", rates.precision), rate("recall", rates.recall), rate("f1", rates.f1), rate("iou", rates.iou)]
}

/// A limit in its shortest decimal notation, with at least one decimal and without an exponent.
fn decimal(limit: f64) -> String {
    let text = limit.to_string();
    if text.contains('.') { text } else { text + ".0" }
}

/// Means over images of intersection over union. What one threshold for all images reaches is no more than each with its
/// own.
pub(crate) fn of_overlaps(best_mean: Option<Interval>, shared: Option<pimo_finaliser::BestThreshold>) -> [Metric; 3] {
    // A little more, for the rounding of two sums of the same numbers.
    let most = best_mean.map_or(1.0, |best| best.high() + Interval::EXACT);
    let capped = |value: Interval| Interval::new(value.low(), value.high().min(most).max(value.low()));
    [
        rate("iou_best_mean", best_mean),
        indication("iou_shared_max", shared.map(|best| capped(best.value))),
        threshold("iou_shared_max_threshold", shared.map(|best| best.threshold)),
    ]
}

/// Metrics over images.
pub(crate) fn of_images(curve: &ScoreCurve, settings: &Settings) -> Vec<Metric> {
    if let Some(profile) = settings.profile {
        return of_profile(profile, profile.of_images(curve));
    }
    let best = curve.f1_max();
    vec![
        rate("image_auroc", curve.auroc()),
        rate("image_ap", curve.average_precision()),
        rate("image_f1max", best.map(|best| best.value)),
        threshold("image_f1max_threshold", best.map(|best| best.threshold)),
    ]
}

/// Metrics over groups of images.
pub(crate) fn of_samples(curve: &ScoreCurve) -> [Metric; 3] {
    [
        rate("sample_auroc", curve.auroc()),
        rate("sample_ap", curve.average_precision()),
        rate("sample_f1max", curve.f1_max().map(|best| best.value)),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pimo_accumulator::ScoreBin;
    use pimo_finaliser::CurveWalk;

    use super::*;

    #[test]
    fn groups_by_name() {
        assert_eq!("all".parse(), Ok(Metrics::ALL));
        assert_eq!("aupimo".parse(), Ok(Metrics::AUPIMO));
        let some = Metrics { aupro: true, image: true, ..Metrics::AUPIMO };
        assert_eq!("image, aupro".parse(), Ok(some));
        assert_eq!(some.to_string(), "aupimo,aupro,image");
        for bad in ["", "auroc", "pixel,", "Pixel"] {
            assert!(bad.parse::<Metrics>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_has_no_value_is_not_exact() {
        let exact = |value: Option<Interval>| threshold("t", value).stored();
        assert_eq!(exact(None), MetricValue::default());
        assert_eq!(exact(Some(Interval::point(f64::INFINITY))), MetricValue::default());
        assert_eq!(
            (exact(Some(Interval::point(2.0))).value, exact(Some(Interval::point(2.0))).exact),
            (Some(2.0), true)
        );
        let open = exact(Some(Interval::new(1.0, f64::INFINITY)));
        assert_eq!((open.value, open.low, open.high, open.exact), (None, Some(1.0), None, false));
    }

    #[test]
    fn limits_have_their_shortest_decimal_name() {
        let settings = Settings { aupro_limits: vec![0.01, 0.3, 1.0], ..Settings::default() };
        let bin = |score, positives, negatives| ScoreBin { positives, negatives, weight: 0, low: score, high: score };
        let walk = CurveWalk::new((1, 1), 1, &settings.aupro_limits, &settings.at).unwrap();
        let values = walk.down([bin(0.5, 1, 0), bin(0.25, 0, 1)]).unwrap();
        let names: Vec<String> = of_pixels(&values, &settings).into_iter().map(|metric| metric.name).collect();
        for name in ["pixel_auroc", "pixel_auroc_0.01", "pixel_auroc_0.3", "aupro_0.01", "aupro_1.0"] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
        assert!(!names.iter().any(|name| name == "pixel_auroc_1.0"));
    }
}
