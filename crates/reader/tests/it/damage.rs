//! What is said of damaged and unsuitable files, word by word.

use std::fs;
use std::path::Path;

use pimo_reader::{IoChoice, MapLocation, MaskRule, ReadError};

use crate::{data, reader};

/// The message without the folder, so that it can be compared.
fn without_folder(error: &ReadError, folder: &Path) -> String {
    error.to_string().replace(&format!("{}/", folder.display()), "")
}

fn map_error(location: &str) -> String {
    let at = MapLocation::parse(data("damage").join(location).to_str().unwrap()).unwrap();
    let reader = reader(IoChoice::Auto);
    let error = reader.read_map(&at).unwrap_err();
    assert!(!error.is_system());
    without_folder(&error, &data("damage"))
}

fn mask_error(file: &str, rule: MaskRule) -> String {
    without_folder(&reader(IoChoice::Auto).read_mask(&data("damage").join(file), rule).unwrap_err(), &data("damage"))
}

#[test]
fn arrays_that_are_no_maps() {
    for (location, expected) in [
        (
            "npy/complex.npy",
            "npy/complex.npy: The array holds complex numbers (`<c8`). Save real scores, as in \
             np.abs(a).astype(np.float32).",
        ),
        (
            "npy/object.npy",
            "npy/object.npy: The array holds Python objects (`|O`). Save numbers, as in \
             np.stack(list(a)).astype(np.float32).",
        ),
        (
            "npy/string.npy",
            "npy/string.npy: The array holds strings (`<U1`). Save numbers, as in a.astype(np.float32).",
        ),
        (
            "npy/time.npy",
            "npy/time.npy: The array holds values that are not scores (`<M8[s]`). Save numbers, as in \
             a.astype(np.float32).",
        ),
        (
            "npy/record.npy",
            "npy/record.npy: The array has records with several fields. Save the one field that holds the scores, as \
             in np.save(path, a[\"score\"]).",
        ),
        ("npy/fortran.npy", "npy/fortran.npy: The array is in Fortran order. Save it as np.ascontiguousarray(a)."),
        (
            "npy/flat.npy",
            "npy/flat.npy: The array has the shape (6,). Save each anomaly map as HxW, 1xHxW or HxWx1, or all of \
             them as NxHxW.",
        ),
        (
            "npy/empty.npy",
            "npy/empty.npy: The image is 0x3; every side needs at least one pixel. Leave it out or write it again.",
        ),
        (
            "npy/stack.npy",
            "npy/stack.npy: The file holds 2 anomaly maps of 3x4 in an array of NxHxW. Name one of them, as in \
             `npy/stack.npy#1`, or save a single map as HxW.",
        ),
        (
            "npy/stack.npy#2",
            "npy/stack.npy#2: There is no such anomaly map: the file holds maps 0 to 1. Name one that it holds.",
        ),
        (
            "npy/stack.npz#maps",
            "npy/stack.npz#maps: The array has the shape (2, 3, 4). Save one map per entry, as HxW, or all of them \
             as one .npy of NxHxW.",
        ),
        (
            "npy/stack.npz#other",
            "npy/stack.npz#other: There is no such anomaly map: the file holds the map `maps`. Name one that it holds.",
        ),
        ("npy/stack.npz", "npy/stack.npz: The file holds 1 anomaly map. Name one of them, as in `npy/stack.npz#maps`."),
        (
            "npy/beyond.npy",
            "npy/beyond.npy: The score -9007199254740993 at row 1, column 1 is beyond 2^53 and cannot be compared \
             exactly. Scale the scores down or store them as float64.",
        ),
    ] {
        assert_eq!(map_error(location), expected);
    }
}

