//! Errors → problems (RFC 9457): the only place that names statuses of failure.
//!
//! A handler returns an [`Error`], which becomes an answer without a body that carries it; layers
//! and axum itself answer with mere statuses. [`render_problems`] gives all of them their body,
//! since it alone knows the request.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ecoman_api::text::EN;
use ecoman_api::{FieldError, Problem, Refusal, task_path};
use ecoman_model::{Role, TaskId};
use ecoman_store::StoreError;

use crate::http::request_id::RequestId;

/// Media type of problems.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request cannot be answered.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("Some parameters of the query are wrong; see errors.")]
    Parameters(Vec<FieldError>),

    #[error("The body is not as it has to be; see errors.")]
    Body(Vec<FieldError>),

    #[error("The body has to be JSON, with the header Content-Type: application/json.")]
    MediaType,

    #[error(
        "This list is there as application/json and as text/csv; the header Accept asks for neither."
    )]
    NotAcceptable,

    #[error(
        "Idempotency-Key has to be there once at most, with 1 to 255 visible ASCII characters."
    )]
    IdempotencyKey,

    #[error(
        "This Idempotency-Key belongs to another request already: {}.", task_path(*.0)
    )]
    KeyReused(TaskId),

    #[error("{node} has no VM {vmid}; it may have been removed.")]
    NoSuchVm { node: String, vmid: String },

    #[error("There is no node {0}; the nodes are those of the crawler's hosts.yml.")]
    NoSuchNode(String),

    #[error("There is no task {0}; it may have been forgotten.")]
    NoSuchTask(String),

    #[error("{vm} on {node}: {}", (EN.refusals.sentence)(refusal))]
    Refused {
        node: String,
        vm: String,
        refusal: Refusal,
    },

    #[error("{0} takes no changes: hosts.yml says read_only: true.")]
    ReadOnly(String),

    #[error("{node} has a VM {name:?} already, {vmid}.")]
    NameTaken {
        node: String,
        name: String,
        vmid: u32,
    },

    #[error("{why} Nothing was asked of {node}; try again. The attempt is kept as {}.", task_path(*task))]
    ExecutorAway {
        task: TaskId,
        node: String,
        why: String,
    },

    /// A body of one of the original's calls.
    #[error("The body is not as it has to be; see errors.")]
    MachineBody(Vec<FieldError>),

    /// A change that one of the original's calls asked for was not done.
    #[error("{detail}")]
    MachineFailed {
        detail: String,
        task: Option<TaskId>,
    },

    /// Such a change is not done yet.
    #[error("{title}: not done yet. It goes on; {} tells how it ends.", task_path(*task))]
    MachineUnfinished { title: String, task: TaskId },

    /// As [`Error::NoSuchNode`], named in a body.
    #[error("There is no node {0}; the nodes are those of the crawler's hosts.yml.")]
    NoNodeForVm(String),

    #[error("Sign in first, or send an API token as Authorization: Bearer.")]
    NotSignedIn,

    #[error("{0}")]
    BadCredentials(&'static str),

    #[error("Name or password is wrong.")]
    WrongPassword,

    #[error("Too many failed tries; wait {} s.", seconds(*.0))]
    TooManyTries(Duration),

    #[error("A page of another site made this request, so it is refused.")]
    CrossSite,

    #[error("{who} may not do this: it takes the role {needed}, and theirs is {role}{}.", if *.limited { ", limited to nodes" } else { "" })]
    Forbidden {
        who: String,
        needed: Role,
        role: Role,
        limited: bool,
    },

    #[error("{who} does not reach {node}: their access is limited to {nodes}.")]
    OutOfReach {
        who: String,
        node: String,
        nodes: String,
    },

    #[error("{0}")]
    SignInOff(&'static str),

    #[error("Only somebody who has signed in with a password can change it.")]
    NotByPassword,

    #[error("The server cannot read or write its users, sessions and tokens; its log tells why.")]
    SignInUnavailable,

    #[error("There is no such API token; it may have been revoked.")]
    NoSuchToken,

    #[error("There is no user {0:?}.")]
    NoSuchUser(String),

    #[error("There is a user {0:?} already.")]
    UserTaken(String),

    #[error("{0:?} is the last admin of all nodes; make another user admin first.")]
    LastAdmin(String),

    #[error("There is nothing at this address. The API is described at /api/v1/openapi.json.")]
    NoSuchPath,

    #[error("This address does not take that method; see the Allow header for those it takes.")]
    Method,

    #[error(
        "This server is not called {0:?}. Use its address, or name it in DASHBOARD_ALLOWED_HOSTS."
    )]
    ForeignHost(String),

    #[error("The request's body is too large; this server takes at most {} KB.", crate::http::BODY_LIMIT / 1024)]
    TooLarge,

    #[error("The server could not answer in time; try again.")]
    Timeout,

    #[error("The server has just started and is still reading its store; try again.")]
    Starting,

    #[error("The server cannot read its store: {0}")]
    Store(String),

    #[error("The server failed at this request. Its log tells more under the id of the request.")]
    Internal,

    /// A status that axum or a layer has decided on.
    #[error("The request cannot be served: {}.", reason(*.0))]
    Status(StatusCode),
}

