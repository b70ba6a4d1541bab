//! Every problem with its message, and what ends the search.

use pimo_dataset::{Fault, Layout, MapsSource, ProblemKind, Sources, discover};

use crate::tree::{Fake, Tree, lines};

/// One good and one bad image that fit, and `files` beside them.
fn with(files: &[&str]) -> Tree {
    let whole = [
        "maps/screw/test/good/0.npy",
        "maps/screw/test/bad/0.npy",
        "data/screw/test/good/0.png",
        "data/screw/test/bad/0.png",
        "data/screw/ground_truth/bad/0_mask.png",
    ];
    Tree::new(&[&whole, files].concat())
}

#[track_caller]
fn problem(files: &[&str], kind: ProblemKind, image: Option<&str>, expected: &str) {
    let tree = with(files);
    let found = tree.discover();
    assert_eq!(tree.shown(&found.problems), [expected]);
    assert_eq!(found.problems[0].kind, kind);
    assert_eq!(found.problems[0].category.as_deref(), Some("screw"));
    assert_eq!(found.problems[0].image_id.as_deref(), image);
    assert_eq!(found.dataset.images(), 2, "the image in doubt is left out");
}

#[test]
fn missing_map() {
    let message = |folder: &str, id: &str| {
        format!(
            "maps/screw/test/{folder}: no anomaly map for image screw/{id}; expected 1.npy here (or another of .npy, \
             .npz, .tif, .tiff, .png or .pt): run the detector on it, or take the image and its mask out of the dataset"
        )
    };
    let image = Some("screw/good/1");
    problem(&["data/screw/test/good/1.png"], ProblemKind::MissingMap, image, &message("good", "good/1"));
    let image = Some("screw/bad/1");
    problem(&["data/screw/ground_truth/bad/1_mask.png"], ProblemKind::MissingMap, image, &message("bad", "bad/1"));
}

#[test]
fn missing_mask() {
    problem(
        &["data/screw/test/bad/1.png", "maps/screw/test/bad/1.npy"],
        ProblemKind::MissingMask,
        Some("screw/bad/1"),
        "data/screw/ground_truth/bad: no mask for the anomalous image screw/bad/1; expected 1_mask.png here (or another \
         of .png, .tif, .tiff, .npy or .bmp): add the mask, or remove the image's map",
    );
    problem(
        &["maps/screw/test/dent/1.npy", "maps/screw/test/dent/2.npy"],
        ProblemKind::MissingMask,
        None,
        "data/screw/ground_truth/dent: no masks for the 2 images of screw/dent; expected one for each, such as \
         000_mask.png: add the masks, or remove the maps (other layouts: --layout)",
    );
}

#[test]
fn map_without_an_image() {
    problem(
        &["maps/screw/test/good/1.npy"],
        ProblemKind::MissingImage,
        Some("screw/good/1"),
        "data/screw/test/good: the dataset has no image screw/good/1, but there is an anomaly map of it; expected the \
         image 1.* here beside the others: restore the image, or remove the map",
    );
}

#[test]
fn several_masks() {
    problem(
        &["maps/screw/test/bad/1.npy", "data/screw/ground_truth/bad/1_mask.png", "data/screw/ground_truth/bad/1.png"],
        ProblemKind::SeveralMasks,
        Some("screw/bad/1"),
        "data/screw/ground_truth/bad: 2 masks for image screw/bad/1: 1.png, 1_mask.png; expected one: keep the right one \
         and remove the others",
    );
    problem(
        &[
            "maps/screw/test/bad/1.npy",
            "data/screw/ground_truth/bad/1_mask.png",
            "data/screw/ground_truth/bad/1_mask.tif",
        ],
        ProblemKind::SeveralMasks,
        Some("screw/bad/1"),
        "data/screw/ground_truth/bad: 2 masks for image screw/bad/1: 1_mask.png, 1_mask.tif; expected one: keep the right \
         one and remove the others",
    );
}

#[test]
fn an_image_may_be_called_mask() {
    let tree = with(&[
        "maps/screw/test/bad/1_mask.npy",
        "data/screw/test/bad/1_mask.png",
        "data/screw/ground_truth/bad/1_mask_mask.png",
    ]);
    let found = tree.discover();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert!(lines(&found.dataset)[1].starts_with("screw/bad/1_mask anomalous screw/ground_truth/bad/1_mask_mask.png"));
}

