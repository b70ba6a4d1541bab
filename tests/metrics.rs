//! All metrics against brute force: every distinct score tried as a threshold, every pixel counted for each.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;

use pimo_store::RunReader;
use pimo_store::rows::CategoryRow;

use pimo_frame::Size;
use pimo_synth::Plan;

use crate::support::{Toy, arrays, masks, plan, refused, succeeded};

struct Image {
    id: String,
    group: Option<&'static str>,
    height: usize,
    width: usize,
    scores: Vec<f32>,
    mask: Vec<bool>,
}

impl Image {
    fn is_anomalous(&self) -> bool {
        self.mask.contains(&true)
    }

    fn largest(&self) -> f64 {
        self.scores.iter().map(|&score| f64::from(score)).fold(f64::MIN, f64::max)
    }

    /// Pixels at or above a threshold: `[normal, anomalous]`.
    fn found(&self, threshold: f64) -> [u64; 2] {
        let mut found = [0; 2];
        for (&score, &anomalous) in self.scores.iter().zip(&self.mask) {
            found[usize::from(anomalous)] += u64::from(f64::from(score) >= threshold);
        }
        found
    }

    /// Pixels of every 8-connected region.
    fn regions(&self) -> Vec<Vec<usize>> {
        let mut seen = vec![false; self.mask.len()];
        let mut regions = Vec::new();
        for start in 0..self.mask.len() {
            if seen[start] || !self.mask[start] {
                continue;
            }
            seen[start] = true;
            let mut region = vec![start];
            let mut next = 0;
            while next < region.len() {
                let (y, x) = ((region[next] / self.width) as isize, (region[next] % self.width) as isize);
                next += 1;
                for (y, x) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (y + dy, x + dx))) {
                    if (0..self.height as isize).contains(&y) && (0..self.width as isize).contains(&x) {
                        let at = y as usize * self.width + x as usize;
                        if self.mask[at] && !seen[at] {
                            seen[at] = true;
                            region.push(at);
                        }
                    }
                }
            }
            regions.push(region);
        }
        regions
    }
}

/// A number from 0 to 1 that is the same on every machine.
fn noise(seed: u64) -> f64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// Images of several sizes with ties, both zeros, negative and huge scores; defects are found more or less.
fn images() -> Vec<Image> {
    (0..9_u64)
        .map(|image| {
            let (height, width) = [(17, 23), (20, 20), (9, 31)][image as usize % 3];
            let anomalous = image >= 4;
            let mask: Vec<bool> = (0..height * width)
                .map(|at| {
                    let (y, x) = (at / width, at % width);
                    anomalous && (((y / 3 + x / 4) % 5 == 0 && y % 7 < 4) || at == height * width - 1)
                })
                .collect();
            let score = |at: usize| {
                let seed = image * 10_007 + at as u64;
                let score = noise(seed) + if mask[at] { 0.2 + 0.1 * image as f64 * noise(image) } else { 0.0 };
                match seed % 97 {
                    0 => 0.0,
                    1 => -0.0,
                    2 => -3.5,
                    3 if mask[at] => 1e30,
                    // Many ties.
                    _ if seed.is_multiple_of(3) => ((score * 40.0).round() / 40.0) as f32,
                    _ => score as f32,
                }
            };
            Image {
                id: format!("toy/{}/{image:03}", if anomalous { "bad" } else { "good" }),
                group: ["a", "b", "c"].get(image as usize % 4).copied(),
                height,
                width,
                scores: (0..height * width).map(score).collect(),
                mask,
            }
        })
        .collect()
}

/// Writes the images and evaluates them.
fn evaluated(toy: &Toy, images: &[Image], out: &str, further: &[&str]) -> RunReader {
    let ended = evaluate(toy, images, out, further);
    succeeded(ended);
    RunReader::open(&toy.path(out)).unwrap()
}

