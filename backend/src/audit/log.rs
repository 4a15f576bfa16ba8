//! The audit log: every change that somebody asks for, with what came of it.
//!
//! A change of a node is a task, whose entry [`crate::tasks`] writes when it is made and again
//! when it has ended. The guard of the routes writes all other changes behind their handlers, and the
//! refusals of both.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ecoman_model::{Actor, AuditEntry, AuditOutcome, PowerAction, Task, TaskRequest, TaskState};
use ecoman_store::Store;
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::error_chain::chain;

/// How long an answer waits for its entry.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is asked of a node, in a few words.
pub(crate) fn summary(request: &TaskRequest) -> String {
    match request {
        TaskRequest::Power(change) => match change.action {
            PowerAction::On => "power on".to_owned(),
            PowerAction::Off => "power off".to_owned(),
            other => other.word().to_owned(),
        },
        TaskRequest::Create(vm) => format!(
            "create with {} CPU, {} MB memory, {} GB disk",
            vm.cpus, vm.memory_mb, vm.disk_gb
        ),
        TaskRequest::Answer(answer) => {
            format!("answer a question with choice {}", answer.choice)
        }
        TaskRequest::CleanUp(clean_up) => format!("clean up after task {}", clean_up.task),
    }
}

/// The id of the operation that makes such a task.
fn operation(request: &TaskRequest) -> &'static str {
    match request {
        TaskRequest::Power(_) => "setPower",
        TaskRequest::Create(_) | TaskRequest::CleanUp(_) => "createVm",
        TaskRequest::Answer(_) => "answerQuestion",
    }
}

/// The entry of a task as it is now.
pub(crate) fn of_task(task: &Task, actor: Actor) -> AuditEntry {
    let outcome = match task.progress.state {
        TaskState::Queued | TaskState::Running => AuditOutcome::Pending,
        TaskState::Succeeded => AuditOutcome::Succeeded,
        TaskState::Failed | TaskState::Interrupted => AuditOutcome::Failed,
    };
    let error = task.progress.error.as_ref();
    AuditEntry {
        id: task.id.0,
        at: task.created_at,
        actor,
        operation: operation(&task.request).to_owned(),
        summary: summary(&task.request),
        node: Some(task.node.clone()),
        vmid: task.vmid(),
        name: task.vm_name.clone(),
        task: Some(task.id),
        outcome,
        detail: error.map(|error| error.message.clone()),
        request_id: task.request_id.clone(),
    }
}

/// Writes an entry, or logs it if the store does not take it in time: the request is answered all
/// the same.
pub(crate) async fn record(store: &dyn Store, entry: &AuditEntry) {
    let why = match timeout(PATIENCE, store.record_audit(entry)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => chain(&error),
        Err(_) => "the store does not answer".to_owned(),
    };
    tracing::error!(?entry, error = why, "cannot write to the audit log");
}

/// Forgets what is older than so many days; for ever.
pub(crate) async fn forget(store: Arc<dyn Store>, clock: Clock, days: u32) {
    const EVERY: Duration = Duration::from_secs(3600);
    loop {
        let before = clock() - TimeDelta::days(days.into());
        match store.forget_audit(before).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "forgot old entries of the audit log"),
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "cannot forget old entries of the audit log"
                );
            }
        }
        sleep(EVERY).await;
    }
}
