//! Requests and answers.

use std::fmt;

use ecoman_api::{Task, TaskPage};
use gloo_net::http::{Headers, Request, RequestBuilder, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use web_sys::{AbortSignal, RequestCache};

use crate::later::later;
use crate::state::error::Error;
use crate::state::route::base;
pub(super) use crate::state::wire::read_json;

/// Where the API is.
pub(super) const ROOT: Root = Root;

/// Where a VM is in the API.
pub(super) fn vm_path(node: &str, vmid: u32) -> String {
    let node = utf8_percent_encode(node, NON_ALPHANUMERIC);
    format!("{ROOT}/vms/{node}/{vmid}")
}

pub(super) struct Root;

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/api/v1", base())
    }
}

/// The time limit of a request that reads, with its answer.
const READ_SECONDS: u32 = 20;
/// The time limit of a request that changes something. It ends also one that the browser has not sent
/// yet: what a person has confirmed happens soon or not at all.
const CHANGE_SECONDS: u32 = 10;

pub(super) async fn csv(path: &str) -> Result<Vec<u8>, Error> {
    let limit = Limit::new(READ_SECONDS);
    let request = Request::get(path).header("Accept", "text/csv");
    let outcome = async { bytes(good(limit.on(request).send().await).await?).await };
    limit.explain(outcome.await)
}

pub(super) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Error> {
    read_json(&get_bytes(path).await?)
}

pub(super) async fn change(request: RequestBuilder, body: &impl Serialize) -> Result<Task, Error> {
    read_task(change_for_bytes(request, Some(body)).await?).await
}

/// Sends a change, and returns the body of the answer.
pub(super) async fn change_for_bytes(
    request: RequestBuilder,
    body: Option<&impl Serialize>,
) -> Result<Vec<u8>, Error> {
    Ok(change_for_answer(request, body).await?.1)
}

/// Sends a change, and returns the status and the body of the answer.
pub(super) async fn change_for_answer(
    request: RequestBuilder,
    body: Option<&impl Serialize>,
) -> Result<(u16, Vec<u8>), Error> {
    let limit = Limit::new(CHANGE_SECONDS);
    let request = with_json(limit.on(request), body)?;
    let outcome = async {
        let response = good(request.send().await).await?;
        Ok((response.status(), bytes(response).await?))
    };
    limit.explain(outcome.await)
}

/// A time limit, after which the browser drops a request wherever it stands.
struct Limit {
    seconds: u32,
    signal: AbortSignal,
}

impl Limit {
    fn new(seconds: u32) -> Self {
        Self {
            seconds,
            signal: AbortSignal::timeout_with_u32(seconds * 1000),
        }
    }

    fn on(&self, request: RequestBuilder) -> RequestBuilder {
        request.abort_signal(Some(&self.signal))
    }

    /// Names the limit as the reason where it is one.
    fn explain<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        outcome.map_err(|error| match error {
            Error::Unreachable if self.signal.aborted() && self.seconds == CHANGE_SECONDS => {
                Error::ChangeTimedOut(self.seconds)
            }
            Error::Unreachable if self.signal.aborted() => Error::TimedOut(self.seconds),
            error => error,
        })
    }
}

/// Makes the browser give up connections that are dead without its knowing. It would try one after
/// another, and each request would wait for its whole time limit: these have little.
pub(crate) async fn shed_dead_connections() {
    // A browser keeps so many to a server that speaks HTTP/1.1.
    let probes = std::array::from_fn::<_, 6, _>(|_| async {
        let signal = AbortSignal::timeout_with_u32(1000);
        let request = Request::get(&format!("{ROOT}/session"));
        // Requests for the same address wait for each other where the answer may be kept.
        let request = request.cache(RequestCache::NoStore);
        // Whatever comes of it, the connection lives or is gone.
        let _ = request.abort_signal(Some(&signal)).send().await;
    });
    futures::future::join_all(probes).await;
}

fn with_json(request: RequestBuilder, body: Option<&impl Serialize>) -> Result<Request, Error> {
    let unreadable = |error: &dyn fmt::Display| Error::Unreadable(error.to_string());
    let Some(body) = body else {
        return request.build().map_err(|error| unreadable(&error));
    };
    let body = serde_json::to_string(body).map_err(|error| unreadable(&error))?;
    request
        .header("Content-Type", "application/json")
        .body(body)
        .map_err(|error| unreadable(&error))
}

/// The body of the answer to a GET.
pub(super) async fn get_bytes(path: &str) -> Result<Vec<u8>, Error> {
    get_with_headers(path).await.map(|(_, body)| body)
}

/// The headers of the answer to a GET, and its body.
pub(super) async fn get_with_headers(path: &str) -> Result<(Headers, Vec<u8>), Error> {
    let limit = Limit::new(READ_SECONDS);
    let outcome = async {
        let response = good(limit.on(Request::get(path)).send().await).await?;
        Ok((response.headers(), bytes(response).await?))
    };
    limit.explain(outcome.await)
}

/// The answer, if it is a good one.
async fn good(response: Result<Response, gloo_net::Error>) -> Result<Response, Error> {
    let response = response.map_err(|_| Error::Unreachable)?;
    if response.ok() {
        return Ok(response);
    }
    let status = response.status();
    Err(read(response)
        .await
        .map_or(Error::Status(status), |problem| {
            Error::Problem(Box::new(problem))
        }))
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Error> {
    read_json(&bytes(response).await?)
}

async fn bytes(response: Response) -> Result<Vec<u8>, Error> {
    // They are UTF-8 already; `text()` would go by UTF-16.
    response.binary().await.map_err(|_| Error::Unreachable)
}

// Tasks are the largest things to read, and the list is there without them.
later! {
    pub(super) fn read_task(json: Vec<u8>) -> Result<Task, Error> {
        read_json(&json)
    }
}

later! {
    pub(super) fn task_page(json: Vec<u8>) -> Result<TaskPage, Error> {
        read_json(&json)
    }
}
