//! Pixels put together by the pages of their keys.

use crate::OrderedKey;

/// What is to be known of some pixels, those of each page together, by ascending prefixes.
#[derive(Clone, Debug)]
pub(crate) struct ByPage<T> {
    pixels: Vec<T>,
    /// Every prefix, and where its pixels end.
    pages: Vec<(u32, u32)>,
}

impl<T: Copy + Default> ByPage<T> {
    /// Puts `kept` of each pixel with those of its page; in a page the order remains.
    pub(crate) fn of<K: OrderedKey, P>(pixels: &[P], key: impl Fn(&P) -> K, kept: impl Fn(&P) -> T) -> Self {
        // Counts of the prefixes, then where the next pixel of each goes, and in the end where they end.
        let mut places = vec![0_u32; if pixels.is_empty() { 0 } else { 1 << K::PREFIX_BITS }];
        for pixel in pixels {
            places[key(pixel).prefix()] += 1;
        }
        let mut pages = Vec::with_capacity(places.iter().filter(|count| **count > 0).count());
        let mut start = 0;
        for (prefix, place) in (0..).zip(&mut places).filter(|(_, place)| **place > 0) {
            start += std::mem::replace(place, start);
            pages.push((prefix, start));
        }
        let mut together = vec![T::default(); pixels.len()];
        for pixel in pixels {
            let place = &mut places[key(pixel).prefix()];
            together[*place as usize] = kept(pixel);
            *place += 1;
        }
        Self { pixels: together, pages }
    }

    /// Puts the pixels of each page in ascending order of what is shown of them.
    pub(crate) fn sort_by_key<O: Ord>(&mut self, of: impl Fn(&T) -> O) {
        let mut rest = self.pixels.as_mut_slice();
        let mut start = 0;
        for &(_, end) in &self.pages {
            let (page, after) = rest.split_at_mut((end - start) as usize);
            page.sort_unstable_by_key(&of);
            (rest, start) = (after, end);
        }
    }

    /// Each prefix with its pixels.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &[T])> {
        let mut start = 0;
        self.pages.iter().map(move |&(prefix, end)| {
            let start = std::mem::replace(&mut start, end);
            (prefix as usize, &self.pixels[start as usize..end as usize])
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pixels_of_a_page_come_together(pixels in proptest::collection::vec((0_u32..1 << 19, any::<u16>()), 0..300)) {
            let key = |low: u32| (0xbfff << 16) + low;
            let mut together = ByPage::of(&pixels, |&(low, _)| key(low), |&(low, number)| (low as u16, number));
            let page = |prefix: usize| pixels.iter().filter(move |&&(low, _)| key(low).prefix() == prefix);
            let mut before = None;
            let mut count = 0;
            for (prefix, found) in together.iter() {
                prop_assert!(!found.is_empty() && before < Some(prefix));
                prop_assert!(found.iter().copied().eq(page(prefix).map(|&(low, number)| (low as u16, number))));
                before = Some(prefix);
                count += found.len();
            }
            prop_assert_eq!(count, pixels.len());
            together.sort_by_key(|pixel| *pixel);
            for (prefix, found) in together.iter() {
                prop_assert!(found.is_sorted() && found.len() == page(prefix).count());
            }
        }
    }
}
