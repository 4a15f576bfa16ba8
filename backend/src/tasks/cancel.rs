//! Cancelling a task, wherever it is: queued here, or with the executor.

use std::sync::PoisonError;

use ecoman_model::{Cancelled, Task, TaskError, TaskErrorKind, TaskId, TaskProgress, TaskState};

use super::Tasks;
use super::error::Error;
use super::executor::ExecutorError;
use super::shared::Shared;
use crate::error_chain::chain;

impl Tasks {
    /// Cancels a task, and returns it as it is now. It ends by itself, after it has undone what it made.
    ///
    /// # Errors
    ///
    /// [`Error::NotCancellable`]; [`Error::CancelFailed`].
    pub(crate) async fn cancel(&self, task: Task, by: Option<String>) -> Result<Task, Error> {
        let not_cancellable = |why: &str| Error::NotCancellable {
            task: task.id,
            why: why.to_owned(),
        };
        if task.progress.state.is_final() {
            return Err(not_cancellable("The task has ended."));
        }
        if !task.request.act().can_be_cancelled() {
            return Err(not_cancellable(
                "It removes what an interrupted task left; cancelling it would leave a half.",
            ));
        }
        let shared = &self.shared;
        let cancelled = Cancelled {
            by: by.clone(),
            at: (shared.clock)(),
        };
        let claimed = shared.cancel_here(task.id, cancelled.clone());
        match shared.executor.cancel(task.id, by).await {
            Ok(Some(_)) => {}
            // The executor does not have it yet, and will not get it.
            Ok(None) if claimed => shared.keep_cancellation(&task, cancelled).await?,
            Ok(None) => {
                let why = "Another dashboard is about to hand it over; try again.";
                return Err(not_cancellable(why));
            }
            Err(ExecutorError::Refused { detail, .. }) => {
                shared.forget_cancel(task.id);
                return Err(not_cancellable(&detail));
            }
            // Not handed over yet, as far as is known: then it will not be.
            Err(ExecutorError::Away { .. }) if claimed && task.progress.started_at.is_none() => {
                shared.keep_cancellation(&task, cancelled).await?;
            }
            Err(error) => {
                shared.forget_cancel(task.id);
                return Err(Error::CancelFailed {
                    task: task.id,
                    why: chain(&error),
                });
            }
        }
        tracing::info!(task = %task.id, node = %task.node, "cancelling a task");
        self.task(task.id).await
    }
}

impl Shared {
    /// Marks a task that a future of this process runs, so that it is not handed over. False: none
    /// does.
    pub(super) fn cancel_here(&self, id: TaskId, cancelled: Cancelled) -> bool {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        match claimed.get_mut(&id) {
            Some(mark) => {
                *mark = Some(cancelled);
                true
            }
            None => false,
        }
    }

    fn forget_cancel(&self, id: TaskId) {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mark) = claimed.get_mut(&id) {
            *mark = None;
        }
    }

    /// Stores that a task was cancelled before its requester learns so: if this process dies, the next
    /// one must not hand it over.
    async fn keep_cancellation(&self, task: &Task, cancelled: Cancelled) -> Result<(), Error> {
        let Some(mut task) = self.store.task(task.id).await? else {
            return Err(Error::TaskNotFound(task.id.to_string()));
        };
        // Its end, if it has ended meanwhile, stays.
        task.cancelled = Some(cancelled);
        let kept = self.store.update_task(&task).await;
        if kept.is_err() {
            self.forget_cancel(task.id);
        }
        kept?;
        Ok(())
    }

    /// Whether a task was cancelled before the executor had it.
    pub(super) fn cancelled(&self, id: TaskId) -> Option<Cancelled> {
        let claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.get(&id).cloned().flatten()
    }

    /// The end of a task that was cancelled before the executor had it.
    pub(super) fn cancellation(&self, task: &Task, by: Option<String>) -> TaskProgress {
        let by = by.map_or_else(String::new, |by| format!(" by {by}"));
        TaskProgress {
            state: TaskState::Cancelled,
            ..self.failure(TaskError {
                kind: TaskErrorKind::Cancelled,
                message: format!(
                    "The task was cancelled{by}. Nothing was sent to {}.",
                    task.node
                ),
                hint: String::new(),
                left: Vec::new(),
            })
        }
    }
}
