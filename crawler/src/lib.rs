//! Asks every node for its VMs and records what it saw: the only writer of VM state.
//!
//! [`collect()`] asks one node and knows nothing of the store; [`schedule`] decides when a node is
//! asked next and knows nothing of either; [`Crawler`] joins them, one task per node, so that a
//! slow, dead or lying node costs the others nothing.

mod collect;
mod crawler;
mod node;
pub mod schedule;
mod shared;

pub use collect::{Collection, collect};
pub use crawler::{Crawler, CrawlerError, OnceReport};
pub use shared::CrawlerOptions;
