//! Manifests.

use pimo_dataset::{DatasetError, Discovery, ManifestOptions, ManifestRow, MissingMask, manifest_rows, read_manifest};

use crate::tree::{Tree, lines};

fn options(tree: &Tree) -> ManifestOptions {
    ManifestOptions { path: tree.path("m.csv"), model: "m".into(), ..ManifestOptions::default() }
}

fn read(tree: &Tree, text: &str) -> Result<Discovery, DatasetError> {
    tree.file("m.csv", text);
    read_manifest(&options(tree))
}

const FULL: &str = "image_id,category,map,mask,image,class,defect,group\n\
    c/bad/0,c,maps/0.npy,masks/0_mask.png,images/0.jpg,anomalous,bad,s1\n\
    c/good/1,c,asmaps.pt#12,,images/1.jpg,normal,good,s1\n\
    d/x,d,../d/x.tiff,/abs/x.png,,bad,,\n\
    d/y,d,maps.npz#d/y,,,0,,\n";

const FULL_LINES: [&str; 4] = [
    "c/bad/0 anomalous masks/0_mask.png images/0.jpg maps/0.npy",
    "c/good/1 normal - images/1.jpg asmaps.pt#12",
    "d/x anomalous /abs/x.png - ../d/x.tiff",
    "d/y normal - - maps.npz#d/y",
];

#[test]
fn every_column() {
    let tree = Tree::new(&[]);
    let found = read(&tree, FULL).unwrap();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert_eq!(found.notes, []);
    assert_eq!(lines(&found.dataset), FULL_LINES);
    let items = &found.dataset.categories[0].items;
    assert_eq!((items[0].defect(), items[0].group()), (Some("bad"), Some("s1")));
    assert_eq!(items[0].map(0).unwrap().file, tree.path("maps/0.npy"));
    assert_eq!(items[1].map(0).unwrap().to_string(), format!("{}#12", tree.path("asmaps.pt").display()));
    assert_eq!(found.dataset.categories[1].items[0].mask().unwrap().to_str(), Some("/abs/x.png"));
    assert_eq!(found.dataset.models, ["m"]);
}

#[test]
fn shuffled_with_bom_crlf_blanks_and_other_columns() {
    let tree = Tree::new(&[]);
    let (header, rows) = FULL.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    let text =
        format!("\u{feff}\"note\", {header}\r\n x,{}\r\n\r\n", rows.join("\r\n\"a, b\" , ").replacen(',', ", ", 3));
    let found = read(&tree, &text).unwrap();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert_eq!(lines(&found.dataset), FULL_LINES);
    assert_eq!(tree.hide(&found.notes[0].to_string()), "m.csv: columns that mean nothing here were left aside: note");
}

#[test]
fn rows_from_elsewhere() {
    let tree = Tree::new(&[]);
    let columns: Vec<String> = FULL.lines().next().unwrap().split(',').map(String::from).collect();
    let row = |(i, line): (u64, &str)| {
        Ok(ManifestRow { number: i, fields: line.split(',').map(|field| Some(field.to_owned())).collect() })
    };
    let found = manifest_rows(&options(&tree), &columns, (0..).zip(FULL.lines().skip(1)).map(row)).unwrap();
    assert_eq!(tree.shown(&found.problems), Vec::<String>::new());
    assert_eq!(lines(&found.dataset), FULL_LINES);
    let short = [Ok(ManifestRow { number: 7, fields: vec![None] })];
    let found = manifest_rows(&options(&tree), &columns, short).unwrap();
    assert!(found.problems[0].message.starts_with("row 7: 1 fields, but there are 8 columns"));
}

#[test]
fn another_root_and_an_entry_that_is_a_file() {
    let tree = Tree::new(&["root/a.npy#1", "root/b.npy"]);
    tree.file(
        "m.csv",
        &format!("image_id,category,map,class\n1,c,a.npy#1,good\n2,c,{},good\n", tree.path("root/b.npy").display()),
    );
    let found = read_manifest(&ManifestOptions { root: Some(tree.path("root")), ..options(&tree) }).unwrap();
    let items = &found.dataset.categories[0].items;
    assert_eq!(items[0].map(0).unwrap().file, tree.path("root/a.npy#1"));
    assert_eq!(items[1].map_path(0).as_deref(), Some("b.npy"));
    let missing = read_manifest(&ManifestOptions { root: Some(tree.path("none")), ..options(&tree) });
    assert_eq!(
        tree.hide(&missing.unwrap_err().to_string()),
        "none: no such file or folder; --root expects the folder that a manifest's paths start from"
    );
}

