//! The history as the API shows it: events that the crawler saw, and tasks that have ended.

use chrono::{DateTime, Utc};
use ecoman_model::{EventKind, Initiator, PowerAction, TaskId, TaskState};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::TaskVm;

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "id": "019aad5e-7a00-7000-8000-000000000001",
    "at": "2026-11-23T08:15:30Z",
    "kind": "memory",
    "text": "Memory 32.0 GB → 64.0 GB",
    "node": "hoge",
    "vm": { "vmid": 14, "name": "metrics-b" },
    "before": "32768",
    "after": "65536",
    "times": 1,
    "initiator": "outside",
    "user": null,
    "task": null
})))]
pub struct HistoryItem {
    /// Its id; later ones are greater.
    pub id: Uuid,
    /// When the crawler saw it, which is up to a round after it happened; of a task when it ended.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EventKind,
    /// The same in words.
    #[cfg_attr(feature = "openapi", schema(example = "Memory 32.0 GB → 64.0 GB"))]
    pub text: String,
    /// The node.
    #[cfg_attr(feature = "openapi", schema(example = "hoge"))]
    pub node: String,
    /// The VM, with its name at that time; `null` where it is about the node itself, or about a VM that
    /// was never registered.
    pub vm: Option<TaskVm>,
    /// The value before, where a value changed: a power state, a number of CPUs, memory in MB, an
    /// address, notes, a name.
    #[cfg_attr(feature = "openapi", schema(example = "32768"))]
    pub before: Option<String>,
    /// The value after; of a node that does not answer the reason.
    #[cfg_attr(feature = "openapi", schema(example = "65536"))]
    pub after: Option<String>,
    /// How many changes it stands for: an address that changes again within an hour is one line.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, maximum = 4_294_967_295_u32, example = 1))]
    pub times: u32,
    /// Whose doing it was.
    pub initiator: Initiator,
    /// The user who requested the task; `null` where nobody signs in, and where it was no task.
    #[cfg_attr(feature = "openapi", schema(example = "alice"))]
    pub user: Option<String>,
    /// The task that ended.
    pub task: Option<HistoryTask>,
}

/// A task that has ended, as far as the history shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryTask {
    /// Its id.
    pub id: TaskId,
    /// What was asked, as `kind` of the task's request says: `power`, `create`.
    #[cfg_attr(feature = "openapi", schema(example = "power"))]
    pub act: String,
    /// Which change of power, where it was one.
    pub action: Option<PowerAction>,
    /// How it ended.
    pub state: TaskState,
    /// How long it was carried out, in milliseconds; `null` where it never began.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 4200))]
    pub millis: Option<u64>,
    /// Why it did not succeed.
    pub error: Option<String>,
}

/// A page of the history, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryPage {
    /// The lines of this page; may be fewer than `limit`, even none, where there is a next page: a page
    /// is searched for 200 ms at most.
    pub items: Vec<HistoryItem>,
    /// Token of the next page for `page_token`; `null` on the last one.
    pub next_page: Option<String>,
}
