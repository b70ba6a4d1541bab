//! Each layout, recognised and read.

use pimo_dataset::{Layout, MapsSource, MissingMask, discover};

use crate::tree::{Fake, Tree, lines};

fn found(layout: Layout, files: &[&str], expected: &[&str]) {
    let tree = Tree::new(files);
    let found = tree.discover();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert_eq!(lines(&found.dataset), expected);
    assert_eq!(found.dataset.layout, Some(layout));
    assert_eq!(Layout::detect(&tree.path("data")).unwrap(), layout);
    for item in found.dataset.categories.iter().flat_map(|category| &category.items) {
        assert!(item.map(0).unwrap().file.is_file());
        assert!(item.mask().is_none_or(|path| path.is_file()) && item.image().is_none_or(|path| path.is_file()));
    }
}

#[test]
fn folders_of_mvtec_ad_are_found() {
    found(
        Layout::MvtecAd,
        &[
            "maps/screw/test/good/000.npy",
            "maps/screw/test/scratch/000.tiff",
            "data/screw/train/good/000.png",
            "data/screw/test/good/000.png",
            "data/screw/test/scratch/000.png",
            "data/screw/ground_truth/scratch/000_mask.png",
            "data/readme.txt",
        ],
        &[
            "screw/good/000 normal - screw/test/good/000.png screw/test/good/000.npy",
            "screw/scratch/000 anomalous screw/ground_truth/scratch/000_mask.png screw/test/scratch/000.png \
             screw/test/scratch/000.tiff",
        ],
    );
}

#[test]
fn folders_of_visa_are_found() {
    found(
        Layout::Visa,
        &[
            "maps/candle/test/good/0012.npy",
            "maps/candle/test/bad/000.npy",
            "data/candle/test/good/0012.JPG",
            "data/candle/test/bad/000.JPG",
            "data/candle/ground_truth/bad/000.png",
        ],
        &[
            "candle/bad/000 anomalous candle/ground_truth/bad/000.png candle/test/bad/000.JPG candle/test/bad/000.npy",
            "candle/good/0012 normal - candle/test/good/0012.JPG candle/test/good/0012.npy",
        ],
    );
}

#[test]
fn mvtec_3d_has_masks_of_good_images_too() {
    found(
        Layout::Mvtec3d,
        &[
            "maps/bagel/test/good/000.tiff",
            "maps/bagel/test/crack/000.tiff",
            "data/bagel/test/good/gt/000.png",
            "data/bagel/test/good/rgb/000.png",
            "data/bagel/test/good/xyz/000.tiff",
            "data/bagel/test/crack/gt/000.png",
            "data/bagel/test/crack/rgb/000.png",
        ],
        &[
            "bagel/crack/000 anomalous bagel/test/crack/gt/000.png bagel/test/crack/rgb/000.png bagel/test/crack/000.tiff",
            "bagel/good/000 normal bagel/test/good/gt/000.png bagel/test/good/rgb/000.png bagel/test/good/000.tiff",
        ],
    );
}

#[test]
fn mvtec_3d_with_masks_apart() {
    found(
        Layout::Mvtec3d,
        &[
            "maps/bagel/test/good/000.tiff",
            "maps/bagel/test/crack/000.tiff",
            "data/bagel/test/good/rgb/000.png",
            "data/bagel/test/crack/rgb/000.png",
            "data/bagel/ground_truth/crack/000.png",
        ],
        &[
            "bagel/crack/000 anomalous bagel/ground_truth/crack/000.png bagel/test/crack/rgb/000.png \
             bagel/test/crack/000.tiff",
            "bagel/good/000 normal - bagel/test/good/rgb/000.png bagel/test/good/000.tiff",
        ],
    );
}

