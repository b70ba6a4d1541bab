//! `pimo heatmap`.

use std::ffi::OsString;
use std::fs;
use std::io::BufReader;
use std::path::Path;

use pimo_synth::{MapFormat, Plan};

use crate::support::{Ended, Toy, pimo, plan, refused, snapshot, succeeded};

fn heatmap(toy: &Toy, out: &str, further: &[&str]) -> Ended {
    let mut arguments: Vec<OsString> = vec!["heatmap".into(), toy.path("out").into()];
    arguments.extend(["--out".into(), toy.path(out).into()]);
    arguments.extend(further.iter().map(OsString::from));
    pimo(arguments)
}

/// A dataset with source images, evaluated.
fn evaluated() -> Toy {
    let toy = Toy::of(&Plan { source_images: true, ..plan() });
    succeeded(toy.eval(&[]));
    toy
}

/// Width, height and RGB samples.
fn pixels(path: &Path) -> (usize, usize, Vec<u8>) {
    let mut reader = png::Decoder::new(BufReader::new(fs::File::open(path).unwrap())).read_info().unwrap();
    let mut samples = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut samples).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    (info.width as usize, info.height as usize, samples)
}

/// How many pictures a folder holds.
fn drawn(toy: &Toy, folder: &str) -> usize {
    let is_picture = |name: &String| Path::new(name).extension().is_some_and(|extension| extension == "png");
    Toy::tree(&toy.path(folder)).into_iter().filter(is_picture).count()
}

#[test]
fn colours_begin_at_the_thresholds() {
    let toy = evaluated();
    let arguments = ["--image", "toy/stain/001", "--no-outline", "--no-colour-bar", "--opacity", "1", "--quiet"];
    succeeded(heatmap(&toy, "pictures", &arguments));
    let (width, height, picture) = pixels(&toy.path("pictures/d/toy/stain/001.png"));
    // Images of 64x48 are magnified four times.
    assert_eq!((width, height), (4 * 48, 4 * 64));
    let source = pimo_reader::Reader::new(pimo_reader::ReaderOptions::default());
    let source = source.read_image(&toy.path("data/dataset/toy/test/stain/001.png")).unwrap();
    let index = fs::read_to_string(toy.path("pictures/heatmaps.csv")).unwrap();
    let fields: Vec<&str> = index.lines().nth(1).unwrap().split(',').collect();
    let (lower, upper): (f32, f32) = (fields[6].parse().unwrap(), fields[7].parse().unwrap());
    let mut seen = [0; 3];
    for (at, score) in crate::support::arrays::scores_of(&toy.map("stain/001")).into_iter().enumerate() {
        let (y, x) = (4 * (at / 48), 4 * (at % 48));
        let pixel = &picture[3 * (y * width + x)..][..3];
        let kind = usize::from(score >= lower) + usize::from(score >= upper);
        match kind {
            0 => assert_eq!(pixel, &source.rgb[3 * at..][..3], "the image shows below the lower threshold"),
            1 => assert!(pixel[2] > pixel[0] + 40, "blue between the thresholds: {pixel:?}"),
            _ => assert!(pixel[0] > pixel[2] + 40, "red above them: {pixel:?}"),
        }
        seen[kind] += 1;
    }
    assert!(seen.iter().all(|&pixels| pixels > 0), "{seen:?}");
}

#[test]
fn what_it_writes_and_prints() {
    let toy = evaluated();
    let ended = succeeded(heatmap(&toy, "pictures", &["--statistics", "--worst", "1", "--normal", "2"]));
    snapshot("heatmap", toy.folder(), &ended.stdout);
    assert_eq!(ended.stderr, "");
    let index = fs::read_to_string(toy.path("pictures/heatmaps.csv")).unwrap();
    snapshot("heatmap_index", toy.folder(), &index);
    for line in index.lines().skip(1) {
        let file = line.rsplit(',').next().unwrap();
        assert!(pixels(&toy.path("pictures").join(file)).0 > 192, "{file} has a colour bar");
    }
    assert_eq!(drawn(&toy, "pictures"), index.lines().count() - 1);
    // The same again gives the same files.
    let before = fs::read(toy.path("pictures/d/toy/good/000.png")).unwrap();
    succeeded(heatmap(&toy, "again", &["--image", "toy/good/000", "--progress", "never"]));
    assert_eq!(fs::read(toy.path("again/d/toy/good/000.png")).unwrap(), before);
}

