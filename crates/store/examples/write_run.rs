//! Writes a run of made-up results and says what that costs: `write_run OUT [IMAGES] [POINTS] [REPETITIONS]`.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::time::Instant;

use pimo_store::{AxisRow, CategoryRow, CurveSlice, ImageRow, RegionRow, Result, RunRecord, RunWriter, Summary};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(arguments.next().unwrap_or_else(|| "run".to_owned()));
    let mut number = |default| arguments.next().and_then(|it| it.parse().ok()).unwrap_or(default);
    let (images, points, repetitions) = (number(160), number(202), number(1));
    for _ in 0..repetitions {
        let start = Instant::now();
        let writer = RunWriter::create(&out, true, &[("fpr_bounds".into(), "1e-5,1e-4".into())])?;
        fill(&writer, images, points)?;
        let filled = start.elapsed();
        writer.finish(&Summary::default(), &RunRecord::default())?;
        println!("filled {filled:?}, finished {:?}", start.elapsed());
    }
    Ok(())
}

/// One category of one model; three of four images are anomalous.
fn fill(writer: &RunWriter, images: usize, points: usize) -> Result<()> {
    let threshold: Vec<f64> = (0..points).map(|it| f64::from(20.0 - (it as f32).sqrt())).collect();
    let shared_fpr: Vec<f64> = (0..points).map(|it| 1e-6 * (it as f64 / 25.0).exp()).collect();
    let mut part = writer.category("screw")?;
    for number in 0..images {
        let row = image(number);
        part.image(&row)?;
        if !row.is_anomalous {
            continue;
        }
        let area = 1000 + number * 37 % 5000;
        let covered = |it: usize| (it * it * (number + 3) / points).min(area) as f64;
        let tpr: Vec<f64> = (0..points).map(|it| covered(it) / area as f64).collect();
        part.curve(&CurveSlice {
            model: &row.model,
            image_id: &row.image_id,
            threshold: &threshold,
            shared_fpr: &shared_fpr,
            tpr: &tpr,
        })?;
        part.region(&region(&row))?;
    }
    for (&threshold, &shared_fpr) in threshold.iter().zip(&shared_fpr) {
        part.axis(&AxisRow {
            model: "patchcore".into(),
            category: "screw".into(),
            threshold,
            shared_fpr,
            max_fpr: Some(shared_fpr * 10.0),
            q50: Some(0.0),
            q90: None,
            q99: Some(shared_fpr * 5.0),
        })?;
    }
    for (model, category) in [("patchcore", "screw"), ("patchcore", "*")] {
        let row = CategoryRow {
            model: model.into(),
            category: category.into(),
            metric: "aupimo_mean".into(),
            value: Some(0.1 + 0.2),
            low: None,
            high: Some(1.0),
            exact: false,
        };
        if category == "*" {
            part.commit()?;
            return writer.macro_average(&[row]);
        }
        part.metric(row)?;
    }
    Ok(())
}

fn image(number: usize) -> ImageRow {
    let anomalous = number % 4 != 3;
    let rate = anomalous.then(|| (number as f64 * 0.618).fract());
    let stem = format!("screw/{}/{number:05}", if anomalous { "bent" } else { "good" });
    let image_id = format!("screw/{number:05}");
    ImageRow {
        model: "patchcore".into(),
        category: "screw".into(),
        defect: Some(if anomalous { "bent" } else { "good" }.into()),
        group: None,
        image_id,
        is_anomalous: anomalous,
        height: Some(1024),
        width: Some(1024),
        anomalous_pixels: Some(if anomalous { number as u64 * 37 } else { 0 }),
        image_score: Some(f64::from((number as f32).sin())),
        aupimo: rate,
        aupimo_low: rate,
        aupimo_high: rate,
        recall_at_lower_threshold: rate.map(f64::sqrt),
        precision_at_lower_threshold: rate.map(|it| 1.0 - it),
        iou_at_lower_threshold: rate.map(|it| it / 2.0),
        recall_at_upper_threshold: rate.map(|it| it * it),
        precision_at_upper_threshold: rate.map(|it| 1.0 - it / 3.0),
        iou_at_upper_threshold: rate.map(|it| it / 3.0),
        best_iou: rate,
        best_iou_threshold: rate,
        fpr_at_lower_threshold: (!anomalous).then_some(1e-4),
        fpr_at_upper_threshold: (!anomalous).then_some(1e-5),
        map_path: Some(format!("{stem}.npy")),
        mask_path: anomalous.then(|| format!("{stem}_mask.png")),
        image_path: Some(format!("{stem}.png")),
    }
}

fn region(image: &ImageRow) -> RegionRow {
    RegionRow {
        model: image.model.clone(),
        category: image.category.clone(),
        image_id: image.image_id.clone(),
        region: 0,
        area: image.anomalous_pixels.unwrap_or(0),
        top: 10,
        left: 20,
        bottom: 30,
        right: 40,
        centroid_row: 20.5,
        centroid_col: 30.25,
        max_score: 3.5,
        mean_score: 1.25,
        covered_at_lower_threshold: image.recall_at_lower_threshold,
        covered_at_upper_threshold: None,
        aupimo: image.aupimo,
    }
}
