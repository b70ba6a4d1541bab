//! Files that are cut off or hold something else.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use pimo_frame::SampleType;
use pimo_synth::{MapFormat, MaskFormat, Plan, TiffCompression};

use crate::support::{Toy, masks, plan, refused};

/// Arguments that evaluate a dataset through its manifest, whatever the format of its maps.
fn by_manifest(toy: &Toy) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["--manifest".into(), toy.path("data/manifest.csv").into()];
    arguments.extend(["--fpr-bounds", "1e-3,1e-1"].map(Into::into));
    arguments
}

/// Checks what is said of a dataset with one damaged file.
fn damaged(name: &str, plan: &Plan, file: &str, damage: impl Fn(&Path)) {
    let toy = Toy::of(plan);
    let file = toy.path(file);
    assert!(file.is_file(), "{}", file.display());
    damage(&file);
    let ended = toy.eval_to("out", by_manifest(&toy), &[]);
    refused(name, toy.folder(), &ended, 3);
    let file_name = file.file_name().unwrap().to_str().unwrap();
    assert!(ended.stderr.contains(file_name), "{name}: {}", ended.stderr);
}

fn cut_in_half(path: &Path) {
    Toy::truncate(path, 0.5);
}

#[test]
fn truncated_maps_of_every_format() {
    let cases = [
        ("npy", MapFormat::Npy, SampleType::F32, "test/stain/001.npy"),
        ("npz", MapFormat::Npz, SampleType::F32, "maps.npz"),
        ("npz_deflate", MapFormat::NpzDeflate, SampleType::F32, "maps.npz"),
        ("tiff", MapFormat::Tiff(TiffCompression::None), SampleType::F32, "test/stain/001.tiff"),
        ("tiff_deflate", MapFormat::Tiff(TiffCompression::Deflate), SampleType::F32, "test/stain/001.tiff"),
        ("tiff_lzw", MapFormat::Tiff(TiffCompression::Lzw), SampleType::F32, "test/stain/001.tiff"),
        ("tiff_zstd", MapFormat::Tiff(TiffCompression::Zstd), SampleType::F32, "test/stain/001.tiff"),
        ("png", MapFormat::Png, SampleType::U16, "test/stain/001.png"),
        ("stack", MapFormat::Stack, SampleType::F32, "maps.npy"),
        ("pt", MapFormat::Torch, SampleType::F32, "asmaps.pt"),
    ];
    for (name, map_format, sample_type, file) in cases {
        let plan = Plan { map_format, sample_type, ..plan() };
        damaged(&format!("truncated_map_{name}"), &plan, &format!("data/maps/d/toy/{file}"), cut_in_half);
    }
}

#[test]
fn truncated_masks_of_every_format() {
    for (name, mask_format, extension) in
        [("png", MaskFormat::Png8, "png"), ("npy", MaskFormat::Npy, "npy"), ("tiff", MaskFormat::Tiff, "tiff")]
    {
        let plan = Plan { mask_format, ..plan() };
        let file = format!("data/dataset/toy/ground_truth/stain/001_mask.{extension}");
        damaged(&format!("truncated_mask_{name}"), &plan, &file, cut_in_half);
    }
}

#[test]
fn masks_that_are_all_damaged_are_not_missing() {
    let toy = Toy::new();
    for image in 0..3 {
        Toy::truncate(&toy.mask(&format!("stain/{image:03}")), 0.1);
    }
    let ended = toy.eval(&[]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("3 problems in the input"), "{}", ended.stderr);
    // With such images left out there is nothing to measure on.
    let skipped = toy.eval(&["--skip-bad"]);
    assert!(skipped.stderr.contains("there is no anomalous image in category `toy`"), "{}", skipped.stderr);
}

#[test]
fn a_truncated_bmp() {
    let toy = Toy::new();
    let png = toy.mask("stain/001");
    let mut samples = vec![0; 64 * 48];
    samples[1000] = 255;
    let file = masks::bmp(64, 48, &samples);
    fs::remove_file(&png).unwrap();
    fs::write(png.with_extension("bmp"), &file).unwrap();
    crate::support::succeeded(toy.eval(&[]));
    fs::write(png.with_extension("bmp"), &file[..file.len() - 100]).unwrap();
    refused("truncated_mask_bmp", toy.folder(), &toy.eval(&["--force"]), 3);
}

#[test]
fn files_that_are_empty_or_something_else() {
    let nothing = |path: &Path| fs::write(path, "").unwrap();
    let text = |path: &Path| fs::write(path, "this is no map, but a long enough text to look like a file\n").unwrap();
    damaged("empty_map", &plan(), "data/maps/d/toy/test/good/001.npy", nothing);
    damaged("text_for_a_map", &plan(), "data/maps/d/toy/test/good/001.npy", text);
    damaged("empty_mask", &plan(), "data/dataset/toy/ground_truth/stain/001_mask.png", nothing);
    damaged("text_for_a_mask", &plan(), "data/dataset/toy/ground_truth/stain/001_mask.png", text);
}

#[test]
fn damaged_manifests() {
    let toy = Toy::new();
    let manifest = toy.path("data/manifest.csv");
    let good = fs::read_to_string(&manifest).unwrap();
    let cases = [
        ("manifest_empty", String::new()),
        ("manifest_without_a_column", good.replacen("image_id", "id", 1)),
        ("manifest_short_row", good.clone() + "toy/stain/009,toy\n"),
        ("manifest_unknown_class", good.replacen("normal", "nominal", 1)),
        ("manifest_without_rows", good.lines().next().unwrap().to_owned() + "\n"),
    ];
    for (name, text) in cases {
        fs::write(&manifest, text).unwrap();
        refused(name, toy.folder(), &toy.eval_to("out", by_manifest(&toy), &[]), 3);
    }
    let parquet = toy.path("data/list.parquet");
    fs::write(&parquet, b"PAR1 and then nothing that is Parquet PAR1").unwrap();
    let inputs = vec!["--manifest".into(), parquet.into()];
    refused("manifest_no_parquet", toy.folder(), &toy.eval_to("out", inputs, &[]), 3);
}
