//! Every format, sample type, compression and bit depth, against the formulas by which the samples were written.

use pimo_frame::{Mask, SampleType, Size};
use pimo_reader::{Entry, IoChoice, MapLocation, MaskRule, ReadError};

use crate::{data, files, reader, values};

const MAP: Size = Size::new(18, 20);
const MASK: Size = Size::new(11, 19);

fn sample_type(name: &str) -> SampleType {
    match &name[..2] {
        "f2" => SampleType::F16,
        "f4" => SampleType::F32,
        "f8" => SampleType::F64,
        "u1" => SampleType::U8,
        "u2" => SampleType::U16,
        "u4" => SampleType::U32,
        "u8" => SampleType::U64,
        "i1" => SampleType::I8,
        "i2" => SampleType::I16,
        "i4" => SampleType::I32,
        "i8" => SampleType::I64,
        other => panic!("no sample type {other}"),
    }
}

fn expected_scores(sample_type: SampleType, map: u32) -> Vec<f64> {
    let score = |y: u32, x: u32| {
        let value = f64::from((7 * (y + map * MAP.height) + 13 * x) % 101);
        match sample_type {
            SampleType::U8 | SampleType::U16 | SampleType::U32 | SampleType::U64 => value,
            SampleType::F16 | SampleType::F32 | SampleType::F64 => (value - 50.0) / 8.0,
            _ => value - 50.0,
        }
    };
    (0..MAP.height).flat_map(|y| (0..MAP.width).map(move |x| score(y, x))).collect()
}

fn expected_mask() -> Mask {
    Mask::from_fn(MASK, |y, x| (y * y + 3 * x).is_multiple_of(7))
}

#[test]
fn maps_of_every_type_and_compression() {
    for io in [IoChoice::Read, IoChoice::Mmap, IoChoice::Auto] {
        let reader = reader(io);
        let (mut read, mut stored) = (0, 0);
        for folder in ["maps/npy", "maps/tiff", "maps/png"] {
            for path in files(folder) {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let (at, sample_type) = (MapLocation::whole(&path), sample_type(&name));
                let header = reader.map_header(&at).unwrap();
                let map = reader.read_map(&at).unwrap();
                assert_eq!((header.sample_type, header.size), (sample_type, MAP), "{name}");
                assert_eq!((map.sample_type, map.size), (sample_type, MAP), "{name}");
                assert_eq!(map.scores.comparison(), sample_type.comparison(), "{name}");
                assert_eq!(values(&map.scores), expected_scores(sample_type, 0), "{name}");
                assert_eq!(map.scores.verify(), Ok(()));
                assert_eq!(reader.entries(&path).unwrap(), None, "{name}");
                assert!(header.stored_bytes > 0 && header.stored_bytes <= path.metadata().unwrap().len());
                (read, stored) = (read + 1, stored + header.stored_bytes);
            }
        }
        assert!(read > 60);
        assert_eq!((reader.map_reads(), reader.bytes_read()), (read, stored));
    }
}

#[test]
fn plain_native_floats_are_mappable_and_take_no_memory_then() {
    let pixels = MAP.pixels();
    for (file, mappable, working) in [
        ("maps/npy/f4.npy", true, 4 * pixels),
        ("maps/npy/f8.npy", true, 8 * pixels),
        ("maps/npy/f4_big.npy", false, 4 * pixels),
        ("maps/npy/i8.npy", false, 8 * pixels),
        ("maps/npy/f2.npy", false, 4 * pixels + (2 << 15)),
        ("maps/npy/u4.npy", false, 8 * pixels + (4 << 15)),
        ("maps/tiff/f4_none.tif", true, 4 * pixels),
        ("maps/tiff/f4_none_bigtiff.tif", true, 4 * pixels),
        ("maps/tiff/f4_none_bigendian.tif", false, 4 * pixels),
    ] {
        let at = MapLocation::whole(data(file));
        let read = reader(IoChoice::Read).map_header(&at).unwrap();
        assert_eq!((read.mappable, read.working_bytes), (mappable, working), "{file}");
        let mapped = reader(IoChoice::Mmap).map_header(&at).unwrap();
        assert_eq!(mapped.working_bytes, if mappable { 0 } else { working }, "{file}");
    }
}

#[test]
fn stacks_of_torch_are_read_map_by_map() {
    for io in [IoChoice::Read, IoChoice::Mmap] {
        let reader = reader(io);
        for path in files("stacks/torch") {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let sample_type = sample_type(&name);
            let entries = reader.entries(&path).unwrap().unwrap();
            assert_eq!(entries.len(), 3, "{name}");
            for (index, entry) in entries.iter().enumerate() {
                assert_eq!((entry.size, entry.sample_type), (MAP, sample_type));
                assert_eq!(entry.path.is_some(), name != "f4_bare.pt", "{name}");
                let at = MapLocation { file: path.clone(), entry: entry.entry.clone() };
                assert_eq!(at.entry, Entry::Index(index as u64));
                let map = reader.read_map(&at).unwrap();
                assert_eq!(values(&map.scores), expected_scores(sample_type, index as u32), "{name} {index}");
                assert_eq!(reader.map_header(&at).unwrap().stored_bytes, 360 * sample_type.bytes() as u64);
            }
        }
        let entries = reader.entries(&data("stacks/torch/f4.pt")).unwrap().unwrap();
        assert_eq!(entries[1].path.as_deref(), Some("toy/test/bad/000.png"));
    }
}

