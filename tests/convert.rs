//! `pimo convert`.

use std::fs;
use std::path::Path;

use pimo_store::{CurveRow, ImageRow, PublishedScores, TableRows};
use pimo_synth::{MapFormat, Plan};

use crate::support::{Ended, Toy, pimo, plan, refused, scores, shared_folder, succeeded};

fn convert(input: &Path, output: &Path, further: &[&str]) -> Ended {
    let words = ["convert".as_ref(), input.as_os_str(), output.as_os_str()];
    pimo(words.into_iter().chain(further.iter().map(AsRef::as_ref)))
}

/// All `aupimos.json` below a folder, with their text.
fn published_files(folder: &Path) -> Vec<(String, String)> {
    let files = Toy::tree(folder).into_iter().filter(|file| file.ends_with("aupimos.json"));
    files.map(|file| (file.clone(), fs::read_to_string(folder.join(&file)).unwrap())).collect()
}

/// A published tree: two detectors on two datasets, one of them without paths.
fn made_up(folder: &Path) {
    let write = |model: &str, category: &str, aupimos: &[f64], paths: Option<&[&str]>| {
        let folder = folder.join(model).join(category).join("aupimo");
        fs::create_dir_all(&folder).unwrap();
        let scores = PublishedScores {
            shared_fpr_metric: Some("mean-per-image-fpr".to_owned()),
            fpr_lower_bound: 1e-5,
            fpr_upper_bound: 1e-4,
            num_threshs: paths.is_none().then_some(1234),
            thresh_lower_bound: Some(15.692_980_766_296_387),
            thresh_upper_bound: Some(20.648_342_132_568_36),
            aupimos: aupimos.to_vec(),
            paths: paths.map(|paths| paths.iter().map(|&path| path.to_owned()).collect()),
        };
        scores.write(&folder.join("aupimos.json")).unwrap();
    };
    let nut = ["MVTec/nut/test/bent/000.png", "MVTec/nut/test/good/000.png"];
    write("padim", "mvtec/nut", &[0.1 + 0.2, f64::NAN], Some(&nut));
    write("patchcore", "mvtec/nut", &[1.0, f64::NAN], Some(&nut));
    write("padim", "visa/pcb", &[f64::NAN, 0.5, 0.0], None);
}

#[test]
fn scores_go_there_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    made_up(&at("tree"));
    let ended = succeeded(convert(&at("tree"), &at("images.parquet"), &[]));
    assert!(ended.stdout.starts_with("7 images, 3 results, in "), "{}", ended.stdout);
    let rows: Vec<ImageRow> = TableRows::open(&at("images.parquet")).unwrap().map(Result::unwrap).collect();
    let keys: Vec<_> = rows.iter().map(|row| (row.image_id.as_str(), row.model.as_str(), row.aupimo)).collect();
    let expected = [
        ("nut/bent/000", "padim", Some(0.1 + 0.2)),
        ("nut/bent/000", "patchcore", Some(1.0)),
        ("nut/good/000", "padim", None),
        ("nut/good/000", "patchcore", None),
        ("pcb/#000000", "padim", None),
        ("pcb/#000001", "padim", Some(0.5)),
        ("pcb/#000002", "padim", Some(0.0)),
    ];
    assert_eq!(keys, expected);
    assert_eq!(rows[0].defect.as_deref(), Some("bent"));
    let unknown = rows.iter().all(|row| row.height.is_none() && row.image_score.is_none() && row.aupimo_low.is_none());
    assert!(unknown && rows.iter().all(|row| row.is_anomalous == row.aupimo.is_some()));

    succeeded(convert(&at("images.parquet"), &at("back"), &[]));
    assert_eq!(published_files(&at("tree")), published_files(&at("back")));

    // One file by itself is named after its folders, or as is said.
    let file = at("tree/padim/visa/pcb/aupimo/aupimos.json");
    succeeded(convert(&file, &at("one.parquet"), &[]));
    succeeded(convert(&at("one.parquet"), &at("one.json"), &[]));
    assert_eq!(fs::read_to_string(at("one.json")).unwrap(), fs::read_to_string(&file).unwrap());
    succeeded(convert(&at("one.json"), &at("named.parquet"), &["--model", "m", "--category", "c"]));
    let named: Vec<ImageRow> = TableRows::open(&at("named.parquet")).unwrap().map(Result::unwrap).collect();
    assert_eq!((named[0].model.as_str(), named[0].category.as_str(), named.len()), ("m", "c", 3));

    // A part of a table.
    let some = ["--model", "padim", "--category", "mvtec/nut"];
    succeeded(convert(&at("images.parquet"), &at("some.json"), &some));
    let expected = fs::read_to_string(at("tree/padim/mvtec/nut/aupimo/aupimos.json")).unwrap();
    assert_eq!(fs::read_to_string(at("some.json")).unwrap(), expected);
}

