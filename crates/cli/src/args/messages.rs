//! Options that say what is told while work goes on.

use clap::{Args, ValueEnum};

/// How messages on stderr are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for batch systems.
    Json,
}

/// When a progress bar is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ShowProgress {
    /// A bar on a terminal, one line per category elsewhere.
    #[default]
    Auto,
    /// Neither a bar nor lines.
    Never,
    /// A bar wherever stderr goes.
    Always,
}

/// Options about messages.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Messages")]
pub struct MessageArgs {
    /// How messages on stderr are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// When to show progress on stderr
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub progress: ShowProgress,

    /// Print only warnings and errors
    #[arg(long, short)]
    pub quiet: bool,
}
