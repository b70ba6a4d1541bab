//! The shared fixtures and the real data, where they are at hand.

use std::path::PathBuf;

use pimo_dataset::{Class, Discovery, Layout, MapsSource, Sources, discover};
use pimo_reader::{Reader, ReaderOptions};
use pimo_test_data::shared;

use crate::tree::lines;

fn found(maps: PathBuf, dataset: PathBuf, categories: &[&str]) -> Discovery {
    let sources = Sources {
        maps: vec![MapsSource { model: "m".into(), path: maps, paths: None }],
        dataset,
        categories: categories.iter().map(|name| String::from(*name)).collect(),
        ..Sources::default()
    };
    discover(&sources, &Reader::new(ReaderOptions::default())).unwrap()
}

#[test]
fn all_parity_cases() {
    let Some(parity) = shared("fixtures/parity") else { return };
    let mut cases = 0;
    for case in std::fs::read_dir(parity).unwrap() {
        let case = case.unwrap().path();
        let found = found(case.join("maps"), case.join("dataset"), &[]);
        assert_eq!(found.problems, [], "{}", case.display());
        let [toy] = found.dataset.categories.as_slice() else { panic!("one category in {}", case.display()) };
        let maps = |class: &str| std::fs::read_dir(case.join("maps/toy/test").join(class)).unwrap().count();
        assert_eq!(toy.count(Class::Normal), maps("good"));
        assert_eq!(toy.count(Class::Anomalous), maps("bad"));
        cases += 1;
    }
    assert_eq!(cases, 11);
}

#[test]
fn real_screws() {
    let Some(real) = shared("real") else { return };
    for dataset in [real.clone(), real.join("screw")] {
        let found = found(real.join("grids/patchcore_r18"), dataset, &["screw"]);
        assert_eq!(found.problems, []);
        assert_eq!(found.dataset.layout, Some(Layout::MvtecAd));
        let screw = found.dataset.category("screw").unwrap();
        assert_eq!((screw.count(Class::Normal), screw.count(Class::Anomalous)), (41, 119));
        assert!(screw.items.iter().all(|item| item.image().unwrap().is_file() && item.map(0).unwrap().file.is_file()));
        assert!(screw.items.iter().filter_map(pimo_dataset::Item::mask).all(|mask| mask.is_file()));
    }
}

#[test]
fn published_stacked_files() {
    let Some(formats) = shared("fixtures/formats") else { return };
    let data = tempfile::tempdir().unwrap();
    for file in ["ground_truth/broken_large/000_mask.png", "test/good/000.png", "test/good/001.png"] {
        let path = data.path().join("bottle").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    for name in ["asmaps.pt", "asmaps_legacy.pt"] {
        let found = found(formats.join(name), data.path().to_owned(), &[]);
        assert_eq!(found.problems, []);
        assert_eq!(
            lines(&found.dataset),
            [
                format!("bottle/broken_large/000 anomalous bottle/ground_truth/broken_large/000_mask.png - {name}#0"),
                format!("bottle/good/000 normal - bottle/test/good/000.png {name}#1"),
                format!("bottle/good/001 normal - bottle/test/good/001.png {name}#2"),
            ]
        );
    }
}