impl Error {
    /// What went wrong inside is told to the log; to the client only that something did.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = crate::error_chain::chain(error), "a request failed");
        Self::Internal
    }

    /// The store did not do it.
    pub(crate) fn of_store(error: &StoreError) -> Self {
        let message = crate::error_chain::chain(error);
        tracing::error!(error = message, "the store failed at a request");
        Self::Store(message)
    }

    /// What is wrong with single fields.
    fn fields(&self) -> Vec<FieldError> {
        let field = |pointer: &str, detail: &str| {
            vec![FieldError {
                pointer: pointer.to_owned(),
                detail: detail.to_owned(),
            }]
        };
        match self {
            Self::Parameters(errors) | Self::Body(errors) | Self::MachineBody(errors) => {
                errors.clone()
            }
            Self::NameTaken { .. } => field("/name", "is taken on this node"),
            Self::UserTaken(_) => field("/name", "is taken"),
            Self::NoNodeForVm(_) => field("/node", "must be a node of the crawler's hosts.yml"),
            Self::ReadOnly(_) => field("/node", "must be a node that takes changes"),
            _ => Vec::new(),
        }
    }

    /// Status, name of the kind, and title.
    fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Parameters(_) => (
                StatusCode::BAD_REQUEST,
                "bad-parameters",
                "Bad query parameters",
            ),
            Self::Body(_) => (StatusCode::BAD_REQUEST, "bad-body", "Bad body"),
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type",
            ),
            Self::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "not-acceptable",
                "Not acceptable",
            ),
            Self::IdempotencyKey => (
                StatusCode::BAD_REQUEST,
                "bad-idempotency-key",
                "Bad Idempotency-Key",
            ),
            Self::KeyReused(_) => (
                StatusCode::CONFLICT,
                "idempotency-key-reused",
                "Idempotency-Key reused",
            ),
            Self::NoSuchTask(_) => (StatusCode::NOT_FOUND, "task-not-found", "Task not found"),
            Self::Refused { .. } => (StatusCode::CONFLICT, "refused", "Not possible now"),
            Self::ReadOnly(_) => (StatusCode::CONFLICT, "read-only", "Node is read-only"),
            Self::NameTaken { .. } => (StatusCode::CONFLICT, "name-taken", "Name taken"),
            Self::ExecutorAway { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "executor-unavailable",
                "Executor unavailable",
            ),
            Self::MachineBody(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad-body", "Bad body"),
            Self::MachineFailed { .. } => (StatusCode::SERVICE_UNAVAILABLE, "not-done", "Not done"),
            Self::MachineUnfinished { .. } => {
                (StatusCode::GATEWAY_TIMEOUT, "unfinished", "Not done yet")
            }
            Self::NoSuchVm { .. } => (StatusCode::NOT_FOUND, "vm-not-found", "VM not found"),
            Self::NoSuchNode(_) | Self::NoNodeForVm(_) => {
                (StatusCode::NOT_FOUND, "node-not-found", "Node not found")
            }
            Self::NotSignedIn => (StatusCode::UNAUTHORIZED, "not-signed-in", "Not signed in"),
            Self::BadCredentials(_) => (
                StatusCode::UNAUTHORIZED,
                "bad-credentials",
                "Not signed in any more",
            ),
            Self::WrongPassword => (
                StatusCode::UNAUTHORIZED,
                "wrong-password",
                "Wrong name or password",
            ),
            Self::TooManyTries(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-tries",
                "Too many tries",
            ),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross-site", "Cross-site request"),
            Self::Forbidden { .. } => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::OutOfReach { .. } => (StatusCode::FORBIDDEN, "out-of-reach", "Not allowed there"),
            Self::SignInOff(_) => (StatusCode::CONFLICT, "sign-in-off", "Not with this sign-in"),
            Self::NotByPassword => (
                StatusCode::CONFLICT,
                "not-by-password",
                "Not signed in with a password",
            ),
            Self::SignInUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "sign-in-unavailable",
                "Sign-in unavailable",
            ),
            Self::NoSuchToken => (StatusCode::NOT_FOUND, "token-not-found", "Token not found"),
            Self::NoSuchUser(_) => (StatusCode::NOT_FOUND, "user-not-found", "User not found"),
            Self::UserTaken(_) => (StatusCode::CONFLICT, "user-taken", "Name taken"),
            Self::LastAdmin(_) => (StatusCode::CONFLICT, "last-admin", "Last admin"),
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "Method not allowed",
            ),
            Self::ForeignHost(_) => (
                StatusCode::MISDIRECTED_REQUEST,
                "foreign-host",
                "Foreign host name",
            ),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Body too large"),
            Self::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout", "Out of time"),
            Self::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting", "Starting"),
            Self::Store(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "store-unavailable",
                "Store unavailable",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Internal error",
            ),
            Self::Status(status) => (*status, "http", reason(*status)),
        }
    }

    /// The task that tells more.
    fn task(&self) -> Option<TaskId> {
        match self {
            Self::ExecutorAway { task, .. } | Self::MachineUnfinished { task, .. } => Some(*task),
            Self::MachineFailed { task, .. } => *task,
            _ => None,
        }
    }

    /// Whether the same request may go well when it is sent again a little later.
    fn passes(&self, status: StatusCode) -> bool {
        status == StatusCode::SERVICE_UNAVAILABLE && !matches!(self, Self::MachineFailed { .. })
    }

    /// What a mere status means.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NoSuchPath,
            StatusCode::METHOD_NOT_ALLOWED => Self::Method,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::MediaType,
            StatusCode::SERVICE_UNAVAILABLE => Self::Timeout,
            StatusCode::INTERNAL_SERVER_ERROR => Self::Internal,
            other => Self::Status(other),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.kind().0.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Gives every failure its body.