#[test]
fn scores_of_a_run_are_those_of_its_export() {
    let toy = Toy::new();
    succeeded(toy.eval(&["--export", "published"]));
    succeeded(convert(&toy.path("out"), &toy.path("tree"), &[]));
    assert_eq!(published_files(&toy.path("out/published")), published_files(&toy.path("tree")));
    succeeded(convert(&toy.path("out/images.parquet"), &toy.path("one.json"), &[]));
    assert_eq!(fs::read_to_string(toy.path("one.json")).unwrap(), published_files(&toy.path("tree"))[0].1);
    // What is published so can be looked at like any other.
    let stats = pimo(["stats".as_ref(), "--published".as_ref(), toy.path("tree").as_os_str()]);
    assert!(succeeded(stats).stdout.contains("toy/stain/"));
}

#[test]
fn maps_are_taken_apart() {
    let toy = Toy::of(&Plan { map_format: MapFormat::Torch, ..plan() });
    succeeded(toy.eval(&[]));
    let stack = Toy::tree(&toy.path("data/maps")).into_iter().find(|file| file.ends_with("asmaps.pt")).unwrap();
    let stack = toy.path("data/maps").join(stack);
    let ended = succeeded(convert(&stack, &toy.path("maps"), &[]));
    assert!(ended.stdout.starts_with("7 maps in "), "{}", ended.stdout);
    let evaluated = |maps: &str, out: &str, further: &[&str]| {
        let mut inputs = toy.inputs();
        inputs[1] = toy.path(maps).into();
        succeeded(toy.eval_to(out, inputs, &[&["--model", "d"], further].concat()));
        scores(&toy.path(out))
    };
    assert_eq!(evaluated("maps", "apart", &[]), scores(&toy.path("out")));

    // The same as one array, with its list of paths.
    succeeded(convert(&stack, &toy.path("all.npy"), &[]));
    let list = toy.path("all.paths.txt");
    assert_eq!(evaluated("all.npy", "stacked", &["--paths", list.to_str().unwrap()]), scores(&toy.path("out")));
    let tree = Toy::tree(toy.folder());
    assert!(!tree.iter().any(|file| file.contains("partial")), "{tree:?}");
}

#[test]
fn published_maps_and_curves() {
    let Some(formats) = shared_folder("fixtures/formats") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (stack, out) in [("asmaps.pt", "new.npy"), ("asmaps_legacy.pt", "old.npy")] {
        succeeded(convert(&formats.join(stack), &at(out), &[]));
        assert_eq!(fs::read(at(out)).unwrap(), fs::read(formats.join("asmaps_expected.npy")).unwrap(), "{stack}");
    }
    let names = ["--model", "padim", "--category", "mvtec/bottle"];
    let ended = succeeded(convert(&formats.join("curves.pt"), &at("curves.parquet"), &names));
    assert!(ended.stdout.starts_with("1 curve in "), "{}", ended.stdout);
    let rows: Vec<CurveRow> = TableRows::open(&at("curves.parquet")).unwrap().map(Result::unwrap).collect();
    let first = &rows[0];
    let image = (first.model.as_str(), first.category.as_str(), first.image_id.as_str());
    assert_eq!(image, ("padim", "mvtec/bottle", "bottle/broken_large/000"));
    let points: Vec<_> = rows.iter().map(|row| (row.shared_fpr, row.tpr)).collect();
    assert_eq!(points, [(0.1, 0.1), (0.25, 0.5), (0.5, 0.9), (1.0, 1.0)]);
    for (row, threshold) in rows.iter().zip([1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0]) {
        assert!((row.threshold - threshold).abs() < 1e-6, "{row:?}");
    }
    let few = [&names[..], &["--points", "2", "--force"]].concat();
    succeeded(convert(&formats.join("curves.pt"), &at("curves.parquet"), &few));
    let few = TableRows::<CurveRow>::open(&at("curves.parquet")).unwrap().map(|row| row.unwrap().shared_fpr);
    assert_eq!(few.collect::<Vec<_>>(), [0.1, 1.0]);
}

