//! A small bitmap font for the labels of colour bars: digits, signs and the letters of FPR bounds.

use super::colours::Rgb;
use super::picture::Picture;

pub(super) const GLYPH_HEIGHT: usize = 7;
const GLYPH_WIDTH: usize = 5;
/// From the left edge of a glyph to that of the next one.
const ADVANCE: usize = GLYPH_WIDTH + 1;

/// Rows from top to bottom, the leftmost pixel in bit 4.
type Glyph = [u8; GLYPH_HEIGHT];

fn glyph(character: char) -> Glyph {
    match character {
        '0' => [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        '1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        '2' => [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
        '3' => [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
        '4' => [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        '5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        '6' => [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        '7' => [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        '8' => [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        '9' => [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        '.' => [0, 0, 0, 0, 0, 0b01100, 0b01100],
        '-' => [0, 0, 0, 0b11111, 0, 0, 0],
        'e' => [0, 0, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110],
        'L' => [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
        'U' => [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
        ' ' => [0; GLYPH_HEIGHT],
        // What the font lacks is shown as a box.
        _ => [0b11111, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11111],
    }
}

/// Width of a text at scale 1.
pub(super) fn text_width(text: &str) -> usize {
    (text.chars().count() * ADVANCE).saturating_sub(ADVANCE - GLYPH_WIDTH)
}

/// Draws a text with its upper left corner at row `top`, column `left`, every dot `scale` pixels wide and high.
pub(super) fn draw_text(picture: &mut Picture, top: usize, left: usize, scale: usize, text: &str, colour: Rgb) {
    for (position, character) in text.chars().enumerate() {
        let glyph_left = left + position * ADVANCE * scale;
        for (y, row) in glyph(character).into_iter().enumerate() {
            for x in (0..GLYPH_WIDTH).filter(|x| row >> (GLYPH_WIDTH - 1 - x) & 1 == 1) {
                picture.fill(top + y * scale, glyph_left + x * scale, scale, scale, colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn glyphs_differ_and_fit() {
        let characters = "0123456789.-eLU ?";
        let glyphs: HashSet<Glyph> = characters.chars().map(glyph).collect();
        assert_eq!(glyphs.len(), characters.len());
        assert!(glyphs.iter().flatten().all(|row| *row < 1 << GLYPH_WIDTH));
    }

    #[test]
    fn texts_are_as_wide_as_they_say() {
        let size = pimo_frame::Size::new(20, 100);
        let mut picture = Picture::plain(size, Rgb([0; 3]));
        draw_text(&mut picture, 3, 4, 2, "U4L", Rgb([255; 3]));
        let inked = |x: usize| (0..20).any(|y| picture.pixel(y, x).0[0] == 255);
        let columns: Vec<usize> = (0..100).filter(|&x| inked(x)).collect();
        assert_eq!((columns[0], columns[columns.len() - 1]), (4, 4 + 2 * text_width("U4L") - 1));
        let rows: Vec<usize> = (0..20).filter(|&y| (0..100).any(|x| picture.pixel(y, x).0[0] == 255)).collect();
        assert_eq!((rows[0], rows[rows.len() - 1]), (3, 3 + 2 * GLYPH_HEIGHT - 1));
    }
}
