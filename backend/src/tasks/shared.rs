//! What the parts of the tasks share: store, executor, clock, and who works on which task.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ecoman_model::{Task, TaskError, TaskId, TaskProgress, TaskState};
use ecoman_store::{Store, StoreError};
use futures::future::BoxFuture;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::executor::ExecutorClient;
use crate::clock::Clock;
use crate::error_chain::chain;
use crate::inventory::snapshot::Live;
use crate::metrics::Metrics;

pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) executor: ExecutorClient,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) live: Arc<Live>,
    /// Those that a future of this process sees to.
    pub(super) claimed: Mutex<HashSet<TaskId>>,
    pub(super) futures: TaskTracker,
    /// Ends them.
    pub(super) cut: CancellationToken,
    /// Ends the waiting of clients.
    pub(super) shutdown: CancellationToken,
}

/// A task is written at most this often while it runs.
pub(super) const WRITE_EVERY: Duration = Duration::from_millis(200);

/// How soon something that failed is tried again.
pub(super) const RETRY: Duration = Duration::from_secs(1);

impl Shared {
    pub(super) fn claim(self: &Arc<Self>, id: TaskId) -> Option<Claim> {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.insert(id).then(|| Claim {
            shared: Arc::clone(self),
            id,
        })
    }

    /// Runs until done, or until the process ends.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = self.cut.clone().run_until_cancelled_owned(work);
        let work = async move {
            work.await;
        };
        // What is logged of a task names the request that asked for it.
        self.futures.spawn(work.in_current_span());
    }

    /// The end of a task that was never handed over.
    pub(super) fn failure(&self, error: TaskError) -> TaskProgress {
        TaskProgress {
            state: TaskState::Failed,
            finished_at: Some((self.clock)()),
            error: Some(error),
            ..TaskProgress::default()
        }
    }

    /// Writes a task down, however long the store is away. False: it has ended before, or is
    /// forgotten.
    pub(super) async fn write(&self, task: &Task) -> bool {
        self.insist("write down a task", || self.store.update_task(task))
            .await
    }

    pub(super) async fn has_ended(&self, id: TaskId) -> bool {
        let task = self.insist("read a task", || self.store.task(id)).await;
        task.is_none_or(|task| task.progress.state.is_final())
    }

    /// Tries until the store does it.
    pub(super) async fn insist<'a, T>(
        &'a self,
        what: &str,
        work: impl Fn() -> BoxFuture<'a, Result<T, StoreError>>,
    ) -> T {
        let mut told = false;
        loop {
            match work().await {
                Ok(done) => return done,
                Err(error) => {
                    if !told {
                        tracing::warn!(error = chain(&error), "cannot {what}; tries again");
                        told = true;
                    }
                    sleep(RETRY).await;
                }
            }
        }
    }
}

/// The right to see to a task, of one future in this process.
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
