//! Answers that several operations have in common, and how requests fail: each is described once
//! here, and named by the handlers that give it.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use ecoman_api::{ProblemKind, Task, task_path};
use utoipa::IntoResponses;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder,
};

use crate::http::problem::PROBLEM_JSON;
use crate::tasks::view;

/// 202 with the task that a request has made.
pub(crate) struct Accepted(Task);

impl IntoResponses for Accepted {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let task = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Task")))
            .build();
        let location = HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .description(Some("Address of the task."))
            .build();
        let response = ResponseBuilder::new()
            .description(
                "The task of the change; with a key that was used before, the task of that request.",
            )
            .content("application/json", task)
            .header("Location", location)
            .build();
        [("202".to_owned(), RefOr::T(response))].into()
    }
}

impl Accepted {
    pub(super) fn new(task: ecoman_model::Task) -> Self {
        Self(view::task(task))
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> axum::response::Response {
        let location = [(LOCATION, task_path(self.0.id))];
        (StatusCode::ACCEPTED, location, Json(self.0)).into_response()
    }
}

/// 304: the client has the answer already.
pub(crate) struct NotModified;

impl IntoResponses for NotModified {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let response = ResponseBuilder::new()
            .description("Nothing has changed since the answer with that `ETag`.")
            .build();
        [("304".to_owned(), RefOr::T(response))].into()
    }
}

/// Types to be named in `responses(…)`: each stands for kinds of problems, and says when their
/// statuses are given.
macro_rules! failures {
    ($($name:ident { $($kind:ident: $description:literal,)+ })+) => {$(
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$((ProblemKind::$kind.status().to_string(), problem($description)),)+].into()
            }
        }
    )+};
}

