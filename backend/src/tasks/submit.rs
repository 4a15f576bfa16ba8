//! A task from its request until it is stored.

use std::sync::Arc;

use ecoman_model::{Task, TaskError, TaskErrorKind, TaskId, TaskProgress};
use ecoman_store::Added;
use uuid::Uuid;

use super::executor::ExecutorError;
use super::new_task::{NewTask, same_task};
use super::run::{HandOver, not_handed_over, sentence};
use super::shared::Shared;
use crate::error_chain::chain;
use crate::http;
use crate::tasks::error::Error;

impl Shared {
    pub(super) async fn submit(self: &Arc<Self>, new_task: NewTask) -> Result<Task, Error> {
        // What cannot be written down is not begun.
        self.writability.ensure().await?;
        let instance = match self.executor.instance().await {
            Ok(instance) => instance.instance,
            Err(error) => return self.keep_attempt(&new_task, &error).await,
        };
        let task = self.task(&new_task, Some(instance));
        // Claim the id first; otherwise the sweep could adopt the task.
        let Some(claim) = self.claim(task.id) else {
            return Err(http::Error::Internal.into());
        };
        match self.store.add_task(&task).await {
            Ok(Added::New) => {
                tracing::info!(task = %task.id, node = %task.node, kind = task.request.act().kind(), "new task");
                self.record_audit(&task, new_task.actor).await;
                let carried_out = task.clone();
                self.start(carried_out, HandOver::NotSent, claim);
                Ok(task)
            }
            Ok(Added::Known(known)) => same_task(*known, &new_task),
            Err(error) => {
                // The store may have it all the same. The client learns that nothing happens, so
                // nothing must.
                let mut withdrawn = task;
                withdrawn.idempotency_key = None;
                withdrawn.progress = self.failure(TaskError {
                    kind: TaskErrorKind::Refused,
                    message: format!(
                        "The store did not confirm the task, so nothing was asked of {}.",
                        withdrawn.node
                    ),
                    hint: "Ask again.".to_owned(),
                    left: Vec::new(),
                });
                let shared = Arc::clone(self);
                self.spawn(async move {
                    let _claim = claim;
                    // In its place: a write that arrives late must not be adopted and run.
                    let added = shared
                        .retry_until_stored("withdraw a task", || shared.store.add_task(&withdrawn))
                        .await;
                    if let Added::Known(_) = added {
                        shared.write(&withdrawn).await;
                    }
                });
                Err(error.into())
            }
        }
    }

    /// The executor is away: stores the attempt as a failed task, without its key, so that the
    /// client may repeat the request.
    pub(super) async fn keep_attempt(
        &self,
        new_task: &NewTask,
        error: &ExecutorError,
    ) -> Result<Task, Error> {
        let mut task = self.task(new_task, None);
        task.idempotency_key = None;
        let why = sentence(&chain(error));
        tracing::warn!(error = why, task = %task.id, "the executor is not responding");
        task.progress = self.failure(not_handed_over(&task, &why));
        let recorded = self.store.add_task(&task).await;
        recorded?;
        self.record_audit(&task, new_task.actor.clone()).await;
        Err(Error::ExecutorUnavailable {
            task: task.id,
            node: task.node.to_string(),
            why,
        })
    }

    pub(super) fn task(&self, new_task: &NewTask, executor: Option<Uuid>) -> Task {
        let new_task = new_task.clone();
        Task {
            id: TaskId(Uuid::now_v7()),
            node: new_task.node,
            request: new_task.request,
            vm_name: new_task.vm_name,
            actor: new_task.actor.name,
            idempotency_key: new_task.idempotency_key,
            request_id: new_task.request_id,
            created_at: (self.clock)(),
            executor,
            cancelled: None,
            progress: TaskProgress::default(),
        }
    }
}
