//! The `pimo` command line.
//!
//! Arguments are parsed by [`args`] and turned into what the libraries take; each subcommand of [`commands`] then
//! runs, tells how far it is on stderr through [`progress`], and prints its result on stdout. What belongs to a
//! process and not to a library is here as well: [exit codes](exit), [signals](interrupt), the guard against mapped
//! files that shrink ([`sigbus`]) and what happens when pimo itself is at fault.
//!
//! The library exists so that tests can reach the parts; the promise of stability is the command's, not this crate's.

pub mod args;
pub mod commands;
pub mod exit;
pub mod interrupt;
pub mod progress;
pub mod sigbus;

mod allocator;
mod comparison;
mod conversion;
mod csv;
mod drawing;
mod hint;
mod internal_error;
mod process;
mod results;
mod shell;
mod standard_output;
mod statistics;
mod table;
mod units;
mod whole_file;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches};

use args::{Cli, Command};
use exit::{Code, Failure};

/// Runs the command with its arguments, the first of which is its name, and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    allocator::share_and_keep();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    internal_error::guarded(move || parse(arguments)).into()
}

fn parse(arguments: Vec<OsString>) -> Code {
    let parsed = Cli::parser().try_get_matches_from(arguments);
    let parsed = parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    match parsed {
        Ok((cli, matches)) => dispatch(cli.command, &matches),
        Err(error) => {
            // Help and version come as errors too; a closed pipe is no reason to complain.
            let _ = error.print();
            if error.use_stderr() { Code::Usage } else { Code::Done }
        }
    }
}

fn dispatch(command: Command, matches: &ArgMatches) -> Code {
    let matches = matches.subcommand().map(|(_, matches)| matches);
    let matches = matches.expect("clap insists on a subcommand");
    let log = command.log_format();
    let ended = match command {
        Command::Eval(args) => commands::eval::run(&args, matches),
        Command::Inspect(args) => commands::inspect::run(&args),
        Command::Synth(args) => commands::synth::run(&args),
        Command::Heatmap(args) => commands::heatmap::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Threshold(args) => commands::threshold::run(&args),
        Command::Stats(args) => commands::stats::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Convert(args) => commands::convert::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
    };
    ended.unwrap_or_else(|failure| report(&failure, log))
}

fn report(failure: &Failure, log: args::LogFormat) -> Code {
    progress::Reporter::quiet(log).failure(failure);
    failure.code
}
