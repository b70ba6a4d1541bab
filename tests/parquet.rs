//! Parquet files that other tools write: in other compressions, with columns of other types.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::support::{Toy, pimo, scores, succeeded};

/// Writes a table as pandas does if it is told nothing else.
fn write(path: &Path, batches: &[RecordBatch], metadata: Option<Vec<KeyValue>>) {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    let properties = properties.set_key_value_metadata(metadata).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batches[0].schema(), Some(properties)).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn a_manifest_in_snappy_whose_classes_are_booleans() {
    let toy = Toy::new();
    let manifest = std::fs::read_to_string(toy.path("data/manifest.csv")).unwrap();
    let mut lines = manifest.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let column = |(at, name): (usize, &&str)| -> (String, ArrayRef) {
        let fields = rows.iter().map(|row| row[at]);
        let array: ArrayRef = match *name {
            "class" => Arc::new(fields.map(|class| Some(class == "anomalous")).collect::<BooleanArray>()),
            _ => Arc::new(fields.map(Some).collect::<StringArray>()),
        };
        ((*name).to_owned(), array)
    };
    let batch = RecordBatch::try_from_iter(names.iter().enumerate().map(column)).unwrap();
    assert!(batch.column_by_name("class").is_some());
    let parquet = toy.path("data/list.parquet");
    write(&parquet, &[batch], None);
    let bounds = ["--fpr-bounds", "1e-3,1e-1", "--model", "d"];
    succeeded(toy.eval_to("parquet", vec!["--manifest".into(), parquet.into()], &bounds));
    succeeded(toy.eval_to("csv", vec!["--manifest".into(), toy.path("data/manifest.csv").into()], &bounds));
    assert_eq!(scores(&toy.path("parquet")), scores(&toy.path("csv")));
}

#[test]
fn tables_of_a_run_that_were_written_again() {
    let toy = Toy::new();
    succeeded(toy.eval(&[]));
    let out = toy.path("out");
    let before = succeeded(pimo(["stats".as_ref(), out.as_os_str()])).stdout;
    for name in ["images", "axis", "categories"] {
        let path = out.join(format!("{name}.parquet"));
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let metadata = reader.metadata().file_metadata().key_value_metadata().cloned();
        let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        write(&path, &batches, metadata);
    }
    assert_eq!(succeeded(pimo(["stats".as_ref(), out.as_os_str()])).stdout, before);
    succeeded(pimo(["compare".as_ref(), out.as_os_str()]));
    succeeded(pimo(["threshold".as_ref(), out.as_os_str(), "--fpr".as_ref(), "1e-2".as_ref()]));
    let published = toy.path("published");
    succeeded(pimo(["convert".as_ref(), out.join("images.parquet").as_os_str(), published.as_os_str()]));
}