#[test]
fn archives_of_numpy_are_read_by_key() {
    for (file, mappable) in [("stored", false), ("deflated", false), ("zip64", false)] {
        let path = data(&format!("stacks/npz/{file}.npz"));
        let reader = reader(IoChoice::Mmap);
        let entries = reader.entries(&path).unwrap().unwrap();
        let keys: Vec<_> = entries.iter().map(|entry| entry.path.as_deref().unwrap()).collect();
        assert_eq!(keys, ["good/000", "bad/001", "bad/002"], "{file}");
        for (entry, sample_type) in entries.iter().zip([SampleType::F32, SampleType::F64, SampleType::F16]) {
            let at = MapLocation { file: path.clone(), entry: entry.entry.clone() };
            assert_eq!(entry.sample_type, sample_type);
            assert_eq!(values(&reader.read_map(&at).unwrap().scores), expected_scores(sample_type, 0), "{at}");
            let header = reader.map_header(&at).unwrap();
            assert_eq!(header.mappable && sample_type == SampleType::F16, mappable, "{at}");
        }
    }
}

#[test]
fn a_stacked_array_is_read_by_index() {
    let reader = reader(IoChoice::Read);
    let path = data("damage/npy/stack.npy");
    let entries = reader.entries(&path).unwrap().unwrap();
    assert_eq!(entries.len(), 2);
    let at = MapLocation { file: path, entry: entries[1].entry.clone() };
    let map = reader.read_map(&at).unwrap();
    assert_eq!(map.size, Size::new(3, 4));
    assert_eq!(values(&map.scores), (12..24).map(f64::from).collect::<Vec<_>>());
}

#[test]
fn masks_of_every_format_and_depth() {
    let reader = reader(IoChoice::Auto);
    let mut read = 0;
    for folder in ["masks/png", "masks/bmp", "masks/tiff", "masks/npy"] {
        for path in files(folder) {
            assert_eq!(reader.mask_size(&path).unwrap(), MASK, "{}", path.display());
            let mask = reader.read_mask(&path, MaskRule::Nonzero).unwrap();
            assert_eq!(mask, expected_mask(), "{}", path.display());
            read += 1;
        }
    }
    assert!(read > 60);
}

#[test]
fn thresholds_apply_to_stored_grey_samples() {
    let reader = reader(IoChoice::Auto);
    // The anomalous sample of each file: only a threshold below it finds it.
    for (file, sample) in [
        ("png/grey1.png", 1.0),
        ("png/grey2.png", 3.0),
        ("png/grey4_interlaced.png", 15.0),
        ("png/grey8.png", 255.0),
        ("png/grey16.png", 65535.0),
        ("png/greyalpha8.png", 1.0),
        ("png/greyalpha16.png", 1.0),
        ("tiff/grey_u2.tif", 1.0),
        ("tiff/grey_f4.tif", 1.0),
        ("tiff/grey_bool.tif", 1.0),
        ("npy/u8.npy", 1.0),
        ("npy/f2.npy", 1.0),
        ("npy/i8.npy", 1.0),
        ("bmp/pillow_grey8.bmp", 255.0),
    ] {
        let path = data(&format!("masks/{file}"));
        let mask = |bound| reader.read_mask(&path, MaskRule::Above(bound)).unwrap();
        assert_eq!(mask(sample - 0.5), expected_mask(), "{file}");
        assert_eq!(mask(sample).anomalous_pixels(), 0, "{file}");
        assert_eq!(mask(-1.0).anomalous_pixels(), MASK.pixels(), "{file}");
    }
    for file in [
        "png/rgb8.png",
        "png/rgba16.png",
        "png/palette4.png",
        "tiff/rgb.tif",
        "bmp/top_down24.bmp",
        "bmp/top_down8.bmp",
    ] {
        let error = reader.read_mask(&data(&format!("masks/{file}")), MaskRule::Above(1.0)).unwrap_err();
        assert!(matches!(error, ReadError::Unsupported { .. }), "{file}");
        assert!(
            error.to_string().ends_with(
                "The mask is in colour, to which a threshold does not apply. Save it as a grey image, or leave the \
                 mask threshold out."
            ),
            "{error}"
        );
    }
}

#[test]
fn the_size_of_any_image() {
    let reader = reader(IoChoice::Auto);
    for file in ["masks/png/rgb8.png", "masks/bmp/top_down24.bmp", "masks/bmp/bottom_up8.bmp", "masks/tiff/rgb.tif"] {
        assert_eq!(reader.image_size(&data(file)).unwrap(), MASK, "{file}");
    }
}

#[test]
fn the_largest_exact_integers_are_read() {
    let map = reader(IoChoice::Read).read_map(&MapLocation::whole(data("damage/npy/limit.npy"))).unwrap();
    assert_eq!(values(&map.scores), [9_007_199_254_740_992.0, -9_007_199_254_740_992.0]);
}
