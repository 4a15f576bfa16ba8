//! The dashboard as its clients see it: real HTTP, the embedded store.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail as the test does"
)]

mod access;
mod changes;
mod csv;
mod docs;
mod events;
mod executor;
mod hardware;
mod history;
mod list;
mod machine;
mod metrics;
mod nodes;
mod openapi;
mod page;
mod parameters;
mod problems;
mod protection;
mod proxies;
mod removal;
mod server;
mod settings;
mod snapshots;
mod stale;
mod stop;
mod tasks;
mod tls;
mod writing;
