//! Parquet and JSON of pimo runs.
