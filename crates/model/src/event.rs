//! What happened to nodes and VMs: what the history shows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{NodeName, PowerAction, TaskId, TaskState, Vmid};

/// Something that happened to a node or a VM: seen by the crawler, or the end of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Which event. Version 7, of `at`: later ones are greater. Left out by a store that has it as
    /// the key.
    #[serde(default, skip_serializing_if = "Uuid::is_nil")]
    pub id: Uuid,
    /// When it was seen, to the millisecond; a change may have happened at any time since the round
    /// before. Left out like the id, which has it.
    #[serde(default, skip_serializing_if = "is_epoch")]
    pub at: DateTime<Utc>,
    /// The node.
    pub node: NodeName,
    /// The VM; `None` for an event of the node itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vmid: Option<Vmid>,
    /// The VM's name at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm_name: Option<String>,
    /// What happened.
    pub kind: EventKind,
    /// The value before, where a value changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The value after; for a node that is away, the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How often it happened within an hour: an address that flaps is one event.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u32,
    /// The task that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<EndedTask>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A VM is listed that was not before.
    VmAppeared,
    /// A VM is gone.
    VmGone,
    /// A VM was switched on or off or suspended, not by a task.
    Power,
    /// A VM has another number of CPUs.
    Cpus,
    /// A VM has another size of memory, in MB.
    Memory,
    /// A VM has another IP address.
    Address,
    /// A VM has other notes.
    Notes,
    /// A VM has another name.
    Name,
    /// A node does not answer any more.
    NodeAway,
    /// A node answers again.
    NodeBack,
    /// A task ended.
    Task,
}

/// Whose doing something was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Initiator {
    /// A user of ECoMan, or its API, requested it.
    User,
    /// ECoMan itself did it.
    Ecoman,
    /// Somebody did it outside ECoMan, or it happened by itself.
    Outside,
    /// It happened to the node.
    Node,
}

/// The end of a task, as far as the history shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedTask {
    /// Which task.
    pub id: TaskId,
    /// The kind of its act: `power`, `create`.
    pub kind: String,
    /// Which change of power, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<PowerAction>,
    /// How it ended.
    pub state: TaskState,
    /// Who requested it; `None` where nobody signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// How long it was carried out, in milliseconds; `None` where it never began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// Why it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Event {
    /// Whose doing it was.
    #[must_use]
    pub fn initiator(&self) -> Initiator {
        match (self.kind, &self.task) {
            // What follows by itself.
            (EventKind::Task, Some(task)) if task.kind == "clean_up" => Initiator::Ecoman,
            (EventKind::Task, _) => Initiator::User,
            (EventKind::NodeAway | EventKind::NodeBack, _) => Initiator::Node,
            _ => Initiator::Outside,
        }
    }
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::VmAppeared,
        Self::VmGone,
        Self::Power,
        Self::Cpus,
        Self::Memory,
        Self::Address,
        Self::Notes,
        Self::Name,
        Self::NodeAway,
        Self::NodeBack,
        Self::Task,
    ];

    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VmAppeared => "vm_appeared",
            Self::VmGone => "vm_gone",
            Self::Power => "power",
            Self::Cpus => "cpus",
            Self::Memory => "memory",
            Self::Address => "address",
            Self::Notes => "notes",
            Self::Name => "name",
            Self::NodeAway => "node_away",
            Self::NodeBack => "node_back",
            Self::Task => "task",
        }
    }
}

impl Initiator {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Ecoman => "ecoman",
            Self::Outside => "outside",
            Self::Node => "node",
        }
    }
}

fn is_epoch(at: &DateTime<Utc>) -> bool {
    *at == DateTime::UNIX_EPOCH
}

const fn once() -> u32 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_once(times: &u32) -> bool {
    *times == 1
}
