//! The columns of a manifest.

use std::collections::BTreeSet;

use crate::error::{listing, shortened};
use crate::nearest::nearest;

/// Which field of a row is which.
pub(crate) struct Columns {
    pub(crate) image_id: usize,
    pub(crate) category: usize,
    pub(crate) maps: Vec<usize>,
    pub(crate) mask: Option<usize>,
    pub(crate) image: Option<usize>,
    pub(crate) class: Option<usize>,
    pub(crate) defect: Option<usize>,
    pub(crate) group: Option<usize>,
    pub(crate) count: usize,
}

const NAMES: [&str; 8] = ["image_id", "category", "map", "mask", "image", "class", "defect", "group"];
/// What the column of one of several detectors' maps starts with.
const MAP_OF: &str = "map:";

impl Columns {
    /// Finds the columns by their names; the detectors' names; and the names that mean nothing here.
    pub(crate) fn find(names: &[String], model: &str) -> Result<(Self, Vec<String>, Vec<String>), String> {
        let names: Vec<&str> = names.iter().map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !name.is_empty() && !seen.insert(**name)) {
            return Err(format!("two columns are called `{}`; expected each name once", shortened(twice)));
        }
        let at = |wanted: &str| names.iter().position(|name| *name == wanted);
        let needed = |wanted: &str| {
            at(wanted).ok_or_else(|| {
                let meant = nearest(wanted, names.iter().copied()).map(|name| format!(" (`{name}` is near)"));
                let separated = match names.as_slice() {
                    [only] if only.contains([';', '\t']) => "; fields must be separated by commas",
                    _ => "",
                };
                let shown: Vec<String> = names.iter().map(|name| shortened(name)).collect();
                format!(
                    "no column `{wanted}`{}{separated}; expected image_id, category, map and, if wanted, mask, image, \
                     class, defect, group; there are: {}",
                    meant.unwrap_or_default(),
                    listing(&shown)
                )
            })
        };
        let (image_id, category) = (needed("image_id")?, needed("category")?);
        let of_model = |name: &str| name.strip_prefix(MAP_OF).map(str::trim).map(str::to_owned);
        let several: Vec<(usize, String)> =
            names.iter().enumerate().filter_map(|(i, name)| Some((i, of_model(name)?))).collect();
        let (maps, models) = match (at("map"), several.is_empty()) {
            (Some(_), false) => {
                return Err(
                    "both a column `map` and columns `map:NAME`; expected the one for a single detector or the \
                            others for several"
                        .to_owned(),
                );
            }
            (_, false) => several.into_iter().unzip(),
            (_, true) => (vec![needed("map")?], vec![model.to_owned()]),
        };
        if models.iter().any(String::is_empty) {
            return Err("a column `map:` without a name; expected the detector's name after the colon".to_owned());
        }
        let unknown = names.iter().filter(|name| !NAMES.contains(name) && !name.starts_with(MAP_OF));
        let unknown = unknown.map(|name| shortened(name)).collect();
        let columns = Self {
            image_id,
            category,
            maps,
            mask: at("mask"),
            image: at("image"),
            class: at("class"),
            defect: at("defect"),
            group: at("group"),
            count: names.len(),
        };
        Ok((columns, models, unknown))
    }
}
