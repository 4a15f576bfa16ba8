//! Why there is no task.

use ecoman_api::text::spoken;
use ecoman_api::{ApiError, FieldError, ProblemKind, Refusal, task_path};
use ecoman_model::{NodeName, Obstacle, PowerState, TaskId};
use ecoman_store::StoreError;

use super::executor::ExecutorError;
use super::run::sentence;
use crate::error_chain::chain;
use crate::http;
use crate::inventory::error::StoreUnavailable;

/// Errors of tasks and of the requests for them.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}", (spoken().problems.task_not_found)(.0))]
    TaskNotFound(String),
    #[error("{}", (spoken().problems.idempotency_key_reused)(&task_path(*.0)))]
    KeyReused(TaskId),
    #[error("{}", (spoken().problems.refused)(vm, node, &(spoken().refusals.sentence)(refusal)))]
    Refused {
        node: String,
        vm: String,
        refusal: Refusal,
    },
    /// `by`: who changed it and when, in a sentence.
    #[error("{} {by}", (spoken().problems.refused)(vm, node, &(spoken().refusals.sentence)(&Refusal::Changed { expected: *expected, now: *now })))]
    PowerChanged {
        node: String,
        vm: String,
        expected: PowerState,
        now: PowerState,
        by: String,
    },
    #[error("{}", (spoken().problems.refused)(vm, node, &(spoken().tasks.obstacle)(obstacle)))]
    Undeletable {
        node: String,
        vm: String,
        obstacle: Obstacle,
    },
    #[error("{}", (spoken().problems.read_only)(.0))]
    ReadOnly(String),
    #[error("{}", (spoken().problems.name_taken)(node, name, *vmid))]
    NameTaken {
        node: String,
        name: String,
        vmid: u32,
    },
    /// The node that a body names.
    #[error("{}", (spoken().problems.node_not_found)(.0))]
    NodeNotFound(String),
    #[error("{}", (spoken().problems.no_pending)(node, vm))]
    NoPending { node: String, vm: String },
    #[error("{}", (spoken().problems.not_cancellable)(why, &task_path(*task)))]
    NotCancellable { task: TaskId, why: String },
    /// Whether the executor cancels the task is unknown.
    #[error("{}", (spoken().problems.cancel_failed)(why, &task_path(*task)))]
    CancelFailed { task: TaskId, why: String },
    #[error("{}", (spoken().problems.executor_unavailable)(why, node, &task_path(*task)))]
    ExecutorUnavailable {
        task: TaskId,
        node: String,
        why: String,
    },
    /// What is read from a node at once could not be; `why` as a sentence.
    #[error("{node}: {why}")]
    NotRead {
        node: String,
        kind: ProblemKind,
        why: String,
    },
    #[error(transparent)]
    Store(#[from] StoreUnavailable),
    /// A field of the body, or a failure inside.
    #[error(transparent)]
    Http(#[from] http::Error),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(StoreUnavailable::at_request(&error))
    }
}

impl Error {
    /// The executor has not read from a node what was asked for.
    pub(super) fn of_reading(node: &NodeName, error: ExecutorError) -> Self {
        let (kind, why) = match error {
            ExecutorError::Problem { kind, detail } => (kind, detail),
            error => (ProblemKind::ExecutorUnavailable, sentence(&chain(&error))),
        };
        Self::NotRead {
            node: node.to_string(),
            kind,
            why,
        }
    }
}

impl ApiError for Error {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::TaskNotFound(_) => ProblemKind::TaskNotFound,
            Self::KeyReused(_) => ProblemKind::IdempotencyKeyReused,
            Self::Refused {
                refusal: Refusal::SettingChanged { .. },
                ..
            } => ProblemKind::VmChanged,
            Self::Refused { .. } | Self::Undeletable { .. } => ProblemKind::Refused,
            Self::PowerChanged { .. } => ProblemKind::PowerChanged,
            Self::NoPending { .. } => ProblemKind::PendingNotFound,
            Self::NotCancellable { .. } => ProblemKind::NotCancellable,
            Self::CancelFailed { .. } => ProblemKind::ExecutorUnavailable,
            Self::ReadOnly(_) => ProblemKind::ReadOnly,
            Self::NameTaken { .. } => ProblemKind::NameTaken,
            Self::NodeNotFound(_) => ProblemKind::NodeNotFound,
            Self::ExecutorUnavailable { .. } => ProblemKind::ExecutorUnavailable,
            Self::NotRead { kind, .. } => *kind,
            Self::Store(error) => error.kind(),
            Self::Http(error) => error.kind(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::NameTaken { .. } => vec![FieldError::new("/name", "is taken on this node")],
            Self::NodeNotFound(_) => vec![FieldError::new(
                "/node",
                "must be a node of the crawler's hosts.yml",
            )],
            Self::ReadOnly(_) => {
                vec![FieldError::new(
                    "/node",
                    "must be a node that takes changes",
                )]
            }
            Self::Http(error) => error.fields(),
            _ => Vec::new(),
        }
    }

    fn task(&self) -> Option<TaskId> {
        match self {
            Self::ExecutorUnavailable { task, .. } => Some(*task),
            _ => None,
        }
    }
}
