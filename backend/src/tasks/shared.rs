//! State that the parts of the task code share: store, executor, clock, and the claimed tasks.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ecoman_model::{Cancelled, Task, TaskError, TaskId, TaskProgress, TaskState};
use ecoman_store::{Store, StoreError};
use futures::future::BoxFuture;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::executor::ExecutorClient;
use crate::clock::Clock;
use crate::error_chain::chain;
use crate::inventory::published::Inventory;
use crate::inventory::writability::Writability;
use crate::metrics::Metrics;

pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) writability: Arc<Writability>,
    pub(super) executor: ExecutorClient,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) inventory: Arc<Inventory>,
    /// Tasks that a future of this process runs, each with its cancellation, if it was cancelled
    /// before the executor had it.
    pub(super) claimed: Mutex<HashMap<TaskId, Option<Cancelled>>>,
    pub(super) futures: TaskTracker,
    /// Ends those futures.
    pub(super) cut: CancellationToken,
    /// Ends the requests that wait.
    pub(super) shutdown: CancellationToken,
}

/// A running task is written at most this often.
pub(super) const WRITE_EVERY: Duration = Duration::from_millis(200);

/// The pause before a failed call is repeated.
pub(super) const RETRY: Duration = Duration::from_secs(1);

impl Shared {
    /// Claims a task for one future of this process; `None`: another one has it.
    pub(super) fn claim(self: &Arc<Self>, id: TaskId) -> Option<Claim> {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        match claimed.entry(id) {
            Entry::Occupied(_) => None,
            Entry::Vacant(free) => {
                free.insert(None);
                Some(Claim {
                    shared: Arc::clone(self),
                    id,
                })
            }
        }
    }

    /// Runs `work` until it is done or the server stops.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = self.cut.clone().run_until_cancelled_owned(work);
        let work = async move {
            work.await;
        };
        // The log lines of a task carry the id of its request.
        self.futures.spawn(work.in_current_span());
    }

    /// The end of a task that the executor never got.
    pub(super) fn failure(&self, error: TaskError) -> TaskProgress {
        TaskProgress {
            state: TaskState::Failed,
            finished_at: Some((self.clock)()),
            error: Some(error),
            ..TaskProgress::default()
        }
    }

    /// Stores a task, however long the store is away. False: the store has its end already, or has
    /// forgotten it.
    pub(super) async fn write(&self, task: &Task) -> bool {
        let mut task = task.clone();
        task.cancelled = task.cancelled.or_else(|| self.cancelled(task.id));
        self.retry_until_stored("store a task", || self.store.update_task(&task))
            .await
    }

    pub(super) async fn has_ended(&self, id: TaskId) -> bool {
        let task = self
            .retry_until_stored("read a task", || self.store.task(id))
            .await;
        task.is_none_or(|task| task.progress.state.is_final())
    }

    /// Repeats a call until the store has answered it. `what` completes "cannot …".
    pub(super) async fn retry_until_stored<'a, T>(
        &'a self,
        what: &str,
        work: impl Fn() -> BoxFuture<'a, Result<T, StoreError>>,
    ) -> T {
        let mut warned = false;
        loop {
            match work().await {
                Ok(done) => return done,
                Err(error) => {
                    // Of a store that takes no changes the log has a line each minute already.
                    if !warned && error.unwritable().is_none() {
                        tracing::warn!(error = chain(&error), "cannot {what}; retrying");
                        warned = true;
                    }
                    sleep(RETRY).await;
                }
            }
        }
    }
}

/// The right of one future in this process to run a task.
pub(super) struct Claim {
    shared: Arc<Shared>,
    id: TaskId,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = self
            .shared
            .claimed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        claimed.remove(&self.id);
    }
}
