//! The executor's own HTTP API, which the dashboard calls.
//!
//! The dashboard asks for the executor's run (`GET /instance`), stores with the task which run gets
//! it, and hands it over (`POST /tasks`): the same task twice is one task, and an order for another
//! run is refused. It follows the task (`GET /tasks/{id}/events`, server-sent events `report`),
//! stores the last report, and then makes the executor forget it (`DELETE /tasks/{id}`). A forgotten
//! task is not done again either: its order is answered with 410.

use ecoman_model::{NodeName, TaskId, TaskProgress, TaskRequest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A run of the executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Instance {
    /// Its id: another one after each start.
    pub instance: Uuid,
    /// Version of ECoMan.
    #[cfg_attr(feature = "openapi", schema(example = "0.1.0"))]
    pub version: String,
}

/// A task to be carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Which task: the same id twice is one task.
    pub id: TaskId,
    /// The run that it is meant for.
    pub instance: Uuid,
    /// The node that is asked, a name of `hosts.yml`.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "hoge"))]
    pub node: NodeName,
    /// What is asked.
    pub request: TaskRequest,
    /// What an earlier run has reported of the task, whose work the node continues by itself: it is
    /// followed, and nothing is sent a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<TaskProgress>,
}

/// Who cancels a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// The name; `null` where nobody signs in.
    #[cfg_attr(feature = "openapi", schema(example = "alice"))]
    pub by: Option<String>,
}

/// How far a task is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// Which task.
    pub id: TaskId,
    /// The run that carries it out.
    pub instance: Uuid,
    /// Grows with every change of `progress`.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 7))]
    pub revision: u64,
    /// How far it is.
    pub progress: TaskProgress,
}