#[test]
fn several_maps() {
    problem(
        &["maps/screw/test/good/1.npy", "maps/screw/test/good/1.tiff", "data/screw/test/good/1.png"],
        ProblemKind::SeveralMaps,
        Some("screw/good/1"),
        "maps/screw/test/good: 2 anomaly maps for image screw/good/1: 1.npy, 1.tiff; expected one: keep the right one and \
         remove the others",
    );
}

#[test]
fn empty_folder() {
    let tree = with(&["data/screw/test/dent/0.png", "data/screw/ground_truth/dent/0_mask.png"]);
    std::fs::create_dir(tree.path("maps/screw/test/dent")).unwrap();
    let found = tree.discover();
    assert_eq!(
        tree.shown(&found.problems),
        [
            "maps/screw/test/dent: the folder has no anomaly map, but screw/dent has 1 image; expected a map for each (.npy, \
          .npz, .tif, .tiff, .png or .pt): run the detector on them, or take them out of the dataset"
        ]
    );
    assert_eq!(found.problems[0].kind, ProblemKind::EmptyFolder);
}

#[cfg(unix)]
#[test]
fn names_and_links_that_lead_nowhere() {
    use std::os::unix::ffi::OsStrExt;
    let tree = with(&[]);
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.npy");
    std::fs::write(tree.path("maps/screw/test/good").join(odd), "").unwrap();
    std::os::unix::fs::symlink("nowhere", tree.path("data/screw/test/good/9.png")).unwrap();
    std::os::unix::fs::symlink("0.npy", tree.path("maps/screw/test/good/7.npy")).unwrap();
    std::os::unix::fs::symlink("0.png", tree.path("data/screw/test/good/7.png")).unwrap();
    let found = tree.discover();
    assert_eq!(
        tree.shown(&found.problems),
        [
            "data/screw/test/good/9.png: a symbolic link that leads nowhere; restore what it points at, or remove the link",
            "maps/screw/test/good/caf\u{fffd}.npy: the name `caf\u{fffd}.npy` is not valid UTF-8; rename the file so that \
             image ids can be written",
        ]
    );
    assert_eq!(found.dataset.images(), 3, "a link to a file is a file");
}

#[test]
fn a_category_needs_both_classes() {
    let tree = Tree::new(&[
        "maps/a/test/good/0.npy",
        "data/a/test/good/0.png",
        "maps/b/test/bad/0.npy",
        "data/b/ground_truth/bad/0_mask.png",
    ]);
    let found = tree.discover();
    assert_eq!(
        tree.shown(&found.problems),
        [
            "data/a: category a has no anomalous image that can be used (1 image in all); expected maps of anomalous \
             images with their masks, which are scored",
            "data/b: category b has no normal image that can be used (1 image in all); expected maps of normal images \
             (folder `good`), which fix the shared FPR",
        ]
    );
}

#[test]
fn masks_may_decide() {
    let tree = with(&["data/screw/ground_truth/good/0_mask.png"]);
    let sources = Sources { class_from_mask: true, ..tree.sources() };
    let found = discover(&sources, &Fake::default()).unwrap();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert!(found.dataset.categories[0].items.iter().all(|item| item.class().is_none() && item.mask().is_some()));
}

#[test]
fn notes_of_what_is_left_aside() {
    let tree = with(&[
        "maps/screw/test/good/notes.txt",
        "data/screw/test/good/0.jpg",
        "data/nut/test/good/0.png",
        "maps/screw/test/good/.DS_Store",
    ]);
    std::fs::create_dir(tree.path("maps/screw/test/empty")).unwrap();
    let found = tree.discover();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    let notes: Vec<String> = found.notes.iter().map(|note| tree.hide(&note.to_string())).collect();
    assert_eq!(
        notes,
        [
            "data: no detector has maps of 1 of the 2 categories, which are left out: nut",
            "maps/screw/test/empty: the folder has no anomaly maps, and the dataset has no images for it; left aside",
            "maps/screw/test/good: left aside 1 file without an ending of anomaly maps (.npy, .npz, .tif, .tiff, .png or .pt)",
            "data/screw/test/good: 2 source images for screw/good/0; 0.png is taken",
        ]
    );
}