#[test]
fn what_cannot_be_converted() {
    let toy = Toy::new();
    succeeded(toy.eval(&[]));
    let at = |name: &str| toy.path(name);
    made_up(&at("tree"));
    succeeded(convert(&at("tree"), &at("images.parquet"), &[]));
    fs::write(at("broken.json"), "{\"aupimos\": [").unwrap();
    fs::write(at("broken.pt"), "PK\u{3}\u{4} but no more").unwrap();
    let refused = |name: &str, input: &str, output: &str, further: &[&str], code: i32| {
        refused(name, toy.folder(), &convert(&at(input), &at(output), further), code);
    };
    refused("convert_absent", "absent.json", "a.parquet", &[], 2);
    refused("convert_unknown", "data/manifest.csv", "a.parquet", &[], 2);
    refused("convert_exists", "tree", "images.parquet", &[], 2);
    refused("convert_ending", "tree", "a.json", &[], 2);
    refused("convert_no_names", "broken.json", "a.parquet", &[], 2);
    refused("convert_broken_json", "broken.json", "a.parquet", &["--model", "m", "--category", "c"], 3);
    refused("convert_broken_pt", "broken.pt", "a", &[], 3);
    refused("convert_many_to_one", "images.parquet", "a.json", &[], 2);
    refused("convert_nothing", "images.parquet", "a.json", &["--model", "uflow"], 3);
    refused("convert_other_table", "out/axis.parquet", "a.json", &[], 3);
    refused("convert_folder", "data/dataset", "a.parquet", &[], 2);
    // Bounds that the images cannot reach leave no score, which the published format cannot say.
    succeeded(toy.eval_to("null", toy.inputs(), &["--fpr-bounds", "1e-9,1e-1"]));
    refused("convert_null", "null", "a.json", &[], 3);
    assert!(!at("a.json").exists() && !at("a.parquet").exists());
}

#[test]
fn a_category_without_scores_is_left_out_with_a_warning() {
    let toy = Toy::of(&pimo_synth::Plan { categories: vec!["few".into(), "toy".into()], ..plan() });
    // With one normal image left, no rate is as low as the lower bound.
    for image in 1..4 {
        for file in ["maps/d/few/test/good", "dataset/few/test/good", "dataset/few/ground_truth/good"] {
            for ending in [".npy", ".png", "_mask.png"] {
                let _ = fs::remove_file(toy.path(&format!("data/{file}/{image:03}{ending}")));
            }
        }
    }
    succeeded(toy.eval(&["--fpr-bounds", "2e-4,1e-1"]));
    let ended = succeeded(convert(&toy.path("out"), &toy.path("scores"), &[]));
    let warning = "warning: category few, detector d: no aupimos.json is written, because AUPIMO is null";
    assert!(ended.stderr.contains(warning), "{}", ended.stderr);
    assert!(ended.stdout.contains("1 result"), "{}", ended.stdout);
    assert_eq!(Toy::tree(&toy.path("scores")), ["d", "d/toy", "d/toy/aupimo", "d/toy/aupimo/aupimos.json"]);

    // Where nothing is left to write, nothing is made.
    let none = convert(&toy.path("out"), &toy.path("none"), &["--category", "few"]);
    assert_eq!(none.code, Some(3), "{}", none.stderr);
    assert!(!toy.path("none").exists());
}

#[test]
fn all_published_scores() {
    let Some(published) = shared_folder("published") else { return };
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("images.parquet");
    let ended = succeeded(convert(&published, &table, &[]));
    assert!(ended.stdout.starts_with("50531 images, 351 results"), "{}", ended.stdout);
    let rows = TableRows::<ImageRow>::open(&table).unwrap().map(Result::unwrap);
    assert_eq!(rows.filter(|row| row.aupimo.is_some()).count(), 31_954);
    succeeded(convert(&table, &folder.path().join("back"), &[]));
    let (before, after) = (published_files(&published.join("benchmark")), published_files(&folder.path().join("back")));
    assert_eq!(before.len(), 351);
    assert!(before == after, "some file has changed");
}
