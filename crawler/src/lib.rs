//! Asks every node for its VMs and records what it saw: the only writer of VM state.
//!
//! `collect` reads one node and knows nothing of the store; [`schedule`] decides when the next round
//! on a node begins and knows nothing of either; [`Crawler`] joins them, one task per node, so that
//! a slow, dead or lying node costs the others nothing.

mod asked;
mod collect;
mod crawler;
mod error;
mod following;
mod inspect;
mod iso;
mod node;
mod part;
mod read;
mod read_apart;
mod rotation;
mod sample;
pub mod schedule;
mod shared;
mod store_log;
mod way;

pub use crawler::{Crawler, CrawlerError, OnceReport};
pub use error::CollectError;
pub use inspect::{Inspection, Proof, inspect};
pub use shared::CrawlerOptions;
