//! Whole datasets.
#![allow(clippy::unwrap_used, clippy::case_sensitive_file_extension_comparisons)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use pimo_frame::{SampleType, Size};

use crate::{Defect, Detector, Layout, MapFormat, MaskFormat, Plan, Summary, SynthError, write, write_while};

/// All files of a folder by relative path.
type Files = BTreeMap<String, Vec<u8>>;

fn read_folder(folder: &Path) -> Files {
    fn walk(root: &Path, folder: &Path, files: &mut Files) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = Files::new();
    walk(folder, folder, &mut files);
    files
}

fn make(plan: &Plan) -> (Summary, Files) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let summary = write(plan, &out, |_, _| ()).unwrap();
    (summary, read_folder(&out))
}

fn two_detectors() -> Vec<Detector> {
    vec!["strong=0.9".parse().unwrap(), "weak=0.4".parse().unwrap()]
}

fn tiny() -> Plan {
    Plan {
        seed: 7,
        categories: Plan::numbered_categories(2),
        normal: 3,
        anomalous: 6,
        size: Size::new(40, 56),
        detectors: two_detectors(),
        threads: 1,
        ..Plan::default()
    }
}

/// The payload of an `.npy` file with its shape, checked against its header.
fn npy_payload<'f>(file: &'f [u8], description: &str) -> (Vec<u64>, &'f [u8]) {
    assert!(file.starts_with(b"\x93NUMPY\x01\x00"));
    let start = 10 + usize::from(u16::from_le_bytes([file[8], file[9]]));
    assert_eq!(start % 64, 0);
    let header = std::str::from_utf8(&file[10..start]).unwrap();
    assert!(header.contains(&format!("'descr': '{description}'")), "{header}");
    let (_, shape) = header.split_once("'shape': (").unwrap();
    let shape = shape.split_once(')').unwrap().0;
    (shape.split(", ").map(|length| length.parse().unwrap()).collect(), &file[start..])
}

fn f32_samples(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&sample| f32::from_le_bytes(sample)).collect()
}

fn png_pixels(file: &[u8]) -> (Size, Vec<u8>) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (Size::new(info.height, info.width), pixels)
}

#[test]
fn any_number_of_threads_gives_the_same_bytes_in_every_format() {
    for &map_format in MapFormat::ALL {
        let sample_type = if map_format == MapFormat::Png { SampleType::U16 } else { SampleType::F32 };
        let plan = Plan { map_format, sample_type, source_images: true, ..tiny() };
        let (summary, files) = make(&plan);
        let (parallel, same) = make(&Plan { threads: 3, ..plan });
        assert_eq!(summary, parallel, "{map_format}");
        assert!(files == same, "{map_format}");
        assert_eq!(summary.files, files.len() as u64, "{map_format}");
        assert_eq!(summary.bytes, files.values().map(|file| file.len() as u64).sum::<u64>(), "{map_format}");
        assert_eq!((summary.normal_images, summary.anomalous_images, summary.maps), (6, 12, 36));
        assert_eq!(summary.map_pixels, 36 * 40 * 56);
        assert_eq!(summary.manifests.len(), 2);
    }
}

/// An accidental change of what is made would show here. Uncompressed formats only: those do not depend on libraries.
#[test]
fn the_bytes_are_pinned() {
    let (_, files) = make(&Plan { mask_format: MaskFormat::Npy, ..tiny() });
    let mut digest = xxhash_rust::xxh3::Xxh3::new();
    for (name, file) in &files {
        digest.update(name.as_bytes());
        digest.update(file);
    }
    assert_eq!(files.len(), 36 + 12 + 2);
    assert_eq!(format!("{:016x}", digest.digest()), "edb27eb1f3f3b88f");
}

#[test]
fn more_images_leave_the_earlier_ones_as_they_were() {
    let (_, few) = make(&tiny());
    let (_, many) = make(&Plan { normal: 5, anomalous: 11, ..tiny() });
    let kept = few.iter().filter(|(name, _)| !name.ends_with(".csv"));
    assert!(kept.clone().count() > 40);
    for (name, file) in kept {
        assert!(many[name] == *file, "{name}");
    }
}

