//! Stacked files give what single files give.

use std::ffi::OsString;

use pimo_synth::{MapFormat, Plan};

use crate::support::{Toy, plan, scores, succeeded};

#[test]
fn as_single_files_do() {
    let single = Toy::new();
    succeeded(single.eval(&[]));
    let expected = scores(&single.path("out"));
    assert!(expected.values().flatten().any(|&score| score > 0.0 && score < 1.0), "{expected:?}");
    for (map_format, file) in [
        (MapFormat::Torch, "asmaps.pt"),
        (MapFormat::Npz, "maps.npz"),
        (MapFormat::NpzDeflate, "maps.npz"),
        (MapFormat::Stack, "maps.npy"),
    ] {
        let toy = Toy::of(&Plan { map_format, ..plan() });
        let maps = toy.path("data/maps/d/toy").join(file);
        let mut inputs: Vec<OsString> = vec!["--maps".into(), format!("d={}", maps.display()).into()];
        inputs.extend(toy.inputs().into_iter().skip(2));
        if map_format == MapFormat::Stack {
            inputs.extend(["--paths".into(), toy.path("data/maps/d/toy/paths.txt").into()]);
        }
        for io in ["mmap", "pread"] {
            let out = format!("out-{io}");
            succeeded(toy.eval_to(&out, inputs.clone(), &["--io", io]));
            assert_eq!(scores(&toy.path(&out)), expected, "{map_format} {io}");
        }
        // The manifest names entries of the same file.
        let manifest = vec!["--manifest".into(), toy.path("data/manifest.csv").into(), "--model".into(), "d".into()];
        succeeded(toy.eval_to("manifest", manifest, &["--fpr-bounds", "1e-3,1e-1"]));
        assert_eq!(scores(&toy.path("manifest")), expected, "{map_format}");
    }
}
