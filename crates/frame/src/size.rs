//! Heights and widths.

use std::fmt;

/// Height and width of an image in pixels. Prints as `HxW`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Size {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Size {
    /// `height` rows of `width` columns.
    pub const fn new(height: u32, width: u32) -> Self {
        Self { height, width }
    }

    /// Number of pixels; never overflows.
    pub const fn pixels(self) -> u64 {
        self.height as u64 * self.width as u64
    }

    /// Whether the aspect ratios of the two sizes differ by more than one per cent.
    pub fn aspect_differs(self, other: Self) -> bool {
        let ours = u128::from(self.height) * u128::from(other.width);
        let theirs = u128::from(other.height) * u128::from(self.width);
        ours.abs_diff(theirs) * 100 > ours.min(theirs)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aspect_ratios_may_differ_by_one_per_cent() {
        let square = Size::new(1000, 1000);
        assert!(!square.aspect_differs(Size::new(10, 10)));
        assert!(!square.aspect_differs(Size::new(1010, 1000)));
        assert!(square.aspect_differs(Size::new(1011, 1000)));
        assert!(square.aspect_differs(Size::new(1000, 1011)));
        assert!(Size::new(u32::MAX, 1).aspect_differs(Size::new(1, u32::MAX)));
    }
}
