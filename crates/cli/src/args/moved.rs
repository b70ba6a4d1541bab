//! Options that say where the files of a run are now.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::args::NamedMaps;

/// Options about files that were moved since a run was made.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Where the files are, if they were moved since the evaluation")]
pub struct MovedArgs {
    /// A folder of maps; repeat for several detectors
    ///
    /// NAME is the detector's name in the run; it may be left out where there is only one. The folder takes the place
    /// of `roots.maps` in run.json: the one that was given to `pimo eval --maps`.
    #[arg(long, value_name = "[NAME=]DIR", value_parser = OsStringValueParser::new().try_map(NamedMaps::parse))]
    pub maps: Vec<NamedMaps>,

    /// The dataset's folder, with masks and source images
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    /// The folder of the source images, if they are not with the masks
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,
}
