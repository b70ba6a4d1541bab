//! Digests of what a run saw, so that a comparison can refuse runs on different ground truth.

use pimo_frame::{Mask, Size};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// Digest of a mask's size and pixels.
pub(crate) fn of_mask(mask: &Mask) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(&mask.size().height.to_le_bytes());
    hasher.update(&mask.size().width.to_le_bytes());
    for chunk in mask.words().chunks(512) {
        let mut bytes = [0; 512 * 8];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(chunk) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        hasher.update(&bytes[..chunk.len() * 8]);
    }
    hasher.digest128()
}

/// A digest of many things in a fixed order.
#[derive(Default)]
pub(crate) struct Digest(Xxh3);

impl Digest {
    pub(crate) fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    pub(crate) fn size(&mut self, size: Size) {
        self.0.update(&size.height.to_le_bytes());
        self.0.update(&size.width.to_le_bytes());
    }

    pub(crate) fn number(&mut self, number: u128) {
        self.0.update(&number.to_le_bytes());
    }

    pub(crate) fn finish(&self) -> String {
        format!("xxh3-128:{:032x}", self.0.digest128())
    }
}

/// Digest of a text, as a number.
pub(crate) fn of_text(text: &str) -> u128 {
    xxh3_128(text.as_bytes())
}
