//! The audit log: every change that somebody asks for, with what came of it.
//!
//! A change of a node is a task, whose entry [`crate::tasks`] writes when it is made and again
//! when it has ended. All other changes are written here, behind their handlers, and so are the
//! refusals of both.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use chrono::TimeDelta;
use ecoman_model::{
    Actor, AuditEntry, AuditOutcome, NodeName, PowerAction, Task, TaskRequest, TaskState, Vmid,
};
use ecoman_store::Store;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::access::Caller;
use crate::access::policy::Operation;
use crate::clock::Clock;
use crate::error_chain::chain;
use crate::http::problem::Error;
use crate::http::request_id::RequestId;
use crate::routes::state::AppState;

/// How long an answer waits for its entry.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a handler knows of what is asked, filled in while it works.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deed(Arc<Mutex<Particulars>>);

#[derive(Clone, Debug, Default)]
struct Particulars {
    summary: Option<String>,
    name: Option<String>,
    node: Option<NodeName>,
    vmid: Option<Vmid>,
    actor: Option<Actor>,
    /// Tasks have their entries from elsewhere.
    is_task: bool,
}

/// Who asks for a change, and what is written down of it.
pub(crate) struct Asking {
    pub(crate) caller: Caller,
    pub(crate) deed: Deed,
    pub(crate) request_id: RequestId,
}

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self {
            caller: Caller::from_request_parts(parts, state).await?,
            deed: parts.extensions.get().cloned().unwrap_or_default(),
            request_id: parts.extensions.get().cloned().unwrap_or_default(),
        })
    }
}

/// What a handler answered, as far as it matters here.
pub(crate) struct Answer {
    status: StatusCode,
    error: Option<Arc<Error>>,
}

impl Answer {
    pub(crate) fn of(response: &Response) -> Self {
        Self {
            status: response.status(),
            error: response.extensions().get().cloned(),
        }
    }
}

impl Deed {
    /// Says what is done, and to whom or what.
    pub(crate) fn is(&self, summary: impl Into<String>, name: Option<String>) {
        self.with(|told| {
            told.summary = Some(summary.into());
            told.name = name;
        });
    }

    /// Says what a node is asked.
    pub(crate) fn asks(&self, node: &NodeName, request: &TaskRequest, vm_name: Option<&str>) {
        self.with(|told| {
            told.summary = Some(summary(request));
            told.name = vm_name.map(str::to_owned);
            told.node = Some(node.clone());
            told.vmid = request.act().vmid();
        });
    }

    /// Says who did it, where the guard could not know.
    pub(crate) fn is_by(&self, actor: Actor) {
        self.with(|told| told.actor = Some(actor));
    }

    /// Says that a task was made, or known.
    pub(crate) fn is_task(&self) {
        self.with(|told| told.is_task = true);
    }

    fn with<T>(&self, change: impl FnOnce(&mut Particulars) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is asked of a node, in a few words.
fn summary(request: &TaskRequest) -> String {
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

/// What is known of a request for a change when it has been answered.
pub(crate) struct Told {
    pub(crate) deed: Deed,
    /// Of its path.
    pub(crate) node: Option<NodeName>,
    /// Of its path.
    pub(crate) vmid: Option<Vmid>,
    pub(crate) request_id: String,
    pub(crate) answer: Answer,
}

/// Writes down what came of a request for a change.
pub(crate) async fn record(state: &AppState, operation: &Operation, actor: &Actor, told: Told) {
    let Told {
        deed,
        node,
        vmid,
        request_id,
        answer,
    } = told;
    let told = deed.with(|told| told.clone());
    let error = answer.error.as_deref();
    let is_sign_in = operation.id == "signIn";
    let outcome = match answer.status {
        _ if told.is_task || matches!(error, Some(Error::ExecutorAway { .. })) => {
            return;
        }
        status if status.is_success() => AuditOutcome::Succeeded,
        StatusCode::UNAUTHORIZED if is_sign_in => AuditOutcome::Refused,
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::CONFLICT => {
            AuditOutcome::Refused
        }
        status if status.is_server_error() => AuditOutcome::Failed,
        // It was no request that could have done anything.
        _ => return,
    };
    let entry = AuditEntry {
        id: Uuid::now_v7(),
        at: (state.gate.clock)(),
        actor: told.actor.unwrap_or_else(|| actor.clone()),
        operation: operation.id.to_owned(),
        summary: told.summary.unwrap_or_else(|| in_words(operation.id)),
        node: told.node.or(node),
        vmid: told.vmid.or(vmid),
        name: told.name,
        task: None,
        outcome,
        detail: error
            .filter(|_| outcome != AuditOutcome::Succeeded)
            .map(Error::to_string),
        request_id,
    };
    let why = match timeout(PATIENCE, state.store.record_audit(&entry)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => chain(&error),
        Err(_) => "the store does not answer".to_owned(),
    };
    // The log is the place that is left.
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

/// `signOut` as `sign out`.
fn in_words(id: &str) -> String {
    let mut words = String::new();
    for letter in id.chars() {
        if letter.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
