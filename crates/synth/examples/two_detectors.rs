//! Writes a small dataset of two detectors: `cargo run --release --example two_detectors FOLDER [SIDE [IMAGES]]`.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use pimo_frame::Size;
use pimo_synth::{Plan, write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name the folder to write to")?);
    let side = arguments.next().map_or(Ok(256), |side| side.parse())?;
    let images: u64 = arguments.next().map_or(Ok(20), |images| images.parse())?;
    let plan = Plan {
        normal: images / 2,
        anomalous: images - images / 2,
        size: Size::new(side, side),
        detectors: vec!["strong=0.9".parse()?, "weak=0.5".parse()?],
        ..Plan::default()
    };
    let start = Instant::now();
    let summary = write(&plan, &folder, |_, _| ())?;
    let rate = summary.map_pixels as f64 / 1e6 / start.elapsed().as_secs_f64();
    #[expect(clippy::print_stdout, reason = "what an example is for")]
    {
        println!("{} maps, {} files, {} bytes, {rate:.0} Mpixel/s", summary.maps, summary.files, summary.bytes);
    }
    Ok(())
}
