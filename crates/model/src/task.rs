//! The task: one change asked of a node, from the asking to the end.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{NodeName, Removal, Step, TaskId, TaskRequest, Vmid};

/// One change asked of a node: the record that the store keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Which task.
    pub id: TaskId,
    /// The node that is asked.
    pub node: NodeName,
    /// What is asked.
    pub request: TaskRequest,
    /// The VM's name when it was asked.
    pub vm_name: Option<String>,
    /// Who asked; `None` where nobody signs in.
    pub actor: Option<String>,
    /// The caller's own name for the request (`Idempotency-Key`): the same key of the same actor
    /// is the same task.
    pub idempotency_key: Option<String>,
    /// The id of the request that asked, as in the server's log.
    pub request_id: String,
    /// When it was asked.
    pub created_at: DateTime<Utc>,
    /// The run of the executor that it was handed to, written down before it is handed over. An
    /// executor of another run that does not know the task has not run it, or has died over it.
    pub executor: Option<Uuid>,
    /// That it was cancelled before the executor had it, so that it must not be handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Cancelled>,
    /// How far it is.
    pub progress: TaskProgress,
}

/// That somebody has cancelled a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Who; `None` where nobody signs in.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Task {
    /// The VM that it is about; none before a new one has been registered.
    #[must_use]
    pub fn vmid(&self) -> Option<Vmid> {
        self.progress.vmid.or(self.request.act().vmid())
    }
}

/// How far a task is: what the executor reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskProgress {
    /// Whether it waits, runs or how it ended.
    pub state: TaskState,
    /// Its steps, in order; those of undoing come last.
    pub steps: Vec<TaskStep>,
    /// From 0 to 100; `None` where it is not known.
    pub percent: Option<u8>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The remote commands, in order.
    pub commands: Vec<CommandRun>,
    /// The directory that a creation has asked for. Before that it only looks at the node.
    #[serde(default)]
    pub directory: Option<String>,
    /// Where a creation makes its VM. Before it has checked that, nobody knows what hosts.yml
    /// stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<VmPlace>,
    /// The VM that a creation has registered.
    pub vmid: Option<Vmid>,
    /// What the node said right before a command was sent whose work goes on without us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<NodeBefore>,
    /// What the deletion of a VM has found before it changed anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<Removal>,
    /// The question that the VM waits with.
    pub question: Option<Question>,
    /// Why it did not succeed.
    pub error: Option<TaskError>,
}

/// Where a new VM is made: what was requested, and what `hosts.yml` stood for then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmPlace {
    /// The datastore.
    #[cfg_attr(feature = "openapi", schema(example = "datastore1"))]
    pub datastore: String,
    /// The port group.
    #[cfg_attr(feature = "openapi", schema(example = "VM Network"))]
    pub network: String,
    /// The ISO image in the CD drive; `null`: the drive is empty.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/vmfs/volumes/datastore1/os-images/ubuntu2004.iso")
    )]
    pub iso_path: Option<String>,
}

/// What a node said of a VM right before a command whose work goes on without us: what is there
/// later and not here is that command's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeBefore {
    /// The ids of the VM's snapshots.
    pub snapshots: Vec<u32>,
    /// The keys of hostd's tasks of the VM; `None` where the node does not list them.
    pub tasks: Option<Vec<String>>,
}

/// Whether a task waits, runs or how it ended.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Waits for its turn.
    #[default]
    Queued,
    /// Is being carried out.
    Running,
    /// The node is as asked.
    Succeeded,
    /// The node is not as asked; the error says why and what is left.
    Failed,
    /// The process that carried it out died; the error says what is known.
    Interrupted,
    /// Somebody cancelled it; the error says who, and what is left.
    Cancelled,
}

impl TaskState {
    /// Whether it has ended, however.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Interrupted | Self::Cancelled => true,
        }
    }

    /// The word of the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One step of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskStep {
    /// What it does, as an order: `Create the disk (30 GB, thin)`.
    #[cfg_attr(feature = "openapi", schema(example = "Register the VM"))]
    pub title: String,
    /// The same as a code with its parameters, for programs and other languages: `kind` says
    /// which step it is, such as `create_disk` with `gb`. Later versions have more kinds. `null` in tasks of versions that did not
    /// record it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(schema_with = step_code))]
    pub code: Option<Step>,
    /// How far it is.
    pub state: StepState,
    /// More about how it went: what was found, what was undone, what is left.
    pub detail: Option<String>,
}

