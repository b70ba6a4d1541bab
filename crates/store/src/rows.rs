//! The tables of a run. Column names and types are a promise to scripts outside; see `docs/outputs.md`.

use crate::table::table;

table! {
    /// One image as one model scored it: a row of `images.parquet`.
    ImageRow, ImageColumns {
        table: "images",
        order: &["category", "image_id", "model"],
        row_group: 512,
        repetitive: &[],
    }
    {
        /// Name of the detector.
        model: String,
        /// Category (dataset) of the image.
        category: String,
        /// Kind of defect, `good` for a normal image; null if unknown.
        defect: Option<String>,
        /// Views of one object share a group; null if there are no groups.
        group: Option<String>,
        /// `<category>/<defect>/<stem>`, unique within a run's model.
        image_id: String,
        /// Whether the image is anomalous.
        is_anomalous: bool,
        /// Evaluation height in pixels; null where converted scores do not tell.
        height: Option<u32>,
        /// Evaluation width in pixels; null where converted scores do not tell.
        width: Option<u32>,
        /// Number of anomalous pixels of the mask, 0 for a normal image.
        anomalous_pixels: Option<u64>,
        /// Score of the whole image; null where converted scores do not tell.
        image_score: Option<f64>,
        /// AUPIMO in [0, 1] (the middle of the interval if it is one); null for normal images.
        aupimo: Option<f64>,
        /// Certain lower bound of AUPIMO; equals `aupimo` when exact.
        aupimo_low: Option<f64>,
        /// Certain upper bound of AUPIMO; equals `aupimo` when exact.
        aupimo_high: Option<f64>,
        /// Recall (TPR) of an anomalous image at the lower AUPIMO threshold, where shared FPR reaches U.
        recall_at_lower_threshold: Option<f64>,
        /// Precision of an anomalous image at the lower AUPIMO threshold.
        precision_at_lower_threshold: Option<f64>,
        /// Intersection over union of an anomalous image at the lower AUPIMO threshold.
        iou_at_lower_threshold: Option<f64>,
        /// Recall (TPR) of an anomalous image at the upper AUPIMO threshold, where shared FPR reaches L.
        recall_at_upper_threshold: Option<f64>,
        /// Precision of an anomalous image at the upper AUPIMO threshold.
        precision_at_upper_threshold: Option<f64>,
        /// Intersection over union of an anomalous image at the upper AUPIMO threshold.
        iou_at_upper_threshold: Option<f64>,
        /// Best intersection over union that any threshold reaches on this image.
        best_iou: Option<f64>,
        /// The highest threshold that reaches `best_iou`.
        best_iou_threshold: Option<f64>,
        /// False-positive rate of a normal image at the lower AUPIMO threshold.
        fpr_at_lower_threshold: Option<f64>,
        /// False-positive rate of a normal image at the upper AUPIMO threshold.
        fpr_at_upper_threshold: Option<f64>,
        /// Anomaly map, relative to the root of the maps.
        map_path: Option<String>,
        /// Mask, relative to the root of the dataset; null if there is none.
        mask_path: Option<String>,
        /// Source image, relative to the root of the dataset; null if there is none.
        image_path: Option<String>,
    }
}

table! {
    /// One point of an image's PIMO curve: a row of `curves.parquet`.
    CurveRow, CurveColumns {
        table: "curves",
        order: &["category", "image_id", "model"],
        row_group: 4096,
        repetitive: &["threshold", "shared_fpr"],
    }
    {
        /// Name of the detector.
        model: String,
        /// Category of the image.
        category: String,
        /// The image.
        image_id: String,
        /// Score at and above which a pixel is predicted anomalous.
        threshold: f64,
        /// Shared false-positive rate of the normal images at the threshold, the curve's x.
        shared_fpr: f64,
        /// True-positive rate of this image at the threshold, the curve's y.
        tpr: f64,
    }
}

