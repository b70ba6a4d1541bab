//! Manifests in Parquet.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray, NullArray,
    RecordBatch, StringArray, StringViewArray, UInt8Array,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
use parquet::file::properties::WriterProperties;
use pimo_store::{StoreError, StringTable, StringTableLimits};

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    write_with(path, Compression::UNCOMPRESSED, columns);
}

fn write_with(path: &Path, compression: Compression, columns: Vec<(&str, ArrayRef)>) {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .unwrap();
    let file = std::fs::File::create(path).unwrap();
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn manifest(path: &Path) {
    let defects: DictionaryArray<Int32Type> = [Some("good"), None, Some("bad")].into_iter().collect();
    write(
        path,
        vec![
            ("image_id", Arc::new(StringArray::from(vec!["a", "", "ü"]))),
            ("category", Arc::new(StringViewArray::from(vec!["c"; 3]))),
            ("map", Arc::new(LargeStringArray::from(vec!["1.npy", "2.npy", "3.npy"]))),
            ("mask", Arc::new(BinaryArray::from(vec![b"m.png".as_slice(); 3]))),
            ("class", Arc::new(UInt8Array::from(vec![0, 1, 255]))),
            ("defect", Arc::new(defects)),
            ("group", Arc::new(Int64Array::from(vec![Some(-7), None, Some(i64::MAX)]))),
            ("flag", Arc::new(BooleanArray::from(vec![Some(false), None, Some(true)]))),
            ("image", Arc::new(NullArray::new(3))),
            ("score", Arc::new(Float64Array::from(vec![1.5; 3]))),
        ],
    );
}

#[test]
fn text_of_every_encoding_and_integers_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.parquet");
    manifest(&path);
    let optional = ["mask", "class", "defect", "group", "flag", "image", "absent"];
    let limits = StringTableLimits::default();
    let table = StringTable::read(&path, &["image_id", "category", "map"], &optional, limits).unwrap();
    assert_eq!(table.len(), 3);
    assert!(!table.has("absent") && !table.has("score"));
    let column = |name| (0..4).map(|row| table.get(row, name)).collect::<Vec<_>>();
    assert_eq!(column("image_id"), [Some("a"), Some(""), Some("ü"), None]);
    assert_eq!(column("category"), [Some("c"), Some("c"), Some("c"), None]);
    assert_eq!(column("map"), [Some("1.npy"), Some("2.npy"), Some("3.npy"), None]);
    assert_eq!(column("mask"), [Some("m.png"), Some("m.png"), Some("m.png"), None]);
    assert_eq!(column("class"), [Some("0"), Some("1"), Some("255"), None]);
    assert_eq!(column("defect"), [Some("good"), None, Some("bad"), None]);
    assert_eq!(column("group"), [Some("-7"), None, Some("9223372036854775807"), None]);
    assert_eq!(column("flag"), [Some("false"), None, Some("true"), None]);
    assert_eq!(column("image"), [None; 4]);
}

fn words() -> Vec<(&'static str, ArrayRef)> {
    let text =
        |start: &str| Arc::new(StringArray::from_iter_values((0..500).map(|i| format!("{start}/{i}")))) as ArrayRef;
    vec![("image_id", text("toy")), ("map", text("maps/of/the/detector"))]
}

#[test]
fn usual_compressions_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.parquet");
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let gzip = Compression::GZIP(GzipLevel::default());
    let mut sizes = Vec::new();
    for compression in
        [Compression::UNCOMPRESSED, Compression::SNAPPY, gzip, Compression::LZ4, Compression::LZ4_RAW, zstd]
    {
        write_with(&path, compression, words());
        sizes.push(std::fs::metadata(&path).unwrap().len());
        let table = StringTable::read(&path, &["image_id", "map"], &[], StringTableLimits::default());
        let table = table.unwrap_or_else(|error| panic!("{compression}: {error}"));
        assert_eq!(table.len(), 500, "{compression}");
        assert_eq!(table.get(499, "map"), Some("maps/of/the/detector/499"), "{compression}");
    }
    assert!(sizes[1..].iter().all(|size| *size < sizes[0]), "{sizes:?}");
}

/// Says in a file's footer that a column has another compression.
fn claim(path: &Path, column: usize, compression: Compression) {
    let mut reader = ParquetMetaDataReader::new();
    reader.try_parse(&std::fs::File::open(path).unwrap()).unwrap();
    let metadata: ParquetMetaData = reader.finish().unwrap();
    let group = metadata.row_group(0);
    let mut columns = group.columns().to_vec();
    columns[column] = columns[column].clone().into_builder().set_compression(compression).build().unwrap();
    let group = group.clone().into_builder().set_column_metadata(columns).build().unwrap();
    let metadata = metadata.into_builder().set_row_groups(vec![group]).build();
    let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    ParquetMetaDataWriter::new(file, &metadata).finish().unwrap();
}

#[test]
fn a_compression_that_is_not_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.parquet");
    write(&path, words());
    claim(&path, 1, Compression::BROTLI(BrotliLevel::default()));
    let read = |column| StringTable::read(&path, &[column], &[], StringTableLimits::default());
    let message = read("map").unwrap_err().to_string();
    assert!(message.contains("manifest.parquet: column \"map\" is compressed with brotli"), "{message}");
    assert!(message.contains("snappy, gzip, lz4 or zstd") && !message.contains("damaged"), "{message}");
    // Columns that are not asked for do not matter.
    assert_eq!(read("image_id").unwrap().get(3, "image_id"), Some("toy/3"));
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.parquet");
    manifest(&path);
    let read = |required: &[&str], rows, bytes| {
        let limits = StringTableLimits { rows, bytes };
        StringTable::read(&path, required, &[], limits).unwrap_err()
    };
    for (error, expected) in [
        (read(&["nothing"], 9, 999), "\"nothing\" is missing; the file has image_id, category"),
        (read(&["score"], 9, 999), "\"score\" has type Float64, expected text"),
        (read(&["map"], 2, 999), "the number of rows is 3, at most 2"),
        (read(&["map"], 9, 50), "the size of its text in bytes is"),
    ] {
        let message = error.to_string();
        assert!(message.contains("manifest.parquet") && message.contains(expected), "{message}");
        assert!(!error.is_system());
    }
    write(&path, vec![("map", Arc::new(BinaryArray::from(vec![b"a".as_slice(), b"\xff"])))]);
    assert!(read(&["map"], 9, 999).to_string().contains("is not UTF-8 text at row 1"));

    std::fs::write(&path, "image_id,map\n").unwrap();
    assert!(matches!(read(&["map"], 9, 999), StoreError::Parquet { .. }));
    std::fs::remove_file(&path).unwrap();
    assert!(read(&["map"], 9, 999).is_system());
}

#[test]
fn a_damaged_file_is_an_error_or_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.parquet");
    manifest(&path);
    let whole = std::fs::read(&path).unwrap();
    let limits = StringTableLimits::default();
    for position in (0..whole.len()).step_by(7) {
        for change in [1_u8, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[position] ^= change;
            std::fs::write(&path, bytes).unwrap();
            let _ = StringTable::read(&path, &["image_id", "map", "defect", "group"], &[], limits);
        }
        std::fs::write(&path, &whole[..position]).unwrap();
        let truncated = StringTable::read(&path, &["image_id"], &[], limits);
        assert!(truncated.is_err(), "{position}");
    }
}
