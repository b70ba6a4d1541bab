//! The pixels of one image that are high enough to matter, collected once and used several times.

use pimo_frame::{SCORE_BLOCK, Sample, Size};

use crate::key::key_of_score;

/// Pixels that are kept however small an image is.
const LEAST: usize = 1 << 16;

/// [Keys](crate::key_of_score) of the pixels of an image that reach some score, in no order, as
/// [`GridCells`](crate::GridCells) takes them out; one for each thread. Where they are more than an eighth of the image,
/// only some of them are kept.
#[derive(Clone, Debug, Default)]
pub struct HighPixels {
    normal: Vec<u64>,
    anomalous: Vec<u64>,
    most: usize,
    whole: bool,
}

impl HighPixels {
    /// Bytes that the pixels of images up to this size take at most.
    pub fn bytes(size: Size) -> u64 {
        let most = (most(size) as u64 + u64::from(size.width)).min(size.pixels());
        // Vectors double as they grow, and one image may fill the one, another image the other.
        2 * 2 * most * size_of::<u64>() as u64
    }

    /// Begins an image.
    pub(crate) fn begin(&mut self, size: Size) {
        self.clear();
        self.most = most(size);
        self.whole = true;
    }

    fn clear(&mut self) {
        self.normal.clear();
        self.anomalous.clear();
    }

    /// Adds those of some scores that reach `bound`. They are gathered in `room`, whatever is there.
    pub(crate) fn add<S: Sample>(&mut self, scores: &[S], bound: S, anomalous: bool, room: &mut [S; SCORE_BLOCK]) {
        let keys = if anomalous { &mut self.anomalous } else { &mut self.normal };
        for block in scores.chunks(SCORE_BLOCK) {
            // Whether a score reaches the bound is hard to foresee: it is written down in any case.
            let mut count = 0;
            for &score in block {
                room[count % SCORE_BLOCK] = score;
                count += usize::from(score >= bound);
            }
            keys.extend(room[..count].iter().map(|score| key_of_score(score.to_f64())));
        }
    }

    /// Makes room where there are too many: shows them, by class, and forgets them.
    pub(crate) fn make_room(&mut self, mut show: impl FnMut(&[u64], bool)) {
        if self.normal.len() + self.anomalous.len() > self.most {
            show(&self.normal, false);
            show(&self.anomalous, true);
            self.forget();
        }
    }

    pub(crate) fn forget(&mut self) {
        self.clear();
        self.whole = false;
    }

    /// Normal and anomalous ones that are here.
    pub(crate) fn keys(&self) -> [&[u64]; 2] {
        [&self.normal, &self.anomalous]
    }

    /// Whether none had to be forgotten.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole
    }
}

fn most(size: Size) -> usize {
    ((size.pixels() / 8) as usize).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_are_shown_and_forgotten() {
        let size = Size::new(1000, 1000);
        let mut high = HighPixels::default();
        let mut room = [0.0; SCORE_BLOCK];
        for _ in 0..2 {
            high.begin(size);
            let (mut shown, mut rows) = ([0; 2], 0);
            while high.is_whole() {
                high.add(&[1.0, 3.0, 2.0], 2.0, false, &mut room);
                high.add(&[2.5_f32; 998], 2.0, true, &mut room);
                high.make_room(|keys, anomalous| shown[usize::from(anomalous)] += keys.len());
                rows += 1;
            }
            assert_eq!((rows, shown), (126, [2 * 126, 998 * 126]));
            // Nearly all of one class, and then of the other.
            for anomalous in [false, true] {
                high.begin(size);
                while high.is_whole() {
                    high.add(&[2.5_f32; 1000], 2.0, anomalous, &mut room);
                    high.make_room(|_, _| ());
                }
            }
            assert_eq!(high.keys(), [&[][..], &[][..]]);
            let bytes = (high.normal.capacity() + high.anomalous.capacity()) * size_of::<u64>();
            assert!(bytes as u64 <= HighPixels::bytes(size), "{bytes}");
            high.add(&[1.0, 3.0, 2.0], 2.0, false, &mut room);
            assert_eq!(high.keys(), [&[key_of_score(3.0), key_of_score(2.0)][..], &[]]);
        }
        assert_eq!(HighPixels::bytes(Size::new(2, 3)), 6 * 32);
    }
}
