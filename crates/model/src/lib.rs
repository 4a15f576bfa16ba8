//! Nodes, VMs, power states, acts, tasks and rounds: what they *are*.
//!
//! The words that crawler, store, backend and executor share. This crate does no I/O, knows
//! neither HTTP nor MongoDB nor how ESXi prints things, and builds for WASM.
//! With the feature `openapi` the words of tasks describe themselves for OpenAPI documents.

mod act;
mod audit;
mod collect;
mod event;
mod hardware;
pub mod marks;
mod node;
mod pending;
mod permission;
mod removal;
mod round;
mod snapshot;
mod task;
mod task_id;
mod thresholds;
mod vm;

pub use act::{
    Act, AfterCrash, Answer, COMMENT_BYTES, CdromChange, CleanUp, DEFAULT_GUEST_OS, Destroy,
    DiskGrow, Edit, FieldFault, GUEST_SECONDS, GUEST_SECONDS_RANGE, Limits, LockName, NAME_BYTES,
    NAME_CHARACTERS, NewVm, NicMove, PowerAction, PowerChange, Refusal, SNAPSHOT_DEPTH,
    SNAPSHOT_DESCRIPTION_BYTES, SNAPSHOT_NAME_CHARACTERS, Setting, Situation, SnapshotCreate,
    SnapshotRemove, SnapshotRemoveAll, SnapshotRevert, Step, TaskRequest, Unregister, VmSettings,
    least_snapshot_bytes, volume_of,
};
pub use audit::{Actor, AuditEntry, AuditOutcome, Authentication};
pub use collect::{Collect, Collecting, InvalidCollect, RoundCost, Way};
pub use event::{EndedTask, Event, EventKind, Initiator};
pub use hardware::{
    CdromDrive, DISK_GB, DeviceKey, FixedDisk, FixedDiskKind, InvalidDeviceKey, NetworkAdapter,
    VirtualDisk, VmHardware,
};
pub use node::{
    Datastore, InvalidNodeName, IsoImage, NodeFacts, NodeName, NodeSettings, PortGroup,
    VersionFacts,
};
pub use pending::PendingChange;
pub use permission::{Grant, InvalidRole, Permission, Role};
pub use removal::{KEPT_VMX_BYTES, Obstacle, ObstacleKind, Removal, Stays, VmFile, VmFiles};
pub use round::{
    FailureKind, HOSTS_WARNING, NodeFailure, NodeRecord, NodeState, Round, RoundVms, VmRecord,
    read_at,
};
pub use snapshot::{Snapshot, SnapshotTree};
pub use task::{
    Cancelled, Choice, CommandRun, NodeBefore, Question, RefreshRequest, StepState, Task,
    TaskError, TaskErrorKind, TaskProgress, TaskState, TaskStep, VmPlace,
};
pub use task_id::TaskId;
pub use thresholds::{LargeReason, Resource, Thresholds, gibibytes};
pub use vm::{
    InvalidVmid, LastKnown, LastValue, PowerState, VmFacts, VmKey, Vmid, split_datastore_path,
};

/// A point in time, UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