#[test]
fn maps_inside_of_stacked_files() {
    for map_format in [MapFormat::Torch, MapFormat::Npz] {
        let toy = Toy::of(&Plan { map_format, ..plan() });
        let inputs = vec!["--manifest".into(), toy.path("data/manifest.csv").into()];
        // Masks are 0 and 255: the rule is not the usual one, the picture is.
        succeeded(toy.eval_to("out", inputs, &["--fpr-bounds", "1e-3,1e-1", "--mask-threshold", "99"]));
        let ended = succeeded(heatmap(&toy, "pictures", &["--worst", "1", "--normal", "1"]));
        assert_eq!((drawn(&toy, "pictures"), ended.stderr.as_str()), (2, ""));
    }
}

#[test]
fn files_that_were_moved() {
    let toy = evaluated();
    fs::rename(toy.path("data/dataset"), toy.path("set")).unwrap();
    fs::rename(toy.path("data/maps"), toy.path("scores")).unwrap();
    refused("heatmap_maps_gone", toy.folder(), &heatmap(&toy, "a", &[]), 4);
    let maps = format!("d={}", toy.path("scores/d").display());
    refused("heatmap_masks_gone", toy.folder(), &heatmap(&toy, "b", &["--maps", &maps, "--worst", "1"]), 4);
    let dataset = toy.path("set").display().to_string();
    let whole = succeeded(heatmap(&toy, "c", &["--maps", &maps, "--dataset", &dataset, "--worst", "1"]));
    assert_eq!(whole.stderr, "");
    // Without source images there is grey.
    let away = toy.path("nowhere").display().to_string();
    let further = ["--maps", &maps, "--dataset", &dataset, "--images", &away, "--worst", "2"];
    let grey = succeeded(heatmap(&toy, "d", &further));
    snapshot("heatmap_images_gone", toy.folder(), &grey.stderr);
    assert_eq!(drawn(&toy, "d"), 2);
}

#[test]
fn what_is_refused() {
    let toy = evaluated();
    refused("heatmap_unknown_image", toy.folder(), &heatmap(&toy, "a", &["--image", "toy/stian/001"]), 2);
    refused("heatmap_end_of_an_id", toy.folder(), &heatmap(&toy, "a", &["--image", "stain/001"]), 2);
    refused("heatmap_unknown_model", toy.folder(), &heatmap(&toy, "a", &["--model", "D2"]), 2);
    refused("heatmap_unknown_category", toy.folder(), &heatmap(&toy, "a", &["--category", "toys"]), 2);
    refused("heatmap_unknown_score", toy.folder(), &heatmap(&toy, "a", &["--score", "auroc"]), 3);
    refused("heatmap_opacity", toy.folder(), &heatmap(&toy, "a", &["--opacity", "40"]), 2);
    refused("heatmap_size", toy.folder(), &heatmap(&toy, "a", &["--size", "20000"]), 2);
    refused("heatmap_memory", toy.folder(), &heatmap(&toy, "b", &["--worst", "1", "--memory", "1KiB"]), 3);
    fs::write(toy.path("full"), "").unwrap();
    refused("heatmap_out_is_a_file", toy.folder(), &heatmap(&toy, "full", &[]), 2);
    refused("heatmap_out_not_empty", toy.folder(), &heatmap(&toy, "data", &[]), 2);
    succeeded(heatmap(&toy, "data", &["--force", "--worst", "1"]));

    // A map and a mask that changed since: the others are drawn.
    fs::write(toy.map("stain/000"), "no array").unwrap();
    crate::support::masks::png(&toy.mask("stain/001"), 3, 3, &[255; 9]);
    let ended = heatmap(&toy, "some", &["--worst", "3"]);
    refused("heatmap_some", toy.folder(), &ended, 3);
    assert_eq!(drawn(&toy, "some"), 1);
}