/// The schema of a step's code: open, since later versions have more kinds.
#[cfg(feature = "openapi")]
fn step_code() -> utoipa::openapi::Schema {
    use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .description(Some(
            "The same as a code with its parameters, for programs and other languages: `kind` says \
             which step it is, such as `create_disk` with `gb`. Later versions have more kinds. `null` in tasks of versions that did \
             not record it.",
        ))
        .into()
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Being done.
    Running,
    /// Done.
    Done,
    /// Not needed.
    Skipped,
    /// Failed.
    Failed,
    /// Done, and undone again.
    Undone,
}

/// A remote command that a task has run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommandRun {
    /// As an administrator would type it.
    #[cfg_attr(feature = "openapi", schema(example = "vim-cmd vmsvc/power.on 14"))]
    pub command: String,
    /// When it was sent (the last time, if several).
    pub at: DateTime<Utc>,
    /// How often in a row it was sent with the same outcome: questions about a state.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, example = 1))]
    pub times: u32,
    /// How long it took (the last time), in milliseconds; `None` while it runs.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 812))]
    pub millis: Option<u64>,
    /// Its exit code; `None` while it runs and where nobody knows.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub exit: Option<i32>,
    /// Whether `exit` was reckoned with: 0, or the 1 with which `test -e` says no.
    #[serde(default)]
    pub expected: bool,
    /// What it printed on standard output, shortened to 4,096 characters.
    pub stdout: String,
    /// What it printed on standard error, shortened likewise.
    pub stderr: String,
    /// Why its outcome is not known.
    pub failure: Option<String>,
}

/// A question that blocks a VM until it is answered (`vim-cmd vmsvc/message`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Question {
    /// What to answer with: a number, or a word such as `_vmx1`.
    #[cfg_attr(feature = "openapi", schema(example = "_vmx1"))]
    pub id: String,
    /// What is asked; may have several lines.
    pub text: String,
    /// What can be answered.
    pub choices: Vec<Choice>,
}

/// An answer to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Choice {
    /// What to answer with.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 2))]
    pub index: u32,
    /// In words.
    #[cfg_attr(feature = "openapi", schema(example = "I Copied It"))]
    pub label: String,
    /// Whether the node marks it as the default.
    pub default: bool,
}

/// Why a task did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskError {
    /// Its kind, for programs.
    pub kind: TaskErrorKind,
    /// What happened, in sentences that name the node and the VM.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// What ECoMan left on the node, and where; one entry a thing. Empty: nothing.
    pub left: Vec<String>,
}

/// Kinds of failure of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskErrorKind {
    /// It cannot be done now, and nothing was changed.
    Refused,
    /// The node was asked and failed at it.
    Node,
    /// The node, or the guest, did not do it in time.
    Timeout,
    /// The node could not be reached, or was lost on the way.
    Unreachable,
    /// The VM waits with a question that nobody has answered.
    Question,
    /// The executor could not be reached; nothing was asked of the node.
    Executor,
    /// The executor died over it.
    Interrupted,
    /// Somebody cancelled it.
    Cancelled,
    /// The VM's power was another one than its requester had seen; nothing was changed.
    PowerChanged,
    /// The VM was another one than its requester had seen, or became one meanwhile; nothing was
    /// changed.
    VmChanged,
}

/// Asks the crawler to read a VM or a node now, not in the next round: the dashboard leaves one
/// after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshRequest {
    /// Identifies it.
    pub id: Uuid,
    /// The node.
    pub node: NodeName,
    /// The VM; `None`: the whole node.
    pub vmid: Option<Vmid>,
    /// When the dashboard asked.
    #[serde(rename = "left_at")]
    pub requested_at: DateTime<Utc>,
    /// Whether everything is read again, the setup of the node and the proof of the way it is read
    /// in too: somebody asked for it, and no task.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
}
