//! What is known of nodes and VMs. Reads the store, and writes nothing.

pub(crate) mod columns;
pub(crate) mod error;
pub(crate) mod list;
pub(crate) mod snapshot;
pub(crate) mod staleness;
pub(crate) mod view;
pub(crate) mod watcher;
