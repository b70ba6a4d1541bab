//! `--memory 256MiB`.

use std::str::FromStr;

/// An amount of memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory(pub u64);

const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || {
            format!("`{text}` is no amount of memory: expected a whole number with a unit, for example 512MiB or 2GB")
        };
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| error())?;
        let unit = unit.trim();
        let known = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
        let factor = if unit.is_empty() { 1 } else { known.ok_or_else(error)?.1 };
        number.checked_mul(factor).filter(|&bytes| bytes > 0).map(Self).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units() {
        let read = |text: &str| text.parse::<Memory>().map(|memory| memory.0).ok();
        assert_eq!(read("256MiB"), Some(256 << 20));
        assert_eq!(read("1 GB"), Some(1_000_000_000));
        assert_eq!(read("4gib"), Some(4 << 30));
        assert_eq!(read("1048576"), Some(1 << 20));
        for bad in ["", "MiB", "1.5GiB", "-1MiB", "0", "1XB", "99999999999TiB"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
