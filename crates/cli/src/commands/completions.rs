//! `pimo completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::{Code, Failure};
use crate::standard_output;

/// Arguments of `pimo completions`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "For bash:  pimo completions bash > ~/.local/share/bash-completion/completions/pimo")]
pub struct CompletionsArgs {
    /// The shell that you use
    pub shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// It can't be printed.
pub fn run(args: &CompletionsArgs) -> Result<Code, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pimo", &mut script);
    standard_output::print(&String::from_utf8_lossy(&script))?;
    Ok(Code::Done)
}