#[test]
fn several_detectors() {
    let tree = Tree::new(&[]);
    let text = "image_id,category,map:a,map:b,class\n1,c,a/1.npy,b/1.npy,good\n2,c,a/2.npy,,good\n";
    let found = read(&tree, text).unwrap();
    assert_eq!(found.dataset.models, ["a", "b"]);
    assert_eq!(lines(&found.dataset), ["1 normal - - a/1.npy b/1.npy", "2 normal - - a/2.npy -"]);
    let problem = &found.problems[1];
    assert_eq!(tree.hide(&problem.to_string()), "m.csv: line 3: image 2: no anomaly map; expected its file");
    assert_eq!(problem.model.as_deref(), Some("b"));
}

#[test]
fn rows_that_can_not_be_used() {
    let tree = Tree::new(&[]);
    let text = "image_id,category,map,mask,class\n\
        1,c,1.npy,,normal\n\
        2,c,2.npy,2.png,\n\
        3,c,3.npy,,anomalous\n\
        4,c,4.npy,,\n\
        5,c,5.npy,,strange\n\
        6,c,6.npy\n\
        ,c,7.npy,,good\n\
        8,,8.npy,,good\n\
        9,c,1.npy,,good\n\
        10,c,10.npy,,good\n\
        10,c,11.npy,,good\n\
        12,c,asmaps.pt#x,,good\n\
        13,c,\"13\n.npy\",,good\n";
    let found = read(&tree, text).unwrap();
    assert_eq!(
        tree.shown(&found.problems),
        [
            "m.csv: line 7: 3 fields, but there are 5 columns; put fields that hold commas in quotes, and close every quote",
            "m.csv: line 9: no category; expected the name of the category that is evaluated together",
            "m.csv: line 14: the field `13\\n.npy` holds a line break or another control character; close every quote",
            "m.csv: line 8: no image_id; expected a name of its own for each image",
            "m.csv: line 11: image_id 10 occurs again in line 12; expected each image once in its category: give every \
             image a name of its own, or remove the repeated rows",
            "m.csv: line 4: the image is anomalous but has no mask; add its mask, or correct its class",
            "m.csv: line 5: the image has neither a mask nor a class; give one of them, or say with --missing-mask normal \
             that such images are normal",
            "m.csv: line 6: class `strange`; expected normal (or good, 0, false) or anomalous (or bad, 1, true), or nothing",
            "m.csv: line 2: image 1 has the same anomaly map as image 9 in line 10: 1.npy; expected a map of its own for each",
            "m.csv: line 13: image 12: asmaps.pt#x: There is no such anomaly map: the file holds maps that are numbered \
             from 0. Name one that it holds.",
        ]
    );
    assert_eq!(lines(&found.dataset), ["1 normal - - 1.npy", "2 ? 2.png - 2.npy", "9 normal - - 1.npy"]);
    let lenient = ManifestOptions { missing_mask: MissingMask::Normal, ..options(&tree) };
    assert!(lines(&read_manifest(&lenient).unwrap().dataset).contains(&"4 normal - - 4.npy".to_owned()));
}

