//! The end of a task: stored, audited, and a clean-up after an interrupted creation.

use std::sync::Arc;

use ecoman_api::task_path;
use ecoman_model::{
    Actor, Authentication, RefreshRequest, Task, TaskError, TaskId, TaskRequest, TaskState,
};
use ecoman_store::Added;
use tokio::time::sleep;
use uuid::Uuid;

use super::new_task::NewTask;
use super::run::HandOver;
use super::shared::{Shared, WRITE_EVERY};
use crate::audit;
use crate::error_chain::chain;

impl Shared {
    /// Stores the end of a task, after everything that follows from it.
    pub(super) async fn finish(self: &Arc<Self>, mut task: Task) {
        let directory = task.progress.directory.as_deref();
        let leftovers = task.request.clean_up_after(task.id, directory);
        let interrupted = task.progress.state == TaskState::Interrupted;
        if let Some(clean_up) = leftovers.filter(|_| interrupted) {
            let name = clean_up.vm.name.clone();
            let new_task = NewTask {
                node: task.node.clone(),
                request: TaskRequest::CleanUp(clean_up),
                vm_name: task.vm_name.clone(),
                // One clean-up at most, whichever process makes it. No client can send a blank.
                idempotency_key: Some(format!("clean up {}", task.id)),
                request_id: task.request_id.clone(),
                actor: Actor {
                    name: task.actor.clone(),
                    by: Authentication::None,
                    token: None,
                    address: None,
                },
            };
            let clean_up = self.add_clean_up(&new_task).await;
            if let Some(error) = &mut task.progress.error {
                let path = task_path(clean_up);
                error.hint = format!(
                    "Nothing is repeated by itself. {path} looks for what there is of the VM on {} \
                     and removes it; create the VM again after that.",
                    task.node
                );
                error.left = vec![format!(
                    "Whatever was there of {name} on {} when the executor stopped; see {path}.",
                    task.node
                )];
            }
        }
        self.explain_changed_power(&mut task).await;
        tracing::info!(
            task = %task.id,
            node = %task.node,
            kind = task.request.act().kind(),
            state = task.progress.state.word(),
            error = task.progress.error.as_ref().map(|error| error.message.as_str()),
            "task ended"
        );
        let kind = task.request.act().kind();
        self.metrics.ended(kind, task.progress.state);
        // Before the store has the end: if this process dies in between, another adopts the task.
        self.complete_audit(&task).await;
        if let Some(clean_up) = task.request.clean_up() {
            self.report_leftovers(clean_up.task, &task).await;
        }
        self.request_refresh(&task).await;
        self.write(&task).await;
        if let Err(error) = self.executor.forget(task.id).await {
            // Harmless: it forgets the task when it stops.
            tracing::debug!(task = %task.id, error = chain(&error), "the executor keeps a task");
        }
    }

    /// Has the crawler look at the VM of a task at once.
    pub(super) async fn request_refresh(&self, task: &Task) {
        let refresh = RefreshRequest {
            id: Uuid::now_v7(),
            node: task.node.clone(),
            vmid: task.vmid(),
            requested_at: (self.clock)(),
            whole: false,
        };
        self.retry_until_stored("request a refresh from the crawler", || {
            self.store.request_refresh(&refresh)
        })
        .await;
    }

    /// Writes the audit entry of a new task.
    pub(super) async fn record_audit(&self, task: &Task, actor: Actor) {
        let Some(entry) = audit::of_task(task, actor) else {
            return;
        };
        if let Err(error) = self.store.record_audit(&entry).await {
            // The entry comes with the task's end, without the address and token of the caller.
            tracing::error!(
                ?entry,
                error = chain(&error),
                "cannot write to the audit log"
            );
        }
    }

    /// Writes the outcome of a task into its audit entry. A task that no client requested has none.
    pub(super) async fn complete_audit(&self, task: &Task) {
        if task.request.act().operation().is_none() {
            return;
        }
        let read = || self.store.audit_entry(task.id.0);
        let known = self.retry_until_stored("read the audit log", read).await;
        let actor = known.map_or_else(
            || Actor {
                name: task.actor.clone(),
                by: Authentication::None,
                token: None,
                address: None,
            },
            |entry| entry.actor,
        );
        let Some(entry) = audit::of_task(task, actor) else {
            return;
        };
        let write = || self.store.record_audit(&entry);
        self.retry_until_stored("write to the audit log", write)
            .await;
    }

    /// Adds the task that removes the leftovers of an interrupted creation.
    pub(super) async fn add_clean_up(self: &Arc<Self>, new_task: &NewTask) -> TaskId {
        let task = self.task(new_task, None);
        let claim = self.claim(task.id);
        let added = self
            .retry_until_stored("store a task", || self.store.add_task(&task))
            .await;
        match added {
            Added::Known(known) => known.id,
            Added::New => {
                let id = task.id;
                if let Some(claim) = claim {
                    self.start(task, HandOver::NotSent, claim);
                }
                id
            }
        }
    }

    /// Writes the result of a clean-up into the error of the interrupted creation.
    pub(super) async fn report_leftovers(&self, of: TaskId, clean_up: &Task) {
        loop {
            let creation = self
                .retry_until_stored("read a task", || self.store.task(of))
                .await;
            let Some(progress) = creation.map(|task| task.progress) else {
                // Forgotten by now.
                return;
            };
            if let Some(mut error) = progress.error.filter(|_| progress.state.is_final()) {
                set_leftovers(&mut error, clean_up);
                let amend = || self.store.amend_task(of, &error);
                if self
                    .retry_until_stored("store the leftovers of a task", amend)
                    .await
                {
                    return;
                }
            } else if progress.state.is_final() {
                return;
            }
            // Its own end is not stored yet.
            sleep(WRITE_EVERY).await;
        }
    }
}

/// Puts the result of a clean-up into the error of the interrupted creation.
fn set_leftovers(error: &mut TaskError, clean_up: &Task) {
    let path = task_path(clean_up.id);
    match &clean_up.progress.error {
        None => {
            error.hint = format!(
                "Create the VM again: nothing of it is left on {} ({path}).",
                clean_up.node
            );
            error.left.clear();
        }
        Some(found) => {
            error.hint = format!("{} {} ({path})", found.message, found.hint);
            // A clean-up that could not look proves nothing, so keep the old list.
            if !found.left.is_empty() {
                error.left.clone_from(&found.left);
            }
        }
    }
}