#[test]
fn mvtec_ad2() {
    found(
        Layout::MvtecAd2,
        &[
            "maps/can/test_public/good/000_regular.tiff",
            "maps/can/test_public/bad/000_overexposed.tiff",
            "data/can/test_public/good/000_regular.png",
            "data/can/test_public/bad/000_overexposed.png",
            "data/can/test_public/ground_truth/bad/000_overexposed_mask.png",
            "data/can/test_private/000_regular.png",
        ],
        &[
            "can/bad/000_overexposed anomalous can/test_public/ground_truth/bad/000_overexposed_mask.png \
             can/test_public/bad/000_overexposed.png can/test_public/bad/000_overexposed.tiff",
            "can/good/000_regular normal - can/test_public/good/000_regular.png can/test_public/good/000_regular.tiff",
        ],
    );
}

#[test]
fn flat_folders_have_equal_stems_and_masks_decide() {
    let tree = Tree::new(&["maps/a.npy", "maps/b.npy", "data/a.png", "data/b_mask.png"]);
    let found = tree.discover();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert_eq!(found.dataset.layout, Some(Layout::Flat));
    assert_eq!(lines(&found.dataset), ["data/a ? a.png - a.npy", "data/b ? b_mask.png - b.npy"]);
    assert_eq!(found.dataset.categories[0].items[0].defect(), None);
}

#[test]
fn flat_without_a_mask() {
    let tree = Tree::new(&["maps/a.npy", "maps/b.npy", "data/a.png"]);
    let mut sources = tree.sources();
    sources.categories = vec!["nut".into()];
    let found = discover(&sources, &Fake::default()).unwrap();
    assert_eq!(
        tree.shown(&found.problems),
        [
            "data: no mask for image nut/b; expected b.png (or another of .png, .tif, .tiff, .npy or .bmp): add the mask, \
          or say with --missing-mask normal that images without one are normal"
        ]
    );
    sources.missing_mask = MissingMask::Normal;
    let found = discover(&sources, &Fake::default()).unwrap();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert_eq!(lines(&found.dataset), ["nut/a ? a.png - a.npy", "nut/b normal - - b.npy"]);
}

const SCREW: [&str; 2] = ["data/screw/test/good/0.png", "data/screw/ground_truth/bad/0_mask.png"];

/// Whatever the maps' tree, the same two images are found.
fn same_images(maps: &str, dataset: &str, files: &[&str]) {
    let tree = Tree::new(&[&SCREW, files].concat());
    let found = discover(&tree.sources_at(maps, dataset), &Fake::default()).unwrap();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new(), "{maps} {dataset}");
    let items = &found.dataset.categories[0].items;
    let ids: Vec<&str> = items.iter().map(pimo_dataset::Item::image_id).collect();
    assert_eq!(ids, ["screw/bad/0", "screw/good/0"], "{maps} {dataset}");
    assert!(items.iter().all(|item| item.map(0).unwrap().file.is_file()));
    assert!(items[0].mask().unwrap().is_file() && items[1].image().unwrap().is_file());
}

#[test]
fn maps_may_lie_a_folder_higher_or_lower() {
    same_images("maps", "data", &["maps/screw/test/good/0.npy", "maps/screw/test/bad/0.npy"]);
    same_images("maps", "data", &["maps/screw/good/0.npy", "maps/screw/bad/0.npy"]);
    same_images("maps", "data", &["maps/test/good/0.npy", "maps/test/bad/0.npy"]);
    same_images("maps", "data", &["maps/good/0.npy", "maps/bad/0.npy"]);
    same_images("maps", "data/screw", &["maps/screw/test/good/0.npy", "maps/screw/test/bad/0.npy"]);
    same_images("maps/screw", "data/screw", &["maps/screw/test/good/0.npy", "maps/screw/test/bad/0.npy"]);
    same_images("maps/screw/test", "data", &["maps/screw/test/good/0.npy", "maps/screw/test/bad/0.npy"]);
    same_images("maps", "data/screw", &["maps/screw/good/0.npy", "maps/screw/bad/0.npy"]);
}

