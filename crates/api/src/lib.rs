//! What ECoMan says over HTTP: requests, views and problems, and the languages of `q` and `sort`.
//!
//! Data and pure functions over it, for the server, the page and every other client in Rust.
//! Knows neither the store nor ESXi, and builds for WASM. With the feature `openapi` every type
//! describes itself for the OpenAPI document.

mod access;
mod config;
mod event;
pub mod executor;
mod field;
mod filter;
mod hardware;
mod history;
mod machine;
mod node;
mod pending;
mod problem;
mod problem_kind;
mod snapshot;
mod sort;
mod strict_enum;
mod strict_integer;
mod task;
pub mod text;
mod vm;

pub use ecoman_model::{
    Act, Answer, AuditOutcome, Authentication, COMMENT_BYTES, CdromChange, CdromDrive, Choice,
    CleanUp, Collecting, CommandRun, DEFAULT_GUEST_OS, DISK_GB, Datastore, Destroy, DeviceKey,
    DiskGrow, Edit, EventKind, FailureKind, FieldFault, FixedDisk, FixedDiskKind, GUEST_SECONDS,
    GUEST_SECONDS_RANGE, Initiator, IsoImage, Limits, NAME_CHARACTERS, NetworkAdapter, NewVm,
    NicMove, NodeFailure, Obstacle, ObstacleKind, Permission, PowerAction, PowerChange, PowerState,
    Question, Refusal, Resource, Role, RoundCost, SNAPSHOT_DESCRIPTION_BYTES,
    SNAPSHOT_NAME_CHARACTERS, Setting, Situation, Snapshot, SnapshotCreate, SnapshotRemove,
    SnapshotRemoveAll, SnapshotRevert, SnapshotTree, Stays, StepState, TaskId, TaskRequest,
    TaskState, TaskStep, Thresholds, Unregister, VirtualDisk, VmFile, VmFiles, VmHardware, VmPlace,
    VmSettings, Vmid, Way, least_snapshot_bytes, volume_of,
};

pub use access::{
    AuditEntry, AuditPage, ChangePassword, CreateToken, CreateUser, CreatedToken, SeenTasks,
    SignIn, Token, TokenList, UpdateUser, User, UserList,
};
pub use config::{Config, GuestOs, Identity, Notice, NoticeKind, Preset, SignInMode};
pub use event::{ConfigChanged, Event, NodeRemoved, Ping, Reset, VmRemoved};
pub use field::{Field, FilterField, Unit, Value};
pub use filter::{
    Filter, FilterError, FilterFault, Moment, Searchable, TermPlace, Word, filter_fields,
    filter_table,
};
pub use hardware::{ChangeCdrom, GrowDisk, MoveNic};
pub use history::{HistoryItem, HistoryPage, HistoryTask};
pub use machine::{
    Count, CreateMachine, Machine, MachineCreated, MachinePower, MachinePowerSet, MachineResult,
    Machines, SetMachinePower,
};
pub use node::{Allocated, Cpu, Memory, Node, NodePage, PortGroup, VmCounts};
pub use pending::Pending;
pub use problem::{ApiError, FieldError, Problem};
pub use problem_kind::ProblemKind;
pub use snapshot::{CreateSnapshot, RevertToSnapshot};
pub use sort::{SORTED_CHARACTERS, Sort, SortBy, SortError, SortKey, natural};
pub use task::{
    AnswerQuestion, CreateVm, SeenSettings, SetPower, Task, TaskPage, TaskVm, UpdateVm, task_path,
};
pub use vm::{VM_FIELDS, Vm, VmField, VmPage, field as vm_field};
