//! Thumbnails as the template draws them.

use serde::Serialize;

use super::base64::base64;
use super::format;
use super::model::{CategoryReport, Example, FalsePositiveExample};

/// A picture with its caption.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Picture {
    /// PNG as base64.
    data: String,
    title: String,
    caption: String,
    /// What it shows, for those who do not see it.
    description: String,
}

pub(super) fn example(category: &CategoryReport, example: &Example, model: &str) -> Option<Picture> {
    let png = example.thumbnail.as_deref()?;
    let image = &category.images[example.image].id;
    let title = format!("{}: {}", example.statistic, format::score(example.score));
    let description = format!("Anomaly map of {model} over {image}, the image at the {title}");
    Some(Picture { data: base64(png), title, caption: image.clone(), description })
}

pub(super) fn false_positives(example: &FalsePositiveExample, model: &str) -> Picture {
    let description = format!("False-positive levels of {model} on the normal image {}", example.image_id);
    Picture {
        data: base64(&example.thumbnail),
        title: example.caption.clone(),
        caption: format!("{} ({model})", example.image_id),
        description,
    }
}
