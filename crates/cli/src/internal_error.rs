//! What happens when pimo itself is at fault.

use std::io::Write;
use std::panic::{self, AssertUnwindSafe};

use crate::exit::Code;

/// Runs something; a panic in it, or in a thread of it, ends in a message that asks for a report.
pub(crate) fn guarded(work: impl FnOnce() -> Code) -> Code {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let _ = writeln!(
            std::io::stderr().lock(),
            "error: pimo {} failed inside, which is a mistake in pimo and not yours. Please report it with the \
             command and these lines (RUST_BACKTRACE=1 adds more):",
            env!("CARGO_PKG_VERSION")
        );
        usual(info);
    }));
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(Code::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_error() {
        assert_eq!(guarded(|| panic!("a test of panics")), Code::Internal);
        assert_eq!(guarded(|| Code::Data), Code::Data);
    }
}
