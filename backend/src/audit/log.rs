//! The audit log: every change that a client requests, with its result.
//!
//! A change of a node is a task; [`crate::tasks`] writes its entry when the task is made and again
//! when it has ended. The guard of the routes writes the entries of all other changes behind their
//! handlers, and those of all refusals.

use std::time::Duration;

use ecoman_api::text::EN;
use ecoman_model::{Actor, AuditEntry, AuditOutcome, Task, TaskRequest, TaskState};
use ecoman_store::Store;
use tokio::time::timeout;

use crate::error_chain::chain;

/// How long a response waits for its entry.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a request asks of a node, in a few words.
pub(crate) fn summary(request: &TaskRequest) -> String {
    (EN.tasks.summary)(request)
}

/// The entry of a task as it is now.
///
/// `None`: no client requested it, and the audit log has no entry of it.
pub(crate) fn of_task(task: &Task, actor: Actor) -> Option<AuditEntry> {
    let operation = task.request.act().operation()?;
    let outcome = match task.progress.state {
        TaskState::Queued | TaskState::Running => AuditOutcome::Pending,
        TaskState::Succeeded => AuditOutcome::Succeeded,
        TaskState::Failed | TaskState::Interrupted | TaskState::Cancelled => AuditOutcome::Failed,
    };
    let error = task.progress.error.as_ref();
    Some(AuditEntry {
        id: task.id.0,
        at: task.created_at,
        actor,
        operation: operation.to_owned(),
        summary: summary(&task.request),
        node: Some(task.node.clone()),
        vmid: task.vmid(),
        name: task.vm_name.clone(),
        task: Some(task.id),
        outcome,
        detail: error.map(|error| error.message.clone()),
        request_id: task.request_id.clone(),
    })
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
