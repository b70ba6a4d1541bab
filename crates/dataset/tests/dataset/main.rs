//! Datasets on disk: every layout, every problem, manifests, and the published files where they are at hand.

#![allow(clippy::unwrap_used)]

mod layouts;
mod manifests;
mod memory;
mod problems;
mod published;
mod stacked;
mod tree;