#[test]
fn categories_by_name() {
    let tree = with(&["data/nut/test/good/0.png", "maps/nut/test/good/0.npy", "maps/cable/test/good/0.npy"]);
    let wanted = |name: &str| Sources { categories: vec![name.into()], ..tree.sources() };
    assert_eq!(
        tree.error(&wanted("scew")),
        "no category `scew` in data (did you mean `screw`?); there are: nut, screw"
    );
    assert_eq!(tree.error(&wanted("tile")), "no category `tile` in data; there are: nut, screw");
    let found = discover(&wanted("screw"), &Fake::default()).unwrap();
    assert_eq!((found.problems.len(), found.dataset.categories.len()), (0, 1));
    assert_eq!(found.notes, []);
    let found = tree.discover();
    assert!(found.problems.iter().all(|problem| problem.category.as_deref() == Some("nut")), "{:?}", found.problems);
    assert_eq!(
        tree.hide(&found.notes[0].to_string()),
        "maps: there are maps of a category that the dataset data does not have, which are left out: cable (it has nut, \
         screw)"
    );
    tree.file("maps/tile/good/0.npy", "");
    tree.file("maps/log/0.npy", "");
    let note = tree.hide(&tree.discover().notes[0].to_string());
    assert!(note.contains("2 categories") && note.contains("left out: cable, tile (it has"), "{note}");
    tree.file("one/test/good/0.npy", "");
    assert_eq!(
        tree.error(&tree.sources_at("one", "data")),
        "one: the folder holds the maps of one category, but the dataset has nut, screw; say with --category whose they are"
    );
}

#[test]
fn what_ends_the_search() {
    let tree = with(&["odd/readme.txt", "file.txt", "few/other/0.npy"]);
    assert_eq!(
        tree.error(&tree.sources_at("maps", "nowhere")),
        "nowhere: no such file or folder; --dataset expects the folder of a dataset"
    );
    assert_eq!(
        tree.error(&tree.sources_at("nowhere", "data")),
        "nowhere: no such file or folder; --maps expects a folder of anomaly maps, or a file of many (asmaps.pt, .npy \
         with --paths, .npz)"
    );
    assert_eq!(
        tree.error(&tree.sources_at("maps", "file.txt")),
        "file.txt: a file; --dataset expects the folder of a dataset"
    );
    assert_eq!(
        tree.error(&tree.sources_at("file.txt", "data")),
        "file.txt: a file that can't hold many maps; --maps expects a folder of anomaly maps, or a file of many \
         (asmaps.pt, .npy with --paths, .npz)"
    );
    assert_eq!(
        tree.error(&tree.sources_at("maps", "odd")),
        "odd: not recognised as a dataset: it holds no folders and the file readme.txt. Known layouts:\n  \
         mvtec-ad  <category>/ground_truth/<defect>/<stem>_mask.png\n  \
         visa      <category>/ground_truth/bad/<stem>.png\n  \
         mvtec-3d  <category>/test/<defect>/gt/<stem>.png\n  \
         mvtec-ad2 <category>/test_public/ground_truth/bad/<stem>_mask.png\n  \
         flat      <stem>.png\n\
         Point --dataset at the folder above the categories (or at one category), name the layout with --layout, or list \
         the files in a --manifest"
    );
    assert_eq!(
        tree.error(&tree.sources_at("few", "data")),
        "few: no anomaly maps recognised for --maps: it holds folders other and no files; expected \
         <category>/test/<defect>/<stem>.npy for the categories screw (or another of .npy, .npz, .tif, .tiff, .png or \
         .pt; or asmaps.pt)"
    );
    let twice = Sources { maps: vec![tree.sources().maps.remove(0), tree.sources().maps.remove(0)], ..tree.sources() };
    assert_eq!(tree.error(&twice), "two detectors are called `m`; give each --maps a NAME=PATH of its own");
    let none = Sources { maps: Vec::<MapsSource>::new(), ..tree.sources() };
    assert_eq!(tree.error(&none), "no maps given; give --maps PATH, or --maps NAME=PATH for each detector");
    let flat = Sources { layout: Some(Layout::Flat), categories: vec!["a".into(), "b".into()], ..tree.sources() };
    assert_eq!(tree.error(&flat), "layout flat holds one category; give --category once, as its name");
}

#[test]
fn whose_fault() {
    let tree = with(&["odd/readme.txt"]);
    let fault = |sources: Sources| discover(&sources, &Fake::default()).unwrap_err().fault();
    assert_eq!(fault(tree.sources_at("maps", "nowhere")), Fault::System);
    assert_eq!(fault(tree.sources_at("maps", "odd")), Fault::Data);
    assert_eq!(fault(Sources { categories: vec!["x".into()], ..tree.sources() }), Fault::Usage);
}
