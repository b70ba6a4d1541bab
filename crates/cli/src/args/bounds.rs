//! `--fpr-bounds L,U`.

use pimo_finaliser::{Decimal, FprBounds};

/// Reads two rates with a comma between.
pub(crate) fn parse(text: &str) -> Result<FprBounds, String> {
    let (lower, upper) = text.split_once(',').ok_or("expected two rates L,U, for example 1e-5,1e-4")?;
    let rate = |text: &str| text.parse::<Decimal>().map_err(|error| error.to_string());
    FprBounds::from_decimals(rate(lower)?, rate(upper)?).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn two_rates_in_order() {
        let bounds = parse("1e-3, 0.25").unwrap();
        assert_eq!((bounds.lower().value(), bounds.upper().value()), (1e-3, 0.25));
        for bad in ["1e-3", "", "1e-3,x", "0,1e-3", "1e-3,1e-4", "1e-3,2", "1e-5,1e-4,1e-3"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
