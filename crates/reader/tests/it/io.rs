//! Mapping and reading: the same scores, and what happens when a file changes.

use std::fs::{self, File};

use pimo_reader::{Entry, IoChoice, MapLocation, ReadError, Reader, ReaderOptions};

use crate::{data, reader, values};

#[test]
fn a_file_that_shrinks_while_mapped_is_noticed_before_anything_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.npy");
    fs::copy(data("maps/npy/f4.npy"), &path).unwrap();
    let shrink = |path: &std::path::Path| File::options().write(true).open(path).unwrap().set_len(200).unwrap();
    let options =
        ReaderOptions { io: IoChoice::Mmap, after_map_hook: Some(Box::new(shrink)), ..ReaderOptions::default() };
    let map = Reader::new(options).read_map(&MapLocation::whole(&path)).unwrap();
    assert_eq!(
        map.scores.verify().unwrap_err(),
        "The file shrank while it was mapped: 1568 bytes are needed, 200 are left. Leave it alone until the run is \
         over, or use positioned reads."
    );
}

#[test]
fn the_hook_is_for_mapped_files_only() {
    let hook = |_: &std::path::Path| panic!("nothing is mapped");
    let options =
        ReaderOptions { io: IoChoice::Read, after_map_hook: Some(Box::new(hook)), ..ReaderOptions::default() };
    Reader::new(options).read_map(&MapLocation::whole(data("maps/npy/f4.npy"))).unwrap();
}

#[test]
fn a_container_that_was_cut_off_after_it_was_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maps.pt");
    fs::copy(data("stacks/torch/f4.pt"), &path).unwrap();
    let reader = reader(IoChoice::Read);
    let at = MapLocation { file: path.clone(), entry: Entry::Index(2) };
    assert_eq!(values(&reader.read_map(&at).unwrap().scores).len(), 360);
    File::options().write(true).open(&path).unwrap().set_len(3000).unwrap();
    let error = reader.read_map(&at).unwrap_err();
    assert!(matches!(error, ReadError::Truncated { needed: 1440, available: 0, .. }), "{error}");
}

#[test]
fn scores_of_one_map_survive_the_reading_of_others() {
    let reader = reader(IoChoice::Read);
    let first = reader.read_map(&MapLocation::whole(data("maps/npy/f4.npy"))).unwrap();
    let before = values(&first.scores);
    drop(reader.read_map(&MapLocation::whole(data("maps/npy/f4_big.npy"))).unwrap());
    let _other = reader.read_map(&MapLocation::whole(data("maps/tiff/i2_lzw_p2.tif"))).unwrap();
    assert_eq!(values(&first.scores), before);
}

#[test]
fn threads_share_a_reader() {
    let reader = reader(IoChoice::Auto);
    let file = data("stacks/torch/f4_window.pt");
    let expected: Vec<_> = (0..3)
        .map(|index| {
            values(&reader.read_map(&MapLocation { file: file.clone(), entry: Entry::Index(index) }).unwrap().scores)
        })
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for index in (0..3).cycle().take(30) {
                    let at = MapLocation { file: file.clone(), entry: Entry::Index(index) };
                    assert_eq!(values(&reader.read_map(&at).unwrap().scores), expected[index as usize]);
                }
            });
        }
    });
    assert_eq!(reader.map_reads(), 123);
}

#[test]
fn an_image_larger_than_allowed_says_what_it_takes() {
    let small = |max_bytes| Reader::new(ReaderOptions { max_bytes, io: IoChoice::Read, ..ReaderOptions::default() });
    let at = MapLocation::whole(data("maps/npy/f4.npy"));
    let error = small(1439).read_map(&at).unwrap_err();
    assert!(matches!(error, ReadError::TooLarge { needed: 1440, limit: 1439, .. }));
    assert!(
        error.to_string().ends_with(
            "f4.npy: Reading it takes 1440 bytes of memory, but 1439 are allowed. Allow 1440 bytes or more."
        )
    );
    assert!(small(1440).read_map(&at).is_ok());
    for file in ["maps/tiff/f4_lzw_p3.tif", "maps/png/u2.png", "maps/npy/f2.npy", "maps/tiff/u1_none.tif"] {
        let at = MapLocation::whole(data(file));
        let needed = small(u64::MAX).map_header(&at).unwrap().working_bytes;
        assert!(small(needed).read_map(&at).is_ok(), "{file}");
        let refused = small(needed - 1).read_map(&at).unwrap_err();
        assert!(matches!(refused, ReadError::TooLarge { needed: n, .. } if n == needed), "{file}");
    }
}
