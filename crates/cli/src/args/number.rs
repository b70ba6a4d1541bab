//! Whole numbers, with errors in words.

use std::num::NonZero;
use std::str::FromStr;

/// Reads a number of things, which may be none.
pub(crate) fn count<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number, 0 or more".to_owned())
}

/// Reads a number of things of which one is needed.
pub(crate) fn at_least_one(text: &str) -> Result<NonZero<u16>, String> {
    text.parse().map_err(|_| format!("expected a whole number from 1 to {}", u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_told_in_words() {
        assert_eq!((count("0"), count::<usize>("12")), (Ok(0_u64), Ok(12)));
        assert_eq!(at_least_one("3").map(NonZero::get), Ok(3));
        for bad in ["-1", "1.5", "", "x"] {
            assert_eq!(count::<u64>(bad), Err("expected a whole number, 0 or more".to_owned()));
        }
        for bad in ["-1", "0", "65536", "x"] {
            assert_eq!(at_least_one(bad), Err("expected a whole number from 1 to 65535".to_owned()));
        }
    }
}
