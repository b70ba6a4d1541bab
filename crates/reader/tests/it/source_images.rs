//! Source images of every format.

use pimo_frame::Size;
use pimo_reader::{IoChoice, Reader, ReaderOptions};

use crate::{data, files, reader};

/// What every sample shows; see `make.py`.
fn expected(grey: bool) -> Vec<u8> {
    let colour = |y: usize, x: usize| if grey { [10 * x; 3] } else { [10 * x, 15 * y, 5 * (x + y)] };
    (0..16).flat_map(|y| (0..24).flat_map(move |x| colour(y, x))).map(|sample| sample as u8).collect()
}

#[test]
fn every_format_gives_the_same_picture() {
    let mut read = 0;
    for folder in ["png", "jpeg", "tiff", "bmp"] {
        for path in files(&format!("images/{folder}")) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let image = reader(IoChoice::Auto).read_image(&path).unwrap();
            assert_eq!(image.size, Size::new(16, 24), "{name}");
            let differences = image.rgb.iter().zip(expected(name.starts_with("grey"))).map(|(a, b)| a.abs_diff(b));
            // JPEG is lossy, the more so where colours are halved.
            let tolerance = match name.as_str() {
                "rgb_420.jpg" => 24,
                _ if folder == "jpeg" => 4,
                _ => 0,
            };
            let most = differences.max().unwrap();
            assert!(most <= tolerance, "{name}: {most}");
            read += 1;
        }
    }
    assert_eq!(read, 7 + 3 + 4 + 2);
}

#[test]
fn what_is_no_image_is_named() {
    let error = |file: &str| {
        let path = data(file);
        let error = reader(IoChoice::Auto).read_image(&path).unwrap_err();
        assert_eq!(error.path(), path);
        error.to_string()
    };
    let array = error("maps/npy/f4.npy");
    assert!(array.ends_with("Source images are read from PNG, JPEG, TIFF and BMP."), "{array}");
    let floats = error("maps/tiff/f4_none.tif");
    assert!(floats.ends_with("Save it with interleaved grey or RGB samples of 8 or 16 bits, or as PNG."), "{floats}");
    assert!(error("nothing.png").contains("could not be opened"));
}

#[test]
fn images_must_fit_the_memory() {
    for file in ["png/rgb8.png", "jpeg/grey.jpg", "tiff/rgb8.tif", "bmp/rgb24.bmp"] {
        let reader = Reader::new(ReaderOptions { max_bytes: 1000, ..ReaderOptions::default() });
        let error = reader.read_image(&data("images").join(file)).unwrap_err().to_string();
        assert!(error.contains("memory"), "{file}: {error}");
    }
}