#[test]
fn another_seed_gives_other_maps() {
    let (_, files) = make(&tiny());
    let (_, other) = make(&Plan { seed: 8, ..tiny() });
    assert_eq!(files.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    let maps = files.iter().filter(|(name, _)| name.ends_with(".npy"));
    assert!(maps.clone().all(|(name, file)| other[name] != *file));
}

#[test]
fn every_container_holds_the_maps_of_the_single_files() {
    let (_, single) = make(&tiny());
    let map = |name: &str| npy_payload(&single[&format!("maps/weak/category_1/test/{name}.npy")], "<f4").1;
    let order = [
        "good/000",
        "good/001",
        "good/002",
        "pinhole/000",
        "pinhole/001",
        "scratch/000",
        "dent/000",
        "stain/000",
        "debris/000",
    ];
    let all: Vec<u8> = order.iter().flat_map(|name| map(name)).copied().collect();
    let paths: Vec<String> = order.iter().map(|name| format!("category_1/test/{name}.png")).collect();

    let (_, files) = make(&Plan { map_format: MapFormat::Stack, ..tiny() });
    let (shape, payload) = npy_payload(&files["maps/weak/category_1/maps.npy"], "<f4");
    assert_eq!(shape, [9, 40, 56]);
    assert!(payload == all);
    let listing = String::from_utf8(files["maps/weak/category_1/paths.txt"].clone()).unwrap();
    assert!(listing.lines().eq(&paths));

    for map_format in [MapFormat::Npz, MapFormat::NpzDeflate] {
        let (_, files) = make(&Plan { map_format, ..tiny() });
        let file = std::io::Cursor::new(&files["maps/weak/category_1/maps.npz"][..]);
        let mut zip = zip::ZipArchive::new(file).unwrap();
        assert_eq!(zip.len(), 9);
        for name in order {
            let mut member = Vec::new();
            zip.by_name(&format!("category_1/test/{name}.npy")).unwrap().read_to_end(&mut member).unwrap();
            assert!(npy_payload(&member, "<f4").1 == map(name), "{map_format} {name}");
        }
    }

    let (_, files) = make(&Plan { map_format: MapFormat::Torch, ..tiny() });
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&files["maps/weak/category_1/asmaps.pt"][..])).unwrap();
    let mut storage = Vec::new();
    let mut member = zip.by_name("asmaps/data/0").unwrap();
    assert_eq!(member.data_start().unwrap() % 64, 0);
    member.read_to_end(&mut storage).unwrap();
    drop(member);
    assert!(storage == all);
    let mut pickle = Vec::new();
    zip.by_name("asmaps/data.pkl").unwrap().read_to_end(&mut pickle).unwrap();
    let text = String::from_utf8_lossy(&pickle);
    let found: Vec<usize> = paths.iter().map(|path| text.find(path.as_str()).unwrap()).collect();
    assert!(found.is_sorted());
}

#[test]
fn manifests_name_files_that_exist() {
    for layout in [Layout::MvtecAd, Layout::Flat] {
        for map_format in [MapFormat::Npy, MapFormat::Npz, MapFormat::Torch] {
            let plan = Plan { layout, map_format, source_images: true, ..tiny() };
            let (_, files) = make(&plan);
            for detector in ["strong", "weak"] {
                let mut manifest = csv::Reader::from_reader(&files[&format!("manifest-{detector}.csv")][..]);
                let columns = ["image_id", "category", "map", "mask", "image", "class", "defect"];
                assert!(manifest.headers().unwrap().iter().eq(columns));
                let mut rows = 0;
                for record in manifest.records().map(Result::unwrap) {
                    rows += 1;
                    let map = record[2].split('#').next().unwrap();
                    assert!(map.starts_with(&format!("maps/{detector}/category_")));
                    assert_eq!(record[2].contains('#'), map_format != MapFormat::Npy);
                    assert!(files.contains_key(map) && files.contains_key(&record[4]), "{record:?}");
                    let normal = &record[6] == "good";
                    assert_eq!(&record[5], if normal { "normal" } else { "anomalous" });
                    if layout == Layout::MvtecAd && normal {
                        assert_eq!(&record[3], "");
                    } else {
                        let (_, mask) = png_pixels(&files[&record[3]]);
                        assert_eq!(mask.iter().all(|&pixel| pixel == 0), normal);
                    }
                }
                assert_eq!(rows, 18);
            }
        }
    }
}

