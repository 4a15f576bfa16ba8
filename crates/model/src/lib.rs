//! What a node, a VM, a power state and an observation *are*.
//!
//! The words that crawler, store, backend and executor share. This crate does no I/O, knows
//! neither HTTP nor MongoDB nor how ESXi prints things, and builds for WASM.

mod large;
mod node;
mod observation;
mod vm;

pub use large::{LargeReason, Resource, Thresholds, gibibytes};
pub use node::{
    Datastore, InvalidNodeName, NodeFacts, NodeName, NodeSettings, PortGroup, VersionFacts,
};
pub use observation::{FailureKind, NodeFailure, NodeRecord, NodeState, Round, RoundVms, VmRecord};
pub use vm::{InvalidVmid, PowerState, VmFacts, VmKey, Vmid};

/// A point in time, UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
