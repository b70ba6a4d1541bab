//! How much is read.

use crate::support::{Toy, record, succeeded};

/// Bytes of samples of a map of the toy dataset.
const MAP_BYTES: u64 = 64 * 48 * 4;

#[test]
fn every_map_is_read_once() {
    let toy = Toy::new();
    for io in ["mmap", "pread"] {
        let out = format!("exact-{io}");
        succeeded(toy.eval_to(&out, toy.inputs(), &["--io", io]));
        let record = record(&toy.path(&out));
        assert_eq!(record.map_reads, 7, "{io}");
        assert_eq!(record.bytes_read, 7 * MAP_BYTES, "{io}");
    }
}

#[test]
fn the_published_procedure_reads_normal_maps_twice() {
    let toy = Toy::new();
    succeeded(toy.eval(&["--thresholds", "linspace:5000"]));
    let record = record(&toy.path("out"));
    assert_eq!(record.map_reads, 2 * 4 + 3);
    assert_eq!(record.bytes_read, (2 * 4 + 3) * MAP_BYTES);
}

#[test]
fn the_record_counts_what_went_in() {
    let toy = Toy::new();
    succeeded(toy.eval(&[]));
    let inputs = record(&toy.path("out")).inputs;
    assert_eq!((inputs.categories, inputs.images, inputs.normal, inputs.anomalous), (1, 7, 4, 3));
    assert_eq!((inputs.maps, inputs.masks, inputs.pixels), (7, 3, 7 * 64 * 48));
}
