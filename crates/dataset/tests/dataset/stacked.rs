//! Files that hold many maps.

use pimo_dataset::{Layout, MapsSource, NamedEntry, Sources, discover};
use pimo_reader::Entry;

use crate::tree::{Fake, Tree, lines};

const SCREW: [&str; 3] = ["data/screw/test/good/0.png", "data/screw/ground_truth/bad/0_mask.png", "asmaps.pt"];

fn indexed(paths: &[&str]) -> Fake {
    let entry =
        |(i, path): (u64, &&str)| -> NamedEntry { (Entry::Index(i), (!path.is_empty()).then(|| (*path).into())) };
    Fake(Some((0..).zip(paths).map(entry).collect()))
}

#[test]
fn paths_inside_name_the_images() {
    let tree = Tree::new(&SCREW);
    let container = indexed(&["MVTec/screw/test/good/0.png", "MVTec/screw/test/bad/0.png"]);
    let found = discover(&tree.sources_at("asmaps.pt", "data"), &container).unwrap();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert_eq!(
        lines(&found.dataset),
        [
            "screw/bad/0 anomalous screw/ground_truth/bad/0_mask.png - asmaps.pt#1",
            "screw/good/0 normal - screw/test/good/0.png asmaps.pt#0",
        ]
    );
    let items = &found.dataset.categories[0].items;
    assert_eq!(items[0].map(0).unwrap().to_string(), format!("{}#1", tree.path("asmaps.pt").display()));
    assert_eq!(items[0].path_key(), "screw/bad/0");
}

#[test]
fn keys_of_an_npz() {
    let tree = Tree::new(&SCREW);
    tree.file("maps.npz", "");
    let keys = ["screw/test/good/0", "screw/test/bad/0.png"];
    let container = Fake(Some(keys.map(|key| (Entry::Key(key.into()), Some(key.into()))).to_vec()));
    let found = discover(&tree.sources_at("maps.npz", "data"), &container).unwrap();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert_eq!(
        lines(&found.dataset),
        [
            "screw/bad/0 anomalous screw/ground_truth/bad/0_mask.png - maps.npz#screw/test/bad/0.png",
            "screw/good/0 normal - screw/test/good/0.png maps.npz#screw/test/good/0",
        ]
    );
    assert_eq!(found.dataset.categories[0].items[0].path_key(), "screw/test/bad/0.png");
}

#[test]
fn a_list_names_the_maps_of_a_stacked_npy() {
    let tree = Tree::new(&SCREW);
    tree.file("all.npy", "");
    tree.file("paths.txt", "test/bad/0.png\ntest/good/0.png\n");
    let mut sources = tree.sources_at("all.npy", "data");
    let container = indexed(&["", ""]);
    let error = |sources: &Sources, container: &Fake| tree.hide(&discover(sources, container).unwrap_err().to_string());
    assert_eq!(
        error(&sources, &container),
        "all.npy: the file does not say which image each of its maps belongs to; give --paths FILE with one path a line \
         (such as screw/test/good/000.png), in the order of the maps"
    );
    sources.maps[0].paths = Some(tree.path("paths.txt"));
    let found = discover(&sources, &container).unwrap();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert_eq!(found.dataset.categories[0].items[0].map_path(0).as_deref(), Some("all.npy#0"));
    assert_eq!(
        error(&sources, &indexed(&["", "", ""])),
        "paths.txt: 2 paths for the 3 maps of all.npy; list one path for each map, in the order of the maps"
    );
    assert_eq!(
        error(&sources, &Fake(None)),
        "all.npy: no anomaly maps recognised for --maps: the file holds a single map; expected a folder of maps, or a \
         file of many: asmaps.pt, an N x H x W .npy with --paths, an .npz"
    );
    sources.maps[0].paths = Some(tree.path("nowhere.txt"));
    assert_eq!(
        error(&sources, &container),
        "nowhere.txt: no such file or folder; --paths expects a text file with one path a line, or a JSON list of paths"
    );
    sources.maps[0] = MapsSource { path: tree.path("data"), ..sources.maps[0].clone() };
    assert_eq!(error(&sources, &container), "data: --paths goes with a stacked file of maps, but this is a folder");
}

