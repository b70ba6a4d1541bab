//! `stats.json`. Statistics have the names that the published package gives them.

use pimo_store::{FORMAT_VERSION, VERSION};
use serde_json::{Value, json as value};

use super::Described;

/// The whole file.
pub(crate) fn json(described: &[Described<'_>], parameters: &[(String, String)]) -> Value {
    let parameters: serde_json::Map<String, Value> =
        parameters.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    value!({
        "format_version": FORMAT_VERSION,
        "pimo_version": VERSION,
        "parameters": parameters,
        "results": described.iter().map(result).collect::<Vec<_>>(),
    })
}

fn result(group: &Described<'_>) -> Value {
    let stats = group.exemplars.iter().map(|chosen| {
        let image = group.images[chosen.index];
        value!({
            "stat_name": chosen.statistic.to_string(),
            "stat_value": chosen.value,
            "image_idx": image.position,
            "image_id": image.id,
            "score": chosen.score,
        })
    });
    value!({
        "category": group.category,
        "model": group.model,
        "defect": group.defect,
        "images": group.images.len(),
        "share_0": group.boxplot.share_of_zeros,
        "share_1": group.boxplot.share_of_ones,
        "stats": stats.collect::<Vec<_>>(),
    })
}
