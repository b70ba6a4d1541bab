//! How a table is laid out in its Parquet file: schema, encodings, compression, metadata.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page_store::PageStoreFactory;
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, TypePtr};

use crate::error::{Result, StoreError};
use crate::table::Row;
use crate::{FORMAT_VERSION, VERSION};

/// Good ratio at a speed that does not show beside the reading of maps.
const ZSTD_LEVEL: i32 = 3;

/// Everything that decides the bytes of a table's file besides its rows.
#[derive(Debug)]
pub(crate) struct TableFormat {
    schema: SchemaRef,
    root: TypePtr,
    properties: WriterPropertiesPtr,
}

impl TableFormat {
    /// The format of `R`'s table, with the run's parameters in the file's metadata.
    pub(crate) fn new<R: Row>(parameters: &[(String, String)]) -> Result<Self> {
        let make = || {
            let schema = R::schema();
            let descriptor = ArrowSchemaConverter::new().schema_root("pimo").convert(&schema)?;
            Ok(Self { schema, root: descriptor.root_schema_ptr(), properties: Arc::new(properties::<R>(parameters)?) })
        };
        make().map_err(StoreError::parquet("write", Path::new(R::TABLE)))
    }

    /// A writer of files of this format.
    pub(crate) fn file_writer<W: Write + Send>(&self, sink: W) -> ParquetResult<SerializedFileWriter<W>> {
        SerializedFileWriter::new(sink, Arc::clone(&self.root), Arc::clone(&self.properties))
    }

    /// Encodes one row group. Its pages lie in memory, or in what `pages` makes.
    pub(crate) fn encode(
        &self,
        columns: &[ArrayRef],
        pages: Option<Arc<dyn PageStoreFactory>>,
    ) -> ParquetResult<Vec<ArrowColumnChunk>> {
        // The factory takes schema and properties from a file writer, whichever file it writes.
        let anchor = self.file_writer(std::io::sink())?;
        let mut factory = ArrowRowGroupWriterFactory::new(&anchor, Arc::clone(&self.schema));
        if let Some(pages) = pages {
            factory = factory.with_page_store_factory(pages);
        }
        let writers = factory.create_column_writers(0)?;
        let mut chunks = Vec::with_capacity(writers.len());
        for ((mut writer, field), column) in writers.into_iter().zip(self.schema.fields()).zip(columns) {
            for leaf in compute_leaves(field, column)? {
                writer.write(&leaf)?;
            }
            chunks.push(writer.close()?);
        }
        Ok(chunks)
    }
}

fn properties<R: Row>(parameters: &[(String, String)]) -> ParquetResult<WriterProperties> {
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("pimo version {VERSION}"))
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(R::ROW_GROUP))
        .set_key_value_metadata(Some(metadata::<R>(parameters)))
        .set_sorting_columns(sorting_columns::<R>());
    for (name, data_type, _) in R::fields() {
        let path = ColumnPath::from(name);
        if data_type == DataType::Float64 {
            let repetitive = R::REPETITIVE.contains(&name);
            builder = builder
                .set_column_dictionary_enabled(path.clone(), repetitive)
                .set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT);
        } else {
            builder = builder.set_column_dictionary_enabled(path, true);
        }
    }
    Ok(builder.build())
}

fn metadata<R: Row>(parameters: &[(String, String)]) -> Vec<KeyValue> {
    let own = [
        ("pimo.version".to_owned(), VERSION.to_owned()),
        ("pimo.format_version".to_owned(), FORMAT_VERSION.to_string()),
        ("pimo.table".to_owned(), R::TABLE.to_owned()),
    ];
    let given = parameters.iter().map(|(name, value)| (format!("pimo.parameter.{name}"), value.clone()));
    own.into_iter().chain(given).map(|(key, value)| KeyValue::new(key, value)).collect()
}

fn sorting_columns<R: Row>() -> Option<Vec<SortingColumn>> {
    let fields = R::fields();
    let columns: Vec<SortingColumn> = R::ORDER
        .iter()
        .filter_map(|wanted| fields.iter().position(|(name, _, _)| name == wanted))
        .map(|index| SortingColumn { column_idx: index as i32, descending: false, nulls_first: false })
        .collect();
    (!columns.is_empty()).then_some(columns)
}