#[test]
fn a_stacked_file_in_each_category_folder() {
    let tree = Tree::new(&SCREW);
    tree.file("maps/screw/asmaps.pt", "");
    tree.file("maps/screw/aupimo/aupimos.json", "");
    let container = indexed(&["MVTec/screw/test/good/0.png", "MVTec/screw/test/bad/0.png", "MVTec/nut/test/bad/0.png"]);
    let found = discover(&tree.sources(), &container).unwrap();
    assert_eq!(
        tree.shown(&found.problems),
        [
            "maps/screw/asmaps.pt: the map asmaps.pt#2 belongs to the image `MVTec/nut/test/bad/0.png`; expected an image \
          of category screw, in whose folder the file lies"
        ]
    );
    assert_eq!(found.dataset.categories[0].items[0].map_path(0).as_deref(), Some("screw/asmaps.pt#1"));
}

#[test]
fn what_can_be_wrong_inside() {
    let tree = Tree::new(&SCREW);
    tree.file("data/nut/ground_truth/bad/0_mask.png", "");
    let paths = [
        "screw/test/good/0.png",
        "screw/test/bad/0.png",
        "screw/test/bad/0.png",
        "screw/test/bad/1.png",
        "cable/test/bad/0.png",
        "cable/test/bad/1.png",
        "screw/test/2.png",
        "2.png",
    ];
    let found = discover(&tree.sources_at("asmaps.pt", "data"), &indexed(&paths)).unwrap();
    assert_eq!(
        tree.shown(&found.problems),
        [
            "asmaps.pt: the map asmaps.pt#6 belongs to the image `screw/test/2.png`; expected a path such as \
             <category>/test/<defect>/<stem>.png",
            "asmaps.pt: the map asmaps.pt#7 belongs to the image `2.png`; expected a path that names the category, or a \
             single --category",
            "data/screw: category screw has no anomalous image that can be used (1 image in all); expected maps of \
             anomalous images with their masks, which are scored",
            "data/screw/ground_truth/bad: no mask for the anomalous image screw/bad/1; expected 1_mask.png here (or \
             another of .png, .tif, .tiff, .npy or .bmp): add the mask, or remove the image's map",
            "asmaps.pt: 2 anomaly maps for image screw/bad/0: asmaps.pt#1, asmaps.pt#2; expected one: keep the right one \
             and remove the others",
        ]
    );
    assert_eq!(
        tree.hide(&found.notes[0].to_string()),
        "asmaps.pt: there are maps of a category that the dataset data does not have, which are left out: cable (it has \
         nut, screw)"
    );
    // A category that has nothing but strange maps is no category without maps.
    let strange = indexed(&["screw/test/good/0.png", "screw/test/bad/0.png", "nut/test/1.png"]);
    let found = discover(&tree.sources_at("asmaps.pt", "data"), &strange).unwrap();
    assert!(tree.shown(&found.problems).iter().any(|problem| problem.contains("nut/test/1.png")), "{found:?}");
    let found = discover(&tree.sources_at("asmaps.pt", "data"), &indexed(&["screw/test/good/0.png"])).unwrap();
    assert_eq!(
        tree.shown(&found.problems)[1],
        "asmaps.pt: the file has no anomaly map, but screw/bad has 1 image; expected a map for each (.npy, .npz, .tif, \
         .tiff, .png or .pt): run the detector on them, or take them out of the dataset"
    );
}

#[test]
fn flat_takes_the_last_part_of_a_path() {
    let tree = Tree::new(&["data/a.png", "data/b.png", "maps.pt"]);
    let found = discover(&tree.sources_at("maps.pt", "data"), &indexed(&["x/y/a.png", "b"])).unwrap();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert_eq!(found.dataset.layout, Some(Layout::Flat));
    assert_eq!(lines(&found.dataset), ["data/a ? a.png - maps.pt#0", "data/b ? b.png - maps.pt#1"]);
}