#[test]
fn every_mask_format_holds_the_same_pixels() {
    let name = "dataset/category_0/ground_truth/stain/000_mask";
    let (summary, grey) = make(&tiny());
    let (size, expected) = png_pixels(&grey[&format!("{name}.png")]);
    assert_eq!(size, Size::new(40, 56));
    assert!(expected.contains(&255) && expected.iter().all(|&pixel| pixel == 0 || pixel == 255));
    let masks = grey.iter().filter(|(name, _)| name.ends_with("_mask.png"));
    let anomalous = masks.flat_map(|(_, file)| png_pixels(file).1).filter(|&pixel| pixel == 255).count();
    assert_eq!(summary.anomalous_pixels, anomalous as u64);

    let (_, files) = make(&Plan { mask_format: MaskFormat::Png1, ..tiny() });
    assert_eq!(png_pixels(&files[&format!("{name}.png")]).1, expected);
    let (_, files) = make(&Plan { mask_format: MaskFormat::Npy, ..tiny() });
    assert_eq!(npy_payload(&files[&format!("{name}.npy")], "|u1"), (vec![40, 56], &expected[..]));
    let (_, files) = make(&Plan { mask_format: MaskFormat::Tiff, ..tiny() });
    let file = std::io::Cursor::new(&files[&format!("{name}.tiff")]);
    let tiff::decoder::DecodingResult::U8(pixels) = tiff::decoder::Decoder::new(file).unwrap().read_image().unwrap()
    else {
        panic!("not 8 bits");
    };
    assert_eq!(pixels, expected);
}

#[test]
fn sizes_of_images_and_maps_are_those_of_the_plan() {
    let low = Plan { size: Size::new(240, 160), map_size: Some(Size::new(12, 8)), ..tiny() };
    let (_, files) = make(&low);
    assert_eq!(npy_payload(&files["maps/weak/category_0/test/dent/000.npy"], "<f4").0, [12, 8]);
    assert_eq!(png_pixels(&files["dataset/category_0/ground_truth/dent/000_mask.png"]).0, low.size);

    let mixed = Plan { mixed_sizes: true, ..low };
    let (_, files) = make(&mixed);
    let masks: Vec<Size> =
        files.iter().filter(|(name, _)| name.ends_with("_mask.png")).map(|(_, file)| png_pixels(file).0).collect();
    assert!(masks.iter().all(|size| !size.aspect_differs(Size::new(12, 8))));
    assert!(masks.iter().any(|size| *size != masks[0]));

    let (_, files) = make(&Plan { map_size: None, ..mixed });
    let (shape, _) = npy_payload(&files["maps/weak/category_0/test/dent/000.npy"], "<f4");
    let mask = png_pixels(&files["dataset/category_0/ground_truth/dent/000_mask.png"]).0;
    assert_eq!(shape, [u64::from(mask.height), u64::from(mask.width)]);
}

/// Share of the mask found at the score that a thousandth of the normal pixels reach, per anomalous image.
fn found(detector: &str, files: &Files) -> Vec<f64> {
    let mut normal = Vec::new();
    for (_, file) in files.iter().filter(|(name, _)| name.starts_with(&format!("maps/{detector}/category_0/test/good")))
    {
        normal.extend(f32_samples(npy_payload(file, "<f4").1));
    }
    normal.sort_by(f32::total_cmp);
    let threshold = normal[normal.len() - normal.len() / 1000];
    let masks = files.iter().filter(|(name, _)| name.starts_with("dataset/category_0/ground_truth/"));
    masks
        .map(|(name, mask)| {
            let map = name.replace("dataset/category_0/ground_truth", &format!("maps/{detector}/category_0/test"));
            let map = f32_samples(npy_payload(&files[&map.replace("_mask.png", ".npy")], "<f4").1);
            let (_, mask) = png_pixels(mask);
            let inside = map.iter().zip(&mask).filter(|&(_, &pixel)| pixel != 0);
            let detected = inside.clone().filter(|&(&score, _)| score >= threshold).count();
            detected as f64 / inside.count() as f64
        })
        .collect()
}

