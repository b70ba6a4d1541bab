//! Tests of the crate from outside: what lies in folders and files.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod published;
mod runs;
mod shared;
mod string_tables;
