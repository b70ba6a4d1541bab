//! The `pimo` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    pimo::run(std::env::args_os())
}