#[test]
fn better_detectors_find_more_and_images_spread_from_missed_to_found() {
    let plan = Plan {
        categories: Plan::numbered_categories(1),
        normal: 20,
        anomalous: 60,
        size: Size::new(128, 128),
        detectors: ["blind=0", "weak=0.4", "strong=0.9"].map(|text| text.parse().unwrap()).to_vec(),
        ..tiny()
    };
    let (_, files) = make(&plan);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let [blind, weak, strong] = ["blind", "weak", "strong"].map(|detector| found(detector, &files));
    assert!(mean(&blind) < 0.05, "{}", mean(&blind));
    assert!(mean(&weak) > mean(&blind) + 0.1, "{}", mean(&weak));
    assert!(mean(&strong) > mean(&weak) + 0.1, "{} {}", mean(&strong), mean(&weak));
    for images in [&weak, &strong] {
        assert!(images.contains(&0.0), "some image is missed whole");
        assert!(images.contains(&1.0), "some image is found whole");
        assert!(images.iter().any(|&share| share > 0.0 && share < 1.0), "some image is found in part");
    }
    assert!(blind.iter().zip(&strong).any(|(blind, strong)| *blind == 0.0 && *strong == 1.0));
}

#[test]
fn float32_scores_hardly_ever_tie() {
    let plan = Plan { normal: 10, anomalous: 0, size: Size::new(200, 200), ..Plan::default() };
    let (_, files) = make(&plan);
    let maps = files.iter().filter(|(name, _)| name.starts_with("maps/"));
    let mut scores: Vec<f32> = maps.flat_map(|(_, file)| f32_samples(npy_payload(file, "<f4").1)).collect();
    assert!(scores.iter().all(|&score| score > 0.0 && score < 1.0));
    scores.sort_by(f32::total_cmp);
    let distinct = |scores: &[f32]| {
        let mut scores = scores.to_vec();
        scores.dedup();
        scores.len() as f64 / 400_000.0
    };
    // Of five million values that single precision has in this range, 400 000 random ones share some.
    assert!(distinct(&scores) > 0.9, "{}", distinct(&scores));
    assert!(distinct(&scores[396_000..]) > 0.01 * 0.995, "{}", distinct(&scores[396_000..]));
}

#[test]
fn a_folder_with_files_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "x").unwrap();
    let error = write(&tiny(), folder.path(), |_, _| ()).unwrap_err();
    assert!(matches!(error, SynthError::NotEmpty { .. }) && !error.is_system(), "{error}");
    assert_eq!(read_folder(folder.path()).len(), 1);
    let error = write(&tiny(), &folder.path().join("mine/inside"), |_, _| ()).unwrap_err();
    assert!(error.is_system() && error.to_string().contains("mine"), "{error}");
}

#[test]
fn an_interrupted_or_impossible_run_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan { threads: 3, normal: 40, ..tiny() };
    let stop = |done, total| {
        assert_eq!(total, 92);
        if done == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let error = write_while(&plan, folder.path(), stop).unwrap_err();
    assert!(matches!(error, SynthError::Interrupted));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let out = folder.path().join("new");
    assert!(write(&Plan { normal: 0, anomalous: 0, ..tiny() }, &out, |_, _| ()).is_err());
    assert!(write_while(&plan, &out, stop).is_err());
    assert!(!out.exists());
}

#[test]
fn an_existing_empty_folder_is_filled_and_progress_counts_every_image() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan { defects: vec![Defect::Debris], manifest: false, anomalous: 1, ..tiny() };
    let mut calls = Vec::new();
    let summary = write(&plan, folder.path(), |done, total| calls.push((done, total))).unwrap();
    assert!(calls.into_iter().eq((1..=8).map(|done| (done, 8))));
    assert!(summary.manifests.is_empty());
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["dataset", "maps"]);
}
