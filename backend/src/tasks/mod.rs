//! Tasks: stored, handed over to the executor, followed to their end. One future runs each
//! unfinished task.
//!
//! Nothing is done twice. The store has a task, with the run of the executor that it goes to,
//! *before* the executor gets it. After a lost answer, or in another process, that run is asked: it
//! knows the task, or never got it. Another run knows nothing, so the task is interrupted and
//! never handed over again. The store has an end before the executor forgets the task; so when the
//! executor does not know a task, the store says whether it has ended.

mod adopt;
mod cancel;
mod cause;
mod checks;
mod deletion;
pub(crate) mod error;
pub(crate) mod executor;
mod finish;
pub(crate) mod guest_os;
mod new_task;
pub(crate) mod pending;
mod publish;
mod run;
mod shared;
mod submit;
pub(crate) mod view;

pub(crate) use error::Error;
pub(crate) use new_task::NewTask;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ecoman_model::{
    NodeName, Refusal, SnapshotTree, Task, TaskId, TaskState, Timestamp, VmHardware, Vmid,
};
use ecoman_store::{Store, TaskQuery};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::http;
use crate::inventory::published::{Inventory, NodeEntry, VmEntry};
use crate::inventory::writability::Writability;
use crate::metrics::Metrics;
use crate::tasks::executor::ExecutorClient;
use crate::tasks::new_task::same_task;
use crate::tasks::shared::Shared;

/// All tasks.
#[derive(Clone)]
pub(crate) struct Tasks {
    shared: Arc<Shared>,
}

/// How long a client may wait for the end of a task.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(60);

/// How long the server, when it stops, waits for reported ends to be stored.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// How long `?wait=` on a create task waits until the crawler has seen the VM.
const SEEN_WITHIN: Duration = Duration::from_secs(3);

/// How many of the newest tasks are searched for an `Idempotency-Key` before the checks. The store
/// refuses an older key too, but only after the checks.
const KEY_SEARCH: usize = 500;

