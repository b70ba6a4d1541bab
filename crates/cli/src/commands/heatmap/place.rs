//! Names of the pictures' files.

use std::collections::HashSet;
use std::path::PathBuf;

/// Gives every picture a place of its own.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: HashSet<PathBuf>,
}

impl Places {
    /// The place of an image's picture below the output folder: `<model>/<image_id>.png`, with the category in
    /// between where the id does not begin with it.
    pub(super) fn of(&mut self, model: &str, category: &str, image_id: &str) -> PathBuf {
        let mut folder = PathBuf::from(safe(&model.replace('/', "_")));
        let begins = image_id.strip_prefix(category).is_some_and(|rest| rest.starts_with('/'));
        if !begins {
            folder.extend(category.split('/').map(safe));
        }
        let mut parts: Vec<String> = image_id.split('/').map(safe).collect();
        let stem = parts.pop().unwrap_or_default();
        folder.extend(parts);
        let numbered = |number: usize| match number {
            1 => folder.join(format!("{stem}.png")),
            number => folder.join(format!("{stem}-{number}.png")),
        };
        // Ids differ, but what makes them safe may make them equal.
        let place = (1..=usize::MAX).map(numbered).find(|place| !self.taken.contains(place)).unwrap_or_default();
        self.taken.insert(place.clone());
        place
    }
}

/// A part of a path that names neither this folder nor the one above, nor anything that begins like an option or is
/// hidden.
fn safe(part: &str) -> String {
    let part = part.replace('\0', "_");
    match part.chars().next() {
        None => "_".to_owned(),
        Some('.' | '-') => format!("_{}", &part[1..]),
        Some(_) => part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stay_below_their_folder() {
        let mut places = Places::default();
        let mut place = |model, category, id| places.of(model, category, id).to_string_lossy().into_owned();
        assert_eq!(place("padim", "screw", "screw/dent/000"), "padim/screw/dent/000.png");
        assert_eq!(place("a/b", "mvtec/screw", "mvtec/screw/dent/000"), "a_b/mvtec/screw/dent/000.png");
        assert_eq!(place("padim", "screw", "000"), "padim/screw/000.png");
        assert_eq!(place("padim", "s", "../../etc/passwd"), "padim/s/_./_./etc/passwd.png");
        assert_eq!(place("padim", "..", "/root"), "padim/_./_/root.png");
        assert_eq!(place("padim", "s", "x//y"), "padim/s/x/_/y.png");
        assert_eq!(place("padim", "s", "x/_/y"), "padim/s/x/_/y-2.png");
    }
}
