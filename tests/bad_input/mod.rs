//! Bad input: each sort has its message and its exit code.

mod damaged;
mod hostile;
mod output;
mod pairing;
mod procedure;
mod scores;
