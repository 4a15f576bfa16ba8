//! Answers that several operations have in common, and how requests fail: each is described once
//! here, and named by the handlers that give it.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use ecoman_api::{Task, task_path};
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

/// A status of failure and when it is given.
type Failure = (&'static str, &'static str);

/// Types to be named in `responses(…)`, each standing for the failures behind it.
macro_rules! failures {
    ($($name:ident: [$($failure:expr),+ $(,)?])+) => {$(
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                answers(&[$($failure),+])
            }
        }
    )+};
}

failures! {
    NoParameters: [("400", "There are no query parameters here.")]
    BadParameters: [("400", "A parameter is unknown or bad; `errors` names each.")]
    NotAcceptable: [("406", "`Accept` asks for neither JSON nor CSV.")]
    BadBody: [
        (
            "400",
            "The body or the key is not as it has to be, and `errors` names each field; or there \
             is a query parameter.",
        ),
        ("413", "The body is too large."),
        ("415", "The body is not called JSON."),
    ]
    BadMachineBody: [
        ("400", "There are no query parameters here, or the key is not as it has to be."),
        ("413", "The body is too large."),
        ("415", "The body is not called JSON."),
        ("422", "The body is not as it has to be; `errors` names each field."),
    ]
    MachineFailed: [
        ("409", "The key belongs to another request."),
        (
            "503",
            "It was not done, and `detail` says why; `Location` is the task, if there was one. Or \
             the server has just started, or its store does not answer: then `Retry-After` tells \
             when to try again.",
        ),
        ("504", "It is not done yet; `Location` is the task that goes on."),
    ]
    NotAllowed: [
        ("401", "Nobody has signed in, or what was shown is good for nothing (any more)."),
        (
            "403",
            "The caller's role, or the nodes that they are limited to, do not reach so far; or a \
             page of another site made the request.",
        ),
    ]
    BadJson: [
        ("400", "The body is not as it has to be; `errors` names each field."),
        ("413", "The body is too large."),
        ("415", "The body is not called JSON."),
    ]
    WrongPassword: [("401", "Name or password is wrong.")]
    CrossSite: [("403", "A page of another site made the request.")]
    SignInOff: [("409", "Not with the way in which people sign in to this server.")]
    TooManyTries: [("429", "Too many failed tries; `Retry-After` tells when to try again.")]
    NoSuchToken: [("404", "There is no such token.")]
    NoSuchUser: [("404", "There is no such user.")]
    UserRefused: [(
        "409",
        "The name is taken, the last admin would go, or nobody signs in to this server.",
    )]
    NoSuchNode: [("404", "There is no such node.")]
    NoSuchVm: [("404", "The node is unknown, or has no such VM.")]
    NoSuchTask: [("404", "There is no such task; old ones are forgotten.")]
    PowerRefused: [(
        "409",
        "It cannot be done now, and `detail` says why; or the key belongs to another request.",
    )]
    AnswerRefused: [("409", "The node takes no changes, or the key belongs to another request.")]
    CreationRefused: [(
        "409",
        "The node has a VM of that name already or takes no changes, or the key belongs to another \
         request.",
    )]
    NothingToShow: [(
        "503",
        "The server has just started or cannot read its store; `Retry-After` tells when to try \
         again.",
    )]
    StoreAway: [(
        "503",
        "The server cannot read its store; `Retry-After` tells when to try again.",
    )]
    NotReady: [("503", "The store has not been read yet, or does not answer.")]
    ExecutorAway: [(
        "503",
        "The executor is away, and nothing was asked of the node; `Location` is the task that says \
         so, and the key stays free. Or the server has just started, or its store does not answer. \
         `Retry-After` tells when to try again.",
    )]
    // Whatever the address, there are failures that come from the way there: a foreign name for
    // the server, an answer that takes too long, a fault of the server's. Not `default`, which
    // generators of clients take for successes too.
    AnyOther: [
        ("4XX", "Any other refusal."),
        ("5XX", "Any other failure of the server."),
    ]
}

fn answers(failures: &[Failure]) -> BTreeMap<String, RefOr<Response>> {
    failures
        .iter()
        .map(|(status, description)| {
            let problem = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build();
            let response = ResponseBuilder::new()
                .description(*description)
                .content(PROBLEM_JSON, problem)
                .build();
            ((*status).to_owned(), RefOr::T(response))
        })
        .collect()
}
