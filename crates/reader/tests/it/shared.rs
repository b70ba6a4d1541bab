//! The fixtures that come with the definitions: files of torch itself, and what torch makes of them.

use std::path::PathBuf;

use pimo_frame::{Frame, RowScratch, RowVisitor, Sample, SampleType, Scores, Size};
use pimo_reader::torch::TorchFile;
use pimo_reader::{Entry, IoChoice, MapLocation, MaskRule};
use pimo_test_data::shared;

use crate::{reader, sorted, values};

fn bits(scores: &Scores) -> Vec<u64> {
    values(scores).into_iter().map(f64::to_bits).collect()
}

#[test]
fn files_of_torch_hold_the_expected_tensor() {
    let Some(folder) = shared("fixtures/formats") else { return };
    for io in [IoChoice::Read, IoChoice::Mmap] {
        let reader = reader(io);
        for name in ["asmaps.pt", "asmaps_legacy.pt"] {
            let entries = reader.entries(&folder.join(name)).unwrap().unwrap();
            assert_eq!(entries.len(), 3);
            assert_eq!(entries[0].path.as_deref(), Some("MVTec/bottle/test/broken_large/000.png"));
            for index in 0..3 {
                let at = |name: &str| MapLocation { file: folder.join(name), entry: Entry::Index(index) };
                let map = reader.read_map(&at(name)).unwrap();
                let expected = reader.read_map(&at("asmaps_expected.npy")).unwrap();
                assert_eq!((map.size, map.sample_type), (Size::new(4, 5), SampleType::F32));
                assert_eq!(bits(&map.scores), bits(&expected.scores), "{name} {index}");
            }
        }
    }
}

#[test]
fn a_published_curve_file_is_read_row_by_row() {
    let Some(path) = shared("fixtures/formats/curves.pt") else { return };
    let file = TorchFile::open(&path, 1 << 20).unwrap();
    let root = file.root();
    assert_eq!(root.get("shared_fpr_metric").unwrap().as_text(), Some("mean-per-image-fpr"));
    let tensor = |key| root.get(key).unwrap().as_tensor().unwrap();
    assert_eq!((tensor("threshs").shape(), tensor("threshs").sample_type()), (&[4][..], SampleType::F32));
    assert_eq!(
        (tensor("per_image_tprs").shape(), tensor("per_image_tprs").sample_type()),
        (&[2, 4][..], SampleType::F64)
    );
    assert_eq!(root.get("paths").unwrap().as_slice().unwrap().len(), 2);
    let whole = file.read_tensor_range(tensor("per_image_tprs"), 0..2).unwrap();
    let second = file.read_tensor_range(tensor("per_image_tprs"), 1..2).unwrap();
    assert_eq!(whole.len(), 8);
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&second), bits(&whole[4..]));
    let fpr = file.read_tensor_range(tensor("shared_fpr"), 0..4).unwrap();
    assert!(fpr.windows(2).all(|pair| pair[0] >= pair[1]), "{fpr:?}");
    assert!(file.read_tensor_range(tensor("shared_fpr"), 3..5).is_err());
    assert!(file.read_tensor_range(tensor("shared_fpr"), 4..4).unwrap().is_empty());
}

/// Collects the rows at the evaluation size.
struct Collect(Vec<u64>);

impl RowVisitor for Collect {
    fn row<S: Sample>(&mut self, _: usize, row: &[S], _: Option<&[u64]>) {
        self.0.extend(row.iter().map(|score| score.to_f64().to_bits()));
    }
}

fn resampled(native: Size, scores: Scores, evaluated: Size) -> Vec<u64> {
    let mut rows = Collect(Vec::new());
    Frame::new(native, evaluated, scores, None).unwrap().visit_rows(&mut RowScratch::default(), &mut rows);
    rows.0
}

#[test]
fn resampling_what_was_read_gives_the_bits_of_torch() {
    let Some(file) = shared("fixtures/formats/bilinear.npz") else { return };
    let reader = reader(IoChoice::Read);
    let map = |key: &str| reader.read_map(&MapLocation { file: file.clone(), entry: Entry::Key(key.into()) }).unwrap();
    for key in ["up", "down"] {
        let (input, expected) = (map("x"), map(key));
        assert_eq!(resampled(input.size, input.scores, expected.size), bits(&expected.scores), "{key}");
    }
}

#[test]
fn upsampled_maps_have_the_bits_of_torch() {
    let Some(case) = shared("fixtures/parity/f32_upsample") else { return };
    let reader = reader(IoChoice::Mmap);
    let upsampled = case.join("upsampled.npy");
    // Normal images first, as in the expected values.
    let folder = case.join("maps/toy/test");
    let maps: Vec<PathBuf> = ["good", "bad"].iter().flat_map(|class| sorted(&folder.join(class))).collect();
    let count = reader.entries(&upsampled).unwrap().unwrap().len();
    assert_eq!(maps.len(), count);
    for (index, path) in maps.iter().enumerate() {
        let map = reader.read_map(&MapLocation::whole(path)).unwrap();
        let at = MapLocation { file: upsampled.clone(), entry: Entry::Index(index as u64) };
        let expected = reader.read_map(&at).unwrap();
        assert_eq!(expected.size, Size::new(224, 200));
        assert!(resampled(map.size, map.scores, expected.size) == bits(&expected.scores), "{}", path.display());
    }
}

#[test]
fn every_map_and_mask_of_the_parity_cases_is_read() {
    let Some(parity) = shared("fixtures/parity") else { return };
    let reader = reader(IoChoice::Auto);
    let (mut maps, mut masks) = (0, 0);
    let mut folders = vec![parity];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = path.to_str().unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if text.contains("ground_truth") {
                assert!(reader.read_mask(&path, MaskRule::Nonzero).unwrap().anomalous_pixels() > 0);
                masks += 1;
            } else if text.contains("/test/") {
                let map = reader.read_map(&MapLocation::whole(&path)).unwrap();
                let expected = match text {
                    _ if text.contains("f32_tiff") => Some(SampleType::F32),
                    _ if text.contains("i16_tiff") => Some(SampleType::I16),
                    _ if text.contains("parity/f16/") => Some(SampleType::F16),
                    _ => None,
                };
                assert!(expected.is_none_or(|expected| expected == map.sample_type), "{text}");
                maps += 1;
            }
        }
    }
    assert!(maps > 50 && masks > 30, "{maps} maps, {masks} masks");
}

#[test]
fn tiffs_of_a_real_detector_are_read() {
    let Some(folder) = shared("real/effad_bottle_sample/bottle/test") else { return };
    let reader = reader(IoChoice::Read);
    for class in ["broken_large", "contamination", "good"] {
        let map = reader.read_map(&MapLocation::whole(folder.join(class).join("000.tiff"))).unwrap();
        assert!(map.size.pixels() > 1000);
        assert!(values(&map.scores).iter().all(|score| score.is_finite()), "{class}");
    }
}