impl Tasks {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        writability: Arc<Writability>,
        executor: ExecutorClient,
        clock: Clock,
        metrics: Arc<Metrics>,
        inventory: Arc<Inventory>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                writability,
                executor,
                clock,
                metrics,
                inventory,
                claimed: Mutex::default(),
                futures: TaskTracker::new(),
                cut: CancellationToken::new(),
                shutdown,
            }),
        }
    }

    /// Makes a task, if its act is possible now. A key that was used before returns its task.
    pub(crate) async fn request(
        &self,
        new_task: NewTask,
        node: &NodeEntry,
        vm: Option<&VmEntry>,
    ) -> Result<Task, Error> {
        // Before the checks: what the task has changed would usually fail them.
        if let Some(task) = self.known(&new_task).await? {
            return Ok(task);
        }
        if let Err(error) = checks::check(&new_task, node, vm) {
            // The crawler may not have seen yet what another task has changed. Then the executor
            // decides, because it asks the node itself.
            let depends_on_vm =
                matches!(&error, Error::Refused { refusal, .. } if *refusal != Refusal::ReadOnly);
            let Some(vm) = vm.filter(|_| depends_on_vm) else {
                return Err(error);
            };
            let vmid = Vmid(vm.view.vmid);
            if !self
                .touched_since(&new_task.node, vmid, vm.view.observed_at)
                .await?
            {
                return Err(self.shared.with_cause(error, &new_task.node, vm).await?);
            }
        }
        if new_task.request.removes_vm()
            && let Some(vm) = vm
        {
            self.check_deletion(&new_task, node, vm).await?;
        }
        self.submit(new_task).await
    }

    /// The task that this key made.
    async fn known(&self, new_task: &NewTask) -> Result<Option<Task>, Error> {
        if new_task.idempotency_key.is_none() {
            return Ok(None);
        }
        let newest = TaskQuery {
            limit: KEY_SEARCH,
            ..TaskQuery::default()
        };
        let tasks = self.list(&newest).await?;
        tasks
            .into_iter()
            .find(|task| {
                task.idempotency_key == new_task.idempotency_key
                    && task.actor == new_task.actor.name
            })
            .map(|known| same_task(known, new_task))
            .transpose()
    }

    /// Whether a task is about to change a VM, or has changed it since `seen`.
    async fn touched_since(
        &self,
        node: &NodeName,
        vmid: Vmid,
        seen: Timestamp,
    ) -> Result<bool, Error> {
        let query = TaskQuery {
            nodes: vec![node.clone()],
            limit: 100,
            ..TaskQuery::default()
        };
        let recent = self.list(&query).await?;
        Ok(recent.iter().any(|task| {
            task.vmid() == Some(vmid) && task.progress.finished_at.is_none_or(|end| end > seen)
        }))
    }

    /// The snapshots of a VM, read from its node at once.
    pub(crate) async fn snapshots(
        &self,
        node: &NodeName,
        vmid: Vmid,
    ) -> Result<SnapshotTree, Error> {
        let vmid = vmid.to_string();
        let path = ["nodes", node.as_str(), "vms", &vmid, "snapshots"];
        let read = self.shared.executor.read(&path).await;
        read.map_err(|error| Error::of_reading(node, error))
    }

    /// The hardware of a VM, read from its node at once.
    pub(crate) async fn hardware(&self, node: &NodeName, vmid: Vmid) -> Result<VmHardware, Error> {
        let vmid = vmid.to_string();
        let path = ["nodes", node.as_str(), "vms", &vmid, "hardware"];
        let read = self.shared.executor.read(&path).await;
        read.map_err(|error| Error::of_reading(node, error))
    }

    async fn submit(&self, new_task: NewTask) -> Result<Task, Error> {
        let shared = Arc::clone(&self.shared);
        // Continues when the client hangs up: a stored task is handed over.
        let submitting = self
            .shared
            .futures
            .spawn(async move { shared.submit(new_task).await }.in_current_span());
        submitting
            .await
            .map_err(|error| http::Error::internal(&error))?
    }

    /// A task.
    pub(crate) async fn task(&self, id: TaskId) -> Result<Task, Error> {
        let task = self.shared.store.task(id).await;
        task?.ok_or_else(|| Error::TaskNotFound(id.to_string()))
    }

    /// A task when it has ended, or as it is after `limit`.
    pub(crate) async fn ended(&self, id: TaskId, limit: Duration) -> Result<Task, Error> {
        let store = &self.shared.store;
        let deadline = Instant::now() + limit;
        loop {
            // Before the task is read, so that no change in between is missed.
            let position = store.task_position().await;
            let mut position = position?;
            let task = self.task(id).await?;
            if task.progress.state.is_final() {
                self.shared.wait_for_new_vm(&task, deadline).await;
                return Ok(task);
            }
            loop {
                let left = deadline.saturating_duration_since(Instant::now());
                let changes = tokio::select! {
                    changes = timeout(left, store.tasks_changed(position)) => changes,
                    () = self.shared.shutdown.cancelled() => return self.task(id).await,
                };
                match changes {
                    Err(_) => return self.task(id).await,
                    Ok(Err(error)) => return Err(error.into()),
                    Ok(Ok((next, changed))) => {
                        position = next;
                        if changed.iter().any(|task| task.id == id) {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// The tasks that match, newest first.
    pub(crate) async fn list(&self, query: &TaskQuery) -> Result<Vec<Task>, Error> {
        let tasks = self.shared.store.tasks(query).await;
        tasks.map_err(Error::from)
    }

    /// How many tasks match, on all pages together.
    pub(crate) async fn count(&self, query: &TaskQuery) -> Result<u64, Error> {
        let count = self.shared.store.count_tasks(query).await;
        count.map_err(Error::from)
    }

    /// Waits until reported ends are stored, and leaves unfinished tasks to the next process.
    pub(crate) async fn flush(&self) {
        self.shared.futures.close();
        // Unfinished tasks make it time out, as intended.
        let _ = timeout(FLUSH_TIMEOUT, self.shared.futures.wait()).await;
        self.shared.cut.cancel();
    }
}

impl Shared {
    /// Waits until the inventory has a VM that was just created, a little and at most until
    /// `deadline`: a client that reads "succeeded" requests the VM next.
    async fn wait_for_new_vm(&self, task: &Task, deadline: Instant) {
        let (None, TaskState::Succeeded, Some(vmid), Some(finished_at)) = (
            task.request.act().vmid(),
            task.progress.state,
            task.vmid(),
            task.progress.finished_at,
        ) else {
            return;
        };
        let Some(left) = ((self.clock)() - finished_at)
            .to_std()
            .map_or(Some(SEEN_WITHIN), |age| SEEN_WITHIN.checked_sub(age))
        else {
            return;
        };
        let deadline = deadline.min(Instant::now() + left);
        let mut changes = self.inventory.subscribe();
        let seen = async {
            while self
                .inventory
                .snapshot()
                .vm(task.node.as_str(), vmid.0)
                .is_none()
            {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            // The crawler may be away: then the end is returned all the same.
            _ = timeout_at(deadline, seen) => {}
            () = self.shutdown.cancelled() => {}
        }
    }
}

impl std::fmt::Debug for Tasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tasks").finish_non_exhaustive()
    }
}
