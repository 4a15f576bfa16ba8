//! Requests and answers.

use ecoman_api::{Task, TaskPage};
use gloo_net::http::{Request, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::later::later;
use crate::state::error::Error;
use crate::state::wire::read_json;

pub(super) const ROOT: &str = "/api/v1";

pub(super) async fn csv(path: &str) -> Result<Vec<u8>, Error> {
    let request = Request::get(path).header("Accept", "text/csv");
    bytes(good(request.send().await).await?).await
}

pub(super) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Error> {
    read(send(path).await?).await
}

pub(super) async fn change(request: RequestBuilder, body: &impl Serialize) -> Result<Task, Error> {
    let request = with_json(request, body)?;
    read_task(bytes(good(request.send().await).await?).await?).await
}

pub(super) fn with_json(request: RequestBuilder, body: &impl Serialize) -> Result<Request, Error> {
    let unreadable = |error: &dyn std::fmt::Display| Error::Unreadable(error.to_string());
    let body = serde_json::to_string(body).map_err(|error| unreadable(&error))?;
    request
        .header("Content-Type", "application/json")
        .body(body)
        .map_err(|error| unreadable(&error))
}

pub(super) async fn send(path: &str) -> Result<Response, Error> {
    good(Request::get(path).send().await).await
}

/// The answer, if it is a good one.
pub(super) async fn good(response: Result<Response, gloo_net::Error>) -> Result<Response, Error> {
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

pub(super) async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Error> {
    read_json(&bytes(response).await?)
}

pub(super) async fn bytes(response: Response) -> Result<Vec<u8>, Error> {
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

#[cfg(feature = "split")]
impl From<leptos::wasm_split::SplitLoaderError> for Error {
    fn from(_: leptos::wasm_split::SplitLoaderError) -> Self {
        Self::Unreachable
    }
}