pub(crate) async fn render_problems(request: Request, next: Next) -> Response {
    let instance = request.uri().path().to_owned();
    let request_id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;

    let status = response.status();
    let error = match response.extensions_mut().remove::<Arc<Error>>() {
        Some(error) => error,
        // A page of ours says what is wrong by itself.
        None if is_success(status) || is_html(&response) => return response,
        None => Arc::new(Error::of_status(status)),
    };
    let (status, kind, title) = error.kind();
    let problem = Problem {
        kind: format!("urn:ecoman:problem:{kind}"),
        title: title.to_owned(),
        status: status.as_u16(),
        detail: error.to_string(),
        instance,
        request_id: request_id.unwrap_or_default().0,
        errors: error.fields(),
    };
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if error.passes(status) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    if status == StatusCode::UNAUTHORIZED {
        // RFC 6750, 3: what programs are to show.
        headers.insert(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"ecoman\""),
        );
    }
    if let Error::TooManyTries(wait) = &*error {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds(*wait)));
    }
    if let Some(task) = error.task()
        && let Ok(location) = HeaderValue::try_from(task_path(task))
    {
        headers.insert(LOCATION, location);
    }
    *response.body_mut() = Body::from(crate::http::json::json(&problem).to_string());
    response
}

/// A handler that panicked: tells the log, and the client that something failed.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that CatchPanicLayer asks for"
)]
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = message, "a handler panicked");
    Error::Internal.into_response()
}

/// Whole seconds, and enough of them.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn is_success(status: StatusCode) -> bool {
    !status.is_client_error() && !status.is_server_error()
}

fn is_html(response: &Response) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("unknown status")
}
