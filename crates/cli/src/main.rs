//! The `pimo` command.
fn main() {}
