//! Files that were cut off anywhere or had bytes changed: an error or scores, in bounded time and memory.

use std::fs;
use std::path::Path;

use pimo_reader::torch::TorchFile;
use pimo_reader::{IoChoice, MapLocation, MaskRule, Reader, ReaderOptions};
use proptest::prelude::*;

use crate::alloc::peak;
use crate::data;

/// Memory that a reader may take for these files, and what may come on top.
const MAX_BYTES: u64 = 1 << 20;
const SMALL_CONSTANT: u64 = 1 << 20;

/// One file of each kind.
const MAPS: [&str; 14] = [
    "maps/npy/f4.npy",
    "maps/npy/i8_big.npy",
    "maps/npy/f4_version2.npy",
    "maps/tiff/f4_none.tif",
    "maps/tiff/f4_lzw_p3.tif",
    "maps/tiff/u2_deflate_p2.tif",
    "maps/tiff/f8_zstd_tiles_bigtiff.tif",
    "maps/png/u2.png",
    "stacks/npz/stored.npz",
    "stacks/npz/deflated.npz",
    "stacks/npz/zip64.npz",
    "stacks/torch/f4.pt",
    "stacks/torch/f4_legacy.pt",
    "stacks/torch/f4_transposed.pt",
];

const MASKS: [&str; 9] = [
    "masks/png/palette4.png",
    "masks/png/grey1_interlaced.png",
    "masks/png/rgba16.png",
    "masks/bmp/os2_8.bmp",
    "masks/bmp/top_down24.bmp",
    "masks/bmp/bottom_up4.bmp",
    "masks/tiff/rgba.tif",
    "masks/tiff/grey_bool.tif",
    "masks/npy/f2.npy",
];

const IMAGES: [&str; 8] = [
    "images/png/rgb16.png",
    "images/png/rgba8_interlaced.png",
    "images/png/grey_palette8.png",
    "images/jpeg/rgb_420.jpg",
    "images/jpeg/rgb_444_progressive.jpg",
    "images/jpeg/grey.jpg",
    "images/tiff/rgb16_deflate.tif",
    "images/bmp/grey8.bmp",
];

fn samples() -> impl Iterator<Item = &'static &'static str> {
    MAPS.iter().chain(&MASKS).chain(&IMAGES)
}

/// Does with a file everything that can be done with it. Errors are as good as scores.
fn read_everything(path: &Path) {
    for io in [IoChoice::Read, IoChoice::Mmap] {
        let reader = Reader::new(ReaderOptions { io, max_bytes: MAX_BYTES, buffers: 2, after_map_hook: None });
        let _ = reader.read_map(&MapLocation::whole(path));
        for entry in reader.entries(path).ok().flatten().unwrap_or_default() {
            let at = MapLocation { file: path.to_owned(), entry: entry.entry };
            if let Ok(map) = reader.read_map(&at) {
                assert_eq!(map.scores.len() as u64, map.size.pixels());
            }
        }
        if let (Ok(size), Ok(mask)) = (reader.mask_size(path), reader.read_mask(path, MaskRule::Nonzero)) {
            assert_eq!(mask.size(), size);
        }
        let _ = reader.read_mask(path, MaskRule::Above(0.5));
        let _ = reader.image_size(path);
        if let Ok(image) = reader.read_image(path) {
            assert_eq!(image.rgb.len() as u64, 3 * image.size.pixels());
        }
    }
    if let Ok(file) = TorchFile::open(path, MAX_BYTES)
        && let Some(tensor) = file.root().get("asmaps").and_then(|value| value.as_tensor())
    {
        let _ = file.read_tensor_range(tensor, 0..tensor.shape().first().copied().unwrap_or(1));
    }
}

fn check(name: &str, folder: &Path, bytes: &[u8]) {
    let path = folder.join(Path::new(name).file_name().unwrap());
    fs::write(&path, bytes).unwrap();
    let (peak, ()) = peak(|| read_everything(&path));
    assert!(peak <= MAX_BYTES + SMALL_CONSTANT, "{name}: {peak} bytes");
}

#[test]
fn a_file_cut_off_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    for name in samples() {
        let bytes = fs::read(data(name)).unwrap();
        // Every length of a small file; of a larger one every length at its ends, where structure is, not samples.
        let worth = |len: &usize| bytes.len() < 700 || *len < 200 || *len + 150 > bytes.len() || len.is_multiple_of(97);
        for len in (0..bytes.len()).filter(worth) {
            check(name, folder.path(), &bytes[..len]);
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<(f64, u8)>> {
    let byte = prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x7f)];
    // Positions as a share of the file, most of them near the ends, where headers and directories are.
    let position = prop_oneof![0.0..0.1_f64, 0.9..1.0_f64, 0.0..1.0_f64];
    prop::collection::vec((position, byte), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 700, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_with_changed_bytes(file in 0..samples().count(), changes in changes()) {
        let name = samples().nth(file).unwrap();
        let mut bytes = fs::read(data(name)).unwrap();
        for (position, byte) in changes {
            let at = (position * bytes.len() as f64) as usize;
            bytes[at] = byte;
        }
        let folder = tempfile::tempdir().unwrap();
        check(name, folder.path(), &bytes);
    }
}
