//! Numbers as people read them.

use std::time::Duration;

/// Bytes with three digits and a decimal unit.
pub(crate) fn bytes(count: u64) -> String {
    scaled(count as f64, &["B", "kB", "MB", "GB", "TB", "PB"])
}

/// Bytes per second.
pub(crate) fn rate(count: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64().max(1e-9);
    format!("{}/s", bytes((count as f64 / seconds) as u64))
}

fn scaled(mut value: f64, units: &[&str]) -> String {
    let mut unit = 0;
    // 999.5 would print as 1000.
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = if unit == 0 || value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.decimals$} {}", units[unit])
}

/// A span of time.
pub(crate) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else if seconds < 119.5 {
        format!("{seconds:.0} s")
    } else if seconds < 2.0 * 3600.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

/// `1 image`, `2 images`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = match (count, noun.strip_suffix('y')) {
        (1, _) => noun.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{noun}s"),
    };
    format!("{count} {plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        for (count, text) in [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (99_950, "100 kB"), (999_600, "1.00 MB")] {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(rate(3_000_000, Duration::from_secs(2)), "1.50 MB/s");
    }

    #[test]
    fn times_and_counts() {
        let text = |secs: u64| seconds(Duration::from_secs(secs));
        assert_eq!([text(0), text(59), text(600), text(9000)], ["0.0 s", "59 s", "10 min", "2.5 h"]);
        assert_eq!(
            [counted(1, "category"), counted(2, "category"), counted(0, "map")],
            ["1 category", "2 categories", "0 maps"]
        );
    }
}
