//! The acts: changes that can be requested of a node, an act a file.
//!
//! An act is a struct that implements [`Act`] and has a variant in [`TaskRequest`].

mod declaration;
mod field_fault;
mod power_action;
mod setting;

mod answer;
mod clean_up;
mod create;
mod edit;
mod hardware;
mod power;
mod removal;
mod snapshot;

mod request;
mod step;

pub use answer::Answer;
pub use clean_up::CleanUp;
pub use create::{
    COMMENT_BYTES, DEFAULT_GUEST_OS, Limits, NAME_BYTES, NAME_CHARACTERS, NewVm, volume_of,
};
pub use declaration::{Act, AfterCrash, LockName, Refusal, Situation};
pub use edit::Edit;
pub use field_fault::FieldFault;
pub use hardware::{CdromChange, DiskGrow, NicMove};
pub use power::{GUEST_SECONDS, GUEST_SECONDS_RANGE, PowerChange};
pub use power_action::PowerAction;
pub use removal::{Destroy, Unregister};
pub use request::TaskRequest;
pub use setting::{Setting, VmSettings};
pub use snapshot::{
    SNAPSHOT_DEPTH, SNAPSHOT_DESCRIPTION_BYTES, SNAPSHOT_NAME_CHARACTERS, SnapshotCreate,
    SnapshotRemove, SnapshotRemoveAll, SnapshotRevert, least_snapshot_bytes,
};
pub use step::Step;
