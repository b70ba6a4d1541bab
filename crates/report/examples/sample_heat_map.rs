//! Writes two sample heat maps, `anomaly.png` and `false_positives.png`, into a folder.
//!
//! ```sh
//! cargo run --example sample_heat_map -- FOLDER
//! ```

use std::error::Error;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::PathBuf;

use pimo_report::heatmap::{
    FPR_LEVELS, HeatMapStyle, OperatingScores, anomaly_heat_map, encode_png, false_positive_levels, own_levels,
};

#[path = "../tests/support/mod.rs"]
mod support;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or("give the folder to write to")?;
    fs::create_dir_all(&folder)?;
    let (frame, background) = support::scene(3);
    let style = HeatMapStyle::default();
    let thresholds = OperatingScores { lower: 1.25, upper: 2.5 };
    let anomaly = anomaly_heat_map(&frame, Some(&background), thresholds, &style)?;
    encode_png(&anomaly, BufWriter::new(File::create(folder.join("anomaly.png"))?))?;
    let levels = own_levels(&frame, &FPR_LEVELS);
    let false_positives = false_positive_levels(&frame, Some(&background), &levels, &style)?;
    encode_png(&false_positives, BufWriter::new(File::create(folder.join("false_positives.png"))?))?;
    Ok(())
}