fn evaluate(toy: &Toy, images: &[Image], out: &str, further: &[&str]) -> crate::support::Ended {
    fs::create_dir_all(toy.path("data")).unwrap();
    let mut lines = vec!["image_id,category,class,map,mask,group".to_owned()];
    for (number, image) in images.iter().enumerate() {
        let (map, mask) = (format!("{number}.npy"), format!("{number}.png"));
        arrays::npy(&toy.path("data").join(&map), image.height, image.width, &image.scores);
        let class = if image.is_anomalous() { "anomalous" } else { "normal" };
        let samples: Vec<u8> = image.mask.iter().map(|&anomalous| u8::from(anomalous) * 255).collect();
        masks::png(&toy.path("data").join(&mask), image.height as u32, image.width as u32, &samples);
        lines.push(format!("{},toy,{class},{map},{mask},{}", image.id, image.group.unwrap_or("")));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let inputs: Vec<OsString> = toy.manifest(&lines);
    toy.eval_to(out, inputs, further)
}

/// The metrics of the category by name.
fn metrics(run: &RunReader) -> BTreeMap<String, CategoryRow> {
    let rows = run.categories().unwrap().into_iter().filter(|row| row.category == "toy");
    rows.map(|row| (row.metric.clone(), row)).collect()
}

fn close(found: Option<f64>, expected: f64, what: &str) {
    let found = found.unwrap_or(f64::NAN);
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{what}: {found} for {expected}");
}

/// Distinct scores, highest first.
fn thresholds(images: &[Image]) -> Vec<f64> {
    let mut scores: Vec<f64> = images.iter().flat_map(|image| image.scores.iter().map(|&s| f64::from(s))).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.dedup();
    scores
}

/// Points of a curve, cut at a limit of x, to the area below it divided by the limit.
fn area(points: &[(f64, f64)], limit: f64) -> f64 {
    let mut sum = 0.0;
    let mut before = (0.0, 0.0);
    for &(x, y) in points {
        let end = x.min(limit);
        if x > before.0 && end > before.0 {
            let y = before.1 + (y - before.1) * (end - before.0) / (x - before.0);
            sum += (end - before.0) * (before.1 + y) / 2.0;
        }
        before = (x, y);
    }
    sum / limit
}

/// Positives and negatives at or above falling thresholds, and what the field makes of them.
struct Curve {
    thresholds: Vec<f64>,
    counts: Vec<(f64, f64)>,
    positives: f64,
    negatives: f64,
}

impl Curve {
    fn new(labelled: &[(f64, bool)]) -> Self {
        let mut thresholds: Vec<f64> = labelled.iter().map(|item| item.0).collect();
        thresholds.sort_by(|a, b| b.total_cmp(a));
        thresholds.dedup();
        let count = |threshold: f64, wanted: bool| {
            labelled.iter().filter(|item| item.0 >= threshold && item.1 == wanted).count() as f64
        };
        let counts = thresholds.iter().map(|&t| (count(t, true), count(t, false))).collect();
        Self { thresholds, counts, positives: count(f64::MIN, true), negatives: count(f64::MIN, false) }
    }

    fn auroc(&self, limit: f64) -> f64 {
        let points: Vec<_> = self.counts.iter().map(|(tp, fp)| (fp / self.negatives, tp / self.positives)).collect();
        area(&points, limit)
    }

    fn average_precision(&self) -> f64 {
        let mut before = 0.0;
        let step = |&(tp, fp): &(f64, f64)| {
            let gained = tp - std::mem::replace(&mut before, tp);
            gained / self.positives * tp / (tp + fp)
        };
        self.counts.iter().map(step).sum()
    }

    fn aupr_trapezoid(&self) -> f64 {
        let mut before = (0.0, 1.0);
        let step = |&(tp, fp): &(f64, f64)| {
            let here = (tp / self.positives, tp / (tp + fp));
            let (recall, precision) = std::mem::replace(&mut before, here);
            (here.0 - recall) * (here.1 + precision) / 2.0
        };
        self.counts.iter().map(step).sum()
    }

    /// The largest value of a ratio of counts, and the highest threshold that reaches it.
    fn best(&self, ratio: impl Fn(f64, f64) -> f64) -> (f64, f64) {
        let mut best = (f64::MIN, 0.0);
        for (&(tp, fp), &threshold) in self.counts.iter().zip(&self.thresholds) {
            if ratio(tp, fp) > best.0 {
                best = (ratio(tp, fp), threshold);
            }
        }
        best
    }

    fn f1_max(&self) -> (f64, f64) {
        self.best(|tp, fp| 2.0 * tp / (self.positives + tp + fp))
    }
}

fn pixels(images: &[Image]) -> Vec<(f64, bool)> {
    let of = |image: &Image| -> Vec<(f64, bool)> {
        image.scores.iter().zip(&image.mask).map(|(&score, &anomalous)| (f64::from(score), anomalous)).collect()
    };
    images.iter().flat_map(of).collect()
}

/// Mean over the normal images of the share of pixels at or above a threshold.
fn shared_fpr(images: &[Image], threshold: f64) -> f64 {
    let normal: Vec<&Image> = images.iter().filter(|image| !image.is_anomalous()).collect();
    let rate = |image: &&Image| image.found(threshold)[0] as f64 / image.scores.len() as f64;
    normal.iter().map(rate).sum::<f64>() / normal.len() as f64
}

#[test]
fn pixels_images_and_samples_are_those_of_brute_force() {
    let (toy, images) = (Toy::empty(), images());
    let run = evaluated(&toy, &images, "out", &["--at", "0.5,-1"]);
    let found = metrics(&run);
    assert!(
        found
            .values()
            .filter(|row| row.metric != "iou_shared_max")
            .all(|row| row.exact || row.value.is_none() || row.metric.starts_with("iou_shared"))
    );
    let curve = Curve::new(&pixels(&images));
    let (f1, iou) = (curve.f1_max(), curve.best(|tp, fp| tp / (curve.positives + fp)));
    let fpr95 = curve.counts.iter().find(|(tp, _)| 20.0 * tp >= 19.0 * curve.positives).unwrap().1 / curve.negatives;
    for (name, expected) in [
        ("pixel_auroc", curve.auroc(1.0)),
        ("pixel_auroc_0.05", curve.auroc(0.05)),
        ("pixel_auroc_0.3", curve.auroc(0.3)),
        ("pixel_ap", curve.average_precision()),
        ("pixel_aupr_trapezoid", curve.aupr_trapezoid()),
        ("pixel_f1max", f1.0),
        ("pixel_f1max_threshold", f1.1),
        ("pixel_ioumax", iou.0),
        ("pixel_ioumax_threshold", iou.1),
        ("pixel_fpr95", fpr95),
    ] {
        close(found[name].value, expected, name);
    }
    let count = |threshold: f64| {
        let [fp, tp] =
            images.iter().map(|image| image.found(threshold)).fold([0, 0], |a, b| [a[0] + b[0], a[1] + b[1]]);
        (tp as f64, fp as f64)
    };
    let mut points: Vec<(String, f64)> = vec![("0.5".into(), 0.5), ("-1.0".into(), -1.0)];
    for level in [1e-5, 1e-4, 1e-3, 1e-2] {
        let reaching = |&threshold: &f64| shared_fpr(&images, threshold) >= level;
        let threshold = thresholds(&images).into_iter().find(reaching).unwrap();
        close(found[&format!("threshold_at_shared_fpr_{level:e}")].value, threshold, "threshold");
        points.push((format!("shared_fpr_{level:e}"), threshold));
    }
    for (name, threshold) in points {
        let (tp, fp) = count(threshold);
        for (metric, expected) in [
            ("precision", tp / (tp + fp)),
            ("recall", tp / curve.positives),
            ("f1", 2.0 * tp / (curve.positives + tp + fp)),
            ("iou", tp / (curve.positives + fp)),
        ] {
            let name = format!("pixel_{metric}_at_{name}");
            close(found[&name].value, expected, &name);
        }
    }

    let of_images: Vec<(f64, bool)> = images.iter().map(|image| (image.largest(), image.is_anomalous())).collect();
    let mut groups: BTreeMap<String, (f64, bool)> = BTreeMap::new();
    for image in &images {
        let name = image.group.map_or_else(|| format!("alone {}", image.id), str::to_owned);
        let sample = groups.entry(name).or_insert((f64::MIN, false));
        *sample = (sample.0.max(image.largest()), sample.1 || image.is_anomalous());
    }
    let of_samples: Vec<(f64, bool)> = groups.into_values().collect();
    for (level, labelled) in [("image", of_images), ("sample", of_samples)] {
        let curve = Curve::new(&labelled);
        if curve.negatives == 0.0 {
            assert_eq!(found[&format!("{level}_auroc")].value, None);
        } else {
            close(found[&format!("{level}_auroc")].value, curve.auroc(1.0), level);
        }
        close(found[&format!("{level}_ap")].value, curve.average_precision(), level);
        close(found[&format!("{level}_f1max")].value, curve.f1_max().0, level);
    }
}

#[test]
fn overlaps_are_those_of_brute_force() {
    let (toy, images) = (Toy::empty(), images());
    let run = evaluated(&toy, &images, "out", &[]);
    let found = metrics(&run);
    let all = thresholds(&images);
    let iou = |image: &Image, threshold: f64| {
        let [fp, tp] = image.found(threshold);
        tp as f64 / (image.found(f64::MIN)[1] + fp) as f64
    };
    let anomalous: Vec<&Image> = images.iter().filter(|image| image.is_anomalous()).collect();
    let rows: BTreeMap<String, _> =
        run.images().unwrap().map(Result::unwrap).map(|row| (row.image_id.clone(), row)).collect();
    let mut sum = 0.0;
    for image in &anomalous {
        let best = all.iter().map(|&threshold| iou(image, threshold)).fold(0.0, f64::max);
        let highest = all.iter().copied().find(|&threshold| iou(image, threshold) == best).unwrap();
        close(rows[&image.id].best_iou, best, &image.id);
        close(rows[&image.id].best_iou_threshold, highest, &image.id);
        sum += best;
    }
    close(found["iou_best_mean"].value, sum / anomalous.len() as f64, "iou_best_mean");
    let mean =
        |threshold: f64| anomalous.iter().map(|image| iou(image, threshold)).sum::<f64>() / anomalous.len() as f64;
    let best = all.iter().map(|&threshold| mean(threshold)).fold(0.0, f64::max);
    let row = &found["iou_shared_max"];
    assert!(row.low.unwrap() <= best + 1e-12 && best <= row.high.unwrap() + 1e-12, "{best}: {row:?}");
    assert!(row.high.unwrap() - row.low.unwrap() < 0.25, "{row:?}");
    // The anomalous images are read again until it is known.
    let refined = evaluated(&toy, &images, "refined", &["--refine", "--tolerance", "1e-9"]);
    let row = &metrics(&refined)["iou_shared_max"];
    assert!(row.low.unwrap() <= best + 1e-12 && best <= row.high.unwrap() + 1e-12, "{best}: {row:?}");
    assert!(row.high.unwrap() - row.low.unwrap() < 2e-9, "{row:?}");
    assert!(refined.record().map_reads > run.record().map_reads);
}

#[test]
fn regions_are_those_of_brute_force() {
    let (toy, images) = (Toy::empty(), images());
    let run = evaluated(&toy, &images, "out", &["--fpr-bounds", "1e-2,2e-1"]);
    let summary = run.summary().unwrap();
    let operating = summary.models.values().next().unwrap().categories["toy"].thresholds.unwrap();
    let [lower, upper] = [operating.lower, operating.upper].map(|point| point.threshold.unwrap());
    let rows: Vec<_> = run.regions().unwrap().unwrap().map(Result::unwrap).collect();
    let mut next = rows.iter();
    let mut weighted: BTreeMap<&str, (f64, u64)> = BTreeMap::new();
    let mut scores: Vec<Vec<f64>> = Vec::new();
    for image in images.iter().filter(|image| image.is_anomalous()) {
        for (number, region) in image.regions().into_iter().enumerate() {
            let row = next.next().unwrap();
            assert_eq!((row.image_id.as_str(), row.region as usize), (image.id.as_str(), number));
            let inside: Vec<f64> = region.iter().map(|&at| f64::from(image.scores[at])).collect();
            let size = inside.len() as f64;
            let ys: Vec<usize> = region.iter().map(|at| at / image.width).collect();
            let xs: Vec<usize> = region.iter().map(|at| at % image.width).collect();
            let ends = |values: &[usize]| (*values.iter().min().unwrap() as u32, *values.iter().max().unwrap() as u32);
            assert_eq!(row.area, inside.len() as u64);
            assert_eq!(((row.top, row.bottom), (row.left, row.right)), (ends(&ys), ends(&xs)));
            close(Some(row.centroid_row), ys.iter().sum::<usize>() as f64 / size, "centroid");
            close(Some(row.centroid_col), xs.iter().sum::<usize>() as f64 / size, "centroid");
            close(Some(row.max_score), inside.iter().copied().fold(f64::MIN, f64::max), "max");
            close(Some(row.mean_score), inside.iter().sum::<f64>() / size, "mean");
            for (covered, threshold) in
                [(row.covered_at_lower_threshold, lower), (row.covered_at_upper_threshold, upper)]
            {
                let reached = inside.iter().filter(|&&score| score >= threshold).count() as f64;
                close(covered, reached / size, "covered");
            }
            let sum = weighted.entry(&row.image_id).or_default();
            *sum = (sum.0 + row.aupimo.unwrap() * size, sum.1 + row.area);
            scores.push(inside);
        }
    }
    assert!(next.next().is_none());
    // An image is the area-weighted mean of its regions.
    for row in run.images().unwrap().map(Result::unwrap).filter(|row| row.is_anomalous) {
        let (sum, area) = weighted[row.image_id.as_str()];
        assert_eq!(row.anomalous_pixels, Some(area));
        close(row.aupimo, sum / area as f64, &row.image_id);
    }
    let found = metrics(&run);
    let normal = pixels(&images).iter().filter(|pixel| !pixel.1).count() as f64;
    let points: Vec<(f64, f64)> = thresholds(&images)
        .into_iter()
        .map(|threshold| {
            let fp: u64 = images.iter().map(|image| image.found(threshold)[0]).sum();
            let covered = |inside: &Vec<f64>| {
                inside.iter().filter(|&&score| score >= threshold).count() as f64 / inside.len() as f64
            };
            (fp as f64 / normal, scores.iter().map(covered).sum::<f64>() / scores.len() as f64)
        })
        .collect();
    for (name, limit) in [("aupro_0.05", 0.05), ("aupro_0.3", 0.3), ("aupro_1.0", 1.0)] {
        close(found[name].value, area(&points, limit), name);
    }
}

#[test]
fn curves_go_on_to_a_rate_of_one() {
    let (toy, images) = (Toy::empty(), images());
    let run = evaluated(&toy, &images, "out", &["--curves", "50"]);
    let axis: Vec<_> = run.axis().unwrap().map(Result::unwrap).collect();
    assert!(axis.is_sorted_by(|a, b| a.threshold > b.threshold && a.shared_fpr < b.shared_fpr));
    assert_eq!(axis.last().unwrap().shared_fpr, 1.0);
    for row in &axis {
        close(Some(row.shared_fpr), shared_fpr(&images, row.threshold), "shared FPR");
    }
    let above = axis.iter().filter(|row| row.shared_fpr > 0.2).count();
    assert!((5..30).contains(&above), "{above}");
    for image in images.iter().filter(|image| image.is_anomalous()) {
        let curve = &run.curves(&[&image.id]).unwrap()[0];
        assert_eq!(curve.threshold, axis.iter().map(|row| row.threshold).collect::<Vec<_>>());
        for (&threshold, &tpr) in curve.threshold.iter().zip(&curve.tpr) {
            close(Some(tpr), image.found(threshold)[1] as f64 / image.found(f64::MIN)[1] as f64, &image.id);
        }
    }
}

#[test]
fn what_is_not_asked_for_is_not_there() {
    let (toy, images) = (Toy::empty(), images());
    let names = |out: &str, groups: &str| -> BTreeSet<String> {
        metrics(&evaluated(&toy, &images, out, &["--metrics", groups])).into_keys().collect()
    };
    let aupimo = names("aupimo", "aupimo");
    assert_eq!(aupimo.len(), 4);
    assert!(!toy.path("aupimo/regions.parquet").exists());
    let image = names("image", "image");
    assert!(image.contains("sample_auroc") && !image.contains("pixel_auroc"));
    let some = names("some", "aupro,regions");
    assert!(some.contains("aupro_0.3") && !some.contains("pixel_auroc") && !some.contains("iou_best_mean"));
    assert!(toy.path("some/regions.parquet").exists());
}

#[test]
fn values_that_do_not_exist_are_null() {
    let (toy, images) = (Toy::empty(), images());
    // The bounds lie below what so few pixels can reach.
    let run = evaluated(&toy, &images, "strict", &["--fpr-bounds", "1e-7,1e-6"]);
    let found = metrics(&run);
    assert_eq!((found["aupimo_mean"].value, found["aupimo_mean"].exact), (None, false));
    assert!(found["pixel_auroc"].exact && found["aupro_0.3"].exact && found["image_auroc"].exact);
    assert!(run.regions().unwrap().unwrap().all(|row| row.unwrap().aupimo.is_none()));

    // No anomalous image is left.
    let mut broken: Vec<Image> = images;
    for image in broken.iter_mut().filter(|image| image.mask.contains(&true)) {
        image.scores[3] = f32::NAN;
    }
    let found = metrics(&evaluated(&toy, &broken, "none", &["--skip-bad"]));
    for name in
        ["pixel_auroc", "pixel_ap", "pixel_f1max", "aupro_0.3", "iou_best_mean", "iou_shared_max", "image_auroc"]
    {
        assert_eq!((found[name].value, found[name].low, found[name].exact), (None, None, false), "{name}");
    }
}

#[test]
fn a_chessboard_is_no_mask() {
    let (toy, mut images) = (Toy::empty(), images());
    let (height, width) = (700, 700);
    images.push(Image {
        id: "toy/bad/999".into(),
        group: None,
        height,
        width,
        scores: vec![0.5; height * width],
        mask: (0..height * width).map(|at| (at / width + at % width).is_multiple_of(2)).collect(),
    });
    // Every field is a region where only edges join.
    let edges = ["--connectivity", "4"];
    refused("chessboard", toy.folder(), &evaluate(&toy, &images, "out", &edges), 3);
    succeeded(evaluate(&toy, &images, "no-regions", &[&edges[..], &["--metrics", "aupimo,pixel,iou,image"]].concat()));
    // Where corners join too all fields are one region.
    succeeded(evaluate(&toy, &images, "one", &[]));
}

/// Scores over twenty octaves: with little memory they are known as bins.
fn wide(height: usize, width: usize) -> Vec<Image> {
    let mut images = images();
    for (number, image) in images.iter_mut().enumerate() {
        (image.height, image.width) = (height, width);
        image.mask = (0..height * width).map(|at| number >= 4 && at % width < 20 && at / width % 30 < 11).collect();
        let score = |at: usize| {
            let exponent = 14.0 * noise(number as u64 * 99_991 + at as u64);
            (-exponent + if image.mask[at] { 3.0 } else { 0.0 }).exp() as f32
        };
        image.scores = (0..height * width).map(score).collect();
    }
    images
}

/// A run with the least memory that any result takes.
fn evaluated_with_least(toy: &Toy, images: &[Image], out: &str, options: &[&str]) -> RunReader {
    let ended = evaluate(toy, images, out, &[options, &["--memory", "30MiB"]].concat());
    let needed = ended.stderr.rsplit_once("use --memory ").unwrap().1.split_whitespace().next().unwrap();
    evaluated(toy, images, out, &[options, &["--memory", needed]].concat())
}

/// Metrics that bins leave open, recall at a score among them, are exact when they are refined, whatever had to be done for
/// that.
fn assert_refined(exact: &RunReader, binned: &RunReader, refined: &RunReader, open_at: f64) {
    let [exact, binned, refined] = [exact, binned, refined].map(metrics);
    for (name, exact) in exact.iter().filter(|(name, _)| name.starts_with("pixel_") || name.starts_with("aupro_")) {
        let (binned, refined) = (&binned[name], &refined[name]);
        if name.contains("_at_shared_fpr_") {
            // At another threshold, if that was not known exactly.
            assert!(refined.exact, "{name}: {refined:?}");
            continue;
        }
        let value = exact.value.unwrap();
        assert!(exact.exact, "{name}");
        assert!(binned.low.unwrap() <= value && value <= binned.high.unwrap(), "{name}: {binned:?} {value}");
        assert!(refined.low.unwrap() <= value && value <= refined.high.unwrap(), "{name}: {refined:?} {value}");
        assert!(refined.exact, "{name}: {refined:?}");
    }
    for name in ["pixel_auroc", &format!("pixel_recall_at_{open_at}")] {
        assert!(!binned[name].exact, "{name} {:?}", binned[name]);
    }
}

#[test]
fn rates_at_the_shared_fpr_are_exact_whatever_the_bins() {
    let (toy, images) = (Toy::empty(), wide(240, 200));
    let binned = metrics(&evaluated_with_least(&toy, &images, "binned", &["--fpr-bounds", "1e-4,1e-3"]));
    assert!(!binned["pixel_auroc"].exact);
    let pixels = pixels(&images);
    let positives = pixels.iter().filter(|pixel| pixel.1).count();
    for level in ["1e-4", "1e-3", "1e-2"] {
        let at = binned[&format!("threshold_at_shared_fpr_{level}")].low.unwrap();
        let reaching = |class| pixels.iter().filter(|pixel| pixel.0 >= at && pixel.1 == class).count();
        let (tp, fp) = (reaching(true), reaching(false));
        assert!(fp > 0);
        for (metric, part, whole) in
            [("precision", tp, tp + fp), ("recall", tp, positives), ("f1", 2 * tp, positives + tp + fp)]
        {
            let found = &binned[&format!("pixel_{metric}_at_shared_fpr_{level}")];
            assert!(found.exact, "{metric} {level}: {found:?}");
            close(found.value, part as f64 / whole as f64, metric);
        }
    }
}

#[test]
fn refining_makes_bins_exact() {
    let (toy, images) = (Toy::empty(), wide(240, 200));
    // Of the bin of a score nobody knows how many anomalous pixels reach it.
    let some = pixels(&images).into_iter().find(|pixel| pixel.1).unwrap().0;
    let at = ["--at", &format!("0.0001,{some}")];
    let exact = evaluated(&toy, &images, "exact", &at);
    let binned = evaluated_with_least(&toy, &images, "binned", &at);
    let refined =
        evaluated_with_least(&toy, &images, "refined", &[&at[..], &["--refine", "--tolerance", "0"]].concat());
    assert_refined(&exact, &binned, &refined, some);
}

#[test]
fn more_anomalous_pixels_than_memory_holds_are_refined_in_groups() {
    let (height, width) = (600, 700);
    let mut images = wide(height, width).split_off(2);
    images.truncate(5);
    let anomalous = (0..height * width).map(|at| at % width < 600).collect::<Vec<bool>>();
    images.iter_mut().filter(|image| image.mask.contains(&true)).for_each(|image| image.mask.clone_from(&anomalous));
    let toy = Toy::empty();
    let some = ["--metrics", "pixel,aupro", "--at", "0.0001,0.0003,0.001,0.01,0.1,0.3,0.7,1.5,4.5,12"];
    let exact = evaluated(&toy, &images, "exact", &[&some[..], &["--memory", "2GiB"]].concat());
    let binned = evaluated_with_least(&toy, &images, "binned", &some);
    let refining = [&some[..], &["--refine", "--tolerance", "0"]].concat();
    let refined = evaluated_with_least(&toy, &images, "refined", &refining);
    assert_refined(&exact, &binned, &refined, 0.0001);
    // Each group takes a look at anomalous images, and one at all.
    let (all, anomalous) = (images.len() as u64, 3);
    let groups = (refined.record().map_reads - all) / (all + anomalous);
    assert!(groups > 1, "{groups}");
}

#[test]
fn few_enough_scores_are_known_one_by_one() {
    let (toy, images) = (Toy::empty(), wide(400, 420));
    let scores = pixels(&images).into_iter().map(|(score, _)| score.to_bits()).collect::<BTreeSet<_>>();
    assert!(scores.len() > 950_000, "{}", scores.len());
    let known = metrics(&evaluated(&toy, &images, "known", &[]));
    // Where every score is kept by itself there is nothing to count again.
    let refined = evaluated(&toy, &images, "refined", &["--refine", "--tolerance", "0", "--metrics", "pixel,aupro"]);
    assert_eq!(refined.record().map_reads, images.len() as u64);
    let binned = metrics(&evaluated(&toy, &images, "binned", &["--memory", "130MiB"]));
    for name in ["pixel_auroc", "pixel_ap", "pixel_fpr95", "aupro_0.3"] {
        let (known, binned) = (&known[name], &binned[name]);
        assert!(known.exact && !binned.exact, "{known:?} {binned:?}");
        let value = known.value.unwrap();
        assert!(binned.low.unwrap() <= value && value <= binned.high.unwrap(), "{known:?} {binned:?}");
    }
}

#[test]
fn a_tail_that_does_not_fit_gives_way_to_bins() {
    let toy = Toy::of(&Plan { normal: 12, size: Size::new(512, 512), ..plan() });
    // Nearly every score of the normal images lies in the tail: 136 MB of it.
    let evaluated = |out: &str, memory: &str| {
        let mut inputs = toy.inputs();
        inputs.truncate(4);
        succeeded(toy.eval_to(out, inputs, &["--fpr-bounds", "1e-3,9e-1", "--memory", memory]));
        RunReader::open(&toy.path(out)).unwrap()
    };
    let (exact, binned) = (evaluated("exact", "1GiB"), evaluated("binned", "150MiB"));
    let rows = |run: &RunReader| -> Vec<_> {
        run.images().unwrap().map(Result::unwrap).filter(|row| row.is_anomalous).collect()
    };
    let mut widest = 0.0_f64;
    for (exact, binned) in rows(&exact).iter().zip(rows(&binned)) {
        let (value, low, high) = (exact.aupimo.unwrap(), binned.aupimo_low.unwrap(), binned.aupimo_high.unwrap());
        assert_eq!((exact.aupimo_low, exact.aupimo_high), (exact.aupimo, exact.aupimo));
        assert!(low - 1e-13 <= value && value <= high + 1e-13, "{value} {binned:?}");
        widest = widest.max(high - low);
    }
    assert!(widest > 0.0 && widest < 1e-4, "{widest}");
    let mean = |run: &RunReader| metrics(run)["aupimo_mean"].clone();
    let (exact, binned) = (mean(&exact), mean(&binned));
    assert!(binned.low.unwrap() <= exact.value.unwrap() && exact.value.unwrap() <= binned.high.unwrap());
    assert!(exact.exact && !binned.exact);
}

#[test]
fn profiles_give_the_values_of_other_tools() {
    let (toy, mut images) = (Toy::empty(), images());
    let own = metrics(&evaluated(&toy, &images, "own", &["--aupro-limits", "0.05,0.3"]));
    let profile = |images: &[Image], name: &str| {
        let out = name.replace(':', "-");
        metrics(&evaluated(&toy, images, &out, &["--profile", name]))
    };
    let official = profile(&images, "mvtec-ad");
    assert_eq!(official["aupro_0.3"], own["aupro_0.3"]);
    assert!(!official.contains_key("pixel_auroc") && !official.contains_key("iou_best_mean"));
    let anomalib = profile(&images, "anomalib");
    assert_eq!(anomalib["pixel_aupr_trapezoid"], own["pixel_aupr_trapezoid"]);
    // A score of 1e30 stretches the strips: all others fall into the last one.
    assert!(profile(&images, "adeval:100")["pixel_auroc"].value < own["pixel_auroc"].value);

    // Scores that half precision holds are as they were; what it does not hold is bad input.
    for score in images.iter_mut().flat_map(|image| &mut image.scores) {
        *score = (score.min(4.0) * 64.0).round() / 64.0;
    }
    let own = metrics(&evaluated(&toy, &images, "rounded", &["--aupro-limits", "0.05"]));
    assert_eq!(profile(&images, "mvtec-ad2")["aupro_0.05"], own["aupro_0.05"]);
    images[0].scores[5] = 65_519.99;
    succeeded(evaluate(&toy, &images, "largest", &["--profile", "mvtec-ad2"]));
    images[0].scores[5] = 70_000.0;
    refused("profile_overflow", toy.folder(), &evaluate(&toy, &images, "bad", &["--profile", "mvtec-ad2"]), 3);
    refused("usage_profile", toy.folder(), &evaluate(&toy, &images, "bad", &["--profile", "mvtec"]), 2);
}

/// Writes double-precision maps of a normal and an anomalous image, whose first three pixels are the defect, and gives
/// the arguments that name them.
fn pair_of_doubles(toy: &Toy, (height, width): (usize, usize), scores: [&[f64]; 2]) -> Vec<OsString> {
    fs::create_dir_all(toy.path("data")).unwrap();
    let mut mask = vec![0; height * width];
    mask[..3].fill(255);
    masks::png(&toy.path("data/mask.png"), height as u32, width as u32, &mask);
    for (name, scores) in ["normal", "anomalous"].into_iter().zip(scores) {
        let file = toy.path(&format!("data/{name}.npy"));
        arrays::npy_with(&file, "'<f8'", false, &format!("({height}, {width})"), bytemuck::cast_slice(scores));
    }
    let lines =
        ["image_id,category,class,map,mask", "n,toy,normal,normal.npy,", "a,toy,anomalous,anomalous.npy,mask.png"];
    toy.manifest(&lines)
}

#[test]
fn the_order_of_pixels_breaks_no_tie_of_image_scores() {
    let toy = Toy::empty();
    let size = (61, 83);
    let scores: Vec<f64> = (0..size.0 * size.1).map(|i| (i as f64 * 0.7).sin() * 3.3).collect();
    let turned: Vec<f64> = scores.iter().rev().copied().collect();
    let plain = |scores: &[f64]| scores.chunks(size.1).map(|row| row.iter().sum::<f64>()).sum::<f64>();
    assert!(plain(&scores) != plain(&turned), "no test of what it is meant to test");
    for score in ["mean", "mean-top:1000"] {
        let inputs = pair_of_doubles(&toy, size, [&scores, &turned]);
        let further = ["--image-score", score, "--force", "--metrics", "image"];
        succeeded(toy.eval_to("out", inputs, &further));
        let run = RunReader::open(&toy.path("out")).unwrap();
        let images: Vec<_> = run.images().unwrap().map(|row| row.unwrap().image_score).collect();
        assert_eq!(images[0], images[1], "{score}");
        let auroc = &metrics(&run)["image_auroc"];
        assert_eq!((auroc.value, auroc.exact), (Some(0.5), true), "{score}");
    }
}

#[test]
fn means_of_the_largest_scores_are_finite() {
    let toy = Toy::empty();
    let size = (20, 30);
    for largest in [1e307, f64::MAX] {
        let normal: Vec<f64> = (0..600).map(f64::from).collect();
        for score in ["mean", "mean-top:50"] {
            let inputs = pair_of_doubles(&toy, size, [&normal, &[largest; 600]]);
            succeeded(toy.eval_to("out", inputs, &["--image-score", score, "--force"]));
            let run = RunReader::open(&toy.path("out")).unwrap();
            let scores: Vec<_> = run.images().unwrap().map(|row| row.unwrap().image_score.unwrap()).collect();
            assert_eq!(scores[0], largest);
            assert!(scores[1] < 600.0);
            let regions: Vec<_> = run.regions().unwrap().unwrap().map(Result::unwrap).collect();
            assert_eq!((regions[0].max_score, regions[0].mean_score), (largest, largest));
            for (name, row) in metrics(&run) {
                assert!(!row.exact || row.value.is_some_and(f64::is_finite), "{name}: {row:?}");
            }
            assert_eq!(metrics(&run)["image_f1max_threshold"].value, Some(largest));
        }
    }
}
