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
                "The task that does it; with a key that was used before, the one that was made \
                 then.",
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
            "The body or the key is not as it has to be, and `errors` names each field; or there \
             is a query parameter.",
        TooLarge: "The body is too large.",
        UnsupportedMediaType: "The body is not called JSON.",
    }
    BadMachineBody {
        BadParameters: "There are no query parameters here, or the key is not as it has to be.",
        TooLarge: "The body is too large.",
        UnsupportedMediaType: "The body is not called JSON.",
        BadMachineBody: "The body is not as it has to be; `errors` names each field.",
    }
    MachineFailed {
        IdempotencyKeyReused: "The key belongs to another request.",
        NotDone:
            "It was not done, and `detail` says why; `Location` is the task, if there was one. Or \
             the server has just started, or its store does not answer: then `Retry-After` tells \
             when to try again.",
        Unfinished: "It is not done yet; `Location` is the task that goes on.",
    }
    NotAllowed {
        NotSignedIn: "Nobody has signed in, or what was shown is good for nothing (any more).",
        Forbidden:
            "The caller's role, or the nodes that they are limited to, do not reach so far; or a \
             page of another site made the request.",
    }
    BadJson {
        BadBody: "The body is not as it has to be; `errors` names each field.",
        TooLarge: "The body is too large.",
        UnsupportedMediaType: "The body is not called JSON.",
    }
    WrongPassword {
        WrongPassword: "Name or password is wrong.",
    }
    CrossSite {
        CrossSite: "A page of another site made the request.",
    }
    SignInOff {
        SignInOff: "Not with the way in which people sign in to this server.",
    }
    TooManyTries {
        TooManyTries: "Too many failed tries; `Retry-After` tells when to try again.",
    }
    NoSuchToken {
        TokenNotFound: "There is no such token.",
    }
    NoSuchUser {
        UserNotFound: "There is no such user.",
    }
    UserRefused {
        UserTaken: "The name is taken, the last admin would go, or nobody signs in to this server.",
    }
    NoSuchNode {
        NodeNotFound: "There is no such node.",
    }
    NoSuchVm {
        VmNotFound: "The node is unknown, or has no such VM.",
    }
    NoSuchTask {
        TaskNotFound: "There is no such task; old ones are forgotten.",
    }
    PowerRefused {
        Refused:
            "It cannot be done now, and `detail` says why; or the key belongs to another request.",
    }
    AnswerRefused {
        ReadOnly: "The node takes no changes, or the key belongs to another request.",
    }
    CreationRefused {
        NameTaken:
            "The node has a VM of that name already or takes no changes, or the key belongs to \
             another request.",
    }
    NothingToShow {
        Starting:
            "The server has just started or cannot read its store; `Retry-After` tells when to try \
             again.",
    }
    StoreAway {
        StoreUnavailable:
            "The server cannot read its store; `Retry-After` tells when to try again.",
    }
    NotReady {
        StoreUnavailable: "The store has not been read yet, or does not answer.",
    }
    ExecutorAway {
        ExecutorUnavailable:
            "The executor is away, and nothing was asked of the node; `Location` is the task that \
             says so, and the key stays free. Or the server has just started, or its store does not \
             answer. `Retry-After` tells when to try again.",
    }
}

/// What the way to any operation fails with: a foreign name for the server, an answer that takes too
/// long, a fault of the server's. Not `default`, which generators of clients take for successes too.
pub(crate) struct AnyOther;

impl IntoResponses for AnyOther {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [
            ("4XX".to_owned(), problem("Any other refusal.")),
            (
                "5XX".to_owned(),
                problem("Any other failure of the server."),
            ),
        ]
        .into()
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
