//! The inventory: nodes and VMs as the store has them. Reads the store, writes nothing.

pub(crate) mod columns;
pub(crate) mod error;
pub(crate) mod list;
pub(crate) mod note_patterns;
pub(crate) mod published;
pub(crate) mod refresh;
pub(crate) mod staleness;
pub(crate) mod view;
pub(crate) mod watcher;
pub(crate) mod writability;
