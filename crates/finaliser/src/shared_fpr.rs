//! How the false-positive rates of the normal images become one.

use std::fmt;
use std::str::FromStr;

use crate::Decimal;

/// The rate on the x-axis of a PIMO curve, as a function of the normal images' own rates at a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum SharedFpr {
    /// Their mean, as in the AUPIMO paper.
    #[default]
    Mean,
    /// The largest.
    Max,
    /// The `ceil(q n)`-th smallest of the n rates.
    Quantile(Decimal),
}

/// Not one of `mean`, `max`, `quantile:q`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no shared FPR: expected `mean`, `max` or `quantile:q` with 0 < q <= 1, for example quantile:0.95")]
pub struct SharedFprError(String);

impl SharedFpr {
    /// The rank, from 1, of the rate among the ascending rates of `images` images; `None` for the mean.
    pub(crate) fn rank(self, images: u64) -> Option<u64> {
        match self {
            Self::Mean => None,
            Self::Max => Some(images),
            Self::Quantile(q) => Some(q.ceil_of(images).clamp(1, images.max(1))),
        }
    }
}

impl fmt::Display for SharedFpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean"),
            Self::Max => f.write_str("max"),
            Self::Quantile(q) => write!(f, "quantile:{q}"),
        }
    }
}

impl FromStr for SharedFpr {
    type Err = SharedFprError;

    fn from_str(text: &str) -> Result<Self, SharedFprError> {
        let error = || SharedFprError(text.to_owned());
        match text {
            "mean" => Ok(Self::Mean),
            "max" => Ok(Self::Max),
            _ => {
                let q: Decimal = text.strip_prefix("quantile:").ok_or_else(error)?.parse().map_err(|_| error())?;
                if q.value() > 0.0 { Ok(Self::Quantile(q)) } else { Err(error()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for text in ["mean", "max", "quantile:0.95", "quantile:1"] {
            assert_eq!(text.parse::<SharedFpr>().unwrap().to_string(), text);
        }
        for bad in ["median", "quantile", "quantile:0", "quantile:1.5", "quantile:x", ""] {
            assert!(bad.parse::<SharedFpr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ranks_count_from_one() {
        let rank = |text: &str, images| text.parse::<SharedFpr>().unwrap().rank(images);
        assert_eq!(rank("mean", 10), None);
        assert_eq!(rank("max", 10), Some(10));
        assert_eq!(rank("quantile:0.5", 5), Some(3));
        assert_eq!(rank("quantile:1e-9", 5), Some(1));
        assert_eq!(rank("quantile:1", 5), Some(5));
    }
}
