//! Tasks, and requests to the crawler to read something now.

use async_trait::async_trait;
use ecoman_model::{NodeName, RefreshRequest, Task, TaskError, TaskId, TaskState, Timestamp};
use uuid::Uuid;

use crate::StoreError;

/// Keeps tasks and refresh requests.
///
/// Each task is written by one dashboard at a time. Dashboards leave refresh requests, the crawler
/// removes them. For the rest see [`Store`](crate::Store).
#[async_trait]
pub trait TaskStore: Send + Sync + std::fmt::Debug {
    /// Records a task that is new. If one with the same id, or with the same idempotency key of
    /// the same actor, is there already, that one is returned and nothing is written. Of two such
    /// calls at the same time, one writes and the other gets its task.
    async fn add_task(&self, task: &Task) -> Result<Added, StoreError>;

    /// Records how far a task is; its idempotency key may be given up, so that it can be used
    /// again, but not be exchanged. A task that has ended stays as it is. Returns whether the
    /// task is now recorded as given: not if it is not known, or has ended in another way.
    async fn update_task(&self, task: &Task) -> Result<bool, StoreError>;

    /// Replaces the reason why a task did not succeed, as more is known of what it has left. Only
    /// of a task that has ended with an error. Returns whether it is recorded as given.
    async fn amend_task(&self, id: TaskId, error: &TaskError) -> Result<bool, StoreError>;

    /// A task; `None` if it was never recorded, or forgotten.
    async fn task(&self, id: TaskId) -> Result<Option<Task>, StoreError>;

    /// The tasks that are asked for, newest first.
    async fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, StoreError>;

    /// How many tasks are asked for on all pages together: whatever `before` and `limit` say.
    async fn count_tasks(&self, query: &TaskQuery) -> Result<u64, StoreError> {
        let all = TaskQuery {
            before: None,
            limit: 0,
            ..query.clone()
        };
        Ok(self.tasks(&all).await?.len() as u64)
    }

    /// The position of the latest change of any task; grows with each. A store that never had a
    /// task is at 0. What is read after this call has all changes up to the position.
    async fn task_position(&self) -> Result<u64, StoreError>;

    /// Waits until tasks have changed after `position`, and returns them as they are now, in the
    /// order of their changes, with the new position: at once where there are such already, else
    /// as soon as the database says so, which takes half a second at most. A task that changed
    /// several times comes once. Tasks that were forgotten do not come.
    async fn tasks_changed(&self, position: u64) -> Result<(u64, Vec<Task>), StoreError>;

    /// Forgets tasks that have ended and were requested before a time, but none of the `keep` newest
    /// that have ended. Returns how many.
    async fn forget_tasks(&self, before: Timestamp, keep: u64) -> Result<u64, StoreError>;

    /// Asks the crawler to read a VM or a node now.
    async fn request_refresh(&self, request: &RefreshRequest) -> Result<(), StoreError>;

    /// All refresh requests, oldest first.
    async fn refresh_requests(&self) -> Result<Vec<RefreshRequest>, StoreError>;

    /// Waits until there are refresh requests other than `known`, and returns all, oldest first:
    /// at once where there are such already, else within half a second.
    async fn refresh_requests_changed(
        &self,
        known: &[Uuid],
    ) -> Result<Vec<RefreshRequest>, StoreError>;

    /// Removes refresh requests that are done; those that are gone already do no harm.
    async fn remove_refresh_requests(&self, ids: &[Uuid]) -> Result<(), StoreError>;
}

/// The result of [`TaskStore::add_task`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was new, and is recorded.
    New,
    /// The same had been asked before: this is the task.
    Known(Box<Task>),
}

/// Which tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskQuery {
    /// Of these states; empty: of all.
    pub states: Vec<TaskState>,
    /// On these nodes; empty: on all.
    pub nodes: Vec<NodeName>,
    /// Older than this one, which need not be there.
    pub before: Option<TaskId>,
    /// So many at most; 0: all.
    pub limit: usize,
}

impl TaskQuery {
    /// Whether a task is asked for, were there no limit.
    pub(crate) fn wants(&self, task: &Task) -> bool {
        (self.states.is_empty() || self.states.contains(&task.progress.state))
            && (self.nodes.is_empty() || self.nodes.contains(&task.node))
            && self.before.is_none_or(|before| task.id < before)
    }
}

/// Whether a crawler that knows these refresh requests must wake up.
pub(crate) fn has_news<'a>(requests: impl IntoIterator<Item = &'a Uuid>, known: &[Uuid]) -> bool {
    requests.into_iter().any(|id| !known.contains(id))
}

/// Sorts refresh requests as the store returns them.
pub(crate) fn oldest_first(requests: &mut [RefreshRequest]) {
    requests.sort_by_key(|request| (request.requested_at, request.id));
}
