//! The library against brute force.
//!
//! Categories of every awkward kind go through counters, tails and axes as they do in a run, and everything that comes
//! out is compared with what the definitions say, written down a second time without a call to the library: [`brute`]
//! for the exact procedure, on fractions, and [`brute_grid`] for the published one.

#![allow(clippy::unwrap_used, reason = "a test that meets no value has failed")]

mod brute;
mod brute_grid;
mod case;
mod drive;
mod exact;
mod fixture;
mod fraction;
mod grid;
mod input;
mod merging;
mod parity;
