//! Commands that can be pasted into a shell.

use std::borrow::Cow;
use std::ffi::OsStr;

/// A word as a shell reads it: in quotes where it needs them.
pub(crate) fn quoted(word: &OsStr) -> Cow<'_, str> {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "_-./=:,+@%#".contains(c);
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('#') {
        word
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

/// A whole command.
pub(crate) fn command<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| quoted(word.as_ref()).into_owned()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        let words = ["pimo", "--maps", "a=maps/a b", "", "it's", "x:y,z", "$HOME"];
        assert_eq!(command(words), r"pimo --maps 'a=maps/a b' '' 'it'\''s' x:y,z '$HOME'");
    }
}