table! {
    /// One point of a category's shared axis: a row of `axis.parquet`.
    AxisRow, AxisColumns {
        table: "axis",
        order: &["category", "model"],
        row_group: 8192,
        repetitive: &[],
    }
    {
        /// Name of the detector.
        model: String,
        /// The category.
        category: String,
        /// Score at and above which a pixel is predicted anomalous.
        threshold: f64,
        /// Shared false-positive rate at the threshold.
        shared_fpr: f64,
        /// The largest false-positive rate of a single normal image.
        max_fpr: Option<f64>,
        /// Median of the normal images' false-positive rates.
        q50: Option<f64>,
        /// 90 % quantile of the normal images' false-positive rates.
        q90: Option<f64>,
        /// 99 % quantile of the normal images' false-positive rates.
        q99: Option<f64>,
    }
}

table! {
    /// One metric of one category: a row of `categories.parquet`. Macro averages have the category `*`.
    CategoryRow, CategoryColumns {
        table: "categories",
        order: &[],
        row_group: 4096,
        repetitive: &[],
    }
    {
        /// Name of the detector.
        model: String,
        /// The category, or `*` for the macro average.
        category: String,
        /// Name of the metric, e.g. `aupimo_mean`.
        metric: String,
        /// The value (the middle of the interval if it is one); null if undefined.
        value: Option<f64>,
        /// Certain lower bound of the value.
        low: Option<f64>,
        /// Certain upper bound of the value.
        high: Option<f64>,
        /// Whether the half-width of the interval is at most 1e-12.
        exact: bool,
    }
}

table! {
    /// One connected region of a mask as one model scored it: a row of `regions.parquet`.
    RegionRow, RegionColumns {
        table: "regions",
        order: &["category", "image_id", "model", "region"],
        row_group: 8192,
        repetitive: &[],
    }
    {
        /// Name of the detector.
        model: String,
        /// Category of the image.
        category: String,
        /// The image.
        image_id: String,
        /// Number of the region inside its image, from 0, in raster order of its first pixel.
        region: u32,
        /// Pixels of the region.
        area: u64,
        /// First row of the bounding box, counted from 0.
        top: u32,
        /// First column of the bounding box, counted from 0.
        left: u32,
        /// Last row of the bounding box; it belongs to the box.
        bottom: u32,
        /// Last column of the bounding box; it belongs to the box.
        right: u32,
        /// Mean row of the pixels' centres, pixel (0, 0) having its centre at 0.
        centroid_row: f64,
        /// Mean column of the pixels' centres.
        centroid_col: f64,
        /// Largest score inside the region.
        max_score: f64,
        /// Mean score inside the region.
        mean_score: f64,
        /// Fraction of the region at or above the lower AUPIMO threshold, where shared FPR reaches U.
        covered_at_lower_threshold: Option<f64>,
        /// Fraction of the region at or above the upper AUPIMO threshold, where shared FPR reaches L.
        covered_at_upper_threshold: Option<f64>,
        /// AUPIMO of this region alone.
        aupimo: Option<f64>,
    }
}

/// Points of one image's PIMO curve, as they are handed to the writer: three slices of equal length.
#[derive(Debug, Clone, Copy)]
pub struct CurveSlice<'a> {
    /// Name of the detector.
    pub model: &'a str,
    /// The image.
    pub image_id: &'a str,
    /// Thresholds, in the order to be stored (the run writes them falling).
    pub threshold: &'a [f64],
    /// Shared false-positive rate at each threshold.
    pub shared_fpr: &'a [f64],
    /// True-positive rate of the image at each threshold.
    pub tpr: &'a [f64],
}

/// One image's PIMO curve, as it is read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Name of the detector.
    pub model: String,
    /// Category of the image.
    pub category: String,
    /// The image.
    pub image_id: String,
    /// Thresholds.
    pub threshold: Vec<f64>,
    /// Shared false-positive rate at each threshold.
    pub shared_fpr: Vec<f64>,
    /// True-positive rate of the image at each threshold.
    pub tpr: Vec<f64>,
}
