//! The tables of `pimo stats` and `pimo compare`. Column names and types are a promise to scripts outside; see
//! `docs/outputs.md`.

use crate::table::table;

table! {
    /// A statistic of the scores of one detector, and the image nearest to it: a row of `stats.parquet`.
    StatisticRow, StatisticColumns {
        table: "stats",
        order: &["category", "model"],
        row_group: 8192,
        repetitive: &[],
    }
    {
        /// Name of the detector.
        model: String,
        /// The category.
        category: String,
        /// The kind of defect; null for all images of the category.
        defect: Option<String>,
        /// Name of the statistic, e.g. `med`.
        statistic: String,
        /// Its value.
        value: Option<f64>,
        /// The image whose score is nearest; null for shares, which no image stands for.
        image_id: Option<String>,
        /// The score of that image.
        score: Option<f64>,
        /// Number of images with a score.
        images: u64,
    }
}

table! {
    /// One detector in one category, beside the others: a row of `models.parquet`. Over all, the category is `*`.
    ComparedModelRow, ComparedModelColumns {
        table: "models",
        order: &["category", "model"],
        row_group: 8192,
        repetitive: &[],
    }
    {
        /// The category, or `*`.
        category: String,
        /// Name of the detector.
        model: String,
        /// Mean score; over all, the mean of the categories' means.
        mean: f64,
        /// Median score; null over all.
        median: Option<f64>,
        /// Average rank over the images, over all over the categories; 1 is best.
        average_rank: f64,
        /// Number of images.
        images: u64,
        /// Lower end of the bootstrap interval of the mean.
        low: Option<f64>,
        /// Upper end of the bootstrap interval of the mean.
        high: Option<f64>,
    }
}

table! {
    /// A test of two detectors on the same images: a row of `pairs.parquet`. Both orders of each pair are there.
    PairRow, PairColumns {
        table: "pairs",
        order: &["category", "model_1", "model_2"],
        row_group: 8192,
        repetitive: &[],
    }
    {
        /// The category.
        category: String,
        /// The detector that the alternative speaks of (`greater`: this one is better).
        model_1: String,
        /// The detector it is compared with.
        model_2: String,
        /// `wilcoxon` or `t`.
        test: String,
        /// `two-sided`, `greater` or `less`.
        alternative: String,
        /// The statistic; null if it is undefined or infinite.
        statistic: Option<f64>,
        /// The p-value; null if it is undefined.
        p: Option<f64>,
        /// The p-value by Holm, adjusted for all hypotheses of this category, test and alternative.
        p_holm: Option<f64>,
        /// 1 - p.
        confidence: Option<f64>,
        /// Number of images.
        images: u64,
    }
}

table! {
    /// Two detectors with neighbouring average ranks: a row of `neighbours.parquet`.
    NeighbourRow, NeighbourColumns {
        table: "neighbours",
        order: &["category"],
        row_group: 8192,
        repetitive: &[],
    }
    {
        /// The category.
        category: String,
        /// The detector with the better average rank.
        better: String,
        /// The next one.
        worse: String,
        /// Mean of the per-image differences, better minus worse.
        mean_difference: f64,
        /// Lower end of its bootstrap interval.
        low: Option<f64>,
        /// Upper end of its bootstrap interval.
        high: Option<f64>,
    }
}

table! {
    /// A test of all detectors at once: a row of `omnibus.parquet`. Over all, the category is `*`.
    OmnibusRow, OmnibusColumns {
        table: "omnibus",
        order: &["category"],
        row_group: 8192,
        repetitive: &[],
    }
    {
        /// The category, whose images are the blocks; or `*`, where the categories are.
        category: String,
        /// `friedman`.
        test: String,
        /// Number of blocks.
        blocks: u64,
        /// The statistic, chi-square; null if it is undefined.
        statistic: Option<f64>,
        /// The p-value; null if it is undefined.
        p: Option<f64>,
        /// Nemenyi critical difference of average ranks; null for a single detector.
        critical_difference: Option<f64>,
    }
}
