//! `HEIGHTxWIDTH`.

use pimo_frame::Size;

/// Reads a height and a width in pixels.
///
/// # Errors
/// The text is not two whole numbers with an `x` between.
pub fn parse_size(text: &str) -> Result<Size, String> {
    let parts =
        text.split_once(['x', 'X']).and_then(|(height, width)| Some((height.parse().ok()?, width.parse().ok()?)));
    let (height, width) =
        parts.ok_or_else(|| format!("`{text}` is no size: expected HEIGHTxWIDTH, for example 256x256"))?;
    Ok(Size::new(height, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn height_comes_first() {
        assert_eq!(parse_size("3x4"), Ok(Size::new(3, 4)));
        for bad in ["", "3", "3x", "x4", "3x4x5", "-3x4", "3,4", "99999999999x1"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
