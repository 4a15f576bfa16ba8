//! Authenticates, authorizes and audits every request before and after its handler.
//!
//! [`guard`] identifies the caller (session, token, proxy, or anonymous) and compares their role
//! with what the operation needs ([`crate::access::operations`]). Handlers cut out of the snapshot what
//! the caller may see (`routes::visible`).

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ecoman_api::text::EN;
use ecoman_api::{ApiError, ProblemKind};
use ecoman_model::{Actor, AuditEntry, AuditOutcome, NodeName, Task, TaskRequest, Vmid};
use uuid::Uuid;

use super::state::AppState;
use crate::access::operations::{Need, Operation, Unlisted};
use crate::access::{self, Caller, Credentials, Identity, origin};
use crate::audit;
use crate::http;
use crate::http::idempotency_key::idempotency_key;
use crate::http::problem::ErrorResponse;
use crate::http::request_id::RequestId;
use crate::inventory::published::{NodeEntry, VmEntry};
use crate::tasks::{self, NewTask, Tasks};

/// Passes a request to its handler, with its [`Caller`], or refuses it; and audits changes.
pub(crate) async fn guard(
    State(state): State<AppState>,
    path: Option<MatchedPath>,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let template = path.as_ref().map_or("", MatchedPath::as_str);
    let credentials = state.authenticator.credentials(&mut request);
    let changes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if changes && let Err(error) = origin::check(request.headers()) {
        return ErrorResponse::from(error).into_response();
    }
    let caller = match caller(&state, request.method(), template, &credentials).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    // A path that is not UTF-8 has none, and no handler takes it.
    let parameters = parameters.ok();
    let parameter = |name| {
        let mut all = parameters.iter().flatten();
        all.find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    let node = parameter("node");
    let operation = state.operations.operation(request.method(), template);
    let refusal = operation.and_then(|operation| refusal(&caller, operation.need, node));
    let operation = operation.filter(|_| changes);
    let draft = AuditDraft::default();
    let request_id = request.extensions().get::<RequestId>().cloned();
    let extensions = request.extensions_mut();
    extensions.insert(caller.clone());
    extensions.insert(credentials);
    extensions.insert(draft.clone());
    let response = match refusal {
        Some(error) => ErrorResponse::from(error).into_response(),
        None => next.run(request).await,
    };
    if let Some(operation) = operation {
        let finished = FinishedRequest {
            draft,
            node: node.and_then(|node| node.parse().ok()),
            vmid: parameter("vmid").and_then(|vmid| vmid.parse().ok()),
            request_id: request_id.unwrap_or_default().0,
            status: response.status(),
            error: response.extensions().get().cloned(),
        };
        record(&state, operation, &caller.actor, finished).await;
    }
    response
}

/// The caller of a request, who must be known where the operation needs a permission.
async fn caller(
    state: &AppState,
    method: &Method,
    template: &str,
    credentials: &Credentials,
) -> Result<Caller, ErrorResponse> {
    let need = state
        .operations
        .need(method, template)
        .map_err(|Unlisted| {
            tracing::error!(
                path = template,
                "no operation is declared for this path: all requests are refused"
            );
            http::Error::Internal
        })?;
    match (need, state.authenticator.identify(credentials).await?) {
        (_, Identity::Known(caller)) => Ok(caller),
        (Need::Nothing, Identity::Anonymous | Identity::Rejected(_)) => {
            Ok(Caller::nobody(credentials.address))
        }
        (Need::Permission(_), Identity::Anonymous) => Err(access::Error::NotSignedIn.into()),
        (Need::Permission(_), Identity::Rejected(why)) => Err(access::Error::from(why).into()),
    }
}

/// Why the caller may not do it, if they may not.
fn refusal(caller: &Caller, need: Need, node: Option<&str>) -> Option<access::Error> {
    let Need::Permission(permission) = need else {
        return None;
    };
    if !caller.grant.may(permission) {
        return Some(caller.forbidden(permission));
    }
    node.and_then(|node| caller.check_reach(node).err())
}

/// The entry of a change in the audit log, which the handler fills in while it works.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuditDraft(Arc<Mutex<DraftFields>>);

#[derive(Clone, Debug, Default)]
struct DraftFields {
    summary: Option<String>,
    name: Option<String>,
    node: Option<NodeName>,
    vmid: Option<Vmid>,
    actor: Option<Actor>,
    /// Tasks write their entries themselves.
    has_task: bool,
    is_omitted: bool,
}

impl AuditDraft {
    /// Sets the summary of the change, and the name of what is changed.
    pub(crate) fn describe(&self, summary: impl Into<String>, name: Option<String>) {
        self.with(|fields| {
            fields.summary = Some(summary.into());
            fields.name = name;
        });
    }

    /// Sets what a task's entry says.
    pub(crate) fn describe_task(
        &self,
        node: &NodeName,
        request: &TaskRequest,
        vm_name: Option<&str>,
    ) {
        self.with(|fields| {
            fields.summary = Some(audit::summary(request));
            fields.name = vm_name.map(str::to_owned);
            fields.node = Some(node.clone());
            fields.vmid = request.act().vmid();
        });
    }

    /// Sets what the entry of a cancellation says.
    pub(crate) fn describe_cancel(&self, task: &Task) {
        self.with(|fields| {
            fields.summary = Some((EN.tasks.cancel_summary)(&audit::summary(&task.request)));
            fields.name.clone_from(&task.vm_name);
            fields.node = Some(task.node.clone());
            fields.vmid = task.vmid();
        });
    }

    /// Sets the actor, where the guard could not know it.
    pub(crate) fn set_actor(&self, actor: Actor) {
        self.with(|fields| fields.actor = Some(actor));
    }

    /// Leaves the entry to the task that was made, or found by its key.
    pub(crate) fn leave_to_task(&self) {
        self.with(|fields| fields.has_task = true);
    }

    /// Makes no entry: nothing has changed that anybody but the caller sees.
    pub(crate) fn omit(&self) {
        self.with(|fields| fields.is_omitted = true);
    }

    fn with<T>(&self, change: impl FnOnce(&mut DraftFields) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a handler needs to make a task.
pub(crate) struct ChangeContext {
    pub(crate) caller: Caller,
    pub(crate) draft: AuditDraft,
    pub(crate) request_id: RequestId,
    pub(crate) idempotency_key: Option<String>,
}

impl ChangeContext {
    /// Makes a task for a node, and for a VM of it if the request is about one. A key that was
    /// used before returns its task.
    pub(super) async fn submit(
        &self,
        tasks: &Tasks,
        request: TaskRequest,
        node: &NodeEntry,
        vm: Option<&VmEntry>,
    ) -> Result<Task, tasks::Error> {
        let new_task = NewTask {
            node: node.record.name.clone(),
            vm_name: match request.new_vm() {
                Some(new_vm) => Some(new_vm.name.clone()),
                None => vm.and_then(|vm| vm.view.name.clone()),
            },
            request,
            idempotency_key: self.idempotency_key.clone(),
            request_id: self.request_id.0.clone(),
            actor: self.caller.actor.clone(),
        };
        self.draft.describe_task(
            &new_task.node,
            &new_task.request,
            new_task.vm_name.as_deref(),
        );
        let task = tasks.request(new_task, node, vm).await?;
        self.draft.leave_to_task();
        Ok(task)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ChangeContext {
    type Rejection = http::Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self {
            caller: Caller::from_request_parts(parts, state).await?,
            draft: parts.extensions.get().cloned().unwrap_or_default(),
            request_id: parts.extensions.get().cloned().unwrap_or_default(),
            idempotency_key: idempotency_key(&parts.headers)?,
        })
    }
}

/// A request for a change that has been answered.
struct FinishedRequest {
    draft: AuditDraft,
    /// In its path.
    node: Option<NodeName>,
    /// In its path.
    vmid: Option<Vmid>,
    request_id: String,
    status: StatusCode,
    error: Option<ErrorResponse>,
}

/// Writes the entry of a change in the audit log, unless a task has one.
async fn record(state: &AppState, operation: &Operation, actor: &Actor, request: FinishedRequest) {
    let draft = request.draft.with(|fields| fields.clone());
    let error = request.error.as_ref().map(ErrorResponse::error);
    let is_sign_in = operation.id == "signIn";
    let outcome = match request.status {
        _ if draft.is_omitted || draft.has_task || has_failed_task(error) => return,
        status if status.is_success() => AuditOutcome::Succeeded,
        StatusCode::UNAUTHORIZED if is_sign_in => AuditOutcome::Refused,
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::CONFLICT => {
            AuditOutcome::Refused
        }
        status if status.is_server_error() => AuditOutcome::Failed,
        // A malformed request could not have changed anything.
        _ => return,
    };
    let entry = AuditEntry {
        id: Uuid::now_v7(),
        at: (state.authenticator.clock)(),
        actor: draft.actor.unwrap_or_else(|| actor.clone()),
        operation: operation.id.clone(),
        summary: draft.summary.unwrap_or_else(|| in_words(&operation.id)),
        node: draft.node.or(request.node),
        vmid: draft.vmid.or(request.vmid),
        name: draft.name,
        task: None,
        outcome,
        detail: error
            .filter(|_| outcome != AuditOutcome::Succeeded)
            .map(ToString::to_string),
        request_id: request.request_id,
    };
    audit::record(&*state.store, &entry).await;
}

/// Whether the error's task has an entry of its own.
fn has_failed_task(error: Option<&dyn ApiError>) -> bool {
    error.is_some_and(|error| error.kind() == ProblemKind::ExecutorUnavailable)
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
