//! JSON as Python's `json` module writes and accepts it: NaN and infinities as bare tokens, floats as `repr` prints them.

use std::borrow::Cow;
use std::fmt::Write;

/// The tokens that Python accepts beyond JSON, longest match first.
const TOKENS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// Puts the tokens beyond JSON into quotes, so that a JSON parser takes them for strings.
pub(crate) fn quote_tokens(text: &str) -> Cow<'_, str> {
    let mut quoted = String::new();
    let mut copied = 0;
    let mut position = 0;
    let bytes = text.as_bytes();
    while position < bytes.len() {
        if bytes[position] == b'"' {
            position = end_of_string(bytes, position);
            continue;
        }
        let rest = &bytes[position..];
        let token = TOKENS.iter().find(|token| rest.starts_with(token.as_bytes()));
        if let Some(token) = token {
            quoted.push_str(&text[copied..position]);
            quoted.extend(["\"", token, "\""]);
            position += token.len();
            copied = position;
        } else {
            position += 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    quoted.push_str(&text[copied..]);
    Cow::Owned(quoted)
}

/// The position after the string that starts at `start`, or the end of an unfinished one.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut position = start + 1;
    while position < bytes.len() {
        match bytes[position] {
            b'"' => return position + 1,
            b'\\' => position += 2,
            _ => position += 1,
        }
    }
    bytes.len()
}

/// The value of a quoted token.
pub(crate) fn token_value(token: &str) -> Option<f64> {
    match token {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Appends a float as Python prints it: the shortest digits that give it back, with an exponent below 1e-4 and from
/// 1e16 on.
pub(crate) fn push_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
        return;
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    if value.is_infinite() {
        out.push_str("Infinity");
        return;
    }
    let scientific = shortest_scientific(value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    match exponent {
        0..16 => push_large(out, &digits, exponent as usize),
        -4..0 => push_small(out, &digits, exponent.unsigned_abs() as usize),
        _ => push_scientific(out, &digits, exponent),
    }
}

/// The fewest digits that give the value back; of several such numbers the nearest, of two as near the even one.
fn shortest_scientific(value: f64) -> String {
    let shortest = format!("{value:e}");
    let decimals = shortest.split('e').next().map_or(0, |mantissa| mantissa.len().saturating_sub(2));
    // The standard library takes the upper of two as near; rounding to that many digits takes the even one.
    let nearest = format!("{value:.decimals$e}");
    if nearest.parse() == Ok(value) { nearest } else { shortest }
}

/// `digits` with the point after the first `exponent + 1` of them.
fn push_large(out: &mut String, digits: &str, exponent: usize) {
    let whole = exponent + 1;
    if digits.len() <= whole {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', whole - digits.len()));
        out.push_str(".0");
    } else {
        out.push_str(&digits[..whole]);
        out.push('.');
        out.push_str(&digits[whole..]);
    }
}

/// A number below 1 whose first digit stands at the given place after the point.
fn push_small(out: &mut String, digits: &str, place: usize) {
    out.push_str("0.");
    out.extend(std::iter::repeat_n('0', place - 1));
    out.push_str(digits);
}

fn push_scientific(out: &mut String, digits: &str, exponent: i32) {
    out.push_str(&digits[..1]);
    if digits.len() > 1 {
        out.push('.');
        out.push_str(&digits[1..]);
    }
    out.push('e');
    out.push(if exponent < 0 { '-' } else { '+' });
    // Writing to a string cannot fail.
    let _ = write!(out, "{:02}", exponent.unsigned_abs());
}

/// Appends a string in quotes, in ASCII.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// Appends a list as `json.dumps(indent=4)` lays it out one level deep.
pub(crate) fn push_list<T>(out: &mut String, items: &[T], push: impl Fn(&mut String, &T)) {
    if items.is_empty() {
        out.push_str("[]");
        return;
    }
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str("        ");
        push(out, item);
    }
    out.push_str("\n    ]");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn float(value: f64) -> String {
        let mut out = String::new();
        push_float(&mut out, value);
        out
    }

    #[test]
    fn floats_as_python_prints_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.000_123, "0.000123"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (5e-324, "5e-324"),
            (1e15, "1000000000000000.0"),
            (1_234_567_890_123_456.0, "1234567890123456.0"),
            (1e16, "1e+16"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
            (-16.078_599_929_809_57, "-16.07859992980957"),
            // Exactly between two numbers of 17 digits.
            (f64::from(192.125_76_f32), "192.12576293945312"),
            (9_007_199_254_740_992.0, "9007199254740992.0"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn strings_are_escaped_to_ascii() {
        let mut out = String::new();
        push_string(&mut out, "a\"\\/\n\r\t\u{8}\u{c}\u{1}\u{7f}é😀");
        let expected = r#""a\"\\/\n\r\t\b\f\u0001\u007f\u00e9\ud83d\ude00""#;
        assert_eq!(out, expected);
    }

    #[test]
    fn tokens_inside_strings_stay() {
        let text = r#"{"NaN\"NaN": [NaN, -Infinity, Infinity, "NaN", 1]}"#;
        let expected = r#"{"NaN\"NaN": ["NaN", "-Infinity", "Infinity", "NaN", 1]}"#;
        assert_eq!(quote_tokens(text), expected);
        assert_eq!(quote_tokens("[1, null]"), "[1, null]");
        assert_eq!(quote_tokens("\"unfinished \\"), "\"unfinished \\");
    }

    proptest! {
        #[test]
        fn floats_come_back_to_the_last_bit(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(float(value).parse::<f64>().map(f64::to_bits), Ok(bits));
        }

        #[test]
        fn strings_come_back(text: String) {
            let mut out = String::new();
            push_string(&mut out, &text);
            prop_assert!(out.is_ascii());
            prop_assert_eq!(serde_json::from_str::<String>(&out).ok(), Some(text));
        }

        #[test]
        fn any_text_is_scanned_without_panic(text: String) {
            prop_assert!(quote_tokens(&text).len() >= text.len());
        }
    }
}
