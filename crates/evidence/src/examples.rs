//! Lists in messages.

/// The first `most` of these texts in one line, and dots if there are more.
pub(crate) fn examples(texts: &[String], most: usize) -> String {
    let more = if texts.len() > most { ", ..." } else { "" };
    format!("{}{more}", texts[..texts.len().min(most)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_for_what_is_left_out() {
        let texts = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(examples(&texts, 2), "a, b, ...");
        assert_eq!(examples(&texts, 3), "a, b, c");
        assert_eq!(examples(&[], 3), "");
    }
}