#[test]
fn images_that_are_no_maps() {
    for (location, expected) in [
        (
            "image/rgb.tif",
            "image/rgb.tif: The image has 3 samples per pixel. Save the anomaly map as an image with one sample per \
             pixel.",
        ),
        (
            "image/pages.tif",
            "image/pages.tif: The file holds more than one image. Save each image as a file of its own, or anomaly \
             maps together as one .npy of NxHxW.",
        ),
        (
            "image/white.tif",
            "image/white.tif: The image stores white as zero, so that its scores may be inverted. Save the anomaly \
             map with the photometric interpretation `black is zero`.",
        ),
        (
            "image/complex.tif",
            "image/complex.tif: The samples are complex numbers of 64 bits. Save them as float32, or as integers of \
             8, 16, 32 or 64 bits.",
        ),
        (
            "image/grey4.png",
            "image/grey4.png: The image has 4 bits per pixel. Save the anomaly map as grey image of 8 or 16 bits, or \
             better as .npy.",
        ),
        (
            "image/rgb.png",
            "image/rgb.png: The image is RGB, not grey. Save the scores themselves as grey image of 8 or 16 bits, or \
             better as .npy.",
        ),
        (
            "image/palette.png",
            "image/palette.png: The image is of palette colours, not grey. Save the scores themselves as grey image \
             of 8 or 16 bits, or better as .npy.",
        ),
        (
            "image/rle.bmp",
            "image/rle.bmp: The name does not end like that of an anomaly map. Anomaly maps are read from .npy, \
             .npz, .pt, .pth, .tif, .tiff and .png.",
        ),
    ] {
        assert_eq!(map_error(location), expected);
    }
    assert!(map_error("image/jpeg.tif").ends_with("Save it uncompressed, or with deflate, LZW or zstd."));
}

#[test]
fn torch_files_that_hold_something_else() {
    for (location, expected) in [
        (
            "torch/evil.pt#0",
            "torch/evil.pt: The pickle in it asks for `__builtin__ print`, which plain tensors do not need. Save \
             plain tensors, as in torch.save({\"asmaps\": maps, \"paths\": paths}, file).",
        ),
        (
            "torch/bfloat16.pt#0",
            "torch/bfloat16.pt: The tensors in it are kept in a `BFloat16Storage`, whose elements are not scores. \
             Save them as maps.float().",
        ),
        (
            "torch/interleaved.pt#0",
            "torch/interleaved.pt: The tensor has the strides (1, 6, 12), so that its maps are interleaved. Save \
             maps.contiguous().",
        ),
        ("torch/shared.pt#0", "torch/shared.pt: The maps of the tensor share their elements. Save maps.contiguous()."),
        (
            "torch/beyond.pt#0",
            "torch/beyond.pt: This is not a valid torch file: a float32 tensor of shape (2, 3, 4) reaches beyond its \
             storage of 24 elements. Copy or write the file again.",
        ),
        (
            "torch/two_paths.pt#0",
            "torch/two_paths.pt: There are 2 anomaly maps but 3 paths. Save one path per map, in the same order.",
        ),
        (
            "torch/other.pt#0",
            "torch/other.pt: The dictionary in it has no `asmaps`. Save {\"asmaps\": maps, \"paths\": paths} with \
             maps of N x H x W.",
        ),
        (
            "torch/flat.pt#0",
            "torch/flat.pt: The tensor has the shape (24,). Save {\"asmaps\": maps, \"paths\": paths} with maps of \
             N x H x W.",
        ),
        (
            "torch/deflated.pt#0",
            "torch/deflated.pt: The entry `maps/data/0` is compressed, so that single maps cannot be read. Save it \
             with torch.save, which stores tensors uncompressed.",
        ),
    ] {
        assert_eq!(map_error(location), expected);
    }
}

#[test]
fn masks_that_are_none() {
    for (file, expected) in [
        (
            "npy/nan.npy",
            "npy/nan.npy: The mask is NaN at row 1, column 1. Write the mask again with 0 for normal pixels.",
        ),
        ("npy/stack.npy", "npy/stack.npy: The mask has the shape (2, 3, 4). Save one mask per file, as HxW."),
        (
            "image/white.tif",
            "image/white.tif: The mask has 1 samples per pixel in the photometric interpretation 0. Save it as grey \
             (black is zero), RGB or RGBA, or as PNG.",
        ),
        (
            "image/planes.tif",
            "image/planes.tif: The mask stores its colours in separate planes. Save it with interleaved samples, or \
             as PNG.",
        ),
        (
            "image/rle.bmp",
            "image/rle.bmp: The image has 8 bits per pixel in compression 1. Save it uncompressed with 1, 4, 8, 24 or \
             32 bits per pixel, or as PNG.",
        ),
        (
            "torch/evil.pt",
            "torch/evil.pt: The name does not end like that of a mask. Masks are read from .png, .tif, .tiff, .bmp \
             and .npy.",
        ),
    ] {
        assert_eq!(mask_error(file, MaskRule::Nonzero), expected);
    }
}

