//! Numbers as they are read.

/// Four decimals, which is what per-image scores are compared at.
pub(super) fn score(value: f64) -> String {
    if value.is_finite() { format!("{value:.4}") } else { "–".to_owned() }
}

/// As [`score`], and a dash for what there is not.
pub(super) fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), score)
}

/// A p-value with at least two significant digits.
pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        None => "–".to_owned(),
        Some(p) if p >= 0.1 => format!("{p:.2}"),
        Some(p) if p >= 0.001 => format!("{p:.4}"),
        Some(p) if p < 1e-300 => "< 1e-300".to_owned(),
        Some(p) => format!("{p:.1e}"),
    }
}

/// A confidence in per cent. Rounded down, so that nothing reaches a level by rounding.
pub(super) fn confidence(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value < 0.01 => "< 1 %".to_owned(),
        Some(value) if value < 0.99 => format!("{} %", (value * 100.0) as u32),
        Some(value) if value < 0.999 => format!("{:.1} %", (value * 1000.0).floor() / 10.0),
        Some(_) => "> 99.9 %".to_owned(),
    }
}

/// A level such as 0.95 in per cent.
pub(super) fn percent(level: f64) -> String {
    let text = format!("{:.2}", level * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A metric's name as it is read: `pixel AUROC` for `pixel_auroc`.
pub(super) fn metric(name: &str) -> String {
    let word = |word: &str| match word {
        "auroc" | "aupro" | "ap" | "aupr" | "fpr95" => word.to_uppercase(),
        "f1max" => "F1max".to_owned(),
        "iou" => "IoU".to_owned(),
        "ioumax" => "IoU max".to_owned(),
        other => other.to_owned(),
    };
    name.split('_').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidences_never_reach_a_level_by_rounding() {
        let cases = [
            (Some(0.0), "< 1 %"),
            (Some(0.949_99), "94 %"),
            (Some(0.95), "95 %"),
            (Some(0.994_99), "99.4 %"),
            (Some(0.999_5), "> 99.9 %"),
            (Some(1.0), "> 99.9 %"),
            (None, "–"),
        ];
        for (value, expected) in cases {
            assert_eq!(confidence(value), expected);
        }
    }

    #[test]
    fn metrics_have_their_usual_names() {
        let names = ["auroc", "pixel_auroc", "aupro_0.3", "image_f1max", "pixel_ioumax", "AUROC", "zeta"].map(metric);
        assert_eq!(names, ["AUROC", "pixel AUROC", "AUPRO 0.3", "image F1max", "pixel IoU max", "AUROC", "zeta"]);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!((score(0.123_45), optional(None), score(f64::NAN)), ("0.1235".into(), "–".into(), "–".into()));
        assert_eq!((p_value(Some(0.049)), p_value(Some(1.83e-15))), ("0.0490".into(), "1.8e-15".into()));
        assert_eq!((p_value(Some(0.0)), p_value(None)), ("< 1e-300".into(), "–".into()));
        assert_eq!((percent(0.95), percent(0.999)), ("95 %".into(), "99.9 %".into()));
    }
}
