//! Printing results.

use std::io::{self, ErrorKind, Write};

use crate::exit::{Code, Failure};

/// Prints a text on stdout. Nobody listening any more is fine.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("the result could not be printed on standard output: {error}");
            Err(Failure { code: Code::System, message })
        }
        _ => Ok(()),
    }
}
