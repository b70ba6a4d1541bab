//! Mask files.

use std::fs;
use std::path::Path;

/// Writes a grey PNG of 8 bits.
pub(crate) fn png(path: &Path, height: u32, width: u32, samples: &[u8]) {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(samples).unwrap();
    fs::write(path, file).unwrap();
}

/// A grey BMP of 8 bits without compression.
pub(crate) fn bmp(height: u32, width: u32, samples: &[u8]) -> Vec<u8> {
    let stride = width.next_multiple_of(4);
    let offset = 14 + 40 + 4 * 256;
    let mut file = b"BM".to_vec();
    for field in [offset + stride * height, 0, offset, 40, width, height] {
        file.extend(field.to_le_bytes());
    }
    file.extend([1, 0, 8, 0]);
    for field in [0_u32, stride * height, 2835, 2835, 256, 0] {
        file.extend(field.to_le_bytes());
    }
    for grey in 0..=255 {
        file.extend([grey, grey, grey, 0]);
    }
    for row in samples.chunks_exact(width as usize).rev() {
        file.extend_from_slice(row);
        file.extend(vec![0; (stride - width) as usize]);
    }
    file
}
