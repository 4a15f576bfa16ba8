//! What the executor does on simulated nodes, asked over HTTP.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bench;
mod cancelling;
mod cleaning_up;
mod creating;
mod editing;
mod faults;
mod hardware;
mod nasty;
mod power;
mod protocol;
mod removal;
mod snapshots;
mod turns;
