//! Tests of the crate from outside: what lies in folders and files.
#![allow(clippy::unwrap_used)]

mod published;
mod runs;
mod string_tables;