#[test]
fn files_that_the_system_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let reader = reader(IoChoice::Auto);
    let error = reader.read_map(&MapLocation::whole(folder.path().join("none.npy"))).unwrap_err();
    assert!(error.is_system());
    assert_eq!(error.path(), folder.path().join("none.npy"));
    assert_eq!(
        without_folder(&error, folder.path()),
        "none.npy: The file could not be opened: No such file or directory (os error 2)."
    );
    fs::create_dir(folder.path().join("folder.png")).unwrap();
    let error = reader.read_mask(&folder.path().join("folder.png"), MaskRule::Nonzero).unwrap_err();
    assert_eq!(
        without_folder(&error, folder.path()),
        "folder.png: This is not a regular file. Give the path of a file."
    );
}

/// Writes a file and says what reading it as a map answers.
fn written(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let entry = MapLocation::parse(&format!("{}#0", path.display())).unwrap();
    let at = if name.ends_with("pt") { entry } else { MapLocation::whole(&path) };
    without_folder(&reader(IoChoice::Auto).read_map(&at).unwrap_err(), folder.path())
}

fn npy(header: &str) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes
}

#[test]
fn files_that_were_cut_off_or_overwritten() {
    let npy_file = fs::read(data("maps/npy/f4.npy")).unwrap();
    assert_eq!(
        written("a.npy", &npy_file[..1000]),
        "a.npy: The file is truncated: the array of shape (18, 20) needs 1440 bytes, but only 872 are there. Copy or \
         write the file again."
    );
    assert_eq!(
        written("a.npy", &npy_file[..50]),
        "a.npy: The file is truncated: the header needs 128 bytes, but only 50 are there. Copy or write the file again."
    );
    for (name, format) in [("a.npy", ".npy"), ("a.tif", "TIFF"), ("a.pt", "torch")] {
        assert_eq!(
            written(name, &[7; 100]),
            format!(
                "{name}: This is not a valid {format} file: it does not begin as such a file does. Copy or write the \
                 file again."
            )
        );
    }
    assert_eq!(
        written("a.png", &[7; 100]),
        "a.png: This is not a valid PNG file: Invalid PNG signature. Copy or write the file again."
    );
    let zip = fs::read(data("stacks/npz/stored.npz")).unwrap();
    assert_eq!(
        written("a.npz", &zip[..zip.len() - 30]),
        "a.npz: This is not a valid zip file: its directory is missing, as in a file that was cut off. Copy or write \
         the file again."
    );
    let png = fs::read(data("maps/png/u1.png")).unwrap();
    assert_eq!(
        written("a.png", &png[..png.len() / 2]),
        "a.png: This is not a valid PNG file: it ends too early. Copy or write the file again."
    );
    let tiff = fs::read(data("maps/tiff/f4_none.tif")).unwrap();
    assert!(written("a.tif", &tiff[..tiff.len() - 8]).contains("The file is truncated: the anomaly map needs 1440"));
    let legacy = fs::read(data("stacks/torch/f4_legacy.pt")).unwrap();
    assert_eq!(
        written("a.pt", &legacy[..legacy.len() - 8]),
        "a.pt: The file is truncated: a storage needs 4320 bytes, but only 4312 are there. Copy or write the file \
         again."
    );
}

#[test]
fn hostile_headers() {
    assert_eq!(
        written("a.npy", &npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }")),
        "a.npy: The file is truncated: the array of shape (1000000, 1000000) needs 4000000000000 bytes, but only 0 \
         are there. Copy or write the file again."
    );
    let largest = u64::MAX;
    assert!(
        written("a.npy", &npy(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({largest}, {largest})}}")))
            .contains("truncated")
    );
    assert_eq!(
        written("a.npy", &npy("{'descr': '<f4', 'shape': (1, 1)}")),
        "a.npy: This is not a valid .npy file: its header does not name the order of axes. Copy or write the file \
         again."
    );
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    assert_eq!(
        written("a.npy", &long),
        "a.npy: This is not a valid .npy file: its header of 4294967295 bytes is too long. Copy or write the file \
         again."
    );
}

#[test]
fn a_flipped_bit_in_a_compressed_entry_is_noticed() {
    let mut zip = fs::read(data("stacks/npz/deflated.npz")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    zip[150] ^= 4;
    fs::write(&path, &zip).unwrap();
    let at = MapLocation::parse(&format!("{}#good/000", path.display())).unwrap();
    let error = reader(IoChoice::Auto).read_map(&at).unwrap_err();
    assert!(matches!(error, ReadError::Malformed { .. } | ReadError::Truncated { .. }), "{error}");
}