#[test]
fn columns() {
    let tree = Tree::new(&[]);
    let error = |text: &str| tree.hide(&read(&tree, text).unwrap_err().to_string());
    let wanted = "expected image_id, category, map and, if wanted, mask, image, class, defect, group; there are:";
    assert_eq!(error("image,categry,map\n"), format!("m.csv: no column `image_id`; {wanted} image, categry, map"));
    assert_eq!(
        error("image_id,categry,map\n"),
        format!("m.csv: no column `category` (`categry` is near); {wanted} image_id, categry, map")
    );
    assert_eq!(
        error("image_id;category;map\n"),
        format!("m.csv: no column `image_id`; fields must be separated by commas; {wanted} image_id;category;map")
    );
    assert_eq!(error("map,image_id,map\n"), "m.csv: two columns are called `map`; expected each name once");
    assert_eq!(
        error("image_id,category,map,map:a\n"),
        "m.csv: both a column `map` and columns `map:NAME`; expected the one for a single detector or the others for several"
    );
    assert_eq!(
        error("image_id,category,map:\n"),
        "m.csv: a column `map:` without a name; expected the detector's name after the colon"
    );
    assert_eq!(error(""), "m.csv: the file is empty; expected a CSV file with the columns image_id, category, map");
    assert_eq!(
        error("image_id,category,map\n"),
        "m.csv: there are no rows below the names of the columns; expected one for each image"
    );
}

#[test]
fn categories_by_name() {
    let tree = Tree::new(&[]);
    tree.file("m.csv", FULL);
    let wanted = |name: &str| read_manifest(&ManifestOptions { categories: vec![name.into()], ..options(&tree) });
    assert_eq!(wanted("d").unwrap().dataset.categories.len(), 1);
    assert_eq!(
        tree.hide(&wanted("e").unwrap_err().to_string()),
        "no category `e` in m.csv (did you mean `c`?); there are: c, d"
    );
}

#[test]
fn hostile_files() {
    let tree = Tree::new(&[]);
    let rows = "1,c,\"1.npy,,\n".to_owned() + &"2,c,2.npy\n".repeat(200_000);
    let error = read(&tree, &format!("image_id,category,map\n{rows}")).unwrap_err();
    assert_eq!(tree.hide(&error.to_string()), "m.csv: line 2: the row is over 1048576 bytes long; close every quote");
    let error = read(&tree, &"x".repeat(3 << 20)).unwrap_err();
    assert_eq!(tree.hide(&error.to_string()), "m.csv: line 1: the row is over 1048576 bytes long; close every quote");
    std::fs::write(tree.path("m.csv"), b"image_id,category,map\n1,c,caf\xe9.npy\n2,c,2.npy\n").unwrap();
    let found = read_manifest(&options(&tree)).unwrap();
    assert_eq!(
        tree.hide(&found.problems[0].to_string()),
        "m.csv: line 2: the field `caf\u{fffd}.npy` is not valid UTF-8; save the manifest as UTF-8"
    );
    std::fs::write(tree.path("m.csv"), b"\xff\xfei\0m\0").unwrap();
    assert_eq!(
        tree.hide(&read_manifest(&options(&tree)).unwrap_err().to_string()),
        "m.csv: line 1: the field `\u{fffd}\u{fffd}i\\0m\\0` is not valid UTF-8; save the manifest as UTF-8"
    );
    let missing = ManifestOptions { path: tree.path("none.csv"), ..options(&tree) };
    assert_eq!(
        tree.hide(&read_manifest(&missing).unwrap_err().to_string()),
        "none.csv: no such file or folder; --manifest expects a CSV file with the columns image_id, category, map"
    );
}

#[test]
fn a_category_without_a_row_that_can_be_used_is_there_with_its_problems() {
    let tree = Tree::new(&[]);
    let text = "image_id,category,map,mask,class\n1,c,1.npy,,0\n2,c,2.npy,2.png,1\n,d,3.npy,,0\n,d,4.npy,4.png,1\n";
    let found = read(&tree, text).unwrap();
    let names: Vec<&str> = found.dataset.categories.iter().map(|category| category.name.as_str()).collect();
    assert_eq!(names, ["c", "d"]);
    let shown = tree.shown(&found.problems);
    let of_d = |what: &str| shown.iter().filter(|problem| problem.contains(what)).count();
    assert_eq!((of_d("no image_id"), of_d("category d has no"), shown.len()), (2, 2, 4), "{shown:?}");
    assert!(found.problems.iter().all(|problem| problem.category.as_deref() == Some("d")));
    // A category that nobody asked for has none.
    let wanted = ManifestOptions { categories: vec!["c".into()], ..options(&tree) };
    assert_eq!(read_manifest(&wanted).unwrap().problems, []);
}
