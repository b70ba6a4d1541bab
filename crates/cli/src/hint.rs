//! The command that says more about bad input.

use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory};

use crate::args::Cli;
use crate::shell;

/// `pimo inspect` with those of the given arguments that it takes too.
pub(crate) fn inspect_command(matches: &ArgMatches) -> String {
    let cli = Cli::command();
    let inspect = cli.find_subcommand("inspect").expect("there is such a subcommand");
    let mut words: Vec<OsString> = ["pimo", "inspect"].map(OsString::from).into();
    for argument in inspect.get_arguments() {
        let id = argument.get_id().as_str();
        let given = matches.try_contains_id(id).is_ok() && matches.value_source(id) == Some(ValueSource::CommandLine);
        let (true, Some(long)) = (given, argument.get_long()) else { continue };
        let values: Vec<&OsStr> = matches.get_raw(id).into_iter().flatten().collect();
        if matches!(argument.get_action(), ArgAction::SetTrue) {
            words.push(format!("--{long}").into());
        } else {
            for value in values {
                words.extend([format!("--{long}").into(), value.to_owned()]);
            }
        }
    }
    shell::command(words)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_only_concerns_the_output_is_left_out() {
        let line = "pimo eval --maps a=x --maps b=y --dataset d --out o --force --skip-bad --fpr-bounds 1e-3,1e-2";
        let matches = Cli::command().try_get_matches_from(line.split(' ')).unwrap();
        let command = inspect_command(matches.subcommand().unwrap().1);
        assert_eq!(command, "pimo inspect --maps a=x --maps b=y --dataset d --fpr-bounds 1e-3,1e-2 --skip-bad");
    }
}
