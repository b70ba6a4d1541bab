//! Pixels put together by the pages of their keys.

use crate::OrderedKey;

/// What is to be known of some pixels, those of each page together, by ascending prefixes.
#[derive(Clone, Debug)]
pub(crate) struct ByPage<T> {
    pixels: Vec<T>,
    /// Every prefix, and where its pixels end.
    pages: Vec<(usize, usize)>,
}

impl<T: Copy + Default> ByPage<T> {
    /// Puts `kept` of each pixel with those of its page; in a page the order remains.
    pub(crate) fn of<K: OrderedKey, P>(pixels: &[P], key: impl Fn(&P) -> K, kept: impl Fn(&P) -> T) -> Self {
        // Counts of the prefixes, then where the next pixel of each goes, and in the end where they end.
        let mut places = vec![0_u32; if pixels.is_empty() { 0 } else { 1 << K::PREFIX_BITS }];
        for pixel in pixels {
            places[key(pixel).prefix()] += 1;
        }
        let mut prefixes = Vec::new();
        let mut start = 0;
        for (prefix, place) in places.iter_mut().enumerate().filter(|(_, place)| **place > 0) {
            start += std::mem::replace(place, start);
            prefixes.push((prefix, start as usize));
        }
        let mut together = vec![T::default(); pixels.len()];
        for pixel in pixels {
            let place = &mut places[key(pixel).prefix()];
            together[*place as usize] = kept(pixel);
            *place += 1;
        }
        Self { pixels: together, pages: prefixes }
    }

    /// Puts the pixels of each page in ascending order of what is shown of them.
    pub(crate) fn sort_by_key<O: Ord>(&mut self, of: impl Fn(&T) -> O) {
        let mut rest = self.pixels.as_mut_slice();
        let mut start = 0;
        for &(_, end) in &self.pages {
            let (page, after) = rest.split_at_mut(end - start);
            page.sort_unstable_by_key(&of);
            (rest, start) = (after, end);
        }
    }

    /// Each prefix with its pixels.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &[T])> {
        let mut start = 0;
        self.pages.iter().map(move |&(prefix, end)| (prefix, &self.pixels[std::mem::replace(&mut start, end)..end]))
    }
}
