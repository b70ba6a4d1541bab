//! Text in plots: escaping and an estimate of its width.

use std::fmt::{self, Write};

pub(super) const FONT_SIZE: f64 = 13.0;
pub(super) const LINE_HEIGHT: f64 = 20.0;

/// Text as it may stand in markup and in quoted attributes.
///
/// Control characters, which XML forbids, become the replacement character.
#[derive(Debug, Clone, Copy)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(' ')?,
                control if control.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Width of a text in the plots' font, not less than what common sans-serif fonts need.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(character_width).sum::<f64>() * FONT_SIZE
}

fn character_width(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.36,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '—' => 1.05,
        'A'..='Z' | '_' => 0.76,
        '+' | '<' | '>' | '=' | '~' | '−' | '…' => 0.9,
        ' '..='~' => 0.66,
        '\u{80}'..='\u{2fff}' => 0.8,
        _ => 1.15,
    }
}

/// The text, shortened in its middle so that it is no wider than `limit`: names differ at both ends.
pub(super) fn shortened(text: &str, limit: f64) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    let mut kept = characters.len();
    loop {
        kept = kept.saturating_sub(1);
        let head: String = characters[..kept.div_ceil(2)].iter().collect();
        let tail: String = characters[characters.len() - kept / 2..].iter().collect();
        let candidate = format!("{head}…{tail}");
        if kept == 0 || width(&candidate) <= limit {
            return candidate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(Escaped("<a href='x'>&\"\u{0}\n").to_string(), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd} ");
    }

    #[test]
    fn long_texts_lose_their_middle() {
        assert_eq!(shortened("short", 100.0), "short");
        let long = shortened("a_very_long_name_of_a_detector_v2", 120.0);
        assert!(long.starts_with("a_ver") && long.ends_with("_v2") && long.contains('…'), "{long}");
        assert!(width(&long) <= 120.0);
        assert_eq!(shortened("abc", 0.0), "…");
        assert!(width(&shortened(&"漢字".repeat(100), 120.0)) <= 120.0);
    }
}
