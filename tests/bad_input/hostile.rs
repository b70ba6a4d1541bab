//! Headers that promise far more than there is, and pickles that want to run something.

use std::fs;
use std::io::Write;
use std::path::Path;

use tiff::encoder::colortype::Gray32Float;
use tiff::encoder::{Compression, DeflateLevel, TiffEncoder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::arrays::npy_with;
use crate::support::{Ended, Toy, pimo, refused};

/// Refused with a message, and quickly: a limit on memory would kill what allocates first and looks later.
fn refused_cheaply(name: &str, toy: &Toy, inputs: Vec<std::ffi::OsString>) {
    let mut command = std::process::Command::new("prlimit");
    command.arg("--data=268435456").arg(env!("CARGO_BIN_EXE_pimo")).arg("eval").args(inputs);
    command.args(["--threads", "2", "--memory", "128MiB", "--out"]).arg(toy.path("out"));
    refused(name, toy.folder(), &Ended::of(&mut command), 3);
}

#[test]
fn a_shape_of_a_billion_pixels() {
    for (name, shape) in [("huge_shape", "(1000000, 1000000)"), ("overflowing_shape", "(9223372036854775807, 9)")] {
        let toy = Toy::new();
        npy_with(&toy.map("good/001"), "'<f4'", false, shape, &[0; 4096]);
        refused_cheaply(name, &toy, toy.inputs());
    }
}

#[test]
fn an_archive_that_inflates_to_most_of_a_gigabyte() {
    let toy = Toy::new();
    let path = toy.path("data/bomb.npz");
    let mut zip = ZipWriter::new(fs::File::create(&path).unwrap());
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file("map.npy", deflated).unwrap();
    let header = toy.path("data/header.npy");
    npy_with(&header, "'<f4'", false, "(16384, 12288)", &[]);
    zip.write_all(&fs::read(&header).unwrap()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..768 {
        zip.write_all(&zeros).unwrap();
    }
    zip.finish().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 4 << 20);
    let inputs = toy.manifest(&[
        "image_id,category,map,mask,class",
        "a,toy,bomb.npz#map,,normal",
        "b,toy,maps/d/toy/test/stain/000.npy,dataset/toy/ground_truth/stain/000_mask.png,anomalous",
    ]);
    refused_cheaply("npz_bomb", &toy, inputs);
}

/// A TIFF whose strips inflate to `height` x `width` float32 samples.
fn tiff_of_zeros(path: &Path, height: u32, width: u32) {
    let file = fs::File::create(path).unwrap();
    let mut encoder = TiffEncoder::new(file).unwrap().with_compression(Compression::Deflate(DeflateLevel::Fast));
    let mut image = encoder.new_image::<Gray32Float>(width, height).unwrap();
    image.rows_per_strip(16).unwrap();
    let strip = vec![0.0; 16 * width as usize];
    while image.next_strip_sample_count() > 0 {
        let samples = image.next_strip_sample_count() as usize;
        image.write_strip(&strip[..samples]).unwrap();
    }
    image.finish().unwrap();
}

#[test]
fn a_tiff_that_inflates_to_most_of_a_gigabyte() {
    let toy = Toy::new();
    let path = toy.map("good/001");
    fs::remove_file(&path).unwrap();
    // 256 times as high and wide as its mask.
    tiff_of_zeros(&path.with_extension("tiff"), 16_384, 12_288);
    refused_cheaply("tiff_bomb", &toy, toy.inputs());
}

#[test]
fn a_pickle_that_calls_something() {
    let toy = Toy::new();
    let evil = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../reader/tests/data/damage/torch/evil.pt"));
    let file = toy.path("data/asmaps.pt");
    fs::copy(evil, &file).unwrap();
    let dataset = toy.path("data/dataset");
    let words: [&std::ffi::OsStr; 7] = [
        "eval".as_ref(),
        "--maps".as_ref(),
        file.as_ref(),
        "--dataset".as_ref(),
        dataset.as_ref(),
        "--out".as_ref(),
        "unused".as_ref(),
    ];
    refused("evil_pickle", toy.folder(), &pimo(words), 3);
}
