//! The endings of files that hold maps, masks and images.

/// Files that hold anomaly maps.
pub(crate) const MAPS: &[&str] = &["npy", "npz", "tif", "tiff", "png", "pt"];
/// Files that hold masks.
pub(crate) const MASKS: &[&str] = &["png", "tif", "tiff", "npy", "bmp"];
/// Files that hold source images; where several have one stem, the first of this list is taken.
pub(crate) const IMAGES: &[&str] = &["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp"];

/// What the name of a mask may have after the name of its image.
pub(crate) const MASK_MARK: &str = "_mask";

/// Cuts `name` before the dot of its ending if that is one of `known` (capitals do not matter).
pub(crate) fn stem_of<'a>(name: &'a str, known: &[&str]) -> Option<&'a str> {
    let (stem, ending) = name.rsplit_once('.')?;
    let is_known = !stem.is_empty() && known.iter().any(|known| ending.eq_ignore_ascii_case(known));
    is_known.then_some(stem)
}

/// The name without an ending of any map, mask or image; other dots stay.
pub(crate) fn stem_of_any(name: &str) -> &str {
    stem_of(name, MAPS).or_else(|| stem_of(name, MASKS)).or_else(|| stem_of(name, IMAGES)).unwrap_or(name)
}

/// The position of the name's ending in `known`, for choosing between several files.
pub(crate) fn rank(name: &str, known: &[&str]) -> usize {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    known.iter().position(|known| ending.eq_ignore_ascii_case(known)).unwrap_or(known.len())
}

/// `.npy, .npz or .pt`, for messages.
pub(crate) fn listed(known: &[&str]) -> String {
    let (last, others) = known.split_last().expect("every list of endings has one");
    let others: Vec<String> = others.iter().map(|ending| format!(".{ending}")).collect();
    format!("{} or .{last}", others.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_endings_are_cut() {
        assert_eq!(stem_of("000.NPY", MAPS), Some("000"));
        assert_eq!(stem_of("000.1.npy", MAPS), Some("000.1"));
        assert_eq!(stem_of(".npy", MAPS), None);
        assert_eq!(stem_of("000.txt", MAPS), None);
        assert_eq!(stem_of("000", MAPS), None);
        assert_eq!(stem_of_any("000.JPG"), "000");
        assert_eq!(stem_of_any("v1.2"), "v1.2");
        assert_eq!(listed(MASKS), ".png, .tif, .tiff, .npy or .bmp");
        assert!(rank("a.PNG", IMAGES) < rank("a.jpg", IMAGES));
    }
}