failures! {
    NoParameters {
        BadParameters: "There are no query parameters here.",
    }
    BadParameters {
        BadParameters: "A parameter is unknown or bad; `errors` names each.",
    }
    NotAcceptable {
        NotAcceptable: "`Accept` asks for neither JSON nor CSV.",
    }
    BadBody {
        BadBody:
            "The body or the key is invalid, and `errors` names each field; or there is a query \
             parameter.",
        TooLarge: "The body is too large.",
        UnsupportedMediaType: "`Content-Type` is not `application/json`.",
    }
    BadMachineBody {
        BadParameters: "There are no query parameters here, or the key is invalid.",
        TooLarge: "The body is too large.",
        UnsupportedMediaType: "`Content-Type` is not `application/json`.",
        BadMachineBody: "The body is invalid; `errors` names each field.",
    }
    MachineFailed {
        IdempotencyKeyReused: "The key belongs to another request.",
        NotDone:
            "The change was not made, and `detail` says why; `Location` is the task, if there is one. \
             Or the server has just started, or its store does not answer: then `Retry-After` says \
             when to try again.",
        Unfinished: "The change is not done yet; `Location` is the task, which continues.",
    }
    NotAllowed {
        NotSignedIn: "Not signed in, or the session or token is invalid or expired.",
        Forbidden:
            "The caller's role or nodes do not allow it, or a page of another site made the request.",
    }
    BadJson {
        BadBody: "The body is invalid; `errors` names each field.",
        TooLarge: "The body is too large.",
        UnsupportedMediaType: "`Content-Type` is not `application/json`.",
    }
    WrongPassword {
        WrongPassword: "Incorrect user name or password.",
    }
    BodyTooLarge {
        TooLarge: "The body is too large.",
    }
    CrossSite {
        CrossSite: "A page of another site made the request.",
    }
    SignInOff {
        SignInOff: "The operation does not exist with this server's way of signing in.",
    }
    TooManyTries {
        TooManyTries: "Too many failed tries; `Retry-After` says when to try again.",
    }
    NoSuchToken {
        TokenNotFound: "There is no such token.",
    }
    NoSuchUser {
        UserNotFound: "There is no such user.",
    }
    UserRefused {
        UserTaken: "The name is taken, it is the last admin, or sign-in is off on this server.",
    }
    NoSuchNode {
        NodeNotFound: "There is no such node.",
    }
    NoSuchVm {
        VmNotFound: "There is no such node, or it has no such VM.",
    }
    NoSuchTask {
        TaskNotFound: "There is no such task; old ones are deleted.",
    }
    PowerRefused {
        Refused:
            "The change is not possible now, and `detail` says why; or the key belongs to another request.",
    }
    NodeNotRead {
        NodeFailed: "The node failed, or could not be reached; `detail` says how.",
        ExecutorUnavailable:
            "The executor does not answer, or the server has just started or cannot read its store; \
             `Retry-After` says when to try again.",
        NodeTimeout: "The node did not answer in time.",
    }
    NodeNotLookedAt {
        NodeFailed: "The node failed, or could not be reached, so its files could not be looked at.",
        NodeTimeout: "The node did not answer in time, so its files could not be looked at.",
    }
    DeletionRefused {
        Refused:
            "The VM cannot be deleted now, and `detail` says why: it is not off, the name is not its \
             own, another task of it is under way, its files are needed elsewhere or in use, or the \
             node is read-only; or the key belongs to another request.",
    }
    HardwareRefused {
        Refused:
            "The hardware of the VM cannot be changed now, and `detail` says why: it is not off, its \
             files are not there, or the node is read-only; or the key belongs to another request.",
    }
    NoKeptVmx {
        TaskNotFound: "There is no such task, or it has kept no `.vmx`.",
    }
    NothingWaits {
        PendingNotFound:
            "There is no such VM, or nothing of it waits: it was taken back, or has become a task.",
    }
    EditRefused {
        VmChanged:
            "The VM cannot be changed now, and `detail` says why: it is not off, a value in `if` is \
             another one by now, the name is taken, or the node is read-only; or the key belongs to \
             another request.",
    }
    NotCancellable {
        NotCancellable: "It has ended, or has begun what cannot be stopped; `detail` says which.",
    }
    AnswerRefused {
        ReadOnly: "The node is read-only, or the key belongs to another request.",
    }
    CreationRefused {
        NameTaken:
            "The node already has a VM of this name or is read-only, or the key belongs to another \
             request.",
    }
    NothingToShow {
        Starting:
            "The server has just started or cannot read its store; `Retry-After` says when to try \
             again.",
    }
    StoreAway {
        StoreUnavailable:
            "The server cannot read its store; `Retry-After` says when to try again.",
    }
    NotReady {
        StoreUnavailable: "The store has not been read yet, or does not answer.",
    }
    NotWritable {
        StoreUnwritable:
            "The store takes no changes, has not been read yet, or does not answer; `detail` says why.",
    }
    ExecutorAway {
        ExecutorUnavailable:
            "The executor does not answer, so nothing was sent to the node; `Location` is the failed \
             task, and the key stays free. Or the server has just started, or its store does not \
             answer or takes no changes. `Retry-After` says when to try again.",
    }
}

/// What the way to any operation fails with, where the operation does not give the status itself. By
/// number: a range, or `default`, hides from clients and from tests what is not described.
pub(crate) struct Anywhere;

impl IntoResponses for Anywhere {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let answers = [
            (
                ProblemKind::BadParameters,
                "There are no query parameters here.",
            ),
            (
                ProblemKind::ForeignHost,
                "The client uses a name for the server that `DASHBOARD_ALLOWED_HOSTS` lacks.",
            ),
            (
                ProblemKind::Internal,
                "The server failed; its log has the cause, with `request_id`.",
            ),
            (ProblemKind::Timeout, "The answer took too long."),
        ];
        answers
            .into_iter()
            .map(|(kind, description)| (kind.status().to_string(), problem(description)))
            .collect()
    }
}

/// What any change fails with, too.
pub(crate) struct AnyChange;

impl IntoResponses for AnyChange {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        CrossSite::responses()
            .into_iter()
            .chain(BodyTooLarge::responses())
            .collect()
    }
}

fn problem(description: &str) -> RefOr<Response> {
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let response = ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_JSON, problem)
        .build();
    RefOr::T(response)
}
