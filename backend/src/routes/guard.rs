//! Who asks, and whether they may: every request passes here before its handler.
//!
//! [`guard`] finds out who the caller is (session, token, proxy, or nobody), and holds it against
//! what the operation needs ([`crate::access::policy`]). Handlers cut out of the snapshot what the
//! caller may see (`routes::snapshot`).

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ecoman_api::{ApiError, ProblemKind};
use ecoman_model::{Actor, AuditEntry, AuditOutcome, NodeName, Role, Task, TaskRequest, Vmid};
use uuid::Uuid;

use super::state::AppState;
use crate::access::policy::{Need, Operation, Unlisted};
use crate::access::{self, Caller, Credentials, Standing, origin};
use crate::audit;
use crate::http;
use crate::http::idempotency_key::idempotency_key;
use crate::http::problem::ErrorResponse;
use crate::http::request_id::RequestId;
use crate::inventory::snapshot::{NodeEntry, VmEntry};
use crate::tasks::{self, NewTask, Tasks};

/// Lets a request pass to its handler, with its [`Caller`], or refuses it.
pub(crate) async fn guard(
    State(state): State<AppState>,
    path: Option<MatchedPath>,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let template = path.as_ref().map_or("", MatchedPath::as_str);
    let credentials = state.gate.credentials(&mut request);
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
    // A path that is no UTF-8 has none, and no handler takes it.
    let parameters = parameters.ok();
    let parameter = |name| {
        let mut all = parameters.iter().flatten();
        all.find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    let node = parameter("node");
    let operation = state.policy.operation(request.method(), template);
    let refusal = operation.and_then(|operation| refusal(&caller, operation.need, node));
    let operation = operation.filter(|_| changes);
    let deed = Deed::default();
    let request_id = request.extensions().get::<RequestId>().cloned();
    let extensions = request.extensions_mut();
    extensions.insert(caller.clone());
    extensions.insert(credentials);
    extensions.insert(deed.clone());
    let response = match refusal {
        Some(error) => ErrorResponse::from(error).into_response(),
        None => next.run(request).await,
    };
    if let Some(operation) = operation {
        let told = Told {
            deed,
            node: node.and_then(|node| node.parse().ok()),
            vmid: parameter("vmid").and_then(|vmid| vmid.parse().ok()),
            request_id: request_id.unwrap_or_default().0,
            answer: Answer::of(&response),
        };
        record(&state, operation, &caller.actor, told).await;
    }
    response
}

/// Who asks, where it takes somebody to ask.
async fn caller(
    state: &AppState,
    method: &Method,
    template: &str,
    credentials: &Credentials,
) -> Result<Caller, ErrorResponse> {
    let need = state.policy.need(method, template).map_err(|Unlisted| {
        tracing::error!(path = template, "nobody has said who may do this");
        http::Error::Internal
    })?;
    match (need, state.gate.standing(credentials).await?) {
        (_, Standing::Known(caller)) => Ok(caller),
        (Need::Nothing, Standing::Nobody | Standing::Refused(_)) => {
            Ok(Caller::nobody(credentials.address))
        }
        (Need::Permission(_), Standing::Nobody) => Err(access::Error::NotSignedIn.into()),
        (Need::Permission(_), Standing::Refused(why)) => Err(access::Error::from(why).into()),
    }
}

/// Why the caller may not do it, if so.
fn refusal(caller: &Caller, need: Need, node: Option<&str>) -> Option<access::Error> {
    let Need::Permission(permission) = need else {
        return None;
    };
    if !caller.grant.may(permission) {
        let all = Role::ALL.into_iter();
        return Some(access::Error::Forbidden {
            caller: caller.to_string(),
            needed: all.filter(|role| role.may(permission)).min()?,
            role: caller.grant.role,
            limited: caller.grant.nodes.is_some(),
        });
    }
    node.and_then(|node| caller.check_reach(node).err())
}

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
    pub(crate) idempotency_key: Option<String>,
}

impl Asking {
    /// Makes a task of an act on a node, and on a VM of it if it is about one. A key that was used
    /// before returns the task that was made then.
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
        self.deed.asks(
            &new_task.node,
            &new_task.request,
            new_task.vm_name.as_deref(),
        );
        let task = tasks.request(new_task, node, vm).await?;
        self.deed.is_task();
        Ok(task)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = http::Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self {
            caller: Caller::from_request_parts(parts, state).await?,
            deed: parts.extensions.get().cloned().unwrap_or_default(),
            request_id: parts.extensions.get().cloned().unwrap_or_default(),
            idempotency_key: idempotency_key(&parts.headers)?,
        })
    }
}

/// What a handler answered, as far as it matters here.
pub(crate) struct Answer {
    status: StatusCode,
    error: Option<ErrorResponse>,
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
            told.summary = Some(audit::summary(request));
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
async fn record(state: &AppState, operation: &Operation, actor: &Actor, told: Told) {
    let Told {
        deed,
        node,
        vmid,
        request_id,
        answer,
    } = told;
    let told = deed.with(|told| told.clone());
    let error = answer.error.as_ref().map(ErrorResponse::error);
    let is_sign_in = operation.id == "signIn";
    let outcome = match answer.status {
        _ if told.is_task || has_failed_task(error) => return,
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
        operation: operation.id.clone(),
        summary: told.summary.unwrap_or_else(|| in_words(&operation.id)),
        node: told.node.or(node),
        vmid: told.vmid.or(vmid),
        name: told.name,
        task: None,
        outcome,
        detail: error
            .filter(|_| outcome != AuditOutcome::Succeeded)
            .map(ToString::to_string),
        request_id,
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
