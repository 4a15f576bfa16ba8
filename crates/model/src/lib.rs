//! What a node, a VM, a power state, an observation and a task *are*.
//!
//! The words that crawler, store, backend and executor share. This crate does no I/O, knows
//! neither HTTP nor MongoDB nor how ESXi prints things, and builds for WASM.
//! With the feature `openapi` the words of tasks describe themselves for OpenAPI documents.

mod access;
mod audit;
mod large;
mod new_vm;
mod node;
mod observation;
mod power;
mod task;
mod vm;

pub use access::{Grant, InvalidRole, Permission, Role};
pub use audit::{Actor, AuditEntry, AuditOutcome, Authentication};
pub use large::{LargeReason, Resource, Thresholds, gibibytes};
pub use new_vm::{
    COMMENT_BYTES, DEFAULT_GUEST_OS, FieldFault, Limits, NAME_BYTES, NAME_CHARACTERS, NewVm,
};
pub use node::{
    Datastore, InvalidNodeName, IsoImage, NodeFacts, NodeName, NodeSettings, PortGroup,
    VersionFacts,
};
pub use observation::{FailureKind, NodeFailure, NodeRecord, NodeState, Round, RoundVms, VmRecord};
pub use power::{PowerAction, PowerRefusal, PowerSituation};
pub use task::{
    Choice, CommandRun, Note, Question, StepState, Task, TaskError, TaskErrorKind, TaskId,
    TaskProgress, TaskRequest, TaskState, TaskStep,
};
pub use vm::{InvalidVmid, PowerState, VmFacts, VmKey, Vmid};

/// A point in time, UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