#[test]
fn categories_of_one_folder_may_differ_in_the_names_of_masks_alone() {
    let files = ["data/a/test/good/0.png", "data/a/ground_truth/bad/0_mask.png", "data/b/ground_truth/bad/0.png"];
    let tree = Tree::new(&files);
    assert_eq!(Layout::detect(&tree.path("data")).unwrap(), Layout::MvtecAd);
    tree.file("data/c/test_public/good/0.png", "");
    assert_eq!(
        tree.hide(&Layout::detect(&tree.path("data")).unwrap_err().to_string()),
        "data: category `a` looks like layout mvtec-ad, but category `c` like mvtec-ad2; choose one with --layout, or \
         evaluate them apart with --category"
    );
}

#[test]
fn several_detectors_share_masks() {
    let tree = Tree::new(
        &[&SCREW[..], &["a/screw/test/good/0.npy", "a/screw/test/bad/0.npy", "b/screw/test/bad/0.png"]].concat(),
    );
    let mut sources = tree.sources_at("a", "data");
    sources.maps.push(MapsSource { model: "other".into(), path: tree.path("b"), paths: None });
    let found = discover(&sources, &Fake::default()).unwrap();
    assert_eq!(
        lines(&found.dataset),
        [
            "screw/bad/0 anomalous screw/ground_truth/bad/0_mask.png - screw/test/bad/0.npy screw/test/bad/0.png",
            "screw/good/0 normal - screw/test/good/0.png screw/test/good/0.npy -",
        ]
    );
    assert_eq!(
        tree.shown(&found.problems),
        [
            "b/screw/test/good: no such folder, but screw/good has 1 image; expected a map for each (.npy, .npz, .tif, .tiff, \
          .png or .pt): run the detector on them, or take them out of the dataset"
        ]
    );
    assert_eq!(found.problems[0].model.as_deref(), Some("other"));
    assert_eq!(found.problems[0].category.as_deref(), Some("screw"));
    assert_eq!(found.dataset.roots.maps, [tree.path("a"), tree.path("b")]);
}

#[test]
fn sorted_by_image_id_whatever_the_folders() {
    let tree = Tree::new(&[
        "maps/c/test/good/1.npy",
        "maps/c/test/good/10.npy",
        "maps/c/test/good/2.npy",
        "maps/c/test/good-/0.npy",
        "data/c/test/good/1.png",
        "data/c/test/good/10.png",
        "data/c/test/good/2.png",
        "data/c/ground_truth/good-/0_mask.png",
    ]);
    let found = tree.discover();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    let items = &found.dataset.categories[0].items;
    let ids: Vec<&str> = items.iter().map(pimo_dataset::Item::image_id).collect();
    assert_eq!(ids, ["c/good-/0", "c/good/1", "c/good/10", "c/good/2"]);
    let keys: Vec<String> = items.iter().map(pimo_dataset::Item::path_key).collect();
    assert_eq!(keys, ["c/test/good-/0.npy", "c/test/good/1.png", "c/test/good/10.png", "c/test/good/2.png"]);
}

#[test]
fn a_folder_of_many_files_is_read_once() {
    let tree = Tree::new(&["data/c/ground_truth/bad/0_mask.png", "maps/c/test/bad/0.npy", "maps/c/test/good/0.npy"]);
    let folder = tree.path("maps/c/test/good");
    for i in 1..50_000 {
        std::fs::write(folder.join(format!("{i}.npy")), "").unwrap();
    }
    let started = std::time::Instant::now();
    assert_eq!(tree.discover().dataset.images(), 50_001);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn names_of_layouts() {
    for layout in Layout::ALL {
        assert_eq!(layout.to_string().parse(), Ok(layout));
    }
    assert_eq!(
        "mvtec".parse::<Layout>().unwrap_err().to_string(),
        "no layout `mvtec`; layouts are mvtec-ad, visa, mvtec-3d, mvtec-ad2, flat"
    );
    assert_eq!(
        "mvtecad".parse::<Layout>().unwrap_err().to_string(),
        "no layout `mvtecad` (did you mean `mvtec-ad`?); layouts are mvtec-ad, visa, mvtec-3d, mvtec-ad2, flat"
    );
}
